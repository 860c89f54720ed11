//! Files, what they include, and their merge.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rhumb_spec::Diagnostic;
use rhumb_spec::yaml::{self, Node, NodeKind};

use super::interpolate::{Found, Manner};
use super::merge::{self, TAGS};
use super::{
    Files, Format, Missing, Project, Request, SECTIONS, dotenv, entry, extends, interpolate, joined, marks,
    null_node,
};

/// How many files one project may have.
const MAX_FILES: usize = 200;
/// The variable that holds the project's name.
const PROJECT_NAME: &str = "COMPOSE_PROJECT_NAME";
/// How deep files may include each other.
const MAX_INCLUDES: usize = 16;

type Read<T> = Result<T, Vec<Diagnostic>>;

/// Reads files into one project.
pub(super) fn project<'a>(request: &Request<'a>) -> Read<Project<'a>> {
    let folder = request.files.first().and_then(|file| file.parent()).unwrap_or(Path::new("")).to_path_buf();
    let mut loader = Loader::new(request, Manner::Plain);
    let mut environment = loader.environment(request.environment, &folder, None)?;
    if let Some(name) = loader.project_name(request.files, &folder) {
        environment.entry(PROJECT_NAME.to_owned()).or_insert(name);
    }
    let mut root = loader.files(request.files, (&folder, &environment), &mut Vec::new())?;
    merge::settle(&mut root);
    let mut marking = Loader::new(request, Manner::Marked);
    let marked = marking.files(request.files, (&folder, &environment), &mut Vec::new());
    let mut marked = marked.unwrap_or_else(|_| root.clone());
    merge::settle(&mut marked);
    if root.as_mapping().is_none() {
        return Err(vec![Diagnostic::error("", "the file holds no mapping").remedy("a Compose file")]);
    }
    loader.tell_missing();
    let from_environment = environment.get("COMPOSE_PROFILES").map(String::as_str).unwrap_or_default();
    let given = request.profiles.iter().map(String::as_str);
    let of_environment = from_environment.split(',').filter(|_| request.profiles.is_empty());
    let profiles: BTreeSet<String> = given
        .chain(of_environment)
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    let (places, notes, reader) = (loader.places, loader.notes, request.reader);
    let required = loader.required;
    Ok(Project { root, marked, required, places, folder, environment, profiles, reader, notes })
}

/// What reads files, and what it found out on its way.
pub(super) struct Loader<'r, 'a> {
    pub(super) reader: &'a dyn Files,
    texts: &'r BTreeMap<PathBuf, String>,
    count: usize,
    places: BTreeMap<String, String>,
    notes: Vec<Diagnostic>,
    /// The variables that are not set, and where they were first asked for.
    missing: BTreeMap<String, (String, u32)>,
    /// The variables that must be set and are not.
    required: BTreeMap<String, Missing>,
    /// The variables that must be set.
    demanded: BTreeSet<String>,
    manner: Manner,
}

impl<'r, 'a> Loader<'r, 'a> {
    fn new(request: &Request<'a>, manner: Manner) -> Self
    where
        'a: 'r,
    {
        Self {
            reader: request.reader,
            texts: request.texts,
            count: 0,
            places: BTreeMap::new(),
            notes: Vec::new(),
            missing: BTreeMap::new(),
            demanded: BTreeSet::new(),
            required: BTreeMap::new(),
            manner,
        }
    }
}

impl Loader<'_, '_> {
    /// The environment over what a folder's `.env`, or the files that take its place, say.
    fn environment(
        &self,
        given: &BTreeMap<String, String>,
        folder: &Path,
        files: Option<&[PathBuf]>,
    ) -> Read<BTreeMap<String, String>> {
        let own = [folder.join(".env")];
        let is_own = files.is_none();
        let mut all = BTreeMap::new();
        for file in files.unwrap_or(&own) {
            if is_own && !self.reader.is_file(file) {
                continue;
            }
            let text = self.content(file, None)?;
            let lookup = |name: &str| given.get(name).cloned();
            let found = dotenv::parse(&text, Format::Compose, &lookup)
                .map_err(|(line, what)| vec![Diagnostic::error("", what).at(shown(file), line)])?;
            all.extend(found);
        }
        all.extend(given.clone());
        Ok(all)
    }

