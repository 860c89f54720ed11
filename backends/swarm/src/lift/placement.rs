//! Where tasks go.

use rhumb_backend::Lifted;
use rhumb_spec::model::{ConstraintOp, NodeConstraint, Placement, Spread};
use serde_json::Value;

use super::fields::{Fields, not_carried};

/// Reads the placement of a task. The pin of a workload with volumes is left off: another swarm has other nodes.
pub(super) fn placement(task: &mut Fields, has_volumes: bool, lifted: &mut Lifted) -> Placement {
    let mut fields = task.below("Placement");
    let mut placement = Placement::default();
    let path = fields.at("Constraints");
    for (index, text) in fields.texts("Constraints").into_iter().enumerate() {
        let path = format!("{path}.{index}");
        let Some(constraint) = constraint(&text) else {
            lifted.notes.push(not_carried(path, format!("`{text}` is no constraint that is known here")));
            continue;
        };
        if constraint.key == "node.id" && has_volumes {
            lifted.notes.push(not_carried(path, "volumes are pinned to a node of their new home"));
            continue;
        }
        if !is_platform(&constraint, &mut placement) {
            add(&mut placement.nodes, constraint);
        }
    }
    for (index, preference) in fields.list("Preferences").iter().enumerate() {
        if let Some(spread) = spread(preference) {
            placement.spread.push(spread);
            fields.reads().mark(format!("{}.{index}", fields.at("Preferences")));
        }
    }
    placement.max_per_node = fields.small("MaxReplicas").filter(|most| *most > 0);
    let platforms = fields.list("Platforms");
    if let [platform] = platforms.as_slice() {
        let text = |key: &str| platform.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
        fields.reads().mark(format!("{}.0", fields.at("Platforms")));
        placement.os = placement.os.or_else(|| text("OS").map(str::to_owned));
        placement.arch = placement.arch.or_else(|| text("Architecture").map(architecture));
    } else if !platforms.is_empty() {
        lifted.notes.push(not_carried(fields.at("Platforms"), "the image's own list of platforms decides"));
    }
    fields.tell(&mut lifted.notes);
    placement
}

fn constraint(text: &str) -> Option<NodeConstraint> {
    let (attribute, op, value) = match (text.split_once("!="), text.split_once("==")) {
        (Some((attribute, value)), _) => (attribute, ConstraintOp::NotIn, value),
        (None, Some((attribute, value))) => (attribute, ConstraintOp::In, value),
        (None, None) => return None,
    };
    Some(NodeConstraint { key: key(attribute.trim()), op, values: vec![value.trim().to_owned()] })
}

/// The neutral key of an attribute. A label that bears the name of an attribute keeps its whole name.
fn key(attribute: &str) -> String {
    match attribute {
        "node.hostname" => "hostname".to_owned(),
        "node.role" => "role".to_owned(),
        other => match other.strip_prefix("node.labels.") {
            Some("hostname" | "role") | None => other.to_owned(),
            Some(label) if label.starts_with("node.") || label.starts_with("engine.") => other.to_owned(),
            Some(label) => label.to_owned(),
        },
    }
}

/// Whether a constraint is on the system or processor of a node, which are said beside the constraints.
fn is_platform(constraint: &NodeConstraint, placement: &mut Placement) -> bool {
    let ([value], ConstraintOp::In) = (constraint.values.as_slice(), constraint.op) else { return false };
    match constraint.key.as_str() {
        "node.platform.os" => placement.os = Some(value.clone()),
        "node.platform.arch" => placement.arch = Some(architecture(value)),
        _ => return false,
    }
    true
}

/// A processor as images name it.
fn architecture(name: &str) -> String {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
    .to_owned()
}

/// Adds a constraint; several values that one key must not have are one constraint.
fn add(nodes: &mut Vec<NodeConstraint>, constraint: NodeConstraint) {
    match nodes.last_mut() {
        Some(last)
            if last.key == constraint.key
                && (last.op, constraint.op) == (ConstraintOp::NotIn, ConstraintOp::NotIn) =>
        {
            last.values.extend(constraint.values);
        }
        _ => nodes.push(constraint),
    }
}

fn spread(preference: &Value) -> Option<Spread> {
    let over = preference.pointer("/Spread/SpreadDescriptor")?.as_str()?;
    Some(Spread { over: key(over), max_skew: None })
}
