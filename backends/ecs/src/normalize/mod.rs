//! What AWS fills in by itself, taken out of comparisons.
//!
//! Fields that we never set stay out of the comparison by themselves, but for those of items in lists that are compared
//! as a whole. What is here besides are fields that we do set and that come back in another form.

mod defaults;

use rhumb_backend::change::{MergeRules, Path};
use serde_json::{Map, Value};

use crate::change::rules;
use crate::kind::Kind;

/// What was wanted last, what is there and what is wanted, in forms that can be compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Aligned {
    /// What was wanted last.
    pub last: Option<Value>,
    /// What is there.
    pub live: Value,
    /// What is wanted.
    pub want: Value,
}

/// Brings three requests of one kind into forms that can be compared.
///
/// - Empty lists, empty mappings and `null` are nothing.
/// - Tokens that make a call idempotent are no part of what it makes, nor is the cluster, by which it is found.
/// - Tags that AWS itself sets are nobody's business.
/// - Numbers and flags that come back as text, and text in another of its forms, are those that are wanted.
pub fn align(kind: Kind, last: Option<&Value>, live: &Value, want: &Value) -> Aligned {
    let mut aligned = Aligned {
        last: last.map(|last| document(kind, last)),
        live: document(kind, live),
        want: document(kind, want),
    };
    if kind == Kind::Service {
        service(&mut aligned);
    }
    if kind == Kind::ListenerRule {
        weights(&mut aligned);
    }
    defaults::fill(kind, &mut aligned);
    let Aligned { last, live, want } = &mut aligned;
    let mut alignment = Alignment { kind, rules: rules(kind), path: Path::default() };
    alignment.value(live, last.as_ref(), Some(want));
    aligned
}

/// What a request says besides the thing that it makes.
const ASIDE: [&str; 7] = [
    "cluster",
    "clientToken",
    "ClientToken",
    "CreatorRequestId",
    "ClientRequestToken",
    "Overwrite",
    crate::change::FORCE,
];

fn document(kind: Kind, body: &Value) -> Value {
    let mut body = without_empty(body);
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|name, _| !ASIDE.contains(&name.as_str()));
        for tags in ["tags", "Tags"] {
            if let Some(list) = fields.get_mut(tags).and_then(Value::as_array_mut) {
                list.retain(|tag| !is_of_aws(tag));
            }
        }
    }
    if kind == Kind::ListenerRule
        && let Some(conditions) = body.get_mut("Conditions").and_then(Value::as_array_mut)
    {
        conditions.sort_by_key(|condition| condition.get("Field").map(ToString::to_string));
    }
    body
}

/// Source: AWS documentation, "Tagging your resources": the prefix `aws:` is reserved.
fn is_of_aws(tag: &Value) -> bool {
    ["key", "Key"]
        .iter()
        .any(|key| tag.get(*key).and_then(Value::as_str).is_some_and(|key| key.starts_with("aws:")))
}

/// What of a service has several forms.
///
/// - A service with capacity providers has no launch type, whatever it began with.
/// - The newest platform version is `LATEST`.
/// - A task definition may be wanted by its family, with or without a revision.
fn service(aligned: &mut Aligned) {
    let Aligned { last, live, want } = aligned;
    let is_set = |body: &Value, field: &str| body.get(field).is_some();
    if is_set(want, "capacityProviderStrategy") && is_set(live, "capacityProviderStrategy") {
        remove(live, "launchType");
    }
    for wanted in std::iter::once(&mut *want).chain(last.as_mut()) {
        if wanted.get("platformVersion").and_then(Value::as_str) == Some("LATEST") {
            remove(wanted, "platformVersion");
            remove(live, "platformVersion");
        }
        let named = wanted.get("taskDefinition").and_then(Value::as_str);
        let runs = live.get("taskDefinition").and_then(Value::as_str);
        if let (Some(named), Some(runs)) = (named, runs)
            && is_named(runs, named)
        {
            wanted["taskDefinition"] = runs.into();
        }
    }
}

/// Between target groups of one rule it is ECS that shifts the traffic: their weights are as it set them last.
///
/// Source: Amazon ECS developer guide, "Amazon ECS blue/green deployments".
fn weights(aligned: &mut Aligned) {
    let Aligned { last, live, want } = aligned;
    let groups = |body: &Value| -> Vec<Value> {
        let actions = body.get("Actions").and_then(Value::as_array).into_iter().flatten();
        let groups = actions.filter_map(|action| action.pointer("/ForwardConfig/TargetGroups")?.as_array());
        groups.flatten().cloned().collect()
    };
    let there = groups(live);
    for body in std::iter::once(want).chain(last.as_mut()) {
        let actions = body.get_mut("Actions").and_then(Value::as_array_mut).into_iter().flatten();
        let lists =
            actions.filter_map(|action| action.pointer_mut("/ForwardConfig/TargetGroups")?.as_array_mut());
        for group in lists.filter(|groups| groups.len() > 1).flatten() {
            let same = there.iter().find(|other| other.get("TargetGroupArn") == group.get("TargetGroupArn"));
            if let Some(weight) = same.and_then(|other| other.get("Weight")) {
                group["Weight"] = weight.clone();
            }
        }
    }
}

