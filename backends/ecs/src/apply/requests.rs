//! The requests that make, change and remove things of each kind.

use serde_json::{Map, Value, json};

use crate::kind::Kind;
use crate::observe::last_segment;
use crate::pages::text;

/// A call of AWS.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    /// As botocore calls it: `ecs:CreateService`.
    pub(super) operation: &'static str,
    pub(super) body: Value,
}

impl Request {
    pub(super) fn new(operation: &'static str, body: Value) -> Self {
        Self { operation, body }
    }
}

/// What bodies hold that goes to AWS in calls of its own.
pub(super) const APART: [&str; 3] = ["ingress", "retentionInDays", "Attributes"];

/// The request that makes a thing. What goes to AWS in calls of its own is left out.
pub(super) fn create(kind: Kind, body: &Value) -> Request {
    let fields = body.as_object().into_iter().flatten();
    let kept = fields.filter(|(name, _)| *name != crate::change::FORCE && !is_apart(kind, name));
    let mut fields: Map<String, Value> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    match kind {
        Kind::Service => service_again(&mut fields),
        Kind::ListenerRule => rule_again(&mut fields),
        _ => {}
    }
    Request::new(kind.call(), Value::Object(fields))
}

/// Takes out what ECS tells of a service that was adopted and does not take where it makes one: a role of its own, a launch type beside
/// capacity providers, a number of tasks where there is one on each instance.
///
/// Source: Amazon ECS API reference, `CreateService`.
fn service_again(fields: &mut Map<String, Value>) {
    let is_text = |field: &str, part: &str| {
        fields.get(field).and_then(Value::as_str).is_some_and(|text| text.contains(part))
    };
    let has_providers = fields
        .get("capacityProviderStrategy")
        .and_then(Value::as_array)
        .is_some_and(|providers| !providers.is_empty());
    let gone = [
        ("role", is_text("role", ":role/aws-service-role/")),
        ("launchType", has_providers),
        ("desiredCount", is_text("schedulingStrategy", "DAEMON")),
    ];
    for (field, _) in gone.into_iter().filter(|(_, is_gone)| *is_gone) {
        fields.shift_remove(field);
    }
}

/// Takes out what a rule says twice and may say only once.
///
/// Source: Elastic Load Balancing API reference, `RuleCondition`.
fn rule_again(fields: &mut Map<String, Value>) {
    let conditions = fields.get_mut("Conditions").and_then(Value::as_array_mut);
    for condition in conditions.into_iter().flatten().filter_map(Value::as_object_mut) {
        if condition.keys().any(|key| key.ends_with("Config")) {
            condition.shift_remove("Values");
        }
    }
}

fn is_apart(kind: Kind, field: &str) -> bool {
    APART.contains(&field) && matches!(kind, Kind::SecurityGroup | Kind::LogGroup | Kind::TargetGroup)
}

/// The request that removes a thing; none for what is not removed by one call.
///
/// - A service is removed with its tasks, which then drain.
/// - A secret can be restored for a week, the least that AWS takes.
pub(super) fn remove(cluster: &str, kind: Kind, native: &str, body: &Value) -> Option<Request> {
    let of = |field: &str| body.get(field).cloned().unwrap_or_default();
    let (operation, body) = match kind {
        Kind::SecurityGroup => ("ec2:DeleteSecurityGroup", json!({ "GroupId": native })),
        Kind::LogGroup => ("logs:DeleteLogGroup", json!({ "logGroupName": log_group(native) })),
        Kind::AccessPoint => ("efs:DeleteAccessPoint", json!({ "AccessPointId": native })),
        Kind::Parameter => ("ssm:DeleteParameter", json!({ "Name": native })),
        Kind::Secret => {
            ("secretsmanager:DeleteSecret", json!({ "SecretId": native, "RecoveryWindowInDays": 7 }))
        }
        Kind::Discovery => ("servicediscovery:DeleteService", json!({ "Id": last_segment(native) })),
        Kind::TargetGroup => ("elbv2:DeleteTargetGroup", json!({ "TargetGroupArn": native })),
        Kind::Listener => ("elbv2:DeleteListener", json!({ "ListenerArn": native })),
        Kind::ListenerRule => ("elbv2:DeleteRule", json!({ "RuleArn": native })),
        Kind::TaskDefinition => ("ecs:DeregisterTaskDefinition", json!({ "taskDefinition": native })),
        Kind::Service => {
            ("ecs:DeleteService", json!({ "cluster": cluster, "service": native, "force": true }))
        }
        Kind::Task => return None,
        Kind::ScalableTarget => (
            "application-autoscaling:DeregisterScalableTarget",
            json!({ "ServiceNamespace": "ecs", "ResourceId": native, "ScalableDimension": of("ScalableDimension") }),
        ),
        Kind::ScalingPolicy => (
            "application-autoscaling:DeleteScalingPolicy",
            json!({
                "PolicyName": native,
                "ServiceNamespace": "ecs",
                "ResourceId": of("ResourceId"),
                "ScalableDimension": of("ScalableDimension"),
            }),
        ),
        Kind::Schedule => {
            let group = text(body, "GroupName").unwrap_or("default");
            ("scheduler:DeleteSchedule", json!({ "Name": native, "GroupName": group }))
        }
    };
    Some(Request::new(operation, body))
}

/// The name of a log group, of which the native is its ARN.
pub(super) fn log_group(native: &str) -> &str {
    native.split_once(":log-group:").map_or(native, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_and_not_taken_is_not_sent() {
        let check = |kind: Kind, body: Value, expect: Value| assert_eq!(create(kind, &body).body, expect);
        let role = "arn:aws:iam::1:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
        let providers = json!([{ "capacityProvider": "FARGATE" }]);
        check(
            Kind::Service,
            json!({ "role": role, "launchType": "FARGATE", "desiredCount": 1, "capacityProviderStrategy": providers }),
            json!({ "desiredCount": 1, "capacityProviderStrategy": providers }),
        );
        let daemon = json!({ "role": "own", "launchType": "EC2", "schedulingStrategy": "DAEMON" });
        let mut counted = daemon.clone();
        counted["desiredCount"] = 3.into();
        check(Kind::Service, counted, daemon);
        let twice =
            json!({ "Field": "host-header", "Values": ["a"], "HostHeaderConfig": { "Values": ["a"] } });
        let once = json!({ "Field": "host-header", "HostHeaderConfig": { "Values": ["a"] } });
        let other = json!({ "Field": "path-pattern", "Values": ["/a"] });
        check(
            Kind::ListenerRule,
            json!({ "Conditions": [twice, other] }),
            json!({ "Conditions": [once, other] }),
        );
    }
}
