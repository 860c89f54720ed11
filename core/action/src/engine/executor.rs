//! Carrying out a plan.

use std::collections::BTreeMap;
use std::fmt;

use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use rhumb_backend::reference::Outputs;
use rhumb_backend::{
    Action, Backend, Error, ErrorKind, Health, Materials, Object, ObjectHealth, ObjectId, Observed, Plan,
    Receipt, Result, Retry, Scope, State, Step,
};
use rhumb_spec::Diagnostic;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::attempt::{Attempt, Refusal, is_removal};
use super::keeper::Guard;
use super::made::share;
use super::outputs::{learn, observed_outputs, referred, resolved};
use super::poll::{Poll, ask, rest};
use super::schedule::Schedule;
use crate::{Event, Progress};

/// How many reads are under way at one time.
pub const CONCURRENCY: usize = 10;

/// Carries out plans.
#[derive(Clone, Copy)]
pub struct Executor<'a> {
    /// The platform.
    pub backend: &'a dyn Backend,
    /// The release.
    pub scope: &'a Scope,
    /// Who has secret material.
    pub materials: &'a dyn Materials,
    /// Whether the release is still ours, read again before steps begin.
    pub guard: &'a dyn Guard,
    /// Who is told what happens.
    pub progress: &'a dyn Progress,
    /// Ends it: what is under way goes on to its end, and nothing else begins.
    pub cancel: &'a CancellationToken,
    /// When to give up.
    pub deadline: Instant,
    /// How many calls may be under way at one time.
    pub concurrency: usize,
}

/// A plan, and what it was made of.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What was observed when it was made.
    pub observed: &'a Observed,
    /// What was wanted last.
    pub last: &'a [Object],
    /// What is wanted now.
    pub want: &'a [Object],
}

/// What came of a plan.
#[derive(Debug)]
pub struct Executed {
    /// What each step left behind that made, changed or awaited something, in the order in which they were done.
    pub receipts: Vec<Receipt>,
    /// Every step that failed.
    pub failures: Vec<StepFailure>,
    /// The last that is known of rollouts that later steps waited for.
    pub health: Vec<ObjectHealth>,
    /// Jobs that were seen to succeed, and the hash of what they ran.
    pub done: BTreeMap<ObjectId, String>,
    /// Steps that were not begun.
    pub unattempted: Vec<ObjectId>,
    /// Why it ended. `Failed` when a step or a rollout failed; the failures and the health tell which, and why.
    pub ended: Ended,
}

impl Executed {
    /// Whether everything was done.
    pub fn is_complete(&self) -> bool {
        matches!(self.ended, Ended::Complete)
    }

    /// The rollouts that failed while later steps waited for them.
    pub fn unhealthy(&self) -> impl Iterator<Item = &ObjectHealth> {
        self.health.iter().filter(|health| health.state == State::Failed)
    }
}

/// A step that failed.
#[derive(Clone, Debug)]
pub struct StepFailure {
    /// Its place in the plan, from 0.
    pub index: usize,
    /// The object.
    pub id: ObjectId,
    /// What was to be done with it.
    pub action: Action,
    /// Why it failed.
    pub error: Error,
}

/// Why the work ended.
#[derive(Clone, Debug)]
pub enum Ended {
    /// Everything was done.
    Complete,
    /// Something failed.
    Failed,
    /// Time was up.
    TimedOut,
    /// The user ended it.
    Cancelled,
    /// The release is not ours any more.
    LeaseLost(Error),
    /// The platform does not say how rollouts are.
    Platform(Error),
}

impl Ended {
    pub(super) async fn lost(guard: &dyn Guard) -> Self {
        let unheard = || Error::new(ErrorKind::Locked, "keep the lease", "somebody else took it over");
        Self::LeaseLost(guard.verify().await.err().unwrap_or_else(unheard))
    }
}

impl fmt::Debug for Executor<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Executor")
            .field("backend", &self.backend.name())
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

