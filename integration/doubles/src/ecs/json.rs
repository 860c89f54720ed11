//! Reading JSON that a model has been held against already, where what is missing is as good as empty.

use serde_json::{Map, Value};

/// A text.
pub(super) fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key)?.as_str()
}

/// A text, empty where there is none.
pub(super) fn text_or_empty<'a>(value: &'a Value, key: &str) -> &'a str {
    text(value, key).unwrap_or_default()
}

/// A whole number.
pub(super) fn number(value: &Value, key: &str) -> Option<u64> {
    value.get(key)?.as_u64()
}

/// Whether a member is there and true.
pub(super) fn flag(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool).unwrap_or_default()
}

/// The elements of a list, none where there is no list.
pub(super) fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The texts of a list.
pub(super) fn texts<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a str> {
    list(value, key).iter().filter_map(Value::as_str)
}

/// The members of these names that are there and not null.
pub(super) fn pick(value: &Value, keys: &[&str]) -> Map<String, Value> {
    let found = |key: &&str| Some(((*key).to_owned(), value.get(key)?.clone()));
    keys.iter().filter_map(found).filter(|(_, value)| !value.is_null()).collect()
}

/// Sets a member that is not there.
pub(super) fn default(value: &mut Value, key: &str, default: impl Into<Value>) {
    if let Some(map) = value.as_object_mut() {
        map.entry(key).or_insert_with(|| default.into());
    }
}
