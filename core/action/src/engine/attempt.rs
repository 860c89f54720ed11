//! One step, tried until it is done or cannot be.

use std::time::Duration;

use backon::BackoffBuilder;
use rhumb_backend::reference::{self, Outputs};
use rhumb_backend::{Action, Change, Error, ErrorKind, Live, Object, Receipt, Result, Retry, Step};
use tokio::time::{Instant, sleep, sleep_until};

use super::executor::Executor;
use super::outputs::resolved;
use super::persistent::delays;
use crate::Event;

/// How long a call that is under way may take once time is up or the user has ended the command.
const GRACE: Duration = Duration::from_secs(10);
/// How long one step is tried again, unless the platform has locked what it is about.
const PATIENCE: Duration = Duration::from_mins(1);

/// One step, and what is needed to decide anew what it must do.
pub(super) struct Attempt<'a> {
    pub(super) executor: &'a Executor<'a>,
    /// The step, references unresolved.
    pub(super) step: &'a Step,
    /// The object as it is wanted now; none for one that goes.
    pub(super) want: Option<&'a Object>,
    /// The object as it was wanted last, references resolved.
    pub(super) last: Option<Object>,
    /// What the step's references stand for.
    pub(super) outputs: Outputs,
}

/// Why a step was not done.
#[derive(Debug)]
pub(super) enum Refusal {
    Platform(Error),
    /// The release is not ours any more.
    Lost(Error),
}

/// What a fresh look makes of a step.
enum Anew {
    Done(Receipt),
    Step(Box<Step>),
}

