//! Leases in virtual time: who gets one, when, and who finds out that it was lost.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use proptest::prelude::*;
use rhumb_backend::{ErrorKind, Result, Scope};
use rhumb_release::drivers::MemoryStorage;
use rhumb_release::{
    Acquire, Entry, EntryKind, Filter, Holder, Key, Lease, Life, Liveness, Meta, NobodyKnows, Record,
    Releases, Storage,
};
use tokio::time::{Instant, sleep};

const TTL: Duration = Duration::from_secs(30);

struct Says(Life);

impl Liveness for Says {
    fn life(&self, _holder: &Holder) -> Life {
        self.0
    }
}

fn scope() -> Scope {
    Scope::new("default", "shop")
}

fn holder(user: &str) -> Holder {
    Holder {
        host: "host-1".to_owned(),
        user: user.to_owned(),
        command: "rhumb upgrade shop".to_owned(),
        since: "2026-11-21T03:00:00Z".to_owned(),
        pid: 42,
        ..Holder::default()
    }
}

async fn acquire(storage: &Arc<dyn Storage>, user: &str, liveness: &dyn Liveness) -> Result<Lease> {
    let holder = holder(user);
    Lease::acquire(Arc::clone(storage), &scope(), &Acquire { ttl: TTL, ..Acquire::new(&holder, liveness) })
        .await
}

fn memory() -> Arc<dyn Storage> {
    Arc::new(MemoryStorage::new())
}

