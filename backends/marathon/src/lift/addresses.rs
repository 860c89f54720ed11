//! Variables that say where a sibling is, by a name of DC/OS.

use rhumb_spec::App;
use rhumb_spec::model::{EnvSource, EnvValue, Expose, ExposeAs, Mode, Workload};
use serde_json::{Map, Value, json};

use super::naming::Names;
use crate::lower::VIPS;

/// A virtual address: its host and port, and the app or pod that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    host: String,
    port: u16,
    id: String,
}

/// The virtual addresses of a document, named and numbered.
///
/// Source: DC/OS documentation, "Load balancing and virtual IPs (VIPs)".
pub(super) fn of(document: &Value) -> Vec<Address> {
    let id = document.get("id").and_then(Value::as_str).unwrap_or_default();
    let lists = ["/container/portMappings", "/container/docker/portMappings"];
    let mappings = lists.iter().filter_map(|at| document.pointer(at)?.as_array()).flatten();
    let containers = document.get("containers").and_then(Value::as_array).into_iter().flatten();
    let endpoints = containers.filter_map(|container| container.get("endpoints")?.as_array()).flatten();
    let labels = mappings.chain(endpoints).filter_map(|port| port.get("labels")?.as_object()).flatten();
    let addresses = labels.filter(|(key, _)| key.starts_with("VIP_")).filter_map(|(_, said)| {
        let (name, port) = said.as_str()?.rsplit_once(':')?;
        let host = name.trim_start_matches('/');
        let is_number = host.parse::<std::net::IpAddr>().is_ok();
        let host = if is_number { host.to_owned() } else { format!("{host}.{VIPS}") };
        Some(Address { host, port: port.parse().ok()?, id: id.to_owned() })
    });
    addresses.collect()
}

/// Makes addresses of siblings in variables what they are. The text stays for Marathon where the address does: a
/// release's own changes with it.
pub(super) fn resolve(addresses: &[Address], names: &Names, app: &mut App) {
    let known: Vec<(&Address, String, String)> = addresses
        .iter()
        .filter_map(|address| {
            let name = names.get(&address.id)?;
            let port = port_of(app.workloads.get(name)?, address.port)?;
            Some((address, name.clone(), port))
        })
        .collect();
    for workload in app.workloads.values_mut() {
        let can_stay = workload.containers.len() == 1
            && workload.on.get("marathon").is_none_or(|patches| !patches.contains_key("Pod"));
        let mut stay = Map::new();
        for container in workload.containers.values_mut() {
            for (variable, value) in &mut container.env {
                let EnvValue::Text(text) = value else { continue };
                let found = known.iter().find_map(|(address, name, port)| {
                    let format = format_of(text, address).filter(|_| can_stay || is_own(address))?;
                    let (workload, port) = (name.clone(), port.clone());
                    Some((*address, EnvSource::Address { workload, port, format }))
                });
                let Some((address, source)) = found else { continue };
                if !is_own(address) {
                    stay.insert(variable.clone(), text.clone().into());
                }
                *value = EnvValue::From(source);
            }
        }
        if !stay.is_empty() {
            keep(workload, stay);
        }
    }
}

/// The port of a workload that siblings reach by this number.
fn port_of(workload: &Workload, number: u16) -> Option<String> {
    let is_it = |expose: &Expose| {
        let inner = expose.internal_port.unwrap_or(expose.port);
        inner == number && (expose.internal_port.is_some() || expose.kind != ExposeAs::Node)
    };
    workload.expose.iter().find(|(_, expose)| is_it(expose)).map(|(name, _)| name.clone())
}

/// The format of a text with an address in it; none of one that has no such address, or more than that.
#[expect(clippy::option_option, reason = "a format may be the usual one")]
fn format_of(text: &str, address: &Address) -> Option<Option<String>> {
    let whole = format!("{}:{}", address.host, address.port);
    let (before, after) = text.split_once(&whole)?;
    let is_end =
        |letter: Option<char>| letter.is_none_or(|letter| !letter.is_ascii_alphanumeric() && letter != '-');
    let is_alone = is_end(before.chars().next_back().filter(|letter| *letter != '@'))
        && !before.ends_with('.')
        && is_end(after.chars().next());
    if !is_alone || text.contains(['{', '}']) || after.contains(&address.host) {
        return None;
    }
    Some((text != whole).then(|| format!("{before}{{host}}:{{port}}{after}")))
}

/// Whether a release made an address: it is that of its id, backwards.
fn is_own(address: &Address) -> bool {
    let mut segments: Vec<&str> = address.id.trim_start_matches('/').split('/').collect();
    segments.reverse();
    segments.len() == 3 && address.host == format!("{}.{VIPS}", segments.join("."))
}

/// Keeps variables as they are in the patch of an app or job.
fn keep(workload: &mut Workload, stay: Map<String, Value>) {
    let is_job = matches!(workload.mode, Mode::Job | Mode::Cron);
    let patches = workload.on.entry("marathon".to_owned()).or_default();
    let (kind, steps) = if is_job { ("Job", &["run", "env"][..]) } else { ("App", &["env"][..]) };
    let mut at = patches.entry(kind.to_owned()).or_insert_with(|| json!({}));
    for step in steps {
        let Some(map) = at.as_object_mut() else { return };
        at = map.entry(*step).or_insert_with(|| json!({}));
    }
    if let Some(env) = at.as_object_mut() {
        env.extend(stay);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_in_a_text() {
        let address = Address { host: "10.1.1.1".to_owned(), port: 80, id: "/web".to_owned() };
        for (text, expected) in [
            ("10.1.1.1:80", Some(None)),
            ("http://10.1.1.1:80/x", Some(Some("http://{host}:{port}/x"))),
            ("amqp://a:b@10.1.1.1:80", Some(Some("amqp://a:b@{host}:{port}"))),
            ("110.1.1.1:80", None),
            ("10.1.1.1:8080", None),
            ("{10.1.1.1:80}", None),
            ("10.1.1.1", None),
        ] {
            let found = format_of(text, &address);
            assert_eq!(found.as_ref().map(Option::as_deref), expected, "{text}");
        }
    }
}
