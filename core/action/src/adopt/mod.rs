//! `rhumb adopt`: what runs already becomes a release, in place.
//!
//! The road is that of an install. Between lowering and planning, what is there is laid over what the chart makes of
//! it (see [`rhumb_backend::Adopted`]), so that the plan marks things as the release's and does nothing else. Every
//! later revision is planned through the same overlay.

mod report;
mod seen;

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{
    Action, Adopt, Facts, FieldChange, ImportQuery, Live, Object, ObjectId, Observed, Plan, Scope, State,
};
use rhumb_spec::Diagnostic;
use serde_json::Value;

pub use report::{AdoptedRelease, Stay};
pub(crate) use seen::observe;

use crate::current::receipts_of_what_is_there;
use crate::deploy::{Goal, Order, deploy, plan_for, prepare};
use crate::engine::insist;
use crate::known::Known;
use crate::wanted::Wanted;
use crate::{ActionError, ActionResult, ChartInputs, Context, DeployOptions, Execution, OnFailure};

/// What to take over.
#[derive(Clone, Debug, Default)]
pub struct AdoptRequest {
    /// The release that it becomes.
    pub name: String,
    /// The chart of what runs, as an import makes it, and what goes into it.
    pub inputs: ChartInputs,
    /// What is taken over.
    pub query: ImportQuery,
    /// How it is done. What fails is never taken back: nothing that runs is the adoption's to remove.
    pub options: DeployOptions,
}

/// Makes a release of what runs already, without a restart of anything.
///
/// An adoption that was cut short can be made again: what it marked is as good as what it did not.
///
/// # Errors
/// `AlreadyExists` when the release is deployed; `Unsupported` on a platform that cannot; `Diagnostics` with everything
/// that cannot be taken over in place; else as for every deployment.
pub async fn adopt(context: &Context<'_>, request: &AdoptRequest) -> ActionResult<AdoptedRelease> {
    let adopt = adopter(context)?;
    let options = DeployOptions { on_failure: OnFailure::Leave, ..request.options.clone() };
    let goal = Goal::Adopt { inputs: &request.inputs, query: &request.query };
    let order = Order { release: &request.name, goal, options: &options };
    let report = report::of(context, order).await?;
    let scope = context.scope(&request.name);
    let before = replicas(adopt, &scope, &report).await?;
    let deployed = deploy(context, order).await?;
    if options.execution == Execution::DryRun {
        return Ok(report.finish(deployed, before.len()));
    }
    let after = replicas(adopt, &scope, &report).await?;
    let mut problems = restarted(&before, &after);
    problems.extend(differing(context, &request.name).await?);
    let adopted = report.finish(deployed, before.intersection(&after).count());
    Ok(AdoptedRelease { problems, ..adopted })
}

/// The facts with which a chart of what runs becomes the platform's documents.
pub(crate) fn claimed(context: &Context<'_>, scope: &Scope, facts: Facts) -> Facts {
    match context.backend().adopt() {
        Some(adopt) => adopt.claimed(scope, facts),
        None => facts,
    }
}

/// How the platform has things taken over.
///
/// # Errors
/// `Unsupported` where it has not.
pub(crate) fn adopter<'a>(context: &Context<'a>) -> ActionResult<&'a dyn Adopt> {
    let backend = context.backend();
    backend.adopt().ok_or_else(|| ActionError::Unsupported {
        what: "taking over what runs".to_owned(),
        platform: backend.name().to_owned(),
    })
}

/// What is wanted, with what was there at the adoption laid over it.
pub(crate) fn laid(context: &Context<'_>, known: &Known, mut wanted: Wanted) -> Wanted {
    wanted.adopted = known.inventory.adopted();
    if let Some(adopt) = context.backend().adopt().filter(|_| !wanted.adopted.is_empty()) {
        wanted.objects = rhumb_backend::keep(adopt, &wanted.adopted, wanted.objects);
    }
    wanted
}

/// What is wanted of a chart of what runs: what runs.
///
/// # Errors
/// What may not be taken from whose it is; workloads of the chart that do not run; what the platform answers.
pub(crate) async fn take(
    context: &Context<'_>,
    release: &str,
    known: &Known,
    query: &ImportQuery,
    mut wanted: Wanted,
) -> ActionResult<Wanted> {
    let scope = &context.scope(release);
    let adopt = adopter(context)?;
    let found = insist(|| adopt.find(scope, query, &wanted.objects)).await?;
    let there: BTreeSet<&ObjectId> = found.objects.iter().map(|live| &live.object.id).collect();
    let runs_not = |id: &ObjectId| !there.contains(id);
    let missing = wanted.objects.iter().filter(|object| object.workload.is_some() && runs_not(&object.id));
    let (mut errors, notes): (Vec<_>, Vec<_>) = found.notes.into_iter().partition(Diagnostic::is_error);
    errors.extend(missing.map(|object| not_there(&object.id)));
    if !errors.is_empty() {
        return Err(ActionError::Diagnostics(errors));
    }
    wanted.adopted =
        rhumb_backend::adoption(adopt, &known.inventory.adopted(), &wanted.objects, &found.objects);
    wanted.objects = rhumb_backend::keep(adopt, &wanted.adopted, wanted.objects);
    wanted.warnings.extend(notes);
    wanted.done = done(context, scope, &wanted.objects, found.objects).await?;
    Ok(wanted)
}

