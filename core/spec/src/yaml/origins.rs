//! Where each value of the app was written.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::node::{Node, NodeKind};
use crate::{Diagnostic, Place};

/// From the path of a value to the file and line where it was written.
///
/// The documents themselves are kept and walked when a path is asked for. `Debug` shows no values.
#[derive(Clone, Default)]
pub struct Origins {
    documents: BTreeMap<String, Document>,
}

#[derive(Clone)]
struct Document {
    file: Arc<str>,
    node: Node,
}

impl Origins {
    /// Keeps a document. `base_path` is the path of the document itself: `workload/web`, or empty for a file of which
    /// paths begin with a key.
    pub fn insert(&mut self, base_path: impl Into<String>, file: impl Into<Arc<str>>, node: Node) {
        self.documents.insert(base_path.into(), Document { file: file.into(), node });
    }

    /// Where the value at `path` was written, or else the nearest value that it is part of.
    ///
    /// None if nothing is known of the document.
    pub fn place(&self, path: &str) -> Option<Place> {
        let (document, rest) = self.document(path)?;
        Some(Place { file: document.file.to_string(), line: line_of(&document.node, rest), column: None })
    }

    /// Gives a diagnostic its place, unless it has one or none is known.
    #[must_use]
    pub fn locate(&self, diagnostic: Diagnostic) -> Diagnostic {
        if diagnostic.place.is_some() {
            return diagnostic;
        }
        match self.place(&diagnostic.path) {
            Some(place) => diagnostic.at_place(place),
            None => diagnostic,
        }
    }

    /// The document with the longest base path, and what follows that path.
    fn document<'p>(&self, path: &'p str) -> Option<(&Document, &'p str)> {
        let ends = path.char_indices().filter(|(_, c)| matches!(c, '.' | '[')).map(|(at, _)| at);
        let mut ends: Vec<usize> = ends.collect();
        ends.push(path.len());
        let found =
            ends.iter().rev().find_map(|end| Some((self.documents.get(&path[..*end])?, &path[*end..])));
        found.or_else(|| Some((self.documents.get("")?, path)))
    }
}

/// The line of the value at `path`, which begins with `.`, `[` or the name of a key.
fn line_of(root: &Node, path: &str) -> u32 {
    let (mut node, mut line, mut rest) = (root, root.line, path);
    while let Some((child, child_line, tail)) = step(node, rest) {
        (node, line, rest) = (child, child_line, tail);
    }
    line
}

fn step<'n, 'p>(node: &'n Node, path: &'p str) -> Option<(&'n Node, u32, &'p str)> {
    match &node.kind {
        NodeKind::Mapping(entries) => {
            let keys = path.strip_prefix('.').unwrap_or(path);
            // Keys may hold dots themselves, as paths and host names do: the longest that fits is meant.
            let fits = entries.iter().filter_map(|entry| Some((entry, key_tail(keys, &entry.key)?)));
            let (entry, tail) = fits.max_by_key(|(entry, _)| entry.key.len())?;
            Some((&entry.value, entry.line, tail))
        }
        NodeKind::Sequence(items) => {
            let (index, tail) = path.strip_prefix('[')?.split_once(']')?;
            let item = items.get(index.parse::<usize>().ok()?)?;
            Some((item, item.line, tail))
        }
        NodeKind::Scalar { .. } => None,
    }
}

/// What follows `key` at the beginning of a path, if it is a whole step there.
fn key_tail<'p>(path: &'p str, key: &str) -> Option<&'p str> {
    let tail = path.strip_prefix(key)?;
    (!key.is_empty() && (tail.is_empty() || tail.starts_with(['.', '[']))).then_some(tail)
}

impl fmt::Debug for Origins {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Origins").field("documents", &self.documents.keys()).finish()
    }
}
