//! Storage that outlives a container.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::is_default;
use crate::Bytes;

/// Storage that outlives a container. A stateful workload has one for each replica.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Volume {
    /// How much it holds, where the platform wants to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Bytes>,
    /// Who mounts it at one time.
    #[serde(skip_serializing_if = "is_default")]
    pub access: Access,
    /// The storage class or volume driver; none means the platform's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Options of the class or driver.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// A directory of an NFS server that holds the data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nfs: Option<Nfs>,
    /// Whether an uninstall leaves it (default: yes).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<bool>,
    /// The volume exists already and is not ours to make, change or remove.
    #[serde(skip_serializing_if = "is_default")]
    pub external: bool,
    /// Labels for the platform's object.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Volume {
    /// Whether an uninstall leaves it. Data are kept unless the chart says otherwise.
    pub fn is_kept(&self) -> bool {
        self.external || self.keep.unwrap_or(true)
    }
}

/// Who mounts a volume at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Access {
    /// Replicas on one node.
    #[default]
    Single,
    /// Replicas on several nodes.
    Shared,
}

/// A directory of an NFS server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Nfs {
    /// The server's host name or address.
    pub server: String,
    /// The exported directory.
    pub path: String,
    /// Mount options, as in `mount -o`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<String>,
}
