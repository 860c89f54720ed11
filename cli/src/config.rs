//! The file of targets.

use std::collections::BTreeMap;
use std::path::Path;

use rhumb_spec::yaml;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;

/// The file of targets: which there are, and which one is meant when none is named.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The target that is meant when none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<String>,
    /// Targets by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) targets: BTreeMap<String, TargetConfig>,
    /// Groups of targets by name: each stands for all of its targets.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) groups: BTreeMap<String, Vec<String>>,
}

/// One target. Every text may hold `${NAME}`, which stands for an environment variable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct TargetConfig {
    /// The backend: `kubernetes`, `swarm`, `ecs`, `marathon`, `memory`.
    pub(crate) backend: String,
    /// The namespace of releases that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) namespace: Option<String>,
    /// Where the engine is: `unix://…`, `tcp://…`, `ssh://…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    /// The kubeconfig, of backend `kubernetes`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kubeconfig: Option<String>,
    /// A stored context of the platform's own tool.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<String>,
    /// The folder with `ca.pem`, `cert.pem` and `key.pem`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cert_path: Option<String>,
    /// Whether the server's certificate is checked, with `certPath`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tls_verify: Option<bool>,
    /// Where releases are kept, when not on the platform: `file:FOLDER`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) storage: Option<String>,
    /// The file with the state, of backend `memory`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    /// What else the backend wants to know, of the backends `ecs` and `marathon`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) settings: BTreeMap<String, Value>,
}

impl Config {
    /// Reads the file; one that is not there holds no targets.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Failure::io("read the configuration", path, &error)),
        };
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let (config, diagnostics) = yaml::from_str_typed(&text, &path.display().to_string());
        match config {
            Some(config) if diagnostics.is_empty() => Ok(config),
            _ => Err(Failure::diagnostics(diagnostics)),
        }
    }

    /// Writes the file whole: beside the old one first, then in its place.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let failed = |error: &std::io::Error| Failure::io("write the configuration", path, error);
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
        let text = yaml::to_string(self).map_err(|error| Failure::general(error.to_string()))?;
        let beside = path.with_extension(format!("{}.new", std::process::id()));
        std::fs::write(&beside, text).map_err(|error| failed(&error))?;
        std::fs::rename(&beside, path).map_err(|error| failed(&error))
    }
}
