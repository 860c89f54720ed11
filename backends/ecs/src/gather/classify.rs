//! What a mapping is, by the keys that only documents of one kind have.

use serde_json::{Map, Value};

use crate::kind::Kind;

/// Whether a mapping has a key, whatever the case of its first letter.
pub(super) fn has(map: &Map<String, Value>, key: &str) -> bool {
    get(map, key).is_some()
}

/// A field, whatever the case of the first letter of its key.
pub(super) fn get<'v>(map: &'v Map<String, Value>, key: &str) -> Option<&'v Value> {
    map.get(key).or_else(|| {
        let mut letters = key.chars();
        let first = letters.next()?.to_ascii_uppercase();
        map.get(&std::iter::once(first).chain(letters).collect::<String>())
    })
}

/// The kind of a document.
///
/// Source: the request and answer shapes of each API's reference.
pub(super) fn kind(map: &Map<String, Value>) -> Option<Kind> {
    ecs(map).or_else(|| balancing(map)).or_else(|| others(map))
}

fn ecs(map: &Map<String, Value>) -> Option<Kind> {
    const SERVICE: [&str; 8] = [
        "serviceName",
        "serviceArn",
        "desiredCount",
        "schedulingStrategy",
        "deploymentConfiguration",
        "deploymentController",
        "serviceRegistries",
        "serviceConnectConfiguration",
    ];
    // A whole definition under this key is what an answer wraps.
    let is_only = |map: &Map<String, Value>| map.len() == 1 && !has(map, "containerDefinitions");
    let is_reference = |value: &Value| value.is_string() || value.as_object().is_some_and(is_only);
    let refers = get(map, "taskDefinition").is_some_and(is_reference);
    let runs = ["startedBy", "overrides", "count"].iter().any(|key| has(map, key));
    if get(map, "containerDefinitions").is_some_and(Value::is_array) {
        return Some(Kind::TaskDefinition);
    }
    if SERVICE.iter().any(|key| has(map, key)) && !map.contains_key("ServiceNamespace") {
        return Some(Kind::Service);
    }
    (refers && runs)
        .then_some(Kind::Task)
        .or_else(|| (refers && !map.contains_key("Target")).then_some(Kind::Service))
}

fn balancing(map: &Map<String, Value>) -> Option<Kind> {
    let all = |keys: &[&str]| keys.iter().all(|key| map.contains_key(*key));
    if all(&["Conditions", "Actions"]) {
        return Some(Kind::ListenerRule);
    }
    if all(&["DefaultActions"]) {
        return Some(Kind::Listener);
    }
    let is_group = all(&["TargetGroupName"]) || all(&["TargetType"]) || all(&["Protocol", "Port", "VpcId"]);
    is_group.then_some(Kind::TargetGroup)
}

fn others(map: &Map<String, Value>) -> Option<Kind> {
    let has_all = |keys: &[&str]| keys.iter().all(|key| map.contains_key(*key));
    let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default();
    let is_secret =
        ["SecretString", "SecretBinary", "GenerateSecretString"].iter().any(|key| map.contains_key(*key))
            || text("ARN").contains(":secretsmanager:");
    let is_parameter = has_all(&["Name"])
        && (text("ARN").contains(":parameter/")
            || ["String", "SecureString", "StringList"].contains(&text("Type")) && has_all(&["Value"]));
    let found = [
        (is_secret, Kind::Secret),
        (is_parameter, Kind::Parameter),
        (has_all(&["ScheduleExpression", "Target"]), Kind::Schedule),
        (has_all(&["PolicyName", "ScalableDimension"]), Kind::ScalingPolicy),
        (has_all(&["ScalableDimension", "MaxCapacity"]), Kind::ScalableTarget),
        (
            has_all(&["Name"]) && (map.contains_key("DnsConfig") || map.contains_key("NamespaceId")),
            Kind::Discovery,
        ),
        (
            has_all(&["FileSystemId"])
                && ["PosixUser", "RootDirectory", "AccessPointId", "ClientToken"]
                    .iter()
                    .any(|key| map.contains_key(*key)),
            Kind::AccessPoint,
        ),
        (has_all(&["GroupName", "VpcId"]), Kind::SecurityGroup),
        (has(map, "logGroupName"), Kind::LogGroup),
    ];
    found.into_iter().find(|(is, _)| *is).map(|(_, kind)| kind)
}

/// Whether a mapping is the definition of one container.
pub(super) fn is_container(value: &Value) -> bool {
    const OWN: [&str; 9] = [
        "essential",
        "portMappings",
        "memory",
        "memoryReservation",
        "cpu",
        "logConfiguration",
        "entryPoint",
        "mountPoints",
        "environment",
    ];
    value.as_object().is_some_and(|map| {
        let is_text = |key: &str| get(map, key).is_some_and(Value::is_string);
        is_text("name") && is_text("image") && OWN.iter().any(|key| has(map, key))
    })
}

/// What something that is no document of these kinds may be, and what to do with it.
pub(super) fn stranger(value: &Value) -> (String, Option<&'static str>) {
    let Some(map) = value.as_object() else {
        return ("it is no mapping".to_owned(), None);
    };
    let all = |keys: &[&str]| keys.iter().all(|key| map.contains_key(*key));
    let known = [
        (all(&["apiVersion", "kind"]), "a manifest of Kubernetes", "rhumb import kubernetes FILE"),
        (
            all(&["service_definition"]) || all(&["task_definition"]),
            "the configuration of ecspresso",
            "the definitions that it names: -f ecs-service-def.json -f ecs-task-def.json",
        ),
        (
            all(&["serviceArns"])
                || all(&["taskDefinitionArns"])
                || all(&["clusterArns"])
                || all(&["taskArns"]),
            "a list of names, without what they are",
            "what `aws ecs describe-services` and `describe-task-definition` answer, or no FILE to read the cluster",
        ),
        (map.get("services").is_some_and(Value::is_object), "a Compose file", "rhumb import compose FILE"),
        (
            map.get("type")
                .and_then(Value::as_str)
                .is_some_and(|kind| kind.ends_with("Service") || kind.ends_with("Job")),
            "a manifest of Copilot",
            "the template that `copilot svc package` prints",
        ),
        (all(&["containers"]) || all(&["container"]), "an app of Marathon", "rhumb import marathon FILE"),
    ];
    if let Some((_, what, remedy)) = known.into_iter().find(|(is, ..)| *is) {
        return (format!("it looks like {what}"), Some(remedy));
    }
    let keys: Vec<String> = map.keys().take(3).map(|key| format!("`{}`", key.escape_debug())).collect();
    let keys = if keys.is_empty() { "no keys".to_owned() } else { keys.join(", ") };
    (format!("nothing of ECS has {keys}"), None)
}
