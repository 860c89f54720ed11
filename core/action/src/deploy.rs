//! What install, upgrade and rollback have in common: the way from a request to a new revision.

use rhumb_backend::{Claim, Error, ErrorKind, ImportQuery, Plan, Scope};
use rhumb_release::{Head, Status};
use rhumb_spec::Diagnostic;
use tokio::time::Instant;

use crate::adopt;
use crate::engine::within;
use crate::hold::Hold;
use crate::known::{Known, no_revision, not_found};
use crate::migrate::{self, Arrival};
use crate::names::check_name;
use crate::planning::{PlanRules, Planned, plan};
use crate::revision::Revision;
use crate::wanted::Wanted;
use crate::{
    ActionError, ActionResult, ChartInputs, Context, DeployOptions, Deployed, Event, Execution, Foreign,
    IfAbsent, IfNoNamespace, Left, ValueReuse, road,
};

/// What is to be deployed, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order<'a> {
    pub(crate) release: &'a str,
    pub(crate) goal: Goal<'a>,
    pub(crate) options: &'a DeployOptions,
}

/// What is to be deployed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal<'a> {
    /// A chart, where there is no release yet.
    Install(&'a ChartInputs),
    /// A chart, where there is a release.
    Upgrade { inputs: &'a ChartInputs, values: ValueReuse, absent: IfAbsent },
    /// An earlier revision.
    Rollback(Option<u64>),
    /// A chart of what runs already, where there is no release yet.
    Adopt { inputs: &'a ChartInputs, query: &'a ImportQuery },
    /// An earlier revision that runs nothing.
    Rest(u64),
    /// What comes from another platform.
    Arrive(&'a Arrival<'a>),
}

/// What a goal comes to, once it is known what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    Install,
    Upgrade,
    Adopt,
    /// To this revision.
    Rollback(u64),
}

impl Course {
    /// The status of a revision on this course that has not ended.
    pub(crate) fn pending(self) -> Status {
        match self {
            Self::Install | Self::Adopt => Status::PendingInstall,
            Self::Upgrade => Status::PendingUpgrade,
            Self::Rollback(_) => Status::PendingRollback,
        }
    }

    /// The error with a remedy that this course can take: a rollback is given no values.
    pub(crate) fn advise(self, release: &str, mut error: Error) -> Error {
        if matches!(self, Self::Rollback(_)) && error.kind == ErrorKind::MaterialMissing {
            let remedy = error.remedy.unwrap_or_default();
            error.remedy = Some(format!(
                "`rhumb upgrade {release} CHART --install`, as a rollback takes no values; {remedy}"
            ));
        }
        error
    }

    /// How the description of its revision begins.
    pub(crate) fn noun(self) -> String {
        match self {
            Self::Install => "Install".to_owned(),
            Self::Upgrade => "Upgrade".to_owned(),
            Self::Adopt => "Adoption".to_owned(),
            Self::Rollback(to) => format!("Rollback to {to}"),
        }
    }
}

/// Everything that a deployment has decided before it changes anything.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) known: Known,
    pub(crate) course: Course,
    pub(crate) wanted: Wanted,
}

/// Makes a new revision come true, or shows what that would do.
///
/// The record is written before the first step, and the lease is held from then to the end.
///
/// # Errors
/// Everything of [`ActionError`]; after the record was written, [`ActionError::Failed`].
pub(crate) async fn deploy(context: &Context<'_>, order: Order<'_>) -> ActionResult<Deployed> {
    check_name("namespace", context.namespace)?;
    check_name("release", order.release)?;
    let started = Instant::now();
    let end = started + order.options.timeout;
    let target = context.target.persistent(end);
    let context = &Context { target: &target, ..*context };
    let prepared = within(end, prepare(context, order)).await?;
    if order.options.execution == Execution::DryRun {
        return within(end, show(context, order, &prepared)).await;
    }
    let scope = context.scope(order.release);
    if order.options.no_namespace == IfNoNamespace::Create && prepared.known.heads.is_empty() {
        within(end, async { Ok(context.backend().create_namespace(&scope.namespace).await?) }).await?;
    }
    let hold = Hold::take(context, &scope).await?;
    let result = deploy_held(context, order, &hold, prepared, started).await;
    if result.is_ok() {
        hold.give_back().await;
    } else {
        hold.give_back_and_tidy().await;
    }
    result
}

