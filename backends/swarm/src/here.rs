//! Replicas on the node whose engine is spoken with: managers pass nothing on to the engines of other nodes.

use futures_util::future::try_join3;
use rhumb_backend::{Error, ErrorKind, Result, Scope, TaskState};
use serde_json::Value;

use crate::connect::{Call, Engine};
use crate::runtime::{services, tasks};
use crate::task;

/// A replica that runs, and whose container the engine can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Replica {
    /// The task.
    pub(crate) id: String,
    /// As people call it: `web.1`.
    pub(crate) name: String,
    /// The container's id.
    pub(crate) container: String,
}

/// The replicas of a workload that run on the engine's own node.
///
/// # Errors
/// `NotFound` for a workload that the release does not have, and when none of its replicas runs; `Unsupported` when those
/// that run are on other nodes.
pub(crate) async fn running(
    engine: &Engine,
    scope: &Scope,
    workload: &str,
    operation: &'static str,
) -> Result<Vec<Replica>> {
    let services = services(engine, scope, Some(workload)).await?;
    let ids: Vec<&str> = services.iter().map(|service| service.native.as_str()).collect();
    let info = engine.json::<Value>(Call::get("ask the engine", "/info"));
    let shown = tasks(engine, scope, Some(workload));
    let (raw, shown, info) = try_join3(task::list(engine, &ids), shown, info).await?;
    let here = info.pointer("/Swarm/NodeID").and_then(Value::as_str).unwrap_or_default();
    let running: Vec<_> =
        raw.iter().filter(|task| task::state(&task.status.state) == TaskState::Running).collect();
    if running.is_empty() {
        let error = Error::new(ErrorKind::NotFound, operation, "none of its replicas runs");
        return Err(error.with("workload", workload));
    }
    let name = |id: &str| shown.iter().find(|shown| shown.id == id).map(|shown| shown.name.clone());
    let mut found: Vec<Replica> = running
        .into_iter()
        .filter(|task| task.node_id == here)
        .filter_map(|task| {
            let name = name(&task.id).unwrap_or_else(|| task.id.clone());
            Some(Replica { id: task.id.clone(), name, container: task.container()?.to_owned() })
        })
        .collect();
    found.sort_by(|left, right| left.name.cmp(&right.name));
    if found.is_empty() { Err(elsewhere(operation, workload)) } else { Ok(found) }
}

/// That every replica is out of the engine's reach.
pub(crate) fn elsewhere(operation: &'static str, workload: &str) -> Error {
    let why = "every replica is on a node whose engine is not the one that is spoken with, and Swarm's managers pass \
               nothing on to others";
    let remedy = "a target whose host is the engine of a node that has a replica and manages the swarm";
    Error::new(ErrorKind::Unsupported, operation, why).with("workload", workload).remedy(remedy)
}
