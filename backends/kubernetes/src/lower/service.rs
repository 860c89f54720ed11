//! Services: the names and ports by which others reach a workload.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Object, ObjectId};
use rhumb_spec::model::{Discovery, Expose, ExposeAs, Kind, Mode, Port, Protocol, Traffic};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Value, json};

use super::body::{Body, text_map};
use super::network::{NODE_PORTS, container_port, host_port, inner_port};
use super::{Context, Report, Site, labels};
use crate::names;

/// What a service leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// No virtual address: the name resolves to the pods.
    Headless,
    /// As [`Self::Headless`], and to pods that are not ready, too.
    Governing,
    /// A virtual address inside of the cluster.
    Cluster,
    /// A port of every node.
    Node,
    /// A port of every node, each leading to its own pods.
    NodeLocal,
    /// A load balancer.
    LoadBalancer,
}

impl Reach {
    fn of(expose: &Expose) -> Self {
        match (expose.kind, expose.traffic) {
            _ if host_port(expose).is_some() => Self::Cluster,
            (ExposeAs::Internal, _) => Self::Cluster,
            (ExposeAs::Node, Traffic::Cluster) => Self::Node,
            (ExposeAs::Node, Traffic::Local) => Self::NodeLocal,
            (ExposeAs::LoadBalancer, _) => Self::LoadBalancer,
        }
    }

    const fn suffix(self) -> &'static str {
        match self {
            Self::Headless | Self::Governing | Self::Cluster => "",
            Self::Node => "-node",
            Self::NodeLocal => "-node-local",
            Self::LoadBalancer => "-loadbalancer",
        }
    }
}

/// An exposed port, and the container's port that it leads to.
struct Exposed<'a> {
    name: &'a str,
    expose: &'a Expose,
    port: Port,
}

/// `protocol`; none for TCP, which is the default.
pub(super) fn protocol(port: Port) -> Option<&'static str> {
    match port.protocol {
        Protocol::Tcp => None,
        Protocol::Udp => Some("UDP"),
        Protocol::Sctp => Some("SCTP"),
    }
}

/// The service under which a stateful workload's replicas have their own names.
pub(super) fn governing_name(site: &Site<'_>) -> String {
    if has_own_address(site) { names::headless_name(site.name) } else { site.name.to_owned() }
}

/// Whether the workload's name has a virtual address.
fn has_own_address(site: &Site<'_>) -> bool {
    site.workload.discovery == Discovery::VirtualIp && !site.workload.expose.is_empty()
}

/// The services of a workload.
///
/// - Where all exposed ports are reached in the same way, one service of that type bears the workload's name.
/// - Where they are not, that service leads to all of them inside the cluster, and another for each further way has
///   the ports that are reached so: a `NodePort` service would open all of its ports on the nodes.
/// - `discovery: dns` makes the service of that name headless.
/// - A stateful workload has a headless service in any case, which gives its replicas their names.
/// - Each further name on a network is a service with the same ports.
pub(super) fn objects(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Vec<Object> {
    let exposed = exposed(site, report);
    let mut found = Vec::new();
    let own = own_reach(site, &exposed);
    if let Some(reach) = own {
        check_name(context, site, report);
        found.push(service(context, site, (site.name, reach), &exposed));
    }
    if site.workload.mode == Mode::Stateful && has_own_address(site) {
        let name = names::headless_name(site.name);
        found.push(service(context, site, (&name, Reach::Governing), &exposed));
    }
    for reach in [Reach::Node, Reach::NodeLocal, Reach::LoadBalancer] {
        let ports: Vec<&Exposed<'_>> =
            exposed.iter().filter(|exposed| Reach::of(exposed.expose) == reach).collect();
        if own != Some(reach) && !ports.is_empty() {
            let name = names::fit(&format!("{}{}", site.name, reach.suffix()), names::LABEL_LIMIT);
            found.push(service_of(context, site, (&name, reach), &ports));
        }
    }
    found.extend(aliases(context, site, &exposed, report));
    found
}

/// How the workload's own name leads to it; none where it needs no name.
fn own_reach(site: &Site<'_>, exposed: &[Exposed<'_>]) -> Option<Reach> {
    let is_dns = site.workload.discovery == Discovery::Dns;
    if exposed.is_empty() {
        return (is_dns || site.workload.mode == Mode::Stateful).then_some(Reach::Headless);
    }
    if is_dns {
        return Some(Reach::Headless);
    }
    let ways: BTreeSet<Reach> = exposed.iter().map(|exposed| Reach::of(exposed.expose)).collect();
    Some(ways.first().copied().filter(|_| ways.len() == 1).unwrap_or(Reach::Cluster))
}

fn exposed<'a>(site: &Site<'a>, report: &mut Report) -> Vec<Exposed<'a>> {
    let mut found = Vec::new();
    for (name, expose) in &site.workload.expose {
        let Some(port) = container_port(site.workload, name) else { continue };
        let path = site.at(&format!("expose.{name}"));
        if Reach::of(expose) == Reach::Node && !NODE_PORTS.contains(&expose.port) {
            report.refuse(outside_of_range(&path, expose.port));
        }
        if site.workload.discovery == Discovery::Dns && inner_port(expose) != port.port {
            let text = format!(
                "with `discovery: dns` the name leads to the replicas themselves, at the port {} that they listen on \
                 and not at {}",
                port.port,
                inner_port(expose)
            );
            report.lose(Feature::DiscoveryDns, path, text);
        }
        found.push(Exposed { name, expose, port });
    }
    found
}

