//! `rhumb uninstall`: everything of a release goes.

use std::collections::BTreeSet;
use std::time::Duration;

use rhumb_backend::{Claim, ObjectHealth, ObjectId, Ownership, Plan, Scope, Support, uninstall_plan};
use rhumb_release::{EntryKind, Filter, Head, Outcome, Record, Status};
use rhumb_spec::model::{Kind, MountSource, Volume, Workload};
use rhumb_spec::{Diagnostic, Feature};
use serde::Serialize;
use tokio::time::Instant;

use crate::adopt::observe;
use crate::carry::{Awaited, Load, carry};
use crate::engine::{may_pass, within};
use crate::hold::Hold;
use crate::known::{Known, not_found};
use crate::names::check_name;
use crate::planning::Planned;
use crate::sealed_values::Secrets;
use crate::{ActionError, ActionResult, Context, Event, Execution, FailedDeployment, Left, Wait};

/// Time between two looks at whether everything is gone.
const GONE_POLL: Duration = Duration::from_millis(500);
/// How long the last look may take once time is up.
const LAST_LOOK: Duration = Duration::from_secs(5);

/// What to remove.
#[derive(Clone, Debug)]
pub struct UninstallRequest {
    /// The release.
    pub name: String,
    /// What becomes of its records.
    pub history: HistoryAfter,
    /// What happens when there is no such release.
    pub absent: IgnoreAbsent,
    /// Whether it waits until everything is gone.
    pub wait: Wait,
    /// How long everything may take.
    pub timeout: Duration,
    /// Whether it is done or only shown.
    pub execution: Execution,
    /// What the record says, when it is kept.
    pub description: Option<String>,
}

/// What becomes of the records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HistoryAfter {
    /// They go too.
    #[default]
    Remove,
    /// They stay, so that a rollback can bring the release back (`--keep-history`).
    Keep,
}

/// What happens when there is no such release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IgnoreAbsent {
    /// It is an error.
    #[default]
    Fail,
    /// Nothing (`--ignore-not-found`).
    Ignore,
}

/// What was, or would be, removed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Uninstalled {
    /// The release.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Whether there was such a release.
    pub found: bool,
    /// Whether it was done or only shown.
    pub execution: Execution,
    /// What was, or would be, done.
    pub plan: Plan,
    /// What stays on the target: volumes that are kept, and what exists without the release.
    pub kept: Vec<ObjectId>,
    /// What the user should know.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Diagnostic>,
    /// A revision that was found unfinished.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
}

/// Removes everything of a release, in the reverse of the order in which it was made.
///
/// # Errors
/// `NotFound` for a release that is not there; `Busy`; `Failed` when something could not be removed, with the release
/// left `uninstalling` so that the next uninstall goes on from there.
pub async fn uninstall(context: &Context<'_>, request: &UninstallRequest) -> ActionResult<Uninstalled> {
    check_name("release", &request.name)?;
    let scope = context.scope(&request.name);
    let started = Instant::now();
    let deadline = started + request.timeout;
    let target = context.target.persistent(deadline);
    let context = &Context { target: &target, ..*context };
    let known = within(deadline, Known::read(context, &scope)).await?;
    if !request.finds(&known) {
        if known.heads.is_empty() && request.execution == Execution::Apply {
            within(deadline, tidy(context, &scope)).await?;
        }
        return match request.absent {
            IgnoreAbsent::Fail => Err(not_found(context, &request.name).await),
            IgnoreAbsent::Ignore => Ok(outcome(context, request, Found::default())),
        };
    }
    if request.execution == Execution::DryRun {
        let left = known.left();
        let seen = within(deadline, look(context, &scope, &known)).await?;
        return Ok(outcome(context, request, Found { seen: Some(seen), left }));
    }
    let hold = Hold::take(context, &scope).await?;
    let removal = Removal {
        release: &request.name,
        history: request.history,
        wait: request.wait,
        started,
        deadline,
        description: request.description.as_deref(),
    };
    let result = remove_held(context, &hold, removal).await;
    hold.give_back_and_tidy().await;
    Ok(outcome(context, request, result?))
}

/// Removes what a command left that died between taking the lease and recording a revision. Somebody who is at work there
/// is left alone.
async fn tidy(context: &Context<'_>, scope: &Scope) -> ActionResult<()> {
    if context.target.storage.list(EntryKind::Lease, &Filter::from(scope)).await?.is_empty() {
        return Ok(());
    }
    let hold = match Hold::take(context, scope).await {
        Err(ActionError::Busy { .. }) => return Ok(()),
        taken => taken?,
    };
    let tidied = match context.releases().history(scope).await {
        Ok(heads) if heads.is_empty() => context.releases().delete_all(hold.lease()).await,
        other => other.map(drop),
    };
    hold.give_back_and_tidy().await;
    Ok(tidied?)
}

impl UninstallRequest {
    /// Whether there is something to do. A release of which only the history is left can only lose that.
    fn finds(&self, known: &Known) -> bool {
        known.is_there() || (!known.heads.is_empty() && self.history == HistoryAfter::Remove)
    }
}

