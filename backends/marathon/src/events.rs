//! The event stream, which wakes those who wait. What decides is what they then read.

use std::fmt;
use std::time::{Duration, Instant};

use reqwest::Response;
use rhumb_backend::{Receipt, Result, Scope};
use tokio::sync::Mutex;

use crate::connect::{Call, Server};
use crate::kind::Kind;
use crate::names;
use crate::rollout::Rollout;

/// What changes how far a rollout is.
///
/// Source: Marathon documentation, "Event Bus".
const TYPES: [&str; 9] = [
    "deployment_success",
    "deployment_failed",
    "deployment_step_success",
    "status_update_event",
    "instance_changed_event",
    "instance_health_changed_event",
    "health_status_changed_event",
    "unhealthy_instance_kill_event",
    "app_terminated_event",
];
/// How long a server that gives no stream is not asked for one again.
const AWAY: Duration = Duration::from_secs(20);
/// The most of one event that is kept, in bytes.
const EVENT_LIMIT: usize = 1 << 20;

/// The event stream, opened when somebody first waits.
#[derive(Debug, Default)]
pub(crate) struct Events(Mutex<Stream>);

#[derive(Default)]
enum Stream {
    #[default]
    Closed,
    /// It could not be opened, or whoever opened it waits no more; nobody tries before this moment.
    Away(Instant),
    Open {
        response: Response,
        text: String,
    },
}

impl fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Closed => "Closed",
            Self::Away(_) => "Away",
            Self::Open { .. } => "Open",
        })
    }
}

/// Returns once Marathon tells of something about the release's apps and pods, or about these deployments. Where it gives no
/// stream, it never returns.
pub(crate) async fn changed(server: &Server, events: &Events, scope: &Scope, receipts: &[Receipt]) {
    let is_told = |receipt: &Receipt| matches!(Kind::of(&receipt.id), Some(Kind::App | Kind::Pod));
    if !receipts.iter().any(is_told) {
        return std::future::pending().await;
    }
    let mut about = vec![format!("\"{}/", names::group(scope))];
    about.extend(receipts.iter().filter_map(|receipt| Rollout::parse(&receipt.rollout).deployment));
    let mut stream = events.0.lock().await;
    loop {
        match &mut *stream {
            Stream::Away(until) if Instant::now() < *until => return std::future::pending().await,
            Stream::Closed | Stream::Away(_) => {
                *stream = Stream::Away(Instant::now() + AWAY);
                match open(server).await {
                    Ok(response) => *stream = Stream::Open { response, text: String::new() },
                    Err(error) => tracing::debug!(%error, "there is no event stream"),
                }
            }
            Stream::Open { response, text } => match response.chunk().await {
                Ok(Some(bytes)) => {
                    text.push_str(&String::from_utf8_lossy(&bytes));
                    if take(text).iter().any(|event| about.iter().any(|about| event.contains(about))) {
                        return;
                    }
                }
                ended => {
                    tracing::debug!(?ended, "the event stream ended");
                    *stream = Stream::Closed;
                }
            },
        }
    }
}

/// Events are told lightly: a heavy one repeats every app of the cluster.
async fn open(server: &Server) -> Result<Response> {
    let mut call = Call::get("follow the events", "/v2/events").accept("text/event-stream");
    call = call.query("plan-format", "light");
    for event in TYPES {
        call = call.query("event_type", event);
    }
    server.open(&call).await
}

/// The events that are whole, which leave the text.
///
/// Source: WHATWG, "Server-sent events": an event ends with an empty line.
fn take(text: &mut String) -> Vec<String> {
    // A break that was cut in two becomes one when its other half is there.
    *text = text.replace("\r\n", "\n");
    let Some(end) = text.rfind("\n\n") else {
        if text.len() > EVENT_LIMIT {
            text.clear();
        }
        return Vec::new();
    };
    let whole: String = text.drain(..end + 2).collect();
    whole.split("\n\n").filter(|event| !event.trim().is_empty()).map(ToOwned::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_whole_before_they_count() {
        let mut text = String::from("event: a\r\ndata: {\"x\"");
        assert!(take(&mut text).is_empty());
        text.push_str(": 1}\r\n\r");
        assert!(take(&mut text).is_empty());
        text.push_str("\nevent: b\r\ndata: 2\r\n\r\nevent: c");
        assert_eq!(take(&mut text), ["event: a\ndata: {\"x\": 1}", "event: b\ndata: 2"]);
        assert_eq!(text, "event: c");
    }
}
