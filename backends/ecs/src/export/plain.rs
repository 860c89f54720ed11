//! Requests without marks of ours, under plain names, with placeholders in the place of references.

use std::collections::BTreeMap;

use rhumb_backend::export::map_texts;
use rhumb_backend::{Object, ObjectId, Scope, reference};
use serde_json::{Map, Value, json};

use super::{placeholder, variable};
use crate::kind::Kind;
use crate::{lower, names};

/// What every mark begins with.
const MARK: &str = "rhumb.dev/";

/// The plain names of parameters and secrets that are named by their content. A secret's never ends in a dash and six
/// characters, which Secrets Manager would take for the end of an ARN.
pub(super) fn renames(objects: &[Object]) -> BTreeMap<String, String> {
    let named = objects.iter().filter(|object| object.generation.is_some());
    let pairs = named.filter_map(|object| {
        let name = object.body.get("Name")?.as_str()?;
        let stem = without_hash(name)?;
        match Kind::of(&object.id)? {
            Kind::Secret => Some((name.to_owned(), format!("{stem}/current"))),
            Kind::Parameter => Some((name.to_owned(), stem.to_owned())),
            _ => None,
        }
    });
    pairs.collect()
}

fn without_hash(name: &str) -> Option<&str> {
    let (stem, hash) = name.rsplit_once('-')?;
    (hash.len() == names::HASH && hash.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(stem)
}

/// The request that makes an object.
pub(super) fn body(scope: &Scope, kind: Kind, body: &Value, renames: &BTreeMap<String, String>) -> Value {
    let named = map_texts(body, &|text| {
        let (old, new) = renames.iter().find(|(old, _)| text.contains(old.as_str()))?;
        Some(text.replace(old.as_str(), new))
    });
    let mut body = resolved(&named);
    strip(&mut body);
    if kind == Kind::Task && body.get("startedBy").is_some() {
        body["startedBy"] = scope.release.clone().into();
    }
    body
}

/// The body with a placeholder for each reference.
fn resolved(value: &Value) -> Value {
    if let Some((id, output)) = reference::parse(value) {
        return placeholder(&id, output);
    }
    match value {
        Value::Array(items) => items.iter().map(resolved).collect(),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, value)| (key.clone(), resolved(value))).collect())
        }
        other => other.clone(),
    }
}

/// Calls `found` with each reference in a body.
pub(super) fn references(value: &Value, found: &mut dyn FnMut(ObjectId, &str)) {
    if let Some((id, output)) = reference::parse(value) {
        return found(id, output);
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        Value::Object(map) => map.values().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// Takes our marks out, and lists and mappings that held nothing else.
fn strip(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, value| !key.starts_with(MARK) && !only_marks(value));
            map.values_mut().for_each(strip);
        }
        Value::Array(items) => {
            items.retain(|item| !is_mark(item) && !only_marks(item));
            items.iter_mut().for_each(strip);
        }
        _ => {}
    }
}

fn is_mark(item: &Value) -> bool {
    let key = item.get("key").or_else(|| item.get("Key")).and_then(Value::as_str);
    key.is_some_and(|key| key.starts_with(MARK))
}

fn only_marks(value: &Value) -> bool {
    match value {
        Value::Array(items) => {
            !items.is_empty() && items.iter().all(|item| is_mark(item) || only_marks(item))
        }
        Value::Object(map) if map.contains_key("ResourceType") => map.get("Tags").is_some_and(only_marks),
        Value::Object(map) => !map.is_empty() && map.keys().all(|key| key.starts_with(MARK)),
        _ => false,
    }
}

/// The calls that make a thing: what some services take in calls of its own is taken out of the first.
pub(super) fn calls(kind: Kind, id: &ObjectId, mut body: Value) -> Vec<(&'static str, Value)> {
    let mut take = |field: &str| body.as_object_mut().and_then(|map| map.shift_remove(field));
    let more = match kind {
        Kind::LogGroup => {
            let days = take("retentionInDays");
            let name = body.get("logGroupName").cloned();
            days.map(|days| {
                ("logs:PutRetentionPolicy", json!({ "logGroupName": name, "retentionInDays": days }))
            })
        }
        Kind::TargetGroup => take("Attributes").map(|attributes| {
            let of = json!({ "TargetGroupArn": placeholder(id, "arn"), "Attributes": attributes });
            ("elbv2:ModifyTargetGroupAttributes", of)
        }),
        Kind::SecurityGroup => take("ingress").map(|rules| {
            let own = placeholder(id, "id");
            let rules = with_own(&rules, own.as_str().unwrap_or_default());
            ("ec2:AuthorizeSecurityGroupIngress", json!({ "GroupId": own, "IpPermissions": rules }))
        }),
        _ => None,
    };
    std::iter::once((kind.call(), body)).chain(more).collect()
}

fn with_own(rules: &Value, own: &str) -> Value {
    map_texts(rules, &|text| (text == lower::SELF).then(|| own.to_owned()))
}

/// What the answer of a call says of an output, as `JMESPath` finds it.
///
/// Source: the answers in each service's API reference.
pub(super) fn query(kind: Kind, output: &str) -> Option<&'static str> {
    Some(match (kind, output) {
        (Kind::SecurityGroup, "id") => "GroupId",
        (Kind::AccessPoint, "id") => "AccessPointId",
        (Kind::AccessPoint, "arn") => "AccessPointArn",
        (Kind::Secret, "arn") => "ARN",
        (Kind::Discovery, "arn") => "Service.Arn",
        (Kind::Discovery, "id") => "Service.Id",
        (Kind::TargetGroup, "arn") => "TargetGroups[0].TargetGroupArn",
        (Kind::Listener, "arn") => "Listeners[0].ListenerArn",
        (Kind::ListenerRule, "arn") => "Rules[0].RuleArn",
        (Kind::TaskDefinition, "arn") => "taskDefinition.taskDefinitionArn",
        (Kind::Service, "arn") => "service.serviceArn",
        (Kind::Task, "arn") => "tasks[].taskArn",
        (Kind::ScalableTarget, "arn") => "ScalableTargetARN",
        (Kind::ScalingPolicy, "arn") => "PolicyARN",
        (Kind::Schedule, "arn") => "ScheduleArn",
        _ => return None,
    })
}

/// The outputs that a second call of the same object needs.
pub(super) fn own_outputs(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::SecurityGroup | Kind::AccessPoint => &["id"],
        Kind::TargetGroup => &["arn"],
        _ => &[],
    }
}

/// The placeholder's name in a script.
pub(super) fn name(id: &ObjectId, output: &str) -> String {
    variable(id, output)
}

/// The cluster that a request names.
pub(super) fn cluster(body: &Value) -> String {
    let map: Option<&Map<String, Value>> = body.as_object();
    map.and_then(|map| map.get("cluster")?.as_str()).unwrap_or("default").to_owned()
}
