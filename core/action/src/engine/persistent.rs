//! Storage that is asked again when it does not answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use backon::{BackoffBuilder, ExponentialBuilder};
use rhumb_backend::{Error, ErrorKind, Result, Scope};
use rhumb_release::{Entry, EntryKind, Filter, Key, Meta, Storage};
use tokio::time::{Instant, sleep, timeout_at};

/// How long a storage that does not answer is asked again.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long a platform is asked again what is there, when it answers that it cannot say now.
const INSISTENCE: Duration = Duration::from_secs(20);

/// The same when it does not answer at all. A target that is not there must be told soon.
const BRIEFLY: Duration = Duration::from_secs(2);

/// How long a storage may be silent once time is up, so that how it ended is recorded.
const LAST_WORD: Duration = Duration::from_secs(10);

/// How long one call may take, however late it is.
const ONE_CALL: Duration = Duration::from_secs(2);

/// Asks a question again that changes nothing, when the platform asks for fewer calls, fails or breaks off.
pub async fn insist<T, F: Future<Output = Result<T>>>(question: impl Fn() -> F) -> Result<T> {
    let begun = Instant::now();
    let mut delays = delays().build();
    loop {
        match question().await {
            Err(error) if error.may_pass() => {
                let delay = delays.next().unwrap_or_default();
                if begun.elapsed() + delay >= insistence(&error) {
                    return Err(error);
                }
                tracing::debug!(%error, "the platform is asked again");
                sleep(delay).await;
            }
            result => return result,
        }
    }
}

/// How long a platform is asked again that may never have been there.
fn insistence(error: &Error) -> Duration {
    if error.kind == ErrorKind::Unreachable { BRIEFLY } else { INSISTENCE }
}

/// Storage that is asked again when it cannot be reached, so that a manager that is lost or a connection that breaks
/// does not leave a revision half recorded. One that has never answered is given up soon: nothing was begun there.
///
/// A call whose answer was lost may have been carried out. A create then says `AlreadyExists` and an update
/// `Conflict`, which releases and leases tell from somebody else's.
#[derive(Debug)]
pub struct Persistent {
    inner: Arc<dyn Storage>,
    patience: Duration,
    /// When time is up; none when it never is.
    end: Option<Instant>,
    has_answered: AtomicBool,
    /// Since when no call was answered, whoever made it.
    silent_since: Mutex<Option<Instant>>,
}

impl Persistent {
    /// Asks again for a minute.
    pub fn new(inner: Arc<dyn Storage>) -> Self {
        Self {
            inner,
            patience: PATIENCE,
            end: None,
            has_answered: AtomicBool::new(false),
            silent_since: Mutex::new(None),
        }
    }

    /// Asks again until this moment and not much longer: what is silent then, or falls silent later, has a few seconds.
    #[must_use]
    pub fn until(mut self, end: Instant) -> Self {
        self.end = Some(end);
        self
    }

    /// Asks again for this long.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    async fn ask<T, F: Future<Output = Result<T>>>(&self, call: impl Fn() -> F) -> Result<T> {
        let start = Instant::now();
        let patience = start + self.patience;
        let mut delays = delays().build();
        let mut before = None;
        loop {
            let begun = Instant::now();
            let answer = timeout_at(self.deadline(patience).max(begun + ONE_CALL), call()).await;
            let error = match answer.unwrap_or_else(|_| Err(before.take().unwrap_or_else(silence))) {
                Err(error) if error.may_pass() => error,
                // Any answer but silence is one, `AlreadyExists` among them.
                answer => {
                    self.has_answered.store(true, Ordering::Relaxed);
                    *self.silent_since() = None;
                    return answer;
                }
            };
            self.silent_since().get_or_insert(begun);
            let delay = delays.next().unwrap_or_default();
            let known = self.has_answered.load(Ordering::Relaxed);
            let patience = if known { patience } else { patience.min(start + insistence(&error)) };
            if Instant::now() + delay >= self.deadline(patience) {
                return Err(error);
            }
            tracing::debug!(%error, "the storage is asked again");
            sleep(delay).await;
            before = Some(error);
        }
    }

    /// When a call that has patience until then is given up.
    fn deadline(&self, patience: Instant) -> Instant {
        let Some(end) = self.end else { return patience };
        let last_word = self.silent_since().unwrap_or_else(Instant::now) + LAST_WORD;
        patience.min(end.max(last_word))
    }

    fn silent_since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.silent_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Delays between attempts: from a fifth of a second to five, doubling, with jitter, for ever.
pub(super) fn delays() -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times()
}

fn silence() -> Error {
    Error::new(ErrorKind::Timeout, "ask the storage of releases", "it did not answer in time")
}

#[async_trait]
impl Storage for Persistent {
    fn value_limit(&self) -> usize {
        self.inner.value_limit()
    }

    fn release_limit(&self) -> Option<usize> {
        self.inner.release_limit()
    }

    async fn create(&self, key: &Key, meta: &Meta, value: &[u8]) -> Result<String> {
        self.ask(|| self.inner.create(key, meta, value)).await
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>> {
        self.ask(|| self.inner.read(key)).await
    }

    async fn list(&self, kind: EntryKind, filter: &Filter) -> Result<Vec<Entry>> {
        self.ask(|| self.inner.list(kind, filter)).await
    }

    async fn update(&self, key: &Key, meta: &Meta, version: &str) -> Result<String> {
        self.ask(|| self.inner.update(key, meta, version)).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.ask(|| self.inner.delete(key)).await
    }

    async fn sweep(&self, scope: &Scope) -> Result<()> {
        self.ask(|| self.inner.sweep(scope)).await
    }
}
