//! `rhumb status`: what is recorded of a release, how it runs, and what differs.

use std::collections::BTreeSet;

use rhumb_backend::{
    Action, Claim, DiffOptions, FieldChange, Object, ObjectHealth, ObjectId, Observed, Plan, Scope, State,
    diff,
};
use rhumb_release::{Holder, Lease, Life, Status, Writer};
use serde::Serialize;

use crate::adopt::observe;
use crate::current::receipts_of_what_is_there;
use crate::known::{Known, find_record};
use crate::{ActionResult, Context, PastRevision};

/// Which release.
#[derive(Clone, Debug, Default)]
pub struct StatusRequest {
    /// The release.
    pub name: String,
    /// The revision; none means the latest.
    pub revision: Option<u64>,
}

/// A release as it is recorded and as it is.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseStatus {
    /// The release.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The target's name.
    pub target: String,
    /// The revision that was asked for.
    pub recorded: PastRevision,
    /// Who made that revision.
    pub by: Writer,
    /// Who is changing the release now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changing: Option<Holder>,
    /// How what runs is doing; for the latest revision only.
    pub health: Vec<ObjectHealth>,
    /// Where the target differs from the latest revision.
    pub drift: Vec<Drift>,
    /// Objects that could not be read, and why.
    pub unreadable: Vec<Unreadable>,
    /// The chart's `NOTES.txt`, rendered.
    pub notes: String,
}

/// An object that is not as it was recorded.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// The object.
    pub id: ObjectId,
    /// What is so, in a few words.
    pub text: String,
    /// The fields that differ: from what is there to what is recorded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
}

/// An object that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unreadable {
    /// The object.
    pub id: ObjectId,
    /// Why.
    pub why: String,
}

/// What is recorded of a release, how it runs, and where the target differs from what is recorded.
///
/// # Errors
/// `NotFound`, `NoRevision`; what the platform answers as a whole. An object that cannot be read is in the outcome.
pub async fn status(context: &Context<'_>, request: &StatusRequest) -> ActionResult<ReleaseStatus> {
    let record = find_record(context, &request.name, request.revision).await?;
    let scope = record.scope();
    let known = Known::read(context, &scope).await?;
    let is_latest = known.latest().is_some_and(|head| head.revision == record.revision);
    let live = if is_latest && record.status != Status::Uninstalled {
        look(context, &scope, &known, &record.objects).await?
    } else {
        Live::default()
    };
    Ok(ReleaseStatus {
        recorded: PastRevision::from(&record),
        name: record.release.clone(),
        namespace: record.namespace.clone(),
        target: context.target.name.clone(),
        by: record.writer,
        changing: changing(context, &scope).await?,
        health: live.health,
        drift: live.drift,
        unreadable: live.unreadable,
        notes: record.notes,
    })
}

/// Who holds the release's lease and may still be alive.
async fn changing(context: &Context<'_>, scope: &Scope) -> ActionResult<Option<Holder>> {
    let holder = Lease::holder(context.target.storage.as_ref(), scope).await?;
    Ok(holder.filter(|holder| context.liveness.life(holder) != Life::Gone))
}

/// What the target tells.
#[derive(Default)]
struct Live {
    health: Vec<ObjectHealth>,
    drift: Vec<Drift>,
    unreadable: Vec<Unreadable>,
}

async fn look(context: &Context<'_>, scope: &Scope, known: &Known, want: &[Object]) -> ActionResult<Live> {
    let mut ids = known.inventory.ids();
    ids.extend(want.iter().map(|object| object.id.clone()));
    let ids: Vec<ObjectId> = ids.into_iter().collect();
    let adopted = known.inventory.adopted();
    let observed = observe(context, scope, &ids, (&adopted, Claim::Made)).await?;
    let done = known.inventory.done();
    let is_done = |object: &&Object| object.once.is_some() && done.get(&object.id) == object.once.as_ref();
    let (ended, running): (Vec<&Object>, Vec<&Object>) =
        want.iter().filter(|object| object.workload.is_some()).partition(is_done);
    let receipts = receipts_of_what_is_there(context, scope, &observed, &running).await?;
    let mut health = context.backend().health(scope, &receipts).await?;
    health.extend(ended.into_iter().map(completed));
    health.sort_by(|one, other| one.id.cmp(&other.id));
    let unreadable =
        observed.unreadable.iter().map(|(id, why)| Unreadable { id: id.clone(), why: why.clone() });
    Ok(Live { health, drift: drift(context, known, &observed, want), unreadable: unreadable.collect() })
}

/// The health of a job of which the record says that it succeeded.
fn completed(job: &Object) -> ObjectHealth {
    ObjectHealth {
        id: job.id.clone(),
        workload: job.workload.clone(),
        state: State::Ready,
        ready: 1,
        wanted: 1,
        message: "completed".to_owned(),
        failure: None,
    }
}

/// Where the target differs from what is recorded: what an upgrade to the same would do.
fn drift(context: &Context<'_>, known: &Known, observed: &Observed, want: &[Object]) -> Vec<Drift> {
    let options = DiffOptions {
        replace: want.iter().map(|object| object.id.clone()).collect(),
        needed: observed
            .objects
            .iter()
            .filter_map(|live| Some((live.object.id.clone(), live.object.generation.clone()?)))
            .collect(),
        done: known.inventory.done(),
        take_ownership: false,
        force: false,
        unfinished: known.latest().is_some_and(|head| head.status != Status::Deployed),
    };
    match diff(context.backend(), &known.inventory.last(want), observed, want, &options) {
        Ok(plan) => differences(plan, known),
        Err(found) => found
            .into_iter()
            .map(|found| Drift {
                id: ObjectId::from(found.path.as_str()),
                text: found.what,
                changes: Vec::new(),
            })
            .collect(),
    }
}

fn differences(plan: Plan, known: &Known) -> Vec<Drift> {
    let described: BTreeSet<ObjectId> = plan.steps.iter().map(|step| step.id.clone()).collect();
    let notes = plan.notes.into_iter().filter(|note| !described.contains(&note.id));
    let mut drift: Vec<Drift> =
        notes.map(|note| Drift { id: note.id, text: note.text, changes: Vec::new() }).collect();
    for step in plan.steps {
        let text = match step.action {
            Action::Await => continue,
            Action::Create if !known.inventory.was_made(&step.id) => continue,
            Action::Create => "it is not there",
            // What is only tried anew is as it was recorded; its health tells the rest.
            Action::Update if step.changes.is_empty() => continue,
            Action::Replace if step.object.once.is_some() && step.changes.is_empty() => continue,
            Action::Update => "it is not as recorded",
            Action::Replace => "it is not as recorded, and can be put right only by making it anew",
            Action::Delete | Action::Collect => "it is there and the revision does not have it",
        };
        drift.push(Drift { id: step.id, text: text.to_owned(), changes: step.changes });
    }
    drift
}
