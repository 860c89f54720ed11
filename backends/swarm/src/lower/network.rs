//! Overlay networks, attachments to them, and the addresses of siblings there.

use std::collections::BTreeMap;

use rhumb_backend::{CheckedApp, Object, ObjectId, Ownership, reference};
use rhumb_spec::model::{Network, Workload};
use serde_json::{Value, json};

use super::body::{Body, text_map};
use super::route::RouteLabels;
use super::{Context, Site};
use crate::names;

/// The release's own network, which a workload is on that names none.
pub(super) const DEFAULT: &str = "default";

/// Every network of the app, and the release's own where a workload is on it.
pub(super) fn objects(context: &Context<'_>) -> Vec<Object> {
    let app = context.app;
    let mut networks: BTreeMap<&str, Network> =
        app.networks.iter().map(|(name, network)| (name.as_str(), network.clone())).collect();
    if app.workloads.values().any(|workload| workload.networks.is_empty()) {
        networks.entry(DEFAULT).or_default();
    }
    let mut objects: Vec<Object> =
        networks.iter().map(|(name, network)| object(context, name, network)).collect();
    let router = context.facts.traefik.as_ref().filter(|_| !app.routes.is_empty());
    if let Some(router) = router {
        let id = names::external_id("network", &router.network);
        if objects.iter().all(|object| object.id != id) {
            objects.push(external(id, &router.network));
        }
    }
    objects
}

fn external(id: ObjectId, name: &str) -> Object {
    Object { ownership: Ownership::External, ..Object::new(id, json!({ "Name": name })) }
}

fn object(context: &Context<'_>, name: &str, network: &Network) -> Object {
    if network.external {
        let native = names::external_name(name, &network.labels);
        return external(names::external_id("network", native), native);
    }
    let id = ObjectId::new("network", name);
    let mut labels = text_map(&network.labels);
    labels.extend(names::marks(context.scope, &id));
    let mut body = Body::new();
    body.set("Name", names::network_name(context.scope, name)).set("Driver", "overlay");
    if network.attachable {
        body.set("Attachable", true);
    }
    if network.internal {
        body.set("Internal", true);
    }
    if let Some(subnet) = &network.subnet {
        body.set("IPAM", json!({ "Driver": "default", "Config": [{ "Subnet": subnet }] }));
    }
    if network.encrypted {
        // The overlay driver looks for the option's name; `docker network create --opt encrypted` gives it no value.
        body.set("Options", json!({ "encrypted": "" }));
    }
    body.set("Labels", labels);
    Object::new(id, body.into_value())
}

/// The networks that a workload's tasks are on, each with the names that the workload has there.
pub(super) fn attachments(context: &Context<'_>, site: &Site<'_>, routes: &RouteLabels) -> Vec<Value> {
    let own = names_of(context, site);
    let mut found: Vec<(ObjectId, Vec<String>)> = Vec::new();
    if site.workload.networks.is_empty() {
        found.push((network_id(context, DEFAULT), own.clone()));
    }
    for (name, attachment) in &site.workload.networks {
        let mut aliases = own.clone();
        aliases.extend(attachment.aliases.iter().filter(|alias| !own.contains(alias)).cloned());
        found.push((network_id(context, name), aliases));
    }
    if let Some(router) = context.facts.traefik.as_ref().filter(|_| routes.contains_key(site.name)) {
        let id = names::external_id("network", &router.network);
        if found.iter().all(|(there, _)| *there != id) {
            found.push((id, Vec::new()));
        }
    }
    found.into_iter().map(|(id, aliases)| attachment(&id, aliases)).collect()
}

fn attachment(id: &ObjectId, aliases: Vec<String>) -> Value {
    let mut body = Body::new();
    body.set("Target", reference::reference(id, "id")).set_filled("Aliases", aliases);
    body.into_value()
}

/// The names of a workload on its networks: its own, and that of the set which it is an ordinal of.
fn names_of(context: &Context<'_>, site: &Site<'_>) -> Vec<String> {
    let set = context.checked.ordinal(site.name).map(|sequence| sequence.set.clone());
    std::iter::once(site.name.to_owned()).chain(set).collect()
}

fn network_id(context: &Context<'_>, name: &str) -> ObjectId {
    match context.app.networks.get(name) {
        Some(network) if network.external => {
            names::external_id("network", names::external_name(name, &network.labels))
        }
        _ => ObjectId::new("network", name),
    }
}

/// Where a sibling is reached: its name, and the port that its container listens on.
///
/// An overlay network leads to every port of a task as it is; it maps none. So the number is the container's, and
/// not the one under which the port is exposed.
///
/// Source: docs.docker.com, "Manage swarm service networks".
pub(super) fn address<'a>(checked: &'a CheckedApp, workload: &'a str, port: &str) -> Option<(&'a str, u16)> {
    let member = checked.members(workload).into_iter().next()?;
    Some((workload, container_port(checked.app().workloads.get(member)?, port)?))
}

/// The number of a container's port, by its name.
pub(super) fn container_port(workload: &Workload, name: &str) -> Option<u16> {
    workload.containers.values().find_map(|container| container.ports.get(name)).map(|port| port.port)
}
