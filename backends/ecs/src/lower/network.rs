//! How tasks are on the network, and where their ports lead.

use rhumb_spec::model::{ExposeAs, Port, Probe, Workload};
use serde_json::{Value, json};

use super::body::Body;
use super::{Context, Report, Site};
use crate::connect::NetworkMode;

/// The container and number of a port, by its name.
pub(super) fn place<'a>(workload: &'a Workload, port: &str) -> Option<(&'a str, Port)> {
    workload
        .containers
        .iter()
        .find_map(|(name, container)| container.ports.get(port).map(|found| (name.as_str(), *found)))
}

/// The number of a port that a container of a workload listens on.
pub(super) fn container_port(workload: &Workload, port: &str) -> Option<u16> {
    place(workload, port).map(|(_, port)| port.port)
}

/// Whether a service keeps the workload running.
pub(super) fn is_service(site: &Site<'_>) -> bool {
    site.is_service()
}

/// The port of the nodes that leads to a port, where the app publishes one and tasks share the nodes' network.
pub(super) fn node_port(context: &Context<'_>, site: &Site<'_>, port: &str) -> Option<u16> {
    let expose = site.workload.expose.get(port)?;
    let is_shared = context.facts.network() != NetworkMode::Awsvpc;
    (expose.kind == ExposeAs::Node && is_shared).then_some(expose.port)
}

/// Whether a load balancer asks what a probe asks.
pub(super) fn is_balanced(_: &Context<'_>, _: &Site<'_>, _: &Probe) -> bool {
    false
}

/// `networkConfiguration` of a service or of tasks that are run; only tasks with an address of their own have one.
///
/// Source: Amazon ECS API reference, `AwsVpcConfiguration`; only tasks on Fargate may have public addresses.
pub(super) fn configuration(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Option<Value> {
    if context.facts.network() != NetworkMode::Awsvpc {
        return None;
    }
    let mut body = Body::new();
    body.set("subnets", context.facts.subnets.clone());
    body.set_filled("securityGroups", groups(context, site, report));
    if context.facts.is_fargate() {
        body.set("assignPublicIp", if context.facts.assign_public_ip { "ENABLED" } else { "DISABLED" });
    }
    Some(json!({ "awsvpcConfiguration": body.into_value() }))
}

fn groups(context: &Context<'_>, _: &Site<'_>, _: &mut Report) -> Vec<Value> {
    context.facts.security_groups.iter().map(|group| group.clone().into()).collect()
}
