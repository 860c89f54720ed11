//! Where releases are kept, in one shape for every platform.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use rhumb_backend::{Result, Scope};
use serde::{Deserialize, Serialize};

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EntryKind {
    /// A revision's small head: the commit. Lists read only these.
    Head,
    /// A piece of a revision's body, named by its content.
    Chunk,
    /// A link of a release's lease.
    Lease,
}

impl EntryKind {
    /// The word in keys and labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Chunk => "chunk",
            Self::Lease => "lease",
        }
    }
}

/// The name of an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// What it is.
    pub kind: EntryKind,
    /// The release's namespace.
    pub namespace: String,
    /// The release.
    pub release: String,
    /// The entry's own name: a revision number, a digest, a lease number.
    pub name: String,
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}/{}/{}", self.kind.as_str(), self.namespace, self.release, self.name)
    }
}

/// The part of an entry that may change. Lists return it.
pub type Meta = BTreeMap<String, String>;

/// What an entry holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub key: Key,
    /// The part that may change.
    pub meta: Meta,
    /// The part that never changes. Empty in what [`Storage::list`] returns.
    pub value: Vec<u8>,
    /// Changes with every update. Only ever compared for equality.
    pub version: String,
}

/// Which entries a list returns. Every field that is set narrows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this namespace.
    pub namespace: Option<String>,
    /// Only this release.
    pub release: Option<String>,
    /// None whose meta has this value under this key, so that a server can leave out what would only be thrown away:
    /// `("status", "superseded")`.
    pub except: Option<(&'static str, &'static str)>,
}

impl Filter {
    /// Whether an entry of this key is wanted.
    pub fn takes(&self, key: &Key) -> bool {
        let takes = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        takes(&self.namespace, &key.namespace) && takes(&self.release, &key.release)
    }

    /// Whether an entry of this meta is wanted.
    pub fn takes_meta(&self, meta: &Meta) -> bool {
        self.except.is_none_or(|(key, value)| meta.get(key).is_none_or(|is| is != value))
    }
}

impl From<&Scope> for Filter {
    fn from(scope: &Scope) -> Self {
        Self { namespace: Some(scope.namespace.clone()), release: Some(scope.release.clone()), except: None }
    }
}

/// Where releases are kept.
///
/// Creating is atomic and fails when the key is there; an update fails when the version is not the one given. All
/// that makes releases safe against crashes and races rests on these two.
#[async_trait]
pub trait Storage: fmt::Debug + Send + Sync {
    /// The most bytes that one value may have.
    fn value_limit(&self) -> usize;

    /// The most bytes of chunks that one release may have, where the platform sets a bound.
    fn release_limit(&self) -> Option<usize> {
        None
    }

    /// Makes an entry and returns its version.
    ///
    /// # Errors
    /// `AlreadyExists` when the key is there, whatever it holds.
    async fn create(&self, key: &Key, meta: &Meta, value: &[u8]) -> Result<String>;

    /// Reads an entry; none when it is not there.
    async fn read(&self, key: &Key) -> Result<Option<Entry>>;

    /// Entries of a kind, without their values, ordered by key.
    async fn list(&self, kind: EntryKind, filter: &Filter) -> Result<Vec<Entry>>;

    /// Changes an entry's meta and returns its new version.
    ///
    /// # Errors
    /// `Conflict` when the version is another by now; `NotFound` when the entry is gone.
    async fn update(&self, key: &Key, meta: &Meta, version: &str) -> Result<String>;

    /// Removes an entry. One that is not there is no error.
    async fn delete(&self, key: &Key) -> Result<()>;

    /// Removes what calls that were cut short left of a release and no entry shows. Only who holds the release's lease
    /// may ask for it. Storage in which an entry is one thing never has any.
    async fn sweep(&self, scope: &Scope) -> Result<()> {
        let _ = scope;
        Ok(())
    }
}
