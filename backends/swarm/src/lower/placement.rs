//! Where tasks go.
//!
//! Source: Engine API, `TaskTemplate.Placement`; docs.docker.com, "Deploy services to a swarm", "Placement".

use rhumb_spec::model::{Affinity, ConstraintOp, NodeConstraint, Placement};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Value, json};

use super::body::Body;
use super::pin::Pins;
use super::{Context, Report, Site};
use crate::facts::NodeFact;

/// `TaskTemplate.Placement`.
pub(super) fn placement(site: &Site<'_>, pins: &Pins, report: &mut Report) -> Value {
    let placement = &site.workload.placement;
    let mut constraints: Vec<String> = pins.constraint(site.name).into_iter().collect();
    for (index, node) in placement.nodes.iter().enumerate() {
        let path = site.at(&format!("placement.nodes.{index}"));
        constraints.extend(expressions(node, &path, report));
    }
    let mut body = Body::new();
    body.set_filled("Constraints", constraints);
    body.set_filled("Preferences", preferences(site, placement, report));
    body.set_some("MaxReplicas", max_replicas(site, placement, report));
    if placement.os.is_some() || placement.arch.is_some() {
        let mut platform = Body::new();
        platform.set_some("Architecture", placement.arch.clone()).set_some("OS", placement.os.clone());
        body.set("Platforms", vec![platform.into_value()]);
    }
    refuse_near(site, placement, report);
    body.into_value()
}

/// Swarm's name of a node's attribute. Zones and regions are labels of the nodes, as everything that is no attribute.
pub(crate) fn attribute(key: &str) -> String {
    match key {
        "hostname" | "role" => format!("node.{key}"),
        key if key.starts_with("node.") || key.starts_with("engine.") => key.to_owned(),
        key => format!("node.labels.{key}"),
    }
}

fn expressions(node: &NodeConstraint, path: &str, report: &mut Report) -> Vec<String> {
    let attribute = attribute(&node.key);
    for value in node.values.iter().filter(|value| !is_value(value)) {
        report.refuse(
            Diagnostic::error(path, format!("a constraint of Swarm cannot hold `{value}`"))
                .why("values are letters, digits, spaces and the characters : - _ . * ( ) ? + [ ] \\ ^ $ | /")
                .remedy("a node label with another value"),
        );
    }
    match (node.op, node.values.as_slice()) {
        (ConstraintOp::In, [value]) => vec![format!("{attribute}=={value}")],
        (ConstraintOp::NotIn, values) => values.iter().map(|value| format!("{attribute}!={value}")).collect(),
        (ConstraintOp::In, values) => {
            let what = format!("`{}` cannot be one of {} values", node.key, values.len());
            report.refuse(inexpressible(path, &what, "one label that all of those nodes bear, and no other"));
            Vec::new()
        }
        (ConstraintOp::Exists | ConstraintOp::Absent, _) => {
            let what = format!("whether a node has `{}` at all cannot be asked", node.key);
            report.refuse(inexpressible(
                path,
                &what,
                "a label with a known value, and `op: in` or `op: notIn`",
            ));
            Vec::new()
        }
    }
}

fn inexpressible(path: &str, what: &str, remedy: &str) -> Diagnostic {
    Diagnostic::error(path, what)
        .why("constraints of Swarm are `==` and `!=` with one value each")
        .remedy(remedy)
}

/// Source: swarmkit, `manager/constraint/constraint.go`, `valuePattern`.
fn is_value(value: &str) -> bool {
    let is_legal = |character: char| {
        character.is_ascii_alphanumeric()
            || character.is_ascii_whitespace()
            || ":-_.*()?+[]\\^$|/".contains(character)
    };
    !value.is_empty() && value.chars().all(is_legal)
}

/// Spread preferences. The scheduler spreads over nodes by itself, and knows labels only.
///
/// Source: swarmkit, `manager/scheduler/nodeset.go`, `tree`.
fn preferences(site: &Site<'_>, placement: &Placement, report: &mut Report) -> Vec<Value> {
    let mut found = Vec::new();
    for (index, spread) in placement.spread.iter().enumerate() {
        if spread.max_skew.is_some() {
            let path = site.at(&format!("placement.spread.{index}.maxSkew"));
            report.lose(Feature::Spread, path, "Swarm spreads as evenly as it can and holds no bound");
        }
        let over = attribute(&spread.over);
        if over.starts_with("node.labels.") || over.starts_with("engine.labels.") {
            found.push(json!({ "Spread": { "SpreadDescriptor": over } }));
        }
    }
    found
}

