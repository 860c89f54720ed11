//! Releases beside what they released.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rhumb_backend::{Error, ErrorKind, Result};
use rhumb_release::{Entry, EntryKind, Filter, Key, Meta, Storage};

use crate::MemoryBackend;
use crate::state::{Store, StoredEntry};

/// The most bytes of one value, as on a swarm, so that records are cut here too.
const VALUE_LIMIT: usize = 500 * 1024;

/// The storage of a target in memory: its releases are where its objects are.
#[derive(Clone, Debug)]
pub struct MemoryStorage {
    store: Arc<Store>,
}

impl MemoryStorage {
    /// The storage of a target.
    pub fn beside(backend: &MemoryBackend) -> Self {
        Self { store: Arc::clone(&backend.store) }
    }
}

#[async_trait]
impl Storage for MemoryStorage {
    fn value_limit(&self) -> usize {
        VALUE_LIMIT
    }

    async fn create(&self, key: &Key, meta: &Meta, value: &[u8]) -> Result<String> {
        if value.len() > VALUE_LIMIT {
            let message =
                format!("it has {} bytes; at most {VALUE_LIMIT} are kept in one entry", value.len());
            return Err(error(ErrorKind::LimitExceeded, "create an entry", &message, key));
        }
        self.store.write(|state| {
            let version = state.next_version();
            let text = key.to_string();
            if state.entries.contains_key(&text) {
                return Err(error(ErrorKind::AlreadyExists, "create an entry", "it is there already", key));
            }
            let value = BASE64_STANDARD.encode(value);
            state.entries.insert(text, StoredEntry { key: key.clone(), meta: meta.clone(), value, version });
            Ok(version.to_string())
        })
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>> {
        let found = self.store.read(|state| state.entries.get(&key.to_string()).cloned())?;
        let decoded = found.map(|stored| {
            let value = BASE64_STANDARD
                .decode(&stored.value)
                .map_err(|why| error(ErrorKind::Corrupt, "read an entry", &why.to_string(), key))?;
            Ok(Entry { value, ..stored.listed() })
        });
        decoded.transpose()
    }

    async fn list(&self, kind: EntryKind, filter: &Filter) -> Result<Vec<Entry>> {
        let is_wanted = |stored: &&StoredEntry| {
            stored.key.kind == kind && filter.takes(&stored.key) && filter.takes_meta(&stored.meta)
        };
        let mut found: Vec<Entry> = self
            .store
            .read(|state| state.entries.values().filter(is_wanted).map(StoredEntry::listed).collect())?;
        found.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(found)
    }

    async fn update(&self, key: &Key, meta: &Meta, version: &str) -> Result<String> {
        self.store.write(|state| {
            let next = state.next_version();
            let Some(stored) = state.entries.get_mut(&key.to_string()) else {
                return Err(error(ErrorKind::NotFound, "update an entry", "it is not there", key));
            };
            if stored.version.to_string() != version {
                return Err(error(
                    ErrorKind::Conflict,
                    "update an entry",
                    "somebody changed it since it was read",
                    key,
                ));
            }
            stored.meta.clone_from(meta);
            stored.version = next;
            Ok(next.to_string())
        })
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.store.write(|state| {
            state.entries.remove(&key.to_string());
            Ok(())
        })
    }
}

fn error(kind: ErrorKind, operation: &str, message: &str, key: &Key) -> Error {
    Error::new(kind, operation, message).with("key", key.to_string())
}