/// What is to be removed, under a lease that is held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Removal<'a> {
    pub(crate) release: &'a str,
    pub(crate) history: HistoryAfter,
    pub(crate) wait: Wait,
    pub(crate) started: Instant,
    pub(crate) deadline: Instant,
    pub(crate) description: Option<&'a str>,
}

/// What a removal found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    seen: Option<Seen>,
    left: Option<Left>,
}

#[derive(Clone, Debug)]
struct Seen {
    planned: Planned,
    kept: Vec<ObjectId>,
    warnings: Vec<Diagnostic>,
}

/// Removes a release under a lease that is held.
pub(crate) async fn remove_held(
    context: &Context<'_>,
    hold: &Hold,
    removal: Removal<'_>,
) -> ActionResult<Found> {
    let scope = context.scope(removal.release);
    let known = Known::read(context, &scope).await?;
    let left = known.left();
    if let Some(left) = &left {
        context.tell(&Event::Left(left.clone()));
    }
    let seen = within(removal.deadline, look(context, &scope, &known)).await?;
    let Some(head) = known.latest() else { return Ok(Found { seen: Some(seen), left }) };
    let head = mark(context, head, Status::Uninstalling, "Uninstall began").await?;
    let removed = take_away(context, hold, removal, &known, &seen).await;
    if let Err(cause) = removed {
        return Err(failed(context, head, removal, cause).await);
    }
    match removal.history {
        HistoryAfter::Remove => context.releases().delete_all(hold.lease()).await?,
        HistoryAfter::Keep => {
            let text = removal.description.unwrap_or("Uninstall complete");
            mark(context, &head, Status::Uninstalled, text).await?;
        }
    }
    Ok(Found { seen: Some(seen), left })
}

async fn look(context: &Context<'_>, scope: &Scope, known: &Known) -> ActionResult<Seen> {
    let ids: Vec<ObjectId> = known.inventory.ids().into_iter().collect();
    let adopted = known.inventory.adopted();
    let observed = observe(context, scope, &ids, (&adopted, Claim::Made)).await?;
    let last = known.inventory.last(&[]);
    let plan = uninstall_plan(context.backend(), &last, &observed).map_err(ActionError::Diagnostics)?;
    let goes: BTreeSet<&ObjectId> = plan.steps.iter().map(|step| &step.id).collect();
    let objects: Vec<ObjectId> =
        known.inventory.kept(&observed).into_iter().filter(|id| !goes.contains(id)).collect();
    let has_kept_object = !objects.is_empty();
    let records = known.inventory.records();
    let data = records.iter().flat_map(|record| kept_data(context, record));
    let kept: BTreeSet<ObjectId> = objects.into_iter().chain(data).collect();
    let has_data = has_kept_object || kept.iter().any(|id| id.kind() == "volume");
    let warnings =
        (has_data && !plan.is_empty()).then(|| generated_for(records)).flatten().into_iter().collect();
    Ok(Seen { planned: Planned { plan, observed, last }, kept: kept.into_iter().collect(), warnings })
}

/// Volumes that stay on a platform which makes them for its workloads, so that they are no objects of the release.
fn kept_data(context: &Context<'_>, record: &Record) -> Vec<ObjectId> {
    if matches!(context.backend().support(Feature::KeepVolume, &record.facts), Support::Unsupported { .. }) {
        return Vec::new();
    }
    let used: BTreeSet<&str> = record.app.workloads.values().flat_map(volumes_of).collect();
    let stays = |name: &str, volume: &Volume| volume.is_kept() || has_lost_removal(record, name);
    let kept = record
        .app
        .volumes
        .iter()
        .filter(|(name, volume)| used.contains(name.as_str()) && !volume.external && stays(name, volume));
    // Where a volume is an object of its own, under whatever kind, that object says what stays.
    let is_object = |name: &str| {
        record.objects.iter().any(|object| object.ownership == Ownership::Kept && object.id.name() == name)
    };
    kept.filter(|(name, _)| !is_object(name)).map(|(name, _)| ObjectId::new("volume", name)).collect()
}

/// The volumes that a workload mounts.
fn volumes_of(workload: &Workload) -> impl Iterator<Item = &str> {
    let containers = workload.init_containers.values().chain(workload.containers.values());
    containers.flat_map(|container| container.mounts.values()).filter_map(|mount| match &mount.source {
        MountSource::Volume { name } => Some(name.as_str()),
        _ => None,
    })
}

/// Whether the platform said that it does not remove a volume which the chart does not want kept.
fn has_lost_removal(record: &Record, volume: &str) -> bool {
    let path = format!("{}.keep", Kind::Volume.path(volume));
    record.losses.iter().any(|loss| loss.path == path)
}

