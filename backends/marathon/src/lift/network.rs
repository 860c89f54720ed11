//! Networks, in the words of every version of Marathon.

use rhumb_backend::fields::Fields;
use rhumb_spec::model::{Network, NetworkAttachment, Workload};
use serde_json::{Map, Value, json};

use super::World;
use super::naming::document_name;

/// The virtual network that DC/OS comes with.
const DCOS: &str = "dcos";

/// Says with today's fields what older versions said with others: each old field becomes one new one.
///
/// Source: Marathon documentation, "Networking", "Migrating to 1.5".
pub(super) fn modernize(fields: &mut Fields<'_>) {
    let has_networks = fields.get("networks").is_some();
    let mode = fields.descended(&["container", "docker"]).and_then(|mut docker| {
        docker.take("network", |value| {
            value.as_str().filter(|mode| *mode != "NONE" && !has_networks).map(str::to_owned)
        })
    });
    let name = fields.below("ipAddress").and_then(|mut address| address.text("networkName"));
    let mut network = Map::new();
    match mode.as_deref() {
        Some("BRIDGE") => drop(network.insert("mode".to_owned(), "container/bridge".into())),
        Some("HOST") => drop(network.insert("mode".to_owned(), "host".into())),
        Some(_) => drop(network.insert("mode".to_owned(), "container".into())),
        None => {}
    }
    if let Some(name) = name {
        network.insert("name".to_owned(), name.into());
    }
    if !network.is_empty() {
        fields.put("networks", json!([network]));
    }
    mappings(fields);
    if let Some(mut address) = fields.below("ipAddress") {
        for key in address.keys() {
            address.lose(&key, "Marathon ignores it, and today's documents have no such field");
        }
    }
    for (old, new, key) in [("uris", "fetch", "uri"), ("ports", "portDefinitions", "port")] {
        if fields.get(new).is_none()
            && let Some(Value::Array(items)) = fields.take_whole(old)
        {
            fields.put(new, items.into_iter().map(|item| json!({ key: item })).collect());
        }
    }
}

fn mappings(fields: &mut Fields<'_>) {
    let found =
        fields.descended(&["container", "docker"]).and_then(|mut docker| docker.take_whole("portMappings"));
    let discovered =
        fields.descended(&["ipAddress", "discovery"]).and_then(|mut discovery| discovery.take_whole("ports"));
    let discovered = discovered.map(|ports| {
        let renamed = |port: &Value| {
            let mut port = port.clone();
            if let Some(map) = port.as_object_mut()
                && let Some(number) = map.shift_remove("number")
            {
                map.insert("containerPort".to_owned(), number);
            }
            port
        };
        ports.as_array().map(|ports| ports.iter().map(renamed).collect::<Vec<_>>())
    });
    let list = found.or(discovered.flatten().map(Value::Array));
    if let (Some(list), Some(mut container)) = (list, fields.below("container")) {
        if container.get("portMappings").is_none() {
            container.put("portMappings", list);
        } else if let Some(mut docker) = container.below("docker") {
            docker.put("portMappings", list);
        }
    }
}

/// Where an app or pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// On its agent's own network.
    Host,
    /// On a network of its own.
    Container,
}

/// Reads `networks`. The agent's own network has no word, so it is kept; the bridge and the virtual network of DC/OS are what
/// a target takes where nothing is said.
pub(super) fn lift(fields: &mut Fields<'_>, workload: &mut Workload, world: &mut World) -> At {
    let Some(networks) = fields.get("networks").and_then(Value::as_array).cloned() else { return At::Host };
    let text = |network: &Value, key: &str| network.get(key).and_then(Value::as_str).map(str::to_owned);
    let is_host = networks.iter().any(|network| text(network, "mode").as_deref() == Some("host"));
    if is_host {
        return At::Host;
    }
    let is_plain = |network: &Value| {
        let keys =
            network.as_object().map(|map| map.keys().all(|key| matches!(key.as_str(), "mode" | "name")));
        let name = text(network, "name");
        keys == Some(true) && name.is_none_or(|name| document_name(&name) == name)
    };
    if !networks.iter().all(is_plain) {
        return At::Container;
    }
    let names: Vec<String> = networks.iter().filter_map(|network| text(network, "name")).collect();
    if names != [DCOS] {
        for name in names {
            let network = Network { external: true, ..Network::default() };
            world.app.networks.entry(name.clone()).or_insert(network);
            workload.networks.insert(name, NetworkAttachment::default());
        }
    }
    fields.take_whole("networks");
    At::Container
}