impl Executor<'_> {
    /// Carries out a plan: each step as soon as those that it waits for are done or ready, independent ones at the same
    /// time.
    ///
    /// After a failure nothing else begins, and what is under way goes on to its end, so that every failure is known.
    ///
    /// Secrets that an earlier run made, that share generated material with one which is to be made, and which nothing
    /// uses yet, are made anew by steps that are added to the plan.
    pub async fn execute(&self, given: &Given<'_>) -> Executed {
        let plan = share(given);
        Run::new(self, &Given { plan: &plan, ..*given }).drive().await
    }

    /// Reads again whether the release is still ours, until the storage answers or time is up.
    pub(super) async fn verify(&self) -> Result<(), Refusal> {
        let mut delays = backon::BackoffBuilder::build(super::persistent::delays());
        loop {
            match self.guard.verify().await {
                Ok(()) => return Ok(()),
                Err(error) if error.kind == ErrorKind::Locked => return Err(Refusal::Lost(error)),
                Err(error) => {
                    let delay = delays.next().unwrap_or_default();
                    let is_late = Instant::now() + delay >= self.deadline || self.cancel.is_cancelled();
                    if is_late || error.retry == Retry::Never {
                        return Err(Refusal::Platform(error));
                    }
                    sleep(delay).await;
                }
            }
        }
    }
}

/// Something that was under way and ended.
enum Done {
    Verified(Result<(), Refusal>),
    Step(usize, Result<Receipt, Refusal>),
    Health(Vec<Receipt>, Result<Health>),
}

/// One plan that is being carried out.
struct Run<'a> {
    executor: &'a Executor<'a>,
    given: &'a Given<'a>,
    wants: BTreeMap<&'a ObjectId, &'a Object>,
    lasts: BTreeMap<&'a ObjectId, &'a Object>,
    known: Outputs,
    known_last: Outputs,
    schedule: Schedule,
    poll: Poll,
    /// Which step each rollout that is waited for belongs to.
    awaited: BTreeMap<ObjectId, usize>,
    underway: FuturesUnordered<BoxFuture<'a, Done>>,
    calls: usize,
    applied: usize,
    is_verifying: bool,
    is_polling: bool,
    receipts: Vec<Receipt>,
    failures: Vec<StepFailure>,
    done: BTreeMap<ObjectId, String>,
    ended: Option<Ended>,
}

impl<'a> Run<'a> {
    fn new(executor: &'a Executor<'a>, given: &'a Given<'a>) -> Self {
        Self {
            executor,
            given,
            wants: given.want.iter().map(|object| (&object.id, object)).collect(),
            lasts: given.last.iter().map(|object| (&object.id, object)).collect(),
            known: observed_outputs(given.observed, given.want),
            known_last: observed_outputs(given.observed, given.last),
            schedule: Schedule::new(given.plan),
            poll: Poll::new(),
            awaited: BTreeMap::new(),
            underway: FuturesUnordered::new(),
            calls: 0,
            applied: 0,
            is_verifying: false,
            is_polling: false,
            receipts: Vec::new(),
            failures: Vec::new(),
            done: BTreeMap::new(),
            ended: None,
        }
    }

    async fn drive(mut self) -> Executed {
        let executor = self.executor;
        loop {
            self.begin_what_may();
            if self.is_over() {
                break;
            }
            let running = self.ended.is_none();
            tokio::select! {
                biased;
                Some(done) = self.underway.next() => self.take(done),
                () = executor.cancel.cancelled(), if running => self.end(Ended::Cancelled),
                () = executor.guard.lost().cancelled(), if running => {
                    let ended = Ended::lost(executor.guard).await;
                    self.end(ended);
                }
                () = sleep_until(executor.deadline), if running => self.end(Ended::TimedOut),
            }
        }
        self.into_executed()
    }

    /// Whether nothing is left that is waited for. After an end, that is only what was begun.
    fn is_over(&self) -> bool {
        if self.ended.is_some() { self.calls == 0 } else { self.underway.is_empty() }
    }

    /// The first reason to end counts.
    fn end(&mut self, ended: Ended) {
        self.ended.get_or_insert(ended);
    }

    fn begin_what_may(&mut self) {
        if self.ended.is_some() {
            return;
        }
        let executor = self.executor;
        if self.schedule.has_free() && self.calls < executor.concurrency && !self.is_verifying {
            self.is_verifying = true;
            self.underway.push(Box::pin(async move { Done::Verified(executor.verify().await) }));
        }
        if !self.is_polling && !self.poll.is_idle() {
            self.is_polling = true;
            let (pause, asked) = (self.poll.pause(), self.poll.receipts());
            self.underway.push(Box::pin(async move {
                rest(executor.backend, executor.scope, &asked, pause).await;
                let answer = ask(executor.backend, executor.scope, &asked).await;
                Done::Health(asked, answer)
            }));
        }
    }

