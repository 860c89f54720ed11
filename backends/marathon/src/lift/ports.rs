//! Ports, and who reaches them.

use rhumb_backend::fields::{Fields, Item};
use rhumb_spec::model::{Container, Expose, ExposeAs, Port, Protocol, Traffic, Workload};
use serde_json::{Value, json};

use super::naming::is_port_name;

/// Why a port that Marathon gave out says nothing.
const ASSIGNED: &str = "Marathon assigns it";

/// Ports by which a port of a container is reached.
#[derive(Default)]
struct Ways {
    internal: Option<u16>,
    host: Option<u16>,
    service: Option<u16>,
}

/// The names of an app's ports, by their place among its mappings.
pub(super) fn names(mappings: Option<&Value>) -> Vec<Option<String>> {
    let mut found: Vec<Option<String>> = Vec::new();
    for mapping in mappings.and_then(Value::as_array).into_iter().flatten() {
        let number = mapping.get("containerPort").and_then(Value::as_u64).filter(|number| *number > 0);
        let said = mapping.get("name").and_then(Value::as_str).filter(|name| is_port_name(name));
        let name = number.map(|number| said.map_or_else(|| usual(number), str::to_owned));
        let is_taken = name.as_ref().is_some_and(|name| found.contains(&Some(name.clone())));
        found.push(name.map(|name| if is_taken { format!("port-{}", found.len()) } else { name }));
    }
    found
}

fn usual(number: u64) -> String {
    match number {
        80 | 8080 => "http".to_owned(),
        443 | 8443 => "https".to_owned(),
        other => format!("port-{other}"),
    }
}

/// What reading ports needs to know of the app.
pub(super) struct About<'a> {
    /// The app's id on the platform.
    pub(super) id: &'a str,
    pub(super) names: &'a [Option<String>],
    /// The places of ports that marathon-lb opens.
    pub(super) balanced: &'a [usize],
}

/// Reads `portMappings` of `container`.
pub(super) fn mappings(
    fields: &mut Fields<'_>,
    about: &About<'_>,
    (container, workload): (&mut Container, &mut Workload),
) {
    const LIST: &str = "portMappings";
    for (index, mut item) in fields.items(LIST, "containerPort").into_iter().enumerate() {
        let name = about.names.get(index).cloned().flatten();
        let Some((name, number)) = name.zip(item.key.as_u64().and_then(|number| u16::try_from(number).ok()))
        else {
            fields.put_whole_item(LIST, "containerPort", item);
            continue;
        };
        let is_balanced = about.balanced.contains(&index);
        let mut mapping = fields.of_item(LIST, &mut item);
        mapping.take("name", |value| (value.as_str() == Some(&name)).then_some(()));
        let protocol = protocol(&mut mapping, "protocol");
        container.ports.insert(name.clone(), Port { port: number, protocol });
        let ways = ways(&mut mapping, about.id, is_balanced);
        if let [network] = workload.networks.keys().take(1).collect::<Vec<_>>()[..] {
            let first = json!([network]);
            mapping.take("networkNames", |value| (*value == first).then_some(()));
        }
        if let Some(expose) = expose(&ways) {
            workload.expose.insert(name, expose);
        }
        fields.put_item(LIST, "containerPort", item);
    }
}

fn protocol(mapping: &mut Fields<'_>, key: &str) -> Protocol {
    // Pods have a list of them.
    let only = |value: &Value| match value.as_array().map(Vec::as_slice) {
        Some([one]) => one.as_str().map(str::to_ascii_lowercase),
        Some(_) => None,
        None => value.as_str().map(str::to_ascii_lowercase),
    };
    let read = |value: &Value| match only(value).as_deref() {
        Some("tcp") => Some(Protocol::Tcp),
        Some("udp") => Some(Protocol::Udp),
        _ => None,
    };
    mapping.take(key, read).unwrap_or_default()
}

