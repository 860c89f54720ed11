//! What releases are kept in.

use rhumb_backend::ErrorKind;
use rhumb_release::{EntryKind, Filter, Key, Meta, Storage};

use crate::faults::{Call, Faults, FaultyStorage};
use crate::{MemoryBackend, MemoryStorage};

fn key(kind: EntryKind, release: &str, name: &str) -> Key {
    Key { kind, namespace: "default".to_owned(), release: release.to_owned(), name: name.to_owned() }
}

async fn check(storage: &dyn Storage) {
    let head = key(EntryKind::Head, "shop", "1");
    let meta = Meta::from([("status".to_owned(), "deployed".to_owned())]);
    let first = storage.create(&head, &Meta::new(), b"\0\xff").await.unwrap();
    assert_eq!(storage.create(&head, &Meta::new(), b"").await.unwrap_err().kind, ErrorKind::AlreadyExists);
    let second = storage.update(&head, &meta, &first).await.unwrap();
    assert_eq!(storage.update(&head, &meta, &first).await.unwrap_err().kind, ErrorKind::Conflict);
    let read = storage.read(&head).await.unwrap().unwrap();
    assert_eq!((read.value.as_slice(), &read.meta, &read.version), (&b"\0\xff"[..], &meta, &second));

    storage.create(&key(EntryKind::Head, "other", "1"), &Meta::new(), b"x").await.unwrap();
    storage.create(&key(EntryKind::Chunk, "shop", "abc"), &Meta::new(), b"x").await.unwrap();
    let filter = Filter { release: Some("shop".to_owned()), ..Filter::default() };
    let listed = storage.list(EntryKind::Head, &filter).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0].key, listed[0].value.len()), (&head, 0));
    assert_eq!(storage.list(EntryKind::Head, &Filter::default()).await.unwrap().len(), 2);

    storage.delete(&head).await.unwrap();
    storage.delete(&head).await.unwrap();
    assert_eq!(storage.read(&head).await.unwrap(), None);
    assert_eq!(storage.update(&head, &meta, &second).await.unwrap_err().kind, ErrorKind::NotFound);
    let large = vec![0; storage.value_limit() + 1];
    assert_eq!(storage.create(&head, &Meta::new(), &large).await.unwrap_err().kind, ErrorKind::LimitExceeded);
    storage.create(&head, &Meta::new(), b"anew").await.unwrap();
    assert_eq!(storage.update(&head, &meta, &first).await.unwrap_err().kind, ErrorKind::Conflict);
}

#[tokio::test]
async fn in_memory() {
    check(&MemoryStorage::beside(&MemoryBackend::in_memory())).await;
}

#[tokio::test]
async fn in_a_file() {
    let folder = tempfile::tempdir().unwrap();
    check(&MemoryStorage::beside(&MemoryBackend::with_file(folder.path().join("memory.json")))).await;
}

#[tokio::test]
async fn one_of_many_writers_wins() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("memory.json");
    let writers = (0..8).map(|_| {
        let storage = MemoryStorage::beside(&MemoryBackend::with_file(&file));
        tokio::task::spawn_blocking(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(storage.create(&key(EntryKind::Lease, "shop", "1"), &Meta::new(), b"")).is_ok()
        })
    });
    let mut won = 0;
    for writer in writers.collect::<Vec<_>>() {
        won += usize::from(writer.await.unwrap());
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn calls_fail_on_purpose() {
    let faults = Faults::default();
    let storage = FaultyStorage::new(MemoryStorage::beside(&MemoryBackend::in_memory()), &faults);
    faults.fail(Call::StorageCreate, 2, ErrorKind::Timeout);
    let create =
        async |name: &str| storage.create(&key(EntryKind::Chunk, "shop", name), &Meta::new(), b"").await;
    create("one").await.unwrap();
    assert_eq!(create("two").await.unwrap_err().kind, ErrorKind::Timeout);
    create("two").await.unwrap();
    assert_eq!(faults.count(Call::StorageCreate), 3);
}