    /// The project's name: what the last file calls it, or its folder's.
    fn project_name(&self, files: &[PathBuf], folder: &Path) -> Option<String> {
        let named = files.iter().rev().find_map(|file| {
            let documents = yaml::parse_tagged(&self.content(file, None).ok()?, &TAGS).ok()?;
            let name = documents.first()?.get("name").and_then(Node::as_str)?.to_owned();
            (!name.contains('$')).then_some(name)
        });
        named.or_else(|| folder.file_name().map(|name| name.to_string_lossy().to_lowercase()))
    }

    fn content(&self, file: &Path, asked: Option<(&Path, u32)>) -> Read<String> {
        let text = match self.texts.get(file) {
            Some(text) => return Ok(text.clone()),
            None => self
                .reader
                .read(file)
                .and_then(|bytes| String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())),
        };
        text.map_err(|why| {
            let found = Diagnostic::error("", format!("cannot read {}", file.display())).why(why);
            vec![match asked {
                Some((from, line)) => found.at(shown(from), line),
                None => found,
            }]
        })
    }

    /// Reads files that change each other, with all that they include.
    fn files(
        &mut self,
        files: &[PathBuf],
        (folder, environment): (&Path, &BTreeMap<String, String>),
        open: &mut Vec<PathBuf>,
    ) -> Read<Node> {
        let mut all: Option<Node> = None;
        for file in files {
            for mut document in self.documents(file, environment, None)? {
                extends::resolve(&mut document, file, (folder, environment), self)?;
                self.include(&mut document, file, (folder, environment), open)?;
                match &mut all {
                    Some(base) => merge::merge(base, document, &mut Vec::new()),
                    None => all = Some(document),
                }
            }
        }
        let nothing = || Diagnostic::error("", "there is nothing to import").remedy("a file with `services`");
        all.ok_or_else(|| vec![nothing()])
    }

    /// The documents of a file, interpolated.
    pub(super) fn documents(
        &mut self,
        file: &Path,
        environment: &BTreeMap<String, String>,
        asked: Option<(&Path, u32)>,
    ) -> Read<Vec<Node>> {
        self.count += 1;
        if self.count > MAX_FILES {
            return Err(vec![Diagnostic::error("", format!("the project has more than {MAX_FILES} files"))]);
        }
        let text = self.content(file, asked)?;
        let mut documents = yaml::parse_tagged(&text, &TAGS)
            .map_err(|error| vec![error.into_diagnostic(&file.display().to_string())])?;
        let mut problems = Vec::new();
        for document in &mut documents {
            self.wrap(document, file);
            demands(document, &mut self.demanded);
            self.interpolate(document, (file, environment), &mut problems);
            self.remember(document, file);
        }
        if problems.is_empty() { Ok(documents) } else { Err(problems) }
    }

    /// The first version of Compose files has services and nothing else.
    fn wrap(&mut self, document: &mut Node, file: &Path) {
        let is_service = |node: &Node| node.get("image").is_some() || node.get("build").is_some();
        let entries = document.as_mapping().unwrap_or_default();
        if entries.is_empty() || !entries.iter().all(|entry| is_service(&entry.value)) {
            return;
        }
        let what =
            "the file is of the first version of Compose files, and its entries are taken for services";
        let found = Diagnostic::warning("", what).remedy("`services:` above them");
        self.notes.push(found.at(shown(file), document.line));
        let services = std::mem::replace(document, null_node(document));
        document.kind = NodeKind::Mapping(vec![entry("services", services)]);
    }

    fn interpolate(
        &mut self,
        node: &mut Node,
        (file, environment): (&Path, &BTreeMap<String, String>),
        problems: &mut Vec<Diagnostic>,
    ) {
        let line = node.line;
        match &mut node.kind {
            NodeKind::Scalar { text, plain } if text.contains('$') => {
                // What a variable stands in is text, and stays text when the variable is empty.
                *plain = false;
                let mut told = Found { demanded: self.demanded.clone(), ..Found::default() };
                let lookup = |name: &str| environment.get(name).cloned();
                match interpolate::text(text, &lookup, self.manner, &mut told) {
                    Ok(found) => *text = found.into(),
                    Err(what) => problems.push(Diagnostic::error("", what).at(shown(file), line)),
                }
                for name in told.missing {
                    self.missing.entry(name).or_insert_with(|| (shown(file), line));
                }
                for (name, message) in told.required {
                    let missing = Missing { message, file: shown(file), line };
                    self.required.entry(name).or_insert(missing);
                }
            }
            NodeKind::Scalar { .. } => {}
            NodeKind::Sequence(items) => {
                for item in items {
                    self.interpolate(item, (file, environment), problems);
                }
            }
            NodeKind::Mapping(entries) => {
                let own = entries.iter_mut().filter(|entry| !entry.key.starts_with("x-"));
                own.for_each(|entry| self.interpolate(&mut entry.value, (file, environment), problems));
            }
        }
    }

