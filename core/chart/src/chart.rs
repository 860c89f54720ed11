//! A chart in memory, made from its files.

use std::sync::Arc;

use rhumb_spec::Diagnostic;
use rhumb_spec::yaml::{self, Node};
use serde_json::{Map, Value};

use crate::archive;
use crate::files::{Files, MAX_ENTRIES, MAX_TOTAL_BYTES};
use crate::metadata::{ChartKind, Dependency, METADATA_FILE, Metadata};
use crate::schema::{SCHEMA_FILE, Schema};

/// The file that holds a chart's default values.
pub const VALUES_FILE: &str = "values.yaml";
/// The file whose rendered text is shown after an installation.
pub const NOTES_FILE: &str = "NOTES.txt";

/// Deepest nesting of charts in charts.
const MAX_DEPTH: usize = 8;

/// A chart with its subcharts, read and found sound in itself.
#[derive(Clone, Debug)]
pub struct Chart {
    pub(crate) metadata: Metadata,
    /// The folder of the chart below the topmost one: empty, or with a slash at its end.
    pub(crate) folder: String,
    pub(crate) defaults: Map<String, Value>,
    /// The default values with their places.
    pub(crate) defaults_node: Option<Arc<Node>>,
    pub(crate) schema: Option<Schema>,
    pub(crate) templates: Vec<TemplateFile>,
    pub(crate) notes: Option<TemplateFile>,
    /// The chart's own files, without those of its subcharts.
    pub(crate) files: Arc<Files>,
    pub(crate) subcharts: Vec<Subchart>,
}

/// A chart inside another one.
#[derive(Clone, Debug)]
pub(crate) struct Subchart {
    /// The key of its values in those of the chart around it.
    pub(crate) key: String,
    pub(crate) condition: Vec<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) chart: Chart,
}

/// A template, or a file of components and partials for templates.
#[derive(Clone, Debug)]
pub(crate) struct TemplateFile {
    /// The path below its chart.
    pub(crate) path: String,
    pub(crate) text: Arc<str>,
}

impl TemplateFile {
    /// The name without folders.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether the file only lends to others.
    pub(crate) fn is_partial(&self) -> bool {
        self.name().starts_with('_')
    }

    /// Whether the file renders to documents.
    pub(crate) fn is_rendered(&self) -> bool {
        let extension = self.name().rsplit_once('.').map(|(_, extension)| extension);
        !self.is_partial() && matches!(extension, Some("yaml" | "yml"))
    }

    /// Whether its documents are release tests.
    pub(crate) fn is_test(&self) -> bool {
        self.path.starts_with("templates/tests/")
    }
}

impl Chart {
    /// Makes a chart of its files.
    ///
    /// # Errors
    /// Everything that is wrong with the files, of the chart and of those in `charts/`: a missing or bad
    /// `Chart.yaml`, values that are no map, a schema that is none, templates that are no text, a declared dependency
    /// that is not there or has another version.
    pub fn from_files(files: Files) -> Result<Self, Vec<Diagnostic>> {
        let mut budget = Budget { bytes: MAX_TOTAL_BYTES, entries: MAX_ENTRIES };
        build(files, "", 0, &mut budget)
    }

    /// What the chart says about itself.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The chart's default values, without those of its subcharts.
    pub fn default_values(&self) -> &Map<String, Value> {
        &self.defaults
    }

    /// The schema of its values.
    pub fn schema(&self) -> Option<&Schema> {
        self.schema.as_ref()
    }

    /// The chart's own files, without those in `charts/`.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// The charts in `charts/` with the keys of their values.
    pub fn subcharts(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.subcharts.iter().map(|subchart| (subchart.key.as_str(), &subchart.chart))
    }

    /// Whether this version of the program can read the chart.
    ///
    /// # Errors
    /// One diagnostic for each chart, this or one inside, that asks for another version.
    pub fn check_program(&self, version: &semver::Version) -> Result<(), Vec<Diagnostic>> {
        let mut problems = Vec::new();
        self.visit(&mut |chart| {
            if let Some(range) =
                chart.metadata.rhumb_version.as_ref().filter(|range| !range.contains(version))
            {
                let what =
                    format!("the chart `{}` needs rhumb {range}, and this is {version}", chart.metadata.name);
                problems.push(
                    Diagnostic::error("rhumbVersion", what)
                        .remedy("a version of rhumb in that range, or an older version of the chart")
                        .at(format!("{}{METADATA_FILE}", chart.folder), 1),
                );
            }
        });
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }

    /// Calls `see` with this chart and every chart inside.
    pub(crate) fn visit<'c>(&'c self, see: &mut dyn FnMut(&'c Self)) {
        see(self);
        for subchart in &self.subcharts {
            subchart.chart.visit(see);
        }
    }
}

