//! From a chart and its values to documents.

use std::fmt;
use std::sync::Arc;

use rhumb_spec::{Diagnostic, Parsed, Source};
use serde::Serialize;
use serde_json::{Value as Json, json};
use tera::{Context, Value};

use crate::chart::{self, Chart, TemplateFile};
use crate::engine::{Budget, Engine, Named, Parts, is_lent};
use crate::files::Files;
use crate::schema::ValuePath;
use crate::seal::{self, PlainEntry};
use crate::sealed::{Sealing, Tokens, Vault};
use crate::trace::{self, Tracer};
use crate::unsealed;
use crate::values::Values;

/// Bounds of one rendering.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// What all templates together may output, in bytes (default 64 MiB).
    pub output_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { output_bytes: 64 * 1024 * 1024 }
    }
}

/// What templates know of the release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseInfo {
    /// Its name.
    pub name: String,
    /// The namespace it is in.
    pub namespace: String,
    /// The number of the revision that is made, from 1.
    pub revision: u32,
    /// Whether this is the first revision.
    pub is_install: bool,
    /// Whether there is a revision before.
    pub is_upgrade: bool,
}

impl ReleaseInfo {
    /// The first revision of a release.
    pub fn install(name: impl Into<String>, namespace: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            namespace: namespace.into(),
            revision: 1,
            is_install: true,
            is_upgrade: false,
        }
    }

    /// A later revision.
    pub fn upgrade(name: impl Into<String>, namespace: impl Into<String>, revision: u32) -> Self {
        Self { name: name.into(), namespace: namespace.into(), revision, is_install: false, is_upgrade: true }
    }
}

/// Everything beside the chart and its values that decides what is rendered.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The release.
    pub release: ReleaseInfo,
    /// What templates see as `platform`: its name and what it supports.
    pub platform: Json,
    /// How secrets are sealed.
    pub sealing: Sealing,
    /// Bounds.
    pub limits: Limits,
}

/// The documents that one template rendered to.
#[derive(Clone, PartialEq, Eq)]
pub struct RenderedFile {
    /// The template's path, as in `charts/redis/templates/redis.yaml`.
    pub file: String,
    /// The documents as text. Secret material is sealed.
    pub text: String,
    /// Whether the documents are tests of the release.
    pub tests: bool,
    /// For each line of the text, the line before secrets were sealed; none where nothing was sealed.
    pub(crate) lines: Option<Vec<u32>>,
    /// How many lines the text had before secrets were sealed.
    pub(crate) raw_lines: u32,
}

impl RenderedFile {
    /// The line, before secrets were sealed, of a line of the text.
    pub(crate) fn line_before_sealing(&self, line: u32) -> u32 {
        let index = usize::try_from(line).unwrap_or(usize::MAX).saturating_sub(1);
        self.lines.as_ref().and_then(|lines| lines.get(index).or(lines.last())).copied().unwrap_or(line)
    }

    /// The line of the text that comes from a line before secrets were sealed.
    pub(crate) fn line_after_sealing(&self, line: u32) -> u32 {
        let index = self.lines.as_ref().and_then(|lines| lines.iter().position(|before| *before == line));
        index.map_or(line, |index| u32::try_from(index + 1).unwrap_or(u32::MAX))
    }
}

impl fmt::Debug for RenderedFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RenderedFile").field("file", &self.file).finish_non_exhaustive()
    }
}

/// What a chart rendered to.
#[derive(Clone)]
pub struct Rendered {
    /// The documents by template: those of the chart first, then those of its subcharts, each in the order of paths.
    pub documents: Vec<RenderedFile>,
    /// The chart's notes for the person who installed it.
    pub notes: Option<String>,
    /// The material of the secrets in the documents.
    pub vault: Vault,
    /// What is odd, and stops nothing, at the lines of the documents.
    warnings: Vec<Diagnostic>,
    tracer: Arc<Tracer>,
}

impl fmt::Debug for Rendered {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Rendered").field("documents", &self.documents).finish_non_exhaustive()
    }
}

impl Rendered {
    /// Reads the documents, but for the tests, into an app.
    ///
    /// # Errors
    /// As [`rhumb_spec::parse`], each at the template's line.
    pub fn parse(&self) -> Result<Parsed, Vec<Diagnostic>> {
        self.parse_where(|document| !document.tests)
    }

