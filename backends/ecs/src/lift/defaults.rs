//! What says nothing of the user's in a document: what AWS writes itself, and what it takes anyway.

use rhumb_backend::fields::{Fields, Ledger, leaves};
use rhumb_backend::{Fate, Rest};
use serde_json::{Map, Value, json};

use crate::kind::Kind;
use crate::marks::Tags;

/// Why a field that AWS writes is none of the user's.
const SERVER: &str = "AWS writes it";

/// Whether a document is an answer of AWS, and no request.
pub(super) fn is_live(body: &Value) -> bool {
    const WRITTEN: [&str; 8] = [
        "taskDefinitionArn",
        "serviceArn",
        "TargetGroupArn",
        "ListenerArn",
        "RuleArn",
        "CreationTime",
        "CreationDate",
        "Arn",
    ];
    WRITTEN.iter().any(|key| body.get(key).is_some_and(Value::is_string))
}

/// Takes what has nothing in it: nulls, empty lists and mappings, and mappings of nothing else. Their absence means the
/// same to AWS.
pub(super) fn empty(body: &mut Map<String, Value>, ledger: &Ledger) {
    below(body, "", ledger);
}

fn below(map: &mut Map<String, Value>, path: &str, ledger: &Ledger) {
    map.retain(|key, value| {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        if is_nothing(value) {
            let why = "it says nothing".to_owned();
            ledger.borrow_mut().push(Rest { path, fields: leaves(value), fate: Fate::Own, why });
            return false;
        }
        match value {
            Value::Object(map) => below(map, &path, ledger),
            Value::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    let Value::Object(map) = item else { continue };
                    let name = map.get("name").and_then(Value::as_str).map(str::to_owned);
                    below(map, &format!("{path}.{}", name.unwrap_or_else(|| index.to_string())), ledger);
                }
            }
            _ => {}
        }
        true
    });
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.values().all(is_nothing),
        _ => false,
    }
}

/// Takes what AWS writes into its answers.
///
/// Source: the answers' shapes of each API's reference, beside those of its requests.
pub(super) fn written(kind: Kind, fields: &mut Fields<'_>) {
    let keys: &[&str] = match kind {
        Kind::TaskDefinition => &[
            "taskDefinitionArn",
            "revision",
            "status",
            "requiresAttributes",
            "compatibilities",
            "registeredAt",
            "registeredBy",
            "deregisteredAt",
            "deleteRequestedAt",
        ],
        Kind::Service => &[
            "serviceArn",
            "status",
            "runningCount",
            "pendingCount",
            "platformFamily",
            "deployments",
            "taskSets",
            "roleArn",
            "events",
            "createdAt",
            "createdBy",
            "currentServiceDeployment",
            "currentServiceRevisions",
            "resourceManagementType",
            "clientToken",
        ],
        Kind::Task => &["clientToken", "referenceId"],
        Kind::TargetGroup => &["TargetGroupArn", "LoadBalancerArns"],
        Kind::Listener => &["ListenerArn"],
        Kind::ListenerRule => &["RuleArn", "IsDefault"],
        Kind::Discovery => &["Arn", "Id", "CreateDate", "CreatorRequestId", "InstanceCount", "Type"],
        Kind::Schedule => &["Arn", "CreationDate", "LastModificationDate", "ClientToken"],
        Kind::ScalableTarget => &["ScalableTargetARN", "CreationTime", "SuspendedState", "PredictedCapacity"],
        Kind::ScalingPolicy => &["PolicyARN", "CreationTime", "Alarms"],
        Kind::AccessPoint => {
            &["AccessPointArn", "AccessPointId", "LifeCycleState", "OwnerId", "ClientToken", "Name"]
        }
        Kind::Parameter => &["ARN", "Version", "LastModifiedDate", "LastModifiedUser", "DataType"],
        Kind::Secret => &[
            "ARN",
            "CreatedDate",
            "LastChangedDate",
            "LastAccessedDate",
            "LastRotatedDate",
            "VersionId",
            "VersionStages",
            "VersionIdsToStages",
            "SecretVersionsToStages",
            "OwningService",
            "ClientRequestToken",
        ],
        Kind::LogGroup => &["arn", "creationTime", "storedBytes", "metricFilterCount", "logGroupArn"],
        Kind::SecurityGroup => &["OwnerId", "GroupId", "SecurityGroupArn"],
    };
    fields.own(keys, SERVER);
}

