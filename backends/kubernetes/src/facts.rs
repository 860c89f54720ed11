//! What only the cluster knows.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What only the cluster knows. The default is a plain cluster of the current minor, for what is done with no server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KubernetesFacts {
    /// The server's version: `v1.36.1`; none when none was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Which of the API versions that we may write are served: `policy/v1`.
    pub apis: BTreeSet<String>,
    /// Kinds of the app's own documents that are not among the known ones, as the cluster serves them, by the word in
    /// ids.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub kinds: BTreeMap<String, ServedKind>,
    /// The classes of ingresses, and whether one is the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ingress_classes: Option<Classes>,
    /// The classes of storage, and whether one is the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_classes: Option<Classes>,
}

/// A kind that some cluster serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServedKind {
    /// `cert-manager.io/v1`.
    pub api_version: String,
    /// `Certificate`.
    pub kind: String,
    /// `certificates`.
    pub plural: String,
    /// Whether objects of it lie in a namespace.
    pub namespaced: bool,
}

/// Classes, of which one may be what is taken where none is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Classes {
    /// Their names.
    pub names: BTreeSet<String>,
    /// The one that is taken where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

impl KubernetesFacts {
    /// The API versions that lowering may choose.
    pub const APIS: [&'static str; 9] = [
        "v1",
        "apps/v1",
        "batch/v1",
        "autoscaling/v2",
        "policy/v1",
        "networking.k8s.io/v1",
        "gateway.networking.k8s.io/v1",
        "storage.k8s.io/v1",
        "rbac.authorization.k8s.io/v1",
    ];

    /// Whether the cluster serves this API version.
    pub fn serves(&self, api_version: &str) -> bool {
        self.apis.contains(api_version)
    }

    /// Whether the cluster is of this minor version or a later one. A cluster that was not asked is a current one.
    pub fn is_since(&self, minor: u32) -> bool {
        let version =
            self.version.as_deref().and_then(|version| version.trim_start_matches('v').split_once('.'));
        let Some((_, rest)) = version else { return true };
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().map_or(true, |found: u32| found >= minor)
    }
}

impl Default for KubernetesFacts {
    fn default() -> Self {
        let served = Self::APIS.iter().filter(|api| !api.starts_with("gateway."));
        Self {
            version: None,
            apis: served.map(|api| (*api).to_owned()).collect(),
            kinds: BTreeMap::new(),
            ingress_classes: None,
            storage_classes: None,
        }
    }
}
