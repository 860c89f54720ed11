//! What a volume holds, as its helper lists it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use super::{End, LeftOut, Options};
use crate::message::TARGET;
use crate::{Entry, Error, Kind, Result, STAGING, TreePath};

/// The folder that some file systems have at their root for what a repair finds. An empty one is the file system's own.
const LOST_AND_FOUND: &[u8] = b"lost+found";

/// What a volume holds, without what is no data: what a copy left unfinished, and the file system's own folder.
pub(super) struct Tree {
    pub(super) entries: BTreeMap<TreePath, Entry>,
    pub(super) left_out: Vec<LeftOut>,
    /// The first of the names that a file with several has.
    leaders: BTreeMap<u64, TreePath>,
}

impl Tree {
    /// Lists a volume.
    ///
    /// # Errors
    /// `Protocol` when the list is none that a file system can have; `Limit` when it is longer than the options say.
    pub(super) async fn list(end: &End, options: &Options) -> Result<Self> {
        let mut session = end.session(options).await?;
        let mut tree = Self { entries: BTreeMap::new(), left_out: Vec::new(), leaders: BTreeMap::new() };
        let mut is_too_long = false;
        let unreadable = session
            .list(end.tree(), |entry| {
                is_too_long = tree.entries.len() >= options.entries;
                if is_too_long { Err("too long".to_owned()) } else { tree.take(entry) }
            })
            .await;
        if is_too_long {
            let what = format!("the volume {} holds more than {} files", end.volume(), options.entries);
            return Err(Error::Limit { what });
        }
        for path in unreadable? {
            tree.left_out.push(LeftOut { path, why: "its path is too long, or it cannot be read" });
        }
        session.close().await;
        if !tree.entries.contains_key(&TreePath::root()) {
            return Err(Error::Limit { what: format!("the volume {} is not a folder", end.volume()) });
        }
        tree.leave_out();
        Ok(tree)
    }

    /// Takes the next thing. Everything lies in a folder that came before it, so no link leads out of the volume.
    fn take(&mut self, entry: Entry) -> Result<(), String> {
        let told = || format!("its list holds {} in an impossible place", entry.path);
        if let Some(parent) = entry.path.parent() {
            let parent = self.entries.get(&parent).ok_or_else(told)?;
            if parent.kind != Kind::Directory {
                return Err(told());
            }
        } else if entry.kind != Kind::Directory {
            return Err(told());
        }
        if matches!(&entry.kind, Kind::Symlink { target } if target.len() > TARGET) {
            return Err("its list holds a link that is too long".to_owned());
        }
        if entry.inode != 0 && entry.kind != Kind::Directory && !is_staged(&entry.path) {
            self.leaders.entry(entry.inode).or_insert_with(|| entry.path.clone());
        }
        match self.entries.entry(entry.path.clone()) {
            Slot::Occupied(_) => Err(told()),
            Slot::Vacant(slot) => {
                slot.insert(entry);
                Ok(())
            }
        }
    }

    fn leave_out(&mut self) {
        self.entries.retain(|path, _| !is_staged(path));
        if let Ok(lost) = TreePath::new(LOST_AND_FOUND) {
            let mut within = self.entries.range(lost.clone()..).skip(1);
            let holds_something =
                within.next().is_some_and(|(path, _)| path.parts().next() == Some(LOST_AND_FOUND));
            if !holds_something && self.entries.get(&lost).is_some_and(|entry| entry.kind == Kind::Directory)
            {
                self.entries.remove(&lost);
            }
        }
    }

    /// The first of the names of this file, where it has several.
    pub(super) fn leader(&self, entry: &Entry) -> Option<&TreePath> {
        self.leaders.get(&entry.inode).filter(|_| entry.inode != 0)
    }
}

fn is_staged(path: &TreePath) -> bool {
    path.parts().next() == Some(STAGING.as_bytes())
}
