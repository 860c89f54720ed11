//! The whole application: every document of one release.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Config, Network, Route, Secret, Volume, Workload};

/// Everything that one release asks for, by kind and then by name.
///
/// An `App` holds no secret material: secret data are [`super::Sealed`] ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct App {
    /// What runs.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub workloads: BTreeMap<String, Workload>,
    /// Plain configuration.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub configs: BTreeMap<String, Config>,
    /// Secret configuration.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, Secret>,
    /// Storage that outlives a container.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub volumes: BTreeMap<String, Volume>,
    /// Networks that workloads are isolated on.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub networks: BTreeMap<String, Network>,
    /// HTTP routes from outside.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub routes: BTreeMap<String, Route>,
    /// Documents passed through to one platform.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub natives: BTreeMap<String, Native>,
}

/// A kind of document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Kind {
    /// See [`Workload`].
    Workload,
    /// See [`Config`].
    Config,
    /// See [`Secret`].
    Secret,
    /// See [`Volume`].
    Volume,
    /// See [`Network`].
    Network,
    /// See [`Route`].
    Route,
    /// See [`Native`].
    Native,
}

impl Kind {
    /// Every kind, in the order in which documents are listed.
    pub const ALL: [Self; 7] =
        [Self::Workload, Self::Config, Self::Secret, Self::Volume, Self::Network, Self::Route, Self::Native];

    /// The word in `kind:`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workload => "Workload",
            Self::Config => "Config",
            Self::Secret => "Secret",
            Self::Volume => "Volume",
            Self::Network => "Network",
            Self::Route => "Route",
            Self::Native => "Native",
        }
    }

    /// The word that begins a path, as in `workload/web.replicas`.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Config => "config",
            Self::Secret => "secret",
            Self::Volume => "volume",
            Self::Network => "network",
            Self::Route => "route",
            Self::Native => "native",
        }
    }

    /// The path of a document of this kind: `workload/web`.
    pub fn path(self, name: &str) -> String {
        format!("{}/{name}", self.prefix())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A platform's own document, passed through unchanged for that platform and left out on every other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Native {
    /// The backend it is for: `kubernetes`, `swarm`, `ecs`, `marathon` or `memory`.
    pub platform: String,
    /// The document, in the platform's own shape.
    pub manifest: Value,
}
