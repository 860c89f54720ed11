//! Templates of `CloudFormation`: the resources in them that an app can have.

use std::collections::BTreeMap;

use rhumb_backend::reference;
use rhumb_spec::Diagnostic;
use serde_json::{Map, Value};

use super::find::{Finder, below};
use crate::kind::Kind;

/// The resources that an app can have, and the kinds of their documents.
///
/// Source: AWS CloudFormation, template reference.
const TYPES: [(&str, Kind); 12] = [
    ("AWS::ECS::TaskDefinition", Kind::TaskDefinition),
    ("AWS::ECS::Service", Kind::Service),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", Kind::TargetGroup),
    ("AWS::ElasticLoadBalancingV2::Listener", Kind::Listener),
    ("AWS::ElasticLoadBalancingV2::ListenerRule", Kind::ListenerRule),
    ("AWS::ServiceDiscovery::Service", Kind::Discovery),
    ("AWS::SSM::Parameter", Kind::Parameter),
    ("AWS::SecretsManager::Secret", Kind::Secret),
    ("AWS::ApplicationAutoScaling::ScalableTarget", Kind::ScalableTarget),
    ("AWS::ApplicationAutoScaling::ScalingPolicy", Kind::ScalingPolicy),
    ("AWS::Scheduler::Schedule", Kind::Schedule),
    ("AWS::Logs::LogGroup", Kind::LogGroup),
];

/// What runs tasks by the clock in older templates.
const RULE: &str = "AWS::Events::Rule";

/// Whether a mapping is a template: its resources have types of AWS.
pub(super) fn is_template(map: &Map<String, Value>, resources: &Value) -> bool {
    let type_of = |resource: &Value| {
        resource.get("Type").and_then(Value::as_str).is_some_and(|kind| kind.contains("::"))
    };
    map.contains_key("AWSTemplateFormatVersion")
        || resources.as_object().is_some_and(|resources| resources.values().any(type_of))
}

/// Reads the resources of a template. What its functions give is worked out from the defaults of its parameters; where
/// that cannot be, `${…}` stands for it.
pub(super) fn read(map: &Map<String, Value>, finder: &mut Finder, at: &[String]) {
    let Some(resources) = map.get("Resources").and_then(Value::as_object) else { return };
    let template = Template { map, resources };
    let mut others: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, resource) in resources {
        let type_of = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
        if type_of == RULE && template.schedules((name, resource), finder, at) {
            continue;
        }
        let Some(kind) = kind_of(type_of) else {
            others.entry(type_of).or_default().push(name);
            continue;
        };
        let properties = resource.get("Properties").cloned().unwrap_or_else(|| Value::Object(Map::new()));
        let Some(body) = template.resolve(&properties) else { continue };
        finder.add(kind, body, &below(&below(at, "Resources"), name), Some((*name).clone()));
    }
    if others.is_empty() {
        return;
    }
    let others: Vec<String> =
        others.into_iter().map(|(type_of, names)| format!("{} ({type_of})", names.join(", "))).collect();
    let what = format!("these resources of the template are left out: {}", others.join("; "));
    finder.note(&below(at, "Resources"), |path| {
        Diagnostic::warning(path, what)
            .why("they are the account's, and no part of an app")
            .remedy("leave them where they are, and name those that tasks need in the target's settings")
    });
}

fn kind_of(type_of: &str) -> Option<Kind> {
    TYPES.iter().find(|(name, _)| *name == type_of).map(|(_, kind)| *kind)
}

struct Template<'t> {
    map: &'t Map<String, Value>,
    resources: &'t Map<String, Value>,
}

