//! Ports that a service listens on and publishes.

use std::net::IpAddr;

use rhumb_backend::fields::{Fields, leaves};
use rhumb_spec::model::{Container, Expose, ExposeAs, Port, Protocol, Traffic, Workload};
use serde_json::Value;

use super::{World, list, scalar};

/// The most ports that one entry may name.
const MAX_RANGE: usize = 100;
/// The ports of nodes that Kubernetes gives out.
const NODE_PORTS: std::ops::RangeInclusive<u16> = 30_000..=32_767;

/// One port, or as many as a range has.
#[derive(Default)]
struct Ports {
    targets: Vec<u16>,
    published: Vec<u16>,
    protocol: Protocol,
    address: Option<String>,
    is_host: bool,
}

/// Reads `ports` and `expose`.
pub(super) fn lift(
    fields: &mut Fields<'_>,
    (service, container, workload): (&str, &mut Container, &mut Workload),
    world: &mut World<'_>,
) {
    let items = match fields.take_whole("ports") {
        Some(Value::Array(items)) => items,
        Some(other) => vec![other],
        None => Vec::new(),
    };
    for (index, item) in items.iter().enumerate() {
        let at = format!("ports.{index}");
        match published(item).and_then(|found| publish(&found, (container, workload)).map(|()| found)) {
            Ok(found) => reach(fields, &found, (service, &at), world),
            Err(why) => {
                fields.lost(&at, leaves(item), &why);
                continue;
            }
        }
        for (key, value) in item.as_object().into_iter().flatten() {
            if !matches!(key.as_str(), "target" | "published" | "protocol" | "host_ip" | "mode" | "name") {
                fields.lost(&format!("{at}.{key}"), leaves(value), "no port of an app has it");
            }
        }
    }
    for (index, text) in fields.take("expose", list).unwrap_or_default().iter().enumerate() {
        match exposed(text) {
            Ok((ports, protocol)) => {
                for port in ports {
                    internal((port, protocol), (container, workload));
                    if !workload.expose.contains_key(&name_of(port, protocol)) {
                        let what = format!(
                            "siblings are led from {port} to another port of it, which is published there"
                        );
                        world.warn(format!("service/{service}.expose"), what, "another published number");
                    }
                }
            }
            Err(why) => fields.lost(&format!("expose.{index}"), 1, &why),
        }
    }
}

/// Says who reaches a port in Compose and not here, and the other way round.
fn reach(fields: &Fields<'_>, found: &Ports, (service, at): (&str, &str), world: &mut World<'_>) {
    let path = format!("service/{service}.{at}");
    match &found.address {
        _ if found.published.is_empty() => {
            let why = "it is published at whichever port is free, and here only siblings reach it";
            fields.lost(&format!("{at}.published"), 1, why);
            world.warn(path, why, "`as: node` or `as: loadbalancer`, where others need it");
        }
        Some(address) if is_own(address) => {
            let why = format!(
                "it is published at {address} only, for programs of the same node; here only siblings reach it"
            );
            fields.lost(&format!("{at}.published"), 1, &why);
            world.warn(path, why, "`as: node` or `as: loadbalancer`, where others need it");
        }
        Some(address) => {
            let what =
                format!("the port is published at {address} only in Compose, and at every address here");
            world.warn(path, what, "`as: internal` where nobody outside needs it");
        }
        None => {}
    }
}

/// Adds a port that siblings reach.
pub(super) fn internal(
    (port, protocol): (u16, Protocol),
    (container, workload): (&mut Container, &mut Workload),
) {
    let name = name_of(port, protocol);
    let number = Port { port, protocol };
    if port == 0 || container.ports.contains_key(&name) {
        return;
    }
    let is_taken = is_taken(&name, number, (container, workload));
    container.ports.insert(name.clone(), number);
    if is_taken {
        return;
    }
    let expose = Expose { port, kind: ExposeAs::Internal, traffic: Traffic::Cluster, internal_port: None };
    workload.expose.insert(name, expose);
}

/// The name of a port.
pub(super) fn name_of(port: u16, protocol: Protocol) -> String {
    match (port, protocol) {
        (80, Protocol::Tcp) => "http".to_owned(),
        (443, Protocol::Tcp) => "https".to_owned(),
        (port, Protocol::Tcp) => format!("tcp-{port}"),
        (port, Protocol::Udp) => format!("udp-{port}"),
        (port, Protocol::Sctp) => format!("sctp-{port}"),
    }
}

fn publish(found: &Ports, (container, workload): (&mut Container, &mut Workload)) -> Result<(), String> {
    let is_own = found.address.as_deref().is_some_and(is_own);
    for (index, target) in found.targets.iter().enumerate() {
        let name = name_of(*target, found.protocol);
        let Some(published) = found.published.get(index).copied().filter(|_| !is_own) else {
            // Whichever port Docker would choose, nobody can know it before.
            internal((*target, found.protocol), (container, workload));
            continue;
        };
        let is_free = workload.expose.get(&name).is_none_or(|old| old.kind == ExposeAs::Internal);
        if !is_free {
            return Err(format!("port {target} of the container is published at another port already"));
        }
        let is_node = found.is_host || NODE_PORTS.contains(&published);
        let port = Port { port: *target, protocol: found.protocol };
        let is_taken = is_taken(&name, port, (container, workload));
        let expose = Expose {
            port: published,
            kind: if is_node { ExposeAs::Node } else { ExposeAs::LoadBalancer },
            traffic: if found.is_host { Traffic::Local } else { Traffic::Cluster },
            internal_port: (is_node && published != *target && !is_taken).then_some(*target),
        };
        make_room(&name, Port { port: published, ..port }, (container, workload));
        container.ports.insert(name.clone(), port);
        workload.expose.insert(name, expose);
    }
    Ok(())
}

