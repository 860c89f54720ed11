//! Releases in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use rhumb_backend::Result;

use crate::{Entry, EntryKind, Filter, Key, Meta, Storage};

/// Releases in memory, for as long as the value lives.
#[derive(Debug)]
pub struct MemoryStorage {
    value_limit: usize,
    release_limit: Option<usize>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<Key, Entry>,
    /// Versions given so far, so that none is given twice, not even to an entry made anew.
    versions: u64,
}

impl Default for MemoryStorage {
    fn default() -> Self {
        Self { value_limit: 1 << 20, release_limit: None, state: Mutex::default() }
    }
}

impl MemoryStorage {
    /// Storage with nothing in it, for values of at most 1 MiB.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with other bounds, as platforms have them.
    #[must_use]
    pub fn with_limits(mut self, value: usize, release: Option<usize>) -> Self {
        self.value_limit = value;
        self.release_limit = release;
        self
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_version(&mut self) -> String {
        self.versions += 1;
        self.versions.to_string()
    }
}

#[async_trait]
impl Storage for MemoryStorage {
    fn value_limit(&self) -> usize {
        self.value_limit
    }

    fn release_limit(&self) -> Option<usize> {
        self.release_limit
    }

    async fn create(&self, key: &Key, meta: &Meta, value: &[u8]) -> Result<String> {
        super::check_size(key, value, self.value_limit)?;
        let mut state = self.state();
        if state.entries.contains_key(key) {
            return Err(super::exists(key));
        }
        let version = state.next_version();
        let entry =
            Entry { key: key.clone(), meta: meta.clone(), value: value.to_vec(), version: version.clone() };
        state.entries.insert(key.clone(), entry);
        Ok(version)
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>> {
        Ok(self.state().entries.get(key).cloned())
    }

    async fn list(&self, kind: EntryKind, filter: &Filter) -> Result<Vec<Entry>> {
        let state = self.state();
        let wanted = state.entries.values().filter(|entry| {
            entry.key.kind == kind && filter.takes(&entry.key) && filter.takes_meta(&entry.meta)
        });
        Ok(wanted.map(|entry| Entry { value: Vec::new(), ..entry.clone() }).collect())
    }

    async fn update(&self, key: &Key, meta: &Meta, version: &str) -> Result<String> {
        let mut state = self.state();
        let new = state.next_version();
        let entry = state.entries.get_mut(key).ok_or_else(|| super::gone(key))?;
        if entry.version != version {
            return Err(super::changed(key));
        }
        entry.meta = meta.clone();
        entry.version.clone_from(&new);
        Ok(new)
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        self.state().entries.remove(key);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drivers::conformance;

    #[tokio::test]
    async fn it_keeps_the_contract() {
        conformance::check(&MemoryStorage::new().with_limits(1000, None)).await;
    }
}
