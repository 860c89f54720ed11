//! Replicas that follow the load, and what planned maintenance may take away.

use std::collections::BTreeMap;

use rhumb_backend::{Object, ObjectId};
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Autoscale, IntOrPercent};
use serde_json::{Map, Value, json};

use super::body::Body;
use super::{Context, Report, Site, labels, quantity};
use crate::names;

/// The autoscaler of a workload.
///
/// Source: Kubernetes API reference, `HorizontalPodAutoscaler` of `autoscaling/v2`.
pub(super) fn autoscaler(
    context: &Context<'_>,
    site: &Site<'_>,
    (kind, name): (&str, &str),
    report: &mut Report,
) -> Option<Object> {
    let autoscale = site.workload.autoscale.as_ref()?;
    if autoscale.min == 0 {
        report.refuse(
            Diagnostic::error(site.at("autoscale.min"), "the fewest replicas of an autoscaler are 1")
                .why("scaling to none is behind a gate of Kubernetes that is off (`HPAScaleToZero`)")
                .remedy("`min: 1`"),
        );
    }
    let mut spec = Body::new();
    spec.set("scaleTargetRef", json!({ "apiVersion": "apps/v1", "kind": kind, "name": name }))
        .set("minReplicas", autoscale.min)
        .set("maxReplicas", autoscale.max)
        .set_filled("metrics", metrics(autoscale, site, report));
    Some(object(context, site, ("autoscaling/v2", "HorizontalPodAutoscaler"), spec))
}

fn metrics(autoscale: &Autoscale, site: &Site<'_>, report: &mut Report) -> Vec<Value> {
    let mut found = Vec::new();
    for (name, percent) in [("cpu", autoscale.cpu), ("memory", autoscale.memory)] {
        let Some(percent) = percent else { continue };
        let target = json!({ "type": "Utilization", "averageUtilization": percent });
        found.push(json!({ "type": "Resource", "resource": { "name": name, "target": target } }));
    }
    for (index, metric) in autoscale.custom.iter().enumerate() {
        let Some(average) = quantity::decimal(&metric.average) else {
            let path = site.at(&format!("autoscale.custom[{index}].average"));
            report.refuse(
                Diagnostic::error(path, format!("`{}` is no amount that Kubernetes takes", metric.average))
                    .remedy("a decimal number no finer than a billionth, such as `10` or `0.5`"),
            );
            continue;
        };
        let target = json!({ "type": "AverageValue", "averageValue": average });
        found
            .push(json!({ "type": "Pods", "pods": { "metric": { "name": metric.name }, "target": target } }));
    }
    found
}

/// The disruption budget of a workload.
///
/// Source: Kubernetes API reference, `PodDisruptionBudget` of `policy/v1`.
pub(super) fn budget(context: &Context<'_>, site: &Site<'_>) -> Option<Object> {
    let disruption = site.workload.disruption.as_ref()?;
    let amount = |amount: IntOrPercent| match amount {
        IntOrPercent::Int(count) => Value::from(count),
        IntOrPercent::Percent(percent) => Value::from(format!("{percent}%")),
    };
    let mut spec = Body::new();
    spec.set_some("minAvailable", disruption.min_available.map(amount))
        .set_some("maxUnavailable", disruption.max_unavailable.map(amount))
        .set("selector", json!({ "matchLabels": names::selector(context.scope, site.name) }));
    Some(object(context, site, ("policy/v1", "PodDisruptionBudget"), spec))
}

fn object(context: &Context<'_>, site: &Site<'_>, (api, kind): (&str, &str), spec: Body) -> Object {
    let metadata = labels::metadata(context, (site.name, site.name), &BTreeMap::new(), Map::new());
    let mut body = Body::document(api, kind, metadata);
    body.set("spec", spec.into_value());
    Object::new(ObjectId::new(&kind.to_lowercase(), site.name), body.into_value())
}
