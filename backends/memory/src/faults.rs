//! A test tool: failures on purpose, in front of a backend and a storage.
//!
//! [`FaultyBackend`] and [`FaultyStorage`] hand every call on to what they wrap, but for those that [`Faults`] says
//! to fail. Wrappers that share their faults count their calls together, so that "the fifth write of the whole
//! upgrade" can be named, and a dead process is dead for both.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use rhumb_backend::legalize::Pass;
use rhumb_backend::{
    Backend, Change, CheckedApp, Choices, Error, ErrorKind, Facts, Health, Lifted, Live, Lowered, Materials,
    Object, ObjectId, Observed, Receipt, Result, Runtime, Scope, Step, Support, Survey,
};
use rhumb_release::{Entry, EntryKind, Filter, Key, Meta, Storage};
use rhumb_spec::{App, Diagnostic, Feature};

/// A call that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// [`Backend::survey`].
    Survey,
    /// [`Backend::observe`].
    Observe,
    /// [`Backend::apply`].
    Apply,
    /// [`Backend::health`].
    Health,
    /// [`Storage::create`].
    StorageCreate,
    /// [`Storage::read`].
    StorageRead,
    /// [`Storage::list`].
    StorageList,
    /// [`Storage::update`].
    StorageUpdate,
    /// [`Storage::delete`].
    StorageDelete,
}

/// When a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Before it is carried out.
    Before,
    /// After it was carried out: the answer is lost.
    After,
}

/// A failure on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which call fails.
    pub call: Call,
    /// Which one of them, from 1.
    pub nth: usize,
    /// Whether it is carried out.
    pub when: When,
    /// The error's kind.
    pub kind: ErrorKind,
    /// Every later call of any kind fails too, as if the process had been killed.
    pub is_death: bool,
}

/// How a platform does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// Connections are refused at once.
    Refuses,
    /// Calls never end.
    Hangs,
}

/// Which calls fail. Clones are the same faults and count together.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    faults: Vec<Fault>,
    counts: BTreeMap<Call, usize>,
    unreadable: BTreeMap<ObjectId, String>,
    is_dead: bool,
    /// How many calls are still answered, and what becomes of those after them.
    silence: Option<(usize, Silence)>,
}

impl Inner {
    /// Counts a call down, and says what becomes of it when nobody answers any more.
    fn silence(&mut self) -> Option<Silence> {
        let (left, manner) = self.silence.as_mut()?;
        if *left == 0 {
            return Some(*manner);
        }
        *left -= 1;
        None
    }
}

impl Faults {
    /// Lets a call fail with an error of a kind, and not be carried out.
    pub fn fail(&self, call: Call, nth: usize, kind: ErrorKind) {
        self.add(Fault { call, nth, when: When::Before, kind, is_death: false });
    }

    /// Lets everything fail from a call on: before or after that call is carried out.
    pub fn die(&self, call: Call, nth: usize, when: When) {
        self.add(Fault { call, nth, when, kind: ErrorKind::Cancelled, is_death: true });
    }

    /// Lets every call of any kind go unanswered after so many that are answered.
    pub fn fall_silent(&self, after: usize, manner: Silence) {
        self.inner().silence = Some((after, manner));
    }

    /// Adds a failure.
    pub fn add(&self, fault: Fault) {
        self.inner().faults.push(fault);
    }

    /// Makes an object unreadable, and says why.
    pub fn hide(&self, id: ObjectId, why: &str) {
        self.inner().unreadable.insert(id, why.to_owned());
    }

    /// Forgets every failure and count: a new process begins.
    pub fn revive(&self) {
        *self.inner() = Inner::default();
    }

    /// How often a call was made.
    pub fn count(&self, call: Call) -> usize {
        self.inner().counts.get(&call).copied().unwrap_or_default()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call and says how it fails, if it does.
    async fn arrive(&self, call: Call) -> Result<Option<Fault>> {
        let silence = self.inner().silence();
        match silence {
            Some(Silence::Hangs) => std::future::pending().await,
            Some(Silence::Refuses) => {
                Err(Error::new(ErrorKind::Unreachable, format!("{call:?}"), "connection refused"))
            }
            None => self.count_in(call),
        }
    }

    fn count_in(&self, call: Call) -> Result<Option<Fault>> {
        let mut inner = self.inner();
        if inner.is_dead {
            return Err(dead(call));
        }
        let count = inner.counts.entry(call).or_default();
        *count += 1;
        let nth = *count;
        let fault = inner.faults.iter().find(|fault| fault.call == call && fault.nth == nth).copied();
        if let Some(fault) = fault.filter(|fault| fault.when == When::Before) {
            inner.is_dead |= fault.is_death;
            return Err(error(fault));
        }
        Ok(fault)
    }

    /// Takes the answer away from a call that was carried out, where it is to be lost.
    fn leave<T>(&self, fault: Option<Fault>, answer: Result<T>) -> Result<T> {
        let Some(fault) = fault else { return answer };
        self.inner().is_dead |= fault.is_death;
        answer.and(Err(error(fault)))
    }
}

fn error(fault: Fault) -> Error {
    Error::new(fault.kind, format!("{:?}", fault.call), format!("call {} fails on purpose", fault.nth))
}

fn dead(call: Call) -> Error {
    Error::new(ErrorKind::Cancelled, format!("{call:?}"), "the process is dead")
}

/// A backend whose calls fail on purpose.
#[derive(Debug)]
pub struct FaultyBackend<B> {
    inner: B,
    faults: Faults,
}

impl<B> FaultyBackend<B> {
    /// Puts faults in front of a backend.
    pub fn new(inner: B, faults: &Faults) -> Self {
        Self { inner, faults: faults.clone() }
    }
}

#[async_trait]
impl<B: Backend> Backend for FaultyBackend<B> {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn default_facts(&self) -> Facts {
        self.inner.default_facts()
    }

