//! Where tasks go, and what they resolve names by.

use std::collections::BTreeMap;

use rhumb_backend::fields::{Fields, Item, texts};
use rhumb_spec::model::{ConstraintOp, Dns, NodeConstraint, Spread, Workload};
use serde_json::Value;

use crate::lower::WINDOWS;

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
    let family = platform.text_at("operatingSystemFamily").unwrap_or_default().to_owned();
    workload.placement.os = match family.as_str() {
        "LINUX" => Some("linux".to_owned()),
        family if family.starts_with("WINDOWS_") => Some("windows".to_owned()),
        _ => None,
    };
    // Of the versions of Windows the app has no word, so that any but the usual one stays beside it.
    if ["LINUX", WINDOWS].contains(&family.as_str()) {
        platform.take_whole("operatingSystemFamily");
    }
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

/// A constraint that one expression says. What joins several, or compares otherwise than by whole words, has none.
fn node(expression: &str) -> Option<NodeConstraint> {
    let expression = expression.trim();
    let inner = expression.strip_prefix("not(").and_then(|rest| rest.strip_suffix(')'));
    let (subject, rest) = inner.unwrap_or(expression).trim().split_once(char::is_whitespace)?;
    let (operator, argument) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
    let (op, is_list) = match operator {
        "==" | "equals" => (ConstraintOp::In, false),
        "!=" | "not_equals" => (ConstraintOp::NotIn, false),
        "in" => (ConstraintOp::In, true),
        "!in" | "not_in" => (ConstraintOp::NotIn, true),
        "exists" => (ConstraintOp::Exists, false),
        "!exists" | "not_exists" => (ConstraintOp::Absent, false),
        _ => return None,
    };
    let values = values(argument.trim(), op, is_list)?;
    let op = if inner.is_some() { opposite(op) } else { op };
    Some(NodeConstraint { key: key(subject)?, op, values })
}

fn key(subject: &str) -> Option<String> {
    let name = match subject {
        "ec2InstanceId" => return Some("hostname".to_owned()),
        other => other.strip_prefix("attribute:").filter(|name| is_word(name))?,
    };
    Some(if name == "ecs.availability-zone" { "zone".to_owned() } else { name.to_owned() })
}

fn values(argument: &str, op: ConstraintOp, is_list: bool) -> Option<Vec<String>> {
    let is_of_one = matches!(op, ConstraintOp::Exists | ConstraintOp::Absent);
    let found: Vec<String> = match argument {
        "" if is_of_one => Vec::new(),
        _ if is_of_one => return None,
        list if is_list => list
            .strip_prefix('[')?
            .strip_suffix(']')?
            .split(',')
            .map(|value| value.trim().to_owned())
            .collect(),
        one => vec![one.to_owned()],
    };
    found.iter().all(|value| is_word(value)).then_some(found)
}

const fn opposite(op: ConstraintOp) -> ConstraintOp {
    match op {
        ConstraintOp::In => ConstraintOp::NotIn,
        ConstraintOp::NotIn => ConstraintOp::In,
        ConstraintOp::Exists => ConstraintOp::Absent,
        ConstraintOp::Absent => ConstraintOp::Exists,
    }
}

fn is_word(text: &str) -> bool {
    let is_legal = |letter: char| letter.is_alphanumeric() || "-_./\\@:".contains(letter);
    !text.is_empty() && text.chars().all(is_legal)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, expected: Option<(&str, ConstraintOp, &[&str])>) {
        let found = node(expression);
        let values: Vec<&str> = found.iter().flat_map(|node| &node.values).map(String::as_str).collect();
        let found = found.as_ref().map(|node| (node.key.as_str(), node.op, values.as_slice()));
        assert_eq!(found, expected, "{expression}");
    }

    #[test]
    fn an_expression_is_one_constraint_or_none() {
        use ConstraintOp::{Absent, Exists, In, NotIn};
        check("attribute:stack == prod", Some(("stack", In, &["prod"])));
        check("not(attribute:stack in [prod, test])", Some(("stack", NotIn, &["prod", "test"])));
        check("attribute:ecs.availability-zone not_in [us-east-1a]", Some(("zone", NotIn, &["us-east-1a"])));
        check("ec2InstanceId in [i-1, i-2]", Some(("hostname", In, &["i-1", "i-2"])));
        check("attribute:ssd exists", Some(("ssd", Exists, &[])));
        check("attribute:ssd !exists", Some(("ssd", Absent, &[])));
        check("attribute:ecs.instance-type =~ p3.*", None);
        check("attribute:ecs.instance-type =~ p3.* and attribute:zone in [a, b]", None);
        check("attribute:a == x or attribute:b exists", None);
        check("attribute:a in [x] and attribute:b in [y]", None);
        check("(attribute:a == x)", None);
        check("task:group == service:web", None);
    }
}
