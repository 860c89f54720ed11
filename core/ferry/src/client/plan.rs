//! What must be done to make the destination equal to the source.

use std::collections::BTreeSet;

use super::tree::Tree;
use super::{LeftOut, Trust};
use crate::message::BLOCK;
use crate::{Entry, Kind, TreePath};

/// What must be done, each list in the order in which it must be.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Goes: what a folder holds before the folder.
    pub(super) remove: Vec<TreePath>,
    /// Folders that are made.
    pub(super) directories: Vec<Entry>,
    /// Files whose content is copied, in any order.
    pub(super) files: Vec<FileCopy>,
    /// Links, pipes and devices that are made.
    pub(super) make: Vec<Entry>,
    /// Further names of files: the name, and the file's first one.
    pub(super) link: Vec<(TreePath, TreePath)>,
    /// What only bears other metadata.
    pub(super) set: Vec<Entry>,
    /// Folders that bear other metadata, or do so once the rest is done: inner ones first.
    pub(super) set_directories: Vec<Entry>,
    /// What cannot be copied.
    pub(super) left_out: Vec<LeftOut>,
}

/// A file whose content is copied.
#[derive(Debug)]
pub(super) struct FileCopy {
    pub(super) entry: Entry,
    pub(super) method: Method,
}

/// How a file is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// In one piece.
    Whole,
    /// Block by block, to a file aside.
    Staged,
    /// Onto the file that is there, the blocks that differ.
    Onto,
}

/// What a thing in the destination needs.
#[derive(Clone, Copy)]
enum Need {
    Nothing,
    Metadata,
    Content(Method),
}

impl Plan {
    pub(super) fn new(source: &Tree, destination: &Tree, trust: Trust) -> Self {
        let mut plan = Self { left_out: source.left_out.clone(), ..Self::default() };
        plan.removals(source, destination);
        let mut fresh = BTreeSet::new();
        for entry in source.entries.values() {
            let there = destination.entries.get(&entry.path);
            match (&entry.kind, source.leader(entry)) {
                (Kind::Directory, _) if there.is_none_or(|there| there.kind != Kind::Directory) => {
                    plan.directories.push(entry.clone());
                }
                (Kind::Directory, _) => {}
                (Kind::Socket, _) => {
                    let why = "a socket, which only the process behind it can make";
                    plan.left_out.push(LeftOut { path: entry.path.clone(), why });
                }
                (_, Some(leader)) if *leader != entry.path => {
                    let is_linked = there.is_some_and(|there| destination.leader(there) == Some(leader));
                    if !is_linked || fresh.contains(leader) {
                        plan.link.push((entry.path.clone(), leader.clone()));
                    }
                }
                _ => plan.content(entry, need(entry, there, destination, trust), &mut fresh),
            }
        }
        plan.metadata_of_directories(source, destination);
        plan
    }

    /// What the source does not have goes, and whatever is a folder on one side only.
    fn removals(&mut self, source: &Tree, destination: &Tree) {
        let is_folder = |entry: &Entry| entry.kind == Kind::Directory;
        let stays = |there: &Entry| {
            let wanted = source.entries.get(&there.path).filter(|wanted| wanted.kind != Kind::Socket);
            wanted.is_some_and(|wanted| is_folder(wanted) == is_folder(there))
        };
        let going = destination.entries.values().rev().filter(|there| !stays(there));
        self.remove = going.map(|there| there.path.clone()).collect();
    }

    fn content(&mut self, entry: &Entry, need: Need, fresh: &mut BTreeSet<TreePath>) {
        let method = match need {
            Need::Nothing => return,
            Need::Metadata => return self.set.push(entry.clone()),
            Need::Content(method) => method,
        };
        if method != Method::Onto {
            fresh.insert(entry.path.clone());
        }
        if matches!(entry.kind, Kind::File { .. }) {
            self.files.push(FileCopy { entry: entry.clone(), method });
        } else {
            self.make.push(entry.clone());
        }
    }

    /// A folder's time changes with what it holds, so it is set when all else is done; the root's always.
    fn metadata_of_directories(&mut self, source: &Tree, destination: &Tree) {
        let paths = self.remove.iter().chain(self.link.iter().map(|(path, _)| path));
        let entries =
            self.directories.iter().chain(&self.make).chain(self.files.iter().map(|copy| &copy.entry));
        let touched: BTreeSet<TreePath> =
            paths.chain(entries.map(|entry| &entry.path)).filter_map(TreePath::parent).collect();
        let differs = |entry: &&Entry| {
            entry.path.is_root()
                || touched.contains(&entry.path)
                || destination.entries.get(&entry.path).is_none_or(|there| there.metadata != entry.metadata)
        };
        let folders = source.entries.values().rev().filter(|entry| entry.kind == Kind::Directory);
        self.set_directories = folders.filter(differs).cloned().collect();
    }
}

fn need(entry: &Entry, there: Option<&Entry>, destination: &Tree, trust: Trust) -> Need {
    let is_large = |entry: &Entry| entry.kind.size() > BLOCK;
    let fresh = Need::Content(if is_large(entry) { Method::Staged } else { Method::Whole });
    let Some(there) = there.filter(|there| there.kind.is_like(&entry.kind)) else { return fresh };
    // It shares its content with something with which it should not.
    if destination.leader(there).is_some_and(|leader| *leader != entry.path) {
        return fresh;
    }
    let is_file = matches!(entry.kind, Kind::File { .. });
    let is_equal = there.kind == entry.kind && (!is_file || there.stamp() == entry.stamp());
    match is_equal {
        true if is_file && trust == Trust::Nothing => Need::Content(Method::Onto),
        true if there.metadata == entry.metadata => Need::Nothing,
        true => Need::Metadata,
        false if is_large(entry) && is_large(there) => Need::Content(Method::Onto),
        false => fresh,
    }
}