/// What all charts together may still hold.
struct Budget {
    bytes: u64,
    entries: usize,
}

impl Budget {
    fn spend(&mut self, files: &Files) -> bool {
        let bytes: u64 = files.iter().map(|(_, content)| content.len() as u64).sum();
        match (self.bytes.checked_sub(bytes), self.entries.checked_sub(files.len())) {
            (Some(bytes), Some(entries)) => {
                *self = Self { bytes, entries };
                true
            }
            _ => false,
        }
    }
}

fn build(
    mut files: Files,
    folder: &str,
    depth: usize,
    budget: &mut Budget,
) -> Result<Chart, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let name_of = |file: &str| format!("{folder}{file}");
    let vendored = files.split_folder("charts");
    let mut charts = subcharts(vendored, folder, depth, budget, &mut problems);
    let metadata = keep(metadata(&files, folder), &mut problems);
    let defaults = keep(default_values(&files, &name_of(VALUES_FILE)), &mut problems).flatten();
    let schema = keep(schema(&files, &name_of(SCHEMA_FILE)), &mut problems).flatten();
    let templates = keep(templates(&files, folder), &mut problems).unwrap_or_default();
    let notes = keep(notes(&files, folder), &mut problems).flatten();
    let Some(metadata) = metadata else { return Err(problems) };
    let subcharts = resolve(&metadata.dependencies, &mut charts, &name_of(METADATA_FILE), &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    let values = defaults.as_ref().map(Node::to_value);
    Ok(Chart {
        metadata,
        folder: folder.to_owned(),
        defaults: match values {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        },
        defaults_node: defaults.map(Arc::new),
        schema,
        templates,
        notes,
        files: Arc::new(files),
        subcharts,
    })
}

fn keep<T>(result: Result<T, Vec<Diagnostic>>, problems: &mut Vec<Diagnostic>) -> Option<T> {
    result.map_err(|found| problems.extend(found)).ok()
}

fn text<'f>(files: &'f Files, path: &str, folder: &str) -> Result<Option<&'f str>, Vec<Diagnostic>> {
    let Some(content) = files.get(path) else { return Ok(None) };
    std::str::from_utf8(content).map(Some).map_err(|error| {
        let line = content[..error.valid_up_to()].split(|byte| *byte == b'\n').count();
        let problem = Diagnostic::error("", "the file is no text: it is not in UTF-8");
        vec![problem.at(format!("{folder}{path}"), u32::try_from(line).unwrap_or(u32::MAX))]
    })
}

fn metadata(files: &Files, folder: &str) -> Result<Metadata, Vec<Diagnostic>> {
    let Some(text) = text(files, METADATA_FILE, folder)? else {
        let chart = if folder.is_empty() { "this" } else { folder.trim_end_matches('/') };
        return Err(vec![
            Diagnostic::error("", format!("{chart} is no chart: it has no {METADATA_FILE}"))
                .remedy("the folder that holds Chart.yaml, or `rhumb create` to begin one"),
        ]);
    };
    Metadata::parse(&format!("{folder}{METADATA_FILE}"), text)
}

fn default_values(files: &Files, name: &str) -> Result<Option<Node>, Vec<Diagnostic>> {
    let folder = name.strip_suffix(VALUES_FILE).unwrap_or_default();
    let Some(text) = text(files, VALUES_FILE, folder)? else { return Ok(None) };
    parse_values(name, text)
}

/// Reads a file of values, which is a map or empty.
pub(crate) fn parse_values(name: &str, text: &str) -> Result<Option<Node>, Vec<Diagnostic>> {
    let node = yaml::single_from_str(text).map_err(|error| vec![error.into_diagnostic(name)])?;
    match node {
        Some(node) if node.as_mapping().is_none() => {
            let what = format!("a file of values is a mapping, and this is {}", node.describe());
            Err(vec![Diagnostic::error("", what).at(name, node.line)])
        }
        node => Ok(node),
    }
}

fn schema(files: &Files, name: &str) -> Result<Option<Schema>, Vec<Diagnostic>> {
    let folder = name.strip_suffix(SCHEMA_FILE).unwrap_or_default();
    text(files, SCHEMA_FILE, folder)?.map(|text| Schema::parse(name, text)).transpose()
}

fn templates(files: &Files, folder: &str) -> Result<Vec<TemplateFile>, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut templates = Vec::new();
    for (path, _) in files.iter().filter(|(path, _)| path.starts_with("templates/")) {
        match text(files, path, folder) {
            Ok(Some(text)) => templates.push(TemplateFile { path: path.to_owned(), text: text.into() }),
            Ok(None) => {}
            Err(found) => problems.extend(found),
        }
    }
    if problems.is_empty() { Ok(templates) } else { Err(problems) }
}

