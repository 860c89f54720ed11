//! A platform that does what a test tells it to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use rhumb_backend::legalize::Pass;
use rhumb_backend::material::{Demand, meet};
use rhumb_backend::{
    Action, Backend, Change, CheckedApp, Choices, Error, ErrorKind, Facts, Failure, Health, Lifted, Live,
    Lowered, Materials, Object, ObjectHealth, ObjectId, Observed, Plan, Receipt, Result, Retry, Scope, State,
    Step, StepAfter, Support, Survey, Until,
};
use rhumb_spec::{App, Diagnostic, Feature};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::engine::{Executed, Executor, Given, Guard, RunMaterials};
use crate::{Event, Progress};

/// How long one call takes.
pub(super) const CALL: Duration = Duration::from_millis(10);

/// What a call answers instead of being carried out.
#[derive(Clone, Debug)]
pub(super) enum Says {
    Error(Error),
    /// It is carried out, and the answer is lost.
    DoneAnd(Error),
    Hangs,
}

/// A platform that keeps bodies by id, and does what a test tells it to.
#[derive(Debug, Default)]
pub(super) struct Platform {
    pub(super) live: Mutex<BTreeMap<ObjectId, Live>>,
    /// What the next calls about an object answer.
    pub(super) says: Mutex<BTreeMap<ObjectId, VecDeque<Says>>>,
    /// What asking for the health of everything answers next.
    pub(super) health_says: Mutex<VecDeque<Error>>,
    /// When objects become ready, counted from their last change; others are so at once.
    pub(super) slow: Mutex<BTreeMap<ObjectId, Duration>>,
    /// Objects whose rollouts fail at that time.
    pub(super) failing: Mutex<BTreeSet<ObjectId>>,
    /// Those of them that go on when they are told to.
    pub(super) passing: Mutex<BTreeSet<ObjectId>>,
    changed: Mutex<BTreeMap<ObjectId, Instant>>,
    /// When the platform tells that something happened.
    pub(super) tells: Mutex<Option<Instant>>,
    /// How many writes are carried out before all others answer with an error.
    pub(super) writes_left: Mutex<Option<(usize, Error)>>,
    /// The material of each object whose body demands some.
    pub(super) materials: Mutex<BTreeMap<ObjectId, Vec<u8>>>,
    /// Every step as it came in.
    pub(super) steps: Mutex<Vec<(Instant, Step)>>,
    versions: AtomicU64,
    underway: AtomicUsize,
    pub(super) most_underway: AtomicUsize,
}

impl Platform {
    pub(super) fn says(&self, id: &str, says: impl IntoIterator<Item = Says>) {
        self.says.lock().unwrap().insert(ObjectId::from(id), says.into_iter().collect());
    }

    pub(super) fn slow(&self, id: &str, seconds: u64) {
        self.slow.lock().unwrap().insert(ObjectId::from(id), Duration::from_secs(seconds));
    }

    /// Makes the object fail for a fault of the platform, until it is set going again.
    pub(super) fn falters(&self, id: &str) {
        self.fails(id);
        self.passing.lock().unwrap().insert(ObjectId::from(id));
    }

    pub(super) fn fails(&self, id: &str) {
        self.failing.lock().unwrap().insert(ObjectId::from(id));
    }

    /// Puts an object there, as somebody else would.
    pub(super) fn put(&self, object: &Object) -> Live {
        let version = self.versions.fetch_add(1, Ordering::SeqCst) + 1;
        let mut live = self.live.lock().unwrap();
        let native = match live.get(&object.id) {
            Some(live) => live.native.clone(),
            None => format!("native-{version}"),
        };
        let new = Live {
            object: object.clone(),
            outputs: [Some(("id".to_owned(), native.clone())), told(&object.body)]
                .into_iter()
                .flatten()
                .collect(),
            native,
            version: Some(version.to_string()),
            holds: strings(object.body.get("secrets")),
            foreign: None,
        };
        live.insert(object.id.clone(), new.clone());
        self.changed.lock().unwrap().insert(object.id.clone(), Instant::now());
        new
    }

    pub(super) fn body(&self, id: &str) -> Option<Value> {
        self.live.lock().unwrap().get(&ObjectId::from(id)).map(|live| live.object.body.clone())
    }

