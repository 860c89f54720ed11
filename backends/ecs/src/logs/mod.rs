//! What tasks printed, from CloudWatch Logs.

mod follow;
mod past;
mod source;

use jiff::Timestamp;
use rhumb_backend::{LogLine, LogQuery, LogStream, Result, Scope};
use serde_json::Value;
use tokio::sync::mpsc;

use crate::connect::Account;
use crate::members::members;
use crate::pages::text;
use source::Source;

/// Sends the lines of a workload, or of all, until there are no more; with `follow`, until nobody listens.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; `Unsupported` where the log driver keeps nothing here.
pub(crate) async fn logs(
    account: &Account,
    scope: &Scope,
    query: &LogQuery,
    lines: mpsc::Sender<LogLine>,
) -> Result<()> {
    let members = members(account, scope, query.workload.as_deref()).await?;
    let sources = source::find(account, &members).await?;
    if sources.is_empty() && query.workload.is_some() {
        source::kept(&members)?;
    }
    // What comes while the past is read is read afterwards.
    let now = Timestamp::now().as_millisecond();
    let seen = if let Some(tail) = query.tail {
        let seen = past::tail(account, &sources, query.since, tail).await?;
        for event in &seen.events {
            if !event.send(&lines).await {
                return Ok(());
            }
        }
        // What is older than the last line was not asked for.
        let from = seen.newest.unwrap_or(now);
        seen.onward(from)
    } else {
        let seen = past::all(account, &sources, query.since, &lines).await?;
        let from = seen.newest.unwrap_or(now).saturating_sub(past::LAG);
        seen.onward(from)
    };
    if query.follow {
        return follow::follow(account, &members, seen, lines).await;
    }
    Ok(())
}

/// A line, or several at once, with where it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Event {
    source: Source,
    /// In milliseconds since 1970.
    at: i64,
    text: String,
}

impl Event {
    fn read(source: &Source, event: &Value) -> Option<Self> {
        let at = event.get("timestamp")?.as_i64()?;
        Some(Self { source: source.clone(), at, text: text(event, "message")?.to_owned() })
    }

    /// What tells it from others, as far as every call tells it.
    fn identity(&self) -> (String, i64, String) {
        (self.source.stream.clone(), self.at, self.text.clone())
    }

    /// Sends it; false when nobody listens any more. A driver that joins lines is taken apart again.
    async fn send(&self, lines: &mpsc::Sender<LogLine>) -> bool {
        let time = Timestamp::from_millisecond(self.at).ok().map(|time| time.to_string());
        for text in self.text.strip_suffix('\n').unwrap_or(&self.text).split('\n') {
            let line = LogLine {
                workload: self.source.workload.clone(),
                task: self.source.task.clone(),
                time: time.clone(),
                // CloudWatch does not tell the two apart.
                stream: LogStream::Stdout,
                text: text.strip_suffix('\r').unwrap_or(text).to_owned(),
            };
            if lines.send(line).await.is_err() {
                return false;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests;
