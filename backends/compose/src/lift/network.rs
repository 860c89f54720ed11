//! Networks, where they keep services apart.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::fields::{Fields, leaves};
use rhumb_spec::model::{Network, NetworkAttachment, Workload};
use rhumb_spec::yaml::Node;
use serde_json::Value;

use super::volumes::own_name;
use super::{World, external, flag, list, scalar, text_pairs};

/// The network of every service that names none.
pub(super) const DEFAULT: &str = "default";
/// Why addresses are left out.
const ADDRESSES: &str = "addresses are the platform's choice";

/// Reads the networks that keep services apart. Where every service is on one network, the release's own is it.
pub(super) fn lift(world: &mut World<'_>) {
    let is_apart = is_apart(world)
        || world.section("networks").iter().any(|(_, node)| is_special(node))
        || users(world).values().flat_map(BTreeMap::values).any(|has_names| *has_names);
    for (name, node) in world.section("networks") {
        let document = if is_apart { Some(external::named(("networks", &name, node), world)) } else { None };
        let path = document.as_ref().map(|document| format!("network/{document}"));
        world.entry(("network", &name, node), path, |fields, world| {
            let shown = document.clone().unwrap_or_default();
            let found = network(fields, (&name, &shown), world);
            match document {
                Some(document) => {
                    world.app.networks.insert(document, found);
                }
                None => same(fields),
            }
        });
    }
    let needs_default = |networks: &BTreeMap<String, bool>| {
        networks.get(DEFAULT).is_some_and(|has_names| *has_names || networks.len() > 1)
    };
    if is_apart && users(world).values().any(needs_default) {
        let document = world.named("networks", DEFAULT);
        world.app.networks.entry(document).or_default();
    }
}

/// Whether a network is more than what services share.
fn is_special(node: &Node) -> bool {
    let is_external = node.get("external").is_some_and(|external| external.as_str() != Some("false"));
    is_external || node.get("internal").and_then(Node::as_str) == Some("true")
}

fn same(fields: &mut Fields<'_>) {
    let keys = fields.keys();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    fields.own(&keys, "every service is on it, as on the network that a release has anyway");
}

fn network(fields: &mut Fields<'_>, (name, document): (&str, &str), world: &mut World<'_>) -> Network {
    if let Some(labels) = external::lift(fields, ("network", name, document), world) {
        return Network { external: true, labels, ..Network::default() };
    }
    own_name(fields);
    let mut found = Network {
        internal: fields.take("internal", flag).unwrap_or(false),
        attachable: fields.take("attachable", flag).unwrap_or(false),
        labels: fields.take("labels", text_pairs).unwrap_or_default(),
        ..Network::default()
    };
    if let Some(mut options) = fields.below("driver_opts") {
        found.encrypted =
            options.take("encrypted", |value| scalar(value).map(|text| text != "false")).unwrap_or(false);
        for key in options.keys() {
            options.lose(&key, "a network of an app has no options of a driver");
        }
    }
    let is_left = |left: &Value| left.as_object().is_some_and(|left| !left.is_empty());
    if !fields.get("driver_opts").is_some_and(is_left) {
        fields.take_whole("driver_opts");
    }
    found.subnet = subnet(fields);
    fields.own(&["driver"], "the platform has its own way of making networks");
    found
}

/// The one subnet of `ipam`; what else is in it is the platform's choice.
fn subnet(fields: &mut Fields<'_>) -> Option<String> {
    let Some(Value::Object(map)) = fields.take_whole("ipam") else { return None };
    let mut found = None;
    for (key, value) in map {
        match (key.as_str(), value) {
            ("driver", _) => {}
            ("config", Value::Array(all)) => {
                let mut all = all.into_iter().enumerate();
                if let Some((_, first)) = all.next() {
                    found = range(fields, &first);
                }
                for (index, other) in all {
                    let why = "a network of an app has one range of addresses";
                    fields.lost(&format!("ipam.config.{index}"), leaves(&other), why);
                }
            }
            (key, value) => fields.lost(&format!("ipam.{key}"), leaves(&value), ADDRESSES),
        }
    }
    found
}

/// The range of addresses of the first entry.
fn range(fields: &Fields<'_>, entry: &Value) -> Option<String> {
    for (key, value) in entry.as_object()?.iter().filter(|(key, _)| *key != "subnet") {
        fields.lost(&format!("ipam.config.0.{key}"), leaves(value), ADDRESSES);
    }
    scalar(entry.get("subnet")?)
}

/// The networks of each service, and whether it has further names there.
fn users(world: &World<'_>) -> BTreeMap<String, BTreeMap<String, bool>> {
    let services = world.section("services").into_iter().filter(|(name, _)| world.chosen.contains(name));
    services.map(|(name, node)| (name.clone(), with_names(&name, node))).collect()
}

