//! `rhumb migrate abort`: the source comes back as it was, and the destination goes.

use rhumb_backend::{Removed, Retry};
use rhumb_ferry::Run;
use rhumb_release::Status;
use rhumb_spec::Diagnostic;
use serde::Serialize;
use tokio::time::Instant;

use super::copy::{Direction, Round, copy_all, cross, remove_helpers};
use super::externals_made::remove_externals;
use super::journey::Journey;
use super::posture::{bring_back, put_to_rest};
use super::sides::{At, Sides, VALID, ferry_failed, go_on_after, migration};
use super::state::{Passage, Stage, State, Store};
use crate::known::Known;
use crate::{
    ActionError, ActionResult, Execution, HistoryAfter, IgnoreAbsent, UninstallRequest, Uninstalled, Wait,
    uninstall,
};

/// What becomes of what was written at the destination since traffic went there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DestinationWrites {
    /// It is copied back before the source runs again.
    #[default]
    CopyBack,
    /// It is lost (`--discard-destination-writes`).
    Discard,
}

/// What a migration left when it was given up.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Aborted {
    /// Where it stands.
    #[serde(flatten)]
    pub state: State,
    /// Whether what was written at the destination is at the source now.
    pub copied_back: bool,
    /// Whether something may have been written at the destination and is gone.
    pub discarded: bool,
    /// What is still there, and what a person can do about it.
    pub left: Vec<String>,
}

/// Gives a migration up, or goes on with giving it up.
///
/// # Errors
/// That there is none, or that it is finished; what went wrong: the same call goes on from there.
pub async fn abort(sides: &Sides<'_>, writes: DestinationWrites, store: &Store) -> ActionResult<Aborted> {
    let state = store.load()?.ok_or_else(|| none(sides.release))?;
    insist_on_sides(sides, &state)?;
    let mut journey = Journey { sides, store, state };
    if journey.state.stage == Stage::Aborted {
        return Ok(outcome(journey.state, Vec::new()));
    }
    begin(&mut journey, writes)?;
    let reached = journey.state.given_up.unwrap_or_default();
    if reached >= Stage::Waking {
        quieten(&mut journey).await?;
    }
    if journey.state.copying_back {
        copy_back(&mut journey).await?;
    }
    remove_helpers(&sides.source()).await?;
    remove_helpers(&sides.destination()).await?;
    if reached >= Stage::Stopping {
        sides.source().doing(format!("bringing {} back on {}", sides.release, sides.from.target.name));
        let (revision, replicas) = (journey.state.revision, journey.state.replicas.clone());
        bring_back(&sides.source(), revision, &replicas, "Back from a migration that was given up").await?;
    }
    let left = clear(&mut journey).await?;
    journey.reach(Stage::Aborted)?;
    Ok(outcome(journey.state, left))
}

fn outcome(state: State, left: Vec<String>) -> Aborted {
    let reached = state.given_up.unwrap_or_default();
    Aborted {
        copied_back: state.copying_back,
        discarded: reached >= Stage::Waking && !state.copying_back,
        state,
        left,
    }
}

/// Writes down that it is given up, and what becomes of what was written at the destination.
fn begin(journey: &mut Journey<'_>, writes: DestinationWrites) -> ActionResult<()> {
    let state = &mut journey.state;
    match state.stage {
        Stage::Finishing | Stage::Finished => return Err(too_late(state)),
        Stage::Aborting if state.copying_back && writes == DestinationWrites::Discard => {
            return Err(half_copied(&state.release));
        }
        Stage::Aborting => {}
        reached => {
            state.given_up = Some(reached);
            // Before the cutover nobody was sent to the destination, and the source's data are what people wrote.
            state.copying_back = reached >= Stage::CuttingOver && writes == DestinationWrites::CopyBack;
        }
    }
    journey.reach(Stage::Aborting)
}

/// Lets nobody write at the destination any more.
async fn quieten(journey: &mut Journey<'_>) -> ActionResult<()> {
    let at = journey.sides.destination();
    let known = Known::read(&at.context, &at.scope()).await?;
    let Some(head) = known.latest().filter(|_| known.is_there()) else { return Ok(()) };
    if head.status == Status::Uninstalling {
        return Ok(());
    }
    at.doing(format!("stopping {} on {}", at.release, at.context.target.name));
    let whole = known.heads.iter().rev().find(|head| !head.status.is_pending());
    put_to_rest(&at, whole.map_or(head.revision, |head| head.revision), "its migration is given up").await
}

