//! A source that is no release yet: what would be adopted leaves, and the start adopts it first.

use rhumb_backend::{ImportQuery, ObjectId, VolumeUse, Whose};
use rhumb_spec::Diagnostic;
use serde::Serialize;

use super::departure::{Departure, each_once};
use super::sides::{At, Sides};
use crate::deploy::{Goal, Order, plan_for, prepare};
use crate::engine::insist;
use crate::known::Known;
use crate::{ActionError, ActionResult, AdoptRequest, ChartInputs, DeployOptions, Execution, adopt, road};

/// What runs at the source and is no release yet.
#[derive(Clone, Debug, Default)]
pub struct Foreign {
    /// The chart of what runs, as an import makes it.
    pub inputs: ChartInputs,
    /// What is taken over.
    pub query: ImportQuery,
}

/// What a start makes a release of before anything else.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Adopts {
    /// The objects.
    pub objects: Vec<ObjectId>,
    /// How many replicas they have, all of which run on.
    pub replicas: usize,
    /// What the user should know of it.
    pub warnings: Vec<Diagnostic>,
}

/// What is still to be adopted: nothing where the source is a release already.
pub(super) async fn to_adopt<'a>(
    at: &At<'_>,
    foreign: Option<&'a Foreign>,
) -> ActionResult<Option<&'a Foreign>> {
    let Some(foreign) = foreign else { return Ok(None) };
    let known = Known::read(&at.context, &at.scope()).await?;
    Ok(known.deployed().is_none().then_some(foreign))
}

impl Departure {
    /// What would leave once it was adopted. Nothing is changed.
    ///
    /// # Errors
    /// What keeps it from being adopted.
    pub(super) async fn of_foreign(at: &At<'_>, foreign: &Foreign) -> ActionResult<Self> {
        let options = DeployOptions::default();
        let goal = Goal::Adopt { inputs: &foreign.inputs, query: &foreign.query };
        let order = Order { release: at.release, goal, options: &options };
        let prepared = prepare(&at.context, order).await?;
        plan_for(&at.context, order, &prepared).await?;
        let mut record = prepared.wanted.record();
        record.revision = prepared.known.next_revision();
        let done = &prepared.wanted.done;
        let jobs = record.objects.iter().filter(|object| done.contains_key(&object.id));
        let jobs_done = jobs.filter_map(|object| object.workload.clone()).collect();
        Ok(Self { record, loaded: road::load(&foreign.inputs.chart)?, jobs_done })
    }
}

/// The volumes of what is no release yet, each once.
pub(super) async fn volumes(at: &At<'_>, foreign: &Foreign) -> ActionResult<Vec<VolumeUse>> {
    let Some(volumes) = at.context.backend().volumes() else { return Ok(Vec::new()) };
    let (scope, whose) = (at.scope(), Whose::Others { selector: foreign.query.selector.clone() });
    Ok(each_once(insist(|| volumes.volumes(&scope, &whose)).await?))
}

/// What an adoption would take over. Nothing is changed.
///
/// # Errors
/// What keeps it from being adopted.
pub(super) async fn adopts(at: &At<'_>, foreign: &Foreign) -> ActionResult<Adopts> {
    let found = adopt(&at.context, &request(at, foreign, Execution::DryRun)).await?;
    Ok(Adopts { objects: found.adopted, replicas: found.replicas, warnings: found.deployed.warnings })
}

/// Makes the source a release. An adoption that was cut short is gone on with.
///
/// # Errors
/// What kept it from being adopted, and everything that is not as it was before.
pub(super) async fn adopt_first(sides: &Sides<'_>, foreign: &Foreign) -> ActionResult<()> {
    let source = sides.source();
    let target = &source.context.target.name;
    source.doing(format!("adopting {} on {target}; nothing is restarted", sides.release));
    let adopted = adopt(&source.context, &request(&source, foreign, Execution::Apply)).await?;
    if !adopted.problems.is_empty() {
        return Err(ActionError::Diagnostics(adopted.problems));
    }
    let objects = match adopted.adopted.len() {
        1 => "1 object".to_owned(),
        several => format!("{several} objects"),
    };
    let replicas = match adopted.replicas {
        1 => "1 replica runs on".to_owned(),
        several => format!("{several} replicas run on"),
    };
    source.doing(format!("adopted {objects} of {target}; {replicas}"));
    Ok(())
}

fn request(at: &At<'_>, foreign: &Foreign, execution: Execution) -> AdoptRequest {
    AdoptRequest {
        name: at.release.to_owned(),
        inputs: foreign.inputs.clone(),
        query: foreign.query.clone(),
        options: DeployOptions { execution, timeout: at.timeout, ..DeployOptions::default() },
    }
}
