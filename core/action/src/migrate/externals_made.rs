//! Making configs and secrets that are not the release's at the destination, and taking them away again.

use rhumb_backend::Removed;
use rhumb_ferry::Run;
use rhumb_spec::Diagnostic;

use super::carried::read_in_container;
use super::externals::{ExternalFate, MovingExternal, Outside, insist_on_externals};
use super::journey::Journey;
use super::sides::migration;
use super::start::StartRequest;
use crate::engine::insist;
use crate::{ActionResult, Event, IfNoNamespace};

/// Makes at the destination what is not there. What will be made is written down before, with the mark that tells it from what somebody
/// else makes meanwhile.
///
/// # Errors
/// That something holds something else there, or cannot be copied; what the platforms answer.
pub(super) async fn bring_externals(
    journey: &mut Journey<'_>,
    request: &StartRequest,
    outside: &mut Outside,
    run: &Run,
) -> ActionResult<()> {
    let (destination, keep) = (journey.sides.destination(), &request.baggage.keep_external);
    let closed = outside.closed_there(keep, &journey.state.mark);
    if !closed.is_empty() {
        destination.doing(format!("comparing with the secrets of {}", destination.context.target.name));
        outside
            .open_there(read_in_container(&destination, closed, (run, request.helper_image.as_str())).await?);
    }
    let moving = outside.moving(keep, &journey.state.mark);
    insist_on_externals(&moving, journey.sides)?;
    for note in moving.iter().filter_map(stays) {
        destination.context.tell(&Event::Warning(note));
    }
    make(journey, request, outside).await
}

async fn make(journey: &mut Journey<'_>, request: &StartRequest, outside: &Outside) -> ActionResult<()> {
    let making = outside.to_make(&journey.state.mark);
    if making.is_empty() {
        return Ok(());
    }
    journey.state.externals = making.iter().map(|(external, _)| external.clone()).collect();
    journey.save()?;
    let at = journey.sides.destination();
    let (backend, migration, scope) = (at.context.backend(), migration(&at.context)?, at.scope());
    if request.baggage.no_namespace == IfNoNamespace::Create {
        insist(|| backend.create_namespace(&scope.namespace)).await?;
    }
    for (external, entries) in &making {
        let Some(entries) = entries else { continue };
        at.doing(format!("making {} on {}", external.native, at.context.target.name));
        // A call whose answer was lost is not made again by itself: what it made is found by the next command.
        migration.make_external(&scope, external, entries, &journey.state.mark).await?;
    }
    Ok(())
}

fn stays(moving: &MovingExternal) -> Option<Diagnostic> {
    let why = match &moving.fate {
        ExternalFate::Unknown { why } => why.clone(),
        ExternalFate::ComparedLater => "a container that has it mounted does not see it".to_owned(),
        _ => return None,
    };
    let text = format!("{} stays as it is, and nobody can tell whether it holds the same", moving.to);
    Some(Diagnostic::warning(moving.document.clone(), text).why(why))
}

/// Removes what the migration made, unless others use it by now. Returns what a person has to know.
pub(super) async fn remove_externals(journey: &Journey<'_>) -> ActionResult<Vec<String>> {
    let at = journey.sides.destination();
    let (migration, scope, mark) = (migration(&at.context)?, at.scope(), &journey.state.mark);
    let mut left = Vec::new();
    for external in &journey.state.externals {
        match insist(|| migration.remove_external(&scope, external, mark)).await? {
            Removed::Gone => {}
            Removed::Left(what) => left.push(what),
        }
    }
    Ok(left)
}
