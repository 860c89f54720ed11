//! Values against shapes.

use serde_json::{Map, Value};

use crate::pattern::pattern;

/// Holds values against a model's shapes, and collects what does not fit.
pub(super) struct Checker<'a> {
    shapes: &'a Map<String, Value>,
    /// What does not fit, each with the member's path.
    pub(super) found: Vec<String>,
}

impl<'a> Checker<'a> {
    pub(super) fn new(model: &'a Value) -> Self {
        static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        Self { shapes: model["shapes"].as_object().unwrap_or(&NONE), found: Vec::new() }
    }

    /// A shape of the model.
    pub(super) fn shape(&self, name: &str) -> Option<&'a Value> {
        self.shapes.get(name)
    }

    /// Notes something that does not fit.
    pub(super) fn note(&mut self, path: &str, what: &str) {
        let path = if path.is_empty() { "the request" } else { path };
        self.found.push(format!("{path}: {what}"));
    }

    /// Holds a value against a shape.
    pub(super) fn check(&mut self, name: &str, value: &Value, path: &str) {
        let Some(shape) = self.shape(name) else { return };
        if value.is_null() {
            return self.note(path, "is null");
        }
        match (shape["type"].as_str().unwrap_or_default(), value) {
            ("structure", Value::Object(members)) => self.structure(shape, members, path),
            ("list", Value::Array(items)) => {
                self.size(shape, items.len(), path);
                let member = shape.pointer("/member/shape").and_then(Value::as_str).unwrap_or_default();
                for (number, item) in items.iter().enumerate() {
                    self.check(member, item, &format!("{path}[{number}]"));
                }
            }
            ("map", Value::Object(entries)) => {
                self.size(shape, entries.len(), path);
                let key = shape.pointer("/key/shape").and_then(Value::as_str).unwrap_or_default();
                let member = shape.pointer("/value/shape").and_then(Value::as_str).unwrap_or_default();
                for (name, item) in entries {
                    self.check(key, &Value::String(name.clone()), &format!("the key {path}.{name}"));
                    self.check(member, item, &format!("{path}.{name}"));
                }
            }
            ("string", Value::String(text)) => self.text(shape, text, path),
            // Times are numbers or, in REST JSON, texts.
            ("blob" | "timestamp", Value::String(_))
            | ("boolean", Value::Bool(_))
            | ("timestamp", Value::Number(_)) => {}
            ("integer" | "long", Value::Number(number)) if number.is_i64() || number.is_u64() => {
                self.range(shape, number.as_f64().unwrap_or_default(), path);
            }
            ("float" | "double", Value::Number(number)) => {
                self.range(shape, number.as_f64().unwrap_or_default(), path);
            }
            (kind, other) => self.note(path, &format!("is no {kind}, but {}", kind_of(other))),
        }
    }

    fn structure(&mut self, shape: &'a Value, members: &Map<String, Value>, path: &str) {
        self.required(shape, path, &|name| members.contains_key(name));
        for (name, value) in members {
            let at = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match shape["members"].get(name).and_then(|member| member["shape"].as_str()) {
                Some(member) => self.check(member, value, &at),
                None => self.note(&at, "is no member that the model has"),
            }
        }
    }

    /// Notes required members that are not there.
    pub(super) fn required(&mut self, shape: &Value, path: &str, has: &dyn Fn(&str) -> bool) {
        for name in shape["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !has(name) {
                self.note(path, &format!("lacks {name}, which is required"));
            }
        }
    }

    fn text(&mut self, shape: &Value, text: &str, path: &str) {
        self.size(shape, text.chars().count(), path);
        if let Some(values) = shape["enum"].as_array()
            && !values.iter().any(|value| value == text)
        {
            self.note(path, &format!("{text:?} is none of the values that the model has"));
        }
        // Patterns with what this engine has not (look-around) are not held.
        let held = shape["pattern"].as_str().and_then(pattern);
        if held.is_some_and(|held| !held.is_match(text)) {
            self.note(path, &format!("does not match {}", shape["pattern"]));
        }
    }

    fn size(&mut self, shape: &Value, size: usize, path: &str) {
        let bound = |key: &str| shape[key].as_u64().and_then(|bound| usize::try_from(bound).ok());
        if bound("min").is_some_and(|low| size < low) || bound("max").is_some_and(|high| size > high) {
            self.note(path, &format!("has {size} elements, which is out of range"));
        }
    }

    fn range(&mut self, shape: &Value, number: f64, path: &str) {
        if shape["min"].as_f64().is_some_and(|low| number < low)
            || shape["max"].as_f64().is_some_and(|high| number > high)
        {
            self.note(path, &format!("{number} is out of range"));
        }
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(value: &Value, expected: &[&str]) {
        let model = json!({ "shapes": {
            "Request": {
                "type": "structure", "required": ["name"],
                "members": {
                    "name": { "shape": "Name" }, "count": { "shape": "Count" }, "kinds": { "shape": "Kinds" }
                }
            },
            "Name": { "type": "string", "min": 2, "max": 5, "pattern": "^[a-z]+$" },
            "Count": { "type": "integer", "min": 1, "max": 3 },
            "Kinds": { "type": "list", "member": { "shape": "Kind" }, "max": 2 },
            "Kind": { "type": "string", "enum": ["A", "B"] }
        } });
        let mut checker = Checker::new(&model);
        checker.check("Request", value, "");
        assert_eq!(checker.found.len(), expected.len(), "{value}: {:?}", checker.found);
        for (found, expected) in checker.found.iter().zip(expected) {
            assert!(found.contains(expected), "{value}: {found} instead of {expected}");
        }
    }

    #[test]
    fn what_does_not_fit_is_found() {
        check(&json!({ "name": "abc", "count": 2, "kinds": ["A", "B"] }), &[]);
        check(&json!({}), &["lacks name"]);
        check(&json!({ "name": "a", "other": 1 }), &["out of range", "no member"]);
        check(&json!({ "name": "A1", "count": 4 }), &["does not match", "4 is out of range"]);
        check(&json!({ "name": "abc", "count": "2" }), &["is no integer, but a text"]);
        check(&json!({ "name": "abc", "kinds": ["C"] }), &["kinds[0]: \"C\" is none"]);
        check(&json!({ "name": "abc", "kinds": ["A", "A", "A"] }), &["has 3 elements"]);
        check(&json!({ "name": null }), &["name: is null"]);
    }
}
