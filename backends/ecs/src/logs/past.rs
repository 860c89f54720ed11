//! Lines that are there already.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{ErrorKind, LogLine, Result};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Event;
use super::source::Source;
use crate::connect::Account;
use crate::pages::{each, items, text};

/// The most events of one answer. Source: CloudWatch Logs API reference, `GetLogEvents`.
const PAGE: u64 = 10_000;
/// The most streams of one call. Source: CloudWatch Logs API reference, `FilterLogEvents`.
const STREAMS: usize = 100;
/// How long before the newest line others may have been printed that are told later, in milliseconds.
pub(super) const LAG: i64 = 10_000;

/// What was read, as far as whoever goes on reading must know it.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Events that are not sent yet, in the order of their times.
    pub(super) events: Vec<Event>,
    /// What tells those of the last moments from others.
    pub(super) identities: BTreeSet<(String, i64, String)>,
    /// The newest time.
    pub(super) newest: Option<i64>,
    /// From when on lines are read.
    pub(super) from: i64,
}

impl Seen {
    /// Notes an event.
    pub(super) fn note(&mut self, event: &Event) {
        self.newest = self.newest.max(Some(event.at));
        self.identities.insert(event.identity());
    }

    /// Whether an event was read before.
    pub(super) fn knows(&self, event: &Event) -> bool {
        self.identities.contains(&event.identity())
    }

    /// Forgets what is too old to come again.
    pub(super) fn forget(&mut self) {
        let from = self.from;
        self.identities.retain(|(_, at, _)| *at >= from);
    }

    /// The same, to go on from this time.
    pub(super) fn onward(mut self, from: i64) -> Self {
        self.events.clear();
        self.from = from;
        self.forget();
        self
    }
}

/// The last lines of each source, in the order of their times.
///
/// Source: CloudWatch Logs API reference, `GetLogEvents`: read from the end, page by page; a token that comes again ends it.
pub(super) async fn tail(
    account: &Account,
    sources: &[Source],
    since: Option<i64>,
    tail: u64,
) -> Result<Seen> {
    let found = each(sources, |source| last(account, source, since, tail)).await?;
    let mut seen = Seen::default();
    let mut events: Vec<Event> = found.into_iter().flatten().collect();
    events.sort_by_key(|event| event.at);
    for event in &events {
        seen.note(event);
    }
    seen.events = events;
    Ok(seen)
}

async fn last(account: &Account, source: &Source, since: Option<i64>, tail: u64) -> Result<Vec<Event>> {
    let mut request = json!({
        "logGroupName": source.group,
        "logStreamName": source.stream,
        "startFromHead": false,
    });
    if let Some(since) = since {
        request["startTime"] = (since * 1000).into();
    }
    let mut events: Vec<Event> = Vec::new();
    let wanted = usize::try_from(tail).unwrap_or(usize::MAX);
    while events.len() < wanted {
        request["limit"] = PAGE.min((wanted - events.len()) as u64).into();
        let answer = match account.call("logs:GetLogEvents", &request).await {
            // A task that has printed nothing yet has no stream.
            Err(error) if error.kind == ErrorKind::NotFound => break,
            other => other?,
        };
        let mut page: Vec<Event> =
            items(&answer, "events").filter_map(|event| Event::read(source, event)).collect();
        page.append(&mut events);
        events = page;
        let next = text(&answer, "nextBackwardToken");
        if next.is_none() || next == request.get("nextToken").and_then(Value::as_str) {
            break;
        }
        request["nextToken"] = next.into();
    }
    events.drain(..events.len().saturating_sub(wanted));
    Ok(events)
}

/// Sends every line, in the order of times as far as one call tells it, and returns what was sent last.
pub(super) async fn all(
    account: &Account,
    sources: &[Source],
    since: Option<i64>,
    lines: &mpsc::Sender<LogLine>,
) -> Result<Seen> {
    let mut seen = Seen::default();
    let mut groups: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in sources {
        groups.entry(&source.group).or_default().push(source);
    }
    for (group, sources) in groups {
        for batch in sources.chunks(STREAMS) {
            let from = since.map_or(0, |since| since * 1000);
            let mut token = None;
            loop {
                let (events, next) = page(account, group, batch, from, token.as_deref()).await?;
                for event in &events {
                    seen.note(event);
                    if !event.send(lines).await {
                        return Ok(seen);
                    }
                }
                seen.from = seen.newest.unwrap_or_default().saturating_sub(LAG);
                seen.forget();
                if next.is_none() || next == token {
                    break;
                }
                token = next;
            }
        }
    }
    Ok(seen)
}

/// One page of the lines of some streams of a group from a time on, and where the next page begins.
///
/// Source: CloudWatch Logs API reference, `FilterLogEvents`.
pub(super) async fn page(
    account: &Account,
    group: &str,
    sources: &[&Source],
    from: i64,
    token: Option<&str>,
) -> Result<(Vec<Event>, Option<String>)> {
    let streams: Vec<&str> = sources.iter().map(|source| source.stream.as_str()).collect();
    let mut request = json!({ "logGroupName": group, "logStreamNames": streams, "startTime": from });
    if let Some(token) = token {
        request["nextToken"] = token.into();
    }
    let answer = match account.call("logs:FilterLogEvents", &request).await {
        // Nothing has been printed yet.
        Err(error) if error.kind == ErrorKind::NotFound => return Ok((Vec::new(), None)),
        other => other?,
    };
    let of = |event: &Value| {
        let stream = text(event, "logStreamName")?;
        let source = sources.iter().find(|source| source.stream == stream)?;
        Event::read(source, event)
    };
    let events = items(&answer, "events").filter_map(of).collect();
    let next = text(&answer, "nextToken").filter(|token| !token.is_empty());
    Ok((events, next.map(str::to_owned)))
}