fn ways(mapping: &mut Fields<'_>, id: &str, is_balanced: bool) -> Ways {
    let port = |value: &Value| {
        value.as_u64().filter(|number| *number > 0).and_then(|number| u16::try_from(number).ok())
    };
    for key in ["hostPort", "servicePort"] {
        if mapping.get(key) == Some(&json!(0)) {
            mapping.own(&[key], ASSIGNED);
        }
    }
    let mut ways = Ways { internal: internal(mapping, id), ..Ways::default() };
    ways.host = mapping.take("hostPort", port);
    if ways.host.is_none() && is_balanced {
        ways.service = mapping.take("servicePort", port);
    } else if !is_balanced && mapping.ledger().is_live() {
        mapping.own(&["servicePort"], ASSIGNED);
    }
    ways
}

/// The port of a virtual address. Its name is the release's own, or is kept.
fn internal(mapping: &mut Fields<'_>, id: &str) -> Option<u16> {
    let mut labels = mapping.below("labels")?;
    let mut segments: Vec<&str> = id.trim_start_matches('/').split('/').collect();
    segments.reverse();
    // An id of a release has three; the address of any other stays as it is.
    let own = if segments.len() == 3 { segments.join(".") } else { String::new() };
    let mut found = None;
    for key in labels.keys().into_iter().filter(|key| key.starts_with("VIP_")) {
        let address = labels.text_at(&key).unwrap_or_default().trim_start_matches('/').to_owned();
        let Some((name, port)) = address.rsplit_once(':') else { continue };
        let Some(port) = port.parse::<u16>().ok().filter(|port| *port > 0) else { continue };
        let is_first = found.is_none();
        if is_first {
            found = Some(port);
        }
        if is_first && name == own {
            labels.take_whole(&key);
        }
    }
    found
}

fn expose(ways: &Ways) -> Option<Expose> {
    let of = |port, kind, traffic| {
        let internal_port = ways.internal.filter(|internal| *internal != port && kind == ExposeAs::Node);
        Expose { port, kind, traffic, internal_port }
    };
    match (ways.host, ways.service, ways.internal) {
        (Some(host), _, _) => Some(of(host, ExposeAs::Node, Traffic::Local)),
        (None, Some(service), internal) if internal.is_none_or(|internal| internal == service) => {
            Some(of(service, ExposeAs::LoadBalancer, Traffic::Cluster))
        }
        (None, Some(service), _) => Some(of(service, ExposeAs::Node, Traffic::Cluster)),
        (None, None, Some(internal)) => Some(of(internal, ExposeAs::Internal, Traffic::Cluster)),
        (None, None, None) => None,
    }
}

/// Reads `endpoints` of a pod's container.
pub(super) fn endpoints(
    fields: &mut Fields<'_>,
    id: &str,
    (container, workload): (&mut Container, &mut Workload),
) {
    const LIST: &str = "endpoints";
    for mut item in fields.items(LIST, "name") {
        let name = item.name();
        let number = item
            .map
            .get("containerPort")
            .and_then(Value::as_u64)
            .and_then(|number| u16::try_from(number).ok());
        let number = number.filter(|number| *number > 0 && is_port_name(&name));
        let is_taken = workload.expose.contains_key(&name);
        let Some(number) = number.filter(|_| !is_taken && speaks_one(&item)) else {
            fields.put_whole_item(LIST, "name", item);
            continue;
        };
        let mut endpoint = fields.of_item(LIST, &mut item);
        endpoint.take_whole("containerPort");
        let protocol = protocol(&mut endpoint, "protocol");
        container.ports.insert(name.clone(), Port { port: number, protocol });
        let ways = ways(&mut endpoint, id, false);
        if let Some(expose) = expose(&ways) {
            workload.expose.insert(name, expose);
        }
        fields.put_item(LIST, "name", item);
    }
}

/// Whether an endpoint speaks no more than one protocol of those that a port has.
fn speaks_one(item: &Item) -> bool {
    item.map.get("protocol").is_none_or(|protocols| protocols.as_array().is_none_or(|all| all.len() < 2))
}
