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
///
/// A program that a kubeconfig names for credentials is the exception: it inherits the process's own environment.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// The variables.
    pub vars: BTreeMap<String, String>,
    /// The home folder.
    pub home: Option<PathBuf>,
    /// Standard input is a terminal, so that a program for credentials may ask its user something.
    pub is_interactive: bool,
}

impl Environment {
    /// A variable that is set to something.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl std::fmt::Debug for Environment {
    /// Without the variables, which may hold secrets.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Environment")
            .field("home", &self.home)
            .field("is_interactive", &self.is_interactive)
            .finish_non_exhaustive()
    }
}
