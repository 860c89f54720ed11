//! Addresses of siblings, and networks as policies.
//!
//! Every pod of a cluster reaches every other until a policy selects it. A network becomes a policy that lets its
//! members in to each other; pods bear a label for each network that they are on.
//!
//! Source: Kubernetes documentation, "Network Policies"; policies add up, and none forbids what another allows.

use rhumb_backend::{CheckedApp, Object, ObjectId, Scope};
use rhumb_spec::Feature;
use rhumb_spec::model::{Discovery, Expose, ExposeAs, Kind, Network, Port, Traffic, Workload};
use serde_json::{Map, Value, json};

use super::body::Body;
use super::{Context, Report, Site, labels};
use crate::names;

/// The host and port at which siblings reach an exposed port of a workload.
///
/// A name that leads to the replicas themselves maps no port, so there the number is the container's.
pub(super) fn address(
    checked: &CheckedApp,
    scope: &Scope,
    workload: &str,
    port: &str,
) -> Option<(String, u16)> {
    let expose = checked.exposed(workload, port)?;
    let found = checked.app().workloads.get(workload)?;
    let number = match found.discovery {
        Discovery::VirtualIp => inner_port(expose),
        Discovery::Dns => container_port(found, port)?.port,
    };
    Some((format!("{workload}.{}.svc", scope.namespace), number))
}

/// The ports that the API server gives out on nodes.
///
/// Source: Kubernetes documentation, "Service", `type: NodePort`, the default of `--service-node-port-range`.
pub(crate) const NODE_PORTS: std::ops::RangeInclusive<u16> = 30_000..=32_767;

/// The number that siblings use.
pub(super) fn inner_port(expose: &Expose) -> u16 {
    expose.internal_port.unwrap_or(expose.port)
}

/// The port of the node itself, where a port that is exposed on the nodes with a replica is none that services have.
///
/// Source: Kubernetes API reference, `ContainerPort.hostPort`.
pub(super) fn host_port(expose: &Expose) -> Option<u16> {
    let is_local = expose.kind == ExposeAs::Node && expose.traffic == Traffic::Local;
    (is_local && !NODE_PORTS.contains(&expose.port)).then_some(expose.port)
}

/// A container's port, by its name.
pub(super) fn container_port(workload: &Workload, name: &str) -> Option<Port> {
    workload.containers.values().find_map(|container| container.ports.get(name)).copied()
}

/// The labels that put a workload's pods on its networks.
pub(super) fn memberships(workload: &Workload) -> Map<String, Value> {
    workload.networks.keys().map(|name| (names::network_label(name), "true".into())).collect()
}

/// A policy for each network of the app.
pub(super) fn objects(context: &Context<'_>, report: &mut Report) -> Vec<Object> {
    let networks = context.app.networks.iter();
    networks.filter_map(|(name, network)| object(context, name, network, report)).collect()
}

fn object(context: &Context<'_>, name: &str, network: &Network, report: &mut Report) -> Option<Object> {
    let path = Kind::Network.path(name);
    labels::check(&network.labels, &format!("{path}.labels"), report);
    if network.external {
        let text = format!(
            "its members bear the label `{}`, by which policies that exist select them; whether there is one is not \
             asked",
            names::network_label(name)
        );
        report.lose(Feature::NetworkIsolation, path, text);
        return None;
    }
    if network.subnet.is_some() {
        let text = "pods have addresses of the cluster's own ranges";
        report.lose(Feature::NetworkIsolation, format!("{path}.subnet"), text);
    }
    let members = json!({ "podSelector": { "matchLabels": members(context, name, network) } });
    let mut spec = Body::new();
    spec.set("podSelector", members["podSelector"].clone());
    let egress = egress(context, name, network, &members);
    let types = if egress.is_some() { vec!["Ingress", "Egress"] } else { vec!["Ingress"] };
    spec.set("policyTypes", types).set("ingress", json!([{ "from": [members] }])).set_some("egress", egress);
    Some(policy(context, (name, name), &network.labels, spec))
}

/// Which pods are on a network. Where others may join, the network's label is enough.
fn members(context: &Context<'_>, name: &str, network: &Network) -> Map<String, Value> {
    let mut labels = Map::new();
    labels.insert(names::network_label(name), "true".into());
    if !network.attachable {
        labels.insert(names::INSTANCE.to_owned(), names::instance(context.scope).into());
    }
    labels
}

/// What members may reach: on an internal network each other and the cluster's DNS. A network that has members of an
/// internal one must say that it lets them out, since the internal one's policy selects them.
fn egress(context: &Context<'_>, name: &str, network: &Network, members: &Value) -> Option<Value> {
    if network.internal {
        let dns = json!([{ "port": 53, "protocol": "UDP" }, { "port": 53, "protocol": "TCP" }]);
        return Some(json!([{ "to": [members] }, { "to": [{ "namespaceSelector": {} }], "ports": dns }]));
    }
    let is_internal =
        |other: &String| context.app.networks.get(other).is_some_and(|network| network.internal);
    let shares = |workload: &Workload| {
        workload.networks.contains_key(name) && workload.networks.keys().any(is_internal)
    };
    context.app.workloads.values().any(shares).then(|| json!([{}]))
}

/// The policy that lets the outside in to what a workload of a network shows it, without which the networks' own
/// policies would keep it away.
pub(super) fn exposure(context: &Context<'_>, site: &Site<'_>) -> Option<Object> {
    let is_isolated = |name: &String| context.app.networks.contains_key(name);
    if !site.workload.networks.keys().any(is_isolated) {
        return None;
    }
    let is_routed = |port: &str| {
        let mut targets = context.app.routes.values().flat_map(|route| route.paths.values());
        targets.any(|target| target.workload == site.name && target.port == port)
    };
    let outer = site.workload.expose.iter();
    let outer = outer.filter(|(name, expose)| expose.kind != ExposeAs::Internal || is_routed(name));
    let ports: Vec<Value> = outer.filter_map(|(name, _)| policy_port(site.workload, name)).collect();
    if ports.is_empty() {
        return None;
    }
    let mut spec = Body::new();
    spec.set("podSelector", json!({ "matchLabels": names::selector(context.scope, site.name) }))
        .set("policyTypes", vec!["Ingress"])
        .set("ingress", json!([{ "ports": ports }]));
    let name = names::fit(&format!("{}-exposed", site.name), names::NAME_LIMIT);
    Some(policy(context, (&name, site.name), &std::collections::BTreeMap::new(), spec))
}

fn policy_port(workload: &Workload, name: &str) -> Option<Value> {
    let port = container_port(workload, name)?;
    let mut body = Body::new();
    body.set("port", name).set_some("protocol", super::service::protocol(port));
    Some(body.into_value())
}

fn policy(
    context: &Context<'_>,
    (name, document): (&str, &str),
    user: &std::collections::BTreeMap<String, String>,
    spec: Body,
) -> Object {
    let metadata = labels::metadata(context, (name, document), user, Map::new());
    let mut body = Body::document("networking.k8s.io/v1", "NetworkPolicy", metadata);
    body.set("spec", spec.into_value());
    Object::new(ObjectId::new("networkpolicy", name), body.into_value())
}
