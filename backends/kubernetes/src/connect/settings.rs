//! What a target and the process's environment say about the way to a cluster.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a target says about the way to its cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The kubeconfig; none means what kubectl would take.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; none means its current one.
    pub context: Option<String>,
}

/// What the process's environment says. Libraries read none of it themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// The variables.
    pub vars: BTreeMap<String, String>,
    /// The home folder.
    pub home: Option<PathBuf>,
}
