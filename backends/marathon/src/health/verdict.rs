//! What is said of a rollout.

use rhumb_backend::{Failure, ObjectHealth, Receipt, State};

/// What is said of a rollout.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) state: State,
    pub(super) ready: u32,
    pub(super) wanted: u32,
    pub(super) message: String,
    pub(super) culprit: Option<Culprit>,
}

/// A task that failed, and where its output is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Culprit {
    pub(super) failure: Failure,
    /// Mesos' id of the agent that it was on.
    pub(super) agent: Option<String>,
}

impl Verdict {
    pub(super) fn new(state: State, message: impl Into<String>) -> Self {
        Self { state, ready: 0, wanted: 0, message: message.into(), culprit: None }
    }

    pub(super) fn ready(message: impl Into<String>) -> Self {
        Self::new(State::Ready, message)
    }

    pub(super) fn progressing(message: impl Into<String>) -> Self {
        Self::new(State::Progressing, message)
    }

    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::new(State::Failed, message)
    }

    pub(super) fn counts(mut self, ready: u32, wanted: u32) -> Self {
        (self.ready, self.wanted) = (ready, wanted);
        self
    }

    pub(super) fn because(mut self, culprit: Option<Culprit>) -> Self {
        self.culprit = culprit;
        self
    }

    pub(super) fn told(self, receipt: &Receipt) -> ObjectHealth {
        ObjectHealth {
            id: receipt.id.clone(),
            workload: receipt.workload.clone(),
            state: self.state,
            ready: self.ready,
            wanted: self.wanted,
            message: self.message,
            failure: self.culprit.map(|culprit| culprit.failure),
        }
    }
}
