//! From nodes to typed values, with everything that is wrong at once.

use std::fmt::Write as _;

use serde::de::DeserializeOwned;

use super::de::{Hidden, NodeDeserializer, Problem};
use super::node::{Node, NodeKind};
use crate::Diagnostic;
use crate::suggestion::suggest;

/// Errors after which a document is given up.
const MAX_ERRORS: usize = 100;

/// Reads a typed value from a node; `base_path` begins the paths of diagnostics, `file` names their places.
///
/// The value is there if and only if there is no diagnostic; see [`Reader`] for more choices.
pub fn from_node<T: DeserializeOwned>(
    node: &Node,
    base_path: &str,
    file: &str,
) -> (Option<T>, Vec<Diagnostic>) {
    Reader::new(base_path, file).read(node)
}

/// Reads a typed value from a text with one document; an empty text is read as a mapping with no key.
///
/// The value is there if and only if there is no diagnostic.
pub fn from_str_typed<T: DeserializeOwned>(text: &str, file: &str) -> (Option<T>, Vec<Diagnostic>) {
    match super::single_from_str(text) {
        Ok(Some(node)) => from_node(&node, "", file),
        Ok(None) => {
            let nothing = NodeKind::Scalar { text: "".into(), plain: true };
            from_node(&Node { line: 1, column: 1, kind: nothing }, "", file)
        }
        Err(error) => (None, vec![error.into_diagnostic(file)]),
    }
}

/// Reads typed values from nodes.
///
/// Reading goes on after an error as if the entry in question were not there, so that all errors of a document are told
/// at once; what would only follow from the omission is not told.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    base_path: &'a str,
    file: &'a str,
    outer_keys: &'a [&'a str],
    shows_values: bool,
}

impl<'a> Reader<'a> {
    /// A reader whose diagnostics have paths that begin with `base_path`, and places in `file`.
    pub const fn new(base_path: &'a str, file: &'a str) -> Self {
        Self { base_path, file, outer_keys: &[], shows_values: true }
    }

    /// Keys of the document itself that are not the type's and that somebody else reads.
    #[must_use]
    pub const fn outer_keys(self, outer_keys: &'a [&'a str]) -> Self {
        Self { outer_keys, ..self }
    }

    /// Lets no value appear in a diagnostic, only its kind.
    #[must_use]
    pub const fn without_values(self) -> Self {
        Self { shows_values: false, ..self }
    }

    /// Reads a value; it is there if and only if there is no diagnostic.
    pub fn read<T: DeserializeOwned>(&self, node: &Node) -> (Option<T>, Vec<Diagnostic>) {
        let mut hidden = Hidden::default();
        for entry in node.as_mapping().unwrap_or_default() {
            if self.outer_keys.contains(&&*entry.key) {
                hidden.hide(&entry.value);
            }
        }
        let mut attempt = Attempt { reader: *self, root: node, pruned: Vec::new(), diagnostics: Vec::new() };
        for _ in 0..MAX_ERRORS {
            match T::deserialize(NodeDeserializer { node, hidden: &hidden }) {
                Ok(value) => return (attempt.diagnostics.is_empty().then_some(value), attempt.diagnostics),
                Err(failure) => {
                    let (problem, steps) = failure.into_parts();
                    let place = Spot::find(node, &steps);
                    attempt.tell(&problem, &place, &steps);
                    if steps.is_empty() {
                        break;
                    }
                    hidden.hide(place.node);
                    attempt.pruned.push(steps);
                }
            }
        }
        (None, attempt.diagnostics)
    }
}

/// A node with the way that leads to it.
struct Spot<'a> {
    node: &'a Node,
    /// Of the key where it has one.
    line: u32,
    /// `.containers.web.args[0]`
    path: String,
}

impl<'a> Spot<'a> {
    fn find(root: &'a Node, steps: &[usize]) -> Self {
        let mut spot = Self { node: root, line: root.line, path: String::new() };
        for step in steps {
            match &spot.node.kind {
                NodeKind::Mapping(entries) => {
                    let Some(entry) = entries.get(*step) else { break };
                    spot.path.push('.');
                    spot.path.push_str(&entry.key);
                    (spot.node, spot.line) = (&entry.value, entry.line);
                }
                NodeKind::Sequence(items) => {
                    let Some(item) = items.get(*step) else { break };
                    let _infallible = write!(spot.path, "[{step}]");
                    (spot.node, spot.line) = (item, item.line);
                }
                NodeKind::Scalar { .. } => break,
            }
        }
        spot
    }
}

