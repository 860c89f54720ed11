//! From files to one project.

mod dotenv;
mod extends;
mod interpolate;
mod load;
mod marks;
mod merge;
mod volume;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rhumb_spec::Diagnostic;
use rhumb_spec::yaml::{Entry, Node, NodeKind};

pub(crate) use dotenv::{Format, parse as parse_environment};
pub(crate) use marks::{marked, names as marked_names, pieces as marked_pieces};
pub(crate) use volume::parts as volume_parts;
pub(crate) use words::split as split_words;

/// The names that a folder's file is looked for by, the first that is there.
pub const FILE_NAMES: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"];
/// The names of the file that is merged into a folder's file.
pub const OVERRIDE_NAMES: [&str; 4] = [
    "compose.override.yaml",
    "compose.override.yml",
    "docker-compose.override.yaml",
    "docker-compose.override.yml",
];

/// Who reads files that Compose files name.
pub trait Files {
    /// The content of a regular file of at most 5 MiB.
    ///
    /// # Errors
    /// One sentence on why it cannot be read.
    fn read(&self, path: &Path) -> Result<Vec<u8>, String>;

    /// Whether there is a regular file.
    fn is_file(&self, path: &Path) -> bool;
}

/// What is read.
pub struct Request<'a> {
    /// The files, the later changing the earlier; the first one's folder is the project's.
    pub files: &'a [PathBuf],
    /// Texts that stand for files that cannot be read twice, such as standard input.
    pub texts: &'a BTreeMap<PathBuf, String>,
    /// The variables of the environment.
    pub environment: &'a BTreeMap<String, String>,
    /// The profiles that are wanted; `*` means all.
    pub profiles: &'a [String],
    /// Who reads files.
    pub reader: &'a dyn Files,
}

/// A project: what all files together say.
pub struct Project<'a> {
    /// The merged document.
    pub(crate) root: Node,
    /// The same, with marks around what variables became.
    pub(crate) marked: Node,
    /// The variables that must be set and are not.
    pub(crate) required: BTreeMap<String, Missing>,
    /// The file in which each service and so on was first named, by its path: `services.web`.
    pub(crate) places: BTreeMap<String, String>,
    /// The folder that paths are relative to.
    pub(crate) folder: PathBuf,
    /// The variables of the environment and of `.env`.
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) profiles: BTreeSet<String>,
    pub(crate) reader: &'a dyn Files,
    pub(crate) notes: Vec<Diagnostic>,
}

/// A variable that must be set and is not.
#[derive(Debug)]
pub(crate) struct Missing {
    /// What the text says of it.
    pub(crate) message: String,
    pub(crate) file: String,
    pub(crate) line: u32,
}

impl Missing {
    /// What is wrong, in words.
    pub(crate) fn what(&self, name: &str) -> String {
        interpolate::must_be_set(name, &self.message)
    }
}

impl std::fmt::Debug for Project<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Project").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Project<'_> {
    /// A path that a file names, `~` being the home of whoever imports.
    ///
    /// # Errors
    /// One sentence, where that home is not known.
    pub(crate) fn located(&self, path: &str) -> Result<PathBuf, String> {
        match path.strip_prefix('~').filter(|rest| rest.is_empty() || rest.starts_with('/')) {
            None => Ok(joined(&self.folder, path)),
            Some(rest) => match self.environment.get("HOME") {
                Some(home) => Ok(joined(Path::new(home), rest.trim_start_matches('/'))),
                None => Err("whose home `~` is, is not known".to_owned()),
            },
        }
    }
}

/// Reads files into one project.
///
/// # Errors
/// Everything that keeps the files from being read, with file and line.
pub fn read<'a>(request: &Request<'a>) -> Result<Project<'a>, Vec<Diagnostic>> {
    load::project(request)
}

/// The sections whose entries have names.
pub(crate) const SECTIONS: [&str; 5] = ["services", "networks", "volumes", "configs", "secrets"];

/// A path with `.` and `..` taken out of it, without asking the disk.
pub(crate) fn joined(folder: &Path, path: &str) -> PathBuf {
    use std::path::Component;
    let mut clean = PathBuf::new();
    for part in folder.join(path).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                let can_go_up = matches!(clean.components().next_back(), Some(Component::Normal(_)));
                if can_go_up {
                    clean.pop();
                } else if !clean.has_root() {
                    clean.push("..");
                }
            }
            other => clean.push(other),
        }
    }
    clean
}

/// A text node.
fn text_node(text: &str, like: &Node) -> Node {
    let kind = NodeKind::Scalar { text: text.into(), plain: false };
    Node { line: like.line, column: like.column, kind }
}

/// A node for nothing.
fn null_node(like: &Node) -> Node {
    let kind = NodeKind::Scalar { text: "".into(), plain: true };
    Node { line: like.line, column: like.column, kind }
}

fn entry(key: &str, value: Node) -> Entry {
    Entry { key: key.into(), line: value.line, column: value.column, value }
}

fn entries_mut(node: &mut Node) -> Option<&mut Vec<Entry>> {
    match &mut node.kind {
        NodeKind::Mapping(entries) => Some(entries),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
