//! How much a volume holds.

use super::tree::Tree;
use super::{End, Options};
use crate::Result;

/// How much a volume holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    /// Things in it, without its own folder and what a file system puts there.
    pub entries: u64,
    /// The sizes of its files.
    pub bytes: u64,
}

/// Counts what a volume holds. Nothing is changed, and no file is read.
///
/// # Errors
/// As [`super::sync`].
pub async fn holding(end: &End, options: &Options) -> Result<Holding> {
    let tree = Tree::list(end, options).await?;
    let bytes = tree.entries.values().map(|entry| entry.kind.size()).sum();
    Ok(Holding { entries: (tree.entries.len() as u64).saturating_sub(1), bytes })
}
