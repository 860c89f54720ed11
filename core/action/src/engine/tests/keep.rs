//! The lease's heartbeat, and storage that is asked again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use rhumb_backend::{ErrorKind, Result, Scope};
use rhumb_release::drivers::MemoryStorage;
use rhumb_release::{
    Acquire, Entry, EntryKind, Filter, Holder, Key, Lease, Meta, NobodyKnows, Record, Releases, Storage,
};
use tokio::time::{Instant, sleep, timeout};

use super::platform::unreachable;
use crate::engine::{Guard, Keeper, Persistent};

const TTL: Duration = Duration::from_secs(30);

/// Storage that can be cut off, before or after a call is carried out.
#[derive(Debug, Default)]
struct Line {
    inner: Arc<MemoryStorage>,
    is_cut: AtomicBool,
    answers_get_lost: AtomicBool,
    hangs: AtomicBool,
}

impl Line {
    /// The same storage, over a line that is never cut.
    fn direct(&self) -> Arc<dyn Storage> {
        Arc::<MemoryStorage>::clone(&self.inner)
    }

    async fn through<T>(&self, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        if self.is_cut.load(Ordering::SeqCst) {
            return Err(unreachable());
        }
        if self.hangs.load(Ordering::SeqCst) {
            return std::future::pending().await;
        }
        let answer = call.await;
        if self.answers_get_lost.swap(false, Ordering::SeqCst) { Err(unreachable()) } else { answer }
    }
}

#[async_trait]
impl Storage for Line {
    fn value_limit(&self) -> usize {
        self.inner.value_limit()
    }

