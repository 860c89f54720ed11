//! The rules of placement.

use super::{Scope, lookup};
use crate::Diagnostic;
use crate::model::ConstraintOp;

/// The effects that a taint can have.
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// Checks where the replicas of a workload go.
pub(super) fn check(scope: &Scope<'_>, found: &mut Vec<Diagnostic>) {
    let placement = &scope.workload.placement;
    check_nodes(scope, found);
    for (field, others) in [("near", &placement.near), ("away", &placement.away)] {
        for (index, other) in others.iter().enumerate() {
            let path = scope.at(&format!("placement.{field}[{index}].workload"));
            lookup::workload(scope.app, &other.workload, &path, found);
        }
    }
    for (index, near) in placement.near.iter().enumerate() {
        let contradicts = |away: &&crate::model::Affinity| {
            away.workload == near.workload && away.over == near.over && !away.preferred && !near.preferred
        };
        if placement.away.iter().any(|away| contradicts(&away)) {
            found.push(
                Diagnostic::error(
                    scope.at(&format!("placement.near[{index}]")),
                    format!("replicas must be both near `{}` and away from it", near.workload),
                )
                .remedy("one of the two"),
            );
        }
    }
    if placement.max_per_node == Some(0) {
        found.push(
            Diagnostic::error(scope.at("placement.maxPerNode"), "`maxPerNode` is 0")
                .why("no node would take a replica")
                .remedy("1 or more"),
        );
    }
    for (index, spread) in placement.spread.iter().enumerate() {
        if spread.max_skew == Some(0) {
            found.push(
                Diagnostic::error(scope.at(&format!("placement.spread[{index}].maxSkew")), "`maxSkew` is 0")
                    .why("an odd number of replicas cannot be even")
                    .remedy("1 or more"),
            );
        }
    }
    for (index, toleration) in placement.tolerations.iter().enumerate() {
        if let Some(effect) = &toleration.effect
            && !EFFECTS.contains(&effect.as_str())
        {
            let path = scope.at(&format!("placement.tolerations[{index}].effect"));
            let diagnostic = Diagnostic::error(path, format!("a taint has no effect `{effect}`"));
            found.push(lookup::one_of(diagnostic, effect, &EFFECTS));
        }
    }
}

fn check_nodes(scope: &Scope<'_>, found: &mut Vec<Diagnostic>) {
    for (index, constraint) in scope.workload.placement.nodes.iter().enumerate() {
        let path = scope.at(&format!("placement.nodes[{index}]"));
        if constraint.key.is_empty() {
            found.push(
                Diagnostic::error(format!("{path}.key"), "the key is empty")
                    .remedy("a node label, or `hostname`, `zone`, `region` or `role`"),
            );
        }
        let wants_values = matches!(constraint.op, ConstraintOp::In | ConstraintOp::NotIn);
        if wants_values && constraint.values.is_empty() {
            found.push(
                Diagnostic::error(path, format!("`{}` is compared with nothing", constraint.key))
                    .remedy("`values: [VALUE]`, or `op: exists`"),
            );
        } else if !wants_values && !constraint.values.is_empty() {
            found.push(
                Diagnostic::error(
                    format!("{path}.values"),
                    "`values` goes with `op: in` and `op: notIn` only",
                )
                .remedy("leave it out"),
            );
        }
    }
}