/// The attempts to read one document.
struct Attempt<'a> {
    reader: Reader<'a>,
    root: &'a Node,
    /// The steps to what was left out because it is wrong.
    pruned: Vec<Vec<usize>>,
    diagnostics: Vec<Diagnostic>,
}

impl Attempt<'_> {
    fn tell(&mut self, problem: &Problem, spot: &Spot<'_>, steps: &[usize]) {
        if self.only_follows(problem, spot, steps) {
            return;
        }
        let path = join(self.reader.base_path, &spot.path);
        let diagnostic = self.describe(problem, path, steps.len() <= 1);
        self.diagnostics.push(diagnostic.at(self.reader.file, spot.line));
    }

    /// Whether a problem is there only because something below was left out.
    fn only_follows(&self, problem: &Problem, spot: &Spot<'_>, steps: &[usize]) -> bool {
        let mut pruned_children =
            self.pruned.iter().filter(|pruned| pruned.len() == steps.len() + 1 && pruned.starts_with(steps));
        match problem {
            Problem::MissingKey(missing) => pruned_children.any(|pruned| {
                let key =
                    spot.node.as_mapping().zip(pruned.last()).and_then(|(entries, step)| entries.get(*step));
                key.is_some_and(|entry| suggest(&entry.key, [*missing]).is_some())
            }),
            Problem::Refused(_) => pruned_children.next().is_some(),
            Problem::UnknownKey { .. } | Problem::UnknownWord { .. } | Problem::Unfit { .. } => false,
        }
    }

    fn describe(&self, problem: &Problem, path: String, is_outer: bool) -> Diagnostic {
        match problem {
            Problem::UnknownKey { key, known } => {
                let outer = if is_outer { self.missing_outer_keys() } else { Vec::new() };
                let known: Vec<&str> = known.iter().copied().chain(outer).collect();
                unknown(&format!("unknown key `{key}`"), path, key, &known)
            }
            Problem::UnknownWord { word, known } if self.reader.shows_values => {
                unknown(&format!("unknown value `{word}`"), path, word, known)
            }
            Problem::UnknownWord { known, .. } => {
                Diagnostic::error(path, "unknown value").remedy(format!("one of {}", listed(known)))
            }
            Problem::MissingKey(key) => Diagnostic::error(path, format!("`{key}` is missing")),
            Problem::Unfit { expected, kind, text } => {
                let found = match text {
                    Some(text) if self.reader.shows_values => format!("{kind} `{}`", shortened(text)),
                    _ => (*kind).to_owned(),
                };
                Diagnostic::error(path, format!("expected {expected}, found {found}"))
            }
            Problem::Refused(_) if !self.reader.shows_values => {
                Diagnostic::error(path, "the value does not fit here")
            }
            Problem::Refused(message) => Diagnostic::error(path, message.clone()),
        }
    }

    /// The outer keys that the document does not have, since a misspelt key may have been meant for one.
    fn missing_outer_keys(&self) -> Vec<&str> {
        self.reader.outer_keys.iter().copied().filter(|key| self.root.entry(key).is_none()).collect()
    }
}

fn unknown(what: &str, path: String, word: &str, known: &[&str]) -> Diagnostic {
    let diagnostic = Diagnostic::error(path, what);
    match suggest(word, known.iter().copied()) {
        Some(meant) => diagnostic.remedy(format!("`{meant}`")),
        None if known.is_empty() => diagnostic.why("nothing is known by this name here"),
        None => diagnostic.remedy(format!("one of {}", listed(known))),
    }
}

fn listed(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = text.lines().next().unwrap_or_default();
    let shown: String = line.chars().take(LONGEST).collect();
    if shown.len() < text.len() { format!("{shown}…") } else { shown }
}

/// Joins `workload/web` and `.containers`; a path that begins with a key does not begin with a dot.
fn join(base: &str, rest: &str) -> String {
    if base.is_empty() { rest.strip_prefix('.').unwrap_or(rest).to_owned() } else { format!("{base}{rest}") }
}