/// Decides everything that can be decided without a lease.
pub(crate) async fn prepare(context: &Context<'_>, order: Order<'_>) -> ActionResult<Prepared> {
    let scope = context.scope(order.release);
    let mut known = Known::read(context, &scope).await?;
    let course = course(context, order, &known).await?;
    let wanted = want(context, order, &known, course).await?;
    known.inventory.note_done(&wanted.done);
    Ok(Prepared { known, course, wanted })
}

/// Deploys under a lease that is held. What was prepared before the lease was taken is done again if the release
/// changed meanwhile.
pub(crate) async fn deploy_held(
    context: &Context<'_>,
    order: Order<'_>,
    hold: &Hold,
    mut prepared: Prepared,
    started: Instant,
) -> ActionResult<Deployed> {
    let scope = context.scope(order.release);
    let end = started + order.options.timeout;
    if context.releases().history(&scope).await? != prepared.known.heads {
        prepared = within(end, prepare(context, order)).await?;
    }
    let left = settle(context, &mut prepared.known).await?;
    let planned = within(end, plan_for(context, order, &prepared)).await?;
    let revision = Revision { context, order, hold, prepared, planned, left, started };
    revision.make().await
}

async fn show(context: &Context<'_>, order: Order<'_>, prepared: &Prepared) -> ActionResult<Deployed> {
    let planned = plan_for(context, order, prepared).await?;
    let left = prepared.known.left();
    Ok(outcome(context, order, prepared, planned.plan, left))
}

/// Plans the way to what was prepared.
pub(crate) async fn plan_for(
    context: &Context<'_>,
    order: Order<'_>,
    prepared: &Prepared,
) -> ActionResult<Planned> {
    let options = order.options;
    let is_adopted = prepared.course == Course::Adopt;
    let rules = PlanRules {
        replace: &options.replace,
        foreign: if is_adopted { Foreign::TakeOver } else { options.foreign },
        adopted: &prepared.wanted.adopted,
        claim: if is_adopted { Claim::InMaking } else { Claim::Made },
        conflicts: options.conflicts,
        history_max: options.history_max,
    };
    let scope = context.scope(order.release);
    let mut planned = plan(context, &scope, &prepared.known, &prepared.wanted.objects, rules).await?;
    if is_adopted {
        adopt::marks_only(context, &mut planned.plan)?;
    }
    Ok(planned)
}

/// The outcome of a deployment before anything was done.
pub(crate) fn outcome(
    context: &Context<'_>,
    order: Order<'_>,
    prepared: &Prepared,
    plan: Plan,
    left: Option<Left>,
) -> Deployed {
    let wanted = &prepared.wanted;
    Deployed {
        name: order.release.to_owned(),
        namespace: context.namespace.to_owned(),
        target: context.target.name.clone(),
        revision: prepared.known.next_revision(),
        status: prepared.course.pending(),
        chart: wanted.chart.clone(),
        description: order.options.description.clone().unwrap_or_else(|| prepared.course.noun()),
        updated: context.now(),
        execution: order.options.execution,
        plan,
        objects: wanted.objects.clone(),
        losses: wanted.losses.clone(),
        warnings: wanted.warnings.clone(),
        notes: wanted.notes.clone(),
        left,
        health: Vec::new(),
    }
}

/// What the goal comes to, with what is there.
async fn course(context: &Context<'_>, order: Order<'_>, known: &Known) -> ActionResult<Course> {
    match order.goal {
        Goal::Install(_) | Goal::Adopt { .. } => match known.deployed() {
            Some(head) => Err(exists(order.release, head)),
            None if matches!(order.goal, Goal::Adopt { .. }) => Ok(Course::Adopt),
            None => Ok(Course::Install),
        },
        Goal::Upgrade { .. } | Goal::Arrive(_) if known.is_there() => Ok(Course::Upgrade),
        Goal::Upgrade { absent: IfAbsent::Install, .. } | Goal::Arrive(_) => Ok(Course::Install),
        Goal::Upgrade { .. } | Goal::Rollback(_) | Goal::Rest(_) if known.heads.is_empty() => {
            Err(not_found(context, order.release).await)
        }
        Goal::Upgrade { .. } => Err(uninstalled(order.release)),
        Goal::Rollback(Some(revision)) if has(known, revision) => Ok(Course::Rollback(revision)),
        Goal::Rest(revision) if has(known, revision) => Ok(Course::Upgrade),
        Goal::Rollback(Some(revision)) | Goal::Rest(revision) => {
            Err(no_revision(order.release, revision, &known.heads))
        }
        Goal::Rollback(None) => match before(&known.heads) {
            Some(revision) => Ok(Course::Rollback(revision)),
            None => Err(nothing_before(order.release, &known.heads)),
        },
    }
}

