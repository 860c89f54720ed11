//! The one road from a chart to the platform's documents: load → merge → render → parse → verify → survey → check →
//! lower. Observing and planning come after it, in `planning`; templates and differences are prefixes of it.

use std::collections::BTreeSet;
use std::path::Path;

use rhumb_backend::{
    Adoption, Backend, Choices, Facts, Loss, Object, ResolveImage, Scope, Support, Survey, check,
    only_for_others,
};
use rhumb_chart::{Chart, Files, Limits, ReleaseInfo, Rendered, Sealing, Surroundings, Values};
use rhumb_release::{ChartInfo, Source};
use rhumb_spec::{App, Diagnostic, Feature, Parsed};
use serde_json::{Map, Value, json};

use crate::adopt;
use crate::deploy::Course;
use crate::engine::insist;
use crate::known::Known;
use crate::salt::Salt;
use crate::secret_defaults::has_secret_default;
use crate::user_values::{Laid, lay, read_values};
use crate::wanted::Wanted;
use crate::{ActionError, ActionResult, ChartInputs, Context, Event, FactsFrom, ValueReuse};

/// A chart that was chosen to be deployed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chosen<'a> {
    pub(crate) inputs: &'a ChartInputs,
    pub(crate) values: ValueReuse,
    pub(crate) course: Course,
}

/// A chart, read from where it is.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) chart: Chart,
    files: Files,
}

/// A chart as it was recorded.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn load_recorded(source: &Source) -> ActionResult<Loaded> {
    let files = rhumb_chart::unpack(&source.0)
        .map_err(|error| ActionError::of(Diagnostic::error("", format!("the recorded chart: {error}"))))?;
    let chart = Chart::from_files(files.clone()).map_err(ActionError::Diagnostics)?;
    Ok(Loaded { chart, files })
}

/// Reads a chart.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn load(path: &Path) -> ActionResult<Loaded> {
    let files = rhumb_chart::load_files(path).map_err(ActionError::Diagnostics)?;
    let chart = Chart::from_files(files.clone()).map_err(ActionError::Diagnostics)?;
    Ok(Loaded { chart, files })
}

/// What rendering is told beside the chart and its values.
#[derive(Clone, Debug)]
pub(crate) struct Rendering<'a> {
    pub(crate) release: ReleaseInfo,
    pub(crate) backend: &'a dyn Backend,
    /// What is assumed of the target, for templates that adapt to it.
    pub(crate) facts: &'a Facts,
    pub(crate) sealing: Sealing,
}

/// An app, and what it was rendered from.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) rendered: Rendered,
    pub(crate) parsed: Parsed,
    pub(crate) warnings: Vec<Diagnostic>,
}

/// Renders a chart and reads its documents. `part` chooses the release's own documents or its tests.
///
/// # Errors
/// Everything that is wrong with values, templates and documents, at the template's line.
pub(crate) fn write(chart: &Chart, values: &Values, rendering: &Rendering<'_>) -> ActionResult<Written> {
    let rendered = chart.render(values, &surroundings(rendering)).map_err(ActionError::Diagnostics)?;
    let parsed = rendered.parse().map_err(ActionError::Diagnostics)?;
    let mut warnings = values.warnings().to_vec();
    warnings.extend(rendered.locate_all(parsed.warnings.clone()));
    let found = rendered.locate_all(parsed.verify());
    if found.iter().any(Diagnostic::is_error) {
        return Err(ActionError::Diagnostics(found));
    }
    warnings.extend(found);
    warnings.extend(only_for_others(&parsed.app, rendering.backend.name()));
    Ok(Written { rendered, parsed, warnings })
}

fn surroundings(rendering: &Rendering<'_>) -> Surroundings {
    Surroundings {
        release: rendering.release.clone(),
        platform: platform(rendering.backend, rendering.facts),
        sealing: rendering.sealing.clone(),
        limits: Limits::default(),
    }
}

