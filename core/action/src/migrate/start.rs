//! `rhumb migrate start`: the destination is made, the data go over, the source stops, the destination runs.

use std::sync::Arc;

use jiff::Timestamp;
use rhumb_backend::{Error, ErrorKind};
use rhumb_ferry::Run;
use rhumb_spec::Diagnostic;

use super::arrival::Posture;
use super::begin::{Baggage, Itinerary, accepted, arrival, itinerary, settle_in};
use super::copy::{self, Crossing, Direction, Round, copy_all, cross, expected, remove_helpers};
use super::departure::replicas;
use super::externals::insist_on_externals;
use super::externals_made::bring_externals;
use super::foreign::{adopt_first, to_adopt};
use super::journey::Journey;
use super::posture::{self, put_to_rest};
use super::sides::{Sides, VALID, ferry_failed, go_on_after, migration};
use super::state::{Stage, State, Store};
use super::{abort, carried};
use crate::engine::insist;
use crate::known::Known;
use crate::{ActionError, ActionResult};

/// What to start.
#[derive(Clone, Debug, Default)]
pub struct StartRequest {
    /// What differs at the destination.
    pub baggage: Baggage,
    /// The image of the helper that copies volumes and reads secrets.
    pub helper_image: String,
    /// What becomes of data that a volume at the destination holds already.
    pub overwrite: Overwrite,
}

/// What becomes of data that a volume at the destination holds already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// They are left alone, and the migration does not start.
    #[default]
    Refuse,
    /// They are replaced by the source's.
    Replace,
}

/// Starts a migration, or goes on with one that was cut short.
///
/// When it returns, the destination runs with the source's data and secrets, and the source rests and can be brought back.
///
/// # Errors
/// What stands in the way, before anything is changed; after that, what went wrong: the same call goes on from there.
pub async fn start(sides: &Sides<'_>, request: &StartRequest, store: &Store) -> ActionResult<State> {
    let before = known(sides, store)?;
    if before.as_ref().is_some_and(|state| state.stage >= Stage::Started) {
        return Ok(before.unwrap_or_default());
    }
    let mut request = request.clone();
    if let Some(state) = &before {
        request.baggage.accept_loss.extend(state.accept_loss.iter().copied());
        request.baggage.keep_external.extend(state.keep_external.iter().cloned());
    }
    let mut way = clear_itinerary(sides, &request.baggage, before.as_ref()).await?;
    if before.is_none()
        && let Some(foreign) = to_adopt(&sides.source(), request.baggage.foreign.as_ref()).await?
    {
        adopt_first(sides, foreign).await?;
        way = clear_itinerary(sides, &request.baggage, None).await?;
    }
    let mut journey = Journey { sides, store, state: before.unwrap_or_default() };
    journey.begin(&request, &way)?;
    let run = Run::new(VALID).map_err(ferry_failed)?;
    let mut attempt = 1;
    while journey.state.stage < Stage::Copied {
        if let Err(error) = bring_over(&mut journey, &request, &mut way, &run).await {
            go_on_after(error, attempt, &sides.source()).await?;
            attempt += 1;
        }
    }
    wake(&mut journey, &request, &way).await?;
    Ok(journey.state)
}

/// Everything that is known before anything is changed, with nothing in the way.
async fn clear_itinerary(
    sides: &Sides<'_>,
    baggage: &Baggage,
    before: Option<&State>,
) -> ActionResult<Itinerary> {
    let way = itinerary(sides, baggage, before).await?;
    accepted(&way.losses, &baggage.accept_loss, &sides.to.target.name)?;
    let mark = before.map_or("", |state| state.mark.as_str());
    insist_on_externals(&way.outside.moving(&baggage.keep_external, mark), sides)?;
    Ok(way)
}

/// What is known of a migration that is not over.
///
/// # Errors
/// That another one, or another stage, is under way.
pub(super) fn known(sides: &Sides<'_>, store: &Store) -> ActionResult<Option<State>> {
    let Some(state) = store.load()?.filter(|state| !state.stage.is_over()) else { return Ok(None) };
    abort::insist_on_sides(sides, &state)?;
    if state.stage == Stage::Aborting {
        return Err(ActionError::of(
            Diagnostic::error("", format!("the migration of `{}` is being given up", state.release))
                .remedy("`rhumb migrate abort` until that is done; then start anew"),
        ));
    }
    Ok(Some(state))
}

/// Everything up to the moment at which both sides hold the same data and neither runs.
async fn bring_over(
    journey: &mut Journey<'_>,
    request: &StartRequest,
    way: &mut Itinerary,
    run: &Run,
) -> ActionResult<()> {
    let sides = journey.sides;
    note_new(journey).await?;
    lay_out(journey, request, way, run).await?;
    let passages = journey.state.volumes.clone();
    let with = (run, request.helper_image.as_str());
    if !passages.is_empty() {
        sides.source().doing("starting helpers beside the volumes");
    }
    let crossings = cross(sides, with, &passages, Direction::There).await?;
    look_first(journey, request, &crossings).await?;
    if journey.state.stage == Stage::Preparing {
        copy_all(journey, &crossings, Round::First).await?;
        expect(journey)?;
    }
    stop(journey, way).await?;
    copy_all(journey, &crossings, Round::Last).await?;
    drop(crossings);
    remove_helpers(&sides.source()).await?;
    remove_helpers(&sides.destination()).await?;
    journey.reach(Stage::Copied)
}