    /// Reads the tests of the release into an app of their own.
    ///
    /// # Errors
    /// As [`rhumb_spec::parse`], each at the template's line.
    pub fn parse_tests(&self) -> Result<Parsed, Vec<Diagnostic>> {
        self.parse_where(|document| document.tests)
    }

    fn parse_where(&self, wanted: fn(&RenderedFile) -> bool) -> Result<Parsed, Vec<Diagnostic>> {
        let wanted: Vec<&RenderedFile> = self.documents.iter().filter(|document| wanted(document)).collect();
        let sources: Vec<Source> = wanted
            .iter()
            .map(|document| Source { file: document.file.clone(), text: document.text.clone() })
            .collect();
        let (documents, broken) = rhumb_spec::documents(&sources);
        let mut problems: Vec<Diagnostic> =
            broken.into_iter().map(|problem| self.locate(self.with_rendered_line(problem))).collect();
        match rhumb_spec::parse_documents(documents) {
            Ok(mut parsed) if problems.is_empty() => {
                let is_wanted = |place: &rhumb_spec::Place| wanted.iter().any(|file| file.file == place.file);
                let warnings = self.warnings.iter().filter(|odd| odd.place.as_ref().is_some_and(is_wanted));
                parsed.warnings.extend(warnings.cloned());
                Ok(parsed)
            }
            Ok(_) => Err(problems),
            Err(found) => {
                problems.extend(self.locate_all(found));
                Err(problems)
            }
        }
    }

    /// Shows the rendered line that is no YAML, unless it may be part of a secret.
    fn with_rendered_line(&self, problem: Diagnostic) -> Diagnostic {
        let shown = problem.place.as_ref().and_then(|place| {
            let document = self.documents.iter().find(|document| document.file == place.file)?;
            let index = usize::try_from(place.line).ok()?.checked_sub(1)?;
            let line = document.text.lines().nth(index)?.trim_end();
            let harmless = !document.text.contains("Secret") && line.chars().count() <= 200;
            harmless.then(|| format!("line {} of the rendered text is `{line}`", place.line))
        });
        match shown {
            Some(shown) => problem.why(shown),
            None => problem,
        }
    }

    /// Puts the template's place into a diagnostic whose place is in rendered text: the warnings of
    /// [`Rendered::parse`], and what `verify`, `check` and `lower` find. Not for its errors, which have theirs.
    pub fn locate(&self, diagnostic: Diagnostic) -> Diagnostic {
        trace::locate(&self.tracer, &self.documents, diagnostic)
    }

    /// [`Rendered::locate`] for many.
    pub fn locate_all(&self, diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
        diagnostics.into_iter().map(|diagnostic| self.locate(diagnostic)).collect()
    }

    /// The template's file and line for a line of rendered text.
    pub fn trace(&self, file: &str, line: u32) -> Option<rhumb_spec::Place> {
        let document = self.documents.iter().find(|document| document.file == file)?;
        trace::trace(&self.tracer, document, line)
    }
}

/// A chart as it takes part in a rendering.
#[derive(Clone)]
pub(crate) struct Unit {
    /// The chart's folder, as people know it.
    folder: String,
    /// What the names of its rendered files begin with: the folder, or one of its own for a chart that is there twice.
    prefix: String,
    pub(crate) templates: Vec<TemplateFile>,
    pub(crate) notes: Option<TemplateFile>,
    files: Arc<Files>,
    renders: bool,
    context: Context,
}

impl Unit {
    /// The file of a template, as people know it.
    pub(crate) fn shown(&self, template: &TemplateFile) -> String {
        format!("{}{}", self.folder, template.path)
    }
}