fn has(known: &Known, revision: u64) -> bool {
    known.heads.iter().any(|head| head.revision == revision)
}

fn uninstalled(release: &str) -> ActionError {
    ActionError::of(
        Diagnostic::error("", format!("release `{release}` was uninstalled, and only its history is kept"))
            .remedy(format!(
                "--install to install it again, or `rhumb rollback {release}` to bring it back as it was"
            )),
    )
}

fn nothing_before(release: &str, heads: &[Head]) -> ActionError {
    let (oldest, latest) = (heads.first(), heads.last());
    ActionError::NothingBefore {
        release: release.to_owned(),
        oldest: oldest.map_or(1, |head| head.revision),
        revision: latest.map_or(1, |head| head.revision),
        status: latest.map(|head| head.status).unwrap_or_default(),
    }
}

fn exists(release: &str, head: &Head) -> ActionError {
    ActionError::AlreadyExists { release: release.to_owned(), revision: head.revision, status: head.status }
}

/// The newest revision that was applied as a whole and is not the newest of all, unless that one was removed.
fn before(heads: &[Head]) -> Option<u64> {
    let (newest, older) = heads.split_last()?;
    if matches!(newest.status, Status::Uninstalled | Status::Superseded) {
        return Some(newest.revision);
    }
    let was_whole = |head: &&Head| matches!(head.status, Status::Deployed | Status::Superseded);
    older.iter().rev().find(was_whole).map(|head| head.revision)
}

async fn want(
    context: &Context<'_>,
    order: Order<'_>,
    known: &Known,
    course: Course,
) -> ActionResult<Wanted> {
    let scope = context.scope(order.release);
    match (order.goal, course) {
        (_, Course::Rollback(revision)) => again(context, &scope, known, revision).await,
        (Goal::Rest(revision), _) => {
            let wanted = again(context, &scope, known, revision).await?;
            migrate::at_rest(context, wanted, &known.inventory.done())
        }
        (Goal::Arrive(arrival), _) => migrate::arrive(context, &scope, known, arrival, course).await,
        (Goal::Upgrade { inputs, values, .. }, _) => {
            let chosen = road::Chosen { inputs, values, course };
            Ok(adopt::laid(context, known, road::want(context, &scope, known, chosen).await?))
        }
        (Goal::Install(inputs), _) => {
            let chosen = road::Chosen { inputs, values: ValueReuse::Reset, course };
            Ok(adopt::laid(context, known, road::want(context, &scope, known, chosen).await?))
        }
        (Goal::Adopt { inputs, query }, _) => {
            let chosen = road::Chosen { inputs, values: ValueReuse::Reset, course };
            let wanted = road::want(context, &scope, known, chosen).await?;
            adopt::take(context, order.release, known, query, wanted).await
        }
        (Goal::Rollback(_), _) => Err(nothing_before(order.release, &known.heads)),
    }
}

async fn again(context: &Context<'_>, scope: &Scope, known: &Known, revision: u64) -> ActionResult<Wanted> {
    let mut wanted = Wanted::again(context.releases().get(scope, revision).await?);
    // What later revisions chose is kept, or the next upgrade would choose anew for what is still there.
    let mut choices = known.inventory.choices();
    choices.0.append(&mut wanted.choices.0);
    wanted.choices = choices;
    let adopted = known.inventory.adopted();
    if !adopted.is_empty() {
        wanted.adopted = adopted;
    }
    Ok(wanted)
}

/// Marks what somebody began and never ended as failed. The lease is ours, so whoever it was is gone.
pub(crate) async fn settle(context: &Context<'_>, known: &mut Known) -> ActionResult<Option<Left>> {
    let Some(left) = known.left() else { return Ok(None) };
    context.tell(&Event::Left(left.clone()));
    let Some(head) = known.heads.last_mut() else { return Ok(None) };
    let text = format!("{} was cut short", head.status);
    // What an uninstall left is the best that is known of it, and what a rollback goes back to.
    let status = if head.status == Status::Uninstalling { Status::Superseded } else { Status::Failed };
    *head = context.releases().set_status(head, status, &text, &context.now()).await?;
    Ok(Some(left))
}
