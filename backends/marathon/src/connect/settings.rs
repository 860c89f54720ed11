//! What a target and the process's environment say about the way to the servers.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::facts::Naming;

/// What a target says. Whatever is left out is taken from the environment and the DC/OS CLI's attached cluster.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// Marathon's address: `http://marathon.example:8080`, or `https://master.example/service/marathon` on DC/OS; those of
    /// several masters with commas between them. None means `MARATHON_URL`, else the cluster that the DC/OS CLI is
    /// attached to, else `http://localhost:8080`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The user of HTTP basic authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The password of HTTP basic authentication; best as `${NAME}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// A DC/OS token; best as `${NAME}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The PEM file of the authority that signed the servers' certificates; none means those that the system trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Metronome's address; none means `/service/metronome` beside Marathon on DC/OS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metronome: Option<String>,
    /// Chronos' address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chronos: Option<String>,
    /// The secret store's address; none means `/secrets/v1` beside Marathon on DC/OS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_store: Option<String>,
    /// Whether secrets are used; none means where the server has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets: Option<bool>,
    /// The virtual network of apps with addresses of their own; none means `dcos` on DC/OS, else bridge mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
    /// How workloads find each other; none means `vip` on DC/OS, else `mesos-dns`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub naming: Option<Naming>,
    /// The group of marathon-lb; none means `external`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub haproxy_group: Option<String>,
}

impl fmt::Debug for Settings {
    /// Without password and token.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Settings")
            .field("url", &self.url)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// What the process's environment says. Libraries read none of it themselves.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// The variables.
    pub vars: BTreeMap<String, String>,
    /// The home folder.
    pub home: Option<PathBuf>,
}

impl Environment {
    /// A variable that is set and not empty.
    pub(super) fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Environment {
    /// Without the variables, which may hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Environment").field("home", &self.home).finish_non_exhaustive()
    }
}
