//! Scalable targets and their policies, as autoscaling of workloads.

use rhumb_backend::Fate;
use rhumb_spec::model::{Autoscale, CustomMetric, Kind as Word, Resources, Workload};
use serde_json::{Value, json};

use super::document::Document;
use super::values::{self, small};
use super::world::World;
use crate::lower::size::Size;

/// The workload whose service a document scales.
fn workload(document: &Document, world: &World) -> Option<String> {
    let resource = document.text_at("/ResourceId")?;
    let service = resource.strip_prefix("service/")?.rsplit('/').next()?;
    let is_count = document.text_at("/ScalableDimension") == Some("ecs:service:DesiredCount");
    // Of a service of the same template, a name in it stands there.
    let logical = service.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    let service = logical.map_or(service, |name| name.strip_suffix(".Name").unwrap_or(name));
    let name = world.services.get(service).filter(|_| is_count)?;
    world.app.workloads.contains_key(name).then(|| name.clone())
}

/// Reads a scalable target, where one of the policies has words in the app: replicas follow a metric.
///
/// Source: Application Auto Scaling API reference, `RegisterScalableTarget`.
pub(super) fn target(mut document: Document, policies: &[Value], world: &mut World) {
    let Some(name) = workload(&document, world) else {
        return document.finish_whole("it scales no service of these documents", Fate::Lost, world);
    };
    let mut fields = document.fields();
    let bounds = (fields.get("MinCapacity").and_then(small), fields.get("MaxCapacity").and_then(small));
    let (Some(min), Some(max)) = bounds else {
        return document.finish_whole("it has no bounds", Fate::Lost, world);
    };
    let is_of = |policy: &&Value| policy.get("ResourceId") == fields.get("ResourceId");
    let size = world.sizes.get(&name).copied();
    let Some(workload) = world.app.workloads.get_mut(&name) else {
        return document.finish_whole("it scales no service of these documents", Fate::Lost, world);
    };
    let has_words = policies.iter().filter(is_of).any(|policy| {
        let configuration =
            policy.get("TargetTrackingScalingPolicyConfiguration").cloned().unwrap_or_default();
        read(&configuration, &mut Autoscale::default(), (workload, size))
    });
    if !has_words || min > max || max == 0 {
        let why = "none of its policies is one that the app has words for";
        return document.finish_whole(why, Fate::Lost, world);
    }
    workload.autoscale = Some(Autoscale { min, max, ..Autoscale::default() });
    head(&mut fields);
    fields.take_whole("MinCapacity");
    fields.take_whole("MaxCapacity");
    fields.lose("RoleARN", "AWS has a role of its own for it");
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
    let size = world.sizes.get(&name).copied();
    let Some(workload) = world.app.workloads.get_mut(&name) else {
        return document.finish_whole("it scales no service of these documents", Fate::Lost, world);
    };
    let Some(mut autoscale) = workload.autoscale.take() else {
        let why = "the bounds that it scales in are not in the app";
        return document.finish_whole(why, Fate::Lost, world);
    };
    let is_read = read(&configuration, &mut autoscale, (workload, size));
    workload.autoscale = Some(autoscale);
    if !is_read {
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

/// Reads a policy. Use in percent is of what containers are promised: on ECS that is what they may take, where nothing
/// else is said.
fn read(
    configuration: &Value,
    autoscale: &mut Autoscale,
    (workload, size): (&mut Workload, Option<Size>),
) -> bool {
    let is_alone = workload.containers.len() == 1;
    let size = size.filter(|_| is_alone);
    let Some(value) = configuration.get("TargetValue").and_then(Value::as_f64) else { return false };
    let predefined = configuration.pointer("/PredefinedMetricSpecification/PredefinedMetricType");
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked before"
    )]
    let percent = (value.fract() == 0.0 && (1.0..=100.0).contains(&value)).then_some(value as u32);
    match (predefined.and_then(Value::as_str), percent) {
        (Some("ECSServiceAverageCPUUtilization"), Some(percent)) => {
            autoscale.cpu = Some(percent);
            return promise(
                workload,
                |of| of.cpu = of.cpu.or(of.limits.cpu).or(size.map(|size| values::cpu(size.cpu))),
                |of| of.cpu.is_some(),
            );
        }
        (Some("ECSServiceAverageMemoryUtilization"), Some(percent)) => {
            autoscale.memory = Some(percent);
            return promise(
                workload,
                |of| {
                    of.memory =
                        of.memory.or(of.limits.memory).or(size.map(|size| values::mebibytes(size.memory)));
                },
                |of| of.memory.is_some(),
            );
        }
        (Some(_), _) => return false,
        (None, _) => {
            let Some(custom) = custom(configuration, value) else { return false };
            autoscale.custom.push(custom);
        }
    }
    true
}

/// Has every container promised what it may take. Says whether all of them are promised something then.
fn promise(workload: &mut Workload, give: impl Fn(&mut Resources), has: impl Fn(&Resources) -> bool) -> bool {
    let mut given = workload.containers.clone();
    given.values_mut().for_each(|container| give(&mut container.resources));
    let is_promised = given.values().all(|container| has(&container.resources));
    if is_promised {
        workload.containers = given;
    }
    is_promised
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
