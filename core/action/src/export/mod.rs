//! `rhumb export`: a chart as the platform's own files, for people who leave.

mod folder;
mod readme;

use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;
use rhumb_backend::export::demands;
use rhumb_backend::material::Demand;
use rhumb_backend::{Backend, Export, ExportSecrets, Exported, Loss, Object, Scope};
use rhumb_spec::Diagnostic;
use serde::Serialize;

use crate::engine::RunMaterials;
use crate::salt::Salt;
use crate::sealed_values::Secrets;
use crate::template::{LoweredChart, lowered};
use crate::{ActionError, ActionResult, ChartInputs, Existing, FactsFrom, TemplateRequest, road};

/// What is exported, and where it goes.
#[derive(Clone, Debug)]
pub struct ExportRequest {
    /// The release's name, from which names on the platform follow; none means the chart's.
    pub name: Option<String>,
    /// The release's namespace.
    pub namespace: String,
    /// The chart and what goes into it.
    pub inputs: ChartInputs,
    /// What is assumed of the target.
    pub facts: FactsFrom,
    /// The folder.
    pub out: PathBuf,
    /// What becomes of an export that is there.
    pub existing: Existing,
    /// What becomes of secret material.
    pub secrets: SecretFiles,
}

/// What becomes of secret material.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SecretFiles {
    /// It is written: what the values give as it is, and what the chart generates is made now.
    #[default]
    Written,
    /// It is left for a person to fill in (`--no-secrets`).
    LeftOut,
}

/// A chart as files of a platform.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExportedChart {
    /// The folder.
    pub path: PathBuf,
    /// The release's name.
    pub name: String,
    /// The files in it.
    pub files: Vec<String>,
    /// Those of them that hold secrets.
    pub secret_files: Vec<String>,
    /// Those of them that a person has to fill in.
    pub fill_in: Vec<FileToFill>,
    /// Secret material that was made now: `secret/db/password`.
    pub generated: Vec<String>,
    /// How the files are deployed, in Markdown.
    pub deploying: String,
    /// What the chart asked for and does not get as asked.
    pub losses: Vec<Loss>,
    /// What the user should know of the chart.
    pub warnings: Vec<Diagnostic>,
    /// What the user should know of the files.
    pub notes: Vec<Diagnostic>,
}

/// A file that a person has to fill in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FileToFill {
    /// The file.
    pub path: String,
    /// What is missing in it.
    pub missing: Vec<String>,
}

/// Renders a chart, lowers it, and writes the result as files that the platform's own tools take. Nothing is changed on
/// the platform. `now` dates certificates that the chart generates.
///
/// # Errors
/// Everything that is wrong with the chart and the values, what the platform cannot have, material that is nowhere, and
/// a folder that is there already or cannot be written.
pub async fn export(
    backend: &dyn Backend,
    request: &ExportRequest,
    now: Timestamp,
) -> ActionResult<ExportedChart> {
    let exporter = exporter(backend)?;
    let name = release_name(request)?;
    let template = TemplateRequest {
        name: name.clone(),
        namespace: request.namespace.clone(),
        inputs: request.inputs.clone(),
        is_upgrade: false,
        facts: request.facts,
    };
    let lowered = lowered(backend, &template, &Salt::random().sealing()).await?;
    let scope = Scope::new(&request.namespace, &name);
    let written = files(exporter, &scope, &lowered, (request.secrets, now))?;
    let chart = told(&name, request, &lowered, &written);
    let readme = readme::page(&chart, lowered.chart.metadata(), backend.name());
    folder::write(&request.out, written.files, &readme, request.existing)?;
    Ok(chart)
}

fn exporter(backend: &dyn Backend) -> ActionResult<&dyn Export> {
    backend.export().ok_or_else(|| {
        let what = format!("{} has no files of its own to export to", backend.name());
        ActionError::of(Diagnostic::error("", what).remedy("`kubernetes`, `compose`, `ecs` or `marathon`"))
    })
}

fn release_name(request: &ExportRequest) -> ActionResult<String> {
    match &request.name {
        Some(name) => Ok(name.clone()),
        None => Ok(road::load(&request.inputs.chart)?.chart.metadata().name.clone()),
    }
}

fn files(
    exporter: &dyn Export,
    scope: &Scope,
    lowered: &LoweredChart,
    (secrets, now): (SecretFiles, Timestamp),
) -> ActionResult<Exported> {
    let given =
        Secrets { vault: Some(&lowered.written.rendered.vault), values: &lowered.computed, carried: None };
    let materials = RunMaterials::new(&given, now);
    let secrets = match secrets {
        SecretFiles::Written => ExportSecrets::Written(&materials),
        SecretFiles::LeftOut => ExportSecrets::LeftOut,
    };
    exporter.files(scope, &lowered.built.objects, &secrets).map_err(ActionError::Diagnostics)
}

fn told(name: &str, request: &ExportRequest, lowered: &LoweredChart, exported: &Exported) -> ExportedChart {
    let secret = exported.files.iter().filter(|file| file.access == rhumb_backend::FileAccess::Secret);
    let missing = exported.files.iter().filter(|file| !file.fill_in.is_empty());
    let generated = match request.secrets {
        SecretFiles::Written => generated(&lowered.built.objects),
        SecretFiles::LeftOut => BTreeSet::new(),
    };
    ExportedChart {
        path: request.out.clone(),
        name: name.to_owned(),
        files: folder::names(&exported.files),
        secret_files: secret.map(|file| file.path.clone()).collect(),
        fill_in: missing
            .map(|file| FileToFill { path: file.path.clone(), missing: file.fill_in.clone() })
            .collect(),
        generated: generated.into_iter().collect(),
        deploying: exported.deploying.clone(),
        losses: lowered.built.losses.clone(),
        warnings: lowered.written.warnings.clone(),
        notes: exported.notes.clone(),
    }
}

/// The names of the material that these objects want generated.
fn generated(objects: &[Object]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for object in objects {
        for (_, demand) in demands(&object.body) {
            collect(&demand, &mut found);
        }
    }
    found
}

fn collect(demand: &Demand, found: &mut BTreeSet<String>) {
    match demand {
        Demand::Sealed(_) => {}
        Demand::Generate { of, .. } => {
            found.insert(of.clone());
        }
        Demand::Template { keys, .. } => keys.values().for_each(|demand| collect(demand, found)),
    }
}
