//! `rhumb template`: the road up to the platform's documents, with nothing asked or changed.

use rhumb_backend::{Backend, Choices, Loss, Object, Scope, Survey};
use rhumb_chart::{Chart, ReleaseInfo, RenderedFile, Sealing};
use rhumb_spec::{App, Diagnostic};
use serde::Serialize;
use serde_json::Value;

use crate::names::check_name;
use crate::user_values::read_values;
use crate::{ActionError, ActionResult, ChartInputs, road};

/// What to render.
#[derive(Clone, Debug)]
pub struct TemplateRequest {
    /// The release's name.
    pub name: String,
    /// The release's namespace.
    pub namespace: String,
    /// The chart and what goes into it.
    pub inputs: ChartInputs,
    /// Whether the templates see an upgrade, not an install.
    pub is_upgrade: bool,
    /// What is assumed of the target.
    pub facts: FactsFrom,
}

/// Where the facts come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FactsFrom {
    /// The backend's defaults, so that no server is needed.
    #[default]
    Defaults,
    /// The target itself (`--live`).
    Target,
}

/// A rendered chart and what a platform makes of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Templated {
    /// The neutral documents as text, by template.
    pub documents: Vec<TemplatedDocument>,
    /// The neutral app.
    pub app: App,
    /// The platform's documents.
    pub objects: Vec<Object>,
    /// What the chart asked for and does not get as asked.
    pub losses: Vec<Loss>,
    /// What the user should know.
    pub warnings: Vec<Diagnostic>,
    /// The chart's `NOTES.txt`, rendered.
    pub notes: String,
}

/// What one template rendered.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplatedDocument {
    /// The template: `templates/web.yaml`.
    pub template: String,
    /// The text, which may hold several documents.
    pub text: String,
    /// Whether these are tests of the release.
    pub is_test: bool,
}

/// Renders a chart and lowers it. With facts from the target, that is surveyed; nothing is changed.
///
/// # Errors
/// Everything that is wrong with the chart and the values, and what the platform cannot have.
pub async fn template(backend: &dyn Backend, request: &TemplateRequest) -> ActionResult<Templated> {
    let lowered = lowered(backend, request, &Sealing::Placeholder).await?;
    Ok(templated(lowered.written, lowered.built))
}

/// A chart at the end of the road, and what was met on it.
pub(crate) struct LoweredChart {
    pub(crate) chart: Chart,
    /// All values, secret ones sealed.
    pub(crate) computed: Value,
    pub(crate) written: road::Written,
    pub(crate) built: road::Built,
}

/// Goes the road up to the platform's documents, with ids of secret values made as `sealing` says.
///
/// # Errors
/// As [`template`].
pub(crate) async fn lowered(
    backend: &dyn Backend,
    request: &TemplateRequest,
    sealing: &Sealing,
) -> ActionResult<LoweredChart> {
    let scope = Scope::new(&request.namespace, &request.name);
    check_name("namespace", &scope.namespace)?;
    check_name("release", &scope.release)?;
    let loaded = road::load(&request.inputs.chart)?;
    let given = read_values(&request.inputs.values)?;
    let values = loaded.chart.values(given).map_err(ActionError::Diagnostics)?;
    let assumed = backend.default_facts();
    let release = release_info(&scope, request.is_upgrade);
    let rendering = road::Rendering { release, backend, facts: &assumed, sealing: sealing.clone() };
    let written = road::write(&loaded.chart, &values, &rendering)?;
    let survey = Survey { resolve_image: request.inputs.resolve_image, previous: None };
    let facts = road::facts(backend, &scope, &written.parsed.app, survey, request.facts).await?;
    let accept = request.inputs.accept_loss.iter().copied().collect();
    let rules = road::BuildRules { accept: &accept, choices: &Choices::default() };
    let built = road::build_written(backend, &written, &scope, &facts, rules)?;
    Ok(LoweredChart { computed: values.sealed_merged(sealing), chart: loaded.chart, written, built })
}

fn release_info(scope: &Scope, is_upgrade: bool) -> ReleaseInfo {
    if is_upgrade {
        // Revision 2 is the first that an upgrade can make.
        return ReleaseInfo::upgrade(&scope.release, &scope.namespace, 2);
    }
    ReleaseInfo::install(&scope.release, &scope.namespace)
}

fn templated(written: road::Written, built: road::Built) -> Templated {
    let document =
        |file: RenderedFile| TemplatedDocument { template: file.file, text: file.text, is_test: file.tests };
    Templated {
        documents: written.rendered.documents.into_iter().map(document).collect(),
        app: written.parsed.app,
        objects: built.objects,
        losses: built.losses,
        warnings: written.warnings,
        notes: written.rendered.notes.unwrap_or_default(),
    }
}