/// Bumps as a keeper does, for ever.
async fn keep(lease: &Lease) -> ! {
    loop {
        sleep(TTL / 3).await;
        lease.bump().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_living_holder_is_named_at_its_next_sign_of_life() {
    let storage = memory();
    let lease = acquire(&storage, "anna", &NobodyKnows).await.unwrap();
    let start = Instant::now();
    let error = tokio::select! {
        result = acquire(&storage, "bob", &NobodyKnows) => result.unwrap_err(),
        _ = keep(&lease) => unreachable!(),
    };
    assert!(start.elapsed() <= TTL / 3 + Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(error.kind, ErrorKind::Locked);
    assert_eq!(
        error.to_string(),
        "cannot take the lease (release default/shop): it is held by anna@host-1 with `rhumb upgrade shop` \
         (process 42) since 2026-11-21T03:00:00Z"
    );
    lease.verify().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_there_is_named_at_once() {
    let storage = memory();
    let _lease = acquire(&storage, "anna", &NobodyKnows).await.unwrap();
    let start = Instant::now();
    let error = acquire(&storage, "bob", &Says(Life::Alive)).await.unwrap_err();
    assert_eq!((error.kind, start.elapsed()), (ErrorKind::Locked, Duration::ZERO));
}

#[tokio::test(start_paused = true)]
async fn a_silent_holder_loses_after_its_ttl_and_not_before() {
    let storage = memory();
    let lost = acquire(&storage, "anna", &NobodyKnows).await.unwrap();
    sleep(TTL * 5).await;
    let start = Instant::now();
    let lease = acquire(&storage, "bob", &NobodyKnows).await.unwrap();
    assert!(start.elapsed() >= TTL, "{:?}", start.elapsed());
    assert!(start.elapsed() <= TTL + Duration::from_secs(2), "{:?}", start.elapsed());
    lease.verify().await.unwrap();
    let error = lost.verify().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Locked);
    assert!(error.message.contains("taken over by bob@host-1"), "{error}");
    assert_eq!(lost.bump().await.unwrap_err().kind, ErrorKind::Locked);
    lost.release().await.unwrap();
    lease.verify().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_process_that_is_gone_loses_at_once() {
    let storage = memory();
    let lost = acquire(&storage, "anna", &NobodyKnows).await.unwrap();
    let start = Instant::now();
    let lease = acquire(&storage, "bob", &Says(Life::Gone)).await.unwrap();
    assert_eq!(start.elapsed(), Duration::ZERO);
    lease.verify().await.unwrap();
    lost.verify().await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_is_free_at_once() {
    let storage = memory();
    for user in ["anna", "bob", "carl"] {
        let lease = acquire(&storage, user, &Says(Life::Alive)).await.unwrap();
        lease.bump().await.unwrap();
        lease.release().await.unwrap();
        assert_eq!(lease.verify().await.unwrap_err().kind, ErrorKind::Locked);
    }
    let links = storage.list(EntryKind::Lease, &Filter::default()).await.unwrap();
    assert_eq!(links.iter().map(|link| link.key.name.as_str()).collect::<Vec<_>>(), ["3"]);
}

#[tokio::test(start_paused = true)]
async fn a_lease_leaves_nothing_where_there_is_no_release() {
    let storage = memory();
    let everything = Filter::default();
    let lease = acquire(&storage, "anna", &NobodyKnows).await.unwrap();
    lease.release_and_tidy().await.unwrap();
    assert_eq!(storage.list(EntryKind::Lease, &everything).await.unwrap(), []);
    let lease = acquire(&storage, "anna", &NobodyKnows).await.unwrap();
    let head = Key {
        kind: EntryKind::Head,
        namespace: "default".to_owned(),
        release: "shop".to_owned(),
        name: "1".to_owned(),
    };
    storage.create(&head, &Meta::new(), b"").await.unwrap();
    lease.release_and_tidy().await.unwrap();
    assert_eq!(storage.list(EntryKind::Lease, &everything).await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn patience_waits_for_the_living() {
    let storage = memory();
    let lease = acquire(&storage, "anna", &NobodyKnows).await.unwrap();
    let bob = holder("bob");
    let told = Mutex::new(Vec::new());
    let waiting = |holder: &Holder| told.lock().unwrap().push(holder.user.clone());
    let patient = Acquire {
        ttl: TTL,
        patience: Duration::from_mins(5),
        waiting: Some(&waiting),
        ..Acquire::new(&bob, &Says(Life::Alive))
    };
    let work = async {
        tokio::select! {
            _ = keep(&lease) => unreachable!(),
            () = sleep(Duration::from_secs(100)) => {}
        }
        lease.release().await.unwrap();
    };
    let start = Instant::now();
    let scope = scope();
    let (taken, ()) = tokio::join!(Lease::acquire(Arc::clone(&storage), &scope, &patient), work);
    taken.unwrap().verify().await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(105));
    assert_eq!(*told.lock().unwrap(), ["anna"]);
}

#[tokio::test(start_paused = true)]
async fn a_link_of_a_chain_that_was_deleted_is_not_ours() {
    let storage = memory();
    let lost = acquire(&storage, "anna", &NobodyKnows).await.unwrap();
    for link in storage.list(EntryKind::Lease, &Filter::default()).await.unwrap() {
        storage.delete(&link.key).await.unwrap();
    }
    assert!(lost.verify().await.unwrap_err().message.contains("removed"));
    let lease = acquire(&storage, "bob", &NobodyKnows).await.unwrap();
    assert!(lost.verify().await.unwrap_err().message.contains("bob"));
    assert_eq!(lost.bump().await.unwrap_err().kind, ErrorKind::Locked);
    lease.verify().await.unwrap();
}

/// Storage whose calls take a random time, before and after they are carried out, and whose creates and updates are
/// now and then sent twice, as by a client that did not hear the answer.
#[derive(Debug)]
struct Slow {
    inner: Arc<dyn Storage>,
    random: Mutex<u64>,
}

impl Slow {
    fn random(&self, below: u64) -> u64 {
        let mut state = self.random.lock().unwrap();
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state % below
    }

    async fn delay(&self) {
        sleep(Duration::from_millis(self.random(200))).await;
    }

    async fn around<T>(&self, call: impl Future<Output = T>) -> T {
        self.delay().await;
        let result = call.await;
        self.delay().await;
        result
    }
}

#[async_trait]
impl Storage for Slow {
    fn value_limit(&self) -> usize {
        self.inner.value_limit()
    }

    async fn create(&self, key: &Key, meta: &Meta, value: &[u8]) -> Result<String> {
        if self.random(5) == 0 {
            let _unheard = self.around(self.inner.create(key, meta, value)).await;
        }
        self.around(self.inner.create(key, meta, value)).await
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>> {
        self.around(self.inner.read(key)).await
    }

    async fn list(&self, kind: EntryKind, filter: &Filter) -> Result<Vec<Entry>> {
        self.around(self.inner.list(kind, filter)).await
    }

    async fn update(&self, key: &Key, meta: &Meta, version: &str) -> Result<String> {
        if self.random(5) == 0 {
            let _unheard = self.around(self.inner.update(key, meta, version)).await;
        }
        self.around(self.inner.update(key, meta, version)).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.around(self.inner.delete(key)).await
    }
}

/// How a contender behaves once it has the lease.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Manner {
    /// It bumps in time.
    Good,
    /// It falls silent for longer than its TTL, then goes on.
    Stalls,
    /// It is never heard of again.
    Dies,
}

#[derive(Debug, Default)]
struct Seen {
    good_inside: AtomicUsize,
    written: Mutex<Vec<u64>>,
    lost: AtomicUsize,
}

async fn contend(storage: Arc<dyn Storage>, user: String, manner: Manner, seen: Arc<Seen>) {
    let who = holder(&user);
    let request = Acquire { ttl: TTL, patience: Duration::from_hours(1), ..Acquire::new(&who, &NobodyKnows) };
    let lease = Lease::acquire(Arc::clone(&storage), &scope(), &request).await.unwrap();
    match manner {
        Manner::Dies => return,
        Manner::Stalls => sleep(TTL * 3).await,
        Manner::Good => {
            let others = seen.good_inside.fetch_add(1, Ordering::SeqCst);
            assert_eq!(others, 0, "two holders that bump in time");
        }
    }
    let outcome = tokio::select! {
        outcome = write_revisions(storage.as_ref(), &lease, &seen) => outcome,
        _ = keep(&lease), if manner == Manner::Good => unreachable!(),
    };
    if manner == Manner::Good {
        outcome.unwrap();
        seen.good_inside.fetch_sub(1, Ordering::SeqCst);
        lease.release().await.unwrap();
    } else if let Err(error) = outcome {
        assert!(error.kind == ErrorKind::Locked, "{error}");
        seen.lost.fetch_add(1, Ordering::SeqCst);
    } else {
        let _maybe_lost_since = lease.release().await;
    }
}

/// What an upgrade does: it verifies, and commits the next revision.
async fn write_revisions(storage: &dyn Storage, lease: &Lease, seen: &Seen) -> Result<()> {
    let releases = Releases::new(storage);
    let mut left = 2;
    while left > 0 {
        let latest = releases.history(&scope()).await?.last().map_or(0, |head| head.revision);
        lease.verify().await?;
        let record = Record {
            namespace: "default".to_owned(),
            release: "shop".to_owned(),
            revision: latest + 1,
            ..Record::default()
        };
        match releases.create(&record).await {
            // A holder that stalled between its look at the lease and its write came first.
            Err(error) if error.kind == ErrorKind::AlreadyExists => continue,
            result => drop(result?),
        }
        left -= 1;
        seen.written.lock().unwrap().push(latest + 1);
        sleep(Duration::from_secs(4)).await;
    }
    Ok(())
}

fn race(manners: &[Manner], seed: u64) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let inner = memory();
        let noted = Arc::new(Seen::default());
        let tasks: Vec<_> = (1..)
            .zip(manners)
            .map(|(index, manner)| {
                let random = Mutex::new(seed.wrapping_mul(index).wrapping_add(index) | 1);
                let storage = Arc::new(Slow { inner: Arc::clone(&inner), random });
                tokio::spawn(contend(storage, format!("user-{index}"), *manner, Arc::clone(&noted)))
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let mut written = noted.written.lock().unwrap().clone();
        written.sort_unstable();
        let heads = Releases::new(inner.as_ref()).history(&scope()).await.unwrap();
        let heads: Vec<u64> = heads.iter().map(|head| head.revision).collect();
        assert_eq!(heads, (1..=heads.len() as u64).collect::<Vec<_>>(), "history has no gap");
        assert_eq!(written, heads, "every revision was committed by one holder");
        let good = manners.iter().filter(|manner| **manner == Manner::Good).count();
        assert!(heads.len() >= 2 * good);
    });
}

fn manner() -> impl Strategy<Value = Manner> {
    prop_oneof![3 => Just(Manner::Good), 2 => Just(Manner::Stalls), 1 => Just(Manner::Dies)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn however_they_interleave_one_holds(manners in prop::collection::vec(manner(), 1..7), seed in any::<u64>()) {
        race(&manners, seed);
    }
}

#[test]
fn a_holder_that_stalls_finds_out() {
    let outcomes: usize = (0..20).map(lost_in_race).sum();
    assert!(outcomes > 0, "in none of the races did a stalled holder lose its lease");
}

fn lost_in_race(seed: u64) -> usize {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let noted = Arc::new(Seen::default());
        let inner = memory();
        let slow =
            |seed| Arc::new(Slow { inner: Arc::clone(&inner), random: Mutex::new(seed * 0x9e37_79b9 + 1) });
        let stalled = contend(slow(seed * 2 + 1), "slow".to_owned(), Manner::Stalls, Arc::clone(&noted));
        let other = contend(slow(seed * 7 + 3), "quick".to_owned(), Manner::Good, Arc::clone(&noted));
        tokio::join!(stalled, other);
        noted.lost.load(Ordering::SeqCst)
    })
}