/// The most replicas on one node, which is one where replicas must stay away from each other.
fn max_replicas(site: &Site<'_>, placement: &Placement, report: &mut Report) -> Option<u32> {
    let mut most = placement.max_per_node;
    for (index, away) in placement.away.iter().enumerate() {
        let path = site.at(&format!("placement.away.{index}"));
        let is_own = away.workload == site.name || site.path == format!("workload/{}", away.workload);
        match (is_own && over_nodes(away), away.preferred) {
            (true, true) => {}
            (true, false) => most = Some(1),
            (false, true) => {
                report.lose(
                    Feature::Away,
                    path,
                    "a wish that Swarm's scheduler does not know; it is left out",
                );
            }
            (false, false) => report.refuse(
                Diagnostic::error(path, format!("tasks cannot be kept away from those of {}", away.workload))
                    .why("Swarm places no task by where another is")
                    .remedy("`placement.nodes` with different labels on the two workloads"),
            ),
        }
    }
    most
}

fn over_nodes(affinity: &Affinity) -> bool {
    affinity.over.as_deref().is_none_or(|over| over == "hostname")
}

fn refuse_near(site: &Site<'_>, placement: &Placement, report: &mut Report) {
    for (index, near) in placement.near.iter().enumerate() {
        let path = site.at(&format!("placement.near.{index}"));
        let what = format!("tasks cannot be placed near those of {}", near.workload);
        report.refuse(
            Diagnostic::error(path, what)
                .why("Swarm places no task by where another is")
                .remedy("the same `placement.nodes` on both workloads"),
        );
    }
}

/// The active nodes that can take a workload's tasks. What is not known of nodes, which is their engines' labels, is
/// taken to hold.
pub(super) fn admitted<'a>(context: &Context<'a>, site: &Site<'_>, pins: &Pins) -> Vec<&'a NodeFact> {
    let mut placement = site.workload.placement.clone();
    placement.nodes.retain(|constraint| !attribute(&constraint.key).starts_with("engine."));
    let active = context.facts.nodes.iter().filter(|node| node.availability == "active");
    let pinned = active.filter(|node| pins.node(site.name).is_none_or(|pin| pin == node.id));
    pinned.filter(|node| fits(node, &placement)).collect()
}

/// Whether a node can take a task with this placement.
pub(super) fn fits(node: &NodeFact, placement: &Placement) -> bool {
    let of_platform =
        |wanted: Option<&String>, is: &str| wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(is));
    placement.nodes.iter().all(|constraint| holds(node, constraint))
        && of_platform(placement.os.as_ref(), &node.os)
        && placement.arch.as_ref().is_none_or(|arch| processor(arch) == processor(&node.arch))
}

/// Source: swarmkit, `manager/constraint/constraint.go`, `NodeMatches`; values are compared without case.
fn holds(node: &NodeFact, constraint: &NodeConstraint) -> bool {
    let attribute = attribute(&constraint.key);
    let is = match attribute.as_str() {
        "node.hostname" => node.hostname.as_str(),
        "node.role" => node.role.as_str(),
        "node.id" => node.id.as_str(),
        "node.platform.os" => node.os.as_str(),
        "node.platform.arch" => node.arch.as_str(),
        other => other
            .strip_prefix("node.labels.")
            .and_then(|label| node.labels.get(label))
            .map_or("", String::as_str),
    };
    let is_among = constraint.values.iter().any(|value| value.eq_ignore_ascii_case(is));
    match constraint.op {
        ConstraintOp::In => is_among,
        ConstraintOp::NotIn => !is_among,
        ConstraintOp::Exists | ConstraintOp::Absent => true,
    }
}

/// A processor by Go's name.
///
/// Source: swarmkit, `manager/scheduler/filter.go`, `normalizeArch`.
fn processor(arch: &str) -> &str {
    match arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_those_that_swarmkit_parses() {
        for value in ["ssd", "eu-west-1", "a b", "10.0.0.1"] {
            assert!(is_value(value), "{value}");
        }
        for value in ["", "a,b", "ä", "a=b"] {
            assert!(!is_value(value), "{value}");
        }
    }
}
