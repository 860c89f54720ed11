//! Ports of containers, and who reaches them.

use std::collections::BTreeMap;

use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Expose, ExposeAs, Port, Protocol, Traffic};
use serde_json::{Map, Value, json};

use super::body::Body;
use super::{Context, Part, Report, Site, network};
use crate::facts::Naming;

/// One port of a workload.
pub(super) struct Reached<'a> {
    name: &'a str,
    port: Port,
    expose: Option<&'a Expose>,
}

impl Reached<'_> {
    /// The port by which siblings reach it.
    fn internal(&self) -> Option<u16> {
        self.expose.map(|expose| expose.internal_port.unwrap_or(expose.port))
    }

    /// The port of marathon-lb that leads to it.
    fn service(&self) -> Option<u16> {
        let expose = self.expose?;
        let is_balanced = match (expose.kind, expose.traffic) {
            (ExposeAs::LoadBalancer, _) | (ExposeAs::Node, Traffic::Cluster) => true,
            (ExposeAs::Internal, _) | (ExposeAs::Node, Traffic::Local) => false,
        };
        is_balanced.then_some(expose.port)
    }

    /// The port of an agent that leads to its own replicas; 0 is assigned.
    fn host(&self, context: &Context<'_>, site: &Site<'_>) -> Option<u16> {
        let is_local = |expose: &&Expose| (expose.kind, expose.traffic) == (ExposeAs::Node, Traffic::Local);
        if let Some(local) = self.expose.filter(is_local) {
            return Some(local.port);
        }
        if network::has_address(context, site) {
            return None;
        }
        // Names of Mesos-DNS lead to agents here, so siblings need a port that they know.
        let is_known = context.facts.naming == Naming::MesosDns;
        Some(self.internal().filter(|_| is_known).unwrap_or(0))
    }
}

fn ports<'a>(site: &'a Site<'_>, part: &'a Part<'_>) -> impl Iterator<Item = Reached<'a>> {
    part.container.ports.iter().map(|(name, port)| Reached {
        name,
        port: *port,
        expose: site.workload.expose.get(name),
    })
}

/// The place of a port among an app's mappings, by which a health check names it.
pub(super) fn index(part: &Part<'_>, name: &str) -> Option<usize> {
    part.container.ports.get_index_of(name)
}

/// `container.portMappings` of an app. Without any, an empty list is written: Marathon would make one up.
///
/// Source: Marathon REST API, `ContainerPortMapping`.
pub(super) fn mappings(
    context: &Context<'_>,
    site: &Site<'_>,
    part: &Part<'_>,
    report: &mut Report,
) -> Value {
    let mut found = Vec::new();
    for reached in ports(site, part) {
        let Some(protocol) = protocol(&reached, part, report) else { continue };
        refuse_balanced_datagrams(&reached, site, report);
        let mut body = Body::new();
        body.set("containerPort", reached.port.port)
            .set_some("hostPort", reached.host(context, site))
            .set("servicePort", reached.service().unwrap_or(0))
            .set("protocol", protocol)
            .set("name", reached.name)
            .set_filled("labels", vips(context, site, &reached));
        if let Some(first) = site.workload.networks.keys().next()
            && site.workload.networks.len() > 1
            && reached.host(context, site).is_some()
        {
            body.set("networkNames", vec![first.clone()]);
        }
        found.push(body.into_value());
    }
    found.into()
}

/// `endpoints` of a pod's container.
///
/// Source: Marathon REST API, `Endpoint`.
pub(super) fn endpoints(
    context: &Context<'_>,
    site: &Site<'_>,
    part: &Part<'_>,
    report: &mut Report,
) -> Vec<Value> {
    let mut found = Vec::new();
    for reached in ports(site, part) {
        let Some(protocol) = protocol(&reached, part, report) else { continue };
        if reached.service().is_some() {
            report.refuse(
                Diagnostic::error(site.at(&format!("expose.{}", reached.name)), "marathon-lb leads to no pods")
                    .why("it is a pod, and marathon-lb reads the ports of apps")
                    .remedy("`as: node` with `traffic: local`, `as: internal`, or the other containers in workloads of their own"),
            );
        }
        let mut body = Body::new();
        body.set("name", reached.name)
            .set("containerPort", reached.port.port)
            .set_some("hostPort", reached.host(context, site))
            .set("protocol", json!([protocol]))
            .set_filled("labels", vips(context, site, &reached));
        found.push(body.into_value());
    }
    found
}

fn protocol(reached: &Reached<'_>, part: &Part<'_>, report: &mut Report) -> Option<&'static str> {
    match reached.port.protocol {
        Protocol::Tcp => Some("tcp"),
        Protocol::Udp => Some("udp"),
        Protocol::Sctp => {
            report.refuse(
                Diagnostic::error(part.at(&format!("ports.{}", reached.name)), "Marathon knows no SCTP")
                    .why("a port of Mesos is `tcp`, `udp` or both")
                    .remedy("TCP or UDP"),
            );
            None
        }
    }
}

fn refuse_balanced_datagrams(reached: &Reached<'_>, site: &Site<'_>, report: &mut Report) {
    if reached.service().is_some() && reached.port.protocol == Protocol::Udp {
        report.refuse(
            Diagnostic::error(site.at(&format!("expose.{}", reached.name)), "marathon-lb carries no UDP")
                .why("it is an HAProxy, which knows TCP and HTTP")
                .remedy("`as: node` with `traffic: local`, or `as: internal`"),
        );
    }
}

/// The labels `VIP_0`, `VIP_1` … of the names by which siblings reach a port: the workload's own, that of the set that an
/// ordinal is of, and its aliases on networks.
///
/// Source: DC/OS documentation, "Load balancing and virtual IPs", named VIPs.
fn vips(context: &Context<'_>, site: &Site<'_>, reached: &Reached<'_>) -> Map<String, Value> {
    let Some(port) = reached.internal().filter(|_| context.facts.naming == Naming::Vip) else {
        return Map::new();
    };
    let mut names = vec![site.name];
    names.extend(context.checked.ordinal(site.name).map(|sequence| sequence.set.as_str()));
    for alias in site.workload.networks.values().flat_map(|attachment| &attachment.aliases) {
        if !names.contains(&alias.as_str()) {
            names.push(alias);
        }
    }
    names
        .into_iter()
        .enumerate()
        .map(|(index, name)| {
            (format!("VIP_{index}"), format!("/{}:{port}", network::vip(context.scope, name)).into())
        })
        .collect()
}

/// Refuses ports of marathon-lb that two of the release, or another app of the cluster, would have.
pub(super) fn refuse_clashes(context: &Context<'_>, report: &mut Report) {
    let mut taken: BTreeMap<u16, String> = BTreeMap::new();
    for (name, workload) in &context.app.workloads {
        let site = Site::new(context, name, workload);
        let reached = site.parts.iter().flat_map(|part| ports(&site, part));
        for (port, number) in reached.filter_map(|reached| Some((reached.name, reached.service()?))) {
            let path = site.at(&format!("expose.{port}"));
            let refusal = |what: String| {
                Diagnostic::error(path.clone(), what)
                    .why("marathon-lb opens a service port once in the cluster")
                    .remedy("another port, or a Route")
            };
            if let Some(other) = taken.get(&number).filter(|other| **other != path) {
                report.refuse(refusal(format!("port {number} is that of {other} already")));
            }
            if context.facts.service_ports.contains(&number) {
                report.refuse(refusal(format!("port {number} is another app's already")));
            }
            taken.insert(number, path);
        }
    }
}