    async fn survey(&self, scope: &Scope, app: &App, survey: &Survey<'_>) -> Result<Facts> {
        let fault = self.faults.arrive(Call::Survey).await?;
        self.faults.leave(fault, self.inner.survey(scope, app, survey).await)
    }

    fn support(&self, feature: Feature, facts: &Facts) -> Support {
        self.inner.support(feature, facts)
    }

    fn passes(&self) -> &'static [Pass] {
        self.inner.passes()
    }

    fn lower(
        &self,
        app: &CheckedApp,
        scope: &Scope,
        facts: &Facts,
        choices: &Choices,
    ) -> Result<Lowered, Vec<Diagnostic>> {
        self.inner.lower(app, scope, facts, choices)
    }

    fn lift(&self, objects: &[Object]) -> Lifted {
        self.inner.lift(objects)
    }

    async fn observe(&self, scope: &Scope, ids: &[ObjectId]) -> Result<Observed> {
        let fault = self.faults.arrive(Call::Observe).await?;
        let mut observed = self.faults.leave(fault, self.inner.observe(scope, ids).await)?;
        let unreadable = self.faults.inner().unreadable.clone();
        observed.objects.retain(|live| !unreadable.contains_key(&live.object.id));
        observed.unreadable.extend(unreadable);
        Ok(observed)
    }

    fn change(&self, last: Option<&Object>, live: &Live, want: &Object) -> Change {
        self.inner.change(last, live, want)
    }

    fn claims(&self, object: &Object) -> BTreeSet<String> {
        self.inner.claims(object)
    }

    fn recall(&self, receipts: &[Receipt]) {
        self.inner.recall(receipts);
    }

    fn rollouts_lock(&self) -> bool {
        self.inner.rollouts_lock()
    }

    async fn apply(&self, scope: &Scope, step: &Step, materials: &dyn Materials) -> Result<Receipt> {
        let fault = self.faults.arrive(Call::Apply).await?;
        self.faults.leave(fault, self.inner.apply(scope, step, materials).await)
    }

    async fn health(&self, scope: &Scope, receipts: &[Receipt]) -> Result<Health> {
        let fault = self.faults.arrive(Call::Health).await?;
        self.faults.leave(fault, self.inner.health(scope, receipts).await)
    }

    fn runtime(&self) -> Option<&dyn Runtime> {
        self.inner.runtime()
    }
}

/// A storage whose calls fail on purpose.
#[derive(Debug)]
pub struct FaultyStorage<S> {
    inner: S,
    faults: Faults,
}

impl<S> FaultyStorage<S> {
    /// Puts faults in front of a storage.
    pub fn new(inner: S, faults: &Faults) -> Self {
        Self { inner, faults: faults.clone() }
    }
}

#[async_trait]
impl<S: Storage> Storage for FaultyStorage<S> {
    fn value_limit(&self) -> usize {
        self.inner.value_limit()
    }

    fn release_limit(&self) -> Option<usize> {
        self.inner.release_limit()
    }

    async fn create(&self, key: &Key, meta: &Meta, value: &[u8]) -> Result<String> {
        let fault = self.faults.arrive(Call::StorageCreate).await?;
        self.faults.leave(fault, self.inner.create(key, meta, value).await)
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>> {
        let fault = self.faults.arrive(Call::StorageRead).await?;
        self.faults.leave(fault, self.inner.read(key).await)
    }

    async fn list(&self, kind: EntryKind, filter: &Filter) -> Result<Vec<Entry>> {
        let fault = self.faults.arrive(Call::StorageList).await?;
        self.faults.leave(fault, self.inner.list(kind, filter).await)
    }

    async fn update(&self, key: &Key, meta: &Meta, version: &str) -> Result<String> {
        let fault = self.faults.arrive(Call::StorageUpdate).await?;
        self.faults.leave(fault, self.inner.update(key, meta, version).await)
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        let fault = self.faults.arrive(Call::StorageDelete).await?;
        self.faults.leave(fault, self.inner.delete(key).await)
    }
}
