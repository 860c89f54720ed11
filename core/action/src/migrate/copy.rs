//! Copies of volumes, from helper to helper.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use futures_util::future::FutureExt as _;
use futures_util::stream::{self, StreamExt as _};
use rhumb_backend::{Error, ErrorKind, VolumeAccess};
use rhumb_ferry::{Comparison, End, Progress, Report, Run, Settled, Stage, Watch, holding, settle, sync};
use tokio::sync::watch;
use tokio::time::{Duration, Instant, sleep};

use super::journey::Journey;
use super::sides::{At, FOLDER, Sides, ferry_failed, mounted, options};
use super::state::{Copied, Passage};
use crate::dock::{Docked, dock, undock};
use crate::engine::insist;
use crate::{ActionError, ActionResult, Context, Event};

/// How many differences an error names.
const NAMED: usize = 5;
/// How many volumes are copied at once.
const AT_ONCE: usize = 3;
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
        let name = match direction {
            Direction::There => &passage.from.native,
            Direction::Back => &passage.to.native,
        };
        crossings.push(Crossing { name: name.clone(), from, to });
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

/// Which copy of a volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// While the source may be in use.
    First,
    /// Of a source that rests, with a comparison.
    Last,
    /// Back to a source that rests, with a comparison.
    Back,
}

impl Round {
    fn doing(self, volume: &str) -> String {
        match self {
            Self::First => format!("copying {volume} while the source runs"),
            Self::Last => format!("copying what changed in {volume}, and comparing"),
            Self::Back => format!("copying {volume} back, and comparing"),
        }
    }

    fn of(self, passage: &mut Passage) -> &mut Option<Copied> {
        match self {
            Self::First => &mut passage.first,
            Self::Last => &mut passage.last,
            Self::Back => &mut passage.back,
        }
    }
}

/// Copies every volume, several at once. Each is written down when it is done.
///
/// # Errors
/// The first that fails. The others are gone on with by the next command.
pub(super) async fn copy_all(
    journey: &mut Journey<'_>,
    crossings: &[Crossing],
    round: Round,
) -> ActionResult<()> {
    let context = journey.sides.from;
    let copy = |(index, crossing)| async move { (index, copy(&context, crossing, round).await) };
    // Boxed, because a future that borrows from each item of a stream is more than the compiler can prove to be `Send`.
    let mut copies =
        stream::iter(crossings.iter().enumerate().map(|one| copy(one).boxed())).buffer_unordered(AT_ONCE);
    while let Some((index, copied)) = copies.next().await {
        *round.of(&mut journey.state.volumes[index]) = Some(copied?);
        journey.save()?;
    }
    Ok(())
}

async fn copy(context: &Context<'_>, crossing: &Crossing, round: Round) -> ActionResult<Copied> {
    context.tell(&Event::Doing { what: round.doing(&crossing.name) });
    match round {
        Round::First => first(context, crossing).await,
        Round::Last | Round::Back => last(context, crossing).await,
    }
}

/// A copy while the source may be in use.
async fn first(context: &Context<'_>, crossing: &Crossing) -> ActionResult<Copied> {
    let (from, to) = crossing.ends();
    let started = Instant::now();
    let (watch, progress) = watched();
    let with = options(Some(watch));
    let report = told(context, &crossing.name, progress, sync(&from, &to, &with)).await?;
    let copied = copied(&[report], started, None);
    let holds = holding(&from, &options(None)).await.map_err(ferry_failed)?;
    Ok(Copied { holds: Some(holds.bytes), ..copied })
}

/// The last copy, of a source that rests, and its comparison.
///
/// # Errors
/// That both sides still differ.
async fn last(context: &Context<'_>, crossing: &Crossing) -> ActionResult<Copied> {
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

/// Bytes that a comparison reads on each side, and how many seconds that takes at the speed of the first copies. None where these had too
/// little to copy to tell a speed.
pub(super) fn expected(volumes: &[Passage]) -> Option<(u64, f64)> {
    let (mut bytes, mut all, mut longest) = (0, 0.0, 0.0_f64);
    for first in volumes.iter().map(|passage| passage.first.as_ref()) {
        let (first, holds) = first.and_then(|first| Some((first, first.holds?)))?;
        if first.bytes < holds / 2 {
            return None;
        }
        let seconds = first.seconds * ratio(holds, first.bytes);
        (bytes, all, longest) = (bytes + holds, all + seconds, longest.max(seconds));
    }
    let at_once = u32::try_from(AT_ONCE).map_or(1.0, f64::from);
    (bytes > 0).then(|| (bytes, longest.max(all / at_once).ceil().max(1.0)))
}

#[expect(clippy::cast_precision_loss, reason = "it is a guess")]
fn ratio(whole: u64, part: u64) -> f64 {
    whole as f64 / part.max(1) as f64
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
        holds: None,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn passage(holds: u64, bytes: u64, seconds: f64) -> Passage {
        let volume = serde_json::json!({ "workload": "db", "volume": "data", "native": "data" });
        let first = Copied { holds: Some(holds), bytes, seconds, ..Copied::default() };
        serde_json::from_value(serde_json::json!({ "from": volume, "to": volume, "first": first })).unwrap()
    }

    #[test]
    fn the_first_copy_tells_how_long_a_comparison_takes() {
        assert_eq!(expected(&[passage(1000, 1000, 10.0)]), Some((1000, 10.0)));
        assert_eq!(expected(&[passage(1000, 500, 10.0)]), Some((1000, 20.0)));
        // Several at once take as long as the longest.
        assert_eq!(expected(&[passage(1000, 1000, 9.0), passage(10, 10, 3.0)]), Some((1010, 9.0)));
        // What an earlier run copied tells no speed.
        assert_eq!(expected(&[passage(1000, 10, 0.2)]), None);
        assert_eq!(expected(&[]), None);
    }
}
