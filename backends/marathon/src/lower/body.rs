//! JSON objects of which only what is set appears.

use serde_json::{Map, Value};

/// A JSON object that is built field by field, in the order of the API's own documents.
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

    /// Sets a list or an object unless it is empty.
    pub(super) fn set_filled(&mut self, key: &str, value: impl Into<Value>) -> &mut Self {
        let value = value.into();
        let is_empty = match &value {
            Value::Array(items) => items.is_empty(),
            Value::Object(map) => map.is_empty(),
            Value::Null => true,
            _ => false,
        };
        if !is_empty {
            self.set(key, value);
        }
        self
    }

    /// Sets what another function found.
    pub(super) fn extend(&mut self, fields: Map<String, Value>) -> &mut Self {
        self.0.extend(fields);
        self
    }

    pub(super) fn into_map(self) -> Map<String, Value> {
        self.0
    }

    pub(super) fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}

/// A JSON object of text by name.
pub(super) fn text_map<'a>(pairs: impl IntoIterator<Item = (&'a String, &'a String)>) -> Map<String, Value> {
    pairs.into_iter().map(|(key, value)| (key.clone(), value.clone().into())).collect()
}

/// A number as the API gives it back: whole numbers have no fraction.
pub(super) fn number(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
    if value.fract() == 0.0 && value.abs() < 9e15 { (value as i64).into() } else { value.into() }
}
