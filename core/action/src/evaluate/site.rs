//! A target, and what was measured there.

use super::round::Script;
use super::summary::summaries;
use super::{EvaluateRequest, EvaluatedTarget, Round, Subject};
use crate::{ActionError, Context, Event, Progress};

/// A target, and what was measured there.
pub(super) struct Site<'a> {
    context: Context<'a>,
    request: &'a EvaluateRequest,
    release: &'a str,
    about: Vec<(String, String)>,
    subject: Option<Subject>,
    rounds: Vec<Round>,
    failures: Vec<ActionError>,
    /// Whether a round could not be cleaned up, or the release is somebody else's by now, so that there is no other.
    is_stuck: bool,
}

impl<'a> Site<'a> {
    pub(super) fn new(context: &Context<'a>, request: &'a EvaluateRequest, release: &'a str) -> Self {
        Self {
            context: *context,
            request,
            release,
            about: Vec::new(),
            subject: None,
            rounds: Vec::new(),
            failures: Vec::new(),
            is_stuck: false,
        }
    }

    /// Asks the platform what it is. One that does not say is measured all the same.
    pub(super) async fn meet(&mut self) {
        let findings = self.context.backend().verify(self.context.namespace).await.unwrap_or_default();
        self.about = findings.into_iter().filter_map(|finding| finding.measured_on).collect();
    }

    /// Runs the script once, unless it was cancelled or something of an earlier round, or of
    /// somebody else, is there.
    pub(super) async fn round(&mut self, number: u32) {
        if self.is_stuck || self.context.cancel.is_cancelled() {
            return;
        }
        let few = Few(self.context.progress);
        let context = Context { progress: &few, ..self.context };
        let mut script = Script::new(&context, self.request, self.release, number);
        script.run().await;
        let run = script.end();
        self.is_stuck = run.is_left;
        self.subject = self.subject.take().or(run.subject);
        self.rounds.push(run.round);
        self.failures.extend(run.failures);
    }

    /// What was measured, and what failed.
    pub(super) fn end(self) -> (EvaluatedTarget, Vec<ActionError>) {
        let target = EvaluatedTarget {
            name: self.context.target.name.clone(),
            platform: self.context.backend().name().to_owned(),
            namespace: self.context.namespace.to_owned(),
            about: self.about,
            subject: self.subject,
            phases: summaries(&self.rounds),
            rounds: self.rounds,
        };
        (target, self.failures)
    }
}

/// Tells only what is not known by the phases: every round does the same steps.
struct Few<'a>(&'a dyn Progress);

impl Progress for Few<'_> {
    fn event(&self, event: &Event) {
        if matches!(
            event,
            Event::Rendering
                | Event::Rendered
                | Event::Left(_)
                | Event::StepFailed { .. }
                | Event::Measuring { .. }
                | Event::Measured { .. }
        ) {
            self.0.event(event);
        }
    }
}
