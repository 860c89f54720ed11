//! Where tasks go, and what they resolve names by.

use std::collections::BTreeMap;

use rhumb_backend::fields::{Fields, Item, texts};
use rhumb_spec::model::{ConstraintOp, Dns, NodeConstraint, Spread, Workload};
use serde_json::Value;

/// Reads the operating system and the processor.
///
/// Source: Amazon ECS API reference, `RuntimePlatform`.
pub(super) fn platform(fields: &mut Fields<'_>, workload: &mut Workload) {
    let Some(mut platform) = fields.below("runtimePlatform") else { return };
    workload.placement.arch = platform.take("cpuArchitecture", |value| match value.as_str()? {
        "X86_64" => Some("amd64".to_owned()),
        "ARM64" => Some("arm64".to_owned()),
        _ => None,
    });
    workload.placement.os = platform
        .take("operatingSystemFamily", |value| (value.as_str()? == "LINUX").then(|| "linux".to_owned()));
}

/// Reads constraints on nodes, each where it has a neutral form.
///
/// Source: Amazon ECS developer guide, "Create expressions to define container instances for Amazon ECS tasks".
pub(super) fn constraints(fields: &mut Fields<'_>, workload: &mut Workload) {
    let Some(items) = fields.take("placementConstraints", |value| value.as_array().cloned()) else { return };
    let mut left = Vec::new();
    for item in items {
        let text = |key: &str| item.get(key).and_then(Value::as_str);
        match (text("type"), text("expression")) {
            (Some("distinctInstance"), _) => {
                workload.placement.max_per_node = Some(1);
            }
            (Some("memberOf"), Some(expression)) => match node(expression) {
                Some(constraint) => {
                    if !workload.placement.nodes.contains(&constraint) {
                        workload.placement.nodes.push(constraint);
                    }
                }
                None => left.push(item),
            },
            _ => left.push(item),
        }
    }
    if !left.is_empty() {
        fields.put("placementConstraints", Value::Array(left));
    }
}

/// A constraint that one expression says.
fn node(expression: &str) -> Option<NodeConstraint> {
    let expression = expression.trim();
    let is_plain = |text: &str| !text.contains(['(', ')', '=', '!', '>', '<']) && !text.contains(" and ");
    let (negated, inner) = match expression.strip_prefix("not(").and_then(|rest| rest.strip_suffix(')')) {
        Some(inner) => (true, inner.trim()),
        None => (false, expression),
    };
    let key = |attribute: &str| {
        let name = attribute.trim().strip_prefix("attribute:")?;
        Some(match name {
            "ecs.availability-zone" => "zone".to_owned(),
            other => other.to_owned(),
        })
    };
    let made = |attribute: &str, op, values| Some(NodeConstraint { key: key(attribute)?, op, values });
    if let Some((attribute, list)) =
        inner.split_once(" in [").and_then(|(a, rest)| Some((a, rest.strip_suffix(']')?)))
    {
        let op = if negated { ConstraintOp::NotIn } else { ConstraintOp::In };
        let values: Vec<String> = list.split(',').map(|value| value.trim().to_owned()).collect();
        return values
            .iter()
            .all(|value| is_plain(value) && !value.is_empty())
            .then(|| made(attribute, op, values))?;
    }
    for (sign, op) in [(" == ", ConstraintOp::In), (" != ", ConstraintOp::NotIn)] {
        if let Some((attribute, value)) = inner.split_once(sign).filter(|_| !negated) {
            return is_plain(value).then(|| made(attribute, op, vec![value.trim().to_owned()]))?;
        }
    }
    match inner.strip_suffix(" exists") {
        Some(attribute) => {
            made(attribute, if negated { ConstraintOp::Absent } else { ConstraintOp::Exists }, Vec::new())
        }
        None => inner
            .strip_prefix('!')
            .map(str::trim)
            .and_then(|rest| made(rest.strip_suffix(" exists")?, ConstraintOp::Absent, Vec::new())),
    }
}

/// Reads how tasks are spread over the nodes.
///
/// Source: Amazon ECS API reference, `PlacementStrategy`.
pub(super) fn strategy(fields: &mut Fields<'_>, workload: &mut Workload) {
    let spread = fields.take("placementStrategy", |value| {
        let items = value.as_array()?.iter().map(|item| {
            let text = |key: &str| item.get(key).and_then(Value::as_str);
            let over = match text("field")? {
                "attribute:ecs.availability-zone" => "zone",
                "instanceId" | "host" => "hostname",
                other => other.strip_prefix("attribute:")?,
            };
            (text("type")? == "spread").then(|| Spread { over: over.to_owned(), max_skew: None })
        });
        items.collect::<Option<Vec<_>>>()
    });
    workload.placement.spread = spread.unwrap_or_default();
}

/// What the containers resolve names by, where all of them say the same.
pub(super) fn naming(fields: &Fields<'_>, items: &mut [Item], workload: &mut Workload) {
    const KEYS: [&str; 4] = ["dnsServers", "dnsSearchDomains", "extraHosts", "hostname"];
    let Some(first) = items.first().cloned() else { return };
    let is_same = |key: &&str| items.iter().all(|item| item.map.get(*key) == first.map.get(*key));
    let same: Vec<&str> = KEYS.into_iter().filter(is_same).collect();
    let list = |key: &str| first.map.get(key).filter(|_| same.contains(&key)).and_then(texts);
    let servers = list("dnsServers");
    let search = list("dnsSearchDomains");
    let hosts = first.map.get("extraHosts").filter(|_| same.contains(&"extraHosts")).and_then(hosts);
    let hostname = first.map.get("hostname").and_then(Value::as_str);
    let is_label = |name: &&str| same.contains(&"hostname") && super::naming::document_name(name) == **name;
    let hostname = hostname.filter(is_label).map(str::to_owned);
    let read = [
        ("dnsServers", servers.is_some()),
        ("dnsSearchDomains", search.is_some()),
        ("extraHosts", hosts.is_some()),
        ("hostname", hostname.is_some()),
    ];
    for item in items.iter_mut() {
        let mut item = fields.of_item("containerDefinitions", item);
        for (key, _) in read.iter().filter(|(_, is_read)| *is_read) {
            item.take_whole(key);
        }
    }
    workload.dns =
        Dns { servers: servers.unwrap_or_default(), search: search.unwrap_or_default(), options: Vec::new() };
    workload.extra_hosts = hosts.unwrap_or_default();
    workload.hostname = hostname;
}

fn hosts(value: &Value) -> Option<BTreeMap<String, String>> {
    let pairs = value.as_array()?.iter().map(|item| {
        let text = |key: &str| item.get(key).and_then(Value::as_str);
        let address = text("ipAddress").filter(|address| address.parse::<std::net::IpAddr>().is_ok())?;
        Some((text("hostname")?.to_owned(), address.to_owned()))
    });
    let pairs: Vec<(String, String)> = pairs.collect::<Option<_>>()?;
    let count = pairs.len();
    let map: BTreeMap<String, String> = pairs.into_iter().collect();
    (map.len() == count).then_some(map)
}
