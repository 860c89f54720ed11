//! Where pods go.
//!
//! Source: Kubernetes documentation, "Assigning Pods to Nodes", "Pod Topology Spread Constraints", "Taints and
//! Tolerations", "Well-Known Labels, Annotations and Taints".

use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Affinity, ConstraintOp, Mode, NodeConstraint, Placement, Spread, Toleration};
use serde_json::{Map, Value, json};

use super::body::Body;
use super::{Context, Report, Site, labels};
use crate::names;

const HOSTNAME: &str = "kubernetes.io/hostname";
const OS: &str = "kubernetes.io/os";
const ARCH: &str = "kubernetes.io/arch";
/// The label of nodes that run the cluster itself. Its value is empty.
const CONTROL_PLANE: &str = "node-role.kubernetes.io/control-plane";
/// The weight of a wish: the greatest, as the app has no finer measure.
const WISH: u32 = 100;

/// Adds where its pods go to a pod's `spec`.
pub(super) fn add(context: &Context<'_>, site: &Site<'_>, spec: &mut Body, report: &mut Report) {
    let placement = &site.workload.placement;
    let nodes = Nodes::of(site, placement, report);
    let mut affinity = Body::new();
    if !nodes.expressions.is_empty() {
        let terms = json!([{ "matchExpressions": nodes.expressions }]);
        let required = json!({ "nodeSelectorTerms": terms });
        affinity.set("nodeAffinity", json!({ "requiredDuringSchedulingIgnoredDuringExecution": required }));
    }
    let own = Affinity { workload: site.name.to_owned(), ..Affinity::default() };
    let alone = placement.max_per_node == Some(1) && site.workload.mode != Mode::Global;
    let away = placement.away.iter().chain(alone.then_some(&own).filter(|own| !placement.away.contains(own)));
    affinity
        .set_filled("podAffinity", pods(context, placement.near.iter()))
        .set_filled("podAntiAffinity", pods(context, away));
    let tolerations = placement.tolerations.iter().enumerate();
    let tolerations: Vec<Value> =
        tolerations.map(|(index, toleration)| tolerated(site, (index, toleration), report)).collect();
    spec.set_filled("nodeSelector", nodes.selector)
        .set_filled("affinity", affinity.into_value())
        .set_filled("tolerations", tolerations)
        .set_filled("topologySpreadConstraints", spread(context, site, placement));
    refuse_twice(site, placement, report);
}

/// The label of nodes that a key of the app means.
fn node_label(key: &str) -> &str {
    match key {
        "hostname" => HOSTNAME,
        "zone" => "topology.kubernetes.io/zone",
        "region" => "topology.kubernetes.io/region",
        other => other,
    }
}

/// What nodes must bear: single values in the plain form, everything else as expressions.
#[derive(Default)]
struct Nodes {
    selector: Map<String, Value>,
    expressions: Vec<Value>,
}

impl Nodes {
    fn of(site: &Site<'_>, placement: &Placement, report: &mut Report) -> Self {
        let mut found = Self::default();
        for (index, constraint) in placement.nodes.iter().enumerate() {
            let path = site.at(&format!("placement.nodes[{index}]"));
            if constraint.key == "role" {
                found.expressions.extend(role(constraint, &path, report));
            } else {
                check(constraint, &path, report);
                found.add(constraint);
            }
        }
        let platform = [(OS, placement.os.as_deref()), (ARCH, placement.arch.as_deref().map(processor))];
        for (key, value) in platform {
            if let Some(value) = value {
                found.add(&NodeConstraint {
                    key: key.to_owned(),
                    op: ConstraintOp::In,
                    values: vec![value.to_lowercase()],
                });
            }
        }
        found
    }

    fn add(&mut self, constraint: &NodeConstraint) {
        let key = node_label(&constraint.key);
        if let (ConstraintOp::In, [value]) = (constraint.op, constraint.values.as_slice())
            && !self.selector.contains_key(key)
        {
            self.selector.insert(key.to_owned(), value.clone().into());
            return;
        }
        let operator = match constraint.op {
            ConstraintOp::In => "In",
            ConstraintOp::NotIn => "NotIn",
            ConstraintOp::Exists => "Exists",
            ConstraintOp::Absent => "DoesNotExist",
        };
        let mut body = Body::new();
        body.set("key", key).set("operator", operator).set_filled("values", constraint.values.clone());
        self.expressions.push(body.into_value());
    }
}

