//! Copies of volumes, from helper to helper.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use rhumb_backend::{Error, ErrorKind, VolumeAccess};
use rhumb_ferry::{Comparison, End, Progress, Report, Run, Settled, Stage, Watch, holding, settle, sync};
use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep};

use super::sides::{At, FOLDER, Sides, ferry_failed, mounted, options};
use super::state::{Copied, Passage};
use crate::dock::{Docked, dock, undock};
use crate::engine::insist;
use crate::{ActionError, ActionResult, Context, Event};

/// How many differences an error names.
const NAMED: usize = 5;
/// How often a copy tells how far it is.
const TELL: Duration = Duration::from_millis(500);

/// Where data go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// From the source to the destination.
    There,
    /// From the destination back to the source.
    Back,
}

/// The helpers of one volume, at both sides.
pub(super) struct Crossing {
    name: String,
    from: Docked,
    to: Docked,
}

impl Crossing {
    fn ends(&self) -> (End, End) {
        (self.from.end(FOLDER), self.to.end(FOLDER))
    }
}

fn helper(index: usize) -> String {
    format!("volume-{index}")
}

/// Starts helpers at both sides of each volume.
pub(super) async fn cross(
    sides: &Sides<'_>,
    (run, image): (&Run, &str),
    passages: &[Passage],
    direction: Direction,
) -> ActionResult<Vec<Crossing>> {
    let mut crossings = Vec::new();
    for (index, passage) in passages.iter().enumerate() {
        let (source, destination) = (sides.source(), sides.destination());
        let (out, home) = match direction {
            Direction::There => (VolumeAccess::ReadOnly, VolumeAccess::ReadWrite),
            Direction::Back => (VolumeAccess::ReadWrite, VolumeAccess::ReadOnly),
        };
        let name = helper(index);
        let near = source.dock(&name, image, vec![mounted(&passage.from, out)]);
        let far = destination.dock(&name, image, vec![mounted(&passage.to, home)]);
        let (here, there) = (source.shore(&source.scope()), destination.shore(&destination.scope()));
        let (near, far) = tokio::try_join!(dock(&here, run, &near), dock(&there, run, &far))?;
        let (from, to) = match direction {
            Direction::There => (near, far),
            Direction::Back => (far, near),
        };
        crossings.push(Crossing { name: passage.from.native.clone(), from, to });
    }
    Ok(crossings)
}

/// Removes every helper of the release, those of earlier commands among them.
pub(super) async fn remove_helpers(at: &At<'_>) -> ActionResult<()> {
    let Some(volumes) = at.context.backend().volumes() else { return Ok(()) };
    let scope = at.scope();
    let names: BTreeSet<String> = insist(|| volumes.helpers(&scope)).await?.into_iter().collect();
    for name in names {
        undock(&at.shore(&scope), &name).await?;
    }
    wait_until_free(at, &scope).await
}

/// A volume that only one pod may have is free once the helper is really gone.
async fn wait_until_free(at: &At<'_>, scope: &rhumb_backend::Scope) -> ActionResult<()> {
    let Some(volumes) = at.context.backend().volumes() else { return Ok(()) };
    let deadline = Instant::now() + at.timeout;
    while !insist(|| volumes.helpers(scope)).await?.is_empty() {
        if Instant::now() >= deadline {
            return Err(super::sides::failed(
                "a helper is still on its way out; the same command again goes on from here",
            ));
        }
        at.pause().await?;
    }
    Ok(())
}

/// Whether the place that data go to holds nothing.
pub(super) async fn is_empty(crossing: &Crossing) -> ActionResult<bool> {
    let (_, to) = crossing.ends();
    let holds = holding(&to, &options(None)).await.map_err(ferry_failed)?;
    Ok(holds.entries == 0)
}

/// A copy while the source may be in use.
pub(super) async fn first(context: &Context<'_>, crossing: &Crossing) -> ActionResult<Copied> {
    let (from, to) = crossing.ends();
    let started = Instant::now();
    let (watch, progress) = watched();
    let options = options(Some(watch));
    let report = told(context, &crossing.name, progress, sync(&from, &to, &options)).await?;
    Ok(copied(&[report], started, None))
}

/// The last copy, of a source that rests, and its comparison.
///
/// # Errors
/// That both sides still differ.
pub(super) async fn last(context: &Context<'_>, crossing: &Crossing) -> ActionResult<Copied> {
    let (from, to) = crossing.ends();
    let started = Instant::now();
    let (watch, progress) = watched();
    let options = options(Some(watch));
    let Settled { reports, comparison } =
        told(context, &crossing.name, progress, settle(&from, &to, &options)).await?;
    if !comparison.is_equal() {
        return Err(differ(&crossing.name, &comparison));
    }
    Ok(copied(&reports, started, Some(&comparison)))
}

fn watched() -> (Watch, watch::Receiver<Option<Progress>>) {
    let (sender, receiver) = watch::channel(None);
    let watch = Watch::new(move |progress| {
        sender.send_replace(Some(progress));
    });
    (watch, receiver)
}

/// Runs a copy to its end and tells how far it is. What the user ends can be gone on with.
async fn told<T>(
    context: &Context<'_>,
    volume: &str,
    progress: watch::Receiver<Option<Progress>>,
    copy: impl Future<Output = rhumb_ferry::Result<T>>,
) -> ActionResult<T> {
    tokio::pin!(copy);
    loop {
        tokio::select! {
            done = &mut copy => return done.map_err(ferry_failed),
            () = context.cancel.cancelled() => return Err(ActionError::Cancelled),
            () = sleep(TELL) => {
                if let Some(progress) = *progress.borrow() {
                    context.tell(&event(volume, progress));
                }
            }
        }
    }
}

fn event(volume: &str, progress: Progress) -> Event {
    let what = match progress.stage {
        Stage::Listing => "listing",
        Stage::Copying => "copying",
        Stage::Comparing => "comparing",
    };
    Event::Copying { volume: volume.to_owned(), what, bytes: progress.bytes, all_bytes: progress.all_bytes }
}

fn copied(reports: &[Report], started: Instant, comparison: Option<&Comparison>) -> Copied {
    let last = reports.last();
    let left_out = last.iter().flat_map(|report| &report.left_out);
    Copied {
        entries: last.map_or(0, |report| report.entries),
        bytes: reports.iter().map(|report| report.bytes).sum(),
        seconds: (started.elapsed().as_secs_f64() * 10.0).round() / 10.0,
        digest: comparison.map(|comparison| hexadecimal(&comparison.digest)),
        left_out: left_out.map(|one| format!("{}: {}", one.path, one.why)).collect(),
    }
}

fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn differ(volume: &str, comparison: &Comparison) -> ActionError {
    let named: Vec<String> =
        comparison.named.iter().take(NAMED).map(|one| format!("{} ({})", one.path, one.what)).collect();
    let message = format!(
        "both sides differ in {} places after the copy: {}",
        comparison.differences,
        named.join(", ")
    );
    Error::new(ErrorKind::Platform, "compare the volumes", message)
        .with("volume", volume)
        .remedy(
            "what else writes to one of them stopped, then the same command again; or `rhumb migrate abort`",
        )
        .into()
}
