//! Waiting for rollouts that were begun outside of a revision.

use std::time::Duration;

use rhumb_backend::{ObjectHealth, Receipt, Scope, State};
use tokio::time::Instant;

use crate::engine::{self, Ended};
use crate::hold::Hold;
use crate::{ActionError, ActionResult, Context, Wait};

/// Whether, and until when, something is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) wait: Wait,
    pub(crate) started: Instant,
    pub(crate) deadline: Instant,
}

impl Patience {
    pub(crate) fn new(wait: Wait, started: Instant, timeout: Duration) -> Self {
        Self { wait, started, deadline: started + timeout }
    }
}

/// Waits for rollouts that were begun, if that is asked for.
///
/// # Errors
/// That they could not be begun, and what keeps them from being ready.
pub(crate) async fn roll(
    context: &Context<'_>,
    hold: &Hold,
    scope: &Scope,
    begun: rhumb_backend::Result<Vec<Vec<Receipt>>>,
    patience: Patience,
) -> ActionResult<Vec<ObjectHealth>> {
    let receipts: Vec<Receipt> = begun?.into_iter().flatten().collect();
    if patience.wait == Wait::Applied {
        return Ok(Vec::new());
    }
    let waiting = engine::Wait {
        backend: context.backend(),
        scope,
        guard: Some(hold.guard()),
        progress: context.progress,
        cancel: context.cancel,
        deadline: patience.deadline,
    };
    let waited = waiting.until_ready(&receipts).await;
    match failure(&waited.ended, &waited.health, scope, patience.started) {
        None => Ok(waited.health),
        Some(error) => Err(error),
    }
}

/// How an end of the engine's is told; none when everything is done.
pub(crate) fn failure(
    ended: &Ended,
    health: &[ObjectHealth],
    scope: &Scope,
    started: Instant,
) -> Option<ActionError> {
    let in_state =
        |takes: fn(State) -> bool| health.iter().filter(|health| takes(health.state)).cloned().collect();
    match ended {
        Ended::Complete => None,
        Ended::Failed => Some(ActionError::WaitFailed(in_state(|state| state == State::Failed))),
        Ended::TimedOut => Some(ActionError::TimedOut {
            after: started.elapsed(),
            waiting: in_state(|state| state != State::Ready),
        }),
        Ended::Cancelled => Some(ActionError::Cancelled),
        Ended::LeaseLost(error) => {
            Some(ActionError::LostLease { release: scope.release.clone(), why: error.message.clone() })
        }
        Ended::Platform(error) => Some(ActionError::Backend(error.clone())),
    }
}