    /// The ids of the steps that came in, with their actions, in order.
    pub(super) fn log(&self) -> Vec<String> {
        let line = |(_, step): &(Instant, Step)| format!("{:?} {}", step.action, step.id);
        self.steps.lock().unwrap().iter().map(line).collect()
    }

    pub(super) fn begun(&self, id: &str) -> Instant {
        let steps = self.steps.lock().unwrap();
        steps.iter().find(|(_, step)| step.id.as_str() == id).map(|(at, _)| *at).unwrap()
    }

    fn receipt(step: &Step, live: &Live) -> Receipt {
        Receipt {
            id: step.id.clone(),
            native: live.native.clone(),
            workload: step.object.workload.clone(),
            outputs: live.outputs.clone(),
            rollout: json!(live.version),
        }
    }

    fn count_write(&self) -> Result<()> {
        match self.writes_left.lock().unwrap().as_mut() {
            Some((0, error)) => Err(error.clone()),
            Some((left, _)) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Keeps the material that a body demands.
    fn make(&self, step: &Step, materials: &dyn Materials) -> Result<()> {
        let Some(demand) = step.object.body.get("material").and_then(Demand::parse) else { return Ok(()) };
        let made = meet(&demand, materials)?.expose().to_vec();
        self.materials.lock().unwrap().insert(step.id.clone(), made);
        Ok(())
    }

    fn carry_out(&self, step: &Step) -> Result<Receipt> {
        let found = self.live.lock().unwrap().get(&step.id).cloned();
        let live = match (step.action, found) {
            (Action::Create, Some(_)) => {
                return Err(Error::new(ErrorKind::AlreadyExists, "create", "it is there"));
            }
            (Action::Update, Some(live)) if live.version != step.version => {
                return Err(Error::new(ErrorKind::Conflict, "update", "update out of sequence"));
            }
            (Action::Update | Action::Await, None) => {
                return Err(Error::new(ErrorKind::NotFound, "update", "it is gone").retry(Retry::AfterRead));
            }
            (Action::Await, Some(live)) => live,
            (Action::Delete | Action::Collect, _) => {
                let gone = self.live.lock().unwrap().remove(&step.id);
                gone.unwrap_or_else(|| panic!("{} was there", step.id))
            }
            (Action::Create | Action::Update, _) => self.put(&step.object),
            (Action::Replace, _) => {
                self.live.lock().unwrap().remove(&step.id);
                self.put(&step.object)
            }
        };
        Ok(Self::receipt(step, &live))
    }
}

#[async_trait]
impl Backend for Platform {
    fn name(&self) -> &'static str {
        "scripted"
    }

    fn default_facts(&self) -> Facts {
        Facts::default()
    }

    async fn survey(&self, _scope: &Scope, _app: &App, _survey: &Survey<'_>) -> Result<Facts> {
        Ok(Facts::default())
    }

    fn support(&self, _feature: Feature, _facts: &Facts) -> Support {
        Support::Native
    }

    fn passes(&self) -> &'static [Pass] {
        &[]
    }

    fn lower(
        &self,
        _app: &CheckedApp,
        _scope: &Scope,
        _facts: &Facts,
        _choices: &Choices,
    ) -> Result<Lowered, Vec<Diagnostic>> {
        Ok(Lowered::default())
    }

    fn lift(&self, _objects: &[Object]) -> Lifted {
        Lifted::default()
    }

    async fn observe(&self, _scope: &Scope, _ids: &[ObjectId]) -> Result<Observed> {
        sleep(CALL).await;
        let objects = self.live.lock().unwrap().values().cloned().collect();
        Ok(Observed { objects, ..Observed::default() })
    }

    /// What somebody else added stays; a body that is asked to be `"new"` needs another object.
    fn change(&self, _last: Option<&Object>, live: &Live, want: &Object) -> Change {
        let (Some(is), Some(wanted)) = (live.object.body.as_object(), want.body.as_object()) else {
            return Change::None { kept: Vec::new() };
        };
        if wanted.iter().all(|(key, value)| is.get(key) == Some(value)) {
            return Change::None { kept: Vec::new() };
        }
        if wanted.contains_key("immutable") && wanted.get("immutable") != is.get("immutable") {
            let why = "`immutable` is immutable".to_owned();
            return Change::Replace { why, outage: String::new(), changes: Vec::new() };
        }
        let mut body = is.clone();
        body.extend(wanted.clone());
        Change::Update { body: Value::Object(body), changes: Vec::new(), kept: Vec::new() }
    }

