//! The event stream: `/v2/events`.
//!
//! Source: Marathon REST API, `/v2/events`, and its documentation of the event bus.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures_util::stream;
use serde_json::{Value, json};
use tokio::sync::broadcast;

use super::clock::Clock;
use super::request::Request;

/// How many events a slow reader may be behind.
const BACKLOG: usize = 4096;

/// What happened, for those who listen.
#[derive(Debug)]
pub(super) struct Events(broadcast::Sender<(String, Value)>);

impl Events {
    /// Nobody listens yet.
    pub(super) fn new() -> Self {
        Self(broadcast::channel(BACKLOG).0)
    }

    /// Tells of something.
    pub(super) fn tell(&self, event: &str, mut body: Value) {
        body["eventType"] = json!(event);
        body["timestamp"] = json!(Clock::now());
        // Nobody may be listening.
        let _ = self.0.send((event.to_owned(), body));
    }

    /// What follows from now on, as server-sent events; only of the types that are asked for.
    pub(super) fn stream(&self, request: &Request) -> Response {
        let wanted: Vec<String> = request.parameters("event_type").map(str::to_owned).collect();
        let receiver = self.0.subscribe();
        let hello = json!({ "eventType": "event_stream_attached", "remoteAddress": "127.0.0.1", "timestamp": Clock::now() });
        let first = Some(("event_stream_attached".to_owned(), hello));
        let events = stream::unfold((first, receiver, wanted), async |(first, mut receiver, wanted)| {
            if let Some((event, body)) = first {
                let is_wanted = wanted.is_empty() || wanted.contains(&event);
                let chunk = if is_wanted { frame(&event, &body) } else { Bytes::from_static(b"\r\n") };
                return Some((Ok::<_, Infallible>(chunk), (None, receiver, wanted)));
            }
            loop {
                match receiver.recv().await {
                    Ok((event, body)) if wanted.is_empty() || wanted.contains(&event) => {
                        return Some((Ok(frame(&event, &body)), (None, receiver, wanted)));
                    }
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        });
        let mut response = Response::new(Body::from_stream(events));
        let kind = axum::http::HeaderValue::from_static("text/event-stream");
        response.headers_mut().insert(axum::http::header::CONTENT_TYPE, kind);
        response
    }
}

fn frame(event: &str, body: &Value) -> Bytes {
    Bytes::from(format!("event: {event}\r\ndata: {body}\r\n\r\n"))
}
