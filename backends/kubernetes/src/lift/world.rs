//! What is known of the other objects while one is read, and the app that grows.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::Account;
use rhumb_spec::model::{App, Config, Nfs, RouteTarget, Secret, Volume};
use rhumb_spec::{Diagnostic, model::EnvFrom};

use super::naming::{Names, document_name, is_variable};

/// What is known of the other objects while one is read, and the app that grows.
#[derive(Default)]
pub(super) struct World {
    pub(super) app: App,
    pub(super) notes: Vec<Diagnostic>,
    pub(super) accounts: Vec<Account>,
    pub(super) configs: Names,
    pub(super) secrets: Names,
    pub(super) volumes: Names,
    pub(super) workloads: Names,
    /// The directories of NFS servers that claims are bound to, by the claim's name.
    pub(super) directories: BTreeMap<String, Nfs>,
    /// Claims that are passed through: no volume of the app stands for them.
    pub(super) native_claims: BTreeSet<String>,
    /// What the ports of services lead to, by the service's name in the cluster.
    pub(super) targets: BTreeMap<(String, PortRef), RouteTarget>,
    /// How services call the ports of each workload, by the object's id and then the container's port.
    pub(super) port_hints: BTreeMap<String, Vec<(PortRef, String)>>,
}

/// What a service calls a container's port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PortRef {
    /// Its number.
    Number(u16),
    /// Its name.
    Name(String),
}

impl World {
    /// The document of a config map. One that is not among the objects exists already; one whose name no document can
    /// have, none.
    pub(super) fn config(&mut self, native: &str) -> Option<String> {
        if let Some(known) = self.configs.get(native) {
            return Some(known.clone());
        }
        if document_name(native) != native || self.configs.is_taken(native) {
            return None;
        }
        let name = self.configs.add(native, native);
        self.app.configs.insert(name.clone(), Config { external: true, ..Config::default() });
        Some(name)
    }

    /// The document of a secret; see [`World::config`].
    pub(super) fn secret(&mut self, native: &str) -> Option<String> {
        if let Some(known) = self.secrets.get(native) {
            return Some(known.clone());
        }
        if document_name(native) != native || self.secrets.is_taken(native) {
            return None;
        }
        let name = self.secrets.add(native, native);
        self.app.secrets.insert(name.clone(), Secret { external: true, ..Secret::default() });
        Some(name)
    }

    /// The document of a volume's claim; see [`World::config`].
    pub(super) fn volume(&mut self, native: &str) -> Option<String> {
        if let Some(known) = self.volumes.get(native) {
            return Some(known.clone());
        }
        let is_free = document_name(native) == native && !self.volumes.is_taken(native);
        if !is_free || self.native_claims.contains(native) {
            return None;
        }
        let name = self.volumes.add(native, native);
        self.app.volumes.insert(name.clone(), Volume { external: true, ..Volume::default() });
        Some(name)
    }

    /// The document of a directory of an NFS server, which pods mount by themselves.
    pub(super) fn nfs(&mut self, wanted: &str, nfs: Nfs) -> Option<String> {
        if nfs.server.is_empty() || !nfs.path.starts_with('/') {
            return None;
        }
        let is_same = |volume: &Volume| volume.nfs.as_ref() == Some(&nfs);
        if let Some((name, _)) = self.app.volumes.iter().find(|(_, volume)| is_same(volume)) {
            return Some(name.clone());
        }
        // The key is none that a claim can have.
        let name = self.volumes.add(&format!("nfs\n{}\n{}", nfs.server, nfs.path), wanted);
        self.app.volumes.insert(name.clone(), Volume { nfs: Some(nfs), ..Volume::default() });
        Some(name)
    }

    /// Whether a config has a key with text, as far as that is known.
    pub(super) fn config_has(&self, name: &str, key: &str, is_text: IsText) -> bool {
        let Some(config) = self.app.configs.get(name) else { return false };
        let has_bytes = is_text == IsText::No && config.binary.contains_key(key);
        config.external || config.data.contains_key(key) || has_bytes
    }

    /// Whether a secret has a key, as far as that is known.
    pub(super) fn secret_has(&self, name: &str, key: &str) -> bool {
        let Some(secret) = self.app.secrets.get(name) else { return false };
        secret.external || secret.keys().any(|known| known == key)
    }

    /// Whether every key of a config or secret can be the name of a variable.
    pub(super) fn are_variables(&self, from: &EnvFrom) -> bool {
        let prefix = from.prefix.as_deref().unwrap_or_default();
        let is_good = |key: &str| is_variable(&format!("{prefix}{key}"));
        let config = from.config.as_ref().and_then(|name| self.app.configs.get(name));
        let secret = from.secret.as_ref().and_then(|name| self.app.secrets.get(name));
        config.is_none_or(|config| config.binary.is_empty() && config.data.keys().all(|key| is_good(key)))
            && secret.is_none_or(|secret| secret.keys().all(is_good))
    }
}

/// Whether text is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IsText {
    /// A variable takes text only.
    Yes,
    /// A file takes bytes, too.
    No,
}