impl Template<'_> {
    /// A value with its functions worked out; none where it is left out (`AWS::NoValue`).
    fn resolve(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Object(map) if map.len() == 1 => match map.iter().next() {
                Some((key, of)) if key == "Ref" || key.starts_with("Fn::") => self.function(key, of),
                _ => Some(self.mapping(map)),
            },
            Value::Object(map) => Some(self.mapping(map)),
            Value::Array(items) => {
                Some(Value::Array(items.iter().filter_map(|item| self.resolve(item)).collect()))
            }
            other => Some(other.clone()),
        }
    }

    /// Adds a schedule for each task that a rule of `EventBridge` runs by the clock. Says whether there is one.
    ///
    /// Source: AWS CloudFormation, template reference, `AWS::Events::Rule`; Amazon EventBridge Scheduler user guide.
    fn schedules(&self, (name, resource): (&str, &Value), finder: &mut Finder, at: &[String]) -> bool {
        let rule = resource.get("Properties").and_then(|rule| self.resolve(rule)).unwrap_or_default();
        let Some(expression) = rule.get("ScheduleExpression") else { return false };
        let targets = rule.get("Targets").and_then(Value::as_array).into_iter().flatten();
        let mut is_found = false;
        for target in targets.filter(|target| target.get("EcsParameters").is_some()) {
            let mut target = target.clone();
            if let Some(target) = target.as_object_mut() {
                target.shift_remove("Id");
            }
            let mut body = Map::from_iter([("ScheduleExpression".to_owned(), expression.clone())]);
            body.insert("Target".to_owned(), target);
            for key in ["Name", "Description", "State"] {
                body.extend(rule.get(key).map(|value| (key.to_owned(), value.clone())));
            }
            let at = below(&below(at, "Resources"), name);
            finder.add(Kind::Schedule, Value::Object(body), &at, Some(name.to_owned()));
            is_found = true;
        }
        is_found
    }

    fn mapping(&self, map: &Map<String, Value>) -> Value {
        let pairs = map.iter().filter_map(|(key, value)| Some((key.clone(), self.resolve(value)?)));
        Value::Object(pairs.collect())
    }

    fn function(&self, key: &str, of: &Value) -> Option<Value> {
        match (key, of) {
            ("Ref", Value::String(name)) if name == "AWS::NoValue" => None,
            ("Ref", Value::String(name)) => Some(self.named(name, None)),
            ("Fn::GetAtt", Value::String(text)) => {
                let (name, attribute) = text.split_once('.').unwrap_or((text, ""));
                Some(self.named(name, Some(attribute)))
            }
            ("Fn::GetAtt", Value::Array(parts)) => {
                let text = |at: usize| parts.get(at).and_then(Value::as_str).unwrap_or_default();
                Some(self.named(text(0), Some(text(1))))
            }
            ("Fn::Join", Value::Array(parts)) => Some(self.join(parts)),
            ("Fn::Sub", of) => Some(self.substitute(of)),
            ("Fn::If", Value::Array(parts)) => {
                let name = parts.first().and_then(Value::as_str).unwrap_or_default();
                let branch = if self.holds(&Value::from(name)) { parts.get(1) } else { parts.get(2) };
                self.resolve(branch?)
            }
            (other, _) => Some(Value::from(format!("${{{}}}", other.trim_start_matches("Fn::")))),
        }
    }

    /// What a name stands for: a parameter's default, a document that is read too, or `${NAME}`.
    fn named(&self, name: &str, attribute: Option<&str>) -> Value {
        let default = self.map.get("Parameters").and_then(|all| all.get(name)?.get("Default"));
        if let (Some(default), None) = (default, attribute) {
            return default.clone();
        }
        let type_of = self.resources.get(name).and_then(|resource| resource.get("Type")?.as_str());
        let said = || self.resources.get(name)?.pointer("/Properties/LogGroupName")?.as_str();
        if let (Some(said), None) = (said(), attribute) {
            return Value::from(said);
        }
        if let Some(kind) = type_of.and_then(kind_of) {
            return reference::reference(&kind.id(name), "arn");
        }
        let attribute = attribute.filter(|attribute| !attribute.is_empty());
        Value::from(
            attribute.map_or_else(|| format!("${{{name}}}"), |attribute| format!("${{{name}.{attribute}}}")),
        )
    }

    fn join(&self, parts: &[Value]) -> Value {
        let separator = parts.first().and_then(Value::as_str).unwrap_or_default();
        let items: Vec<String> = match parts.get(1).and_then(|items| self.resolve(items)) {
            Some(Value::Array(items)) => items.iter().map(text).collect(),
            other => other.iter().map(text).collect(),
        };
        Value::from(items.join(separator))
    }

    fn substitute(&self, of: &Value) -> Value {
        let (source, own) = match of {
            Value::Array(parts) => (parts.first().map(text).unwrap_or_default(), parts.get(1)),
            other => (text(other), None),
        };
        let mut found = String::new();
        let mut rest = source.as_str();
        while let Some((before, tail)) = rest.split_once("${") {
            found.push_str(before);
            let Some((name, after)) = tail.split_once('}') else {
                found.push_str("${");
                rest = tail;
                continue;
            };
            let given = own.and_then(|own| own.get(name)).and_then(|value| self.resolve(value));
            let (name, attribute) = name.split_once('.').map_or((name, None), |(name, of)| (name, Some(of)));
            found.push_str(&text(&given.unwrap_or_else(|| self.named(name, attribute))));
            rest = after;
        }
        found.push_str(rest);
        Value::from(found)
    }

    /// Whether a condition holds with the defaults of the parameters. One that cannot be worked out does.
    fn holds(&self, condition: &Value) -> bool {
        if let Some(name) = condition.as_str() {
            return self.map.get("Conditions").and_then(|all| all.get(name)).is_none_or(|of| self.holds(of));
        }
        let Some((function, of)) = condition.as_object().and_then(|map| map.iter().next()) else {
            return true;
        };
        let parts = of.as_array().cloned().unwrap_or_default();
        match function.as_str() {
            "Fn::Equals" => match parts.as_slice() {
                [one, other] => {
                    self.resolve(one).as_ref().map(text) == self.resolve(other).as_ref().map(text)
                }
                _ => true,
            },
            "Fn::Not" => !parts.first().is_some_and(|of| self.holds(of)),
            "Fn::And" => parts.iter().all(|of| self.holds(of)),
            "Fn::Or" => parts.iter().any(|of| self.holds(of)),
            "Condition" => self.holds(of),
            _ => true,
        }
    }
}