/// Takes what ECS takes anyway off a container.
///
/// Source: Amazon ECS API reference, `ContainerDefinition`.
pub(super) fn container(container: &mut Fields<'_>) {
    let off = ["disableNetworking", "interactive", "privileged", "pseudoTerminal", "readonlyRootFilesystem"];
    for key in off {
        container.default(key, &json!(false));
    }
    container.default("essential", &json!(true));
    container.default("cpu", &json!(0));
    container.default("versionConsistency", &json!("enabled"));
}

/// Takes what ECS takes anyway off a service, and what says what it takes on a target.
///
/// Source: Amazon ECS API reference, `CreateService`.
pub(super) fn service(service: &mut Fields<'_>) {
    for (key, default) in [
        ("deploymentController", json!({ "type": "ECS" })),
        ("enableECSManagedTags", json!(false)),
        ("enableExecuteCommand", json!(false)),
        ("healthCheckGracePeriodSeconds", json!(0)),
        ("propagateTags", json!("NONE")),
        ("availabilityZoneRebalancing", json!("DISABLED")),
    ] {
        service.default(key, &default);
    }
    target(service);
}

/// Why a field is none of the chart's.
fn of_target(setting: &str) -> String {
    format!("a target says it for all that runs there: its setting `{setting}`")
}

/// Takes what the target says for all that runs on it.
pub(super) fn target(fields: &mut Fields<'_>) {
    fields.default("platformVersion", &json!("LATEST"));
    for (key, setting) in [
        ("cluster", "cluster"),
        ("clusterArn", "cluster"),
        ("launchType", "launchType"),
        ("capacityProviderStrategy", "capacityProviders"),
    ] {
        fields.lose(key, &of_target(setting));
    }
    if let Some(mut network) = fields.descended(&["networkConfiguration", "awsvpcConfiguration"]) {
        network.lose("subnets", &of_target("subnets"));
        network.lose("securityGroups", &of_target("securityGroups"));
        network.lose("assignPublicIp", &of_target("assignPublicIp"));
    }
}

/// Takes what the target says for all tasks off a task definition.
pub(super) fn task(fields: &mut Fields<'_>) {
    fields.lose("networkMode", &of_target("networkMode"));
    fields.lose("requiresCompatibilities", &of_target("launchType"));
    fields.lose("executionRoleArn", &of_target("executionRole"));
    fields.default("enableFaultInjection", &json!(false));
}

/// A tag, and how many fields of its document say it.
pub(super) struct Tag {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) fields: usize,
}

/// Takes the tags, without those that mark what a release of ours made and those that AWS puts there. What is no tag
/// stays.
pub(super) fn tags(fields: &mut Fields<'_>) -> Vec<Tag> {
    let mut found = Vec::new();
    for name in ["tags", "Tags"] {
        let is_mapping = fields.get(name).is_some_and(Value::is_object);
        let items = match fields.take_whole(name) {
            None => continue,
            Some(Value::Array(items)) => items,
            Some(Value::Object(map)) => {
                map.into_iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
            }
            Some(other) => {
                fields.put(name, other);
                continue;
            }
        };
        let path = fields.at(name);
        let mut left = Vec::new();
        for item in items {
            let is_short =
                item.as_object().is_some_and(|map| map.len() <= 2 && map.values().all(Value::is_string));
            let pair = Tags::read(Some(&json!([item]))).0.pop_first().filter(|_| is_short);
            let Some((key, value)) = pair else {
                left.push(item);
                continue;
            };
            let count = if is_mapping { 1 } else { leaves(&item) };
            if key.starts_with("rhumb.dev/") || key.starts_with("aws:") {
                let why =
                    if key.starts_with("aws:") { SERVER } else { "a release's own mark takes its place" };
                let rest = Rest {
                    path: format!("{path}.{key}"),
                    fields: count,
                    fate: Fate::Own,
                    why: why.to_owned(),
                };
                fields.ledger().borrow_mut().push(rest);
            } else {
                found.push(Tag { key, value, fields: count });
            }
        }
        if left.is_empty() {
            continue;
        }
        let entry = |item: &Value| Some((item.get("key")?.as_str()?.to_owned(), item.get("value")?.clone()));
        let rest = if is_mapping {
            Value::Object(left.iter().filter_map(entry).collect())
        } else {
            Value::Array(left)
        };
        fields.put(name, rest);
    }
    found
}
