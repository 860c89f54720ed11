//! What appears in a container's file system.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Bytes;

/// One mount, keyed by its absolute path in the container.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "MountForm", into = "MountForm")]
#[schemars(with = "MountForm")]
pub struct Mount {
    /// What is mounted.
    pub source: MountSource,
    /// The container cannot write there. Configs and secrets are always read-only.
    pub read_only: bool,
    /// A folder or file inside the source, instead of all of it.
    pub sub_path: Option<String>,
    /// Permission bits of the files of a config or secret, in octal: `"0440"`.
    pub file_mode: Option<String>,
    /// Numeric owner of the files of a config or secret.
    pub user: Option<u32>,
    /// Numeric group of the files of a config or secret.
    pub group: Option<u32>,
}

/// What is mounted.
#[derive(Clone, Debug, PartialEq)]
pub enum MountSource {
    /// A config: every key a file below the path, or with `key` one file at the path.
    Config {
        /// The config's name.
        name: String,
        /// The one key to mount.
        key: Option<String>,
    },
    /// A secret: every key a file below the path, or with `key` one file at the path.
    Secret {
        /// The secret's name.
        name: String,
        /// The one key to mount.
        key: Option<String>,
    },
    /// A volume document.
    Volume {
        /// The volume's name.
        name: String,
    },
    /// A folder that lives as long as the replica and that its containers share by name.
    Ephemeral {
        /// The name that containers of the workload share.
        name: String,
        /// The most it may hold.
        size: Option<Bytes>,
    },
    /// Memory that looks like a folder.
    Tmpfs {
        /// The most it may hold.
        size: Option<Bytes>,
    },
    /// A path of the node.
    Host {
        /// The absolute path on the node.
        path: String,
    },
}

/// The way a [`Mount`] is written: exactly one of the sources is set.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct MountForm {
    /// A config's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<String>,
    /// A secret's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// A volume's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    volume: Option<String>,
    /// The name of a folder that lives as long as the replica.
    #[serde(skip_serializing_if = "Option::is_none")]
    ephemeral: Option<String>,
    /// Memory that looks like a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    tmpfs: Option<bool>,
    /// An absolute path of the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    /// The one key of a config or secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The most that an ephemeral folder or memory may hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<Bytes>,
    /// The container cannot write there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    read_only: bool,
    /// A folder or file inside the source.
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_path: Option<String>,
    /// Permission bits of the files of a config or secret, in octal: `"0440"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    /// Numeric owner of the files of a config or secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<u32>,
    /// Numeric group of the files of a config or secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<u32>,
}

impl MountForm {
    fn sources(&self) -> usize {
        [
            self.config.is_some(),
            self.secret.is_some(),
            self.volume.is_some(),
            self.ephemeral.is_some(),
            self.tmpfs == Some(true),
            self.host.is_some(),
        ]
        .into_iter()
        .filter(|is_set| *is_set)
        .count()
    }

    fn take_source(&mut self) -> Option<MountSource> {
        if let Some(name) = self.config.take() {
            return Some(MountSource::Config { name, key: self.key.take() });
        }
        if let Some(name) = self.secret.take() {
            return Some(MountSource::Secret { name, key: self.key.take() });
        }
        if let Some(name) = self.volume.take() {
            return Some(MountSource::Volume { name });
        }
        if let Some(name) = self.ephemeral.take() {
            return Some(MountSource::Ephemeral { name, size: self.size.take() });
        }
        if let Some(path) = self.host.take() {
            return Some(MountSource::Host { path });
        }
        (self.tmpfs == Some(true)).then(|| MountSource::Tmpfs { size: self.size.take() })
    }
}

impl TryFrom<MountForm> for Mount {
    type Error = String;

    fn try_from(mut form: MountForm) -> Result<Self, String> {
        let one = "set exactly one of `config`, `secret`, `volume`, `ephemeral`, `tmpfs` and `host`";
        if form.sources() != 1 {
            return Err(one.to_owned());
        }
        let source = form.take_source().ok_or(one)?;
        if form.key.is_some() {
            return Err("`key` goes with `config` and `secret` only".to_owned());
        }
        if form.size.is_some() {
            return Err("`size` goes with `ephemeral` and `tmpfs` only".to_owned());
        }
        let has_files = matches!(source, MountSource::Config { .. } | MountSource::Secret { .. });
        let tmpfs_mode =
            matches!(source, MountSource::Tmpfs { .. }) && form.user.is_none() && form.group.is_none();
        if !has_files && !tmpfs_mode && (form.mode.is_some() || form.user.is_some() || form.group.is_some()) {
            return Err("`mode`, `user` and `group` go with `config` and `secret` only".to_owned());
        }
        Ok(Self {
            source,
            read_only: form.read_only,
            sub_path: form.sub_path,
            file_mode: form.mode,
            user: form.user,
            group: form.group,
        })
    }
}

impl From<Mount> for MountForm {
    fn from(mount: Mount) -> Self {
        let mut form = Self {
            read_only: mount.read_only,
            sub_path: mount.sub_path,
            mode: mount.file_mode,
            user: mount.user,
            group: mount.group,
            ..Self::default()
        };
        match mount.source {
            MountSource::Config { name, key } => (form.config, form.key) = (Some(name), key),
            MountSource::Secret { name, key } => (form.secret, form.key) = (Some(name), key),
            MountSource::Volume { name } => form.volume = Some(name),
            MountSource::Ephemeral { name, size } => (form.ephemeral, form.size) = (Some(name), size),
            MountSource::Tmpfs { size } => (form.tmpfs, form.size) = (Some(true), size),
            MountSource::Host { path } => form.host = Some(path),
        }
        form
    }
}
