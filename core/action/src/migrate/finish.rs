//! `rhumb migrate finish`: the source goes, and there is no way back but another migration.

use rhumb_backend::ErrorKind;
use rhumb_spec::Diagnostic;
use serde::Serialize;

use super::abort::{remove_release, remove_volume};
use super::copy::remove_helpers;
use super::sides::{At, Sides, migration};
use super::state::{Stage, State, Store};
use super::verify::{insist_on, look_until_ready, started};
use crate::{ActionError, ActionResult};

/// What becomes of the source's volumes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SourceVolumes {
    /// They stay, with the data as they were at the stop.
    #[default]
    Keep,
    /// They go with their data (`--delete-source-volumes`).
    Delete,
}

/// What a migration left when it was finished.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finished {
    /// Where it stands.
    #[serde(flatten)]
    pub state: State,
    /// Volumes of the source that are still there.
    pub kept: Vec<String>,
    /// Configs and secrets that the release used at the source and that are not its own, so that they are still there.
    pub external: Vec<String>,
    /// What could not be removed, and what a person can do about it.
    pub left: Vec<String>,
}

/// Finishes a migration, or goes on with that.
///
/// # Errors
/// That traffic was not led to the destination yet, or that one of the sides is not as it should be; what went wrong: the same call goes
/// on from there.
pub async fn finish(sides: &Sides<'_>, volumes: SourceVolumes, store: &Store) -> ActionResult<Finished> {
    let mut journey = started(sides, store)?;
    match journey.state.stage {
        Stage::Started | Stage::CuttingOver => return Err(too_early(&journey.state)),
        Stage::CutOver => insist_on(&look_until_ready(&journey).await?)?,
        _ => {}
    }
    if journey.state.stage < Stage::Finishing {
        journey.reach(Stage::Finishing)?;
    }
    let source = sides.source();
    let mut removed: Vec<String> = Vec::new();
    let mut finished =
        Finished { state: State::default(), kept: Vec::new(), external: Vec::new(), left: Vec::new() };
    if journey.state.stage == Stage::Finishing {
        remove_helpers(&source).await?;
        remove_helpers(&sides.destination()).await?;
        finished.external = externals(&source, journey.state.revision).await?;
        source.doing(format!("removing {} from {}", source.release, source.context.target.name));
        removed =
            remove_release(&source).await?.plan.steps.into_iter().filter_map(|step| step.native).collect();
    }
    for passage in &journey.state.volumes {
        match volumes {
            // Where a volume is an object of the release, its chart says whether it stays.
            SourceVolumes::Keep if removed.iter().any(|one| is_of(one, &passage.from.native)) => {}
            SourceVolumes::Keep => finished.kept.push(passage.from.native.clone()),
            SourceVolumes::Delete => finished.left.extend(remove_volume(&source, &passage.from).await?),
        }
    }
    journey.reach(Stage::Finished)?;
    Ok(Finished { state: journey.state, ..finished })
}

/// What a revision uses and does not own, by its kind and its name there; nothing of one that is not recorded any more.
async fn externals(at: &At<'_>, revision: u64) -> ActionResult<Vec<String>> {
    let record = match at.context.releases().get(&at.scope(), revision).await {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let externals = migration(&at.context)?.externals(&record.app);
    Ok(externals.into_iter().map(|one| format!("{} {}", one.kind.as_str(), one.native)).collect())
}

/// Whether an object is this volume: `persistentvolumeclaim/data`.
fn is_of(native: &str, volume: &str) -> bool {
    native.rsplit('/').next() == Some(volume) && native.contains("volume")
}

fn too_early(state: &State) -> ActionError {
    ActionError::of(
        Diagnostic::error(
            "",
            format!("traffic to `{}` was not led to {} yet", state.release, state.to.target),
        )
        .remedy(format!("`rhumb migrate cutover {}` first", state.release)),
    )
}
