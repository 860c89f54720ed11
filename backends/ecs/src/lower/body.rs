//! JSON objects that hold only what is set.

use serde_json::{Map, Value};

/// A request, built field by field in the order of the API reference. What is not set does not appear: AWS owns its
/// defaults, and an empty field would be ours.
#[derive(Default)]
pub(super) struct Body(Map<String, Value>);

impl Body {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn set(&mut self, key: &str, value: impl Into<Value>) -> &mut Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    pub(super) fn set_some(&mut self, key: &str, value: Option<impl Into<Value>>) -> &mut Self {
        if let Some(value) = value {
            self.set(key, value);
        }
        self
    }

    /// Sets a list, an object or a text unless it is empty.
    pub(super) fn set_filled(&mut self, key: &str, value: impl Into<Value>) -> &mut Self {
        let value = value.into();
        let is_empty = match &value {
            Value::Null => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(map) => map.is_empty(),
            Value::String(text) => text.is_empty(),
            Value::Bool(_) | Value::Number(_) => false,
        };
        if !is_empty {
            self.set(key, value);
        }
        self
    }

    /// Sets a flag that is false where it does not appear.
    pub(super) fn set_true(&mut self, key: &str, value: bool) -> &mut Self {
        if value {
            self.set(key, true);
        }
        self
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub(super) fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}

impl From<Body> for Value {
    fn from(body: Body) -> Self {
        body.into_value()
    }
}
