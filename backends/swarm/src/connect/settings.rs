//! What a target and the environment say about where the engine is.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a target says about its engine. Whatever is left out is taken from the environment, as the docker CLI does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// The engine's address: `unix:///var/run/docker.sock`, `tcp://host:2376`, `ssh://user@host`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The name of a context that the docker CLI has stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Certificates for a `tcp://` address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSettings>,
    /// The folder with the docker CLI's `config.json` and contexts, when it is not the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docker_config: Option<PathBuf>,
}

/// Certificates for a `tcp://` address, as paths of PEM files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TlsSettings {
    /// The authority that signed the engine's certificate; none means those that the system trusts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// The client's certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cert: Option<PathBuf>,
    /// The client's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<PathBuf>,
}

/// The environment of the process, as its program read it. This library reads none itself.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// Environment variables.
    pub vars: BTreeMap<String, String>,
    /// The user's home folder.
    pub home: Option<PathBuf>,
}

impl Environment {
    /// A variable, unless it is empty.
    pub fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The docker CLI's folder.
    pub fn docker_config(&self, settings: &Settings) -> Option<PathBuf> {
        settings
            .docker_config
            .clone()
            .or_else(|| self.var("DOCKER_CONFIG").map(PathBuf::from))
            .or_else(|| self.home.as_ref().map(|home| home.join(".docker")))
    }
}

/// Variables may hold secrets, so only their names are shown.
impl fmt::Debug for Environment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.vars.keys().collect::<Vec<_>>();
        formatter.debug_struct("Environment").field("vars", &names).field("home", &self.home).finish()
    }
}