fn with_names(service: &str, node: &Node) -> BTreeMap<String, bool> {
    let has_names = |network: &str| {
        let aliases = node.get("networks").and_then(|all| all.get(network)?.get("aliases"));
        let aliases = aliases.and_then(Node::as_sequence).unwrap_or_default();
        aliases.iter().filter_map(Node::as_str).any(|alias| alias != service)
    };
    of_service(node).into_iter().map(|name| (name.clone(), has_names(&name))).collect()
}

fn of_service(node: &Node) -> BTreeSet<String> {
    let names: BTreeSet<String> = match node.get("networks") {
        Some(networks) => match networks.as_mapping() {
            Some(entries) => entries.iter().map(|entry| entry.key.to_string()).collect(),
            None => networks
                .as_sequence()
                .unwrap_or_default()
                .iter()
                .filter_map(Node::as_str)
                .map(str::to_owned)
                .collect(),
        },
        None => BTreeSet::new(),
    };
    if names.is_empty() { BTreeSet::from([DEFAULT.to_owned()]) } else { names }
}

/// Whether two services share no network.
fn is_apart(world: &World<'_>) -> bool {
    let all: BTreeSet<BTreeSet<String>> =
        users(world).into_values().map(|networks| networks.into_keys().collect()).collect();
    all.iter().any(|one| all.iter().any(|other| one.is_disjoint(other)))
}

/// Reads `network_mode`, which takes the place of networks.
pub(super) fn mode(fields: &mut Fields<'_>, service: &str, world: &mut World<'_>) {
    let Some(mode) = fields.text_at("network_mode").map(str::to_owned) else { return };
    let (why, remedy) = match mode.split_once(':').map_or(mode.as_str(), |(kind, _)| kind) {
        "bridge" | "default" => {
            let why = "it is the network of every container, as the release's own is";
            return fields.own(&["network_mode"], why);
        }
        "service" | "container" => (
            "containers of different workloads share no network",
            "its container beside the other in one workload, where the target runs several together",
        ),
        "host" => (
            "a workload is on the release's network, and not on that of the node",
            "`expose` with the ports that it listens on, `as: node` for those of the node",
        ),
        "none" => ("every workload is on a network", "a Network with `internal` for it alone"),
        _ => ("a workload is on the release's network, or on networks that documents name", "a Network"),
    };
    fields.lose("network_mode", why);
    let what = format!("`network_mode: {}` is left out: {why}", mode.escape_debug());
    world.warn(format!("service/{service}.network_mode"), what, remedy);
}

/// Why a field of a service's network is left out.
fn why_not(key: &str) -> &'static str {
    match key {
        "driver_opts" => "a network of an app has no options of a driver",
        "priority" | "gw_priority" => "which network comes first is the platform's choice",
        "interface_name" => "what the network is called in a container is the platform's choice",
        _ => ADDRESSES,
    }
}

/// Reads the networks of a service.
pub(super) fn attach(fields: &mut Fields<'_>, workload: &mut Workload, world: &mut World<'_>) {
    let named = |value: &Value| match value {
        Value::Object(map) => Some(map.clone().into_iter().collect::<Vec<_>>()),
        other => Some(list(other)?.into_iter().map(|name| (name, Value::Null)).collect()),
    };
    let found = fields.take("networks", named).unwrap_or_default();
    if found.is_empty() {
        if let Some(document) =
            world.known("networks", DEFAULT).filter(|name| world.app.networks.contains_key(name))
        {
            workload.networks.insert(document, NetworkAttachment::default());
        }
        return;
    }
    for (name, about) in found {
        let at = format!("networks.{name}");
        let is_there =
            name == DEFAULT || world.project.root.get("networks").is_some_and(|all| all.get(&name).is_some());
        if !is_there {
            fields.lost(&at, leaves(&about), "there is no such network below `networks`");
            continue;
        }
        let document = world.known("networks", &name).filter(|name| world.app.networks.contains_key(name));
        let mut attachment = NetworkAttachment::default();
        for (key, value) in about.as_object().into_iter().flatten() {
            match (key.as_str(), list(value)) {
                ("aliases", Some(aliases)) if document.is_some() => attachment.aliases = aliases,
                ("aliases", Some(aliases)) => {
                    let why =
                        "on the network that a release has anyway, siblings are reached by their own names";
                    fields.lost(&format!("{at}.aliases"), aliases.len().max(1), why);
                }
                (key, _) => fields.lost(&format!("{at}.{key}"), leaves(value), why_not(key)),
            }
        }
        if let Some(document) = document {
            workload.networks.insert(document, attachment);
        }
    }
}
