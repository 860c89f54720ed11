//! One round of the script on one target.

use std::time::Duration;

use rhumb_backend::{Action, Error, ErrorKind, ObjectId, Runtime, Scope};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::door::{Behind, Door};
use super::recovery::Replicas;
use super::statistics::rounded;
use super::{EvaluateRequest, LoadCount, Measurement, Outcome, Phase, Round, RoundKind, Subject};
use crate::deploy::{Goal, Order, deploy};
use crate::known::find_record;
use crate::running::runtime;
use crate::{
    ActionError, ActionResult, ChartInputs, Context, DeployOptions, Deployed, Event, HistoryAfter, IfAbsent,
    IgnoreAbsent, RestartRequest, ScaleRequest, UninstallRequest, ValueReuse, Wait, restart, scale,
    uninstall,
};

/// How long the platform may show something of a release after its uninstall is done.
const SETTLE: Duration = Duration::from_secs(10);
/// Time between two looks at it.
const LOOK: Duration = Duration::from_millis(500);

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
}

/// What a round gave.
pub(super) struct Run {
    pub(super) round: Round,
    pub(super) failures: Vec<ActionError>,
    pub(super) subject: Option<Subject>,
    /// Whether something of it is left on the target.
    pub(super) is_left: bool,
}

/// A phase that was done.
struct Done {
    took: Duration,
    load: Option<LoadCount>,
    notes: Vec<String>,
}

impl Done {
    fn since(started: Instant) -> Self {
        Self { took: started.elapsed(), load: None, notes: Vec::new() }
    }

    fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
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
        if is_installed {
            self.is_left = !self.phase(Phase::Uninstall).await;
        } else {
            self.clean_up().await;
        }
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
        let (at, started) = (self.context.now(), Instant::now());
        let result = self.carry_out(phase).await;
        let (outcome, load, notes) = match result {
            Ok(done) => {
                let seconds = rounded(done.took.as_secs_f64());
                (Outcome::Done { seconds }, done.load, done.notes)
            }
            Err(error) => (self.outcome_of(error, started), None, Vec::new()),
        };
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
    fn outcome_of(&mut self, error: ActionError, started: Instant) -> Outcome {
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
                Outcome::Failed { seconds: rounded(started.elapsed().as_secs_f64()), error: text }
            }
        }
    }

    async fn carry_out(&self, phase: Phase) -> ActionResult<Done> {
        match phase {
            Phase::Install => self.install().await,
            Phase::NoOp => self.no_op().await,
            Phase::Update => self.loaded(self.update()).await,
            Phase::ScaleUp => self.loaded(self.scale(|subject| subject.scaled_to)).await,
            Phase::ScaleDown => self.loaded(self.scale(|subject| subject.replicas)).await,
            Phase::Recovery => self.loaded(self.recovery()).await,
            Phase::Uninstall => self.uninstall().await,
        }
    }

    /// Chooses the workload, and finds the way to it.
    async fn look_around(&mut self) {
        let found = find_record(self.context, &self.scope.release, None).await;
        let wanted = (self.request.workload.as_deref(), self.request.replicas);
        let subject = found.and_then(|record| Ok(Subject::of(&record.app, wanted.0, wanted.1)?));
        match subject {
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

    async fn loaded(&self, work: impl Future<Output = ActionResult<Done>>) -> ActionResult<Done> {
        let (Some(door), Some(behind)) = (&self.door, self.behind()) else { return work.await };
        let (done, load) = behind.under_load(door, work).await;
        let done = done?;
        Ok(match load {
            Ok(load) => Done { load: Some(load), ..done },
            Err(error) => done.note(format!("no requests were sent: {error}")),
        })
    }

    fn options(&self) -> DeployOptions {
        DeployOptions {
            wait: Wait::Ready,
            timeout: self.request.timeout,
            no_namespace: self.request.no_namespace,
            ..DeployOptions::default()
        }
    }

    async fn install(&self) -> ActionResult<Done> {
        let started = Instant::now();
        let goal = Goal::Install(&self.request.inputs);
        self.deploy(goal).await?;
        Ok(Done::since(started))
    }

    async fn deploy(&self, goal: Goal<'_>) -> ActionResult<Deployed> {
        deploy(self.context, Order { release: &self.scope.release, goal, options: &self.options() }).await
    }

    async fn upgrade(&self, inputs: &ChartInputs) -> ActionResult<Deployed> {
        self.deploy(Goal::Upgrade { inputs, values: ValueReuse::Reset, absent: IfAbsent::Fail }).await
    }

    async fn no_op(&self) -> ActionResult<Done> {
        let started = Instant::now();
        let deployed = self.upgrade(&self.request.inputs).await?;
        let done = Done::since(started);
        let steps = deployed.plan.steps.iter().filter(|step| step.action != Action::Await);
        let written: Vec<String> = steps.map(|step| step.id.to_string()).collect();
        if written.is_empty() {
            return Ok(done);
        }
        let why = format!("it should have written nothing, and it wrote {}", written.join(", "));
        Err(Error::new(ErrorKind::Platform, "upgrade without a change", why).into())
    }

    fn subject(&self) -> ActionResult<&Subject> {
        let none = || Error::new(ErrorKind::NotFound, "find the workload", "none was chosen").into();
        self.subject.as_ref().ok_or_else(none)
    }

    async fn update(&self) -> ActionResult<Done> {
        let subject = self.subject()?;
        let started = Instant::now();
        if !self.request.update.0.is_empty() {
            let mut inputs = self.request.inputs.clone();
            inputs.values.0.extend(self.request.update.0.iter().cloned());
            self.upgrade(&inputs).await?;
            return Ok(Done::since(started).note("an upgrade with the values of the update"));
        }
        let request = RestartRequest {
            name: self.scope.release.clone(),
            workloads: vec![subject.workload.clone()],
            wait: Wait::Ready,
            timeout: self.request.timeout,
        };
        restart(self.context, &request).await?;
        Ok(Done::since(started))
    }

    fn replicas<'s>(&'s self, runtime: &'s dyn Runtime, subject: &'s Subject) -> Replicas<'s> {
        Replicas {
            context: self.context,
            runtime,
            scope: &self.scope,
            workload: &subject.workload,
            deadline: Instant::now() + self.request.timeout,
        }
    }

    async fn scale(&self, number: impl Fn(&Subject) -> u32) -> ActionResult<Done> {
        let subject = self.subject()?;
        let number = number(subject);
        let (started, runtime) = (Instant::now(), runtime(self.context, "setting a number of replicas")?);
        let request = ScaleRequest {
            name: self.scope.release.clone(),
            workloads: vec![(subject.workload.clone(), number)],
            wait: Wait::Ready,
            timeout: self.request.timeout,
        };
        scale(self.context, &request).await?;
        self.replicas(runtime, subject).until(number as usize, None).await?;
        Ok(Done::since(started))
    }

    async fn recovery(&self) -> ActionResult<Done> {
        let subject = self.subject()?;
        let runtime = runtime(self.context, "ending a replica")?;
        let replicas = self.replicas(runtime, subject);
        let before = replicas.running().await?;
        let started = Instant::now();
        let killed = runtime.kill(&self.scope, &subject.workload).await?;
        replicas.until(before, Some(&killed.id)).await?;
        Ok(Done::since(started).note(format!("{}: {}", killed.name, killed.how)))
    }

    async fn remove(&self) -> ActionResult<Vec<ObjectId>> {
        // What was installed goes, whoever asked to stop.
        let cancel = CancellationToken::new();
        let context = Context { cancel: &cancel, ..*self.context };
        let request = UninstallRequest {
            name: self.scope.release.clone(),
            history: HistoryAfter::Remove,
            absent: IgnoreAbsent::Ignore,
            wait: Wait::Ready,
            timeout: self.request.timeout,
            execution: crate::Execution::Apply,
            description: None,
        };
        Ok(uninstall(&context, &request).await?.kept)
    }

    async fn uninstall(&self) -> ActionResult<Done> {
        let started = Instant::now();
        let kept = self.remove().await?;
        let done = Done::since(started);
        self.require_nothing_but(&kept).await?;
        if kept.is_empty() {
            return Ok(done);
        }
        let names: Vec<String> = kept.iter().map(ToString::to_string).collect();
        Ok(done.note(format!("the chart keeps {}, which stay on the target", names.join(", "))))
    }

    /// Looks whether the platform shows anything of the release any more.
    async fn require_nothing_but(&self, kept: &[ObjectId]) -> ActionResult<()> {
        let deadline = Instant::now() + SETTLE;
        loop {
            let observed = self.context.backend().observe(&self.scope, &[]).await?;
            let ours = observed.objects.iter().filter(|live| live.foreign.is_none());
            let ids = ours.map(|live| &live.object.id).filter(|id| !kept.contains(id));
            let mut left: Vec<String> = ids.map(ToString::to_string).collect();
            let heads = self.context.releases().history(&self.scope).await?;
            left.extend(heads.iter().map(|head| format!("the record of revision {}", head.revision)));
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let why = format!("these are left: {}", left.join(", "));
                return Err(Error::new(ErrorKind::Platform, "remove everything", why).into());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Removes what an install that failed has left. Its time says nothing.
    async fn clean_up(&mut self) {
        self.context.tell(&Event::Measuring { round: self.round.number, phase: Phase::Uninstall });
        let (at, started) = (self.context.now(), Instant::now());
        let outcome = match self.uninstall().await {
            Ok(_) => Outcome::Skipped { why: "the install failed; what it left was removed".to_owned() },
            Err(error) => {
                self.is_left = true;
                self.outcome_of(error, started)
            }
        };
        let measurement =
            Measurement { phase: Phase::Uninstall, started: at, outcome, load: None, notes: Vec::new() };
        self.push(measurement);
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