fn outside_of_range(path: &str, port: u16) -> Diagnostic {
    Diagnostic::error(
        format!("{path}.port"),
        format!("port {port} of the nodes is outside of {} to {}", NODE_PORTS.start(), NODE_PORTS.end()),
    )
    .why("the API server gives out ports of nodes from this range only")
    .remedy(format!(
        "a port in the range, with `internalPort: {port}` for siblings; `traffic: local`, which is a port of the nodes with a replica; `as: loadbalancer`; or a Route"
    ))
}

/// Source: Kubernetes API reference, `Service`: until 1.36 the name is a label of RFC 1035, which begins with a letter.
fn check_name(context: &Context<'_>, site: &Site<'_>, report: &mut Report) {
    if !context.facts.is_since(36) && site.name.starts_with(|first: char| first.is_ascii_digit()) {
        report.refuse(
            Diagnostic::error(
                &site.path,
                format!("a service of this cluster cannot be named `{}`", site.name),
            )
            .why("before Kubernetes 1.36 names of services begin with a letter")
            .remedy("another name"),
        );
    }
}

/// The further names of a workload on its networks. The cluster has one name for all networks.
fn aliases(
    context: &Context<'_>,
    site: &Site<'_>,
    exposed: &[Exposed<'_>],
    report: &mut Report,
) -> Vec<Object> {
    let is_plain = site.workload.discovery == Discovery::VirtualIp && !exposed.is_empty();
    let reach = if is_plain { Reach::Cluster } else { Reach::Headless };
    let mut names: BTreeMap<&str, String> = BTreeMap::new();
    for (network, attachment) in &site.workload.networks {
        for alias in &attachment.aliases {
            names.entry(alias).or_insert_with(|| site.at(&format!("networks.{network}.aliases")));
        }
    }
    names.remove(site.name);
    for (alias, path) in &names {
        if let Some(why) = unfit_alias(context, site, alias) {
            report.refuse(
                Diagnostic::error(path, format!("`{alias}` cannot be a further name"))
                    .why(why)
                    .remedy("another name, or none"),
            );
        }
    }
    names.keys().map(|alias| service(context, site, (alias, reach), exposed)).collect()
}

fn unfit_alias(context: &Context<'_>, site: &Site<'_>, alias: &str) -> Option<String> {
    if alias.contains('.') || alias.len() > names::LABEL_LIMIT || !labels::is_subdomain(alias) {
        return Some("it becomes the name of a service: at most 63 of a-z, 0-9 and `-`".to_owned());
    }
    let others = context.app.workloads.iter().filter(|(name, _)| *name != site.name);
    let mut others = others.filter(|(name, other)| {
        let mut given = other.networks.values().flat_map(|attachment| &attachment.aliases);
        *name == alias || given.any(|given| given == alias)
    });
    let (other, _) = others.next()?;
    Some(format!("a name is one service, and {} has it, too", Kind::Workload.path(other)))
}

fn service(context: &Context<'_>, site: &Site<'_>, which: (&str, Reach), exposed: &[Exposed<'_>]) -> Object {
    service_of(context, site, which, &exposed.iter().collect::<Vec<_>>())
}

/// Source: Kubernetes API reference, `ServiceSpec`.
fn service_of(
    context: &Context<'_>,
    site: &Site<'_>,
    (name, reach): (&str, Reach),
    exposed: &[&Exposed<'_>],
) -> Object {
    let ports: Vec<Value> = exposed.iter().map(|exposed| port(exposed, reach)).collect();
    let mut spec = Body::new();
    match reach {
        Reach::Cluster => {}
        Reach::Headless | Reach::Governing => {
            spec.set("clusterIP", "None");
        }
        Reach::Node | Reach::NodeLocal => {
            spec.set("type", "NodePort");
        }
        Reach::LoadBalancer => {
            spec.set("type", "LoadBalancer");
        }
    }
    if reach == Reach::NodeLocal {
        spec.set("externalTrafficPolicy", "Local");
    }
    spec.set("selector", names::selector(context.scope, site.name));
    // Replicas that find each other before they are ready need names by then.
    spec.set_true("publishNotReadyAddresses", reach == Reach::Governing).set_filled("ports", ports);
    let annotations = text_map(&site.workload.annotations);
    let metadata = labels::metadata(context, (name, site.name), &BTreeMap::new(), annotations);
    let mut body = Body::document("v1", "Service", metadata);
    body.set("spec", spec.into_value());
    Object::new(ObjectId::new("service", name), body.into_value())
}

fn port(exposed: &Exposed<'_>, reach: Reach) -> Value {
    let mut body = Body::new();
    body.set("name", exposed.name)
        .set("port", inner_port(exposed.expose))
        .set("targetPort", exposed.name)
        .set_some("protocol", protocol(exposed.port));
    if matches!(reach, Reach::Node | Reach::NodeLocal) {
        body.set("nodePort", json!(exposed.expose.port));
    }
    body.into_value()
}
