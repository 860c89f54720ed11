//! How tasks are on the network, where their ports lead, and who reaches whom.

use rhumb_backend::{Object, ObjectId, Ownership, reference};
use rhumb_spec::model::{ExposeAs, Kind as Document, MountSource, Network, Port, Workload};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Value, json};

use super::body::Body;
use super::tags::{self, Tags};
use super::{Context, Report, Site, balancer, tagged};
use crate::connect::NetworkMode;
use crate::kind::Kind;
use crate::names;

/// The most security groups of a task, and the most subnets.
///
/// Source: Amazon ECS API reference, `AwsVpcConfiguration`.
const GROUPS: usize = 5;
/// What the id of a security group begins with.
const GROUP: &str = "sg-";
/// In the rules of a security group, the group itself.
pub const SELF: &str = "self";

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

/// The port of the nodes that leads to a port, where the app publishes one and tasks share the nodes' network.
pub(super) fn node_port(context: &Context<'_>, site: &Site<'_>, port: &str) -> Option<u16> {
    let expose = site.workload.expose.get(port)?;
    let is_shared = context.facts.network() != NetworkMode::Awsvpc;
    (expose.kind == ExposeAs::Node && is_shared).then_some(expose.port)
}

/// The networks of an app: a security group each, whose members reach each other. In its rules, `self` stands for the
/// group's own id.
///
/// Source: Amazon EC2 API reference, `CreateSecurityGroup` and `AuthorizeSecurityGroupIngress`.
pub(super) fn objects(context: &Context<'_>, report: &mut Report) -> Vec<Object> {
    let mut found = Vec::new();
    for (name, network) in &context.app.networks {
        let path = Document::Network.path(name);
        tags::check(&network.labels, &format!("{path}.labels"), report);
        if network.subnet.is_some() {
            let text = "addresses are of the target's subnets";
            report.lose(Feature::NetworkIsolation, format!("{path}.subnet"), text);
        }
        found.extend(group(context, name, network));
    }
    found
}

fn group(context: &Context<'_>, name: &str, network: &Network) -> Option<Object> {
    let id = Kind::SecurityGroup.id(name);
    if network.external {
        let is_id = name.starts_with(GROUP);
        let object = Object::new(id, json!({ "GroupName": name, "VpcId": context.facts.vpc }));
        return (!is_id).then(|| Object { ownership: Ownership::External, ..object });
    }
    let mut body = Body::new();
    body.set("GroupName", names::native(context.scope, name, names::NAME_LIMIT))
        .set(
            "Description",
            format!("network {name} of {}/{}", context.scope.namespace, context.scope.release),
        )
        .set_some("VpcId", context.facts.vpc.clone())
        .set("ingress", json!([{ "IpProtocol": "-1", "UserIdGroupPairs": [{ "GroupId": SELF }] }]));
    let tags = Tags::of(context.scope, &id).below(&network.labels);
    Some(tagged(id, body, &tags))
}

/// `networkConfiguration` of a service or of tasks that are run; only tasks with an address of their own have one.
///
/// Source: Amazon ECS API reference, `AwsVpcConfiguration`; only tasks on Fargate may have public addresses.
pub(super) fn configuration(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Option<Value> {
    if context.facts.network() != NetworkMode::Awsvpc {
        return None;
    }
    let mut body = Body::new();
    body.set("subnets", context.facts.subnets.clone())
        .set_filled("securityGroups", groups(context, site, report))
        .set_some("assignPublicIp", public(context));
    Some(json!({ "awsvpcConfiguration": body.into_value() }))
}

/// The same in the casing of EventBridge Scheduler.
///
/// Source: EventBridge Scheduler API reference, `AwsVpcConfiguration`.
pub(super) fn of_schedule(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Option<Value> {
    let ours = configuration(context, site, report)?;
    let ours = ours.get("awsvpcConfiguration")?;
    let mut body = Body::new();
    for (from, to) in
        [("subnets", "Subnets"), ("securityGroups", "SecurityGroups"), ("assignPublicIp", "AssignPublicIp")]
    {
        body.set_some(to, ours.get(from).cloned());
    }
    Some(json!({ "awsvpcConfiguration": body.into_value() }))
}

fn public(context: &Context<'_>) -> Option<&'static str> {
    let word = if context.facts.assign_public_ip { "ENABLED" } else { "DISABLED" };
    context.facts.is_fargate().then_some(word)
}

/// The security groups of a workload's tasks: the target's own, or those of the networks that it names. A load balancer
/// or a file system lets only the target's own in, so that tasks which one must reach have both.
fn groups(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Vec<Value> {
    let own = context.facts.security_groups.iter().map(|group| Value::from(group.clone()));
    if site.workload.networks.is_empty() {
        return own.collect();
    }
    let of_network = |name: &String| {
        let is_id =
            name.starts_with(GROUP) && context.app.networks.get(name).is_some_and(|network| network.external);
        if is_id { name.clone().into() } else { reference::reference(&id(name), "id") }
    };
    let mut found: Vec<Value> = site.workload.networks.keys().map(of_network).collect();
    if balancer::is_balanced(context, site) || mounts_volume(site) {
        found.extend(own);
    }
    if found.len() > GROUPS {
        report.refuse(
            Diagnostic::error(site.at("networks"), format!("a task cannot be on {} networks", found.len()))
                .why(format!(
                    "each is a security group, and a task has {GROUPS} at most, the target's own among them"
                ))
                .remedy("fewer networks"),
        );
    }
    found
}

fn id(name: &str) -> ObjectId {
    Kind::SecurityGroup.id(name)
}

fn mounts_volume(site: &Site<'_>) -> bool {
    let mut mounts = site.parts().flat_map(|part| part.container.mounts.values());
    mounts.any(|mount| matches!(mount.source, MountSource::Volume { .. }))
}
