//! Documents in files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhumb_backend::Gathered;
use rhumb_spec::yaml::{Node, Origins};
use rhumb_spec::{Diagnostic, Document, Place, Source};

use super::{octal, shown, tags};
use crate::{ActionError, ActionResult};

/// The most that all files together may hold, in bytes (100 MiB).
const MAX_BYTES: u64 = 100 << 20;

/// Where documents come from.
#[derive(Clone)]
pub enum ImportInput {
    /// A file, or a folder with files that end in `.yaml`, `.yml` or `.json`.
    Path(PathBuf),
    /// Text that was read from elsewhere, such as standard input.
    Text {
        /// The name, for messages.
        name: String,
        /// The text.
        text: String,
    },
}

impl std::fmt::Debug for ImportInput {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => write!(formatter, "Path({})", path.display()),
            Self::Text { name, .. } => write!(formatter, "Text({name})"),
        }
    }
}

/// How far folders are looked into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Folders {
    /// Their own files only.
    #[default]
    Flat,
    /// Those of the folders below them, too (`-R`).
    Recursive,
}

/// Reads the documents of all inputs.
pub(super) fn read(inputs: &[ImportInput], folders: Folders) -> ActionResult<Vec<Document>> {
    let mut sources = Vec::new();
    let mut left = MAX_BYTES;
    for input in inputs {
        match input {
            ImportInput::Text { name, text } => {
                sources.push(Source { file: name.clone(), text: text.clone() });
            }
            ImportInput::Path(path) => {
                for file in files(path, folders)? {
                    sources.push(source(&file, &mut left)?);
                }
            }
        }
    }
    let (mut documents, mut problems) = (Vec::new(), Vec::new());
    for Source { file, text } in &sources {
        match tags::parse(text) {
            Ok(mut nodes) => {
                nodes.iter_mut().for_each(octal::resolve);
                let file: Arc<str> = file.as_str().into();
                documents.extend(nodes.into_iter().map(|node| Document { file: file.clone(), node }));
            }
            Err(error) => problems.push(error.into_diagnostic(file)),
        }
    }
    if problems.is_empty() { Ok(documents) } else { Err(ActionError::Diagnostics(problems)) }
}

fn source(file: &Path, left: &mut u64) -> ActionResult<Source> {
    let fault = |error: &std::io::Error| ActionError::file(file, error);
    let size = fs::metadata(file).map_err(|error| fault(&error))?.len();
    *left = left.checked_sub(size).ok_or_else(|| {
        ActionError::of(
            Diagnostic::error("", "the files together hold more than 100 MiB").remedy("fewer at a time"),
        )
    })?;
    let text = fs::read_to_string(file).map_err(|error| fault(&error))?;
    Ok(Source { file: shown(file), text })
}

fn files(path: &Path, folders: Folders) -> ActionResult<Vec<PathBuf>> {
    let fault = |error: std::io::Error| ActionError::file(path, &error);
    if !fs::metadata(path).map_err(fault)?.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut entries: Vec<PathBuf> = fs::read_dir(path)
        .map_err(fault)?
        .map(|entry| Ok(entry.map_err(fault)?.path()))
        .collect::<ActionResult<_>>()?;
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        let kind = fs::symlink_metadata(&entry).map_err(fault)?;
        let ends = |end: &str| entry.extension().is_some_and(|found| found.eq_ignore_ascii_case(end));
        if kind.is_dir() && folders == Folders::Recursive {
            found.extend(files(&entry, folders)?);
        } else if !kind.is_dir() && ["yaml", "yml", "json"].iter().any(|end| ends(end)) {
            found.push(entry);
        }
    }
    Ok(found)
}

/// Where each object was written. Notes of what was left out get their places.
///
/// # Errors
/// What is no object, and objects that are there twice.
pub(super) fn origins(documents: &[Document], gathered: &mut Gathered) -> ActionResult<Origins> {
    let mut origins = Origins::default();
    let mut places: BTreeMap<&str, Place> = BTreeMap::new();
    let mut problems: Vec<Diagnostic> = Vec::new();
    for note in std::mem::take(&mut gathered.notes) {
        let mut steps = note.path.split('.');
        let document = steps.next().and_then(|number| documents.get(number.parse::<usize>().ok()?));
        let place = document.map(|document| place(document, nearest(&document.node, steps)));
        let note = Diagnostic { path: String::new(), ..note };
        let note = place.into_iter().fold(note, Diagnostic::at_place);
        if note.is_error() { problems.push(note) } else { gathered.notes.push(note) }
    }
    for (object, origin) in gathered.objects.iter().zip(&gathered.origins) {
        let Some(document) = documents.get(origin.document) else { continue };
        let node = nearest(&document.node, origin.at.iter().map(String::as_str));
        let place = place(document, node);
        if let Some(first) = places.get(object.id.as_str()) {
            let what = format!("{} is there twice", object.id);
            problems.push(
                Diagnostic::error("", what)
                    .why(format!("it is in {first}, too"))
                    .remedy("one of the two; leave out files that change others, such as overlays")
                    .at_place(place),
            );
            continue;
        }
        places.insert(object.id.as_str(), place);
        origins.insert(object.id.as_str(), document.file.clone(), node.clone());
    }
    if problems.is_empty() { Ok(origins) } else { Err(ActionError::Diagnostics(problems)) }
}

/// The value that keys and indices lead to, or the last one on the way.
fn nearest<'n, 's>(root: &'n Node, steps: impl Iterator<Item = &'s str>) -> &'n Node {
    let mut node = root;
    for step in steps {
        let item = |index: usize| node.as_sequence()?.get(index);
        let Some(below) = node.get(step).or_else(|| item(step.parse().ok()?)) else { break };
        node = below;
    }
    node
}

fn place(document: &Document, node: &Node) -> Place {
    Place { file: document.file.to_string(), line: node.line, column: None }
}