fn remove(body: &mut Value, field: &str) {
    if let Some(fields) = body.as_object_mut() {
        fields.shift_remove(field);
    }
}

/// Whether an ARN ends in this name: `family`, `family:7`, a role's name.
fn is_named(arn: &str, name: &str) -> bool {
    let last = arn.rsplit('/').next().unwrap_or(arn);
    arn.starts_with("arn:")
        && (last == name || last.rsplit_once(':').is_some_and(|(family, _)| family == name))
}

/// What is there, brought into the form of what is or was wanted, place by place.
struct Alignment {
    kind: Kind,
    rules: &'static MergeRules,
    path: Path,
}

impl Alignment {
    fn value(&mut self, live: &mut Value, last: Option<&Value>, want: Option<&Value>) {
        match live {
            Value::Object(fields) => {
                for (name, value) in fields.iter_mut() {
                    let of = |body: Option<&'_ Value>| body.and_then(|body| body.get(name)).cloned();
                    let (last, want) = (of(last), of(want));
                    self.path.push(name);
                    self.value(value, last.as_ref(), want.as_ref());
                    self.path.pop();
                }
            }
            Value::Array(items) if self.rules.lists.find(&self.path).is_none() => {
                for (at, item) in items.iter_mut().enumerate() {
                    let of = |body: Option<&'_ Value>| body.and_then(|body| body.get(at)).cloned();
                    trim(item, of(last).as_ref(), of(want).as_ref());
                }
            }
            Value::Array(_) => {}
            scalar => self.scalar(scalar, last, want),
        }
    }

    /// Where what is wanted now is in another form than what was wanted last, that of now counts.
    fn scalar(&self, live: &mut Value, last: Option<&Value>, want: Option<&Value>) {
        for other in [want, last].into_iter().flatten() {
            if is_same(live, other) || (self.kind == Kind::Service && self.is_name_of(live, other)) {
                *live = other.clone();
                return;
            }
        }
    }

    /// A role or a namespace by its name and by its ARN.
    fn is_name_of(&self, live: &Value, other: &Value) -> bool {
        let (Some(live), Some(other)) = (live.as_str(), other.as_str()) else { return false };
        // What a namespace is called is not in its ARN: the id is.
        let is_namespace = self.path.matches("serviceConnectConfiguration.namespace")
            && live.starts_with("arn:") != other.starts_with("arn:");
        let is_role = self.path.matches("role") && (is_named(live, other) || is_named(other, live));
        is_namespace || is_role
    }
}

/// Leaves of an item in a list what the item in its place has.
fn trim(live: &mut Value, last: Option<&Value>, want: Option<&Value>) {
    match live {
        Value::Object(fields) => {
            let is_known =
                |name: &str| [last, want].into_iter().flatten().any(|item| item.get(name).is_some());
            if want.is_some_and(Value::is_object) {
                fields.retain(|name, _| is_known(name));
            }
            for (name, value) in fields.iter_mut() {
                let of = |body: Option<&'_ Value>| body.and_then(|body| body.get(name)).cloned();
                trim(value, of(last).as_ref(), of(want).as_ref());
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter_mut().enumerate() {
                let of = |body: Option<&'_ Value>| body.and_then(|body| body.get(at)).cloned();
                trim(item, of(last).as_ref(), of(want).as_ref());
            }
        }
        scalar => {
            if let Some(other) = [want, last].into_iter().flatten().find(|other| is_same(scalar, other)) {
                *scalar = other.clone();
            }
        }
    }
}

/// Whether two scalars say the same in several forms: `"8080"` and 8080, `"true"` and `true`, 50.0 and 50.
fn is_same(one: &Value, other: &Value) -> bool {
    if one == other {
        return true;
    }
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    let (Some(left), Some(right)) = (text(one), text(other)) else { return false };
    if one.is_string() && other.is_string() {
        return false;
    }
    let numbers = (left.parse::<f64>(), right.parse::<f64>());
    left == right || matches!(numbers, (Ok(left), Ok(right)) if (left - right).abs() < f64::EPSILON)
}

/// The value without nulls, empty lists and empty mappings, at any depth.
fn without_empty(value: &Value) -> Value {
    let is_nothing = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(fields) => {
            let cleaned = fields.iter().map(|(name, value)| (name.clone(), without_empty(value)));
            Value::Object(cleaned.filter(|(_, value)| !is_nothing(value)).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_empty).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests;
