//! `rhumb migrate`.

mod adoption;
mod arguments;
mod commands;
mod text;

use std::path::PathBuf;

use rhumb_action::IfNoNamespace;
use rhumb_action::migrate::{
    self, Baggage, DestinationWrites, Foreign, Overwrite, Sides, SourceVolumes, StartRequest, State, Store,
};

use adoption::Chart;

use super::Ended;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::emit;
use crate::session::{Parts, Session};
pub(crate) use arguments::Arguments;
use arguments::{Abort, Cutover, Ends, Finish, Move, Start, Verify, What, Which};
use commands::Shell;

/// Moves a release from one platform to another.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    match arguments.what {
        What::Plan(arguments) => Box::pin(plan(session, &arguments)).await,
        What::Start(arguments) => {
            let started = Box::pin(start(session, &arguments)).await;
            started.map_err(|failure| standing(session, &arguments.moving.which, failure))
        }
        What::Status(arguments) => status(session, &arguments),
        What::Verify(arguments) => verify(session, &arguments).await,
        What::Cutover(arguments) => {
            let led = cutover(session, &arguments).await;
            led.map_err(|failure| standing(session, &arguments.which, failure))
        }
        What::Finish(arguments) => {
            let finished = finish(session, &arguments).await;
            finished.map_err(|failure| standing(session, &arguments.which, failure))
        }
        What::Abort(arguments) => {
            let aborted = Box::pin(abort(session, &arguments)).await;
            aborted.map_err(|failure| standing(session, &arguments.which, failure))
        }
    }
}

/// The failure of a stage, with where the migration stands and what goes on from there. Where nothing was begun there is nothing to say.
fn standing(session: &Session, which: &Which, failure: Failure) -> Failure {
    if matches!(failure.exit, Exit::Usage | Exit::Invalid) {
        return failure;
    }
    match found(session, which) {
        Ok((_, Some(state))) if !state.stage.is_over() => failure.note(text::next(&state)),
        _ => failure,
    }
}

async fn plan(session: &Session, arguments: &Move) -> Ended {
    let (path, state) = found(session, &arguments.which)?;
    let parts = both(session, &arguments.which, state.as_ref())?;
    let foreign = adoption::foreign(session, &parts[0], (arguments, state.as_ref()), Chart::Shown).await?;
    let (foreign, _folder) = foreign.unzip();
    let baggage = baggage(arguments, foreign)?;
    let sides = sides(&parts, &arguments.which);
    let planned = Box::pin(migrate::plan(&sides, &baggage, &path)).await;
    finish_lines(&parts);
    let planned = planned.map_err(|error| adoption::failed(error, arguments))?;
    emit(session.format(), &planned, || text::plan(&planned, session.paint()))?;
    Ok(Exit::Success)
}

async fn start(session: &Session, arguments: &Start) -> Ended {
    let (path, state) = found(session, &arguments.moving.which)?;
    let parts = both(session, &arguments.moving.which, state.as_ref())?;
    let moving = &arguments.moving;
    let foreign = adoption::foreign(session, &parts[0], (moving, state.as_ref()), Chart::Kept).await?;
    let request = StartRequest {
        baggage: baggage(moving, foreign.map(|(foreign, _)| foreign))?,
        helper_image: arguments.helper_image.clone(),
        overwrite: if arguments.overwrite { Overwrite::Replace } else { Overwrite::Refuse },
    };
    let sides = sides(&parts, &arguments.moving.which);
    let store = Store::take(&path)?;
    let started = Box::pin(migrate::start(&sides, &request, &store)).await;
    finish_lines(&parts);
    let state = started.map_err(|error| adoption::failed(error, moving))?;
    emit(session.format(), &state, || text::started(&state))?;
    Ok(Exit::Success)
}

fn status(session: &Session, arguments: &Which) -> Ended {
    let (_, state) = found(session, arguments)?;
    let state = state.ok_or_else(|| {
        Failure::usage(
            format!("no migration of `{}` is known", arguments.release),
            "`rhumb migrate start`, or --state with its file",
        )
    })?;
    emit(session.format(), &state, || text::status(&state))?;
    Ok(Exit::Success)
}

async fn verify(session: &Session, arguments: &Verify) -> Ended {
    let (path, state) = found(session, &arguments.which)?;
    let parts = both(session, &arguments.which, state.as_ref())?;
    let sides = sides(&parts, &arguments.which);
    let store = Store::take(&path)?;
    let verified = migrate::verify(&sides, &arguments.check, &Shell, &store).await;
    finish_lines(&parts);
    let verified = verified?;
    emit(session.format(), &verified, || text::verified(&verified, session.paint()))?;
    Ok(if verified.holds { Exit::Success } else { Exit::NotReady })
}

