//! Where tasks go.

use rhumb_spec::model::{Affinity, ConstraintOp, Mode, NodeConstraint, Placement, Spread};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Value, json};

use super::body::Body;
use super::{Context, Report, Site};
use crate::names;

/// The zone of a container instance. Source: Amazon ECS developer guide, "Built-in attributes".
pub(super) const ZONE: &str = "attribute:ecs.availability-zone";
/// What an image for Windows runs on where nothing more is said. Source: Amazon ECS API reference, `RuntimePlatform`.
pub(crate) const WINDOWS: &str = "WINDOWS_SERVER_2022_CORE";
/// Source: Amazon ECS API reference, `CreateService`.
const CONSTRAINTS: usize = 10;
const STRATEGIES: usize = 5;

/// `runtimePlatform` of a task definition.
///
/// Source: Amazon ECS API reference, `RuntimePlatform`.
pub(super) fn platform(site: &Site<'_>, report: &mut Report) -> Option<Value> {
    let placement = &site.workload.placement;
    let mut refuse = |field: &str, word: &str, known: &str| {
        report.refuse(
            Diagnostic::error(site.at(&format!("placement.{field}")), format!("ECS does not know `{word}`"))
                .why("a task definition names the platform that its images are for")
                .remedy(known),
        );
        None
    };
    let arch = placement.arch.as_deref().and_then(|arch| match arch {
        "amd64" | "x86_64" => Some("X86_64"),
        "arm64" | "aarch64" => Some("ARM64"),
        other => refuse("arch", other, "`amd64` or `arm64`"),
    });
    let os = placement.os.as_deref().and_then(|os| match os {
        "linux" => Some("LINUX"),
        "windows" => Some(WINDOWS),
        other => refuse("os", other, "`linux` or `windows`"),
    });
    let mut body = Body::new();
    body.set_some("cpuArchitecture", arch).set_some("operatingSystemFamily", os);
    let value = body.into_value();
    (value != json!({})).then_some(value)
}

/// Sets `placementConstraints` and `placementStrategy`. On Fargate there are no nodes: what would need them is refused
/// before, and tasks spread over zones by themselves.
///
/// Source: Amazon ECS API reference, `PlacementConstraint` and `PlacementStrategy`; developer guide, "Create
/// expressions to define container instances for Amazon ECS tasks".
pub(super) fn set(context: &Context<'_>, site: &Site<'_>, body: &mut Body, report: &mut Report) {
    if context.facts.is_fargate() {
        return;
    }
    let placement = &site.workload.placement;
    let mut constraints = constraints(context, site, placement, report);
    let is_daemon = site.workload.mode == Mode::Global;
    if is_daemon {
        // A DAEMON service has one task on each instance anyway, and ECS refuses to be told so.
        constraints.retain(|constraint| constraint["type"] != "distinctInstance");
    }
    let spread = if is_daemon { &[][..] } else { &placement.spread[..] };
    let strategy: Vec<Value> =
        spread.iter().enumerate().map(|(index, spread)| strategy(site, (index, spread), report)).collect();
    let mut refuse_many = |count: usize, most: usize| {
        if count > most {
            report.refuse(
                Diagnostic::error(site.at("placement"), format!("{count} rules of one kind are too many"))
                    .why(format!("ECS takes {CONSTRAINTS} constraints and {STRATEGIES} strategies"))
                    .remedy("fewer"),
            );
        }
    };
    refuse_many(constraints.len(), CONSTRAINTS);
    refuse_many(strategy.len(), STRATEGIES);
    body.set_filled("placementConstraints", constraints).set_filled("placementStrategy", strategy);
}