/// The names of other ports of the workload that siblings reach at a number.
fn at_number(name: &str, number: Port, (container, workload): (&Container, &Workload)) -> Vec<String> {
    let others = workload.expose.iter().filter(|(other, expose)| {
        let protocol = container.ports.get(*other).map(|port| port.protocol);
        *other != name
            && protocol == Some(number.protocol)
            && expose.internal_port.unwrap_or(expose.port) == number.port
    });
    others.map(|(other, _)| other.clone()).collect()
}

fn is_taken(name: &str, number: Port, (container, workload): (&Container, &Workload)) -> bool {
    !at_number(name, number, (container, workload)).is_empty()
}

/// A number that is published goes before those that only siblings use.
fn make_room(name: &str, number: Port, (container, workload): (&Container, &mut Workload)) {
    for other in at_number(name, number, (container, workload)) {
        let is_internal = workload.expose.get(&other).is_some_and(|expose| expose.kind == ExposeAs::Internal);
        if is_internal {
            workload.expose.shift_remove(&other);
        } else if let Some(expose) = workload.expose.get_mut(&other) {
            expose.internal_port = None;
        }
    }
}

fn published(item: &Value) -> Result<Ports, String> {
    let found = match item {
        Value::Object(map) => {
            let text = |key: &str| map.get(key).and_then(scalar);
            Ports {
                targets: range(&text("target").ok_or("`target` is missing")?)?,
                published: text("published")
                    .filter(|text| !text.is_empty())
                    .map_or(Ok(Vec::new()), |text| range(&text))?,
                protocol: protocol(text("protocol").as_deref().unwrap_or("tcp"))?,
                address: text("host_ip").filter(|address| !is_every(address)),
                is_host: text("mode").as_deref() == Some("host"),
            }
        }
        other => short(&scalar(other).ok_or("it is no port")?)?,
    };
    fitted(found)
}

/// As many published ports as there are targets.
fn fitted(mut found: Ports) -> Result<Ports, String> {
    match (found.targets.len(), found.published.len()) {
        (_, 0) => Ok(found),
        (targets, published) if targets == published => Ok(found),
        (1, _) => {
            found.published.truncate(1);
            Ok(found)
        }
        (targets, published) => {
            Err(format!("{published} published ports do not fit {targets} of the container"))
        }
    }
}

/// `[ADDRESS:][PUBLISHED:]TARGET[/PROTOCOL]`.
fn short(text: &str) -> Result<Ports, String> {
    let (rest, word) = text.split_once('/').unwrap_or((text, "tcp"));
    let (before, target) =
        rest.rsplit_once(':').map_or((None, rest), |(before, target)| (Some(before), target));
    let (address, published) = match before {
        None => (None, None),
        Some(before) => match before.rsplit_once(':') {
            Some((address, published)) => (Some(address.trim_matches(['[', ']'])), Some(published)),
            None => (None, Some(before)),
        },
    };
    Ok(Ports {
        targets: range(target)?,
        published: published.filter(|text| !text.is_empty()).map_or(Ok(Vec::new()), range)?,
        protocol: protocol(word)?,
        address: address.filter(|address| !is_every(address)).map(str::to_owned),
        is_host: false,
    })
}

fn is_every(address: &str) -> bool {
    matches!(address, "" | "0.0.0.0" | "::")
}

/// Whether only programs of the same node reach an address.
fn is_own(address: &str) -> bool {
    address == "localhost" || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn protocol(word: &str) -> Result<Protocol, String> {
    match word {
        "tcp" => Ok(Protocol::Tcp),
        "udp" => Ok(Protocol::Udp),
        "sctp" => Ok(Protocol::Sctp),
        other => Err(format!("there is no protocol `{}`", other.escape_debug())),
    }
}

fn exposed(text: &str) -> Result<(Vec<u16>, Protocol), String> {
    let (ports, word) = text.split_once('/').unwrap_or((text, "tcp"));
    Ok((range(ports)?, protocol(word)?))
}

fn range(text: &str) -> Result<Vec<u16>, String> {
    let port = |text: &str| match text.trim().parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(format!("`{}` is no port", text.escape_debug())),
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (port(first)?, port(last)?);
    if first > last {
        return Err(format!("the range `{text}` ends before it begins"));
    }
    if usize::from(last - first) >= MAX_RANGE {
        return Err(format!("the range `{text}` has more than {MAX_RANGE} ports: name those that are used"));
    }
    Ok((first..=last).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(item: &Value, expected: Result<(&[u16], &[u16]), &str>) {
        let found = published(item);
        let found = found.as_ref().map(|found| (&*found.targets, &*found.published)).map_err(String::as_str);
        assert_eq!(found, expected, "{item}");
    }

    #[test]
    fn every_form_of_port_is_read() {
        check(&json!(3000), Ok((&[3000], &[])));
        check(&json!("8080:80"), Ok((&[80], &[8080])));
        check(&json!("127.0.0.1:9229:9229/udp"), Ok((&[9229], &[9229])));
        check(&json!("[::1]:1-2:3-4"), Ok((&[3, 4], &[1, 2])));
        check(
            &json!("8000-9000:80"),
            Err("the range `8000-9000` has more than 100 ports: name those that are used"),
        );
        check(&json!({ "target": 80, "published": "8080", "mode": "host" }), Ok((&[80], &[8080])));
        check(&json!("1-2:1-3"), Err("2 published ports do not fit 3 of the container"));
        check(&json!("0:x"), Err("`x` is no port"));
        check(
            &json!("1-65535"),
            Err("the range `1-65535` has more than 100 ports: name those that are used"),
        );
    }
}
