//! What can go wrong between the copier and a helper.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

use crate::TreePath;

/// The result of the copier's calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the copier gave up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The connection could not be made, broke, or nothing came over it for too long. To try again may help.
    #[error("the connection to the helper {helper} is lost: {source}")]
    Lost {
        /// Which helper.
        helper: String,
        /// How.
        source: io::Error,
    },
    /// The helper could not do what it was asked.
    #[error("the helper {helper} {refusal}")]
    Refused {
        /// Which helper.
        helper: String,
        /// What it said.
        refusal: Refusal,
    },
    /// What came over the connection is nothing that a helper says.
    #[error("what answers as the helper {helper} does not keep to the protocol: {what}")]
    Protocol {
        /// Which helper.
        helper: String,
        /// What it did.
        what: String,
    },
    /// A bound would be passed.
    #[error("{what}")]
    Limit {
        /// Which, and what to do.
        what: String,
    },
    /// The certificates of a run could not be made or read.
    #[error("the certificates of the run cannot be used: {what}")]
    Identity {
        /// Why.
        what: String,
    },
}

impl Error {
    /// Whether to try again may help.
    pub const fn is_lost(&self) -> bool {
        matches!(self, Self::Lost { .. })
    }

    /// The helper's own reason, where it had one.
    pub const fn reason(&self) -> Option<Reason> {
        match self {
            Self::Refused { refusal, .. } => Some(refusal.reason),
            _ => None,
        }
    }
}

/// What a helper says that cannot do what it was asked. Never holds content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The path that it is about.
    pub path: TreePath,
    /// In the words that decide what is done about it.
    pub reason: Reason,
    /// In the words of its operating system.
    pub message: String,
}

/// Why a helper refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// It is not there, or no longer what it was.
    NotFound,
    /// The helper may not.
    Denied,
    /// The volume is full.
    Full,
    /// The volume is mounted to be read only.
    ReadOnly,
    /// The question makes no sense to it.
    Invalid,
    /// Anything else.
    Other,
}

impl Refusal {
    /// What an error of the operating system means.
    pub fn of(path: &TreePath, error: &io::Error) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Reason::NotFound,
            io::ErrorKind::PermissionDenied => Reason::Denied,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Reason::Full,
            io::ErrorKind::ReadOnlyFilesystem => Reason::ReadOnly,
            io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported => Reason::Invalid,
            _ => Reason::Other,
        };
        Self { path: path.clone(), reason, message: error.to_string() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printable: String =
            self.message.chars().filter(|character| !character.is_control()).take(300).collect();
        write!(formatter, "cannot handle {}: {printable}", self.path)?;
        let remedy = match self.reason {
            Reason::Full => " (the volume is full: a larger one is needed)",
            Reason::Denied => " (the helper lacks the right: it must run as root to keep owners)",
            Reason::ReadOnly => " (the volume is mounted to be read only)",
            Reason::NotFound | Reason::Invalid | Reason::Other => "",
        };
        formatter.write_str(remedy)
    }
}
