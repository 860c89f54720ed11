//! The tags on what a release makes, in the shape of each service of AWS.

use std::collections::BTreeMap;

use rhumb_backend::{ObjectId, Scope};
use rhumb_spec::Diagnostic;
use serde_json::{Map, Value, json};

use super::Report;
use crate::kind::Kind;
use crate::names;

/// The most tags that AWS takes on one thing.
const LIMIT: usize = 50;

/// Tags, the user's before the release's own.
#[derive(Clone, Debug, Default)]
pub(super) struct Tags(Vec<(String, String)>);

impl Tags {
    /// The marks of an object of a release.
    pub(super) fn of(scope: &Scope, id: &ObjectId) -> Self {
        Self::default()
            .with(names::NAMESPACE, &scope.namespace)
            .with(names::RELEASE, &scope.release)
            .with(names::OBJECT, id.as_str())
    }

    #[must_use]
    pub(super) fn with(mut self, key: &str, value: &str) -> Self {
        self.0.push((key.to_owned(), value.to_owned()));
        self
    }

    /// With labels of the user's own before the marks.
    #[must_use]
    pub(super) fn below(mut self, labels: &BTreeMap<String, String>) -> Self {
        let labels = labels.iter().map(|(key, value)| (key.clone(), value.clone()));
        self.0.splice(0..0, labels);
        self
    }

    /// `[{"key": …, "value": …}]`, as ECS has them.
    pub(super) fn lower_case(&self) -> Value {
        self.0.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect()
    }

    /// `[{"Key": …, "Value": …}]`, as most services have them.
    pub(super) fn upper_case(&self) -> Value {
        self.0.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
    }

    /// `{"<key>": "<value>"}`, as CloudWatch Logs has them.
    fn map(&self) -> Value {
        let map: Map<String, Value> =
            self.0.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
        map.into()
    }

    /// Puts the tags into a request, where its service has a place for them, behind those that are there.
    pub(super) fn put(&self, kind: Kind, body: &mut Value) {
        match kind {
            Kind::TaskDefinition | Kind::Service | Kind::Task => append(body, "tags", self.lower_case()),
            Kind::LogGroup => {
                let mut tags = body.get("tags").and_then(Value::as_object).cloned().unwrap_or_default();
                if let Value::Object(own) = self.map() {
                    tags.extend(own);
                }
                body["tags"] = tags.into();
            }
            Kind::AccessPoint
            | Kind::Parameter
            | Kind::Secret
            | Kind::Discovery
            | Kind::TargetGroup
            | Kind::Listener
            | Kind::ListenerRule => append(body, "Tags", self.upper_case()),
            Kind::SecurityGroup => {
                let of = json!({ "ResourceType": "security-group", "Tags": self.upper_case() });
                append(body, "TagSpecifications", json!([of]));
            }
            // What these bear, AWS does not give back with all releases of their services.
            Kind::ScalableTarget | Kind::ScalingPolicy | Kind::Schedule => {}
        }
    }
}

fn append(body: &mut Value, field: &str, items: Value) {
    let mut there = body.get(field).and_then(Value::as_array).cloned().unwrap_or_default();
    if let Value::Array(items) = items {
        there.extend(items);
    }
    body[field] = there.into();
}

/// Refuses labels that cannot be tags.
///
/// Source: AWS Tagging best practices, "Tag naming limits and requirements"; botocore's pattern of `Tag`.
pub(super) fn check(labels: &BTreeMap<String, String>, path: &str, report: &mut Report) {
    let is_legal = |text: &str| {
        text.chars().all(|character| {
            character.is_alphanumeric() || character == ' ' || "_.:/=+-@".contains(character)
        })
    };
    for (key, value) in labels {
        let path = format!("{path}.{key}");
        let is_reserved = key.to_lowercase().starts_with("aws:");
        if key.chars().count() > 128 || !is_legal(key) || is_reserved {
            report.refuse(
                Diagnostic::error(&path, format!("`{key}` cannot be the key of a tag"))
                    .why("on AWS it has at most 128 letters, digits, spaces and `_.:/=+-@`, and does not begin with `aws:`")
                    .remedy("such as `example.com/team`"),
            );
        }
        if value.chars().count() > 256 || !is_legal(value) {
            report.refuse(
                Diagnostic::error(&path, "the value cannot be that of a tag")
                    .why("on AWS it has at most 256 letters, digits, spaces and `_.:/=+-@`")
                    .remedy("an annotation, which takes any text"),
            );
        }
    }
    if labels.len() + 7 > LIMIT {
        report.refuse(
            Diagnostic::error(path, format!("{} labels are too many", labels.len()))
                .why(format!("AWS takes {LIMIT} tags on one thing, of which the release has up to 7"))
                .remedy("annotations, which become labels of the containers"),
        );
    }
}
