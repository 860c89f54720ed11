//! Lines as they come.

use std::collections::BTreeMap;
use std::time::Duration;

use rhumb_backend::{Error, ErrorKind, LogLine, Result, Retry};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::past::{LAG, Seen, page};
use super::source::{self, Source};
use crate::connect::Account;
use crate::members::Member;

/// How long until lines are asked for again. CloudWatch lets an account ask ten times a second.
const PAUSE: Duration = Duration::from_secs(1);
/// How long until it is looked for other tasks.
const LOOK: Duration = Duration::from_secs(5);
/// The most streams of one call. Source: CloudWatch Logs API reference, `FilterLogEvents`.
const STREAMS: usize = 100;

/// Sends lines as they come, those of tasks that start later among them, until nobody listens. A call that fails and may
/// pass is made again.
pub(super) async fn follow(
    account: &Account,
    members: &[Member],
    mut seen: Seen,
    lines: mpsc::Sender<LogLine>,
) -> Result<()> {
    let mut sources: Vec<Source> = Vec::new();
    let mut looked: Option<Instant> = None;
    while !lines.is_closed() {
        if looked.is_none_or(|at| at.elapsed() >= LOOK) {
            sources = tolerant(source::find(account, members).await)?.unwrap_or(sources);
            looked = Some(Instant::now());
        }
        if !tolerant(round(account, &sources, &mut seen, &lines).await)?.unwrap_or(true) {
            return Ok(());
        }
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = lines.closed() => {}
        }
    }
    Ok(())
}

/// Nothing in the place of an error that may pass.
fn tolerant<T>(result: Result<T>) -> Result<Option<T>> {
    let may_pass = |error: &Error| error.retry != Retry::Never || error.kind == ErrorKind::Timeout;
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if may_pass(&error) => {
            tracing::debug!(%error, "the lines are asked for again");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Sends what is new; false when nobody listens any more.
async fn round(
    account: &Account,
    sources: &[Source],
    seen: &mut Seen,
    lines: &mpsc::Sender<LogLine>,
) -> Result<bool> {
    let mut groups: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in sources {
        groups.entry(&source.group).or_default().push(source);
    }
    for (group, sources) in groups {
        for batch in sources.chunks(STREAMS) {
            let mut token = None;
            loop {
                let (events, next) = page(account, group, batch, seen.from, token.as_deref()).await?;
                for event in events {
                    if seen.knows(&event) {
                        continue;
                    }
                    seen.note(&event);
                    if !event.send(lines).await {
                        return Ok(false);
                    }
                }
                if next.is_none() || next == token {
                    break;
                }
                token = next;
            }
        }
    }
    // Lines of another task that were printed a little earlier may be told later.
    seen.from = seen.from.max(seen.newest.map_or(seen.from, |newest| newest.saturating_sub(LAG)));
    seen.forget();
    Ok(true)
}
