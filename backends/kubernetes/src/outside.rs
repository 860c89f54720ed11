//! What an evaluation does from outside: ending a pod, and finding the way in.

use rhumb_backend::{Entrance, Error, ErrorKind, Killed, PortOf, Result, Scope};
use serde_json::{Value, json};

use crate::connect::{Call, Cluster, Selection};
use crate::names;
use crate::pods::PodView;
use crate::workloads::{Member, find};

const KILL: &str = "delete a pod";

/// Deletes one pod of a workload without grace: the kubelet kills its containers at once.
///
/// # Errors
/// `NotFound` when none of its pods is ready; what the API server answers.
///
/// Source: Kubernetes documentation, "Pod Lifecycle", forced termination.
pub(crate) async fn kill(cluster: &Cluster, scope: &Scope, workload: &str) -> Result<Killed> {
    let members = find(cluster, scope, Some(workload)).await?.pods;
    let runs = |member: &&Member| member.pod.is_ready() && !member.pod.is_leaving();
    let about = |error: Error| error.with("workload", workload);
    let pod = members.iter().find(runs).map(|member| &member.pod);
    let pod = pod.ok_or_else(|| about(Error::new(ErrorKind::NotFound, KILL, "none of its pods is ready")))?;
    let path = format!("/api/v1/namespaces/{}/pods/{}", scope.namespace, pod.name());
    let options = json!({ "gracePeriodSeconds": 0, "preconditions": { "uid": pod.uid() } });
    let _: Value = cluster.json(Call::delete(KILL, path, &options)).await.map_err(about)?;
    Ok(Killed {
        id: pod.uid().to_owned(),
        name: pod.name().to_owned(),
        how: "its pod was deleted without grace".to_owned(),
    })
}

/// The load balancers and node ports that lead to a port of a workload.
///
/// # Errors
/// What the API server answers; that nodes may not be listed is none.
pub(crate) async fn entrances(
    cluster: &Cluster,
    scope: &Scope,
    workload: &str,
    port: PortOf<'_>,
) -> Result<Vec<Entrance>> {
    let label = names::fit(workload, names::LABEL_LIMIT);
    let labels = format!("{},{}={label}", names::release_selector(scope), names::NAME);
    let path = format!("/api/v1/namespaces/{}/services", scope.namespace);
    let selection = Selection { labels, ..Selection::default() };
    let services = cluster.list(Call::get("list the services", path), &selection).await?;
    let mut found: Vec<Entrance> = services.iter().flat_map(|service| balanced(service, port.name)).collect();
    let ports: Vec<u16> = services.iter().filter_map(|service| node_port(service, port.name)).collect();
    if !ports.is_empty() {
        let hosts = nodes(cluster).await?;
        let at = |port: u16| hosts.iter().map(move |(host, node)| (host, node, port));
        found.extend(ports.into_iter().flat_map(at).map(|(host, node, port)| Entrance {
            host: host.clone(),
            port,
            via: format!("the node port of {node}"),
        }));
    }
    Ok(found)
}

fn entry<'a>(service: &'a Value, port: &str) -> Option<&'a Value> {
    let ports = service.pointer("/spec/ports").and_then(Value::as_array)?;
    ports.iter().find(|entry| entry.get("name").and_then(Value::as_str) == Some(port))
}

fn number(entry: &Value, field: &str) -> Option<u16> {
    entry.get(field)?.as_u64()?.try_into().ok()
}

fn node_port(service: &Value, port: &str) -> Option<u16> {
    let is_of_nodes =
        matches!(service.pointer("/spec/type").and_then(Value::as_str), Some("NodePort" | "LoadBalancer"));
    number(entry(service, port).filter(|_| is_of_nodes)?, "nodePort")
}

/// The addresses that a load balancer has given a service.
fn balanced(service: &Value, port: &str) -> Vec<Entrance> {
    let given = service.pointer("/status/loadBalancer/ingress").and_then(Value::as_array);
    let port = entry(service, port).and_then(|entry| number(entry, "port"));
    let host = |ingress: &Value| {
        let word = |field: &str| ingress.get(field).and_then(Value::as_str).map(ToOwned::to_owned);
        word("ip").or_else(|| word("hostname"))
    };
    let hosts = given.into_iter().flatten().filter_map(host);
    hosts
        .filter_map(|host| Some(Entrance { host, port: port?, via: "the load balancer".to_owned() }))
        .collect()
}

/// Addresses of the nodes that are ready, with the nodes' names: those for the outside first.
async fn nodes(cluster: &Cluster) -> Result<Vec<(String, String)>> {
    let listed = cluster.list(Call::get("list the nodes", "/api/v1/nodes"), &Selection::default()).await;
    let nodes = match listed {
        Err(error) if error.kind == ErrorKind::Forbidden => return Ok(Vec::new()),
        other => other?,
    };
    Ok(addresses(&nodes))
}

fn addresses(nodes: &[Value]) -> Vec<(String, String)> {
    let list =
        |node: &Value, at: &str| node.pointer(at).and_then(Value::as_array).cloned().unwrap_or_default();
    let is_ready = |node: &&Value| {
        list(node, "/status/conditions").iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
    };
    let of_kind = |kind: &'static str| {
        nodes.iter().filter(is_ready).flat_map(move |node| {
            let name = node.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default().to_owned();
            let found = list(node, "/status/addresses").into_iter().filter(move |one| one["type"] == kind);
            found.filter_map(move |one| Some((one["address"].as_str()?.to_owned(), name.clone())))
        })
    };
    of_kind("ExternalIP").chain(of_kind("InternalIP")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_leads_in_by_its_balancer_and_its_node_port() {
        let service = json!({
            "spec": { "type": "LoadBalancer", "ports": [
                { "name": "admin", "port": 81, "nodePort": 30081 },
                { "name": "http", "port": 80, "nodePort": 30080 },
            ] },
            "status": { "loadBalancer": { "ingress": [{ "hostname": "lb.example" }, { "ip": "1.2.3.4" }] } },
        });
        let hosts: Vec<_> = balanced(&service, "http").into_iter().map(|way| (way.host, way.port)).collect();
        assert_eq!(hosts, [("lb.example".to_owned(), 80), ("1.2.3.4".to_owned(), 80)]);
        assert_eq!((node_port(&service, "http"), node_port(&service, "x")), (Some(30080), None));
        let inside = json!({ "spec": { "type": "ClusterIP", "ports": [{ "name": "http", "port": 80 }] } });
        assert_eq!((node_port(&inside, "http"), balanced(&inside, "http").len()), (None, 0));
    }

    #[test]
    fn nodes_that_are_ready_are_tried_at_their_outer_addresses_first() {
        let node = |name: &str, ready: &str, addresses: Value| {
            json!({ "metadata": { "name": name }, "status": {
                "conditions": [{ "type": "Ready", "status": ready }], "addresses": addresses,
            } })
        };
        let inner = |ip: &str| json!({ "type": "InternalIP", "address": ip });
        let nodes = [
            node("a", "True", json!([inner("10.0.0.1")])),
            node("b", "True", json!([inner("10.0.0.2"), { "type": "ExternalIP", "address": "1.1.1.2" }])),
            node("c", "False", json!([inner("10.0.0.3")])),
        ];
        let found: Vec<_> = addresses(&nodes).into_iter().map(|(host, _)| host).collect();
        assert_eq!(found, ["1.1.1.2", "10.0.0.1", "10.0.0.2"]);
    }
}
