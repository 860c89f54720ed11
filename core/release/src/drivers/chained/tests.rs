use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::drivers::conformance;

const LIMIT: usize = 1024;

/// A store in memory that loses the answer of every so manieth create.
#[derive(Debug, Default)]
struct Texts {
    held: Mutex<BTreeMap<String, String>>,
    loses_every: u32,
    creates: AtomicU32,
    /// Calls that change anything until whoever makes them is killed; none when nobody is.
    lives: Mutex<Option<u32>>,
}

impl Texts {
    fn losing(every: u32) -> Self {
        Self { loses_every: every, ..Self::default() }
    }

    fn living(calls: u32) -> Self {
        Self { lives: Mutex::new(Some(calls)), ..Self::default() }
    }

    fn live(&self) -> Result<()> {
        match self.lives.lock().unwrap().as_mut() {
            Some(0) => Err(Error::new(ErrorKind::Invalid, "write", "the process was killed")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn names(&self) -> Vec<String> {
        self.held.lock().unwrap().keys().cloned().collect()
    }
}

#[async_trait]
impl CreateOnly for Texts {
    fn text_limit(&self) -> usize {
        LIMIT
    }

    async fn create(&self, name: &str, text: &str) -> Result<()> {
        assert!(text.len() <= LIMIT, "{name} has {} bytes", text.len());
        self.live()?;
        tokio::task::yield_now().await;
        let mut texts = self.held.lock().unwrap();
        if texts.contains_key(name) {
            return Err(Error::new(ErrorKind::AlreadyExists, "create", "it is there"));
        }
        texts.insert(name.to_owned(), text.to_owned());
        let count = self.creates.fetch_add(1, Ordering::Relaxed) + 1;
        if self.loses_every > 0 && count.is_multiple_of(self.loses_every) {
            return Err(Error::new(ErrorKind::Timeout, "create", "no answer"));
        }
        Ok(())
    }

    async fn read(&self, name: &str) -> Result<Option<String>> {
        Ok(self.held.lock().unwrap().get(name).cloned())
    }

    async fn list(&self, folder: &str) -> Result<Vec<(String, String)>> {
        tokio::task::yield_now().await;
        let folder = format!("{folder}/");
        let texts = self.held.lock().unwrap();
        let found = texts.iter().filter(|(name, _)| name.starts_with(&folder));
        Ok(found.map(|(name, text)| (name.clone(), text.clone())).collect())
    }

    async fn delete(&self, names: &[String]) -> Result<()> {
        self.live()?;
        tokio::task::yield_now().await;
        let mut texts = self.held.lock().unwrap();
        texts.retain(|name, _| !names.contains(name));
        Ok(())
    }
}

fn key() -> Key {
    conformance::key(EntryKind::Head, "default", "shop", "1")
}

fn meta(number: u64) -> Meta {
    Meta::from([("n".to_owned(), number.to_string())])
}

async fn updated(storage: &Chained<Texts>, mut version: String, times: u64) -> Vec<String> {
    let mut versions = vec![version.clone()];
    for number in 1..=times {
        version = storage.update(&key(), &meta(number), &version).await.unwrap();
        versions.push(version.clone());
    }
    versions
}

#[tokio::test]
async fn it_keeps_the_contract() {
    let storage = Chained::new(Texts::default());
    conformance::check(&storage).await;
    assert_eq!(storage.store.names(), Vec::<String>::new(), "nothing is left behind");
}

#[tokio::test]
async fn it_keeps_the_contract_when_answers_are_lost() {
    for every in 1..4 {
        let storage = Chained::new(Texts::losing(every));
        conformance::check(&storage).await;
        assert_eq!(storage.store.names(), Vec::<String>::new(), "nothing is left behind");
    }
}

#[tokio::test]
async fn old_links_go_and_late_writers_are_refused_however_late() {
    let storage = Chained::new(Texts::default());
    let first = storage.create(&key(), &Meta::new(), b"value").await.unwrap();
    let versions = updated(&storage, first, 12).await;
    let names = storage.store.names();
    assert_eq!(names.len(), 3, "the entry, the last link and the one before: {names:?}");
    for late in &versions[..12] {
        let error = storage.update(&key(), &meta(99), late).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict, "{late}");
    }
    assert_eq!(storage.store.names(), names);
    let entry = storage.read(&key()).await.unwrap().unwrap();
    assert_eq!((entry.meta, &entry.version), (meta(12), &versions[12]));
}

#[tokio::test]
async fn one_of_many_changes_counts() {
    let storage = Chained::new(Texts::losing(3));
    let version = storage.create(&key(), &Meta::new(), b"").await.unwrap();
    let attempts = (0..8).map(|who| {
        let (storage, version) = (&storage, &version);
        async move { storage.update(&key(), &meta(who), version).await.map(|version| (who, version)) }
    });
    let results = futures_util::future::join_all(attempts).await;
    let won: Vec<_> = results.iter().flatten().collect();
    assert_eq!(won.len(), 1, "{results:?}");
    let entry = storage.read(&key()).await.unwrap().unwrap();
    assert_eq!((entry.meta, &entry.version), (meta(won[0].0), &won[0].1));
}

#[tokio::test]
async fn a_change_of_what_is_gone_leaves_nothing() {
    let storage = Chained::new(Texts::default());
    let version = storage.create(&key(), &Meta::new(), b"").await.unwrap();
    storage.delete(&key()).await.unwrap();
    let error = storage.update(&key(), &meta(1), &version).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(storage.store.names().is_empty());
}

#[tokio::test]
async fn meta_that_has_no_room_beside_its_value_is_kept_as_well() {
    let storage = Chained::new(Texts::default());
    let large = Meta::from([("description".to_owned(), "d".repeat(600))]);
    let value = vec![7; storage.value_limit()];
    let version = storage.create(&key(), &large, &value).await.unwrap();
    let entry = storage.read(&key()).await.unwrap().unwrap();
    assert_eq!((&entry.meta, &entry.value, &entry.version), (&large, &value, &version));
    let names = storage.store.names();
    let again = storage.create(&key(), &large, &value).await.unwrap_err();
    assert_eq!((again.kind, storage.store.names()), (ErrorKind::AlreadyExists, names));
    updated(&storage, version, 2).await;
    let entry = storage.read(&key()).await.unwrap().unwrap();
    assert_eq!((entry.meta, entry.value), (meta(2), value));
}

#[tokio::test]
async fn what_others_keep_there_is_left_alone() {
    let storage = Chained::new(Texts::default());
    storage.store.create("head/default/shop/1/entry", "no text of ours").await.unwrap();
    storage.store.create("head/other", "{}").await.unwrap();
    assert_eq!(storage.list(EntryKind::Head, &Filter::default()).await.unwrap(), Vec::new());
    assert_eq!(storage.create(&key(), &Meta::new(), b"").await.unwrap_err().kind, ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn what_a_killed_process_left_is_swept() {
    let scope = Scope::new("default", "shop");
    let mut orphaned = 0;
    for calls in 0..12 {
        let storage = Chained::new(Texts::living(calls));
        let large = Meta::from([("description".to_owned(), "d".repeat(600))]);
        let _killed = async {
            let version = storage.create(&key(), &large, &vec![7; storage.value_limit()]).await?;
            let version = storage.update(&key(), &meta(1), &version).await?;
            storage.update(&key(), &meta(2), &version).await?;
            storage.delete(&key()).await
        }
        .await;
        *storage.store.lives.lock().unwrap() = None;
        if storage.read(&key()).await.unwrap().is_some() {
            let before = storage.store.names();
            storage.sweep(&scope).await.unwrap();
            assert_eq!(storage.store.names(), before, "what counts stays, killed after {calls}");
            continue;
        }
        orphaned += u32::from(!storage.store.names().is_empty());
        storage.sweep(&scope).await.unwrap();
        assert_eq!(storage.store.names(), Vec::<String>::new(), "killed after {calls}");
    }
    assert_eq!(orphaned, 2, "before the entry was made, and after it was removed");
}

#[tokio::test]
async fn a_lease_that_a_contender_is_about_to_make_is_not_swept() {
    let storage = Chained::new(Texts::default());
    let lease = conformance::key(EntryKind::Lease, "default", "shop", "1");
    let begun = names::link(&lease, "ab", 0);
    for name in [&begun, &names::link(&lease, "ab", 1)] {
        storage.store.create(name, &Link::new(&Meta::new()).fitted(LIMIT)).await.unwrap();
    }
    storage.sweep(&Scope::new("default", "shop")).await.unwrap();
    assert_eq!(storage.store.names(), [begun]);
}
