//! What becomes of a deployment that failed and was to be all or nothing.

use rhumb_release::{Head, Status};
use tokio::time::Instant;

use crate::deploy::{Goal, Order, deploy_held, prepare};
use crate::engine::within;
use crate::revision::Revision;
use crate::uninstall::{Removal, remove_held};
use crate::{
    ActionError, ActionResult, CancellationToken, Context, DeployOptions, Deployed, Event, HistoryAfter,
    OnFailure, TakenBack, Wait,
};

/// Brings the last deployed revision back, or removes everything where there is none, if that was asked for.
///
/// It runs to its end although the verb was cancelled: that is what it is for.
pub(crate) async fn take_back(revision: &Revision<'_>, cause: &ActionError) -> Option<TakenBack> {
    let is_ours = !matches!(cause, ActionError::LostLease { .. });
    if revision.order.options.on_failure != OnFailure::TakeBack || !is_ours {
        return None;
    }
    let to = revision.prepared.known.deployed().map(|head| head.revision);
    let uncancelled = CancellationToken::new();
    // It has as much time as what failed had.
    let target = revision.context.target.persistent(Instant::now() + revision.order.options.timeout);
    let context = Context { cancel: &uncancelled, target: &target, ..*revision.context };
    context.tell(&Event::RollingBack { to, reason: cause.to_string() });
    let result = match to {
        Some(to) => {
            Box::pin(roll_back(&context, revision, to)).await.map(Box::new).map(TakenBack::RolledBack)
        }
        None => remove(&context, revision).await.map(|()| TakenBack::Removed),
    };
    Some(result.unwrap_or_else(|error| TakenBack::Failed(Box::new(error))))
}

async fn roll_back(context: &Context<'_>, revision: &Revision<'_>, to: u64) -> ActionResult<Deployed> {
    let options = DeployOptions {
        on_failure: OnFailure::Leave,
        wait: Wait::Ready,
        description: None,
        ..revision.order.options.clone()
    };
    let order = Order { release: revision.order.release, goal: Goal::Rollback(Some(to)), options: &options };
    let started = Instant::now();
    let prepared = within(started + options.timeout, prepare(context, order)).await?;
    deploy_held(context, order, revision.hold, prepared, started).await
}

async fn remove(context: &Context<'_>, revision: &Revision<'_>) -> ActionResult<()> {
    let was_there = |head: &Head| matches!(head.status, Status::Uninstalled | Status::Superseded);
    let is_worth_keeping = revision.prepared.known.heads.iter().any(was_there);
    let removal = Removal {
        release: revision.order.release,
        history: if is_worth_keeping { HistoryAfter::Keep } else { HistoryAfter::Remove },
        wait: Wait::Applied,
        started: Instant::now(),
        deadline: Instant::now() + revision.order.options.timeout,
        description: None,
    };
    remove_held(context, revision.hold, removal).await.map(drop)
}

/// What the user can do after a failure.
pub(crate) fn next(
    release: &str,
    failed: u64,
    taken_back: Option<&TakenBack>,
    deployed: Option<&Head>,
) -> String {
    match (taken_back, deployed) {
        (Some(TakenBack::RolledBack(back)), _) => {
            format!(
                "the release is back at what it was, as revision {}; put the cause right and upgrade again",
                back.revision
            )
        }
        (Some(TakenBack::Removed), _) => {
            "everything was removed; put the cause right and install again".to_owned()
        }
        (Some(TakenBack::Failed(_)), _) | (None, None) => format!(
            "put the cause right and run `rhumb upgrade {release}`, or remove everything with `rhumb uninstall {release}`"
        ),
        (None, Some(head)) => format!(
            "put the cause right and upgrade again, or go back with `rhumb rollback {release} {}`; revision {failed} \
             stays as far as it came",
            head.revision
        ),
    }
}
