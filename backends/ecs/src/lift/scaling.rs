//! Scalable targets and their policies, as autoscaling of workloads.

use rhumb_backend::Fate;
use rhumb_spec::model::{Autoscale, CustomMetric, Kind as Word};
use serde_json::{Value, json};

use super::document::Document;
use super::values::small;
use super::world::World;

/// The workload whose service a document scales.
fn workload(document: &Document, world: &World) -> Option<String> {
    let resource = document.text_at("/ResourceId")?;
    let service = resource.strip_prefix("service/")?.rsplit('/').next()?;
    let is_count = document.text_at("/ScalableDimension") == Some("ecs:service:DesiredCount");
    world.services.get(service).filter(|_| is_count).cloned()
}

/// Reads a scalable target.
///
/// Source: Application Auto Scaling API reference, `RegisterScalableTarget`.
pub(super) fn target(mut document: Document, world: &mut World) {
    let Some(name) = workload(&document, world) else {
        return document.finish_whole("it scales no service of these documents", Fate::Lost, world);
    };
    let mut fields = document.fields();
    let bounds = (fields.get("MinCapacity").and_then(small), fields.get("MaxCapacity").and_then(small));
    let (Some(min), Some(max)) = bounds else {
        return document.finish_whole("it has no bounds", Fate::Lost, world);
    };
    head(&mut fields);
    fields.take_whole("MinCapacity");
    fields.take_whole("MaxCapacity");
    fields.lose("RoleARN", "AWS has a role of its own for it");
    if let Some(workload) = world.app.workloads.get_mut(&name) {
        workload.autoscale = Some(Autoscale { min, max, ..Autoscale::default() });
    }
    document.finish(&Word::Workload.path(&name), world);
}

fn head(fields: &mut rhumb_backend::fields::Fields<'_>) {
    let why = "a release says it of what it makes";
    fields
        .own(&["ServiceNamespace", "ResourceId", "ScalableDimension", "PolicyName", "ScalingTargetId"], why);
}

/// Reads a policy that holds a metric to a value.
///
/// Source: Application Auto Scaling API reference, `PutScalingPolicy`.
pub(super) fn policy(mut document: Document, world: &mut World) {
    let Some(name) = workload(&document, world) else {
        return document.finish_whole("it scales no service of these documents", Fate::Lost, world);
    };
    let configuration =
        document.whole.get("TargetTrackingScalingPolicyConfiguration").cloned().unwrap_or_default();
    let Some(autoscale) = world.app.workloads.get_mut(&name).and_then(|workload| workload.autoscale.as_mut())
    else {
        return document.finish_whole(
            "the bounds that it scales in are not among the documents",
            Fate::Lost,
            world,
        );
    };
    if !read(&configuration, autoscale) {
        return document.finish_whole("the app has no words for its metric, or for steps", Fate::Lost, world);
    }
    let mut fields = document.fields();
    head(&mut fields);
    fields.take_whole("PolicyType");
    if let Some(mut of) = fields.below("TargetTrackingScalingPolicyConfiguration") {
        for key in ["TargetValue", "PredefinedMetricSpecification", "CustomizedMetricSpecification"] {
            of.take_whole(key);
        }
        of.default("DisableScaleIn", &json!(false));
    }
    document.finish(&Word::Workload.path(&name), world);
}

fn read(configuration: &Value, autoscale: &mut Autoscale) -> bool {
    let Some(value) = configuration.get("TargetValue").and_then(Value::as_f64) else { return false };
    let predefined = configuration.pointer("/PredefinedMetricSpecification/PredefinedMetricType");
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked before"
    )]
    let percent = (value.fract() == 0.0 && (1.0..=100.0).contains(&value)).then_some(value as u32);
    match (predefined.and_then(Value::as_str), percent) {
        (Some("ECSServiceAverageCPUUtilization"), Some(percent)) => autoscale.cpu = Some(percent),
        (Some("ECSServiceAverageMemoryUtilization"), Some(percent)) => autoscale.memory = Some(percent),
        (Some(_), _) => return false,
        (None, _) => {
            let Some(custom) = custom(configuration, value) else { return false };
            autoscale.custom.push(custom);
        }
    }
    true
}

/// A metric of the service's own. Others have dimensions that the app cannot say.
fn custom(configuration: &Value, value: f64) -> Option<CustomMetric> {
    let of = configuration.get("CustomizedMetricSpecification")?;
    let text = |key: &str| of.get(key).and_then(Value::as_str);
    let (name, namespace) = (text("MetricName")?, text("Namespace")?);
    let dimensions = of.get("Dimensions").and_then(Value::as_array)?;
    let is_own = |dimension: &Value| {
        ["ClusterName", "ServiceName"]
            .iter()
            .any(|name| dimension.get("Name").and_then(Value::as_str) == Some(name))
    };
    let name =
        if namespace == "ECS/ContainerInsights" { name.to_owned() } else { format!("{namespace}/{name}") };
    (dimensions.iter().all(is_own) && text("Statistic") == Some("Average"))
        .then(|| CustomMetric { name, average: value.to_string() })
}
