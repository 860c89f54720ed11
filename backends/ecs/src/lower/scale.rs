//! Replicas that follow the load.

use rhumb_backend::Object;
use rhumb_spec::Diagnostic;
use rhumb_spec::model::CustomMetric;
use serde_json::{Value, json};

use super::{Context, Report, Site, exists};
use crate::kind::Kind;
use crate::names;

const DIMENSION: &str = "ecs:service:DesiredCount";
/// The namespace of metrics whose names have none.
const NAMESPACE: &str = "ECS/ContainerInsights";

/// The scalable target of a workload and a policy for each metric.
///
/// Source: Application Auto Scaling API reference, `RegisterScalableTarget` and `PutScalingPolicy`.
pub(super) fn objects(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Vec<Object> {
    let Some(autoscale) = &site.workload.autoscale else { return Vec::new() };
    let cluster = context.facts.cluster.rsplit('/').next().unwrap_or_default();
    let service = names::native(context.scope, site.name, names::NAME_LIMIT);
    let resource = format!("service/{cluster}/{service}");
    let target = Kind::ScalableTarget.id(site.name);
    let mut of_service = Object::new(
        target.clone(),
        json!({
            "ServiceNamespace": "ecs",
            "ResourceId": resource,
            "ScalableDimension": DIMENSION,
            "MinCapacity": autoscale.min,
            "MaxCapacity": autoscale.max,
        }),
    );
    of_service.after = vec![exists(Kind::Service.id(site.name))];
    let mut found = vec![of_service];
    for (metric, configuration) in metrics(context, site, report) {
        let body = json!({
            "PolicyName": names::native(context.scope, &format!("{}-{metric}", site.name), names::NAME_LIMIT),
            "ServiceNamespace": "ecs",
            "ResourceId": resource,
            "ScalableDimension": DIMENSION,
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": configuration,
        });
        let mut policy = Object::new(Kind::ScalingPolicy.id(&format!("{}-{metric}", site.name)), body);
        policy.after = vec![exists(target.clone())];
        found.push(policy);
    }
    found
}

/// Each metric's name, and what is wanted of it.
fn metrics(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let Some(autoscale) = &site.workload.autoscale else { return found };
    let known = [
        ("cpu", "ECSServiceAverageCPUUtilization", autoscale.cpu),
        ("memory", "ECSServiceAverageMemoryUtilization", autoscale.memory),
    ];
    for (name, predefined, percent) in known {
        let Some(percent) = percent else { continue };
        let metric = json!({ "PredefinedMetricType": predefined });
        let configuration =
            json!({ "TargetValue": f64::from(percent), "PredefinedMetricSpecification": metric });
        found.push((name.to_owned(), configuration));
    }
    for (index, metric) in autoscale.custom.iter().enumerate() {
        let path = site.at(&format!("autoscale.custom[{index}].average"));
        let Some(value) = metric.average.parse::<f64>().ok().filter(|value| value.is_finite()) else {
            report.refuse(
                Diagnostic::error(path, format!("`{}` is no number that CloudWatch takes", metric.average))
                    .why("the wanted value of a metric is a decimal number")
                    .remedy("such as `10` or `0.5`"),
            );
            continue;
        };
        found.push((slug(&metric.name), custom(context, site, metric, value)));
    }
    found
}

fn custom(context: &Context<'_>, site: &Site<'_>, metric: &CustomMetric, value: f64) -> Value {
    let (namespace, name) = metric.name.rsplit_once('/').unwrap_or((NAMESPACE, &metric.name));
    let cluster = context.facts.cluster.rsplit('/').next().unwrap_or_default();
    let service = names::native(context.scope, site.name, names::NAME_LIMIT);
    let specification = json!({
        "MetricName": name,
        "Namespace": namespace,
        "Dimensions": [
            { "Name": "ClusterName", "Value": cluster },
            { "Name": "ServiceName", "Value": service },
        ],
        "Statistic": "Average",
    });
    json!({ "TargetValue": value, "CustomizedMetricSpecification": specification })
}

fn slug(text: &str) -> String {
    let legal = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    legal.collect()
}
