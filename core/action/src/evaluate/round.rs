//! One round of the script on one target.

mod phases;

use std::time::Duration;

use rhumb_backend::{ErrorKind, Scope};
use tokio::time::Instant;

use phases::Carried;

use super::door::{Behind, Door};
use super::statistics::rounded;
use super::{EvaluateRequest, Measurement, Outcome, Phase, Round, RoundKind, Subject};
use crate::known::find_record;
use crate::{ActionError, Context, Event};

/// One round of the script on one target.
pub(super) struct Script<'a> {
    context: &'a Context<'a>,
    request: &'a EvaluateRequest,
    scope: Scope,
    round: Round,
    failures: Vec<ActionError>,
    subject: Option<Subject>,
    door: Option<Door>,
    is_left: bool,
    /// Whether somebody else has made a release of this name meanwhile, which is not touched.
    is_anothers: bool,
}

/// What a round gave.
pub(super) struct Run {
    pub(super) round: Round,
    pub(super) failures: Vec<ActionError>,
    pub(super) subject: Option<Subject>,
    /// Whether something of it is left on the target.
    pub(super) is_left: bool,
}

impl<'a> Script<'a> {
    pub(super) fn new(
        context: &'a Context<'a>,
        request: &'a EvaluateRequest,
        release: &str,
        number: u32,
    ) -> Self {
        let round = Round {
            number,
            kind: if number == 0 { RoundKind::WarmUp } else { RoundKind::Counted },
            started: context.now(),
            ended: String::new(),
            way: None,
            no_load: None,
            measurements: Vec::new(),
        };
        Self {
            context,
            request,
            scope: context.scope(release),
            round,
            failures: Vec::new(),
            subject: None,
            door: None,
            is_left: false,
            is_anothers: false,
        }
    }

    /// Carries it out. Whatever happens, it ends with the uninstall.
    pub(super) async fn run(&mut self) {
        let is_installed = self.phase(Phase::Install).await;
        if is_installed {
            self.look_around().await;
        }
        for phase in self.request.phases.clone() {
            if is_installed {
                self.phase(phase).await;
            } else {
                self.skip(phase, "the install failed");
            }
        }
        self.is_left = if is_installed {
            !self.phase(Phase::Uninstall).await
        } else if self.is_anothers {
            self.skip(Phase::Uninstall, "the release is somebody else's");
            true
        } else {
            !self.clean_up().await
        };
        self.round.ended = self.context.now();
    }

    pub(super) fn end(self) -> Run {
        Run { round: self.round, failures: self.failures, subject: self.subject, is_left: self.is_left }
    }

    /// Carries out one phase, and notes what became of it. Tells whether it was done.
    async fn phase(&mut self, phase: Phase) -> bool {
        if phase != Phase::Uninstall && self.context.cancel.is_cancelled() {
            self.skip(phase, "the evaluation was interrupted");
            return false;
        }
        self.context.tell(&Event::Measuring { round: self.round.number, phase });
        let at = self.context.now();
        let Carried { tried, load, notes } = self.carry_out(phase).await;
        let outcome = match tried.took {
            Ok(took) => Outcome::Done { seconds: rounded(took.as_secs_f64()) },
            Err(error) => {
                let is_taken = matches!(error, ActionError::Busy { .. } | ActionError::AlreadyExists { .. });
                self.is_anothers |= phase == Phase::Install && is_taken;
                self.outcome_of(error, tried.after)
            }
        };
        // What is lost while nothing could be done says nothing.
        let load = load.filter(|_| !matches!(outcome, Outcome::NotPossible { .. }));
        let is_done = matches!(outcome, Outcome::Done { .. });
        self.push(Measurement { phase, started: at, outcome, load, notes });
        is_done
    }

    fn push(&mut self, measurement: Measurement) {
        let round = self.round.number;
        self.context.tell(&Event::Measured { round, measurement: Box::new(measurement.clone()) });
        self.round.measurements.push(measurement);
    }

    fn skip(&mut self, phase: Phase, why: &str) {
        let outcome = Outcome::Skipped { why: why.to_owned() };
        let started = self.context.now();
        self.round.measurements.push(Measurement { phase, started, outcome, load: None, notes: Vec::new() });
    }

    /// What an error comes to: some only say that the platform has no such thing.
    fn outcome_of(&mut self, error: ActionError, after: Duration) -> Outcome {
        let text = told(&error);
        match &error {
            ActionError::Unsupported { .. } => Outcome::NotPossible { why: text },
            ActionError::Backend(error) if error.kind == ErrorKind::Unsupported => {
                Outcome::NotPossible { why: text }
            }
            ActionError::Cancelled => {
                self.failures.push(error);
                Outcome::Skipped { why: "the evaluation was interrupted".to_owned() }
            }
            _ => {
                self.failures.push(error);
                Outcome::Failed { seconds: rounded(after.as_secs_f64()), error: text }
            }
        }
    }

    /// Chooses the workload, and finds the way to it.
    async fn look_around(&mut self) {
        if !self.request.phases.iter().copied().any(Phase::has_load) {
            self.round.no_load = Some("none of the phases is under load".to_owned());
            return;
        }
        let found = find_record(self.context, &self.scope.release, None).await;
        match found.and_then(|record| self.request.subject(&record.app)) {
            Ok(subject) => self.subject = Some(subject),
            Err(error) => {
                self.round.no_load = Some(told(&error));
                self.failures.push(error);
                return;
            }
        }
        if self.request.load.rate == 0 {
            self.round.no_load = Some("no load was asked for".to_owned());
            return;
        }
        let Some(behind) = self.behind() else { return };
        match behind.door(self.request).await {
            Ok(door) => {
                self.round.way = Some(door.way.clone());
                self.door = Some(door);
            }
            Err(error) => self.round.no_load = Some(told(&error)),
        }
    }

    fn behind(&self) -> Option<Behind<'_>> {
        let subject = self.subject.as_ref()?;
        Some(Behind { context: self.context, scope: &self.scope, subject, request: &self.request.load })
    }

    /// Removes what an install that failed has left, and tells whether that is gone. Its time says nothing.
    async fn clean_up(&mut self) -> bool {
        self.context.tell(&Event::Measuring { round: self.round.number, phase: Phase::Uninstall });
        let (at, started) = (self.context.now(), Instant::now());
        let mut notes = Vec::new();
        let outcome = match self.uninstall(&mut notes).await {
            Ok(_) => Outcome::Skipped { why: "the install failed; what it left was removed".to_owned() },
            Err(error) => self.outcome_of(error, started.elapsed()),
        };
        let is_gone = matches!(outcome, Outcome::Skipped { .. });
        let measurement = Measurement { phase: Phase::Uninstall, started: at, outcome, load: None, notes };
        self.push(measurement);
        is_gone
    }
}

/// An error in one text: what, and what to do.
fn told(error: &ActionError) -> String {
    match error.root() {
        ActionError::Backend(found) => match &found.remedy {
            Some(remedy) => format!("{found}; use {remedy}"),
            None => found.to_string(),
        },
        other => other.to_string(),
    }
}