/// What templates see of the platform: its name, and for each feature `native`, `emulated` or `unsupported`.
fn platform(backend: &dyn Backend, facts: &Facts) -> Value {
    let word = |feature: Feature| match backend.support(feature, facts) {
        Support::Native => "native",
        Support::Emulated { .. } => "emulated",
        Support::Unsupported { .. } => "unsupported",
    };
    platform_of(backend.name(), word)
}

/// What templates see of a platform that has everything, for looking at a chart by itself.
pub(crate) fn ideal_platform() -> Value {
    platform_of("memory", |_| "native")
}

fn platform_of(name: &str, word: impl Fn(Feature) -> &'static str) -> Value {
    let supports: Map<String, Value> =
        Feature::ALL.iter().map(|feature| (feature.as_str().to_owned(), word(*feature).into())).collect();
    json!({ "name": name, "supports": supports })
}

/// The platform's documents of an app.
#[derive(Clone, Debug, Default)]
pub(crate) struct Built {
    pub(crate) objects: Vec<Object>,
    pub(crate) losses: Vec<Loss>,
    pub(crate) choices: Choices,
}

/// Checks an app against a backend and lowers it.
///
/// # Errors
/// Every use of what the platform does not have, and every value that it will not take, at its path in the app.
pub(crate) fn build(
    backend: &dyn Backend,
    app: &App,
    scope: &Scope,
    facts: &Facts,
    rules: BuildRules<'_>,
) -> Result<Built, Vec<Diagnostic>> {
    let checked = check(app, backend, facts, rules.accept)?;
    let lowered = backend.lower(&checked.app, scope, facts, rules.choices)?;
    let mut losses = checked.losses;
    for loss in lowered.losses {
        if !losses.contains(&loss) {
            losses.push(loss);
        }
    }
    Ok(Built { objects: lowered.objects, losses, choices: lowered.choices })
}

/// What the user and the release's history say about building.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BuildRules<'a> {
    /// Features that may be left out.
    pub(crate) accept: &'a BTreeSet<Feature>,
    /// What was chosen before.
    pub(crate) choices: &'a Choices,
}

/// [`build`], with each diagnostic at the template's line.
///
/// # Errors
/// As [`build`].
pub(crate) fn build_written(
    backend: &dyn Backend,
    written: &Written,
    scope: &Scope,
    facts: &Facts,
    rules: BuildRules<'_>,
) -> ActionResult<Built> {
    build(backend, &written.parsed.app, scope, facts, rules).map_err(|found| written.located(found))
}

impl Written {
    /// Diagnostics at their paths in the app, as an error at the template's lines.
    pub(crate) fn located(&self, found: Vec<Diagnostic>) -> ActionError {
        let located = found.into_iter().map(|found| self.parsed.origins.locate(found)).collect();
        ActionError::Diagnostics(self.rendered.locate_all(located))
    }
}

/// Asks the target, or assumes what the backend assumes.
///
/// # Errors
/// What the platform answers.
pub(crate) async fn facts(
    backend: &dyn Backend,
    scope: &Scope,
    app: &App,
    survey: Survey<'_>,
    from: FactsFrom,
) -> ActionResult<Facts> {
    match from {
        FactsFrom::Defaults => Ok(backend.default_facts()),
        FactsFrom::Target => Ok(insist(|| backend.survey(scope, app, &survey)).await?),
    }
}

/// Goes the road for a revision that is to be deployed.
///
/// # Errors
/// Everything that the user wrote wrong, and what the platform answers to the survey.
pub(crate) async fn want(
    context: &Context<'_>,
    scope: &Scope,
    known: &Known,
    chosen: Chosen<'_>,
) -> ActionResult<Wanted> {
    let loaded = load(&chosen.inputs.chart)?;
    let laid = lay(read_values(&chosen.inputs.values)?, chosen.values, known.inventory.lender());
    let way = Way {
        loaded: &loaded,
        laid: &laid,
        salt: known.inventory.salt().and_then(Salt::read).unwrap_or_else(Salt::random),
        accept: &chosen.inputs.accept_loss,
        resolve_image: chosen.inputs.resolve_image,
        course: chosen.course,
    };
    go(context, scope, known, way).await
}

