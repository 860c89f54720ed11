//! Revisions in a storage: what is committed when, what is read, and what goes.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use rhumb_backend::{Error, ErrorKind, Object, ObjectId, Receipt, Result, Retry, Scope};
use rhumb_release::drivers::MemoryStorage;
use rhumb_release::{
    Acquire, ChartInfo, Entry, EntryKind, Filter, Holder, Key, Lease, Meta, NobodyKnows, Outcome, Record,
    Releases, Source, Status, Storage,
};
use serde_json::json;

fn scope() -> Scope {
    Scope::new("default", "shop")
}

fn record(revision: u64) -> Record {
    Record {
        namespace: "default".to_owned(),
        release: "shop".to_owned(),
        revision,
        status: Status::PendingUpgrade,
        chart: ChartInfo { name: "web".to_owned(), version: "1.2.3".to_owned(), ..ChartInfo::default() },
        values: json!({ "replicas": revision, "password": "canary" }),
        objects: vec![Object::new(ObjectId::new("service", "web"), json!({ "Name": "shop_web" }))],
        salt: "5a".repeat(32),
        created: "2026-11-21T03:00:00Z".to_owned(),
        updated: "2026-11-21T03:00:00Z".to_owned(),
        description: "Upgrade began".to_owned(),
        source: Some(Source(
            (0..3000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect(),
        )),
        ..Record::default()
    }
}

fn outcome(receipts: usize) -> Outcome {
    let receipt = |index: usize| Receipt {
        id: ObjectId::new("service", &format!("web-{index}")),
        native: format!("{:x}", index.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        workload: None,
        outputs: std::collections::BTreeMap::new(),
        rollout: json!({ "index": index }),
    };
    Outcome {
        receipts: (0..receipts).map(receipt).collect(),
        done: [(ObjectId::new("service", "migrate"), "hash".to_owned())].into(),
        failures: Vec::new(),
    }
}

async fn lease(storage: &Arc<MemoryStorage>) -> Lease {
    let storage: Arc<dyn Storage> = Arc::<MemoryStorage>::clone(storage);
    Lease::acquire(storage, &scope(), &Acquire::new(&Holder::default(), &NobodyKnows)).await.unwrap()
}

async fn names(storage: &dyn Storage, kind: EntryKind) -> Vec<String> {
    let entries = storage.list(kind, &Filter::default()).await.unwrap();
    entries.into_iter().map(|entry| entry.key.name).collect()
}

/// Storage that counts its calls, and from one of them on answers nothing any more.
#[derive(Debug)]
struct Watched<'a> {
    inner: &'a MemoryStorage,
    chunk_reads: AtomicUsize,
    writes_left: AtomicUsize,
}

impl<'a> Watched<'a> {
    fn new(inner: &'a MemoryStorage, writes: usize) -> Self {
        Self { inner, chunk_reads: AtomicUsize::new(0), writes_left: AtomicUsize::new(writes) }
    }

    fn write(&self) -> Result<()> {
        let left =
            self.writes_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        left.map(drop).map_err(|_| Error::new(ErrorKind::Unreachable, "write", "the process was killed"))
    }
}

#[async_trait]
impl Storage for Watched<'_> {
    fn value_limit(&self) -> usize {
        self.inner.value_limit()
    }

    async fn create(&self, key: &Key, meta: &Meta, value: &[u8]) -> Result<String> {
        self.write()?;
        self.inner.create(key, meta, value).await
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>> {
        if key.kind == EntryKind::Chunk {
            self.chunk_reads.fetch_add(1, Ordering::SeqCst);
        }
        self.inner.read(key).await
    }

    async fn list(&self, kind: EntryKind, filter: &Filter) -> Result<Vec<Entry>> {
        self.inner.list(kind, filter).await
    }

    async fn update(&self, key: &Key, meta: &Meta, version: &str) -> Result<String> {
        self.write()?;
        self.inner.update(key, meta, version).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.write()?;
        self.inner.delete(key).await
    }
}

#[tokio::test]
async fn a_revision_is_read_as_it_was_written() {
    let storage = MemoryStorage::new().with_limits(2000, None);
    let releases = Releases::new(&storage);
    let head = releases.create(&record(1)).await.unwrap();
    assert_eq!(releases.get(&scope(), 1).await.unwrap(), record(1));
    let without = Record { source: None, ..record(1) };
    assert_eq!(releases.get_without_source(&scope(), 1).await.unwrap(), without);

    let head = releases.set_status(&head, Status::Failed, "no image", "2026-11-21T03:01:00Z").await.unwrap();
    let mut head = releases.set_outcome(&head, &outcome(500)).await.unwrap();
    head.status = Status::Deployed;
    head.description = "Upgrade complete".to_owned();
    releases.set_outcome(&head, &outcome(1)).await.unwrap();

    let read = releases.latest(&scope()).await.unwrap().unwrap();
    assert_eq!(read.status, Status::Deployed);
    assert_eq!(
        (read.description.as_str(), read.updated.as_str()),
        ("Upgrade complete", "2026-11-21T03:01:00Z")
    );
    assert_eq!(read.outcome, outcome(1));
    assert_eq!(read.objects, record(1).objects);
}

#[tokio::test]
async fn a_large_outcome_is_read_as_it_was_written() {
    let storage = MemoryStorage::new().with_limits(2000, None);
    let releases = Releases::new(&storage);
    let head = releases.create(&record(1)).await.unwrap();
    releases.set_outcome(&head, &outcome(300)).await.unwrap();
    assert_eq!(releases.get(&scope(), 1).await.unwrap().outcome, outcome(300));
}

#[tokio::test]
async fn lists_read_no_chunk() {
    let storage = MemoryStorage::new();
    let watched = Watched::new(&storage, usize::MAX);
    let releases = Releases::new(&watched);
    for revision in 1..=12 {
        releases.create(&record(revision)).await.unwrap();
    }
    let heads = releases.heads(&Filter::default()).await.unwrap();
    assert_eq!(heads.iter().map(|head| head.revision).collect::<Vec<_>>(), (1..=12).collect::<Vec<_>>());
    assert_eq!((heads[0].chart.name.as_str(), heads[0].status), ("web", Status::PendingUpgrade));
    assert_eq!(watched.chunk_reads.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn revisions_of_one_chart_share_its_chunks() {
    let storage = MemoryStorage::new();
    let releases = Releases::new(&storage);
    releases.create(&record(1)).await.unwrap();
    releases.create(&record(2)).await.unwrap();
    assert_eq!(names(&storage, EntryKind::Chunk).await.len(), 3);
}

#[tokio::test]
async fn one_revision_has_one_writer() {
    let storage = MemoryStorage::new();
    let releases = Releases::new(&storage);
    releases.create(&record(1)).await.unwrap();
    let error = releases.create(&Record { description: "other".to_owned(), ..record(1) }).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::AlreadyExists);
    assert_eq!(releases.get(&scope(), 1).await.unwrap().description, "Upgrade began");
}

#[tokio::test]
async fn a_stale_head_changes_nothing() {
    let storage = MemoryStorage::new();
    let releases = Releases::new(&storage);
    let head = releases.create(&record(1)).await.unwrap();
    releases.set_status(&head, Status::Deployed, "", "later").await.unwrap();
    let error = releases.set_status(&head, Status::Failed, "", "later").await.unwrap_err();
    assert_eq!((error.kind, error.retry), (ErrorKind::Conflict, Retry::AfterRead));
    assert_eq!(releases.history(&scope()).await.unwrap()[0].status, Status::Deployed);
    // The same change again is what an attempt would do whose answer was lost.
    releases.set_status(&head, Status::Deployed, "", "later").await.unwrap();
}

#[tokio::test]
async fn the_newest_deployed_revision_is_found() {
    let storage = MemoryStorage::new();
    let releases = Releases::new(&storage);
    assert_eq!(releases.latest(&scope()).await.unwrap(), None);
    for (revision, status) in [(1, Status::Superseded), (9, Status::Deployed), (10, Status::Failed)] {
        releases.create(&Record { status, ..record(revision) }).await.unwrap();
    }
    assert_eq!(releases.latest(&scope()).await.unwrap().unwrap().revision, 10);
    assert_eq!(releases.deployed(&scope()).await.unwrap().unwrap().revision, 9);
}

#[tokio::test]
async fn killed_at_any_write_it_is_whole_or_absent() {
    for writes in 0.. {
        let storage = MemoryStorage::new().with_limits(2000, None);
        let killed = Watched::new(&storage, writes);
        let full = Record { outcome: outcome(200), ..record(1) };
        let result = Releases::new(&killed).create(&full).await;
        let releases = Releases::new(&storage);
        let read = releases.latest(&scope()).await.unwrap();
        if result.is_ok() {
            assert_eq!(read, Some(full));
            assert!(writes > 5, "the record should have several chunks");
            break;
        }
        assert_eq!(read, None, "after {writes} writes");
        releases.create(&full).await.unwrap();
        assert_eq!(releases.get(&scope(), 1).await.unwrap(), full);
    }
}

#[tokio::test]
async fn pruning_keeps_what_is_needed() {
    let storage = Arc::new(MemoryStorage::new());
    let releases = Releases::new(storage.as_ref());
    let lease = lease(&storage).await;
    for revision in 1..=6 {
        let status = if revision == 2 { Status::Deployed } else { Status::Failed };
        let head = releases.create(&Record { status, ..record(revision) }).await.unwrap();
        releases.set_outcome(&head, &outcome(usize::try_from(revision).unwrap())).await.unwrap();
    }
    let orphan = Key {
        kind: EntryKind::Chunk,
        namespace: "default".to_owned(),
        release: "shop".to_owned(),
        name: "left by a crash".to_owned(),
    };
    storage.create(&orphan, &Meta::new(), b"x").await.unwrap();

    assert_eq!(releases.prune(&lease, 0).await.unwrap(), Vec::<u64>::new());
    assert_eq!(releases.prune(&lease, 6).await.unwrap(), Vec::<u64>::new());
    assert_eq!(releases.prune(&lease, 3).await.unwrap(), [1, 3, 4]);
    for revision in [2, 5, 6] {
        assert_eq!(releases.get(&scope(), revision).await.unwrap().source, record(1).source);
    }
    // Three bodies, three outcomes, and the chart that they share.
    assert_eq!(names(storage.as_ref(), EntryKind::Chunk).await.len(), 7);
    assert_eq!(releases.prune(&lease, 1).await.unwrap(), [5]);
    assert_eq!(names(storage.as_ref(), EntryKind::Head).await, ["2", "6"]);
}

#[tokio::test]
async fn only_the_holder_removes() {
    let storage = Arc::new(MemoryStorage::new());
    let releases = Releases::new(storage.as_ref());
    let lease = lease(&storage).await;
    for revision in 1..=3 {
        releases.create(&record(revision)).await.unwrap();
    }
    lease.release().await.unwrap();
    assert_eq!(releases.prune(&lease, 1).await.unwrap_err().kind, ErrorKind::Locked);
    assert_eq!(releases.delete_all(&lease).await.unwrap_err().kind, ErrorKind::Locked);
    assert_eq!(names(storage.as_ref(), EntryKind::Head).await.len(), 3);
}

#[tokio::test]
async fn a_damaged_revision_keeps_its_chunks_and_others_readable() {
    let storage = Arc::new(MemoryStorage::new());
    let releases = Releases::new(storage.as_ref());
    let lease = lease(&storage).await;
    let damaged = Key {
        kind: EntryKind::Head,
        namespace: "default".to_owned(),
        release: "shop".to_owned(),
        name: "3".to_owned(),
    };
    releases.create(&record(1)).await.unwrap();
    releases.create(&record(2)).await.unwrap();
    storage.create(&damaged, &Meta::new(), b"{").await.unwrap();
    releases.create(&record(4)).await.unwrap();
    let error = releases.get(&scope(), 3).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupt);
    assert_eq!(releases.prune(&lease, 3).await.unwrap(), [1]);
    assert_eq!(releases.get(&scope(), 2).await.unwrap(), record(2));
}

#[tokio::test]
async fn nothing_is_left_of_a_deleted_release() {
    let storage = Arc::new(MemoryStorage::new());
    let releases = Releases::new(storage.as_ref());
    let lease = lease(&storage).await;
    for revision in 1..=3 {
        releases.create(&record(revision)).await.unwrap();
    }
    releases.create(&Record { release: "other".to_owned(), ..record(1) }).await.unwrap();
    releases.delete_all(&lease).await.unwrap();
    lease.release().await.unwrap();
    assert_eq!(releases.history(&scope()).await.unwrap(), []);
    let other = Scope::new("default", "other");
    assert_eq!(releases.get(&other, 1).await.unwrap().release, "other");
    assert_eq!(names(storage.as_ref(), EntryKind::Chunk).await.len(), 2);
}

#[tokio::test]
async fn a_full_release_is_refused_with_a_way_out() {
    let storage = MemoryStorage::new().with_limits(2000, Some(14_000));
    let releases = Releases::new(&storage);
    releases.create(&record(1)).await.unwrap();
    // The chart's chunks are there already, so the next revision is small.
    releases.create(&record(2)).await.unwrap();
    let other = Record { source: Some(Source(vec![7; 1 << 20])), ..record(3) };
    releases.create(&other).await.unwrap();
    let noise =
        (0..3000_u32).flat_map(|n| n.wrapping_mul(0x9e37_79b1).rotate_left(7).to_le_bytes()).collect();
    let error = releases.create(&Record { source: Some(Source(noise)), ..record(4) }).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::LimitExceeded);
    assert!(error.remedy.unwrap().contains("`storage:`"));
    assert_eq!(releases.history(&scope()).await.unwrap().len(), 3);
}

#[tokio::test]
async fn what_is_missing_is_named() {
    let storage = MemoryStorage::new();
    let releases = Releases::new(&storage);
    let error = releases.get(&scope(), 7).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read a record (release default/shop) (revision 7): there is no such revision"
    );
    releases.create(&record(1)).await.unwrap();
    for chunk in storage.list(EntryKind::Chunk, &Filter::default()).await.unwrap() {
        storage.delete(&chunk.key).await.unwrap();
    }
    let error = releases.get(&scope(), 1).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupt);
    assert!(error.to_string().contains("(revision 1)"), "{error}");
    assert!(error.remedy.unwrap().contains("rhumb upgrade"));
}

#[test]
fn debug_shows_no_values() {
    let text = format!("{:?}", record(1));
    assert!(text.contains("service/web") && !text.contains("canary") && !text.contains("5a5a"), "{text}");
}
