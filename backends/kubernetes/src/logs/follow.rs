//! Lines as they come, of pods that come and go.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;
use rhumb_backend::{ErrorKind, LogLine, LogQuery, Result, Retry, Scope};
use tokio::sync::mpsc;

use super::source::{Source, Stretch, read, sources};
use crate::connect::Cluster;
use crate::pods::PodView;
use crate::workloads::{Found, find};

/// How long until the pods are looked at again.
const LOOK: Duration = Duration::from_secs(2);
/// And how long while one of them is about to run.
const LOOK_SOON: Duration = Duration::from_millis(400);

/// Sends lines as they come until the receiver is dropped, the release's workload is gone, or every job that is followed
/// has ended.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; what the API server answers at the first look.
pub(super) async fn follow(
    cluster: &Cluster,
    scope: &Scope,
    query: &LogQuery,
    lines: &mpsc::Sender<LogLine>,
) -> Result<()> {
    let mut found = find(cluster, scope, query.workload.as_deref()).await?;
    let mut known = Known::default();
    let mut reading = FuturesUnordered::new();
    let mut first = Stretch::of(query);
    loop {
        for (source, stretch) in known.fresh(&found, first) {
            reading.push(async move {
                let last = read(cluster, &source, stretch, lines).await;
                (source, last)
            });
        }
        // Whoever comes later is read from its beginning.
        first = Stretch { tail: None, since: None, ..first };
        let pause = if is_awaited(&found) { LOOK_SOON } else { LOOK };
        let mut pause = std::pin::pin!(tokio::time::sleep(pause));
        loop {
            tokio::select! {
                Some((source, last)) = reading.next() => known.ended(&source, last?),
                () = &mut pause => break,
                () = lines.closed() => return Ok(()),
            }
        }
        match find(cluster, scope, query.workload.as_deref()).await {
            Ok(now) if reading.is_empty() && have_ended(&now) && known.has_all(&now) => return Ok(()),
            Ok(now) => found = now,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(()),
            // The lines go on meanwhile, and the next look may succeed.
            Err(error) if error.retry == Retry::Same => tracing::debug!(%error, "no look at the pods"),
            Err(error) => return Err(error),
        }
    }
}

/// Whether a pod is about to run.
fn is_awaited(found: &Found) -> bool {
    found.pods.is_empty() || found.pods.iter().any(|member| member.pod.phase() == "Pending")
}

/// Whether nothing of what is followed will run again: every one is a job that is over.
fn have_ended(found: &Found) -> bool {
    let is_over = |object: &serde_json::Value| {
        let conditions = object.pointer("/status/conditions").and_then(serde_json::Value::as_array);
        let is_end = |condition: &serde_json::Value| {
            matches!(condition["type"].as_str(), Some("Complete" | "Failed")) && condition["status"] == "True"
        };
        conditions.is_some_and(|conditions| conditions.iter().any(is_end))
    };
    !found.runners.is_empty()
        && found.runners.iter().all(|runner| runner.kind.word == "job" && is_over(&runner.object))
}

/// Which sources are read or were, and when they were last heard.
#[derive(Default)]
struct Known {
    seen: HashSet<String>,
    heard: HashMap<String, Option<Timestamp>>,
}

impl Known {
    /// The sources that nobody reads yet, and those that still run though their lines broke off.
    fn fresh(&mut self, found: &Found, stretch: Stretch) -> Vec<(Source, Stretch)> {
        let mut fresh = Vec::new();
        for source in found.pods.iter().flat_map(sources) {
            if self.seen.insert(source.key.clone()) {
                fresh.push((source, stretch));
            } else if source.runs
                && let Some(heard) = self.heard.remove(&source.key)
            {
                fresh.push((source, Stretch { known: heard, tail: None, ..stretch }));
            }
        }
        fresh
    }

    fn ended(&mut self, source: &Source, last: Option<Timestamp>) {
        self.heard.insert(source.key.clone(), last);
    }

    fn has_all(&self, found: &Found) -> bool {
        found.pods.iter().flat_map(sources).all(|source| self.heard.contains_key(&source.key))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pods::tests::{container, pod};
    use crate::workloads::Member;

    fn found(restarts: i32) -> Found {
        let running = container(restarts, &json!({ "running": {} }), &json!({}));
        let pod = pod(&json!({ "containerStatuses": [running] }));
        Found { runners: Vec::new(), pods: vec![Member { workload: "web".to_owned(), pod }] }
    }

    #[test]
    fn each_source_is_read_once_and_again_when_it_breaks_off() {
        let mut known = Known::default();
        let first = known.fresh(&found(0), Stretch { tail: Some(3), ..Stretch::default() });
        assert_eq!((first.len(), first[0].1.tail), (1, Some(3)));
        assert!(known.fresh(&found(0), Stretch::default()).is_empty());
        let heard = "2026-01-01T00:00:00Z".parse().ok();
        known.ended(&first[0].0, heard);
        let again = known.fresh(&found(0), Stretch::default());
        assert_eq!((again.len(), again[0].1.known), (1, heard));
        let restarted = known.fresh(&found(1), Stretch::default());
        assert_eq!((restarted.len(), restarted[0].1.known), (1, None), "another life begins anew");
    }
}