impl Chart {
    /// Renders the templates of the chart and of the subcharts that take part.
    ///
    /// Nothing outside the charts is read, and the same input gives the same output. Secret values reach templates as
    /// tokens; see [`Rendered::vault`].
    ///
    /// # Errors
    /// Everything that is wrong with the templates, each with file, line and column: syntax, names that nobody
    /// defines, values that are not there, calls of `fail` and `required`, output without end, and secret values
    /// anywhere but in the data of a `Secret`.
    pub fn render(&self, values: &Values, around: &Surroundings) -> Result<Rendered, Vec<Diagnostic>> {
        let (scoped, tokens) = values.with_tokens();
        let mut units = Vec::new();
        gather(self, &scoped, values, &ValuePath::default(), around, &mut units);
        let mut files = Vec::new();
        let mut problems = Vec::new();
        for index in 0..units.len() {
            let (rendered, found) = render_unit(&units, index, around.limits, None);
            files.extend(rendered);
            problems
                .extend(found.into_iter().filter(|problem| !problems.contains(problem)).collect::<Vec<_>>());
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let tracer = Arc::new(Tracer::new(units, around.limits));
        let (mut rendered, plain) = finish(files, &tokens, &around.sealing, tracer)?;
        rendered.warnings = unsealed::warnings(&plain, &scoped, values.given(), &rendered.documents);
        Ok(rendered)
    }
}

/// Seals what was rendered.
fn finish(
    files: Vec<RawFile>,
    tokens: &Tokens,
    sealing: &Sealing,
    tracer: Arc<Tracer>,
) -> Result<(Rendered, Vec<PlainEntry>), Vec<Diagnostic>> {
    let mut sealer = seal::Sealer::new(tokens, sealing);
    let mut rendered =
        Rendered { documents: Vec::new(), notes: None, vault: Vault::new(), warnings: Vec::new(), tracer };
    let mut problems = Vec::new();
    for RawFile { file, text, role } in files {
        let raw_lines = count_lines(&text);
        let found = match role {
            Role::Notes => {
                let found = sealer.refuse_secrets(&file, &text);
                rendered.notes = Some(text);
                found
            }
            Role::Documents | Role::Tests => {
                let (text, lines, found) = sealer.seal(&file, text);
                rendered.documents.push(RenderedFile {
                    file: file.clone(),
                    text,
                    tests: role == Role::Tests,
                    lines,
                    raw_lines,
                });
                found
            }
        };
        problems.extend(found.into_iter().map(|problem| relocate(&rendered.tracer, raw_lines, problem)));
    }
    let (vault, plain) = sealer.finish();
    rendered.vault = vault;
    rendered.documents.retain(|document| has_content(&document.text));
    if problems.is_empty() { Ok((rendered, plain)) } else { Err(problems) }
}

fn count_lines(text: &str) -> u32 {
    u32::try_from(text.split_inclusive('\n').count()).unwrap_or(u32::MAX)
}

fn relocate(tracer: &Tracer, lines: u32, mut problem: Diagnostic) -> Diagnostic {
    if let Some(place) = problem.place.as_ref().and_then(|place| tracer.trace(&place.file, place.line, lines))
    {
        problem.place = Some(place);
    }
    problem
}

/// Whether a text has anything but blank lines, comments and separators.
fn has_content(text: &str) -> bool {
    text.lines().any(|line| !matches!(line.trim(), "" | "---" | "...") && !line.trim_start().starts_with('#'))
}

/// Lists the charts that take part: this one, then those inside.
fn gather(
    chart: &Chart,
    values: &Json,
    all: &Values,
    at: &ValuePath,
    around: &Surroundings,
    units: &mut Vec<Unit>,
) {
    let prefix = if units.iter().any(|unit| unit.folder == chart.folder) {
        format!("charts/{}/", at.parts().join("/charts/"))
    } else {
        chart.folder.clone()
    };
    units.push(Unit {
        prefix,
        folder: chart.folder.clone(),
        templates: chart.templates.clone(),
        notes: chart.notes.clone().filter(|_| at.parts().is_empty()),
        files: chart.files.clone(),
        renders: chart::renders(chart),
        context: context(chart, values, around),
    });
    for subchart in &chart.subcharts {
        let path = at.child(&subchart.key);
        if all.is_enabled(&path) {
            let values = values.get(&subchart.key).unwrap_or(&Json::Null);
            gather(&subchart.chart, values, all, &path, around, units);
        }
    }
}

fn context(chart: &Chart, values: &Json, around: &Surroundings) -> Context {
    let mut release = serde_json::to_value(&around.release).unwrap_or_default();
    release["service"] = json!("rhumb");
    let mut context = Context::new();
    context.insert("values", values);
    context.insert("release", &release);
    context.insert("chart", &chart.metadata);
    context.insert("platform", &around.platform);
    // Files may be large, and most charts do not ask for this map.
    if chart.templates.iter().any(|template| template.text.contains("files")) {
        let texts = chart.files.iter().filter(|(path, _)| is_lent(path));
        let texts = texts.filter_map(|(path, content)| {
            Some((path.to_owned().into(), std::str::from_utf8(content).ok()?.into()))
        });
        context.insert_value("files", Value::from(texts.collect::<tera::Map>()));
    }
    context
}

/// What a rendered text is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Documents,
    Tests,
    Notes,
}

