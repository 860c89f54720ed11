//! Tags, in the shapes of each service.

use std::collections::BTreeMap;

use rhumb_backend::Scope;
use serde_json::{Map, Value, json};

use crate::kind::Kind;
use crate::names;

/// The tags of a thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tags(pub(crate) BTreeMap<String, String>);

/// How a service writes tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// `[{"key": …, "value": …}]`.
    Lower,
    /// `[{"Key": …, "Value": …}]`.
    Upper,
    /// `{key: value}`.
    Mapping,
}

impl Tags {
    /// The tags that a service tells, in whatever shape.
    pub(crate) fn read(tags: Option<&Value>) -> Self {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(ToOwned::to_owned);
        let pair = |tag: &Value| {
            let key = text(tag.get("key").or_else(|| tag.get("Key")))?;
            Some((key, text(tag.get("value").or_else(|| tag.get("Value"))).unwrap_or_default()))
        };
        match tags {
            Some(Value::Array(items)) => Self(items.iter().filter_map(pair).collect()),
            Some(Value::Object(map)) => {
                let pairs = map.iter().filter_map(|(key, value)| Some((key.clone(), text(Some(value))?)));
                Self(pairs.collect())
            }
            _ => Self::default(),
        }
    }

    /// The tags in the request that makes a thing of this kind.
    pub(crate) fn of_body(kind: Kind, body: &Value) -> Self {
        match kind {
            Kind::SecurityGroup => Self::read(body.pointer("/TagSpecifications/0/Tags")),
            _ => Self::read(body.get(field(kind))),
        }
    }

    /// The tags of a document, whatever the service: under `tags` or `Tags`, in whatever shape.
    pub(crate) fn of(document: &Value) -> Self {
        Self::read(document.get("tags").or_else(|| document.get("Tags")))
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// Whether they mark what is this release's.
    pub(crate) fn are_of(&self, scope: &Scope) -> bool {
        self.get(names::RELEASE) == Some(scope.release.as_str())
            && self.get(names::NAMESPACE) == Some(scope.namespace.as_str())
    }

    /// The tags as a service writes them.
    pub(crate) fn to_value(&self, shape: Shape) -> Value {
        let pairs = self.0.iter();
        match shape {
            Shape::Lower => pairs.map(|(key, value)| json!({ "key": key, "value": value })).collect(),
            Shape::Upper => pairs.map(|(key, value)| json!({ "Key": key, "Value": value })).collect(),
            Shape::Mapping => Value::Object(
                pairs.map(|(key, value)| (key.clone(), value.clone().into())).collect::<Map<_, _>>(),
            ),
        }
    }
}

/// The field of a request that holds tags.
pub(crate) const fn field(kind: Kind) -> &'static str {
    match kind {
        Kind::LogGroup | Kind::TaskDefinition | Kind::Service | Kind::Task => "tags",
        _ => "Tags",
    }
}

/// How requests for a kind write tags.
pub(crate) const fn shape(kind: Kind) -> Shape {
    match kind {
        Kind::TaskDefinition | Kind::Service | Kind::Task => Shape::Lower,
        Kind::LogGroup | Kind::ScalableTarget => Shape::Mapping,
        _ => Shape::Upper,
    }
}
