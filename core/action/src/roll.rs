//! Rollouts that are begun outside of a revision: recorded where they lock what they are of, and waited for.

use std::time::Duration;

use rhumb_backend::{ObjectHealth, Receipt, Scope, State};
use rhumb_spec::Diagnostic;
use tokio::time::Instant;

use crate::engine::{self, Ended};
use crate::hold::Hold;
use crate::known::Known;
use crate::{ActionError, ActionResult, Context, Event, Wait};

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

/// Has the platform know the rollouts that earlier commands have begun, where they may still lock what they are of.
///
/// # Errors
/// What the storage answers.
pub(crate) async fn recall(context: &Context<'_>, scope: &Scope) -> ActionResult<()> {
    if context.backend().rollouts_lock() {
        Known::read(context, scope).await?;
    }
    Ok(())
}

/// Waits for rollouts that were begun, if that is asked for.
///
/// # Errors
/// That one of them could not be begun, and what keeps them from being ready.
pub(crate) async fn roll(
    context: &Context<'_>,
    hold: &Hold,
    scope: &Scope,
    begun: Vec<rhumb_backend::Result<Vec<Receipt>>>,
    patience: Patience,
) -> ActionResult<Vec<ObjectHealth>> {
    let (begun, failed): (Vec<_>, Vec<_>) = begun.into_iter().partition(Result::is_ok);
    let mut receipts: Vec<Receipt> = begun.into_iter().flatten().flatten().collect();
    tell(context, &mut receipts);
    record(context, hold, scope, &receipts).await;
    if let Some(error) = failed.into_iter().find_map(Result::err) {
        return Err(error.into());
    }
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

/// Tells what the platform wants people to know of them.
fn tell(context: &Context<'_>, receipts: &mut [Receipt]) {
    for receipt in receipts {
        if let Some(told) = receipt.outputs.remove(Receipt::TOLD) {
            context.tell(&Event::Warning(Diagnostic::warning(receipt.id.as_str(), told)));
        }
    }
}

/// Has the release know these rollouts as its own, where they lock what they are of: a later command may need to end one
/// whose command was killed. Where that fails, it is told, and the rollouts go on.
async fn record(context: &Context<'_>, hold: &Hold, scope: &Scope, receipts: &[Receipt]) {
    if receipts.is_empty() || !context.backend().rollouts_lock() {
        return;
    }
    if let Err(error) = record_in_newest(context, hold, scope, receipts).await {
        let text = "what was begun could not be recorded: until it ends, a later command takes it for somebody else's";
        context.tell(&Event::Warning(Diagnostic::warning("", text).why(error.to_string())));
    }
}

/// The newest revision keeps them, so that an upgrade, which begins with what that knows, knows them.
async fn record_in_newest(
    context: &Context<'_>,
    hold: &Hold,
    scope: &Scope,
    begun: &[Receipt],
) -> ActionResult<()> {
    let releases = context.releases();
    let Some(head) = releases.history(scope).await?.pop() else { return Ok(()) };
    let mut outcome = releases.get_without_source(scope, head.revision).await?.outcome;
    for receipt in begun {
        match outcome.receipts.iter_mut().find(|known| known.id == receipt.id) {
            Some(known) => known.rollout = receipt.rollout.clone(),
            None => outcome.receipts.push(receipt.clone()),
        }
    }
    hold.verify().await?;
    releases.set_outcome(&head, &outcome).await?;
    Ok(releases.tidy(hold.lease()).await?)
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
