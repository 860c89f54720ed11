//! Further names of services: Compose resolves the names of containers and of links, as well as those of services.

use rhumb_spec::model::{NetworkAttachment, Workload};
use rhumb_spec::yaml::Node;

use super::network::DEFAULT;
use super::references::{is_host, is_mentioned, texts};
use super::{World, document_name, list, value};

/// A name by which siblings call a service.
struct Alias {
    /// The service that is called so.
    service: String,
    name: String,
    /// Which service says so, and at which of its fields.
    said: (String, String),
}

/// Gives workloads the names by which siblings call them: the alias of a link, and the name of a container that the
/// text of another service has as a host.
pub(super) fn lift(world: &mut World<'_>) {
    warn_of_addresses(world);
    let (good, bad): (Vec<Alias>, Vec<Alias>) =
        called(world).into_iter().partition(|alias| document_name(&alias.name) == alias.name);
    for Alias { service, name, said: (owner, field) } in bad {
        let what = format!("siblings call {service} `{name}`, which is no name of DNS, and do not find it");
        world.warn(format!("service/{owner}.{field}"), what, "its own name, where siblings call it");
    }
    if good.is_empty() {
        return;
    }
    share(world);
    for alias in good {
        let Some(document) = world.known("services", &alias.service) else { continue };
        let Some(workload) = world.app.workloads.get_mut(&document) else { continue };
        add(workload, &alias.name);
        let (owner, field) = alias.said;
        let id = format!("service/{owner}");
        if let Some(account) = world.accounts.iter_mut().find(|account| account.id.as_str() == id) {
            account.rest.retain(|rest| rest.path != field);
        }
    }
}

/// Says where siblings call a service by an address that it does not have here.
fn warn_of_addresses(world: &mut World<'_>) {
    let texts = texts(world);
    let mut found = Vec::new();
    for (service, node) in world.section("services") {
        let document = world.known("services", &service);
        let others = || texts.iter().filter(|(owner, _)| Some(owner) != document.as_ref());
        for entry in node.get("networks").and_then(Node::as_mapping).unwrap_or_default() {
            for key in ["ipv4_address", "ipv6_address"] {
                let Some(address) = entry.value.get(key).and_then(Node::as_str) else { continue };
                if others().any(|(_, text)| is_mentioned(text, address)) {
                    let path = format!("service/{service}.networks.{}.{key}", entry.key);
                    found.push((
                        path,
                        format!("siblings call {service} {address}, and it has another address here"),
                    ));
                }
            }
        }
    }
    for (path, what) in found {
        world.warn(path, what, "its name, where siblings call it by its address");
    }
}

/// Every name that is no service's own and is called.
fn called(world: &World<'_>) -> Vec<Alias> {
    let services: Vec<(String, &Node)> =
        world.section("services").into_iter().filter(|(name, _)| world.chosen.contains(name)).collect();
    let is_service = |name: &str| services.iter().any(|(other, _)| other == name);
    let texts = texts(world);
    let mut found = Vec::new();
    for (owner, node) in &services {
        let document = world.known("services", owner);
        let is_named = |name: &str| {
            texts.iter().any(|(other, text)| Some(other) != document.as_ref() && is_host(text, name))
        };
        if let Some(name) = node.get("container_name").and_then(Node::as_str)
            && !is_service(name)
            && is_named(name)
        {
            let said = (owner.clone(), "container_name".to_owned());
            found.push(Alias { service: owner.clone(), name: name.to_owned(), said });
        }
        let links = node.get("links").map(value).as_ref().and_then(list).unwrap_or_default();
        for (index, link) in links.iter().enumerate() {
            if let Some((service, name)) = link.split_once(':')
                && is_service(service)
                && !is_service(name)
            {
                let said = (owner.clone(), format!("links.{index}"));
                found.push(Alias { service: service.to_owned(), name: name.to_owned(), said });
            }
        }
    }
    found
}

/// Makes a document of the network that every service is on, since only such networks have further names.
fn share(world: &mut World<'_>) {
    let is_alone = |workload: &Workload| workload.networks.is_empty();
    if !world.app.workloads.values().any(is_alone) {
        return;
    }
    let document = world.named("networks", DEFAULT);
    world.app.networks.entry(document.clone()).or_default();
    for workload in world.app.workloads.values_mut().filter(|workload| is_alone(workload)) {
        workload.networks.insert(document.clone(), NetworkAttachment::default());
    }
}

fn add(workload: &mut Workload, name: &str) {
    for attachment in workload.networks.values_mut() {
        if !attachment.aliases.iter().any(|alias| alias == name) {
            attachment.aliases.push(name.to_owned());
        }
    }
}