fn notes(files: &Files, folder: &str) -> Result<Option<TemplateFile>, Vec<Diagnostic>> {
    let notes = text(files, NOTES_FILE, folder)?;
    Ok(notes.map(|text| TemplateFile { path: NOTES_FILE.to_owned(), text: text.into() }))
}

/// Builds what lies in `charts/`: folders and archives.
fn subcharts(
    mut vendored: Files,
    folder: &str,
    depth: usize,
    budget: &mut Budget,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Chart> {
    let mut tops: Vec<String> =
        vendored.iter().map(|(path, _)| path.split('/').next().unwrap_or(path).to_owned()).collect();
    tops.dedup();
    let mut charts = Vec::new();
    for top in tops.iter().filter(|top| !top.starts_with(['_', '.'])) {
        let (files, name) = if let Some(archive) = vendored.take(top) {
            let Some(name) = top.strip_suffix(".tgz").or_else(|| top.strip_suffix(".tar.gz")) else {
                continue;
            };
            match archive::unpack(&archive) {
                Ok(files) => (files, name),
                Err(error) => {
                    problems.push(
                        Diagnostic::error("", error.to_string()).at(format!("{folder}charts/{top}"), 1),
                    );
                    continue;
                }
            }
        } else {
            (vendored.split_folder(top), top.as_str())
        };
        let inner = format!("{folder}charts/{name}/");
        if depth >= MAX_DEPTH || !budget.spend(&files) {
            let what =
                format!("the charts in charts are nested too deeply, or too large together: `{inner}`");
            problems.push(Diagnostic::error("", what));
            continue;
        }
        charts.extend(keep(build(files, &inner, depth + 1, budget), problems));
    }
    charts
}

/// Finds the chart of each dependency; what is in `charts/` and not declared counts under its own name.
fn resolve(
    dependencies: &[Dependency],
    charts: &mut Vec<Chart>,
    file: &str,
    problems: &mut Vec<Diagnostic>,
) -> Vec<Subchart> {
    let mut resolved: Vec<Subchart> = Vec::new();
    let mut declared = Vec::new();
    for (index, dependency) in dependencies.iter().enumerate() {
        let path = format!("dependencies[{index}]");
        let named = charts.iter().filter(|chart| chart.metadata.name == dependency.name);
        match named.clone().find(|chart| dependency.version.contains(&chart.metadata.version)) {
            Some(chart) => {
                declared.push(chart.folder.clone());
                resolved.push(Subchart {
                    key: dependency.key().to_owned(),
                    condition: dependency.condition.clone(),
                    tags: dependency.tags.clone(),
                    chart: chart.clone(),
                });
            }
            None => problems.push(
                missing(dependency, named.map(|chart| chart.metadata.version.to_string()))
                    .at(file, 1)
                    .at_path(path),
            ),
        }
    }
    charts.retain(|chart| !declared.contains(&chart.folder));
    resolved.extend(charts.drain(..).map(|chart| Subchart {
        key: chart.metadata.name.clone(),
        condition: Vec::new(),
        tags: Vec::new(),
        chart,
    }));
    for (index, subchart) in resolved.iter().enumerate() {
        if resolved[..index].iter().any(|other| other.key == subchart.key) {
            problems.push(
                Diagnostic::error("dependencies", format!("two dependencies are called `{}`", subchart.key))
                    .why("their values would have the same key")
                    .remedy("another name for one of them, under `alias`")
                    .at(file, 1),
            );
        }
    }
    resolved
}

fn missing(dependency: &Dependency, there: impl Iterator<Item = String>) -> Diagnostic {
    let there: Vec<String> = there.collect();
    let wanted = format!("the dependency `{}` {}", dependency.name, dependency.version);
    let problem = if there.is_empty() {
        Diagnostic::error("", format!("{wanted} is not in charts/"))
    } else {
        Diagnostic::error("", format!("{wanted} is in charts/ as {}", there.join(", ")))
    };
    problem.remedy(format!("a folder or archive of that chart and version in charts/{}", dependency.name))
}

/// Gives a diagnostic its path afterwards.
trait AtPath {
    fn at_path(self, path: String) -> Self;
}

impl AtPath for Diagnostic {
    fn at_path(mut self, path: String) -> Self {
        self.path = path;
        self
    }
}

/// Whether a chart's own templates are rendered.
pub(crate) fn renders(chart: &Chart) -> bool {
    chart.metadata.kind == ChartKind::Application
}