/// A processor by the name that nodes bear.
fn processor(arch: &str) -> &str {
    match arch {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn check(constraint: &NodeConstraint, path: &str, report: &mut Report) {
    if !labels::is_qualified(node_label(&constraint.key)) {
        report.refuse(
            Diagnostic::error(path, format!("a node of Kubernetes has no label `{}`", constraint.key))
                .why("a key is a name of at most 63 of A-Z, a-z, 0-9, `-`, `_` and `.`, with a DNS name and `/` before it where one is wanted")
                .remedy("a label that the nodes bear"),
        );
    }
    for value in constraint.values.iter().filter(|value| !labels::is_value(value)) {
        report.refuse(
            Diagnostic::error(path, format!("a node's label cannot have the value `{value}`"))
                .why("on Kubernetes it has at most 63 of A-Z, a-z, 0-9, `-`, `_` and `.`")
                .remedy("a value that the nodes bear"),
        );
    }
}

/// A node's role: those that run the cluster itself bear a label, and all others are workers.
fn role(constraint: &NodeConstraint, path: &str, report: &mut Report) -> Option<Value> {
    let is_control = |value: &String| matches!(value.as_str(), "manager" | "control-plane" | "master");
    let unknown = constraint.values.iter().find(|value| !is_control(value) && *value != "worker");
    let is_of_values = matches!(constraint.op, ConstraintOp::In | ConstraintOp::NotIn);
    if !is_of_values || unknown.is_some() {
        let what = unknown
            .map_or("every node has a role".to_owned(), |value| format!("no node has the role `{value}`"));
        report.refuse(Diagnostic::error(path, what).remedy("`values: [worker]` or `values: [manager]`"));
        return None;
    }
    let wants = |control: bool| constraint.values.iter().any(|value| is_control(value) == control);
    let is_in = constraint.op == ConstraintOp::In;
    let (managers, workers) = (wants(true) == is_in, wants(false) == is_in);
    let operator = match (managers, workers) {
        (true, true) => return None,
        (true, false) => "Exists",
        (false, true) => "DoesNotExist",
        (false, false) => {
            report.refuse(
                Diagnostic::error(path, "no node is neither worker nor manager").remedy("one of the two"),
            );
            return None;
        }
    };
    Some(json!({ "key": CONTROL_PLANE, "operator": operator }))
}

fn pods<'a>(context: &Context<'_>, others: impl Iterator<Item = &'a Affinity>) -> Value {
    let (mut required, mut preferred) = (Vec::new(), Vec::new());
    for other in others {
        let term = json!({
            "labelSelector": { "matchLabels": names::selector(context.scope, &other.workload) },
            "topologyKey": node_label(other.over.as_deref().unwrap_or("hostname")),
        });
        if other.preferred {
            preferred.push(json!({ "weight": WISH, "podAffinityTerm": term }));
        } else {
            required.push(term);
        }
    }
    let mut body = Body::new();
    body.set_filled("requiredDuringSchedulingIgnoredDuringExecution", required)
        .set_filled("preferredDuringSchedulingIgnoredDuringExecution", preferred);
    body.into_value()
}

/// Even distribution, and the most pods on one node. A daemon set has one on every node in any case.
fn spread(context: &Context<'_>, site: &Site<'_>, placement: &Placement) -> Vec<Value> {
    if site.workload.mode == Mode::Global {
        return Vec::new();
    }
    let selector = json!({ "matchLabels": names::selector(context.scope, site.name) });
    let constraint = |spread: &Spread| {
        let when = if spread.max_skew.is_some() { "DoNotSchedule" } else { "ScheduleAnyway" };
        json!({
            "maxSkew": spread.max_skew.unwrap_or(1),
            "topologyKey": node_label(&spread.over),
            "whenUnsatisfiable": when,
            "labelSelector": selector,
        })
    };
    let most = placement.max_per_node.filter(|most| *most > 1).map(|most| {
        // With fewer nodes than `minDomains` the scheduler counts from none, so that the skew is a bound on each node.
        json!({
            "maxSkew": most,
            "minDomains": i32::MAX,
            "topologyKey": HOSTNAME,
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": selector,
        })
    });
    // The API has one constraint for a key and what to do without it; the bound is the one that is asked for by number.
    let is_bound = |spread: &&Spread| {
        most.is_some() && spread.max_skew.is_some() && node_label(&spread.over) == HOSTNAME
    };
    placement.spread.iter().filter(|spread| !is_bound(spread)).map(constraint).chain(most.clone()).collect()
}

/// Source: Kubernetes API reference, `PodSpec.topologySpreadConstraints`: one for a key and what to do without it.
fn refuse_twice(site: &Site<'_>, placement: &Placement, report: &mut Report) {
    let key = |spread: &Spread| (node_label(&spread.over).to_owned(), spread.max_skew.is_some());
    for (index, spread) in placement.spread.iter().enumerate() {
        if placement.spread[..index].iter().any(|before| key(before) == key(spread)) {
            let path = site.at(&format!("placement.spread[{index}].over"));
            report.refuse(
                Diagnostic::error(path, format!("replicas are spread over `{}` twice", spread.over))
                    .why("Kubernetes takes one such demand, and one such wish, for a label of nodes")
                    .remedy("one of the two"),
            );
        }
    }
}

fn tolerated(site: &Site<'_>, (index, toleration): (usize, &Toleration), report: &mut Report) -> Value {
    if toleration.key.is_none() && toleration.value.is_some() {
        let path = site.at(&format!("placement.tolerations[{index}].value"));
        report.refuse(
            Diagnostic::error(path, "a toleration of every taint has no value")
                .why("Kubernetes compares values of one key")
                .remedy("`key` beside it, or no `value`"),
        );
    }
    let mut body = Body::new();
    body.set_some("key", toleration.key.clone())
        .set_some("operator", toleration.value.is_none().then_some("Exists"))
        .set_some("value", toleration.value.clone())
        .set_some("effect", toleration.effect.clone());
    body.into_value()
}