    async fn apply(&self, _scope: &Scope, step: &Step, materials: &dyn Materials) -> Result<Receipt> {
        self.steps.lock().unwrap().push((Instant::now(), step.clone()));
        let underway = self.underway.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_underway.fetch_max(underway, Ordering::SeqCst);
        sleep(CALL).await;
        self.underway.fetch_sub(1, Ordering::SeqCst);
        let says = self.says.lock().unwrap().get_mut(&step.id).and_then(VecDeque::pop_front);
        match says {
            None => {
                self.count_write()?;
                self.make(step, materials)?;
                self.carry_out(step)
            }
            Some(Says::Error(error)) => Err(error),
            Some(Says::DoneAnd(error)) => self.carry_out(step).and(Err(error)),
            Some(Says::Hangs) => std::future::pending().await,
        }
    }

    async fn changed(&self, _: &Scope, _: &[Receipt]) {
        let told = *self.tells.lock().unwrap();
        match told.filter(|told| *told > Instant::now()) {
            Some(told) => tokio::time::sleep_until(told).await,
            None => std::future::pending().await,
        }
    }

    async fn resume(&self, _: &Scope, receipt: &Receipt) -> Result<Option<String>> {
        let passes = self.passing.lock().unwrap().remove(&receipt.id);
        Ok(passes.then(|| {
            self.failing.lock().unwrap().remove(&receipt.id);
            "device or resource busy".to_owned()
        }))
    }

    async fn health(&self, _scope: &Scope, receipts: &[Receipt]) -> Result<Health> {
        sleep(CALL).await;
        if let Some(error) = self.health_says.lock().unwrap().pop_front() {
            return Err(error);
        }
        let changed = self.changed.lock().unwrap();
        let slow = self.slow.lock().unwrap();
        let failing = self.failing.lock().unwrap();
        let health = |receipt: &Receipt| {
            let takes = slow.get(&receipt.id).copied().unwrap_or_default();
            let is_settled = changed.get(&receipt.id).is_none_or(|changed| changed.elapsed() >= takes);
            let fails = failing.contains(&receipt.id);
            ObjectHealth {
                id: receipt.id.clone(),
                workload: receipt.workload.clone(),
                state: match (is_settled, fails) {
                    (false, _) => State::Progressing,
                    (true, false) => State::Ready,
                    (true, true) => State::Failed,
                },
                ready: u32::from(is_settled && !fails),
                wanted: 1,
                message: "starting".to_owned(),
                failure: fails.then(|| Failure {
                    task: format!("{}.1", receipt.id.name()),
                    reason: "No such image".to_owned(),
                    exit_code: Some(3),
                    ..Failure::default()
                }),
            }
        };
        Ok(receipts.iter().map(health).collect())
    }
}

fn strings(value: Option<&Value>) -> BTreeSet<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A lease that a test takes away.
#[derive(Debug, Default)]
pub(super) struct Watch {
    pub(super) lost: CancellationToken,
    pub(super) verified: AtomicUsize,
    /// The release is lost once it was verified so often.
    pub(super) lost_after: Option<usize>,
    pub(super) says: Mutex<VecDeque<Error>>,
}

#[async_trait]
impl Guard for Watch {
    async fn verify(&self) -> Result<()> {
        sleep(Duration::from_millis(1)).await;
        if let Some(error) = self.says.lock().unwrap().pop_front() {
            return Err(error);
        }
        let count = self.verified.fetch_add(1, Ordering::SeqCst);
        if self.lost.is_cancelled() || self.lost_after.is_some_and(|after| count >= after) {
            return Err(Error::new(ErrorKind::Locked, "keep the lease", "it was taken over by bob@host-1"));
        }
        Ok(())
    }

    fn lost(&self) -> &CancellationToken {
        &self.lost
    }
}

