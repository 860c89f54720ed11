//! Whether two volumes are equal, byte for byte.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};

use super::crew::{Crew, Pair, Work};
use super::tree::Tree;
use super::{End, Options, Progress, Stage};
use crate::message::{BLOCK, Digest, WINDOW_BLOCKS};
use crate::{Entry, Kind, Reason, Result, TreePath};

/// The most differences that are named; all are counted.
const NAMED: usize = 1000;

/// What came of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// How many differences there are. Sockets are none.
    pub differences: u64,
    /// The first of them.
    pub named: Vec<Difference>,
    /// Things that were compared.
    pub entries: u64,
    /// Files whose content was hashed at both ends.
    pub files: u64,
    /// Bytes that were hashed at each end.
    pub bytes: u64,
    /// One hash over all that the source holds: paths, metadata, content. Equal volumes have equal ones.
    pub digest: [u8; 32],
}

impl Comparison {
    /// Whether both are equal.
    pub const fn is_equal(&self) -> bool {
        self.differences == 0
    }

    fn differ(&mut self, path: &TreePath, what: &'static str) {
        self.differences += 1;
        if self.named.len() < NAMED {
            self.named.push(Difference { path: path.clone(), what });
        }
    }
}

/// Something in which two volumes differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub path: TreePath,
    /// In what, in a few words.
    pub what: &'static str,
}

/// Compares two volumes: every path, every file's content by its SHA-256, owners, modes, times, links and extended attributes.
/// Nothing is changed. A source that is in use differs from itself.
///
/// # Errors
/// As [`super::sync`].
pub async fn compare(source: &End, destination: &End, options: &Options) -> Result<Comparison> {
    let (have, there) = tokio::try_join!(Tree::list(source, options), Tree::list(destination, options))?;
    let mut comparison = Comparison { entries: have.entries.len() as u64, ..Comparison::default() };
    let files = structure(&have, &there, &mut comparison);
    let hasher = Hasher::new(source, destination, options, &files);
    Crew { source, destination, options }.run(&hasher, &files).await?;
    comparison.files = files.len() as u64;
    let found = hasher.hashes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    for file in &files {
        comparison.bytes += file.kind.size();
        if !found.get(&file.path).is_some_and(|hashed| hashed.is_equal) {
            comparison.differ(&file.path, "the content");
        }
    }
    comparison.digest = summary(&have, &found);
    Ok(comparison)
}

/// Compares all but content; returns the files whose content is to be compared.
fn structure(have: &Tree, there: &Tree, comparison: &mut Comparison) -> Vec<Entry> {
    let mut files = Vec::new();
    for entry in have.entries.values().filter(|entry| entry.kind != Kind::Socket) {
        let Some(other) = there.entries.get(&entry.path) else {
            comparison.differ(&entry.path, "the destination does not have it");
            continue;
        };
        let (leader, other_leader) = (have.leader(entry), there.leader(other));
        let first = |leader: Option<&TreePath>| leader.unwrap_or(&entry.path).clone();
        if other.kind != entry.kind {
            comparison.differ(&entry.path, "what it is, its size or what it points to");
        } else if first(leader) != first(other_leader) {
            comparison.differ(&entry.path, "which other names it has");
        } else if other.metadata != entry.metadata {
            comparison.differ(&entry.path, "its owner, mode, time or attributes");
        } else if matches!(entry.kind, Kind::File { .. }) && first(leader) == entry.path {
            files.push(entry.clone());
        }
    }
    for other in there.entries.values() {
        if !have.entries.get(&other.path).is_some_and(|entry| entry.kind != Kind::Socket) {
            comparison.differ(&other.path, "the source does not have it");
        }
    }
    files
}

struct Hashed {
    digest: [u8; 32],
    is_equal: bool,
}

struct Hasher<'a> {
    source: &'a End,
    destination: &'a End,
    options: &'a Options,
    all: (u64, u64),
    bytes: AtomicU64,
    hashes: Mutex<BTreeMap<TreePath, Hashed>>,
}

impl<'a> Hasher<'a> {
    fn new(source: &'a End, destination: &'a End, options: &'a Options, files: &[Entry]) -> Self {
        let all = (files.len() as u64, files.iter().map(|file| file.kind.size()).sum());
        Self { source, destination, options, all, bytes: AtomicU64::new(0), hashes: Mutex::default() }
    }

    fn progress(&self, bytes: u64, files: usize) {
        let bytes = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if let Some(watch) = &self.options.watch {
            let (all_files, all_bytes) = self.all;
            watch.tell(Progress {
                stage: Stage::Comparing,
                files: files as u64,
                all_files,
                bytes,
                all_bytes,
            });
        }
    }

    fn hashed(&self) -> usize {
        self.hashes.lock().unwrap_or_else(std::sync::PoisonError::into_inner).len()
    }
}

impl Work for Hasher<'_> {
    type Job = Entry;

    async fn run(&self, pair: &mut Pair, file: &Entry) -> Result<()> {
        let hashed = match self.hash(pair, file).await {
            Err(error) if error.reason() == Some(Reason::NotFound) => {
                Hashed { digest: [0; 32], is_equal: false }
            }
            other => other?,
        };
        self.hashes
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .insert(file.path.clone(), hashed);
        Ok(())
    }
}

impl Hasher<'_> {
    async fn hash(&self, pair: &mut Pair, file: &Entry) -> Result<Hashed> {
        let blocks = file.kind.size().div_ceil(BLOCK);
        let (mut whole, mut is_equal, mut block) = (Sha256::new(), true, 0);
        while block < blocks {
            let (ours, theirs): (Vec<Digest>, Vec<Digest>) = tokio::try_join!(
                pair.source.digest(self.source.tree(), &file.path, block),
                pair.destination.digest(self.destination.tree(), &file.path, block)
            )?;
            let expected = (blocks - block).min(u64::from(WINDOW_BLOCKS));
            is_equal &= ours == theirs && ours.len() as u64 == expected;
            for digest in &ours {
                whole.update(digest);
            }
            block += expected;
            self.progress(expected * BLOCK, self.hashed());
        }
        Ok(Hashed { digest: whole.finalize().into(), is_equal })
    }
}

/// One hash over all that a volume holds.
fn summary(tree: &Tree, hashes: &BTreeMap<TreePath, Hashed>) -> [u8; 32] {
    let mut hash = Sha256::new();
    for entry in tree.entries.values().filter(|entry| entry.kind != Kind::Socket) {
        let content = hashes.get(&entry.path).map(|hashed| hashed.digest);
        let line = (&entry.path, &entry.kind, &entry.metadata, tree.leader(entry), content);
        let line = postcard::to_stdvec(&line).unwrap_or_default();
        hash.update((line.len() as u64).to_be_bytes());
        hash.update(&line);
    }
    hash.finalize().into()
}
