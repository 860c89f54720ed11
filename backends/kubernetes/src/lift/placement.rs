//! Where pods go.

use rhumb_spec::model::{Affinity, ConstraintOp, NodeConstraint, Placement, Spread, Toleration};
use serde_json::{Map, Value};

use rhumb_backend::fields::{Fields, small, text_map, texts};

/// Which workload a selector of pods means.
pub(super) trait Selected {
    /// The one workload of which all pods, and no others, have these labels; none where there is not exactly one.
    fn workload(&self, labels: &Map<String, Value>) -> Option<String>;
}

/// Reads the placement of a pod's `spec`. `own` is the workload's name.
pub(super) fn placement(spec: &mut Fields<'_>, own: &str, selected: &dyn Selected) -> Placement {
    let mut placement = Placement::default();
    if let Some(mut labels) = spec.below("nodeSelector") {
        node_selector(&mut labels, &mut placement);
    }
    if let Some(mut affinity) = spec.below("affinity") {
        node_affinity(&mut affinity, &mut placement);
        placement.near = pod_affinity(&mut affinity, "podAffinity", selected);
        placement.away = pod_affinity(&mut affinity, "podAntiAffinity", selected);
    }
    let clashes = |near: &Affinity| {
        placement.away.iter().any(|away| away.workload == near.workload && away.over == near.over)
    };
    if placement.near.iter().any(clashes) {
        placement.away.clear();
    }
    placement.tolerations = spec.take("tolerations", tolerations).unwrap_or_default();
    let spread = spec.take("topologySpreadConstraints", |value| spread(value, own, selected));
    (placement.spread, placement.max_per_node) = spread.unwrap_or_default();
    placement
}

fn node_selector(labels: &mut Fields<'_>, placement: &mut Placement) {
    for key in ["kubernetes.io/os", "beta.kubernetes.io/os"] {
        placement.os = placement.os.take().or_else(|| labels.text(key));
    }
    for key in ["kubernetes.io/arch", "beta.kubernetes.io/arch"] {
        placement.arch = placement.arch.take().or_else(|| labels.text(key));
    }
    for key in labels.keys() {
        if let Some(value) = labels.text(&key) {
            let key = neutral_key(&key);
            placement.nodes.push(NodeConstraint { key, op: ConstraintOp::In, values: vec![value] });
        }
    }
}

/// The neutral word for a label of nodes that every cluster has.
fn neutral_key(label: &str) -> String {
    let word = match label {
        "kubernetes.io/hostname" => "hostname",
        "topology.kubernetes.io/zone" | "failure-domain.beta.kubernetes.io/zone" => "zone",
        "topology.kubernetes.io/region" | "failure-domain.beta.kubernetes.io/region" => "region",
        other => other,
    };
    word.to_owned()
}

fn node_affinity(affinity: &mut Fields<'_>, placement: &mut Placement) {
    let Some(mut nodes) = affinity.below("nodeAffinity") else { return };
    let read = |value: &Value| {
        let required = value.as_object().filter(|required| required.len() == 1)?;
        let [term] = required.get("nodeSelectorTerms")?.as_array()?.as_slice() else { return None };
        let term = term.as_object().filter(|term| term.len() == 1)?;
        term.get("matchExpressions")?.as_array()?.iter().map(expression).collect::<Option<Vec<_>>>()
    };
    let found = nodes.take("requiredDuringSchedulingIgnoredDuringExecution", read);
    for constraint in found.unwrap_or_default() {
        match (constraint.key.as_str(), constraint.op, constraint.values.as_slice()) {
            ("kubernetes.io/os", ConstraintOp::In, [os]) if placement.os.is_none() => {
                placement.os = Some(os.clone());
            }
            ("kubernetes.io/arch", ConstraintOp::In, [arch]) if placement.arch.is_none() => {
                placement.arch = Some(arch.clone());
            }
            _ => placement.nodes.push(NodeConstraint { key: neutral_key(&constraint.key), ..constraint }),
        }
    }
}

fn expression(value: &Value) -> Option<NodeConstraint> {
    let fields = value.as_object()?;
    let op = match fields.get("operator")?.as_str()? {
        "In" => ConstraintOp::In,
        "NotIn" => ConstraintOp::NotIn,
        "Exists" => ConstraintOp::Exists,
        "DoesNotExist" => ConstraintOp::Absent,
        _ => return None,
    };
    let values = fields.get("values").map_or(Some(Vec::new()), texts)?;
    let needs_values = matches!(op, ConstraintOp::In | ConstraintOp::NotIn);
    let key = fields.get("key")?.as_str().filter(|key| !key.is_empty())?.to_owned();
    let is_whole = fields.keys().all(|key| matches!(key.as_str(), "key" | "operator" | "values"));
    (values.is_empty() != needs_values && is_whole).then_some(NodeConstraint { key, op, values })
}

