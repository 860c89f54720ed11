//! `rhumb import`: what runs or lies in files already, as a chart.

mod folder;
mod octal;
mod report;
mod sources;
mod tags;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rhumb_backend::{Backend, Gathered, Import, ImportQuery, Lifted, Material};
use rhumb_chart::{Draft, Limits, ReleaseInfo, Sealing, SetMode, Surroundings, UserValues, Written};
use rhumb_spec::yaml::Origins;
use rhumb_spec::{Diagnostic, Severity, Variables};

use crate::{ActionError, ActionResult, road};
pub use report::{Imported, ImportedObject};
pub use sources::{Folders, ImportInput};

/// What a chart is made of, and where it goes.
#[derive(Clone, Debug, Default)]
pub struct ImportRequest {
    /// The chart's name; none means that of the folder.
    pub name: Option<String>,
    /// The chart's folder.
    pub out: PathBuf,
    /// What becomes of a chart that is there.
    pub existing: Existing,
}

/// What becomes of a folder that is there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// It is left alone, and that is an error.
    #[default]
    Keep,
    /// A chart in it gives way: its templates go, and its files are written anew (`--force`).
    Replace,
}

/// Makes a chart of documents in files.
///
/// # Errors
/// Everything that keeps the documents from being read, with file and line; a folder that is there already or cannot be
/// written.
pub fn import_files(
    backend: &dyn Backend,
    inputs: &[ImportInput],
    folders: Folders,
    request: &ImportRequest,
) -> ActionResult<Imported> {
    let name = chart_name(request)?;
    let read = sources::read(inputs, folders)?;
    let documents = read.iter().map(|document| document.node.to_value()).collect();
    let mut gathered = importer(backend)?.gather(documents);
    let origins = sources::origins(&read, &mut gathered)?;
    finish(backend, gathered, (&name, &origins), request)
}

/// Makes a chart of what runs in a namespace.
///
/// # Errors
/// What the platform answers; a folder that is there already or cannot be written.
pub async fn import_live(
    backend: &dyn Backend,
    query: &ImportQuery,
    request: &ImportRequest,
) -> ActionResult<Imported> {
    let name = chart_name(request)?;
    let gathered = importer(backend)?.collect(query).await?;
    finish(backend, gathered, (&name, &Origins::default()), request)
}

/// An app that was made of files which belong to no platform, with what became of each of their fields.
#[derive(Debug)]
pub struct ImportedApp<'a> {
    /// What the files are, as in "Imported from …".
    pub title: &'a str,
    /// The app and the accounts.
    pub lifted: Lifted,
    /// Where each object was written.
    pub origins: Origins,
    /// Secret material by the id that secrets name.
    pub material: BTreeMap<String, Material>,
    /// The variables in the app's texts.
    pub variables: Variables,
}

/// Makes a chart of an app that was made of files.
///
/// # Errors
/// Errors among the notes; a folder that is there already or cannot be written.
pub fn import_app(made: ImportedApp<'_>, request: &ImportRequest) -> ActionResult<Imported> {
    let name = chart_name(request)?;
    let ImportedApp { title, mut lifted, origins, material, variables } = made;
    if lifted.accounts.is_empty() {
        let found =
            Diagnostic::error("", "there is nothing to import").remedy("files in which something stands");
        return Err(ActionError::of(found));
    }
    let (errors, notes): (Vec<_>, Vec<_>) =
        std::mem::take(&mut lifted.notes).into_iter().partition(Diagnostic::is_error);
    if !errors.is_empty() {
        let errors = errors.into_iter().map(|error| origins.locate(error)).collect();
        return Err(ActionError::Diagnostics(errors));
    }
    lifted.notes = notes;
    let gathered = Gathered { material, ..Gathered::default() };
    let source = Made { title, gathered: &gathered, lifted: &lifted, variables: &variables };
    write(&source, (&name, &origins), request)
}

/// What a chart is made of.
struct Made<'a> {
    title: &'a str,
    gathered: &'a Gathered,
    lifted: &'a Lifted,
    variables: &'a Variables,
}

/// The name that a chart of a request gets.
///
/// # Errors
/// A name that no chart can have.
pub fn import_name(request: &ImportRequest) -> ActionResult<String> {
    chart_name(request)
}

fn importer(backend: &dyn Backend) -> ActionResult<&dyn Import> {
    backend.import().ok_or_else(|| {
        let what = format!("nothing can be imported from {}", backend.name());
        ActionError::of(Diagnostic::error("", what))
    })
}

fn chart_name(request: &ImportRequest) -> ActionResult<String> {
    let of_folder = || request.out.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = request.name.clone().or_else(of_folder).unwrap_or_default();
    if rhumb_chart::is_chart_name(&name) {
        return Ok(name);
    }
    let found = Diagnostic::error("", format!("`{}` is no name for a chart", name.escape_debug()));
    Err(ActionError::of(found.remedy("--name with a-z, 0-9 and -")))
}

fn finish(
    backend: &dyn Backend,
    gathered: Gathered,
    (name, origins): (&str, &Origins),
    request: &ImportRequest,
) -> ActionResult<Imported> {
    if gathered.objects.is_empty() {
        let found = Diagnostic::error("", "there is nothing to import");
        let mut all = gathered.notes;
        all.push(found.remedy("files with objects, or a namespace in which something runs"));
        return Err(ActionError::Diagnostics(all));
    }
    let lifted = backend.lift(&gathered.objects);
    let variables = Variables::default();
    let title = backend.name();
    let source = Made { title, gathered: &gathered, lifted: &lifted, variables: &variables };
    write(&source, (name, origins), request)
}

fn write(
    made: &Made<'_>,
    (name, origins): (&str, &Origins),
    request: &ImportRequest,
) -> ActionResult<Imported> {
    let Made { title, gathered, lifted, variables } = *made;
    let empty: BTreeSet<String> = gathered
        .material
        .iter()
        .filter(|(_, bytes)| bytes.expose().is_empty())
        .map(|(id, _)| id.clone())
        .collect();
    let description = format!("Imported from {title}");
    let draft = Draft { name, description: &description, app: &lifted.app, empty: &empty, variables };
    let written = rhumb_chart::write(&draft).map_err(|error| {
        ActionError::of(Diagnostic::error("", format!("the chart cannot be written: {error}")))
    })?;
    let problems = problems(&written);
    let imported = report::of(gathered, lifted, (name, &request.out, origins), problems);
    let secrets = folder::secret_values(&written, gathered)?;
    folder::write(&request.out, &written, secrets, (&imported, request.existing))?;
    let required = written.required.iter().map(|(path, _)| path.join(".")).collect();
    Ok(Imported { files: folder::names(&request.out), required, ..imported })
}

/// What is wrong with the chart by itself. Notes and warnings of the original stay what they were.
fn problems(written: &Written) -> Vec<Diagnostic> {
    let around = Surroundings {
        release: ReleaseInfo::install("release", "default"),
        platform: road::ideal_platform(),
        sealing: Sealing::Placeholder,
        limits: Limits::default(),
    };
    let mut given = UserValues::new();
    for (path, value) in &written.required {
        // What must be given is not wrong with the chart.
        let _ = given.set(&format!("{}={value}", path.join(".")), SetMode::Text);
    }
    let found = rhumb_chart::lint(&written.files, given, &around);
    found.into_iter().filter(|found| found.severity != Severity::Note).collect()
}

/// A path as it is shown.
fn shown(path: &Path) -> String {
    path.display().to_string()
}