async fn cutover(session: &Session, arguments: &Cutover) -> Ended {
    let (path, state) = found(session, &arguments.which)?;
    let parts = both(session, &arguments.which, state.as_ref())?;
    let sides = sides(&parts, &arguments.which);
    let store = Store::take(&path)?;
    let done = migrate::cutover(&sides, arguments.route.as_deref(), &Shell, &store).await;
    finish_lines(&parts);
    let done = done?;
    emit(session.format(), &done, || text::cut_over(&done))?;
    Ok(Exit::Success)
}

async fn finish(session: &Session, arguments: &Finish) -> Ended {
    let (path, state) = found(session, &arguments.which)?;
    let parts = both(session, &arguments.which, state.as_ref())?;
    let volumes = if arguments.delete_source_volumes { SourceVolumes::Delete } else { SourceVolumes::Keep };
    let sides = sides(&parts, &arguments.which);
    let store = Store::take(&path)?;
    let finished = migrate::finish(&sides, volumes, &store).await;
    finish_lines(&parts);
    let finished = finished?;
    emit(session.format(), &finished, || text::finished(&finished))?;
    Ok(Exit::Success)
}

async fn abort(session: &Session, arguments: &Abort) -> Ended {
    let (path, state) = found(session, &arguments.which)?;
    let parts = both(session, &arguments.which, state.as_ref())?;
    let writes = if arguments.discard_destination_writes {
        DestinationWrites::Discard
    } else {
        DestinationWrites::CopyBack
    };
    let sides = sides(&parts, &arguments.which);
    let store = Store::take(&path)?;
    let aborted = migrate::abort(&sides, writes, &store).await;
    finish_lines(&parts);
    let aborted = aborted?;
    emit(session.format(), &aborted, || text::aborted(&aborted))?;
    Ok(Exit::Success)
}

/// The file with the state, and what is in it.
fn found(session: &Session, which: &Which) -> Result<(PathBuf, Option<State>), Failure> {
    let path = match &which.state {
        Some(path) => path.clone(),
        None => session
            .environment()
            .state_folder()
            .ok_or_else(|| {
                Failure::usage("there is no home folder to keep the state in", "--state FILE, or set HOME")
            })?
            .join("migrations")
            .join(format!("{}.json", which.release)),
    };
    if which.release.contains(['/', '\\']) {
        return Err(Failure::usage(
            format!("`{}` is no release's name", which.release),
            "letters, digits and dashes",
        ));
    }
    let state = Store::read(&path)?;
    Ok((path, state))
}

/// Both targets: those that are named, else those of the migration that is under way.
fn both(session: &Session, which: &Which, state: Option<&State>) -> Result<[Parts; 2], Failure> {
    let state = state.filter(|state| !state.stage.is_over() || which.ends.from.is_none());
    let Ends { from, to, from_namespace, to_namespace } = &which.ends;
    let missing = |option: &str| {
        Failure::usage(
            format!("no migration of `{}` is under way, and {option} is missing", which.release),
            format!("{option} TARGET"),
        )
    };
    let side =
        |named: &Option<String>, namespace: &Option<String>, known: Option<&migrate::Side>, option: &str| {
            let known = known.filter(|known| named.as_ref().is_none_or(|named| *named == known.target));
            let target = named
                .clone()
                .or_else(|| known.map(|known| known.target.clone()))
                .ok_or_else(|| missing(option))?;
            let namespace = namespace.clone().or_else(|| known.map(|known| known.namespace.clone()));
            session.with_target(Some(target)).with_namespace(namespace).parts(false)
        };
    let source = side(from, from_namespace, state.map(|state| &state.from), "--from")?;
    let destination = side(to, to_namespace, state.map(|state| &state.to), "--to")?;
    Ok([source, destination])
}

fn sides<'a>(parts: &'a [Parts; 2], which: &'a Which) -> Sides<'a> {
    let contexts = Parts::contexts(parts);
    Sides { from: contexts[0], to: contexts[1], release: &which.release, timeout: which.timeout }
}

fn finish_lines(parts: &[Parts; 2]) {
    for one in parts {
        one.progress.finish();
    }
}

fn baggage(arguments: &Move, foreign: Option<Foreign>) -> Result<Baggage, Failure> {
    Ok(Baggage {
        values: Session::values(&arguments.values)?,
        chart: arguments.chart.clone(),
        accept_loss: arguments.accept_loss.clone(),
        keep_external: arguments.keep_external.clone(),
        foreign,
        no_namespace: if arguments.create_namespace { IfNoNamespace::Create } else { IfNoNamespace::Fail },
    })
}
