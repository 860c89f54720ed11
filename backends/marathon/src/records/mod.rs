//! Records of releases, in the labels of suspended apps.

use std::sync::Arc;

use async_trait::async_trait;
use rhumb_backend::Result;
use rhumb_release::{Entry, EntryKind, Filter, Key, Meta, Storage};

use crate::Marathon;
use crate::connect::Server;
use crate::error::unfinished;

/// Records of releases, in the labels of suspended apps under `/rhumb/`.
#[derive(Debug)]
pub struct MarathonStorage {
    #[expect(dead_code, reason = "the apps are not read yet")]
    server: Arc<Server>,
}

impl MarathonStorage {
    /// The storage of a Marathon.
    pub fn new(marathon: &Marathon) -> Self {
        Self { server: Arc::clone(&marathon.server) }
    }
}

#[async_trait]
impl Storage for MarathonStorage {
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
