//! `rhumb migrate verify`: both sides are as they should be, and the user's own checks hold.

use std::io;

use async_trait::async_trait;
use rhumb_backend::{ObjectHealth, State as HealthState};
use rhumb_spec::Diagnostic;
use serde::Serialize;
use tokio::time::Instant;

use super::abort::{insist_on_sides, none};
use super::journey::Journey;
use super::sides::{At, Sides, migration};
use super::state::{CheckOutcome, Stage, State, Store};
use crate::{ActionError, ActionResult, StatusRequest, status};

/// Who runs the user's own commands.
#[async_trait]
pub trait Commands: Send + Sync {
    /// Runs a command with further variables to its end, and returns its exit code; none after a signal.
    ///
    /// # Errors
    /// When it cannot be run.
    async fn run(&self, command: &str, variables: &[(&'static str, String)]) -> io::Result<Option<i32>>;
}

/// What a look at both sides found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// Where it stands.
    #[serde(flatten)]
    pub state: State,
    /// What of the source still runs: nothing, where all is well.
    pub source_running: Vec<String>,
    /// How the destination is.
    pub health: Vec<ObjectHealth>,
    /// How many objects of the destination differ from what is recorded.
    pub drift: usize,
    /// Whether all is well.
    pub holds: bool,
}

/// Looks at both sides and runs the user's checks. What was found is written down.
///
/// # Errors
/// That the migration has not started or is over; what the platforms answer. A check that fails is in the outcome.
pub async fn verify(
    sides: &Sides<'_>,
    checks: &[String],
    commands: &dyn Commands,
    store: &Store,
) -> ActionResult<Verified> {
    let mut journey = started(sides, store)?;
    let found = look_until_ready(&journey).await?;
    let mut outcomes = Vec::new();
    for command in checks {
        sides.destination().doing(format!("running {command}"));
        let exit_code = commands.run(command, &variables(&journey.state)).await.ok().flatten();
        outcomes.push(CheckOutcome { command: command.clone(), exit_code });
    }
    let holds = found.holds && outcomes.iter().all(|one| one.exit_code == Some(0));
    journey.state.checks = outcomes;
    journey.state.verified = holds.then(|| journey.now());
    journey.save()?;
    Ok(Verified { state: journey.state, holds, ..found })
}

/// What the user's commands are told.
pub(super) fn variables(state: &State) -> Vec<(&'static str, String)> {
    vec![
        ("RHUMB_RELEASE", state.release.clone()),
        ("RHUMB_STAGE", state.stage.as_str().to_owned()),
        ("RHUMB_FROM", state.from.target.clone()),
        ("RHUMB_FROM_PLATFORM", state.from.platform.clone()),
        ("RHUMB_FROM_NAMESPACE", state.from.namespace.clone()),
        ("RHUMB_TO", state.to.target.clone()),
        ("RHUMB_TO_PLATFORM", state.to.platform.clone()),
        ("RHUMB_TO_NAMESPACE", state.to.namespace.clone()),
    ]
}

/// A migration of which the destination runs.
///
/// # Errors
/// That there is none, or that it is not that far or is over.
pub(super) fn started<'a>(sides: &'a Sides<'a>, store: &'a Store) -> ActionResult<Journey<'a>> {
    let state = store.load()?.ok_or_else(|| none(sides.release))?;
    insist_on_sides(sides, &state)?;
    let remedy = match state.stage {
        Stage::Started | Stage::CuttingOver | Stage::CutOver | Stage::Finishing | Stage::Finished => {
            return Ok(Journey { sides, store, state });
        }
        Stage::Aborting => "`rhumb migrate abort` until it is given up",
        Stage::Aborted => "`rhumb migrate start` to begin anew",
        _ => "`rhumb migrate start` until it has started",
    };
    let what = format!("the migration of `{}` is {}", state.release, state.stage.as_str());
    Err(ActionError::of(Diagnostic::error("", what).remedy(remedy)))
}

/// Looks at both sides. Nothing is written.
pub(super) async fn look(journey: &Journey<'_>) -> ActionResult<Verified> {
    let source = journey.sides.source();
    let source_running = migration(&source.context)?.running(&source.scope()).await?;
    let destination = journey.sides.destination();
    let seen = seen(&destination).await?;
    let is_ready = seen.health.iter().all(|one| one.state == HealthState::Ready);
    Ok(Verified {
        holds: source_running.is_empty() && is_ready && seen.drift.is_empty() && seen.unreadable.is_empty(),
        state: journey.state.clone(),
        drift: seen.drift.len(),
        health: seen.health,
        source_running,
    })
}

/// The same, until the destination is ready or time is up: what has just begun to run counts as ready a moment later.
pub(super) async fn look_until_ready(journey: &Journey<'_>) -> ActionResult<Verified> {
    let at = journey.sides.destination();
    let deadline = Instant::now() + at.timeout;
    loop {
        let found = look(journey).await?;
        let is_coming = found.health.iter().any(|one| one.state == HealthState::Progressing);
        if found.holds || !is_coming || Instant::now() >= deadline {
            return Ok(found);
        }
        at.pause().await?;
    }
}

async fn seen(at: &At<'_>) -> ActionResult<crate::ReleaseStatus> {
    status(&at.context, &StatusRequest { name: at.release.to_owned(), revision: None }).await
}

/// That both sides are as they should be.
///
/// # Errors
/// In what they are not.
pub(super) fn insist_on(found: &Verified) -> ActionResult<()> {
    if found.holds {
        return Ok(());
    }
    let mut wrong = Vec::new();
    if !found.source_running.is_empty() {
        let text = format!("{} still runs: {}", found.state.from.target, found.source_running.join(", "));
        wrong.push(
            Diagnostic::error("", text)
                .why("both sides would write")
                .remedy("what started it stopped; `rhumb migrate abort` brings the source back"),
        );
    }
    for one in found.health.iter().filter(|one| one.state != HealthState::Ready) {
        let text = format!("{} is not ready on {}: {}", one.id, found.state.to.target, one.message);
        wrong.push(Diagnostic::error("", text).remedy("`rhumb status` and `rhumb logs` there"));
    }
    if wrong.is_empty() {
        let text = format!("{} on {} is not as recorded", found.state.release, found.state.to.target);
        wrong.push(Diagnostic::error("", text).remedy("`rhumb status` shows what differs"));
    }
    Err(ActionError::Diagnostics(wrong))
}
