//! Releases kept in the cluster itself, as Secrets of the type `rhumb.dev/release`.

use std::sync::Arc;

use async_trait::async_trait;
use rhumb_backend::Result;
use rhumb_release::{Entry, EntryKind, Filter, Key, Meta, Storage};

use crate::Kubernetes;
use crate::connect::Cluster;
use crate::error::unfinished;

/// Releases kept in the cluster's Secrets.
#[derive(Clone, Debug)]
pub struct KubernetesStorage {
    #[expect(dead_code, reason = "the calls are not there yet")]
    cluster: Arc<Cluster>,
}

impl KubernetesStorage {
    /// The Secrets of this cluster.
    pub fn new(kubernetes: &Kubernetes) -> Self {
        Self { cluster: Arc::clone(&kubernetes.cluster) }
    }
}

#[async_trait]
impl Storage for KubernetesStorage {
    fn value_limit(&self) -> usize {
        700 * 1024
    }

    async fn create(&self, _: &Key, _: &Meta, _: &[u8]) -> Result<String> {
        Err(unfinished("write the release's record"))
    }

    async fn read(&self, _: &Key) -> Result<Option<Entry>> {
        Err(unfinished("read the release's record"))
    }

    async fn list(&self, _: EntryKind, _: &Filter) -> Result<Vec<Entry>> {
        Err(unfinished("list the releases' records"))
    }

    async fn update(&self, _: &Key, _: &Meta, _: &str) -> Result<String> {
        Err(unfinished("update the release's record"))
    }

    async fn delete(&self, _: &Key) -> Result<()> {
        Err(unfinished("remove the release's record"))
    }
}
