//! Descriptions in the shape of requests.

use serde_json::{Map, Value};

use crate::kind::Kind;

/// The fields of a description that the request has too, under the same names.
///
/// Source: the request and the answer in each service's API reference.
pub(crate) fn filtered(kind: Kind, description: &Value) -> Value {
    let fields = description.as_object().into_iter().flatten();
    let kept = fields.filter(|(name, value)| shared(kind).contains(&name.as_str()) && !value.is_null());
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}

/// The same field under the name that it has in the request.
pub(super) fn moved(body: &mut Value, description: &Value, from: &str, to: &str) {
    if let (Some(fields), Some(value)) =
        (body.as_object_mut(), description.get(from).filter(|value| !value.is_null()))
    {
        fields.insert(to.to_owned(), value.clone());
    }
}

#[expect(clippy::too_many_lines, reason = "flat mapping table")]
const fn shared(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::SecurityGroup => &["GroupName", "VpcId"],
        Kind::LogGroup => &["logGroupName", "retentionInDays", "kmsKeyId", "logGroupClass"],
        Kind::AccessPoint => &["FileSystemId", "PosixUser", "RootDirectory"],
        Kind::Parameter => &["Name", "Type", "Tier", "Description", "DataType"],
        Kind::Secret => &["Name", "Description", "KmsKeyId"],
        Kind::Discovery => &[
            "Name",
            "NamespaceId",
            "Description",
            "DnsConfig",
            "HealthCheckConfig",
            "HealthCheckCustomConfig",
        ],
        Kind::TargetGroup => &[
            "Protocol",
            "ProtocolVersion",
            "Port",
            "VpcId",
            "HealthCheckProtocol",
            "HealthCheckPort",
            "HealthCheckEnabled",
            "HealthCheckPath",
            "HealthCheckIntervalSeconds",
            "HealthCheckTimeoutSeconds",
            "HealthyThresholdCount",
            "UnhealthyThresholdCount",
            "Matcher",
            "TargetType",
            "IpAddressType",
        ],
        Kind::Listener => &[
            "LoadBalancerArn",
            "Protocol",
            "Port",
            "SslPolicy",
            "Certificates",
            "DefaultActions",
            "AlpnPolicy",
            "MutualAuthentication",
        ],
        Kind::ListenerRule => &["Conditions", "Priority", "Actions", "Transforms"],
        Kind::TaskDefinition => &[
            "family",
            "taskRoleArn",
            "executionRoleArn",
            "networkMode",
            "containerDefinitions",
            "volumes",
            "placementConstraints",
            "requiresCompatibilities",
            "cpu",
            "memory",
            "pidMode",
            "ipcMode",
            "proxyConfiguration",
            "ephemeralStorage",
            "runtimePlatform",
            "enableFaultInjection",
        ],
        Kind::Service => &[
            "serviceName",
            "taskDefinition",
            "availabilityZoneRebalancing",
            "loadBalancers",
            "serviceRegistries",
            "desiredCount",
            "launchType",
            "capacityProviderStrategy",
            "platformVersion",
            "deploymentConfiguration",
            "placementConstraints",
            "placementStrategy",
            "networkConfiguration",
            "healthCheckGracePeriodSeconds",
            "schedulingStrategy",
            "deploymentController",
            "enableECSManagedTags",
            "propagateTags",
            "enableExecuteCommand",
        ],
        Kind::Task => &["launchType", "platformVersion", "overrides", "startedBy", "enableExecuteCommand"],
        Kind::ScalableTarget => &[
            "ServiceNamespace",
            "ResourceId",
            "ScalableDimension",
            "MinCapacity",
            "MaxCapacity",
            "SuspendedState",
        ],
        Kind::ScalingPolicy => &[
            "PolicyName",
            "ServiceNamespace",
            "ResourceId",
            "ScalableDimension",
            "PolicyType",
            "StepScalingPolicyConfiguration",
            "TargetTrackingScalingPolicyConfiguration",
            "PredictiveScalingPolicyConfiguration",
        ],
        Kind::Schedule => &[
            "Name",
            "GroupName",
            "ScheduleExpression",
            "ScheduleExpressionTimezone",
            "FlexibleTimeWindow",
            "StartDate",
            "EndDate",
            "State",
            "Description",
            "Target",
            "KmsKeyArn",
            "ActionAfterCompletion",
        ],
    }
}
