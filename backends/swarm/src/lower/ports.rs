//! Ports of the nodes, and how a workload's name resolves.

use std::collections::BTreeMap;

use rhumb_spec::model::{Discovery, Expose, ExposeAs, Kind, Mode, Port, Protocol, Traffic, Workload};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::Value;

use super::body::Body;
use super::{Context, Report, Site};

/// How a port of the nodes is published.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Publish {
    /// Every node leads to every task. A number is free for one service of the whole swarm.
    Ingress,
    /// A node leads to its own tasks.
    Host,
}

fn published(expose: &Expose) -> Option<Publish> {
    match (expose.kind, expose.traffic) {
        (ExposeAs::Internal, _) => None,
        (ExposeAs::Node, Traffic::Local) => Some(Publish::Host),
        (ExposeAs::Node, Traffic::Cluster) | (ExposeAs::LoadBalancer, _) => Some(Publish::Ingress),
    }
}

/// Whether every task of the workload holds a port of the node that it is on.
pub(super) fn holds_node_port(workload: &Workload) -> bool {
    workload.expose.values().any(|expose| published(expose) == Some(Publish::Host))
}

/// The service's `EndpointSpec`; none for a job without ports of the nodes.
///
/// Source: Engine API, `EndpointSpec`; an ingress port excludes `dnsrr`.
pub(super) fn endpoint(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Option<Value> {
    let is_dns = site.workload.discovery == Discovery::Dns;
    let mut ports = Vec::new();
    for (name, expose) in &site.workload.expose {
        let Some(port) = site.container.ports.get(name) else { continue };
        tell_of_other_number(context, site, (name, expose), *port, report);
        let Some(publish) = published(expose) else { continue };
        if publish == Publish::Ingress && is_dns {
            report.refuse(ingress_with_dns(site, name));
        }
        ports.push(port_config(name, expose, *port, publish));
    }
    if site.workload.mode == Mode::Job && ports.is_empty() {
        return None;
    }
    let mut body = Body::new();
    body.set("Mode", if is_dns { "dnsrr" } else { "vip" }).set_filled("Ports", ports);
    Some(body.into_value())
}

fn port_config(name: &str, expose: &Expose, port: Port, publish: Publish) -> Value {
    let mut body = Body::new();
    body.set("Name", name)
        .set("Protocol", protocol(port.protocol))
        .set("TargetPort", port.port)
        .set("PublishedPort", expose.port)
        .set("PublishMode", if publish == Publish::Host { "host" } else { "ingress" });
    body.into_value()
}

pub(super) fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Sctp => "sctp",
    }
}

fn ingress_with_dns(site: &Site<'_>, name: &str) -> Diagnostic {
    Diagnostic::error(
        site.at(&format!("expose.{name}")),
        "a port of every node does not go with `discovery: dns`",
    )
    .why("Swarm's ingress balances over a service's virtual address, and with `discovery: dns` there is none")
    .remedy("`traffic: local`, which publishes it on the node of each task; or `discovery: virtualIp`")
}

/// Siblings that have the exposed number built in do not reach a container that listens on another one.
fn tell_of_other_number(
    context: &Context<'_>,
    site: &Site<'_>,
    (name, expose): (&str, &Expose),
    port: Port,
    report: &mut Report,
) {
    let number = expose.internal_port.unwrap_or(expose.port);
    if number == port.port || context.app.workloads.len() < 2 {
        return;
    }
    report.lose(
        Feature::ExposeInternal,
        site.at(&format!("expose.{name}")),
        format!(
            "siblings reach {} at port {}, where the container listens, and not at {number}: overlay networks map no \
             ports. Addresses that rhumb composes say so",
            site.name, port.port
        ),
    );
}

/// Refuses ingress ports that two workloads want.
pub(super) fn refuse_clashes(context: &Context<'_>, report: &mut Report) {
    let mut taken: BTreeMap<(u16, Protocol), String> = BTreeMap::new();
    for (name, workload) in &context.app.workloads {
        for (port_name, expose) in &workload.expose {
            let port = workload.containers.values().find_map(|container| container.ports.get(port_name));
            let (Some(port), Some(Publish::Ingress)) = (port, published(expose)) else { continue };
            let path = format!("{}.expose.{port_name}", Kind::Workload.path(name));
            if let Some(other) = taken.insert((expose.port, port.protocol), path.clone()) {
                report.refuse(clash(&path, &other, expose.port));
            }
        }
    }
}

fn clash(path: &str, other: &str, number: u16) -> Diagnostic {
    Diagnostic::error(path, format!("port {number} of the nodes is wanted by {other} too"))
        .why("an ingress port leads to one service of the whole swarm")
        .remedy("another port, or `traffic: local` on both and placement on different nodes")
}