/// The jobs among what is there that have succeeded: they are not to run again when the release is put to rest, moved or rolled back.
async fn done(
    context: &Context<'_>,
    scope: &Scope,
    want: &[Object],
    mut found: Vec<Live>,
) -> ActionResult<BTreeMap<ObjectId, String>> {
    let jobs: Vec<&Object> = want.iter().filter(|object| object.once.is_some()).collect();
    found.retain(|live| jobs.iter().any(|job| job.id == live.object.id));
    if found.is_empty() {
        return Ok(BTreeMap::new());
    }
    for live in &mut found {
        // As if it were ours already: nothing is written here.
        live.foreign = None;
        let wanted = jobs.iter().find(|job| job.id == live.object.id);
        live.object.generation = wanted.and_then(|job| job.generation.clone());
    }
    let observed = Observed { objects: found, ..Observed::default() };
    let receipts = receipts_of_what_is_there(context, scope, &observed, &jobs).await?;
    let health = insist(|| context.backend().health(scope, &receipts)).await?;
    let has_succeeded =
        |job: &&&Object| health.iter().any(|one| one.id == job.id && one.state == State::Ready);
    Ok(jobs
        .iter()
        .filter(has_succeeded)
        .filter_map(|job| Some((job.id.clone(), job.once.clone()?)))
        .collect())
}

fn not_there(id: &ObjectId) -> Diagnostic {
    Diagnostic::error(id.as_str(), format!("{id} does not run, so it cannot be adopted"))
        .why("the chart has it, and nothing of what is to be taken over is it")
        .remedy("a chart without it for the adoption; an upgrade makes it afterwards")
}

/// Holds a plan to what an adoption may do: set marks that restart nothing, and write nothing else for it.
///
/// # Errors
/// Everything else in the plan.
pub(crate) fn marks_only(context: &Context<'_>, plan: &mut Plan) -> ActionResult<()> {
    let adopt = adopter(context)?;
    plan.steps.iter_mut().for_each(|step| adopt.reduce(step));
    // What the platform gave up before is nothing to try anew: an adoption starts nothing.
    for step in plan.steps.iter_mut().filter(|step| step.action == Action::Update && step.changes.is_empty())
    {
        step.action = Action::Await;
    }
    let mut found = Vec::new();
    for step in plan.steps.iter().filter(|step| step.action != Action::Await) {
        let others = step.changes.iter().filter(|change| !only_marks(adopt, &step.id, change));
        let paths: Vec<&str> = others.map(|change| change.path.as_str()).collect();
        if step.action != Action::Update || !paths.is_empty() {
            let what = format!("{} cannot be adopted in place", step.id);
            let why = match step.action {
                Action::Update => format!("it would change: {}", paths.join(", ")),
                _ => "it would be made or removed".to_owned(),
            };
            found.push(Diagnostic::error(step.id.as_str(), what).why(why).remedy(
                "a narrower choice of what is taken over, or a chart whose names are those of what runs",
            ));
        }
    }
    if found.is_empty() { Ok(()) } else { Err(ActionError::Diagnostics(found)) }
}

/// Whether a change sets marks and nothing else. Where nothing was marked in any way, it is the whole mapping that is new.
fn only_marks(adopt: &dyn Adopt, id: &ObjectId, change: &FieldChange) -> bool {
    let new =
        change.to.as_ref().and_then(Value::as_object).filter(|new| change.from.is_none() && !new.is_empty());
    adopt.is_mark(id, &change.path)
        || new.is_some_and(|new| new.keys().all(|key| adopt.is_mark(id, &format!("{}.{key}", change.path))))
}

/// What the user can do after an adoption that failed.
pub(crate) fn next(release: &str) -> String {
    format!(
        "what runs goes on as it was; put the cause right and run `rhumb adopt {release}` again; `rhumb uninstall {release}` \
         would remove what runs"
    )
}

async fn replicas(
    adopt: &dyn Adopt,
    scope: &Scope,
    report: &report::Report,
) -> ActionResult<BTreeSet<String>> {
    Ok(insist(|| adopt.replicas(scope, &report.found)).await?)
}

fn restarted(before: &BTreeSet<String>, after: &BTreeSet<String>) -> Vec<Diagnostic> {
    let gone: Vec<&str> = before.difference(after).map(String::as_str).collect();
    if gone.is_empty() {
        return Vec::new();
    }
    let what = format!("{} of {} replicas are not the same as before", gone.len(), before.len());
    vec![
        Diagnostic::error("", what)
            .why(format!("gone: {}", gone.join(", ")))
            .remedy("rhumb ps, and rhumb logs"),
    ]
}

/// Plans an adoption that was made once more: there is nothing left to do.
async fn differing(context: &Context<'_>, release: &str) -> ActionResult<Vec<Diagnostic>> {
    let options = DeployOptions::default();
    let known = Known::read(context, &context.scope(release)).await?;
    let revision = known.latest().map(|head| head.revision);
    let order = Order { release, goal: Goal::Rollback(revision), options: &options };
    let prepared = prepare(context, order).await?;
    let planned = plan_for(context, order, &prepared).await?;
    let steps = planned.plan.steps.into_iter().filter(|step| step.action != Action::Await);
    let left = steps.map(|step| {
        Diagnostic::error(step.id.as_str(), format!("{} differs from its record after the adoption", step.id))
            .remedy(format!("rhumb status {release}"))
    });
    Ok(left.collect())
}