/// A text as Tera rendered it.
pub(crate) struct RawFile {
    pub(crate) file: String,
    pub(crate) text: String,
    pub(crate) role: Role,
}

/// Stack of the thread that renders, in bytes. What templates may nest needs a third of it at most.
const STACK_BYTES: usize = 64 * 1024 * 1024;

/// Renders the templates of one unit; with `marks`, the output says which line of these files it comes from.
///
/// Components and includes that call one another nest deeper than the stack of an ordinary thread reaches.
pub(crate) fn render_unit(
    units: &[Unit],
    index: usize,
    limits: Limits,
    marks: Option<&Arc<Vec<String>>>,
) -> (Vec<RawFile>, Vec<Diagnostic>) {
    let rendered = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("render".to_owned()).stack_size(STACK_BYTES);
        let render = thread.spawn_scoped(scope, || render_here(units, index, limits, marks));
        render.map_err(|error| error.to_string())?.join().map_err(|_| "the template engine failed".to_owned())
    });
    rendered.unwrap_or_else(|reason| {
        let problem = Diagnostic::error("", format!("the templates cannot be rendered: {reason}"));
        (Vec::new(), vec![problem])
    })
}

fn render_here(
    units: &[Unit],
    index: usize,
    limits: Limits,
    marks: Option<&Arc<Vec<String>>>,
) -> (Vec<RawFile>, Vec<Diagnostic>) {
    let unit = &units[index];
    if !unit.renders && index > 0 {
        return (Vec::new(), Vec::new());
    }
    let (templates, search) = lend(units, index);
    let engine = Engine::new(Parts {
        templates,
        search,
        root: unit.context.clone(),
        files: unit.files.clone(),
        budget: Arc::new(Budget::new(limits)),
        marks: marks.map(|files| files.to_vec()),
    });
    let engine = match engine {
        Ok(engine) => engine,
        Err(problems) => return (Vec::new(), problems),
    };
    let mut files = Vec::new();
    let mut problems = Vec::new();
    let rendered = unit.templates.iter().filter(|template| unit.renders && template.is_rendered());
    for template in rendered.chain(&unit.notes) {
        match engine.render(&template.path) {
            Ok(text) => {
                let role = if template.path.starts_with("templates/") {
                    if template.is_test() { Role::Tests } else { Role::Documents }
                } else {
                    Role::Notes
                };
                files.push(RawFile { file: format!("{}{}", unit.prefix, template.path), text, role });
            }
            Err(found) => problems.extend(found),
        }
    }
    (files, problems)
}

/// The templates that one unit can use, its own under their own paths, and the folders to look in for others.
fn lend(units: &[Unit], index: usize) -> (Vec<Named>, Vec<String>) {
    let own = &units[index];
    let mut templates: Vec<Named> = own
        .templates
        .iter()
        .chain(&own.notes)
        .map(|template| Named {
            name: template.path.clone(),
            shown: own.shown(template),
            text: template.text.clone(),
        })
        .collect();
    let mut inside = Vec::new();
    let mut outside = Vec::new();
    for (_, other) in units.iter().enumerate().filter(|(other, _)| *other != index) {
        let prefix = match other.prefix.strip_prefix(&own.prefix) {
            Some(below) if !below.is_empty() => below.to_owned(),
            _ => format!("/{}", other.prefix),
        };
        let searched = if prefix.starts_with('/') { &mut outside } else { &mut inside };
        searched.push(format!("{prefix}templates/"));
        templates.extend(other.templates.iter().filter(|template| template.is_partial()).map(|template| {
            Named {
                name: format!("{prefix}{}", template.path),
                shown: other.shown(template),
                text: template.text.clone(),
            }
        }));
    }
    let search = std::iter::once("templates/".to_owned()).chain(inside).chain(outside).collect();
    (templates, search)
}

#[cfg(test)]
mod tests;
