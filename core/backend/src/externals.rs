//! Configs and secrets that workloads use and that are not their release's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use async_trait::async_trait;
use rhumb_spec::App;
use serde::{Deserialize, Serialize};

use crate::{Material, Removed, Result, Scope};

/// Reading and making configs and secrets that workloads use and that are not their release's.
#[async_trait]
pub trait Externals: Send + Sync {
    /// The external configs and secrets that an app's workloads use, as they are called here. Nothing is asked.
    fn externals(&self, app: &App) -> Vec<External>;

    /// What is there of each, in the same order.
    ///
    /// # Errors
    /// What the platform answers, unless it says that one of them must not be read, which is [`Held::Hidden`].
    async fn look_at_externals(&self, scope: &Scope, externals: &[External]) -> Result<Vec<Held>>;

    /// Makes one that is not there, with a mark by which it is known again.
    ///
    /// # Errors
    /// `AlreadyExists` when somebody was faster; what the platform answers. What it holds is in no error.
    async fn make_external(
        &self,
        scope: &Scope,
        external: &External,
        entries: &Entries,
        mark: &str,
    ) -> Result<()>;

    /// Removes one that bears this mark and that nobody uses. One that is not there, or bears another, is removed.
    ///
    /// # Errors
    /// What the platform answers.
    async fn remove_external(&self, scope: &Scope, external: &External, mark: &str) -> Result<Removed>;
}

/// What a config or secret holds, by key.
pub type Entries = BTreeMap<String, Material>;

/// A config or secret that is not the release's, as it is called on one platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct External {
    /// The document of the app: `secret/db`.
    pub document: String,
    /// Whether it is secret.
    pub kind: ExternalKind,
    /// Its name on the platform.
    pub native: String,
    /// Keys of the document that are in it and that workloads name.
    pub keys: BTreeSet<String>,
    /// How much of the document is in it.
    pub extent: Extent,
}

impl External {
    /// What workloads read of it, out of a document's entries; none where the document lacks a key of it.
    pub fn read_of<'e>(&self, document: &'e Entries) -> Option<BTreeMap<&'e str, &'e Material>> {
        let named = self.keys.iter().map(|key| document.get_key_value(key)).collect::<Option<Vec<_>>>()?;
        let entries = if self.extent == Extent::Whole { document.iter().collect() } else { named };
        Some(entries.into_iter().map(|(key, material)| (key.as_str(), material)).collect())
    }

    /// What it is made with, out of a document's entries; none where the document lacks a key of it.
    pub fn made_of(&self, document: &Entries) -> Option<Entries> {
        let read = self.read_of(document)?;
        let is_in = |key: &str| self.extent != Extent::OneKey || read.contains_key(key);
        let entries = document.iter().filter(|(key, _)| is_in(key));
        Some(
            entries.map(|(key, material)| (key.clone(), Material::new(material.expose().to_vec()))).collect(),
        )
    }
}

/// Whether something is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ExternalKind {
    /// Anybody may read it.
    Config,
    /// It is secret.
    Secret,
}

impl ExternalKind {
    /// The word for it: `config`, `secret`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Secret => "secret",
        }
    }
}

/// How much of a document something external holds, and workloads read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Extent {
    /// One key, and it can hold nothing else.
    OneKey,
    /// All of it, of which workloads read the keys that are named.
    Named,
    /// All of it, and workloads read all of it.
    Whole,
}

/// What is there of something external.
pub enum Held {
    /// Nothing.
    Absent,
    /// It, and what it holds.
    Shown {
        /// What it holds.
        entries: Entries,
        /// The mark that it bears.
        mark: Option<String>,
    },
    /// It, and only a container that has it mounted sees what it holds.
    InContainer {
        /// The mark that it bears.
        mark: Option<String>,
    },
    /// What is there is not shown to whom the target is reached as.
    Hidden {
        /// What the platform says.
        why: String,
    },
}

impl Held {
    /// The mark that it bears.
    pub fn mark(&self) -> Option<&str> {
        match self {
            Self::Shown { mark, .. } | Self::InContainer { mark } => mark.as_deref(),
            Self::Absent | Self::Hidden { .. } => None,
        }
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => formatter.write_str("Absent"),
            Self::Shown { entries, .. } => formatter.debug_list().entries(entries.keys()).finish(),
            Self::InContainer { .. } => formatter.write_str("InContainer"),
            Self::Hidden { why } => formatter.debug_tuple("Hidden").field(why).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn external(keys: &[&str], extent: Extent) -> External {
        External {
            document: "secret/db".to_owned(),
            kind: ExternalKind::Secret,
            native: "db".to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            extent,
        }
    }

    #[test]
    fn what_of_a_document_is_in_it() {
        let entries: Entries =
            ["a", "b"].map(|key| (key.to_owned(), Material::new(key.as_bytes().to_vec()))).into();
        let check = |keys: &[&str], extent: Extent, expected: Option<(&[&str], &[&str])>| {
            let external = external(keys, extent);
            let read = external.read_of(&entries).map(|found| found.into_keys().collect::<Vec<_>>());
            let made = external.made_of(&entries).map(|found| found.into_keys().collect::<Vec<_>>());
            assert_eq!(read.as_deref(), expected.map(|(read, _)| read), "{keys:?} {extent:?}");
            let expected: Option<Vec<String>> =
                expected.map(|(_, made)| made.iter().map(|key| (*key).to_owned()).collect());
            assert_eq!(made, expected, "{keys:?} {extent:?}");
        };
        check(&["a"], Extent::OneKey, Some((&["a"], &["a"])));
        check(&["a"], Extent::Named, Some((&["a"], &["a", "b"])));
        check(&["a"], Extent::Whole, Some((&["a", "b"], &["a", "b"])));
        for extent in [Extent::OneKey, Extent::Named, Extent::Whole] {
            check(&["c"], extent, None);
        }
    }

    #[test]
    fn what_it_holds_is_not_shown() {
        let entries: Entries = [("key".to_owned(), Material::new(b"canary".to_vec()))].into();
        assert_eq!(format!("{:?}", Held::Shown { entries, mark: None }), "[\"key\"]");
    }
}
