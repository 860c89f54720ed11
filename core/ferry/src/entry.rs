//! What is in a volume.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::TreePath;

/// One thing in a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it is.
    pub path: TreePath,
    /// What it is.
    pub kind: Kind,
    /// What is known of it beside its content.
    pub metadata: Metadata,
    /// By this number its other names are known; 0 where it has no other name.
    pub inode: u64,
}

/// What a thing in a volume is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A file of so many bytes.
    File {
        /// Bytes.
        size: u64,
    },
    /// A folder.
    Directory,
    /// A symbolic link. It is never followed.
    Symlink {
        /// What it points to, as it is written.
        target: Vec<u8>,
    },
    /// A named pipe.
    Fifo,
    /// A character device.
    CharacterDevice {
        /// Its driver's number.
        major: u32,
        /// Its own.
        minor: u32,
    },
    /// A block device.
    BlockDevice {
        /// Its driver's number.
        major: u32,
        /// Its own.
        minor: u32,
    },
    /// A socket. Nobody but the process that made it can make it again.
    Socket,
}

impl Kind {
    /// Whether both are of one sort, whatever their size or target.
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    /// Bytes of content; 0 for all that is no file.
    pub const fn size(&self) -> u64 {
        match self {
            Self::File { size } => *size,
            _ => 0,
        }
    }
}

/// What is known of a thing beside its content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Permission bits, with those for set-user-id, set-group-id and the sticky bit. A symbolic link has none.
    pub mode: u32,
    /// The owner's number.
    pub uid: u32,
    /// The group's number.
    pub gid: u32,
    /// When its content last changed.
    pub modified: Time,
    /// Extended attributes: the users' own, access control lists and file capabilities.
    pub attributes: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// A time, since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Time {
    /// Whole seconds; below 0 before 1970.
    pub seconds: i64,
    /// The rest.
    pub nanoseconds: u32,
}

/// By what a change of a file is noticed without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Bytes.
    pub size: u64,
    /// When its content last changed.
    pub modified: Time,
}

impl Entry {
    /// By what a change of it is noticed without reading it.
    pub const fn stamp(&self) -> Stamp {
        Stamp { size: self.kind.size(), modified: self.metadata.modified }
    }
}