/// A value as text within other text.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => match reference::parse(other) {
            Some((id, _)) => format!("${{{}}}", id.name()),
            None => other.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(value: &Value, expected: &Value) {
        let map = json!({
            "Parameters": { "Tag": { "Default": "1.27" }, "Env": {} },
            "Conditions": { "IsTest": { "Fn::Equals": [{ "Ref": "Tag" }, "1.27"] } },
            "Resources": { "Web": { "Type": "AWS::ECS::TaskDefinition" }, "Vpc": { "Type": "AWS::EC2::VPC" } },
        });
        let map = map.as_object().unwrap();
        let template = Template { map, resources: map["Resources"].as_object().unwrap() };
        assert_eq!(&template.resolve(value).unwrap_or_default(), expected);
    }

    #[test]
    fn functions_are_worked_out_from_defaults() {
        check(&json!({ "Ref": "Web" }), &json!({ "$ref": "task-definition/Web#arn" }));
        check(&json!({ "Fn::Sub": "nginx:${Tag}-${Env}-${Vpc.Id}" }), &json!("nginx:1.27-${Env}-${Vpc.Id}"));
        check(&json!({ "Fn::Join": [".", ["a", { "Ref": "AWS::Region" }]] }), &json!("a.${AWS::Region}"));
        check(
            &json!({ "a": { "Ref": "AWS::NoValue" }, "b": { "Fn::If": ["IsTest", 1, 2] } }),
            &json!({ "b": 1 }),
        );
        check(&json!({ "Fn::ImportValue": "x" }), &json!("${ImportValue}"));
        check(&json!({ "Fn::GetAtt": ["Vpc", "Cidr"] }), &json!("${Vpc.Cidr}"));
    }
}
