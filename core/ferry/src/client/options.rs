//! How a copy is made, and what came of it.

use std::sync::Arc;
use std::time::Duration;

use crate::TreePath;

/// How a copy is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many files are under way at one time.
    pub workers: usize,
    /// When nothing moves on a connection for this long, it counts as lost.
    pub patience: Duration,
    /// How often a lost connection is opened anew for the same file.
    pub attempts: u32,
    /// How long until the second attempt; each further one waits longer by that.
    pub pause: Duration,
    /// The most things that a volume may hold: all of them are held in memory, with some 200 bytes each.
    pub entries: usize,
    /// What is taken for equal.
    pub trust: Trust,
    /// Who is told how far it is.
    pub watch: Option<Watch>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            workers: 4,
            patience: Duration::from_mins(5),
            attempts: 5,
            pause: Duration::from_millis(300),
            entries: 10_000_000,
            trust: Trust::Stamps,
            watch: None,
        }
    }
}

/// What is taken for equal without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Files of one size that were last changed at one time, to the nanosecond.
    Stamps,
    /// Nothing: every file is hashed block by block at both ends.
    Nothing,
}

/// Somebody who is told how far a copy is.
#[derive(Clone)]
pub struct Watch(Arc<dyn Fn(Progress) + Send + Sync>);

impl Watch {
    /// Tells this function, from several tasks and often.
    pub fn new(tell: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(super) fn tell(&self, progress: Progress) {
        (self.0)(progress);
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Watch(..)")
    }
}

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: Stage,
    /// Files that are done.
    pub files: u64,
    /// Files to do.
    pub all_files: u64,
    /// Bytes that are done: sent, or seen to be equal.
    pub bytes: u64,
    /// Bytes to do.
    pub all_bytes: u64,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Both volumes are listed.
    Listing,
    /// Files are copied.
    Copying,
    /// Files are compared.
    Comparing,
}

/// What a copy did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Things in the source.
    pub entries: u64,
    /// Files whose content was looked at, because it differed or might.
    pub files: u64,
    /// Bytes of content that were sent. Holes and equal blocks are not.
    pub bytes: u64,
    /// Things that were removed from the destination, because the source does not have them.
    pub removed: u64,
    /// Files that changed, grew or went away while they were read. A copy of a source that rests has none.
    pub changed_while_read: Vec<TreePath>,
    /// What cannot be copied.
    pub left_out: Vec<LeftOut>,
}

/// Something that cannot be copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it is in the source.
    pub path: TreePath,
    /// Why, in a few words.
    pub why: &'static str,
}
