//! Releases kept in the swarm.

use rhumb_backend::ErrorKind;
use rhumb_release::{EntryKind, Filter, Key, Meta, Storage};
use rhumb_swarm::SwarmStorage;

use crate::lab::Lab;

fn key(kind: EntryKind, name: &str) -> Key {
    Key { kind, namespace: "default".to_owned(), release: "swe-records".to_owned(), name: name.to_owned() }
}

fn meta(counter: &str) -> Meta {
    [("counter".to_owned(), counter.to_owned())].into()
}

#[tokio::test]
async fn entries_are_made_once_and_changed_by_version() {
    let Some(lab) = Lab::open("swe-records").await else { return };
    let storage = SwarmStorage::new(&lab.swarm);
    let lease = key(EntryKind::Lease, "1");
    let big = key(EntryKind::Chunk, "abc");
    for key in [&lease, &big] {
        storage.delete(key).await.unwrap();
    }
    assert_eq!(storage.read(&lease).await.unwrap(), None);

    let first = storage.create(&lease, &meta("1"), b"").await.unwrap();
    let error = storage.create(&lease, &meta("1"), b"").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::AlreadyExists, "{error}");

    let second = storage.update(&lease, &meta("2"), &first).await.unwrap();
    let error = storage.update(&lease, &meta("3"), &first).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    let entry = storage.read(&lease).await.unwrap().unwrap();
    assert_eq!((entry.meta, entry.value, entry.version), (meta("2"), Vec::new(), second));

    let value = vec![7; storage.value_limit()];
    storage.create(&big, &Meta::new(), &value).await.unwrap();
    assert_eq!(storage.read(&big).await.unwrap().unwrap().value, value);

    let filter = Filter { release: Some("swe-records".to_owned()), ..Filter::default() };
    let listed = storage.list(EntryKind::Lease, &filter).await.unwrap();
    assert_eq!(
        listed.iter().map(|entry| entry.key.clone()).collect::<Vec<_>>(),
        std::slice::from_ref(&lease)
    );
    assert_eq!(listed[0].meta, meta("2"));

    for key in [&lease, &big] {
        storage.delete(key).await.unwrap();
        storage.delete(key).await.unwrap();
    }
    let error = storage.update(&lease, &meta("4"), "1").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound, "{error}");
}
