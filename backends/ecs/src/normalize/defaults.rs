//! What AWS takes where nothing is said.

use serde_json::{Map, Value, json};

use super::Aligned;
use crate::kind::Kind;

/// Puts in what AWS takes where nothing is said: into what is there, where AWS does not tell it back, and into what is
/// wanted, where the chart said something before and does not any more.
pub(super) fn fill(kind: Kind, aligned: &mut Aligned) {
    let is_daemon = aligned.want.get("schedulingStrategy").and_then(Value::as_str) == Some("DAEMON");
    for (path, default) in defaults(kind, is_daemon) {
        let path: Vec<&str> = path.split('.').collect();
        let was_wanted = aligned.last.as_ref().is_some_and(|last| get(last, &path).is_some());
        let is_wanted = get(&aligned.want, &path).is_some();
        if (was_wanted || is_wanted) && get(&aligned.live, &path).is_none() {
            put(&mut aligned.live, &path, default.clone());
        }
        if was_wanted && !is_wanted {
            put(&mut aligned.want, &path, default);
        }
    }
    let strategies = [Some(&mut aligned.live), Some(&mut aligned.want), aligned.last.as_mut()];
    if kind == Kind::Service {
        strategies.into_iter().flatten().for_each(strategy);
    }
}

/// Source: Amazon ECS API reference, `CreateService`, `DeploymentConfiguration`; EventBridge Scheduler API reference,
/// `CreateSchedule`.
fn defaults(kind: Kind, is_daemon: bool) -> Vec<(&'static str, Value)> {
    match kind {
        Kind::Service => {
            let (most, least) = if is_daemon { (100, 0) } else { (200, 100) };
            vec![
                ("schedulingStrategy", json!("REPLICA")),
                ("deploymentConfiguration.maximumPercent", json!(most)),
                ("deploymentConfiguration.minimumHealthyPercent", json!(least)),
                ("deploymentConfiguration.deploymentCircuitBreaker.enable", json!(false)),
                ("deploymentConfiguration.deploymentCircuitBreaker.rollback", json!(false)),
                ("deploymentConfiguration.strategy", json!("ROLLING")),
                ("deploymentConfiguration.bakeTimeInMinutes", json!(0)),
                ("deploymentController.type", json!("ECS")),
                ("networkConfiguration.awsvpcConfiguration.assignPublicIp", json!("DISABLED")),
                ("healthCheckGracePeriodSeconds", json!(0)),
                ("enableExecuteCommand", json!(false)),
                ("enableECSManagedTags", json!(false)),
                ("propagateTags", json!("NONE")),
                ("serviceConnectConfiguration.enabled", json!(false)),
            ]
        }
        Kind::Schedule => vec![
            ("State", json!("ENABLED")),
            ("GroupName", json!("default")),
            ("ScheduleExpressionTimezone", json!("UTC")),
            ("ActionAfterCompletion", json!("NONE")),
            ("Target.RetryPolicy.MaximumEventAgeInSeconds", json!(86_400)),
            ("Target.RetryPolicy.MaximumRetryAttempts", json!(185)),
            ("Target.EcsParameters.TaskCount", json!(1)),
            ("Target.EcsParameters.EnableECSManagedTags", json!(false)),
            ("Target.EcsParameters.EnableExecuteCommand", json!(false)),
        ],
        Kind::ScalingPolicy => vec![
            ("TargetTrackingScalingPolicyConfiguration.DisableScaleIn", json!(false)),
            ("TargetTrackingScalingPolicyConfiguration.ScaleInCooldown", json!(300)),
            ("TargetTrackingScalingPolicyConfiguration.ScaleOutCooldown", json!(300)),
        ],
        Kind::TargetGroup => vec![
            ("HealthCheckPort", json!("traffic-port")),
            ("HealthCheckEnabled", json!(true)),
            ("IpAddressType", json!("ipv4")),
        ],
        Kind::LogGroup => vec![("logGroupClass", json!("STANDARD"))],
        _ => Vec::new(),
    }
}

/// Capacity providers with the base and weight that AWS takes where none is said.
///
/// Source: Amazon ECS API reference, `CapacityProviderStrategyItem`.
fn strategy(body: &mut Value) {
    let items = body.get_mut("capacityProviderStrategy").and_then(Value::as_array_mut).into_iter().flatten();
    for item in items.filter_map(Value::as_object_mut) {
        item.entry("base").or_insert_with(|| 0.into());
        item.entry("weight").or_insert_with(|| 0.into());
    }
}

fn get<'v>(body: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(body, |body, name| body.get(*name))
}

fn put(body: &mut Value, path: &[&str], value: Value) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut at = body;
    for parent in parents {
        let Some(fields) = at.as_object_mut() else { return };
        at = fields.entry(*parent).or_insert_with(|| Value::Object(Map::new()));
    }
    if let Some(fields) = at.as_object_mut() {
        fields.insert((*last).to_owned(), value);
    }
}
