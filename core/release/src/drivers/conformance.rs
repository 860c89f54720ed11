//! What every storage must do, as one test that each driver runs.
#![expect(clippy::unwrap_used, reason = "it is a test that other crates run, too")]

use rhumb_backend::ErrorKind;

use crate::{Entry, EntryKind, Filter, Key, Meta, Storage};

pub(crate) fn key(kind: EntryKind, namespace: &str, release: &str, name: &str) -> Key {
    Key { kind, namespace: namespace.to_owned(), release: release.to_owned(), name: name.to_owned() }
}

fn meta(pairs: &[(&str, &str)]) -> Meta {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Runs every case on storage that has nothing in the namespaces `default` and `prod`, or in what stands for them.
pub async fn check(storage: &dyn Storage) {
    create_and_read(storage).await;
    update_by_version(storage).await;
    lists(storage).await;
    odd_names(storage).await;
    bounds(storage).await;
    one_of_many_creates(storage).await;
}

async fn create_and_read(storage: &dyn Storage) {
    let one = key(EntryKind::Head, "default", "shop", "1");
    assert_eq!(storage.read(&one).await.unwrap(), None);
    let value = b"\0\n\xff{}\r\n value".to_vec();
    let version = storage.create(&one, &meta(&[("status", "a b\nc")]), &value).await.unwrap();
    let expected = Entry { key: one.clone(), meta: meta(&[("status", "a b\nc")]), value, version };
    assert_eq!(storage.read(&one).await.unwrap(), Some(expected.clone()));
    let error = storage.create(&one, &Meta::new(), b"other").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::AlreadyExists);
    assert_eq!(storage.read(&one).await.unwrap(), Some(expected));
    storage.delete(&one).await.unwrap();
    storage.delete(&one).await.unwrap();
    assert_eq!(storage.read(&one).await.unwrap(), None);
}

async fn update_by_version(storage: &dyn Storage) {
    let one = key(EntryKind::Lease, "default", "shop", "1");
    let first = storage.create(&one, &Meta::new(), b"value").await.unwrap();
    let second = storage.update(&one, &meta(&[("n", "2")]), &first).await.unwrap();
    assert_ne!(first, second);
    let error = storage.update(&one, &meta(&[("n", "3")]), &first).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    let entry = storage.read(&one).await.unwrap().unwrap();
    assert_eq!((entry.meta, entry.value, &entry.version), (meta(&[("n", "2")]), b"value".to_vec(), &second));
    storage.delete(&one).await.unwrap();
    assert_eq!(storage.update(&one, &Meta::new(), &second).await.unwrap_err().kind, ErrorKind::NotFound);
    storage.create(&one, &Meta::new(), b"anew").await.unwrap();
    let stale = storage.update(&one, &Meta::new(), &first).await.unwrap_err();
    assert_eq!(stale.kind, ErrorKind::Conflict, "a version of the entry before it was made anew");
    storage.delete(&one).await.unwrap();
}

async fn lists(storage: &dyn Storage) {
    let keys = [
        key(EntryKind::Head, "default", "shop", "1"),
        key(EntryKind::Head, "default", "shop", "2"),
        key(EntryKind::Head, "default", "shop2", "1"),
        key(EntryKind::Head, "prod", "shop", "1"),
        key(EntryKind::Chunk, "default", "shop", "abc"),
    ];
    for key in &keys {
        storage.create(key, &meta(&[("is", &key.to_string())]), b"value").await.unwrap();
    }
    let filter = |namespace: Option<&str>, release: Option<&str>| Filter {
        namespace: namespace.map(str::to_owned),
        release: release.map(str::to_owned),
        except: None,
    };
    let expect = [
        (EntryKind::Head, filter(None, None), vec![0, 1, 2, 3]),
        (EntryKind::Head, filter(Some("default"), None), vec![0, 1, 2]),
        (EntryKind::Head, filter(None, Some("shop")), vec![0, 1, 3]),
        (EntryKind::Head, filter(Some("default"), Some("shop")), vec![0, 1]),
        (EntryKind::Chunk, filter(None, None), vec![4]),
        (EntryKind::Lease, filter(None, None), vec![]),
        (EntryKind::Head, filter(Some("nobody"), None), vec![]),
    ];
    for (kind, filter, indices) in expect {
        let found = storage.list(kind, &filter).await.unwrap();
        let wanted: Vec<_> = indices.into_iter().map(|index: usize| keys[index].clone()).collect();
        assert_eq!(
            found.iter().map(|entry| entry.key.clone()).collect::<Vec<_>>(),
            wanted,
            "{kind:?} {filter:?}"
        );
        for entry in found {
            assert!(entry.value.is_empty(), "lists hold no values");
            assert_eq!(entry.meta, meta(&[("is", &entry.key.to_string())]));
            assert_eq!(storage.read(&entry.key).await.unwrap().unwrap().version, entry.version);
        }
    }
    let excepting = Filter { except: Some(("is", "head/prod/shop/1")), ..filter(None, Some("shop")) };
    let left = storage.list(EntryKind::Head, &excepting).await.unwrap();
    assert_eq!(left.into_iter().map(|entry| entry.key).collect::<Vec<_>>(), keys[..2]);
    for key in &keys {
        storage.delete(key).await.unwrap();
    }
}

async fn odd_names(storage: &dyn Storage) {
    for name in ["..", ".", "a/b", "../../etc/passwd", "%2e", "Ünïcode", ".tmp", "a b", "", "NUL"] {
        let odd = key(EntryKind::Chunk, "default", "odd", name);
        storage.create(&odd, &Meta::new(), name.as_bytes()).await.unwrap();
    }
    let listed = storage.list(EntryKind::Chunk, &Filter::default()).await.unwrap();
    assert_eq!(listed.len(), 10);
    for entry in listed {
        let read = storage.read(&entry.key).await.unwrap().unwrap();
        assert_eq!(read.value, entry.key.name.as_bytes());
        storage.delete(&entry.key).await.unwrap();
    }
    assert!(storage.list(EntryKind::Chunk, &Filter::default()).await.unwrap().is_empty());
}

async fn bounds(storage: &dyn Storage) {
    let limit = storage.value_limit();
    let one = key(EntryKind::Chunk, "default", "shop", "bound");
    let error = storage.create(&one, &Meta::new(), &vec![7; limit + 1]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::LimitExceeded);
    assert_eq!(storage.read(&one).await.unwrap(), None);
    storage.create(&one, &Meta::new(), &vec![7; limit]).await.unwrap();
    assert_eq!(storage.read(&one).await.unwrap().unwrap().value.len(), limit);
    storage.delete(&one).await.unwrap();
}

async fn one_of_many_creates(storage: &dyn Storage) {
    let one = key(EntryKind::Lease, "default", "race", "1");
    let attempts = (0..8_u8).map(|who| {
        let one = &one;
        async move { storage.create(one, &Meta::new(), &[who]).await.map(|version| (who, version)) }
    });
    let results = futures_util::future::join_all(attempts).await;
    let won: Vec<_> = results.iter().flatten().collect();
    assert_eq!(won.len(), 1);
    let entry = storage.read(&one).await.unwrap().unwrap();
    assert_eq!((entry.value, &entry.version), (vec![won[0].0], &won[0].1));
    storage.delete(&one).await.unwrap();
}