fn constraints(
    context: &Context<'_>,
    site: &Site<'_>,
    placement: &Placement,
    report: &mut Report,
) -> Vec<Value> {
    let member = |expression: String| json!({ "type": "memberOf", "expression": expression });
    let mut found = Vec::new();
    for (index, node) in placement.nodes.iter().enumerate() {
        found.extend(node_expression(site, (index, node), report).map(member));
    }
    let mut is_distinct = placement.max_per_node == Some(1);
    if let Some(most) = placement.max_per_node.filter(|most| *most > 1) {
        report.refuse(
            Diagnostic::error(
                site.at("placement.maxPerNode"),
                format!("ECS cannot hold a node to {most} tasks"),
            )
            .why("it knows one task of a service for each instance, or no bound")
            .remedy("`maxPerNode: 1`, or `spread: [{ over: hostname }]`"),
        );
    }
    for (index, other) in placement.near.iter().enumerate() {
        found.extend(affinity(context, site, ("near", index, other), report).map(member));
    }
    for (index, other) in placement.away.iter().enumerate() {
        if other.workload == site.name || site.path.ends_with(&format!("/{}", other.workload)) {
            is_distinct |= is_by_host(site, ("away", index, other), report);
            continue;
        }
        let expression = affinity(context, site, ("away", index, other), report);
        found.extend(expression.map(|expression| member(format!("not({expression})"))));
    }
    if is_distinct {
        found.push(json!({ "type": "distinctInstance" }));
    }
    found
}

/// The expression that a container instance must match.
fn node_expression(
    site: &Site<'_>,
    (index, node): (usize, &NodeConstraint),
    report: &mut Report,
) -> Option<String> {
    let path = site.at(&format!("placement.nodes[{index}].key"));
    let subject = match node.key.as_str() {
        "hostname" => "ec2InstanceId".to_owned(),
        "zone" => ZONE.to_owned(),
        "region" | "role" => {
            report.refuse(
                Diagnostic::error(path, format!("container instances are not told apart by `{}`", node.key))
                    .why("a cluster is in one region, and its instances have no roles")
                    .remedy("`zone`, or an attribute of the instances"),
            );
            return None;
        }
        key => format!("attribute:{key}"),
    };
    Some(match node.op {
        ConstraintOp::In => format!("{subject} in [{}]", node.values.join(", ")),
        ConstraintOp::NotIn => format!("{subject} not_in [{}]", node.values.join(", ")),
        ConstraintOp::Exists => format!("{subject} exists"),
        ConstraintOp::Absent => format!("{subject} !exists"),
    })
}

fn strategy(site: &Site<'_>, (index, spread): (usize, &Spread), report: &mut Report) -> Value {
    let path = site.at(&format!("placement.spread[{index}]"));
    if spread.max_skew.is_some() {
        let text = "ECS spreads as evenly as it can, and holds to no difference";
        report.lose(Feature::Spread, format!("{path}.maxSkew"), text);
    }
    let field = match spread.over.as_str() {
        "hostname" => "instanceId".to_owned(),
        "zone" => ZONE.to_owned(),
        "region" => {
            report.refuse(
                Diagnostic::error(format!("{path}.over"), "a cluster of ECS is in one region")
                    .why("there is nothing to spread over")
                    .remedy("`zone`"),
            );
            String::new()
        }
        key => format!("attribute:{key}"),
    };
    json!({ "type": "spread", "field": field })
}

/// Whether two workloads share a node, or do not.
fn affinity(
    context: &Context<'_>,
    site: &Site<'_>,
    (field, index, other): (&str, usize, &Affinity),
    report: &mut Report,
) -> Option<String> {
    if !is_by_host(site, (field, index, other), report) {
        return None;
    }
    let members = context.checked.members(&other.workload);
    let expressions: Vec<String> = members
        .into_iter()
        .map(|member| {
            let service = names::native(context.scope, member, names::NAME_LIMIT);
            format!("task:group == service:{service}")
        })
        .collect();
    let text = expressions.join(" or ");
    Some(if expressions.len() > 1 { format!("({text})") } else { text })
}

/// Whether a rule about another workload is one that ECS takes; else it is refused.
fn is_by_host(site: &Site<'_>, (field, index, other): (&str, usize, &Affinity), report: &mut Report) -> bool {
    let path = site.at(&format!("placement.{field}[{index}]"));
    if other.over.as_deref().is_some_and(|over| over != "hostname") {
        report.refuse(
            Diagnostic::error(
                format!("{path}.over"),
                "ECS places a task by what else is on the same instance only",
            )
            .why("its expressions know the tasks of an instance, and not those of a zone")
            .remedy("`over: hostname`"),
        );
        return false;
    }
    if other.preferred {
        report.lose(
            if field == "near" { Feature::Near } else { Feature::Away },
            format!("{path}.preferred"),
            "a demand, as ECS knows no wishes: a task that finds no such instance is not placed",
        );
    }
    true
}
