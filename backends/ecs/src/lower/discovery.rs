//! Names by which workloads reach each other: Cloud Map, and Service Connect for bare names.

use rhumb_backend::{Object, ObjectId};
use rhumb_spec::Feature;
use rhumb_spec::model::{Expose, Protocol};
use serde_json::{Value, json};

use super::body::Body;
use super::files::World;
use super::{Context, Report, Site, network};
use crate::connect::NetworkMode;
use crate::kind::Kind;
use crate::names;

/// The seconds for which clients keep what a name resolved to.
const TTL: u32 = 10;

/// The Cloud Map service of a workload that others reach. All ordinals of a set are in the set's one.
///
/// Source: AWS Cloud Map API reference, `CreateService`; Amazon ECS developer guide, "Use service discovery to connect
/// Amazon ECS services with DNS names": tasks that have an address are A records, others SRV records.
pub(super) fn object(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Option<Object> {
    let id = registry(context, site)?;
    tell_ports(context, site, report);
    if context.checked.ordinal(site.name).is_some_and(|sequence| sequence.index > 0) {
        return None;
    }
    let namespace = context.facts.discovery.as_ref()?;
    let record = match context.facts.network() {
        NetworkMode::Awsvpc => "A",
        NetworkMode::Bridge | NetworkMode::Host => "SRV",
    };
    let mut body = Body::new();
    body.set("Name", names::native(context.scope, id.name(), names::LABEL_LIMIT))
        .set("NamespaceId", namespace.id.clone())
        .set(
            "DnsConfig",
            json!({ "RoutingPolicy": "MULTIVALUE", "DnsRecords": [{ "Type": record, "TTL": TTL }] }),
        )
        .set("HealthCheckCustomConfig", json!({ "FailureThreshold": 1 }));
    Some(context.object(id, body))
}

/// The Cloud Map service that a workload's tasks are in.
pub(super) fn registry(context: &Context<'_>, site: &Site<'_>) -> Option<ObjectId> {
    let is_reached = site.is_service() && !site.workload.expose.is_empty();
    let name = context.checked.ordinal(site.name).map_or(site.name, |sequence| &sequence.set);
    (is_reached && context.facts.discovery.is_some()).then(|| Kind::Discovery.id(name))
}

/// `serviceRegistries` of a service. Where tasks have no address of their own the registry must be told the port.
pub(super) fn registries(context: &Context<'_>, site: &Site<'_>) -> Option<Value> {
    let id = registry(context, site)?;
    let mut body = Body::new();
    body.set("registryArn", rhumb_backend::reference::reference(&id, "arn"));
    if context.facts.network() != NetworkMode::Awsvpc {
        let (container, port) = network::place(site.workload, site.workload.expose.first()?.0)?;
        body.set("containerName", container).set("containerPort", port.port);
    }
    Some(json!([body.into_value()]))
}

/// Where a workload's exposed port is reached: its name in Cloud Map and the container's own port, since the name leads
/// to the tasks themselves.
pub(super) fn address(context: &Context<'_>, workload: &str, port: &str) -> Option<(String, u16)> {
    address_of(&context.world(), workload, port)
}

/// As [`address`], before configs and secrets are known.
pub(super) fn address_of(world: &World<'_>, workload: &str, port: &str) -> Option<(String, u16)> {
    let namespace = world.facts.discovery.as_ref()?;
    let member = world.checked.members(workload).first().copied()?;
    let document = world.checked.app().workloads.get(member)?;
    let name = world.checked.ordinal(member).map_or(member, |sequence| &sequence.set);
    let label = names::native(world.scope, name, names::LABEL_LIMIT);
    let number = network::container_port(document, port)?;
    Some((format!("{label}.{}", namespace.name), number))
}

/// Whether some workload of the app has bare names built in.
fn wants_short_names(context: &Context<'_>) -> bool {
    context.app.workloads.values().any(|workload| workload.short_names)
}

/// `serviceConnectConfiguration` of a service: in an app where some workload has bare names built in, those that have
/// them are clients, and every one that exposes TCP ports is found under its bare name.
///
/// The service's name in Cloud Map has an underscore, so that it is none of a workload's own.
///
/// Source: Amazon ECS API reference, `ServiceConnectConfiguration`; one alias for each port, unique in the namespace.
pub(super) fn connect(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Option<Value> {
    let namespace = context.facts.discovery.as_ref().filter(|_| connects(context, site))?;
    tell_set(context, site, report);
    let services: Vec<Value> =
        site.workload.expose.iter().filter_map(|port| endpoint(context, site, port)).collect();
    let mut body = Body::new();
    body.set("enabled", true).set("namespace", namespace.arn.clone()).set_filled("services", services);
    Some(body.into_value())
}

/// Whether a proxy of Service Connect is beside the tasks of a workload.
pub(super) fn connects(context: &Context<'_>, site: &Site<'_>) -> bool {
    let is_found = || site.workload.expose.iter().any(|port| endpoint(context, site, port).is_some());
    context.facts.discovery.is_some()
        && wants_short_names(context)
        && site.is_service()
        && (site.workload.short_names || is_found())
}

/// How siblings find one exposed port by the workload's bare name.
fn endpoint(context: &Context<'_>, site: &Site<'_>, (port, expose): (&String, &Expose)) -> Option<Value> {
    let (_, number) = network::place(site.workload, port)?;
    if number.protocol != Protocol::Tcp {
        return None;
    }
    let discovery = names::native(context.scope, &format!("{}_{port}", site.name), names::LABEL_LIMIT);
    let alias = json!({
        "dnsName": short_name(context, site),
        "port": expose.internal_port.unwrap_or(expose.port),
    });
    Some(json!({ "portName": port, "discoveryName": discovery, "clientAliases": [alias] }))
}

/// The bare name of a workload: of a set's first replica the set's own, since an alias leads to one service.
fn short_name<'a>(context: &Context<'a>, site: &Site<'a>) -> &'a str {
    match context.checked.ordinal(site.name) {
        Some(sequence) if sequence.index == 0 => &sequence.set,
        _ => site.name,
    }
}

/// A name in Cloud Map leads to the tasks themselves, so that siblings use the container's own port.
fn tell_ports(context: &Context<'_>, site: &Site<'_>, report: &mut Report) {
    if wants_short_names(context) || context.facts.network() != NetworkMode::Awsvpc {
        return;
    }
    for (name, expose) in &site.workload.expose {
        let wanted = expose.internal_port.unwrap_or(expose.port);
        let Some(port) = network::container_port(site.workload, name).filter(|port| *port != wanted) else {
            continue;
        };
        let text = format!(
            "siblings use the container's own port {port} and not {wanted}, as an `address` says: the name leads to the tasks themselves"
        );
        report.lose(Feature::ExposeInternal, site.at(&format!("expose.{name}.port")), text);
    }
}

/// An alias of Service Connect leads to one service, and each replica of a set is one.
fn tell_set(context: &Context<'_>, site: &Site<'_>, report: &mut Report) {
    let Some(sequence) = context.checked.ordinal(site.name).filter(|sequence| sequence.index == 1) else {
        return;
    };
    let text = format!("the bare name `{}` leads to the first replica only", sequence.set);
    report.lose(Feature::ShortNames, site.at("expose"), text);
}