/// That what was generated for secrets goes, while data that were made with it stay.
fn generated_for(records: &[Record]) -> Option<Diagnostic> {
    let secrets = records.iter().flat_map(|record| &record.app.secrets);
    let keys: BTreeSet<String> = secrets
        .filter(|(_, secret)| !secret.external)
        .flat_map(|(name, secret)| secret.generate.keys().map(move |key| format!("{name}.{key}")))
        .collect();
    if keys.is_empty() {
        return None;
    }
    let keys = keys.into_iter().collect::<Vec<_>>().join(", ");
    let what =
        format!("what was generated for {keys} goes with the release, and the data on its volumes stay");
    Some(
        Diagnostic::warning("", what)
            .why("the next install generates new values, and data that were made with the old ones may not open")
            .remedy("give the old values on the next install, or remove the kept volumes before it"),
    )
}

async fn mark(context: &Context<'_>, head: &Head, status: Status, text: &str) -> ActionResult<Head> {
    let head = context.releases().set_status(head, status, text, &context.now()).await?;
    context.tell(&Event::Recorded { revision: head.revision, status });
    Ok(head)
}

async fn take_away(
    context: &Context<'_>,
    hold: &Hold,
    removal: Removal<'_>,
    known: &Known,
    seen: &Seen,
) -> ActionResult<()> {
    let scope = context.scope(removal.release);
    let load = Load {
        scope: scope.clone(),
        planned: &seen.planned,
        want: &[],
        given: Secrets::none(),
        before: Outcome::default(),
        awaited: Awaited::Nothing,
        started: removal.started,
        deadline: removal.deadline,
    };
    if let Some(failure) = carry(context, hold, load).await.failure {
        return Err(failure);
    }
    if removal.wait == Wait::Ready {
        wait_until_gone(context, &scope, (known, seen), removal).await?;
    }
    Ok(())
}

/// Waits until nothing is there any more, what the platform is still removing included.
async fn wait_until_gone(
    context: &Context<'_>,
    scope: &Scope,
    (known, seen): (&Known, &Seen),
    removal: Removal<'_>,
) -> ActionResult<()> {
    let steps = seen.planned.plan.steps.iter();
    let natives: BTreeSet<ObjectId> = steps
        .filter_map(|step| step.native.as_deref().map(ObjectId::from))
        .chain(known.inventory.ids())
        .filter(|id| !seen.kept.contains(id))
        .collect();
    let natives: Vec<ObjectId> = natives.into_iter().collect();
    loop {
        let is_late = Instant::now() >= removal.deadline;
        match within(removal.deadline + LAST_LOOK, what_is_left(context, scope, (known, &natives))).await {
            Ok(None) => return Ok(()),
            Ok(Some(leaving)) if is_late => {
                return Err(ActionError::TimedOut { after: removal.started.elapsed(), waiting: leaving });
            }
            Ok(Some(leaving)) => context.tell(&Event::Health { objects: leaving }),
            // Everything was removed already: a platform that does not answer for a moment is asked again.
            Err(ActionError::Backend(error)) if !is_late && may_pass(&error) => {
                tracing::debug!(%error, "the platform is asked again");
            }
            Err(error) => return Err(error),
        }
        tokio::select! {
            () = tokio::time::sleep(GONE_POLL) => {}
            () = context.cancel.cancelled() => return Err(ActionError::Cancelled),
        }
    }
}

/// What the platform is still removing, or nothing once all is gone.
async fn what_is_left(
    context: &Context<'_>,
    scope: &Scope,
    (known, natives): (&Known, &[ObjectId]),
) -> ActionResult<Option<Vec<ObjectHealth>>> {
    let is_planned = !look(context, scope, known).await?.planned.plan.is_empty();
    let leaving = context.backend().leaving(scope, natives).await?;
    Ok((is_planned || !leaving.is_empty()).then_some(leaving))
}

async fn failed(context: &Context<'_>, head: Head, removal: Removal<'_>, cause: ActionError) -> ActionError {
    let text = format!("Uninstall failed: {}", cause.to_string().lines().next().unwrap_or_default());
    let unrecorded = match &cause {
        ActionError::LostLease { why, .. } => Some(why.clone()),
        _ => mark(context, &head, Status::Uninstalling, &text).await.err().map(|error| error.to_string()),
    };
    ActionError::Failed(Box::new(FailedDeployment {
        release: removal.release.to_owned(),
        revision: head.revision,
        cause,
        status: Status::Uninstalling,
        unrecorded,
        taken_back: None,
        next: format!("put the cause right and run `rhumb uninstall {}` again", removal.release),
    }))
}

fn outcome(context: &Context<'_>, request: &UninstallRequest, found: Found) -> Uninstalled {
    let is_found = found.seen.is_some();
    let (plan, kept, warnings) =
        found.seen.map_or_else(Default::default, |seen| (seen.planned.plan, seen.kept, seen.warnings));
    Uninstalled {
        name: request.name.clone(),
        namespace: context.namespace.to_owned(),
        found: is_found,
        execution: request.execution,
        plan,
        kept,
        warnings,
        left: found.left,
    }
}
