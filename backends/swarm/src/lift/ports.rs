//! Ports of containers, and those of the nodes that lead to them.

use super::fields::{Fields, not_carried};
use indexmap::IndexMap;
use rhumb_backend::Lifted;
use rhumb_spec::model::{Discovery, Expose, ExposeAs, Port, Protocol, Traffic};

/// The longest name of a port.
const NAME_LIMIT: usize = 15;

/// The name of a TCP port by its number; one that has none yet gets one.
pub(super) fn port_named(ports: &mut IndexMap<String, Port>, number: u16) -> String {
    let known = ports.iter().find(|(_, port)| port.port == number && port.protocol == Protocol::Tcp);
    if let Some((name, _)) = known {
        return name.clone();
    }
    let name = format!("p{number}");
    ports.insert(name.clone(), Port { port: number, protocol: Protocol::Tcp });
    name
}

/// Reads the ports of a service, and how its name resolves.
pub(super) fn endpoint(
    service: &mut Fields,
    ports: &mut IndexMap<String, Port>,
    lifted: &mut Lifted,
) -> (IndexMap<String, Expose>, Discovery) {
    let mut endpoint = service.below("EndpointSpec");
    let discovery = match endpoint.text("Mode").as_deref() {
        Some("dnsrr") => Discovery::Dns,
        _ => Discovery::VirtualIp,
    };
    let mut exposed = IndexMap::new();
    for (index, item) in endpoint.list("Ports").into_iter().enumerate() {
        let path = format!("{}.{index}", endpoint.at("Ports"));
        let fields = endpoint.item(item, path.clone());
        exposed.extend(exposed_port(fields, path, ports, lifted));
    }
    endpoint.tell(&mut lifted.notes);
    (exposed, discovery)
}

fn exposed_port(
    mut fields: Fields,
    path: String,
    ports: &mut IndexMap<String, Port>,
    lifted: &mut Lifted,
) -> Option<(String, Expose)> {
    let protocol = match fields.text("Protocol").as_deref() {
        Some("udp") => Protocol::Udp,
        Some("sctp") => Protocol::Sctp,
        _ => Protocol::Tcp,
    };
    let number =
        |number: Option<u32>| number.and_then(|number| u16::try_from(number).ok()).filter(|it| *it > 0);
    let target = number(fields.small("TargetPort"))?;
    let name = fields.text("Name").filter(|name| is_name(name) && !ports.contains_key(name));
    let name = name.unwrap_or_else(|| generated(target, protocol));
    if ports.values().any(|port| *port == Port { port: target, protocol }) {
        lifted.notes.push(not_carried(path, format!("port {target} of the container is published already")));
        return None;
    }
    ports.insert(name.clone(), Port { port: target, protocol });
    let traffic = match fields.text("PublishMode").as_deref() {
        Some("host") => Traffic::Local,
        _ => Traffic::Cluster,
    };
    let Some(published) = number(fields.small("PublishedPort")) else {
        lifted.notes.push(not_carried(path, "the port of the nodes is left to the engine's choice"));
        return None;
    };
    fields.tell(&mut lifted.notes);
    let internal_port = (published != target).then_some(target);
    Some((name, Expose { port: published, kind: ExposeAs::Node, traffic, internal_port }))
}

fn generated(number: u16, protocol: Protocol) -> String {
    match protocol {
        Protocol::Tcp => format!("p{number}"),
        Protocol::Udp => format!("p{number}-udp"),
        Protocol::Sctp => format!("p{number}-sctp"),
    }
}

fn is_name(name: &str) -> bool {
    let is_legal = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '-');
    !name.is_empty()
        && name.len() <= NAME_LIMIT
        && name.chars().all(is_legal)
        && name.chars().any(|character| character.is_ascii_lowercase())
        && !name.starts_with('-')
        && !name.ends_with('-')
}