    fn take(&mut self, done: Done) {
        match done {
            Done::Verified(result) => {
                self.is_verifying = false;
                match result {
                    Ok(()) => self.begin_steps(),
                    Err(Refusal::Lost(error)) => self.end(Ended::LeaseLost(error)),
                    Err(Refusal::Platform(error)) => self.end(Ended::Platform(error)),
                }
            }
            Done::Step(index, result) => {
                self.calls -= 1;
                match result {
                    Ok(receipt) => self.applied(index, receipt),
                    Err(Refusal::Platform(error)) => self.failed(index, error),
                    Err(Refusal::Lost(error)) => {
                        self.schedule.failed(index);
                        self.end(Ended::LeaseLost(error));
                    }
                }
            }
            Done::Health(asked, answer) => {
                self.is_polling = false;
                match self.poll.take(&asked, answer, self.executor.progress) {
                    Ok(settled) => settled.into_iter().for_each(|health| self.settle(&health)),
                    Err(error) => self.end(Ended::Platform(error)),
                }
            }
        }
    }

    /// Begins every step that may, up to the bound: one look at the lease serves them all.
    fn begin_steps(&mut self) {
        while self.ended.is_none() && self.calls < self.executor.concurrency {
            let Some(index) = self.schedule.begin() else { return };
            self.calls += 1;
            let step = &self.given.plan.steps[index];
            self.executor.progress.event(&Event::StepStarted {
                index,
                total: self.given.plan.steps.len(),
                id: step.id.clone(),
                action: step.action,
            });
            let attempt = self.attempt(step);
            self.underway.push(Box::pin(async move { Done::Step(index, attempt.carry_out().await) }));
        }
    }

    fn attempt(&self, step: &'a Step) -> Attempt<'a> {
        let want = self.wants.get(&step.id).copied();
        let last = self.lasts.get(&step.id).filter(|last| last.generation == step.object.generation);
        let last = last.map(|last| resolved(last, &self.known_last));
        let outputs = referred(want.into_iter().chain([&step.object]), &self.known);
        Attempt { executor: self.executor, step, want, last, outputs }
    }

    fn applied(&mut self, index: usize, mut receipt: Receipt) {
        let step = &self.given.plan.steps[index];
        self.applied += 1;
        if let Some(told) = receipt.outputs.remove(Receipt::TOLD) {
            self.executor.progress.event(&Event::Warning(Diagnostic::warning(step.id.as_str(), told)));
        }
        self.executor.progress.event(&Event::StepDone {
            index,
            done: self.applied,
            total: self.given.plan.steps.len(),
            id: step.id.clone(),
            action: step.action,
        });
        self.schedule.applied(index);
        if is_removal(step) {
            self.schedule.ready(index);
            return;
        }
        learn(&mut self.known, &receipt);
        if self.schedule.is_awaited(index) {
            self.awaited.insert(step.id.clone(), index);
            self.poll.add(receipt.clone());
        }
        self.receipts.push(receipt);
    }

    fn failed(&mut self, index: usize, error: Error) {
        let step = &self.given.plan.steps[index];
        self.executor.progress.event(&Event::StepFailed {
            index,
            total: self.given.plan.steps.len(),
            id: step.id.clone(),
            action: step.action,
            error: error.to_string(),
        });
        self.schedule.failed(index);
        self.failures.push(StepFailure { index, id: step.id.clone(), action: step.action, error });
        self.end(Ended::Failed);
    }

    fn settle(&mut self, health: &ObjectHealth) {
        let Some(index) = self.awaited.remove(&health.id) else { return };
        if health.state != State::Ready {
            self.schedule.failed(index);
            return self.end(Ended::Failed);
        }
        let once = self.wants.get(&health.id).and_then(|want| want.once.clone());
        self.done.extend(once.map(|once| (health.id.clone(), once)));
        self.schedule.ready(index);
    }

    fn into_executed(self) -> Executed {
        let unattempted: Vec<ObjectId> =
            self.schedule.unbegun().map(|index| self.given.plan.steps[index].id.clone()).collect();
        let health = self.poll.health();
        let ended = self.ended.unwrap_or_else(|| {
            if unattempted.is_empty() { Ended::Complete } else { Ended::Platform(circle(&unattempted)) }
        });
        Executed {
            receipts: self.receipts,
            failures: self.failures,
            health,
            done: self.done,
            unattempted,
            ended,
        }
    }
}

/// Plans have no circles; one that was edited by hand may.
fn circle(left: &[ObjectId]) -> Error {
    let names: Vec<&str> = left.iter().map(ObjectId::as_str).collect();
    Error::new(
        ErrorKind::Invalid,
        "carry out the plan",
        format!("these wait for each other: {}", names.join(", ")),
    )
}
