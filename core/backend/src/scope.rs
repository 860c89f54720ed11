//! Which release a call is about.

use serde::{Deserialize, Serialize};

/// A release on a target. Names on the platform follow from it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// The namespace; `default` where the user names none.
    pub namespace: String,
    /// The release's name.
    pub release: String,
}

impl Scope {
    /// The namespace of those who name none.
    pub const DEFAULT_NAMESPACE: &'static str = "default";

    /// A release in a namespace.
    pub fn new(namespace: impl Into<String>, release: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), release: release.into() }
    }

    /// The one name for both: the release's in namespace `default`, else `<namespace>-<release>`.
    pub fn stack(&self) -> String {
        if self.namespace == Self::DEFAULT_NAMESPACE {
            return self.release.clone();
        }
        format!("{}-{}", self.namespace, self.release)
    }
}
