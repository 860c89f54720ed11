//! Records of releases, as parameters of Systems Manager.

use std::sync::Arc;

use async_trait::async_trait;
use rhumb_backend::Result;
use rhumb_release::{Entry, EntryKind, Filter, Key, Meta, Storage};

use crate::Ecs;
use crate::connect::Account;
use crate::error::unfinished;

/// Records of releases, as parameters under `/rhumb/`.
#[derive(Debug)]
pub struct EcsStorage {
    #[expect(dead_code, reason = "the parameters are not read yet")]
    account: Arc<Account>,
}

impl EcsStorage {
    /// The storage of an account.
    pub fn new(ecs: &Ecs) -> Self {
        Self { account: Arc::clone(&ecs.account) }
    }
}

#[async_trait]
impl Storage for EcsStorage {
    fn value_limit(&self) -> usize {
        3072
    }

    async fn create(&self, _: &Key, _: &Meta, _: &[u8]) -> Result<String> {
        Err(unfinished("create"))
    }

    async fn read(&self, _: &Key) -> Result<Option<Entry>> {
        Err(unfinished("read"))
    }

    async fn list(&self, _: EntryKind, _: &Filter) -> Result<Vec<Entry>> {
        Err(unfinished("list"))
    }

    async fn update(&self, _: &Key, _: &Meta, _: &str) -> Result<String> {
        Err(unfinished("update"))
    }

    async fn delete(&self, _: &Key) -> Result<()> {
        Err(unfinished("delete"))
    }
}
