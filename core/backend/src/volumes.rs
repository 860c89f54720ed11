//! Volumes where they are, and helpers beside them through which their data is copied.

use std::fmt;

use async_trait::async_trait;
use rhumb_spec::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Duplex, Material, Object, Result, Scope};

/// Volumes where they are, and helpers beside them.
///
/// A helper is a container of a small program that reads or writes volumes for whoever proves to be its run. The platform puts it
/// where the volumes are. What it speaks is no matter of the backend.
#[async_trait]
pub trait Volumes: Send + Sync {
    /// The volumes that documents of the platform ask for, one for each replica that has its own. Nothing is asked: where they are
    /// and how large is said as far as the documents say it.
    fn wanted(&self, scope: &Scope, objects: &[Object]) -> Vec<VolumeUse>;

    /// The volumes that somebody's workloads have, and where they are.
    ///
    /// # Errors
    /// What the platform answers.
    async fn volumes(&self, scope: &Scope, whose: &Whose) -> Result<Vec<VolumeUse>>;

    /// The address at which a helper listens, so that [`Volumes::connect_helper`] reaches it.
    fn helper_host(&self) -> &'static str;

    /// Makes a helper, and those of its volumes that are not there yet, as the release's own documents will expect them. A helper
    /// of this name that is there and equal stays; any other goes first, as one that has ended does.
    ///
    /// # Errors
    /// `NotFound` for a secret that is not there; `Unsupported` for secrets where the platform shows them by itself; `Conflict`, to be
    /// tried again, while an earlier helper is on its way out; what the platform answers.
    async fn start_helper(&self, scope: &Scope, helper: &Helper) -> Result<()>;

    /// How far a helper is.
    ///
    /// # Errors
    /// What the platform answers.
    async fn helper_state(&self, scope: &Scope, name: &str) -> Result<HelperState>;

    /// Opens a connection to a helper that runs, at the port where it listens.
    ///
    /// # Errors
    /// `NotFound` when it does not run; `Unreachable` when nobody answers.
    async fn connect_helper(&self, scope: &Scope, name: &str, port: u16) -> Result<Box<dyn Duplex>>;

    /// Removes a helper and its identity. Its volumes stay. One that is not there is removed.
    ///
    /// # Errors
    /// What the platform answers.
    async fn stop_helper(&self, scope: &Scope, name: &str) -> Result<()>;

    /// The helpers of a release that are there, whoever made them.
    ///
    /// # Errors
    /// What the platform answers.
    async fn helpers(&self, scope: &Scope) -> Result<Vec<String>>;
}

/// Whose volumes are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The release's.
    Release,
    /// Those of what somebody else made: on Swarm the stack of the scope's name, on Kubernetes what a selector finds in the scope's
    /// namespace, or everything in it.
    Others {
        /// In the platform's own words.
        selector: Option<String>,
    },
}

/// A volume, as one workload or one of its replicas has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeUse {
    /// The workload, by the name that it has in an app.
    pub workload: String,
    /// The volume, by the name that it has in an app.
    pub volume: String,
    /// Which replica's it is, from 0, where each has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ordinal: Option<u32>,
    /// The volume's or claim's name on the platform.
    pub native: String,
    /// The node where the data is or will be, in the platform's own words; none where any node reaches it, or where nothing decided it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What its workload asks of a node, in the platform's own words: where no node is known yet, this decides.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub placement: Value,
    /// Its size, where the platform knows one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Bytes>,
    /// What the platform needs to mount it, and to make it where it is not there. It is not written down: what it says to a volume's
    /// driver may be a credential.
    #[serde(skip)]
    pub document: Value,
}

/// A helper.
pub struct Helper {
    /// Its name: letters, digits and dashes.
    pub name: String,
    /// Its image.
    pub image: String,
    /// The arguments of its program.
    pub arguments: Vec<String>,
    /// The file [`Helper::IDENTITY`].
    pub identity: Material,
    /// The volumes that it has, each in [`Helper::VOLUMES`].
    pub volumes: Vec<HelperVolume>,
    /// The secrets that it has, by their names on the platform, each a file in [`Helper::SECRETS`].
    pub secrets: Vec<String>,
    /// The port at which it listens.
    pub port: u16,
}

impl Helper {
    /// Where its volumes are, each in a folder of its own.
    pub const VOLUMES: &'static str = "/ferry";
    /// Where its secrets are, each a file.
    pub const SECRETS: &'static str = "/ferry-secrets";
    /// Where its identity is.
    pub const IDENTITY: &'static str = "/ferry-identity/identity.pem";
    /// The rights that it needs to keep what belongs to whom, and no others: to give files away, to enter and read what is others', to set
    /// modes and times of what is others', to keep set-group-id bits, to make devices, and to give programs capabilities.
    pub const CAPABILITIES: [&'static str; 6] =
        ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "MKNOD", "SETFCAP"];
}

impl fmt::Debug for Helper {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Helper")
            .field("name", &self.name)
            .field("volumes", &self.volumes)
            .finish_non_exhaustive()
    }
}

/// A volume of a helper.
#[derive(Clone, Debug, PartialEq)]
pub struct HelperVolume {
    /// Its folder in [`Helper::VOLUMES`].
    pub folder: String,
    /// Which it is.
    pub volume: VolumeUse,
    /// Whether it may be written to.
    pub access: VolumeAccess,
}

/// What a helper may do with a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolumeAccess {
    /// It is only read, and mounted so.
    ReadOnly,
    /// It is read and written.
    ReadWrite,
}

/// How far a helper is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HelperState {
    /// There is none.
    Absent,
    /// It does not run yet.
    Pending {
        /// What it waits for, in the platform's words.
        why: String,
    },
    /// It runs, which is not to say that it listens.
    Running {
        /// Where.
        node: Option<String>,
    },
    /// It ran, or could not, and will not by itself.
    Ended {
        /// Why, in the platform's words.
        why: String,
    },
}