    /// Keeps where each service and so on was first named.
    fn remember(&mut self, document: &Node, file: &Path) {
        for section in SECTIONS {
            for entry in document.get(section).and_then(Node::as_mapping).unwrap_or_default() {
                self.places.entry(format!("{section}.{}", entry.key)).or_insert_with(|| shown(file));
            }
        }
    }

    fn tell_missing(&mut self) {
        for (name, (file, line)) in std::mem::take(&mut self.missing) {
            let found =
                Diagnostic::warning("", format!("the variable `{name}` is not set, and is empty here"));
            let remedy = format!("set it in the environment or in `.env` and import again: {name}=…");
            self.notes.push(found.remedy(remedy).at(file, line));
        }
    }

    /// Adds what a document includes.
    fn include(
        &mut self,
        document: &mut Node,
        file: &Path,
        (folder, environment): (&Path, &BTreeMap<String, String>),
        open: &mut Vec<PathBuf>,
    ) -> Read<()> {
        let Some(included) = document.get("include").cloned() else { return Ok(()) };
        open.push(file.to_path_buf());
        for item in included.as_sequence().unwrap_or_default() {
            let fault = |what: &str| vec![Diagnostic::error("include", what).at(shown(file), item.line)];
            let paths = texts(item.get("path").unwrap_or(item));
            let files: Vec<PathBuf> = paths.iter().map(|path| joined(folder, path)).collect();
            let Some(first) = files.first() else { return Err(fault("`path` is missing")) };
            if files.iter().any(|file| open.contains(file)) {
                return Err(fault("files include each other in a circle"));
            }
            if open.len() > MAX_INCLUDES {
                return Err(fault(&format!("files include each other more than {MAX_INCLUDES} levels deep")));
            }
            let own = item
                .get("project_directory")
                .and_then(|path| texts(path).pop())
                .map(|path| joined(folder, &path));
            let own = own.unwrap_or_else(|| first.parent().unwrap_or(Path::new("")).to_path_buf());
            let variables: Option<Vec<PathBuf>> = item
                .get("env_file")
                .map(|files| texts(files).iter().map(|path| joined(folder, path)).collect());
            let below = self.environment(environment, &own, variables.as_deref())?;
            let mut part = self.files(&files, (&own, &below), open)?;
            merge::settle(&mut part);
            extends::rebase(&mut part, &own, folder);
            for section in SECTIONS {
                let Some(entries) = part.get(section) else { continue };
                if let Some(name) = merge::add_section(document, section, entries).first() {
                    let what =
                        format!("{section}.{name} is in {} and in a file that includes it", first.display());
                    return Err(vec![Diagnostic::error("include", what).at(shown(file), item.line)]);
                }
            }
        }
        open.pop();
        Ok(())
    }
}

/// Adds the variables that a document says must be set.
fn demands(node: &Node, found: &mut BTreeSet<String>) {
    match &node.kind {
        NodeKind::Scalar { text, .. } => found.extend(interpolate::demanded(text).map(str::to_owned)),
        NodeKind::Sequence(items) => items.iter().for_each(|item| demands(item, found)),
        NodeKind::Mapping(entries) => {
            let own = entries.iter().filter(|entry| !entry.key.starts_with("x-"));
            own.for_each(|entry| demands(&entry.value, found));
        }
    }
}

/// A text, or a list of texts.
pub(super) fn texts(node: &Node) -> Vec<String> {
    match node.as_sequence() {
        Some(items) => items.iter().filter_map(Node::as_str).map(marks::stripped).collect(),
        None => node.as_str().map(marks::stripped).into_iter().collect(),
    }
}

pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}
