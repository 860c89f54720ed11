//! What containers print.

mod follow;
mod line;
mod past;
mod source;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use rhumb_backend::{LogLine, LogQuery, Result, Scope};
use tokio::sync::mpsc;

use crate::connect::Cluster;
use crate::error::translate;

/// Which life of a container is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instance {
    /// The one that runs, else the last one.
    Current,
    /// The one before.
    Previous,
}

/// The last lines of a container.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tail<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) pod: &'a str,
    pub(crate) container: Option<&'a str>,
    pub(crate) instance: Instance,
    pub(crate) lines: u32,
}

const OPERATION: &str = "read the container's output";

/// The last lines that a container printed.
///
/// # Errors
/// What the API server answers: nodes that are gone have no lines.
pub(crate) async fn tail(cluster: &Cluster, tail: &Tail<'_>) -> Result<Vec<String>> {
    let params = LogParams {
        container: tail.container.map(ToOwned::to_owned),
        previous: tail.instance == Instance::Previous,
        tail_lines: Some(i64::from(tail.lines)),
        ..LogParams::default()
    };
    let api: Api<Pod> = Api::namespaced(cluster.client().await?.clone(), tail.namespace);
    let text = api.logs(tail.pod, &params).await.map_err(|error| translate(OPERATION, error))?;
    Ok(text.lines().map(|line| line.trim_end_matches('\r').to_owned()).collect())
}

/// Sends the lines of a workload, or of all. The ways that containers print by cannot be told apart: all is standard
/// output.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; what the API server answers.
pub(crate) async fn logs(
    cluster: &Cluster,
    scope: &Scope,
    query: &LogQuery,
    lines: mpsc::Sender<LogLine>,
) -> Result<()> {
    if query.follow {
        return follow::follow(cluster, scope, query, &lines).await;
    }
    past::past(cluster, scope, query, &lines).await
}