fn pod_affinity(affinity: &mut Fields<'_>, kind: &str, selected: &dyn Selected) -> Vec<Affinity> {
    let Some(mut pods) = affinity.below(kind) else { return Vec::new() };
    let mut found = Vec::new();
    let required = |value: &Value| {
        let terms = value.as_array()?.iter().map(|term| pod_term(term, selected));
        terms.collect::<Option<Vec<_>>>()
    };
    found.extend(pods.take("requiredDuringSchedulingIgnoredDuringExecution", required).unwrap_or_default());
    let preferred = |value: &Value| {
        let terms = value.as_array()?.iter().map(|wish| {
            // What wishes weigh against each other has no neutral form, so all weigh the same.
            let wish = wish.as_object().filter(|wish| wish.len() == 2)?;
            let term = pod_term(wish.get("podAffinityTerm")?, selected)?;
            Some((small(wish.get("weight")?)?, Affinity { preferred: true, ..term }))
        });
        let terms = terms.collect::<Option<Vec<_>>>()?;
        let is_one = terms.iter().all(|(weight, _)| *weight == terms[0].0);
        is_one.then(|| terms.into_iter().map(|(_, term)| term).collect::<Vec<_>>())
    };
    found.extend(pods.take("preferredDuringSchedulingIgnoredDuringExecution", preferred).unwrap_or_default());
    found
}

fn pod_term(term: &Value, selected: &dyn Selected) -> Option<Affinity> {
    let term = term.as_object().filter(|term| term.len() == 2)?;
    let over = neutral_key(term.get("topologyKey")?.as_str()?);
    let workload = selected.workload(&match_labels(term.get("labelSelector")?)?)?;
    Some(Affinity { workload, over: Some(over).filter(|over| over != "hostname"), preferred: false })
}

/// The labels of a selector that has nothing else. An expression with one value says the same.
pub(super) fn match_labels(selector: &Value) -> Option<Map<String, Value>> {
    let selector = selector.as_object()?;
    let mut labels = Map::new();
    for (key, value) in selector {
        match key.as_str() {
            "matchLabels" => {
                labels.extend(text_map(value)?.into_iter().map(|(key, value)| (key, value.into())));
            }
            "matchExpressions" => {
                for expression in value.as_array()? {
                    let NodeConstraint { key, op: ConstraintOp::In, values } = self::expression(expression)?
                    else {
                        return None;
                    };
                    let [value] = <[String; 1]>::try_from(values).ok()?;
                    labels.insert(key, value.into());
                }
            }
            _ => return None,
        }
    }
    (!labels.is_empty()).then_some(labels)
}

fn tolerations(value: &Value) -> Option<Vec<Toleration>> {
    value.as_array()?.iter().map(toleration).collect()
}

fn toleration(value: &Value) -> Option<Toleration> {
    let fields = value.as_object()?;
    let text = |key: &str| fields.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let known = ["key", "operator", "value", "effect"];
    if !fields.keys().all(|key| known.contains(&key.as_str())) {
        return None;
    }
    let value = match text("operator") {
        None | Some("Equal") => Some(text("value")?.to_owned()),
        Some("Exists") if text("value").is_none() => None,
        Some(_) => return None,
    };
    let effect = text("effect");
    let is_known =
        effect.is_none_or(|effect| ["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&effect));
    let key = text("key").map(str::to_owned);
    (is_known && (key.is_some() || value.is_none())).then_some(Toleration {
        key,
        value,
        effect: effect.map(str::to_owned),
    })
}

/// Even distribution, and the most replicas of one node: a skew over hosts that is counted from none, since there are
/// never as many as it asks for.
fn spread(value: &Value, own: &str, selected: &dyn Selected) -> Option<(Vec<Spread>, Option<u32>)> {
    let (mut found, mut most) = (Vec::new(), None);
    for constraint in value.as_array()? {
        let fields = constraint.as_object()?;
        let known = ["maxSkew", "minDomains", "topologyKey", "whenUnsatisfiable", "labelSelector"];
        let workload = selected.workload(&match_labels(fields.get("labelSelector")?)?)?;
        if workload != own || !fields.keys().all(|key| known.contains(&key.as_str())) {
            return None;
        }
        let skew = small(fields.get("maxSkew")?).filter(|skew| *skew > 0)?;
        let over = neutral_key(fields.get("topologyKey")?.as_str()?);
        let domains = fields.get("minDomains").and_then(Value::as_i64);
        match (fields.get("whenUnsatisfiable")?.as_str()?, domains) {
            ("DoNotSchedule", None) => found.push(Spread { over, max_skew: Some(skew) }),
            ("ScheduleAnyway", None) if skew == 1 => found.push(Spread { over, max_skew: None }),
            ("DoNotSchedule", Some(domains)) if domains == i64::from(i32::MAX) && over == "hostname" => {
                most = Some(skew);
            }
            _ => return None,
        }
    }
    Some((found, most))
}
