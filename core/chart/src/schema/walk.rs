//! Finds the values that a schema says something about.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{MAX_DEPTH, ValuePath, resolve};

/// Keywords whose value is a schema for the same instance.
const IN_PLACE: [&str; 4] = ["if", "then", "else", "not"];
/// Keywords whose value is a list of schemas for the same instance.
const IN_PLACE_LISTS: [&str; 2] = ["anyOf", "oneOf"];

/// The paths of the values, below the one given, that the schema says the sought thing about.
pub(super) fn find(
    schema: &Value,
    (values, at): (&Value, &ValuePath),
    sought: Sought,
) -> BTreeSet<ValuePath> {
    let mut found = BTreeSet::new();
    Walk { root: schema, sought, found: &mut found }.walk(schema, values, at, 0);
    found
}

/// What is looked for in a schema.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sought {
    /// `"writeOnly": true`, in any branch.
    Secret,
    /// `"type": "string"`, where it applies for certain.
    Text,
}

impl Sought {
    fn is_at(self, schema: &Map<String, Value>) -> bool {
        match self {
            Self::Secret => schema.get("writeOnly") == Some(&Value::Bool(true)),
            Self::Text => schema.get("type").and_then(Value::as_str) == Some("string"),
        }
    }
}

struct Walk<'s> {
    root: &'s Value,
    sought: Sought,
    found: &'s mut BTreeSet<ValuePath>,
}

impl Walk<'_> {
    fn walk(&mut self, schema: &Value, instance: &Value, at: &ValuePath, depth: usize) {
        let Value::Object(schema) = schema else { return };
        if depth > MAX_DEPTH {
            return;
        }
        if self.sought.is_at(schema) {
            self.found.insert(at.clone());
            return;
        }
        self.in_place(schema, instance, at, depth + 1);
        match instance {
            Value::Object(instance) => self.members(schema, instance, at, depth + 1),
            Value::Array(items) => self.items(schema, items, at, depth + 1),
            _ => {}
        }
    }

    fn in_place(&mut self, schema: &Map<String, Value>, instance: &Value, at: &ValuePath, depth: usize) {
        for schema in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            self.walk(schema, instance, at, depth);
        }
        if self.sought == Sought::Secret {
            let single = IN_PLACE.iter().filter_map(|keyword| schema.get(*keyword));
            let lists =
                IN_PLACE_LISTS.iter().filter_map(|keyword| schema.get(*keyword)?.as_array()).flatten();
            let dependent = schema.get("dependentSchemas").and_then(Value::as_object);
            for schema in single.chain(lists).chain(dependent.into_iter().flat_map(Map::values)) {
                self.walk(schema, instance, at, depth);
            }
        }
        for keyword in ["$ref", "$dynamicRef"] {
            let target = schema.get(keyword).and_then(Value::as_str);
            if let Some(target) = target.and_then(|reference| resolve(self.root, reference)) {
                self.walk(target, instance, at, depth);
            }
        }
    }

    fn members(
        &mut self,
        schema: &Map<String, Value>,
        instance: &Map<String, Value>,
        at: &ValuePath,
        depth: usize,
    ) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let patterns = schema.get("patternProperties").and_then(Value::as_object);
        for (key, value) in instance {
            let child = at.child(key);
            if let Some(schema) = properties.and_then(|properties| properties.get(key)) {
                self.walk(schema, value, &child, depth);
            }
            // A pattern that might apply is taken to apply: to hide too much is the lesser harm.
            for schema in patterns.into_iter().flat_map(Map::values).filter(|_| self.sought == Sought::Secret)
            {
                Walk { found: self.found, ..*self }.walk(schema, value, &child, depth);
            }
            let declared = properties.is_some_and(|properties| properties.contains_key(key));
            for keyword in ["additionalProperties", "unevaluatedProperties"] {
                if let (Some(schema), false) = (schema.get(keyword), declared) {
                    self.walk(schema, value, &child, depth);
                }
            }
        }
    }

    fn items(&mut self, schema: &Map<String, Value>, items: &[Value], at: &ValuePath, depth: usize) {
        let positional = schema.get("prefixItems").or_else(|| schema.get("items")).and_then(Value::as_array);
        for (index, item) in items.iter().enumerate() {
            let child = at.child(&index.to_string());
            if let Some(schema) = positional.and_then(|schemas| schemas.get(index)) {
                self.walk(schema, item, &child, depth);
            }
            let contains = (self.sought == Sought::Secret).then_some("contains");
            for keyword in ["items", "additionalItems", "unevaluatedItems"].into_iter().chain(contains) {
                if let Some(schema) = schema.get(keyword) {
                    self.walk(schema, item, &child, depth);
                }
            }
        }
    }
}