/// The destination's data become the source's, which rests.
async fn copy_back(journey: &mut Journey<'_>) -> ActionResult<()> {
    let sides = journey.sides;
    if journey.state.volumes.iter().all(|passage| passage.back.is_some()) {
        return Ok(());
    }
    sides.source().wait_until_still().await?;
    let run = Run::new(VALID).map_err(ferry_failed)?;
    let image = journey.state.helper_image.clone();
    let passages = journey.state.volumes.clone();
    let mut attempt = 1;
    loop {
        let crossings = cross(sides, (&run, &image), &passages, Direction::Back).await?;
        let Err(error) = copy_all(journey, &crossings, Round::Back).await else { return Ok(()) };
        go_on_after(error, attempt, &sides.source()).await?;
        attempt += 1;
    }
}

/// Removes what the migration made at the destination.
async fn clear(journey: &mut Journey<'_>) -> ActionResult<Vec<String>> {
    let at = journey.sides.destination();
    at.doing(format!("removing {} from {}", at.release, at.context.target.name));
    remove_release(&at).await?;
    let (new, old): (Vec<&Passage>, Vec<&Passage>) =
        journey.state.volumes.iter().partition(|passage| passage.is_new);
    let mut left = remove_externals(journey).await?;
    for passage in new {
        left.extend(remove_volume(&at, &passage.to).await?);
    }
    let touched = old.iter().filter(|passage| passage.first.is_some() || passage.last.is_some());
    left.extend(
        touched.map(|passage| {
            format!("{} was there before, and now holds the source's data", passage.to.native)
        }),
    );
    Ok(left)
}

/// Removes a release, whatever is left of it.
pub(super) async fn remove_release(at: &At<'_>) -> ActionResult<Uninstalled> {
    let request = UninstallRequest {
        name: at.release.to_owned(),
        history: HistoryAfter::Remove,
        absent: IgnoreAbsent::Ignore,
        wait: Wait::Ready,
        timeout: at.timeout,
        execution: Execution::Apply,
        description: None,
    };
    uninstall(&at.context, &request).await
}

/// Removes a volume, and waits until it is gone. Returns what a person has to do where it cannot be removed from here.
pub(super) async fn remove_volume(
    at: &At<'_>,
    volume: &rhumb_backend::VolumeUse,
) -> ActionResult<Option<String>> {
    let (migration, scope) = (migration(&at.context)?, at.scope());
    let deadline = Instant::now() + at.timeout;
    loop {
        match migration.remove_volume(&scope, volume).await {
            Ok(Removed::Gone) => return Ok(None),
            Ok(Removed::Left(what)) => return Ok(Some(what)),
            Err(error) if error.retry == Retry::Never || Instant::now() >= deadline => {
                return Err(error.into());
            }
            Err(_) => at.pause().await?,
        }
    }
}

/// That there is no such migration.
pub(super) fn none(release: &str) -> ActionError {
    ActionError::of(Diagnostic::error("", format!("no migration of `{release}` is under way")).remedy(
        format!("`rhumb migrate start {release} --from TARGET --to TARGET`, or --state with its file"),
    ))
}

/// That the sides are those of the migration, and not, for one, the other way round.
pub(super) fn insist_on_sides(sides: &Sides<'_>, state: &State) -> ActionResult<()> {
    let is_it = state.from == sides.source().side() && state.to == sides.destination().side();
    if is_it { Ok(()) } else { Err(another(state)) }
}

/// That another migration of that name is under way.
pub(super) fn another(state: &State) -> ActionError {
    let (from, to) = (&state.from, &state.to);
    ActionError::of(
        Diagnostic::error(
            "",
            format!(
                "a migration of `{}` from {} ({}) to {} ({}) is under way",
                state.release, from.target, from.namespace, to.target, to.namespace
            ),
        )
        .remedy("the same --from and --to to go on with it; `rhumb migrate abort` to give it up; or --state with another file"),
    )
}

fn too_late(state: &State) -> ActionError {
    let what = if state.stage == Stage::Finished { "is finished" } else { "is being finished" };
    ActionError::of(
        Diagnostic::error("", format!("the migration of `{}` {what}, and its source is gone", state.release))
            .remedy(format!(
                "a migration the other way: --from {} --to {}",
                state.to.target, state.from.target
            )),
    )
}

fn half_copied(release: &str) -> ActionError {
    ActionError::of(
        Diagnostic::error(
            "",
            format!("the data of `{release}` are being copied back, and the source holds a part of them"),
        )
        .why("what it held before is not there any more")
        .remedy("`rhumb migrate abort` without --discard-destination-writes, which goes on with the copy"),
    )
}
