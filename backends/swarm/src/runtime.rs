//! What is asked of things that run.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join;
use rhumb_backend::{Error, ErrorKind, Live, LogLine, LogQuery, Receipt, Result, Scope, Task};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::change::force;
use crate::connect::{Call, Engine};
use crate::health::{Node, nodes};
use crate::kind::Kind;
use crate::logs::{self, Source};
use crate::observe::{one, ours};
use crate::rollout::Rollout;
use crate::task;

/// The replicas of a workload, or of all.
///
/// # Errors
/// `NotFound` for a workload that the release does not have.
pub(crate) async fn tasks(engine: &Engine, scope: &Scope, workload: Option<&str>) -> Result<Vec<Task>> {
    let services = services(engine, scope, workload).await?;
    let ids: Vec<_> = services.iter().map(|service| service.native.as_str()).collect();
    let (mut tasks, nodes) = try_join(task::list(engine, &ids), nodes(engine)).await?;
    let by_id: BTreeMap<_, _> = services.iter().map(|service| (service.native.as_str(), service)).collect();
    tasks.sort_by(|left, right| {
        let place = |task: &task::Task| {
            let service = by_id.get(task.service_id.as_str()).map(|service| service.object.id.clone());
            (service, task.slot, task.node_id.clone())
        };
        place(left).cmp(&place(right)).then_with(|| right.created_at.cmp(&left.created_at))
    });
    let of_service = |task: &task::Task| Some(shown(task, by_id.get(task.service_id.as_str())?, &nodes));
    Ok(tasks.iter().filter_map(of_service).collect())
}

fn shown(task: &task::Task, service: &Live, nodes: &[Node]) -> Task {
    let node = nodes.iter().find(|node| node.id() == task.node_id);
    let node = node.map(|node| node.name().to_owned());
    let replica =
        if task.slot > 0 { task.slot.to_string() } else { node.clone().unwrap_or_else(|| task.replica()) };
    let image = task.spec.pointer("/ContainerSpec/Image").and_then(Value::as_str).unwrap_or_default();
    // The engine lists each port of a task twice.
    let ports: BTreeSet<_> = task.status.host.ports.iter().flatten().map(ToString::to_string).collect();
    Task {
        workload: workload_of(service).to_owned(),
        id: task.id.clone(),
        name: format!("{}.{replica}", service.object.id.name()),
        image: image.split('@').next().unwrap_or(image).to_owned(),
        node,
        desired: task::state(&task.desired_state),
        state: task::state(&task.status.state),
        detail: task.status.state.clone(),
        since: Some(task.status.timestamp.clone()).filter(|time| !time.is_empty()),
        error: Some(task.status.err.clone()).filter(|error| !error.is_empty()),
        exit_code: task.exit_code(),
        ports: ports.into_iter().collect(),
    }
}

/// Sends the lines of a workload, or of all.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; `Unsupported` where the log driver keeps nothing.
pub(crate) async fn logs(
    engine: &Engine,
    scope: &Scope,
    query: &LogQuery,
    lines: mpsc::Sender<LogLine>,
) -> Result<()> {
    let services = services(engine, scope, query.workload.as_deref()).await?;
    let sources: Vec<_> = services
        .iter()
        .map(|service| Source {
            workload: workload_of(service).to_owned(),
            name: service.object.id.name().to_owned(),
            service: service.native.clone(),
            tty: service.object.body.pointer("/TaskTemplate/ContainerSpec/TTY").and_then(Value::as_bool)
                == Some(true),
        })
        .collect();
    logs::send(engine, &sources, query, lines).await
}

/// Sets the number of replicas.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; `Unsupported` for modes that have no number; `Conflict`
/// when somebody changed the service at the same time.
pub(crate) async fn scale(
    engine: &Engine,
    scope: &Scope,
    workload: &str,
    replicas: u32,
) -> Result<Vec<Receipt>> {
    let services = services(engine, scope, Some(workload)).await?;
    let mut receipts = Vec::new();
    for service in services {
        if service.object.id.name() != workload_of(&service) {
            return Err(fixed(workload, "each replica of it is a service of its own")
                .remedy("change the number in the chart's values, and upgrade"));
        }
        let mut body = service.object.body.clone();
        let Some(mode) = body.pointer_mut("/Mode/Replicated") else {
            return Err(fixed(workload, "only a replicated workload has a number of replicas"));
        };
        *mode = json!({ "Replicas": replicas });
        receipts.push(write(engine, scope, service, body).await?);
    }
    Ok(receipts)
}

fn fixed(workload: &str, why: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "scale the workload", why).with("workload", workload)
}

/// Replaces every replica by an equal one.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; `Conflict` when somebody changed the service at the same
/// time.
pub(crate) async fn restart(engine: &Engine, scope: &Scope, workload: &str) -> Result<Vec<Receipt>> {
    let mut receipts = Vec::new();
    for service in services(engine, scope, Some(workload)).await? {
        let mut body = service.object.body.clone();
        let Some(template) = body.get_mut("TaskTemplate") else { continue };
        force(template);
        receipts.push(write(engine, scope, service, body).await?);
    }
    Ok(receipts)
}

/// Without credentials in the call, the engine goes on with those that it was given last.
async fn write(engine: &Engine, scope: &Scope, service: Live, body: Value) -> Result<Receipt> {
    let path = format!("/services/{}/update", service.native);
    let version = service.version.unwrap_or_default();
    let call = Call::post(Kind::Service.updating(), path, body).query("version", version);
    let about = |error: Error| error.with("object", service.object.id.as_str());
    engine.send(call).await.map_err(about)?;
    let live = one(engine, scope, Kind::Service, &service.native, &service.object.id).await.map_err(about)?;
    let live = live.ok_or_else(|| {
        about(Error::new(
            ErrorKind::Conflict,
            Kind::Service.updating(),
            "somebody removed it at the same time",
        ))
    })?;
    Ok(Receipt {
        id: service.object.id,
        native: service.native,
        workload: service.object.workload,
        outputs: live.outputs,
        rollout: Rollout::of(&live.object.body).to_value(),
    })
}

/// The services of a workload, or of all. A stateful workload has one for each replica; they can be named too: `db-0`.
pub(crate) async fn services(engine: &Engine, scope: &Scope, workload: Option<&str>) -> Result<Vec<Live>> {
    let mut services = ours(engine, scope, Kind::Service).await?;
    services.sort_by(|left, right| left.object.id.cmp(&right.object.id));
    let Some(workload) = workload else { return Ok(services) };
    let known: BTreeSet<_> = services.iter().map(|service| workload_of(service).to_owned()).collect();
    services.retain(|service| workload_of(service) == workload || service.object.id.name() == workload);
    if services.is_empty() {
        let error = Error::new(ErrorKind::NotFound, "find the workload", "the release does not have it");
        return Err(error.with("workload", workload).remedy(if known.is_empty() {
            "the release runs nothing".to_owned()
        } else {
            format!("it has {}", known.into_iter().collect::<Vec<_>>().join(", "))
        }));
    }
    Ok(services)
}

/// The workload that a service runs. Every replica of a stateful workload is a service of its own, all with its name.
fn workload_of(service: &Live) -> &str {
    service.object.workload.as_deref().unwrap_or_else(|| service.object.id.name())
}
