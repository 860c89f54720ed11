//! `rhumb compare`: what each platform makes of a chart, side by side. Nothing is changed anywhere.

mod column;
mod groups;
mod prices;
mod rest;
mod table;

use std::sync::Arc;

use rhumb_backend::{Backend, Scope, Survey};
use rhumb_chart::{ReleaseInfo, Sealing, Values};
use rhumb_release::ChartInfo;
use rhumb_spec::{Diagnostic, Feature};
use serde::{Deserialize, Serialize};

use crate::names::check_name;
use crate::user_values::read_values;
use crate::{ActionError, ActionResult, ChartInputs, FactsFrom, Proof, Proofs, road};

use column::{Column, World};
pub use groups::{Group, Remark};
pub use prices::{Cost, CostLine, DiskRate, PlatformPrices, PriceSource, Prices, Rate};

/// A platform to compare.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The name that the user knows it by.
    pub name: String,
    /// The platform.
    pub backend: Arc<dyn Backend>,
}

/// What to compare.
#[derive(Clone, Debug)]
pub struct CompareRequest {
    /// The release's name, which goes into names of objects; none takes the chart's.
    pub name: Option<String>,
    /// The release's namespace.
    pub namespace: String,
    /// The chart and what goes into it.
    pub inputs: ChartInputs,
    /// What is assumed of the platforms.
    pub facts: FactsFrom,
    /// What their providers charge.
    pub prices: Prices,
}

/// What each platform makes of a chart.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The chart.
    pub chart: ChartInfo,
    /// The release that was assumed.
    pub release: String,
    /// Its namespace.
    pub namespace: String,
    /// The platforms, in the order in which they were named.
    pub platforms: Vec<Platform>,
    /// What the chart asks for, each thing at each place, in the order of the features.
    pub rows: Vec<Row>,
    /// How much of it every platform has.
    pub portability: Portability,
}

/// How much of what a chart asks for every compared platform has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Portability {
    /// Rows that every platform does natively.
    pub native_everywhere: usize,
    /// Rows that every platform does, some by other means.
    pub done_everywhere: usize,
    /// Rows that a platform refuses.
    pub refused_somewhere: usize,
}

/// What one platform makes of a chart as a whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Platform {
    /// The name that the user knows it by.
    pub name: String,
    /// The platform's name.
    pub variant: String,
    /// Whether a target was asked; otherwise it is a usual one.
    pub live: bool,
    /// Whether the chart can be deployed there.
    pub fit: Fit,
    /// Places where it asks for what the platform does.
    pub native: usize,
    /// Places where it asks for what is done by other means.
    pub emulated: usize,
    /// Places where it asks for what is refused.
    pub refused: usize,
    /// Features that must be left out with `--accept-loss`.
    pub leave_out: Vec<Feature>,
    /// What it becomes there, without what is left out and without the workloads that are refused as a whole; none where it
    /// cannot be told.
    pub objects: Option<Vec<BecomesObject>>,
    /// What the provider charges for it, where that goes by size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// Why the chart could not be rendered for this platform.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failure: Vec<Diagnostic>,
}

/// Whether a chart can be deployed on a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Fit {
    /// As it is, and the platform does all of it.
    Native,
    /// As it is, with losses that are told.
    WithLosses,
    /// When features are left out with `--accept-loss`.
    LeavingOut,
    /// Not before the chart or its values are changed.
    No,
}

/// A document of the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BecomesObject {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The workload that it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
}

/// Something that the chart asks for, at one place.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// What is asked for; none for a value that a platform does not take, whatever it is for.
    pub feature: Option<Feature>,
    /// Where in the app: `workload/web.containers.web.stop.signal`.
    pub path: String,
    /// What each platform makes of it, in the order of the platforms; none where the chart does not ask this platform
    /// for it, or the platform has nothing to say at this place.
    pub cells: Vec<Option<Cell>>,
}

/// What a platform makes of something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cell {
    /// In a word.
    pub verdict: Verdict,
    /// What is not as it would be natively.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<String>,
    /// Why it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to use instead.
    #[serde(rename = "use", skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// How the mapping was proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// What a platform makes of something, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// The platform does it.
    Native,
    /// It is done by other means.
    Emulated,
    /// It is refused.
    Refused,
}

impl Verdict {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Emulated => "emulated",
            Self::Refused => "refused",
        }
    }
}

/// Renders a chart for each platform and puts what they make of it side by side. With facts from the targets, these are
/// surveyed; nothing is changed.
///
/// What a platform refuses is left out there, so that the rest is told all the same.
///
/// # Errors
/// Everything that is wrong with the chart and the values, and what a platform answers to a survey. A chart that can be
/// rendered for one platform but not for another is no error.
pub async fn compare(candidates: &[Candidate], request: &CompareRequest) -> ActionResult<Comparison> {
    let loaded = road::load(&request.inputs.chart)?;
    let scope = scope(request, &loaded.chart.metadata().name)?;
    let values =
        loaded.chart.values(read_values(&request.inputs.values)?).map_err(ActionError::Diagnostics)?;
    let proofs = Proofs::built_in();
    let world = World { scope: &scope, prices: &request.prices, proofs: &proofs };
    let chart = Chart { chart: &loaded.chart, values: &values };
    let mut columns = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        columns.push(column_of(candidate, chart, &world, request).await?);
    }
    if let Some(failure) = table::failed_everywhere(&columns) {
        return Err(ActionError::Diagnostics(failure));
    }
    let (platforms, rows) = table::join(columns);
    let portability = table::portability(&platforms, &rows);
    let chart = road::chart_info(&loaded.chart);
    Ok(Comparison { chart, release: scope.release, namespace: scope.namespace, platforms, rows, portability })
}

/// A chart and what goes into it.
#[derive(Clone, Copy)]
struct Chart<'a> {
    chart: &'a rhumb_chart::Chart,
    values: &'a Values,
}

async fn column_of(
    candidate: &Candidate,
    chart: Chart<'_>,
    world: &World<'_>,
    request: &CompareRequest,
) -> ActionResult<Column> {
    let backend = candidate.backend.as_ref();
    let assumed = backend.default_facts();
    let release = ReleaseInfo::install(&world.scope.release, &world.scope.namespace);
    let rendering = road::Rendering { release, backend, facts: &assumed, sealing: Sealing::Placeholder };
    match road::write(chart.chart, chart.values, &rendering) {
        Ok(written) => {
            let survey = Survey { resolve_image: request.inputs.resolve_image, previous: None };
            let app = &written.parsed.app;
            let facts = road::facts(backend, world.scope, app, survey, request.facts).await?;
            Ok(world.column(candidate, &written, &facts))
        }
        Err(ActionError::Diagnostics(found)) => Ok(world.failed(candidate, &assumed, found)),
        Err(other) => Err(other),
    }
}

fn scope(request: &CompareRequest, chart: &str) -> ActionResult<Scope> {
    let name = request.name.as_deref().unwrap_or_else(|| match check_name("release", chart) {
        Ok(()) => chart,
        // A chart may have a name that no release has.
        Err(_) => "release",
    });
    let scope = Scope::new(&request.namespace, name);
    check_name("namespace", &scope.namespace)?;
    check_name("release", &scope.release)?;
    Ok(scope)
}
