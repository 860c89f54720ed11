//! Releases kept in the cluster itself, as Secrets of the type `rhumb.dev/release`.
//!
//! An entry is a Secret in the release's namespace. Its data is the entry's value, its labels are what the server picks
//! entries by, and its annotations are the key and the meta. None bears the labels of a release's objects, so observing
//! one does not read them.

mod entry;

use std::sync::Arc;

use async_trait::async_trait;
use rhumb_backend::{Error, ErrorKind, Result};
use rhumb_release::{Entry, EntryKind, Filter, Key, Meta, Storage};
use serde_json::{Value, json};

use crate::Kubernetes;
use crate::connect::{Call, Cluster, Selection};
use crate::names::FIELD_MANAGER;

/// A Secret holds 1 MiB; some room is left for the request around it. Values are compressed pieces, so nothing is won by
/// going to the limit.
const VALUE_LIMIT: usize = 700 * 1024;
const MERGE: &str = "application/merge-patch+json";

/// Releases kept in the cluster's Secrets.
#[derive(Clone, Debug)]
pub struct KubernetesStorage {
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
        VALUE_LIMIT
    }

    async fn create(&self, key: &Key, meta: &Meta, value: &[u8]) -> Result<String> {
        if value.len() > VALUE_LIMIT {
            let message =
                format!("it has {} bytes; at most {VALUE_LIMIT} are kept in one entry", value.len());
            return Err(about(
                Error::new(ErrorKind::LimitExceeded, "write the release's record", message),
                key,
            ));
        }
        let call = Call::post(
            "write the release's record",
            collection(&key.namespace),
            &entry::secret(key, meta, value),
        );
        let call = call.query("fieldManager", FIELD_MANAGER).metadata_only();
        let made = self.cluster.json::<Value>(call).await.map_err(|error| about(error, key))?;
        entry::version(&made).ok_or_else(|| unversioned("write the release's record", key))
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>> {
        let operation = "read the release's record";
        let found = self.cluster.find::<Value>(Call::get(operation, path(key))).await;
        let Some(secret) = found.map_err(|error| about(error, key))? else { return Ok(None) };
        entry::read(&secret, key).map(Some).map_err(|error| about(error, key))
    }

    /// Only metadata is read, page by page. The server itself leaves out what the filter does not take, as far as its
    /// labels tell.
    async fn list(&self, kind: EntryKind, filter: &Filter) -> Result<Vec<Entry>> {
        let path = filter.namespace.as_deref().map_or_else(|| "/api/v1/secrets".to_owned(), collection);
        let call = Call::get("list the releases' records", path);
        let selection = Selection { labels: entry::selector(kind, filter), ..Selection::default() };
        let mut entries = Vec::new();
        let take = |page: Vec<Value>| {
            let read = page.iter().filter_map(|secret| entry::listed(secret, kind));
            entries.extend(read.filter(|entry| filter.takes(&entry.key) && filter.takes_meta(&entry.meta)));
        };
        let listed = self.cluster.list_metadata(call, &selection, take).await;
        listed.map_err(|error| match (error.kind, &filter.namespace) {
            (ErrorKind::Forbidden, None) => error.remedy("--namespace NAME, to list those of one namespace"),
            _ => error,
        })?;
        entries.sort_by(|left, right| left.key.cmp(&right.key));
        Ok(entries)
    }

    async fn update(&self, key: &Key, meta: &Meta, version: &str) -> Result<String> {
        let operation = "update the release's record";
        // The server takes an empty version for none.
        if version.is_empty() {
            return Err(about(Error::new(ErrorKind::Conflict, operation, "its version is not known"), key));
        }
        let patch = json!({ "metadata": {
            "resourceVersion": version,
            "labels": entry::changing_labels(meta),
            "annotations": entry::changing_annotations(meta),
        } });
        let call = Call::patch(operation, path(key), MERGE, &patch);
        let call = call.query("fieldManager", FIELD_MANAGER).metadata_only();
        let changed = self.cluster.json::<Value>(call).await.map_err(|error| about(error, key))?;
        entry::version(&changed).ok_or_else(|| unversioned(operation, key))
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        let options = json!({ "apiVersion": "v1", "kind": "DeleteOptions" });
        let call = Call::delete("remove the release's record", path(key), &options);
        match self.cluster.json::<Value>(call).await {
            Err(error) if error.kind != ErrorKind::NotFound => Err(about(error, key)),
            _ => Ok(()),
        }
    }
}

fn collection(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/secrets")
}

fn path(key: &Key) -> String {
    format!("{}/{}", collection(&key.namespace), entry::name(key))
}

fn about(error: Error, key: &Key) -> Error {
    error.with("record", key.to_string())
}

fn unversioned(operation: &str, key: &Key) -> Error {
    about(Error::new(ErrorKind::Platform, operation, "the answer has no version"), key)
}
