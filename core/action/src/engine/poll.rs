//! Asking for the health of rollouts, often at first and then less so.

use std::collections::BTreeMap;
use std::time::Duration;

use rhumb_backend::{
    Backend, Error, ErrorKind, Health, ObjectHealth, ObjectId, Receipt, Result, Retry, Scope, State,
};
use tokio::time::sleep;

use crate::{Event, Progress};

/// How soon health is asked for again at first.
const SOONEST: Duration = Duration::from_millis(100);
/// How soon health is asked for again at last.
const LATEST: Duration = Duration::from_secs(1);

/// What is known of the rollouts that are waited for.
#[derive(Debug)]
pub(super) struct Poll {
    waiting: BTreeMap<ObjectId, Receipt>,
    known: BTreeMap<ObjectId, ObjectHealth>,
    told: Vec<ObjectHealth>,
    pause: Duration,
    /// Why the last question was not answered; none when it was.
    silence: Option<Error>,
}

impl Poll {
    pub(super) fn new() -> Self {
        Self {
            waiting: BTreeMap::new(),
            known: BTreeMap::new(),
            told: Vec::new(),
            pause: SOONEST,
            silence: None,
        }
    }

    /// Waits for one rollout more.
    pub(super) fn add(&mut self, receipt: Receipt) {
        self.pause = SOONEST;
        self.waiting.insert(receipt.id.clone(), receipt);
    }

    /// What is still waited for.
    pub(super) fn receipts(&self) -> Vec<Receipt> {
        self.waiting.values().cloned().collect()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How long to wait before health is asked for. Each call makes it longer.
    pub(super) fn pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 3 / 2).min(LATEST);
        pause
    }

    /// Takes in an answer and returns those that are settled, which are not waited for any more.
    ///
    /// # Errors
    /// What the platform answers when that will not pass.
    pub(super) fn take(
        &mut self,
        asked: &[Receipt],
        answer: Result<Health>,
        progress: &dyn Progress,
    ) -> Result<Vec<ObjectHealth>> {
        let health = match answer {
            Ok(health) => health,
            Err(error) if may_pass(&error) => {
                tracing::debug!(%error, "health is asked for again");
                self.silence = Some(error);
                return Ok(Vec::new());
            }
            Err(error) => return Err(error),
        };
        self.silence = None;
        let mut answers: BTreeMap<ObjectId, ObjectHealth> =
            health.into_iter().map(|health| (health.id.clone(), health)).collect();
        let mut settled = Vec::new();
        for receipt in asked {
            let health = answers.remove(&receipt.id).unwrap_or_else(|| unreported(receipt));
            self.known.insert(receipt.id.clone(), health.clone());
            if health.state != State::Progressing && self.waiting.remove(&receipt.id).is_some() {
                settled.push(health);
            }
        }
        self.tell(progress);
        Ok(settled)
    }

    /// The last that is known of all that was ever waited for, those of which the platform said nothing among them.
    pub(super) fn health(&self) -> Vec<ObjectHealth> {
        let mut health = self.known.clone();
        for receipt in self.waiting.values() {
            let last = health.entry(receipt.id.clone()).or_insert_with(|| unreported(receipt));
            if let Some(error) = &self.silence {
                last.message = format!("the platform does not tell how it is: {error}");
            }
        }
        health.into_values().collect()
    }

    fn tell(&mut self, progress: &dyn Progress) {
        let objects: Vec<ObjectHealth> = self.known.values().cloned().collect();
        if objects != self.told {
            progress.event(&Event::Health { objects: objects.clone() });
            self.told = objects;
        }
    }
}

/// Waits for so long, or until the platform tells that something happened.
pub(super) async fn rest(backend: &dyn Backend, scope: &Scope, asked: &[Receipt], pause: Duration) {
    let soonest = pause.min(SOONEST);
    sleep(soonest).await;
    tokio::select! {
        () = sleep(pause.saturating_sub(soonest)) => {}
        () = backend.changed(scope, asked) => {}
    }
}

/// Asks how rollouts fare. What failed for a fault of the platform that passes is set going again, and is still on its way.
///
/// # Errors
/// What the platform answers when it is asked; a rollout that could not be set going again has failed.
pub(super) async fn ask(backend: &dyn Backend, scope: &Scope, asked: &[Receipt]) -> Result<Health> {
    let mut health = backend.health(scope, asked).await?;
    for failed in health.iter_mut().filter(|health| health.state == State::Failed) {
        let Some(receipt) = asked.iter().find(|receipt| receipt.id == failed.id) else { continue };
        match backend.resume(scope, receipt).await {
            Ok(Some(fault)) => {
                tracing::warn!(object = %failed.id, %fault, "the platform failed by itself; the rollout goes on");
                failed.state = State::Progressing;
                failed.message = format!("going on after a fault of the platform ({fault})");
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(object = %failed.id, %error, "the rollout does not go on"),
        }
    }
    Ok(health)
}

/// Whether a question may be answered when it is asked again.
pub fn may_pass(error: &Error) -> bool {
    error.retry != Retry::Never || error.kind == ErrorKind::Timeout
}

/// What is said of a rollout that the platform says nothing of: what runs nothing is ready once it is there.
fn unreported(receipt: &Receipt) -> ObjectHealth {
    let runs = receipt.workload.is_some();
    ObjectHealth {
        id: receipt.id.clone(),
        workload: receipt.workload.clone(),
        state: if runs { State::Progressing } else { State::Ready },
        ready: 0,
        wanted: u32::from(runs),
        message: if runs { "the platform tells nothing of it yet".to_owned() } else { String::new() },
        failure: None,
    }
}
