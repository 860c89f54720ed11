//! One life of one container, and its lines.

use futures_util::AsyncBufReadExt as _;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use rhumb_backend::{ErrorKind, LogLine, LogQuery, LogStream, Result};
use tokio::sync::mpsc;

use super::line;
use crate::connect::Cluster;
use crate::error::translate;
use crate::pods::PodView;
use crate::workloads::Member;

/// One life of one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// By this it is told from the container's other lives.
    pub(super) key: String,
    /// Whether it runs.
    pub(super) runs: bool,
    workload: String,
    /// How its lines are called: the pod, and the container where there are several.
    name: String,
    namespace: String,
    pod: String,
    container: String,
}

/// Which lines are wanted of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) follow: bool,
    pub(super) tail: Option<u64>,
    /// From this second on.
    pub(super) since: Option<Timestamp>,
    /// What was printed up to this moment is known already.
    pub(super) known: Option<Timestamp>,
}

impl Stretch {
    pub(super) fn of(query: &LogQuery) -> Self {
        let since = query.since.and_then(|seconds| Timestamp::from_second(seconds).ok());
        Self { follow: query.follow, tail: query.tail, since, known: None }
    }
}

/// The containers of a pod that have begun to run, now or before.
pub(super) fn sources(member: &Member) -> Vec<Source> {
    let pod = &member.pod;
    let statuses = pod.statuses();
    let several = statuses.len() > 1;
    let begun = statuses.iter().filter(|container| container.runs() || container.last_end().is_some());
    begun
        .map(|container| {
            let status = container.status;
            let last = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
            let id = status
                .container_id
                .as_deref()
                .filter(|id| !id.is_empty())
                .or_else(|| last.and_then(|ended| ended.container_id.as_deref()));
            let life = id.map_or_else(|| status.restart_count.to_string(), ToOwned::to_owned);
            Source {
                key: format!("{}/{}/{life}", pod.uid(), status.name),
                runs: container.runs(),
                workload: member.workload.clone(),
                name: if several { format!("{} {}", pod.name(), status.name) } else { pod.name().to_owned() },
                namespace: pod.metadata.namespace.clone().unwrap_or_default(),
                pod: pod.name().to_owned(),
                container: status.name.clone(),
            }
        })
        .collect()
}

/// Sends the lines of a source until there are no more or nobody listens. Returns when the last one was printed.
///
/// # Errors
/// What the API server answers; nothing when the container is gone or has not begun, since it has no lines then.
pub(super) async fn read(
    cluster: &Cluster,
    source: &Source,
    stretch: Stretch,
    lines: &mpsc::Sender<LogLine>,
) -> Result<Option<Timestamp>> {
    let params = LogParams {
        container: Some(source.container.clone()),
        follow: stretch.follow,
        tail_lines: stretch.tail.map(|lines| i64::try_from(lines).unwrap_or(i64::MAX)),
        since_time: stretch.known.or(stretch.since),
        timestamps: true,
        ..LogParams::default()
    };
    let api: Api<Pod> = Api::namespaced(cluster.client().await?.clone(), &source.namespace);
    let stream = match api.log_stream(&source.pod, &params).await {
        Ok(stream) => stream,
        Err(error) => return nothing(source, translate(super::OPERATION, error)).map(|()| stretch.known),
    };
    let mut stream = std::pin::pin!(stream);
    let (mut bytes, mut last) = (Vec::new(), stretch.known);
    loop {
        bytes.clear();
        let read = tokio::select! {
            read = stream.read_until(b'\n', &mut bytes) => read,
            () = lines.closed() => return Ok(last),
        };
        match read {
            Ok(0) => return Ok(last),
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(pod = source.pod, %error, "the lines break off");
                return Ok(last);
            }
        }
        let line = line::parse(&bytes);
        let time = line.time.as_deref().and_then(|time| time.parse().ok());
        if stretch.known.is_some() && time <= stretch.known {
            continue;
        }
        last = time.or(last);
        if lines.send(source.line(line)).await.is_err() {
            return Ok(last);
        }
    }
}

/// A container that is gone or has not begun has no lines, which is no failure of the others.
fn nothing(source: &Source, error: rhumb_backend::Error) -> Result<()> {
    match error.kind {
        ErrorKind::NotFound | ErrorKind::Invalid | ErrorKind::Platform => {
            tracing::debug!(pod = source.pod, container = source.container, %error, "no lines");
            Ok(())
        }
        _ => Err(error.with("pod", &source.pod)),
    }
}

impl Source {
    /// The streams of a container cannot be told apart.
    fn line(&self, line: line::Line) -> LogLine {
        LogLine {
            workload: self.workload.clone(),
            task: self.name.clone(),
            time: line.time,
            stream: LogStream::Stdout,
            text: line.text,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pods::tests::{container, pod};

    #[test]
    fn every_life_of_a_container_is_a_source_of_its_own() {
        let of = |status: serde_json::Value| {
            let pod = pod(&json!({ "containerStatuses": [status] }));
            sources(&Member { workload: "web".to_owned(), pod })
        };
        let none = json!({});
        assert!(of(container(0, &json!({ "waiting": { "reason": "ContainerCreating" } }), &none)).is_empty());
        let first = of(container(0, &json!({ "running": {} }), &none)).remove(0);
        let second = of(container(1, &json!({ "running": {} }), &json!({ "terminated": { "exitCode": 1 } })));
        assert_ne!(first.key, second[0].key);
        assert_eq!(first.name, "web-1");
        let mut named = container(
            1,
            &json!({ "waiting": {} }),
            &json!({ "terminated": { "exitCode": 1, "containerID": "c1" } }),
        );
        assert_eq!(of(named.clone())[0].key, "p1/web/c1");
        named["containerID"] = json!("c2");
        assert_eq!(of(named)[0].key, "p1/web/c2");
    }

    #[test]
    fn containers_are_named_where_there_are_several() {
        let running = json!({ "running": {} });
        let mut side = container(0, &running, &json!({}));
        side["name"] = json!("side");
        let pod = pod(&json!({ "containerStatuses": [container(0, &running, &json!({})), side] }));
        let names: Vec<_> = sources(&Member { workload: "web".to_owned(), pod })
            .into_iter()
            .map(|source| source.name)
            .collect();
        assert_eq!(names, ["web-1 web", "web-1 side"]);
    }
}
