//! Everything in a folder, in the order of paths.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::Dir;
use tokio::sync::mpsc;

use super::root::{Root, describe};
use crate::{Entry, Kind, Refusal, TreePath};

/// Deeper trees are told to be unreadable.
const DEPTH: usize = 1000;
/// About so many bytes go in one message, which an entry of the largest size does not take over the limit.
const BATCH: usize = 64 * 1024;
/// The most paths that are named as unreadable.
const UNREADABLE: usize = 100;

/// A folder, and the names in it that are to be listed, the first one last.
type Folder = (TreePath, Vec<Vec<u8>>);

/// What is listed so far.
pub(super) struct Listing<'a> {
    root: &'a Root,
    send: mpsc::Sender<Vec<Entry>>,
    batch: Vec<Entry>,
    size: usize,
    unreadable: Vec<TreePath>,
}

/// Nobody wants to know any more.
const GONE: &str = "nobody listens";

impl<'a> Listing<'a> {
    pub(super) fn new(root: &'a Root, send: mpsc::Sender<Vec<Entry>>) -> Self {
        Self { root, send, batch: Vec::new(), size: 0, unreadable: Vec::new() }
    }

    /// Sends everything, and returns what could not be listed.
    pub(super) fn run(mut self) -> Result<Vec<TreePath>, Refusal> {
        let root = TreePath::root();
        let refused = |error: io::Error| Refusal::of(&TreePath::root(), &error);
        self.push(self.root.entry(&root).map_err(refused)?)?;
        let mut open = vec![(root.clone(), self.names(&root).map_err(refused)?)];
        while let Some((folder, names)) = open.last_mut() {
            let Some(name) = names.pop() else {
                open.pop();
                continue;
            };
            let folder = folder.clone();
            if let Some(inner) = self.one(&folder, &name, open.len())? {
                open.push(inner);
            }
        }
        let rest = std::mem::take(&mut self.batch);
        self.flush(rest)?;
        Ok(self.unreadable)
    }

    /// Lists one thing; returns what it holds, where it is a folder. What has gone meanwhile is not there.
    fn one(&mut self, folder: &TreePath, name: &[u8], depth: usize) -> Result<Option<Folder>, Refusal> {
        let Ok(path) = folder.join(name) else {
            self.cannot(folder);
            return Ok(None);
        };
        let entry = match self.describe(folder, &path, name) {
            Ok(entry) => entry,
            Err(error) => return missed(&path, &error),
        };
        let is_folder = entry.kind == Kind::Directory;
        self.push(entry)?;
        if !is_folder {
            return Ok(None);
        }
        if depth >= DEPTH {
            self.cannot(&path);
            return Ok(None);
        }
        match self.names(&path) {
            Ok(names) => Ok(Some((path, names))),
            Err(error) => missed(&path, &error),
        }
    }

    fn describe(&self, folder: &TreePath, path: &TreePath, name: &[u8]) -> io::Result<Entry> {
        describe(path, &self.root.folder(folder)?, OsStr::from_bytes(name))
    }

    /// The names in a folder, the first one last.
    fn names(&self, folder: &TreePath) -> io::Result<Vec<Vec<u8>>> {
        let mut names = Vec::new();
        for found in Dir::new(self.root.folder(folder)?)? {
            let name = found?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(name);
            }
        }
        names.sort_unstable_by(|left, right| right.cmp(left));
        Ok(names)
    }

    fn cannot(&mut self, path: &TreePath) {
        if self.unreadable.len() < UNREADABLE {
            self.unreadable.push(path.clone());
        }
    }

    fn push(&mut self, entry: Entry) -> Result<(), Refusal> {
        let attributes = entry.metadata.attributes.iter().map(|(name, value)| name.len() + value.len());
        self.size += 128 + entry.path.as_bytes().len() + attributes.sum::<usize>();
        self.batch.push(entry);
        if self.size < BATCH {
            return Ok(());
        }
        self.size = 0;
        let full = std::mem::take(&mut self.batch);
        self.flush(full)
    }

    fn flush(&self, batch: Vec<Entry>) -> Result<(), Refusal> {
        self.send.blocking_send(batch).map_err(|_| Refusal::of(&TreePath::root(), &io::Error::other(GONE)))
    }
}

/// What has gone meanwhile is not there.
fn missed<T>(path: &TreePath, error: &io::Error) -> Result<Option<T>, Refusal> {
    let is_gone = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
    if is_gone { Ok(None) } else { Err(Refusal::of(path, error)) }
}