/// Remembers what it is told.
#[derive(Debug, Default)]
pub(super) struct Told(pub(super) Mutex<Vec<Event>>);

impl Progress for Told {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// A platform, a lease, and who is told.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) platform: Platform,
    pub(super) watch: Watch,
    pub(super) told: Told,
    pub(super) cancel: CancellationToken,
    pub(super) scope: Scope,
    pub(super) timeout: Duration,
    pub(super) concurrency: usize,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self {
            platform: Platform::default(),
            watch: Watch::default(),
            told: Told::default(),
            cancel: CancellationToken::new(),
            scope: Scope::new("default", "shop"),
            timeout: Duration::from_mins(5),
            concurrency: 10,
        }
    }

    pub(super) async fn execute(&self, plan: &Plan) -> Executed {
        let observed = Observed {
            objects: self.platform.live.lock().unwrap().values().cloned().collect(),
            ..Observed::default()
        };
        self.execute_given(plan, &observed, &[]).await
    }

    pub(super) async fn execute_given(&self, plan: &Plan, observed: &Observed, last: &[Object]) -> Executed {
        let nothing = BTreeMap::new();
        let materials = RunMaterials::new(&nothing, jiff::Timestamp::UNIX_EPOCH);
        let removed = |step: &&Step| matches!(step.action, Action::Delete | Action::Collect);
        let want: Vec<Object> =
            plan.steps.iter().filter(|step| !removed(step)).map(|step| step.object.clone()).collect();
        let executor = Executor {
            backend: &self.platform,
            scope: &self.scope,
            materials: &materials,
            guard: &self.watch,
            progress: &self.told,
            cancel: &self.cancel,
            deadline: Instant::now() + self.timeout,
            concurrency: self.concurrency,
        };
        executor.execute(&Given { plan, observed, last, want: &want }).await
    }

    /// What was told of steps, one word and id for each.
    pub(super) fn told(&self) -> Vec<String> {
        let line = |event: &Event| match event {
            Event::StepStarted { id, .. } => Some(format!("started {id}")),
            Event::StepRetried { id, attempt, .. } => Some(format!("retried {id} {attempt}")),
            Event::StepDone { id, .. } => Some(format!("done {id}")),
            Event::StepFailed { id, .. } => Some(format!("failed {id}")),
            _ => None,
        };
        self.told.0.lock().unwrap().iter().filter_map(line).collect()
    }
}

pub(super) fn object(id: &str, body: Value) -> Object {
    Object { workload: Some(ObjectId::from(id).name().to_owned()), ..Object::new(ObjectId::from(id), body) }
}

/// A plan that makes these objects; each names the steps that it waits for.
pub(super) fn plan(steps: &[(&str, &[(usize, Until)])]) -> Plan {
    let step = |(id, after): &(&str, &[(usize, Until)])| Step {
        after: after.iter().map(|(step, until)| StepAfter { step: *step, until: *until }).collect(),
        ..step(Action::Create, object(id, json!({ "image": "a" })))
    };
    Plan { steps: steps.iter().map(step).collect(), notes: Vec::new() }
}

/// What a write of a body tells people.
fn told(body: &Value) -> Option<(String, String)> {
    Some((Receipt::TOLD.to_owned(), body.get("tells")?.as_str()?.to_owned()))
}

pub(super) fn step(action: Action, object: Object) -> Step {
    Step {
        id: object.id.clone(),
        action,
        object,
        native: None,
        version: None,
        changes: Vec::new(),
        force: false,
        reason: None,
        after: Vec::new(),
    }
}

/// A step about what is there.
pub(super) fn step_on(action: Action, live: &Live, body: Value) -> Step {
    Step {
        native: Some(live.native.clone()),
        version: live.version.clone(),
        ..step(action, Object { body, ..live.object.clone() })
    }
}

pub(super) fn one(step: Step) -> Plan {
    Plan { steps: vec![step], notes: Vec::new() }
}

pub(super) fn unreachable() -> Error {
    Error::new(ErrorKind::Unreachable, "call", "connection refused")
}

pub(super) fn invalid() -> Error {
    Error::new(ErrorKind::Invalid, "call", "no such thing")
}