    async fn create(&self, key: &Key, meta: &Meta, value: &[u8]) -> Result<String> {
        self.through(self.inner.create(key, meta, value)).await
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>> {
        self.through(self.inner.read(key)).await
    }

    async fn list(&self, kind: EntryKind, filter: &Filter) -> Result<Vec<Entry>> {
        self.through(self.inner.list(kind, filter)).await
    }

    async fn update(&self, key: &Key, meta: &Meta, version: &str) -> Result<String> {
        self.through(self.inner.update(key, meta, version)).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.through(self.inner.delete(key)).await
    }
}

fn scope() -> Scope {
    Scope::new("default", "shop")
}

async fn acquire(storage: Arc<dyn Storage>, user: &str, patience: Duration) -> Result<Arc<Lease>> {
    let holder = Holder { user: user.to_owned(), ..Holder::default() };
    let request = Acquire { ttl: TTL, patience, ..Acquire::new(&holder, &NobodyKnows) };
    Lease::acquire(storage, &scope(), &request).await.map(Arc::new)
}

#[tokio::test(start_paused = true)]
async fn a_kept_lease_is_not_taken_over() {
    let line: Arc<Line> = Arc::default();
    let keeper = Keeper::start(acquire(Arc::<Line>::clone(&line), "anna", Duration::ZERO).await.unwrap());
    let error = acquire(Arc::<Line>::clone(&line), "bob", TTL * 20).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Locked);
    keeper.verify().await.unwrap();
    keeper.give_back().await.unwrap();
    let start = Instant::now();
    acquire(line, "bob", Duration::ZERO).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_keeper_that_is_dropped_keeps_nothing() {
    let line: Arc<Line> = Arc::default();
    drop(Keeper::start(acquire(Arc::<Line>::clone(&line), "anna", Duration::ZERO).await.unwrap()));
    let start = Instant::now();
    acquire(line, "bob", TTL * 20).await.unwrap();
    assert!(start.elapsed() < TTL * 2);
}

#[tokio::test(start_paused = true)]
async fn a_lost_lease_is_found_out_without_being_asked() {
    let line: Arc<Line> = Arc::default();
    let keeper = Keeper::start(acquire(Arc::<Line>::clone(&line), "anna", Duration::ZERO).await.unwrap());
    line.is_cut.store(true, Ordering::SeqCst);
    // The other one has a line of its own, on which nothing is heard of the holder.
    let own: Arc<dyn Storage> = line.direct();
    acquire(own, "bob", Duration::ZERO).await.unwrap();
    assert!(!keeper.lost().is_cancelled(), "nobody has told it yet");
    line.is_cut.store(false, Ordering::SeqCst);
    assert_eq!(keeper.verify().await.unwrap_err().kind, ErrorKind::Locked);
    timeout(TTL, keeper.lost().cancelled()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_line_that_was_cut_for_a_while_costs_nothing() {
    let line: Arc<Line> = Arc::default();
    let keeper = Keeper::start(acquire(Arc::<Line>::clone(&line), "anna", Duration::ZERO).await.unwrap());
    sleep(Duration::from_secs(5)).await;
    line.is_cut.store(true, Ordering::SeqCst);
    sleep(Duration::from_secs(15)).await;
    line.is_cut.store(false, Ordering::SeqCst);
    let error = acquire(Arc::<Line>::clone(&line), "bob", Duration::ZERO).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Locked);
    keeper.verify().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_is_away_for_a_while_is_asked_again() {
    let line: Arc<Line> = Arc::default();
    let storage = Persistent::new(Arc::<Line>::clone(&line));
    storage.list(EntryKind::Head, &Filter::default()).await.unwrap();
    line.is_cut.store(true, Ordering::SeqCst);
    let back = async {
        sleep(Duration::from_secs(20)).await;
        line.is_cut.store(false, Ordering::SeqCst);
    };
    let record = Record {
        namespace: "default".to_owned(),
        release: "shop".to_owned(),
        revision: 1,
        ..Record::default()
    };
    let releases = Releases::new(&storage);
    let (head, ()) = tokio::join!(releases.create(&record), back);
    assert_eq!(head.unwrap().revision, 1);
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_is_away_for_good_is_given_up() {
    let line: Arc<Line> = Arc::default();
    let storage = Persistent::new(Arc::<Line>::clone(&line)).with_patience(Duration::from_secs(10));
    storage.list(EntryKind::Head, &Filter::default()).await.unwrap();
    line.is_cut.store(true, Ordering::SeqCst);
    let start = Instant::now();
    let error = storage.list(EntryKind::Head, &Filter::default()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(start.elapsed() > Duration::from_secs(2) && start.elapsed() <= Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn all_calls_of_a_command_share_its_time() {
    let timeout = Duration::from_secs(10);
    for hangs in [false, true] {
        let line: Arc<Line> = Arc::default();
        let start = Instant::now();
        let storage = Persistent::new(Arc::<Line>::clone(&line)).until(start + timeout);
        storage.list(EntryKind::Head, &Filter::default()).await.unwrap();
        line.is_cut.store(!hangs, Ordering::SeqCst);
        line.hangs.store(hangs, Ordering::SeqCst);
        for _ in 0..5 {
            storage.list(EntryKind::Head, &Filter::default()).await.unwrap_err();
        }
        assert!(start.elapsed() > Duration::from_secs(8), "{:?} with hangs: {hangs}", start.elapsed());
        assert!(start.elapsed() < Duration::from_secs(20), "{:?} with hangs: {hangs}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_falls_silent_when_time_is_up_has_a_few_seconds() {
    let line: Arc<Line> = Arc::default();
    let storage = Persistent::new(Arc::<Line>::clone(&line)).until(Instant::now());
    storage.list(EntryKind::Head, &Filter::default()).await.unwrap();
    line.is_cut.store(true, Ordering::SeqCst);
    let back = async {
        sleep(Duration::from_secs(3)).await;
        line.is_cut.store(false, Ordering::SeqCst);
    };
    let every = Filter::default();
    let (answer, ()) = tokio::join!(storage.list(EntryKind::Head, &every), back);
    answer.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_never_answered_is_given_up_soon() {
    let line: Arc<Line> = Arc::default();
    line.is_cut.store(true, Ordering::SeqCst);
    let start = Instant::now();
    let error = Persistent::new(line).list(EntryKind::Head, &Filter::default()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn answers_that_get_lost_change_nothing() {
    let line: Arc<Line> = Arc::default();
    let storage: Arc<dyn Storage> = Arc::new(Persistent::new(Arc::<Line>::clone(&line)));
    storage.list(EntryKind::Head, &Filter::default()).await.unwrap();
    let lose = || line.answers_get_lost.store(true, Ordering::SeqCst);
    let releases = Releases::new(storage.as_ref());
    let lease = acquire(Arc::clone(&storage), "anna", Duration::ZERO).await.unwrap();
    for revision in 1..=3 {
        lose();
        lease.bump().await.unwrap();
        let record = Record {
            namespace: "default".to_owned(),
            release: "shop".to_owned(),
            revision,
            ..Record::default()
        };
        lose();
        let head = releases.create(&record).await.unwrap();
        lose();
        releases.set_status(&head, rhumb_release::Status::Deployed, "done", "now").await.unwrap();
        lose();
        lease.verify().await.unwrap();
    }
    lose();
    lease.release().await.unwrap();
    assert_eq!(releases.history(&scope()).await.unwrap().len(), 3);
}
