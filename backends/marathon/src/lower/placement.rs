//! Where replicas go, as constraints on agents.

use rhumb_spec::model::{ConstraintOp, Mode, NodeConstraint};
use rhumb_spec::{Diagnostic, Feature};

use super::{Context, Report, Site};

/// The agents' own name, in constraints.
const HOST: &str = "hostname";

/// A constraint: field, operator, and mostly a value.
///
/// Source: Marathon REST API, `Constraint`; Marathon documentation, "Constraints": values of LIKE and UNLIKE are regular
/// expressions that hold for the whole attribute, and UNLIKE holds where there is no such attribute.
pub(super) struct Constraint {
    pub(super) field: String,
    pub(super) operator: &'static str,
    pub(super) value: Option<String>,
}

/// The constraints of a workload.
pub(super) fn constraints(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Vec<Constraint> {
    let placement = &site.workload.placement;
    let mut found: Vec<Constraint> = Vec::new();
    for (index, node) in placement.nodes.iter().enumerate() {
        found.push(of_node(site, (index, node), report));
    }
    for (field, value) in [("os", &placement.os), ("arch", &placement.arch)] {
        // Nearly every agent is Linux, and few say so.
        if let Some(value) = value.as_ref().filter(|value| *value != "linux") {
            found.push(constraint(field, "LIKE", Some(escaped(value))));
        }
    }
    if site.workload.mode == Mode::Global {
        found.push(constraint(HOST, "UNIQUE", None));
    }
    for (index, spread) in placement.spread.iter().enumerate() {
        found.push(constraint(&field(&spread.over), "GROUP_BY", None));
        if spread.max_skew.is_some() {
            let text = "Marathon spreads as evenly as it can, and counts no difference";
            report.lose(Feature::Spread, site.at(&format!("placement.spread[{index}].maxSkew")), text);
        }
    }
    if let Some(most) = placement.max_per_node {
        found.push(constraint(HOST, "MAX_PER", Some(most.to_string())));
    }
    away((context, site), &mut found, report);
    found
}

fn constraint(field: &str, operator: &'static str, value: Option<String>) -> Constraint {
    Constraint { field: field.to_owned(), operator, value }
}

/// What Marathon calls an attribute of an agent.
///
/// Source: DC/OS documentation, "Fault domain awareness": `@region` and `@zone`.
fn field(key: &str) -> String {
    match key {
        "zone" | "region" => format!("@{key}"),
        other => other.to_owned(),
    }
}

fn of_node(site: &Site<'_>, (index, node): (usize, &NodeConstraint), report: &mut Report) -> Constraint {
    if node.key == "role" {
        let text = "agents of Mesos have no roles of their own, so they must bear an attribute `role`";
        report.lose(Feature::NodeConstraint, site.at(&format!("placement.nodes[{index}].key")), text);
    }
    let field = field(&node.key);
    let values = node.values.iter().map(|value| escaped(value)).collect::<Vec<_>>().join("|");
    match node.op {
        ConstraintOp::In => constraint(&field, "LIKE", Some(values)),
        ConstraintOp::NotIn => constraint(&field, "UNLIKE", Some(values)),
        ConstraintOp::Exists => constraint(&field, "LIKE", Some(".*".to_owned())),
        ConstraintOp::Absent => constraint(&field, "UNLIKE", Some(".*".to_owned())),
    }
}

/// The text as a regular expression for itself.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if "\\^$.|?*+()[]{}".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// Replicas of one workload are kept apart; apart from another workload they are not.
fn away((context, site): (&Context<'_>, &Site<'_>), found: &mut Vec<Constraint>, report: &mut Report) {
    for (index, affinity) in site.workload.placement.away.iter().enumerate() {
        let path = site.at(&format!("placement.away[{index}]"));
        let own = site.path.rsplit('/').next();
        if affinity.workload != site.name && Some(affinity.workload.as_str()) != own {
            report.refuse(
                Diagnostic::error(path, "Marathon places no app by where another is")
                    .why("a constraint sees attributes of agents and instances of its own app")
                    .remedy("`placement.nodes` on both workloads, by an attribute of the agents"),
            );
            continue;
        }
        if context.checked.ordinal(site.name).is_some() {
            let text = "each replica is an app of its own, and Marathon keeps no two apps apart";
            report.lose(Feature::Away, path, text);
            continue;
        }
        let over = field(affinity.over.as_deref().unwrap_or(HOST));
        if affinity.preferred {
            let text = "a wish becomes even spreading";
            report.lose(Feature::Away, path, text);
            found.push(constraint(&over, "GROUP_BY", None));
        } else {
            found.push(constraint(&over, "UNIQUE", None));
        }
    }
}