impl Attempt<'_> {
    /// Carries the step out.
    pub(super) async fn carry_out(&self) -> Result<Receipt, Refusal> {
        let mut step = self.resolve().map_err(Refusal::Platform)?;
        let until = self.executor.deadline.min(Instant::now() + PATIENCE);
        let mut delays = delays().build();
        let mut is_unsure = false;
        let mut stale = false;
        for attempt in 2.. {
            let tried = if stale { self.look_and_apply(&mut step).await } else { self.apply(&step).await };
            let error = match tried {
                Ok(receipt) => return Ok(receipt),
                Err(error) => error,
            };
            let retry = match error.retry {
                // An attempt whose answer was lost may have made it.
                Retry::Never if is_unsure && error.kind == ErrorKind::AlreadyExists => Retry::AfterRead,
                Retry::Never => return Err(Refusal::Platform(error)),
                retry => retry,
            };
            is_unsure |= matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Timeout);
            stale |= retry == Retry::AfterRead;
            let delay = delays.next().unwrap_or_default();
            // What the platform has locked is free again when it is done with it, be it after minutes: a name that drains.
            let until = if error.kind == ErrorKind::Locked { self.executor.deadline } else { until };
            if Instant::now() + delay >= until {
                return Err(Refusal::Platform(error));
            }
            self.executor.progress.event(&Event::StepRetried {
                id: step.id.clone(),
                attempt,
                delay,
                error: error.to_string(),
            });
            tokio::select! {
                () = sleep(delay) => {}
                () = self.executor.cancel.cancelled() => return Err(Refusal::Platform(error)),
            }
            self.executor.verify().await?;
        }
        Err(Refusal::Platform(Error::new(ErrorKind::Timeout, "carry out the step", "it was tried too often")))
    }

    fn resolve(&self) -> Result<Step> {
        if is_removal(self.step) {
            return Ok(self.step.clone());
        }
        let object = resolved(&self.step.object, &self.outputs);
        match reference::targets(&object.body).first() {
            None => Ok(Step { object, ..self.step.clone() }),
            Some(target) => {
                let message = format!("it refers to {target}, which tells nothing of what is asked");
                Err(Error::new(ErrorKind::Invalid, "resolve references", message)
                    .with("object", self.step.id.to_string()))
            }
        }
    }

    /// One call, which ends soon after time is up or the user has ended the command.
    async fn apply(&self, step: &Step) -> Result<Receipt> {
        let executor = self.executor;
        let end = async {
            tokio::select! {
                () = sleep_until(executor.deadline) => {}
                () = executor.cancel.cancelled() => {}
            }
            sleep(GRACE).await;
        };
        tokio::select! {
            biased;
            result = executor.backend.apply(executor.scope, step, executor.materials) => result,
            () = end => Err(Error::new(
                ErrorKind::Timeout,
                "carry out the step",
                "the platform did not answer in time; whether it was done is unknown",
            )
            .with("object", step.id.to_string())),
        }
    }

    async fn look_and_apply(&self, step: &mut Step) -> Result<Receipt> {
        match self.look(step).await? {
            Anew::Done(receipt) => Ok(receipt),
            Anew::Step(anew) => {
                *step = *anew;
                self.apply(step).await
            }
        }
    }

    /// Looks at the object again and decides what must be done with it now.
    async fn look(&self, step: &Step) -> Result<Anew> {
        let executor = self.executor;
        let observed = executor.backend.observe(executor.scope, std::slice::from_ref(&step.id)).await?;
        if let Some(why) = observed.unreadable.get(&step.id) {
            return Err(self.conflict(format!("it cannot be read again: {why}")));
        }
        let live = observed.find(&step.id, step.object.generation.as_deref());
        let Some(want) = self.want.filter(|_| !is_removal(step)) else {
            return Ok(
                live.map_or_else(|| Anew::Done(gone(step)), |live| Anew::Step(Box::new(at(step, live))))
            );
        };
        let want = resolved(want, &self.outputs);
        let Some(live) = live else {
            let step =
                Step { action: Action::Create, object: want, native: None, version: None, ..step.clone() };
            return Ok(Anew::Step(Box::new(step)));
        };
        if let Some(owner) = &live.foreign {
            return Err(Error::new(ErrorKind::NotOwned, "carry out the step", owner.clone())
                .with("object", step.id.to_string()));
        }
        if step.action == Action::Await || (want.generation.is_some() && !self.is_to_go(live)) {
            return Ok(Anew::Step(Box::new(Step { action: Action::Await, object: want, ..at(step, live) })));
        }
        self.compare(step, live, want)
    }

    /// Whether what is there is what a replacement is to remove, and not what it has made.
    fn is_to_go(&self, live: &Live) -> bool {
        self.step.action == Action::Replace && self.step.native.as_ref() == Some(&live.native)
    }

    fn compare(&self, step: &Step, live: &Live, want: Object) -> Result<Anew> {
        if self.is_to_go(live) {
            let object = want;
            return Ok(Anew::Step(Box::new(Step { action: Action::Replace, object, ..at(step, live) })));
        }
        match self.executor.backend.change(self.last.as_ref(), live, &want) {
            // Reading what is there gives the receipt that the lost answer would have given.
            Change::None { .. } => {
                Ok(Anew::Step(Box::new(Step { action: Action::Await, object: want, ..at(step, live) })))
            }
            Change::Update { body, changes, .. } => {
                let object = Object { body, ..want };
                Ok(Anew::Step(Box::new(Step { action: Action::Update, object, changes, ..at(step, live) })))
            }
            Change::Replace { why, .. } => Err(self.conflict(format!(
                "somebody changed it meanwhile, and now it can be changed only by making it anew: {why}"
            ))),
        }
    }

    fn conflict(&self, message: String) -> Error {
        Error::new(ErrorKind::Conflict, "carry out the step", message)
            .with("object", self.step.id.to_string())
            .remedy("run the command again")
            .retry(Retry::Never)
    }
}

pub(super) fn is_removal(step: &Step) -> bool {
    matches!(step.action, Action::Delete | Action::Collect)
}

/// The step, about what is there now.
fn at(step: &Step, live: &Live) -> Step {
    Step { native: Some(live.native.clone()), version: live.version.clone(), ..step.clone() }
}

fn gone(step: &Step) -> Receipt {
    Receipt {
        id: step.id.clone(),
        native: step.native.clone().unwrap_or_default(),
        workload: None,
        outputs: std::collections::BTreeMap::new(),
        rollout: serde_json::Value::Null,
    }
}