/// The destination with everything but what runs.
async fn lay_out(
    journey: &mut Journey<'_>,
    request: &StartRequest,
    way: &mut Itinerary,
    run: &Run,
) -> ActionResult<()> {
    let sides = journey.sides;
    if posture::is_at_rest(&sides.destination()).await? {
        return Ok(());
    }
    let source = sides.source();
    source.doing(format!("reading the secrets of {}", source.context.target.name));
    let with = (run, request.helper_image.as_str());
    let (carried, seen) =
        carried::read(&source, &way.departure.record, way.outside.closed_here(), with).await?;
    way.outside.open_here(seen);
    bring_externals(journey, request, &mut way.outside, run).await?;
    sides.destination().doing(format!("making {} on {}, at rest", sides.release, sides.to.target.name));
    let arrival = arrival(&way.departure, &request.baggage, Posture::Resting, Some(Arc::new(carried)));
    settle_in(sides, &arrival, request.baggage.no_namespace).await
}

/// What is not there before anything is made is the migration's own from then on.
async fn note_new(journey: &mut Journey<'_>) -> ActionResult<()> {
    let at = journey.sides.destination();
    let (migration, scope) = (migration(&at.context)?, at.scope());
    for passage in journey.state.volumes.iter_mut().filter(|passage| passage.is_unknown()) {
        passage.is_new = insist(|| migration.has_volume(&scope, &passage.to)).await? == Some(false);
    }
    journey.save()
}

/// Nothing that was there before is written over unasked.
async fn look_first(
    journey: &mut Journey<'_>,
    request: &StartRequest,
    crossings: &[Crossing],
) -> ActionResult<()> {
    for (index, crossing) in crossings.iter().enumerate() {
        let passage = &journey.state.volumes[index];
        if !passage.is_unknown() {
            continue;
        }
        if copy::is_empty(crossing).await? {
            journey.state.volumes[index].is_new = true;
        } else if request.overwrite == Overwrite::Refuse {
            return Err(holds_data(&passage.to.native, &journey.sides.to.target.name));
        }
    }
    journey.save()
}

fn holds_data(volume: &str, target: &str) -> ActionError {
    let message = format!("it is there on {target} already and holds data, which the source's would replace");
    Error::new(ErrorKind::AlreadyExists, "copy the volume", message)
        .with("volume", volume)
        .remedy(
            "remove it, or give --overwrite if these data are needed no more; `rhumb migrate abort` gives the migration up and leaves it",
        )
        .into()
}

/// Says how long the comparison after the stop takes, as far as that is known.
fn expect(journey: &mut Journey<'_>) -> ActionResult<()> {
    let Some((bytes, seconds)) = expected(&journey.state.volumes) else { return Ok(()) };
    let what = format!(
        "once it has stopped, {bytes} bytes are read on both sides again: about {seconds} s at the speed of the first copy"
    );
    journey.sides.source().doing(what);
    journey.state.expected_seconds = Some(seconds);
    journey.save()
}

/// Stops the source. What it had is written down before.
async fn stop(journey: &mut Journey<'_>, way: &Itinerary) -> ActionResult<()> {
    let source = journey.sides.source();
    if journey.state.stage < Stage::Stopping {
        journey.state.replicas = replicas(&source, &way.departure.record).await?;
        journey.state.stopped = Some(journey.now());
        journey.reach(Stage::Stopping)?;
    }
    source.doing(format!("stopping {} on {}", source.release, source.context.target.name));
    let why = format!("it moves to {}", journey.sides.to.target.name);
    put_to_rest(&source, journey.state.revision, &why).await
}

/// Lets the destination run. That it may write is written down before.
async fn wake(journey: &mut Journey<'_>, request: &StartRequest, way: &Itinerary) -> ActionResult<()> {
    let sides = journey.sides;
    if journey.state.stage == Stage::Copied {
        // Somebody may have woken the source since.
        put_to_rest(&sides.source(), journey.state.revision, "it moves").await?;
        journey.reach(Stage::Waking)?;
    }
    sides.destination().doing(format!("starting {} on {}", sides.release, sides.to.target.name));
    let known = Known::read(&sides.to, &sides.to.scope(sides.release)).await?;
    if posture::is_at_rest(&sides.destination()).await?
        || known.deployed().is_none_or(|head| known.latest() != Some(head))
    {
        let arrival = arrival(&way.departure, &request.baggage, Posture::Awake, None);
        settle_in(sides, &arrival, request.baggage.no_namespace).await?;
    }
    journey.state.ready = Some(journey.now());
    journey.state.downtime_seconds =
        journey.state.stopped.as_deref().and_then(|stopped| seconds_since(stopped, journey.clock()));
    journey.reach(Stage::Started)
}

fn seconds_since(then: &str, now: Timestamp) -> Option<f64> {
    let then: Timestamp = then.parse().ok()?;
    let milliseconds = now.as_millisecond().checked_sub(then.as_millisecond())?;
    u32::try_from(milliseconds / 100).ok().map(|tenths| f64::from(tenths) / 10.0)
}
