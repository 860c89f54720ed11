//! What leaves: the source's revision, its chart, its volumes, and how many replicas it has.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rhumb_backend::{Claim, Object, VolumeUse, Whose};
use rhumb_release::{Record, Status};
use rhumb_spec::Diagnostic;
use rhumb_spec::model::Mode;

use super::sides::At;
use crate::adopt::observe;
use crate::current::receipts_of_what_is_there;
use crate::engine::insist;
use crate::known::{Known, not_found};
use crate::road::{self, Loaded};
use crate::{ActionError, ActionResult};

/// What leaves.
#[derive(Clone, Debug)]
pub(super) struct Departure {
    pub(super) record: Record,
    pub(super) loaded: Loaded,
    /// Workloads whose job succeeded.
    pub(super) jobs_done: BTreeSet<String>,
}

impl Departure {
    /// Reads a revision of the source; without one, the revision that is deployed and that nobody is changing.
    ///
    /// # Errors
    /// `NotFound`; that the release is in no state to leave; that its chart was not recorded and is not given.
    pub(super) async fn read(at: &At<'_>, revision: Option<u64>, chart: Option<&Path>) -> ActionResult<Self> {
        let (context, scope) = (&at.context, at.scope());
        let known = Known::read(context, &scope).await?;
        let Some(latest) = known.latest() else { return Err(not_found(context, at.release).await) };
        let revision = match revision {
            Some(revision) => revision,
            None if latest.status == Status::Deployed => latest.revision,
            None => return Err(in_no_state(at.release, latest.revision, latest.status)),
        };
        let record = context.releases().get(&scope, revision).await?;
        let mut done = known.inventory.done();
        done.extend(record.outcome.done.clone());
        let is_done =
            |object: &&Object| object.once.is_some() && done.get(&object.id) == object.once.as_ref();
        let jobs_done =
            record.objects.iter().filter(is_done).filter_map(|object| object.workload.clone()).collect();
        let loaded = match (chart, &record.source) {
            (Some(path), _) => road::load(path)?,
            (None, Some(source)) => road::load_recorded(source)?,
            (None, None) => return Err(no_chart(at.release)),
        };
        Ok(Self { record, loaded, jobs_done })
    }

    /// The volumes that the source has, each once.
    pub(super) async fn volumes(&self, at: &At<'_>) -> ActionResult<Vec<VolumeUse>> {
        let Some(volumes) = at.context.backend().volumes() else { return Ok(Vec::new()) };
        let scope = at.scope();
        Ok(each_once(insist(|| volumes.volumes(&scope, &Whose::Release)).await?))
    }
}

/// Workloads that share a volume show it several times.
pub(super) fn each_once(mut found: Vec<VolumeUse>) -> Vec<VolumeUse> {
    let mut seen = BTreeSet::new();
    found.retain(|one| seen.insert((one.native.clone(), one.node.clone())));
    found
}

/// How many replicas each workload is to have right now, of those that people scale.
pub(super) async fn replicas(at: &At<'_>, record: &Record) -> ActionResult<BTreeMap<String, u32>> {
    let (context, scope) = (&at.context, at.scope());
    let is_scaled = |object: &&Object| object.workload.as_ref().is_some_and(|name| is_scaled(record, name));
    let running: Vec<&Object> = record.objects.iter().filter(is_scaled).collect();
    let ids: Vec<_> = running.iter().map(|object| object.id.clone()).collect();
    let observed = observe(context, &scope, &ids, (&record.adopted, Claim::Made)).await?;
    let receipts = receipts_of_what_is_there(context, &scope, &observed, &running).await?;
    let mut replicas = BTreeMap::new();
    for health in insist(|| context.backend().health(&scope, &receipts)).await? {
        if let Some(workload) = health.workload {
            *replicas.entry(workload).or_default() += health.wanted;
        }
    }
    Ok(replicas)
}

/// Whether a workload has a number of replicas that nobody but people changes.
fn is_scaled(record: &Record, workload: &str) -> bool {
    let found = record.app.workloads.get(workload);
    found.is_some_and(|one| matches!(one.mode, Mode::Replicated | Mode::Stateful) && one.autoscale.is_none())
}

fn in_no_state(release: &str, revision: u64, status: Status) -> ActionError {
    ActionError::of(
        Diagnostic::error(
            "",
            format!("revision {revision} of `{release}` is {status}, and only what is deployed can be moved"),
        )
        .remedy(format!(
            "`rhumb upgrade {release}` or `rhumb rollback {release}` first, until it is deployed"
        )),
    )
}

fn no_chart(release: &str) -> ActionError {
    ActionError::of(
        Diagnostic::error("", format!("the chart of `{release}` is not recorded"))
            .why("a chart whose defaults hold secret values is kept in no record")
            .remedy("--chart with the folder or file that it was installed from"),
    )
}
