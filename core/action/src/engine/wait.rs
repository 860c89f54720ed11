//! Waiting until rollouts are ready.

use rhumb_backend::{Backend, ObjectHealth, Receipt, Scope, State};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::executor::Ended;
use super::keeper::Guard;
use super::poll::{Poll, ask, rest};
use crate::Progress;

/// Waits until rollouts are ready.
#[derive(Clone, Copy)]
pub struct Wait<'a> {
    /// The platform.
    pub backend: &'a dyn Backend,
    /// The release.
    pub scope: &'a Scope,
    /// Whether the release is still ours; none when nothing is being changed.
    pub guard: Option<&'a dyn Guard>,
    /// Who is told how far it is.
    pub progress: &'a dyn Progress,
    /// Ends the wait.
    pub cancel: &'a CancellationToken,
    /// When to give up.
    pub deadline: Instant,
}

/// How a wait ended.
#[derive(Debug)]
pub struct Waited {
    /// The last that is known of each rollout.
    pub health: Vec<ObjectHealth>,
    /// Why it ended. `Failed` when a rollout failed; the health tells which, and why.
    pub ended: Ended,
}

impl Waited {
    /// The rollouts that failed.
    pub fn failed(&self) -> impl Iterator<Item = &ObjectHealth> {
        self.health.iter().filter(|health| health.state == State::Failed)
    }

    /// The rollouts that were not ready when the wait ended.
    pub fn unready(&self) -> impl Iterator<Item = &ObjectHealth> {
        self.health.iter().filter(|health| health.state != State::Ready)
    }
}

impl Wait<'_> {
    /// Waits until every rollout is ready, or one fails, or time is up. A platform that cannot be reached is asked again
    /// until then.
    pub async fn until_ready(&self, receipts: &[Receipt]) -> Waited {
        let mut poll = Poll::new();
        for receipt in receipts {
            poll.add(receipt.clone());
        }
        let ended = tokio::select! {
            biased;
            ended = self.watch(&mut poll) => ended,
            () = self.cancel.cancelled() => Ended::Cancelled,
            () = sleep_until(self.deadline) => Ended::TimedOut,
            ended = self.lost() => ended,
        };
        Waited { health: poll.health(), ended }
    }

    async fn watch(&self, poll: &mut Poll) -> Ended {
        let mut pause = None;
        while !poll.is_idle() {
            let asked = poll.receipts();
            if let Some(pause) = pause {
                rest(self.backend, self.scope, &asked, pause).await;
            }
            pause = Some(poll.pause());
            // Who only looks changes nothing.
            let answer = match self.guard {
                Some(_) => ask(self.backend, self.scope, &asked).await,
                None => self.backend.health(self.scope, &asked).await,
            };
            match poll.take(&asked, answer, self.progress) {
                Ok(settled) if settled.iter().any(|health| health.state == State::Failed) => {
                    return Ended::Failed;
                }
                Ok(_) => {}
                Err(error) => return Ended::Platform(error),
            }
        }
        Ended::Complete
    }

    async fn lost(&self) -> Ended {
        let Some(guard) = self.guard else { return std::future::pending().await };
        guard.lost().cancelled().await;
        Ended::lost(guard).await
    }
}