/// A chart and values with which the road is gone.
pub(crate) struct Way<'a> {
    pub(crate) loaded: &'a Loaded,
    pub(crate) laid: &'a Laid,
    pub(crate) salt: Salt,
    pub(crate) accept: &'a [Feature],
    pub(crate) resolve_image: ResolveImage,
    pub(crate) course: Course,
}

/// Goes the road with a chart and values that are read.
///
/// # Errors
/// As [`want`].
pub(crate) async fn go(
    context: &Context<'_>,
    scope: &Scope,
    known: &Known,
    way: Way<'_>,
) -> ActionResult<Wanted> {
    let backend = context.backend();
    let values = way.loaded.chart.values(way.laid.values.clone()).map_err(ActionError::Diagnostics)?;
    let previous = known.inventory.facts();
    let assumed = previous.cloned().unwrap_or_else(|| backend.default_facts());
    let rendering = Rendering {
        release: release_info(scope, known.next_revision(), way.course),
        backend,
        facts: &assumed,
        sealing: way.salt.sealing(),
    };
    context.tell(&Event::Rendering);
    let written = write(&way.loaded.chart, &values, &rendering);
    context.tell(&Event::Rendered);
    let written = written?;
    let survey = Survey { resolve_image: way.resolve_image, previous };
    let mut facts = facts(backend, scope, &written.parsed.app, survey, FactsFrom::Target).await?;
    if way.course == Course::Adopt {
        facts = adopt::claimed(context, scope, facts);
    }
    let accept = way.accept.iter().copied().collect();
    let choices = known.inventory.choices();
    let rules = BuildRules { accept: &accept, choices: &choices };
    let built = build_written(backend, &written, scope, &facts, rules)?;
    Ok(wanted(way.loaded, way.laid, &values, &way.salt, Made { written, built, facts }))
}

/// What came of the road.
struct Made {
    written: Written,
    built: Built,
    facts: Facts,
}

fn wanted(loaded: &Loaded, laid: &Laid, values: &Values, salt: &Salt, made: Made) -> Wanted {
    let sealing = salt.sealing();
    Wanted {
        chart: chart_info(&loaded.chart),
        source: source(loaded, values),
        values: laid.stored(values.sealed_json(&sealing)),
        computed: values.sealed_merged(&sealing),
        app: made.written.parsed.app,
        facts: made.facts,
        choices: made.built.choices,
        losses: made.built.losses,
        objects: made.built.objects,
        adopted: Adoption::new(),
        notes: made.written.rendered.notes.unwrap_or_default(),
        salt: salt.to_string(),
        warnings: made.written.warnings,
        vault: made.written.rendered.vault,
        ..Wanted::default()
    }
}

/// The chart as it is recorded; not one that brings secret values of its own.
fn source(loaded: &Loaded, values: &Values) -> Option<Source> {
    if has_secret_default(&loaded.chart, values) {
        return None;
    }
    rhumb_chart::pack(&loaded.chart.metadata().name, &loaded.files).ok().map(Source)
}

pub(crate) fn chart_info(chart: &Chart) -> ChartInfo {
    let metadata = chart.metadata();
    ChartInfo {
        name: metadata.name.clone(),
        version: metadata.version.to_string(),
        app_version: metadata.app_version.clone(),
        description: metadata.description.clone(),
    }
}

fn release_info(scope: &Scope, revision: u64, course: Course) -> ReleaseInfo {
    let revision = u32::try_from(revision).unwrap_or(u32::MAX);
    match course {
        Course::Install | Course::Adopt => {
            ReleaseInfo { revision, ..ReleaseInfo::install(&scope.release, &scope.namespace) }
        }
        Course::Upgrade | Course::Rollback(_) => {
            ReleaseInfo::upgrade(&scope.release, &scope.namespace, revision)
        }
    }
}
