//! What the copier and a helper say to each other.

use serde::{Deserialize, Serialize};

use crate::{Entry, Metadata, Refusal, Stamp, TreePath};

/// Both sides must speak the same.
pub(crate) const VERSION: u32 = 1;
/// Content is compared in blocks of this many bytes, and a file of at most one block is sent in one piece.
pub(crate) const BLOCK: u64 = 1 << 20;
/// The most blocks that one question is about, so that an answer never takes long.
pub(crate) const WINDOW_BLOCKS: u32 = 32;
/// The most bytes that one question is about.
pub(crate) const WINDOW: u64 = BLOCK * WINDOW_BLOCKS as u64;
/// Content comes in pieces of at most this many bytes.
pub(crate) const PIECE: usize = 256 * 1024;
/// The most bytes of extended attributes that one thing may have.
pub(crate) const ATTRIBUTES: usize = 128 * 1024;
/// The longest target of a symbolic link.
#[cfg(feature = "copier")]
pub(crate) const TARGET: usize = 4096;

/// The SHA-256 of a block.
pub(crate) type Digest = [u8; 32];

/// What a helper has mounted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tree {
    /// A volume, by its name.
    Volume(String),
    /// The secrets, each a file. They are read and never written.
    Secrets,
}

/// What the copier asks. One question comes after the other; [`Request::Write`] and [`Request::Zeros`] have no answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Always first.
    Hello { version: u32 },
    /// Everything in a tree: answered by [`Reply::Entries`] until [`Reply::End`].
    List { tree: Tree },
    /// A part of a file: answered by [`Reply::Data`] and [`Reply::Zeros`] until [`Reply::Read`].
    Read { tree: Tree, path: TreePath, offset: u64, length: u64 },
    /// The hashes of some blocks of a file.
    Digest { tree: Tree, path: TreePath, block: u64, blocks: u32 },
    /// Makes something at once; a file's content is in the body.
    Put { volume: String, entry: Entry },
    /// Begins to write a file.
    Begin { volume: String, path: TreePath, onto: Onto },
    /// The hashes of some blocks of what is being written.
    DigestBegun { block: u64, blocks: u32 },
    /// Writes the body.
    Write { offset: u64 },
    /// Writes zeros, which take no space.
    Zeros { offset: u64, length: u64 },
    /// Whether all went well until now, and is on the disk.
    Check,
    /// Gives the file its size and the rest, and puts it in its place.
    Commit { size: u64, metadata: Metadata },
    /// Gives something another name.
    Link { volume: String, path: TreePath, target: TreePath },
    /// Sets what is known of something beside its content.
    Set { volume: String, path: TreePath, metadata: Metadata },
    /// Removes something; of folders only empty ones.
    Remove { volume: String, path: TreePath },
    /// Removes what unfinished writing left.
    Sweep { volume: String },
    /// Everything is on the disk.
    Flush { volume: String },
}

/// Onto what a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Onto {
    /// A file aside, which takes its place when it is whole. What an earlier attempt left there is gone on with.
    Staged,
    /// The file that is there, block by block.
    Existing,
}

/// What a helper answers.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// To [`Request::Hello`].
    Hello { version: u32 },
    /// Some of what is in a tree, in the order of paths.
    Entries(Vec<Entry>),
    /// That was all of it. `unreadable` paths are deeper or longer than can be handled.
    End { unreadable: Vec<TreePath> },
    /// The body is content.
    Data { offset: u64 },
    /// So many zeros are content.
    Zeros { offset: u64, length: u64 },
    /// That was all that was asked for, or all that there is; what the file was before and after.
    Read { before: Stamp, after: Stamp },
    /// One for each block until the file's end.
    Digests(Vec<Digest>),
    /// The file that is written to has so many bytes.
    Begun { length: u64 },
    /// It is done.
    Done,
    /// It is not.
    Refused(Refusal),
}
