//! What an evaluation does from outside: ending a replica, and finding the way in.

use std::collections::BTreeSet;

use rhumb_backend::{Entrance, Killed, PortOf, Result, Scope, TaskState};
use serde_json::{Value, json};

use crate::connect::{Address, Call, Endpoint, Engine};
use crate::health::{Node, nodes};
use crate::here;
use crate::runtime::services;
use crate::task;

const KILL: &str = "kill a container";

/// Kills the container of one replica. Managers pass nothing on to other nodes' engines, so it must be a replica of the node
/// whose engine is spoken with.
///
/// # Errors
/// `NotFound` when none of its replicas runs; `Unsupported` when those that run are on other nodes.
///
/// Source: Engine API reference, `ContainerKill`: SIGKILL unless another signal is named.
pub(crate) async fn kill(engine: &Engine, scope: &Scope, workload: &str) -> Result<Killed> {
    let replicas = here::running(engine, scope, workload, KILL).await?;
    let Some(replica) = replicas.into_iter().next() else { return Err(here::elsewhere(KILL, workload)) };
    let call = Call::post(KILL, format!("/containers/{}/kill", replica.container), json!({}));
    engine.send(call).await.map_err(|error| error.with("workload", workload))?;
    let how = "its container was killed with SIGKILL".to_owned();
    Ok(Killed { id: replica.id, name: replica.name, how })
}

/// The nodes' ports that lead to a port of a workload.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; what the engine answers.
pub(crate) async fn entrances(
    engine: &Engine,
    scope: &Scope,
    workload: &str,
    port: PortOf<'_>,
) -> Result<Vec<Entrance>> {
    let services = services(engine, scope, Some(workload)).await?;
    let ids: Vec<&str> = services.iter().map(|service| service.native.as_str()).collect();
    let (tasks, nodes) = futures_util::future::try_join(task::list(engine, &ids), nodes(engine)).await?;
    let with_tasks: BTreeSet<&str> = tasks
        .iter()
        .filter(|task| task::state(&task.status.state) == TaskState::Running)
        .map(|task| task.node_id.as_str())
        .collect();
    let own = own_host(engine);
    let published = services.iter().flat_map(|service| published(&service.object.body, port.number));
    Ok(published
        .flat_map(|(number, is_mesh)| ways(number, is_mesh, own.as_deref(), (&nodes, &with_tasks)))
        .collect())
}

/// The published ports of a service that lead to a port, each with whether every node leads on.
fn published(service: &Value, port: u16) -> Vec<(u16, bool)> {
    let ports = service.pointer("/EndpointSpec/Ports").and_then(Value::as_array).into_iter().flatten();
    let leads = |entry: &&Value| {
        entry.get("TargetPort").and_then(Value::as_u64) == Some(port.into())
            && entry.get("Protocol").and_then(Value::as_str).unwrap_or("tcp") == "tcp"
    };
    ports
        .filter(leads)
        .filter_map(|entry| {
            let is_mesh = entry.get("PublishMode").and_then(Value::as_str) != Some("host");
            Some((entry.get("PublishedPort")?.as_u64()?.try_into().ok()?, is_mesh))
        })
        .collect()
}

/// Where a published port is: on every node with the routing mesh, else on those that have a replica.
fn ways(
    port: u16,
    is_mesh: bool,
    own: Option<&str>,
    (nodes, with_tasks): (&[Node], &BTreeSet<&str>),
) -> Vec<Entrance> {
    let mut found: Vec<Entrance> = Vec::new();
    if is_mesh {
        let via = "the swarm's routing mesh";
        found.extend(own.map(|host| Entrance { host: host.to_owned(), port, via: via.to_owned() }));
    }
    for node in nodes.iter().filter(|node| is_mesh || with_tasks.contains(node.id())) {
        let via = if is_mesh {
            "the swarm's routing mesh".to_owned()
        } else {
            format!("the host port of {}", node.name())
        };
        let is_address = !node.address().is_empty() && node.address() != "0.0.0.0";
        found.extend(is_address.then(|| Entrance { host: node.address().to_owned(), port, via }));
    }
    found
}

/// The host whose engine is spoken with, which is a node of the swarm.
fn own_host(engine: &Engine) -> Option<String> {
    match Endpoint::resolve(engine.settings(), engine.environment()).ok()?.address {
        Address::Unix(_) => None,
        Address::Tcp(place) => place.rsplit_once(':').map(|(host, _)| host.to_owned()),
        Address::Ssh(place) => {
            let host = place.rsplit_once('@').map_or(place.as_str(), |(_, host)| host);
            Some(host.split(':').next().unwrap_or(host).to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(id: &str, address: &str) -> Node {
        serde_json::from_value(
            json!({ "ID": id, "Description": { "Hostname": id }, "Status": { "Addr": address } }),
        )
        .unwrap()
    }

    #[test]
    fn published_ports_lead_from_the_nodes() {
        let service = json!({ "EndpointSpec": { "Ports": [
            { "TargetPort": 8080, "PublishedPort": 80, "PublishMode": "ingress", "Protocol": "tcp" },
            { "TargetPort": 8080, "PublishedPort": 81, "PublishMode": "host" },
            { "TargetPort": 8080, "PublishedPort": 82, "Protocol": "udp" },
            { "TargetPort": 9090, "PublishedPort": 83 },
        ] } });
        assert_eq!(published(&service, 8080), [(80, true), (81, false)]);
        let nodes = [node("n1", "10.0.0.1"), node("n2", "10.0.0.2"), node("n3", "0.0.0.0")];
        let with_tasks = BTreeSet::from(["n2", "n3"]);
        let hosts = |is_mesh: bool| -> Vec<String> {
            let found = ways(80, is_mesh, Some("gate"), (&nodes, &with_tasks));
            found.into_iter().map(|way| format!("{} via {}", way.host, way.via)).collect()
        };
        assert_eq!(hosts(false), ["10.0.0.2 via the host port of n2"]);
        let mesh = "the swarm's routing mesh";
        assert_eq!(hosts(true), ["gate", "10.0.0.1", "10.0.0.2"].map(|host| format!("{host} via {mesh}")));
    }
}
