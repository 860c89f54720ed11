//! `values.schema.json`: what the values of a chart must look like, and which of them are secret.

mod check;
mod walk;

use std::collections::BTreeSet;
use std::fmt;

use jsonschema::Validator;
use rhumb_spec::{Diagnostic, Place};
use serde_json::Value;

use check::Checker;
pub(crate) use check::Violation;
use walk::Sought;

/// The file that holds a chart's schema.
pub const SCHEMA_FILE: &str = "values.schema.json";

/// Deepest nesting of schemas that is followed for one value.
const MAX_DEPTH: usize = 64;

/// Where a value is: the keys and indexes that lead to it, from the top of the values.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ValuePath(Vec<String>);

impl ValuePath {
    /// The path of a key or index in the value at this path.
    pub fn child(&self, key: &str) -> Self {
        let mut parts = self.0.clone();
        parts.push(key.to_owned());
        Self(parts)
    }

    /// The keys and indexes, from the top.
    pub fn parts(&self) -> &[String] {
        &self.0
    }

    /// Whether `other` is this path or leads on from it.
    pub fn leads_to(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

impl FromIterator<String> for ValuePath {
    fn from_iter<I: IntoIterator<Item = String>>(parts: I) -> Self {
        Self(parts.into_iter().collect())
    }
}

impl fmt::Display for ValuePath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            match part.parse::<usize>() {
                Ok(number) if index > 0 => write!(formatter, "[{number}]")?,
                _ if index > 0 => write!(formatter, ".{part}")?,
                _ => formatter.write_str(part)?,
            }
        }
        Ok(())
    }
}

/// The schema of a chart's values.
#[derive(Clone)]
pub struct Schema {
    json: Value,
    validator: std::sync::Arc<Validator>,
}

impl fmt::Debug for Schema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Schema").finish_non_exhaustive()
    }
}

impl Schema {
    /// Reads a schema. `file` is how diagnostics name it.
    ///
    /// # Errors
    /// What is no JSON, no JSON Schema, or refers to a schema outside the file.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<Diagnostic>> {
        let json: Value = serde_json::from_str(text).map_err(|error| {
            let place = Place {
                file: file.to_owned(),
                line: u32::try_from(error.line()).unwrap_or(1).max(1),
                column: u32::try_from(error.column()).ok(),
            };
            vec![
                Diagnostic::error("", format!("the schema is no JSON: {}", without_place(&error)))
                    .at_place(place),
            ]
        })?;
        let foreign: Vec<Diagnostic> = foreign_references(&json, &json)
            .into_iter()
            .map(|reference| refuse_reference(file, &reference))
            .collect();
        if !foreign.is_empty() {
            return Err(foreign);
        }
        let validator = jsonschema::options().offline().build(&json).map_err(|error| {
            vec![
                Diagnostic::error(
                    error.instance_path().to_string(),
                    format!("the schema is no JSON Schema: {error}"),
                )
                .at(file, 1),
            ]
        })?;
        Ok(Self { json, validator: std::sync::Arc::new(validator) })
    }

    /// The schema as it was written.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// The paths, below `at`, of the values that the schema marks as `writeOnly`: they are secret.
    ///
    /// A mark in any branch counts, whether or not the branch applies.
    pub(crate) fn secrets(&self, values: &Value, at: &ValuePath) -> BTreeSet<ValuePath> {
        walk::find(&self.json, (values, at), Sought::Secret)
    }

    /// The paths, below `at`, of the values that the schema takes as text and as nothing else.
    pub(crate) fn texts(&self, values: &Value, at: &ValuePath) -> BTreeSet<ValuePath> {
        walk::find(&self.json, (values, at), Sought::Text)
    }

    /// Checks values. The paths of diagnostics begin with `at`; what is on, above or below a secret path is not shown.
    pub(crate) fn check(
        &self,
        values: &Value,
        at: &ValuePath,
        secrets: &BTreeSet<ValuePath>,
    ) -> Vec<Violation> {
        let checker = Checker { root: &self.json, at, secrets };
        let mut found: Vec<Violation> =
            self.validator.iter_errors(values).flat_map(|error| checker.violations(&error)).collect();
        found.sort_by(|one, other| (&one.path, &one.what).cmp(&(&other.path, &other.what)));
        found
    }
}

fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

fn refuse_reference(file: &str, reference: &str) -> Diagnostic {
    Diagnostic::error("", format!("the schema refers to `{reference}`, which is not in it"))
        .why("a chart is checked without any other file or network")
        .remedy("a reference into this file, as in `#/$defs/port`")
        .at(file, 1)
}

/// References that are no pointer into the schema itself.
fn foreign_references(schema: &Value, root: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("$ref" | "$dynamicRef", Value::String(reference)) => {
                        if resolve(root, reference).is_none() {
                            found.insert(reference.clone());
                        }
                    }
                    // Data, not schemas.
                    ("const" | "enum" | "default" | "examples", _) => {}
                    (_, value) => found.extend(foreign_references(value, root)),
                }
            }
        }
        Value::Array(items) => found.extend(items.iter().flat_map(|item| foreign_references(item, root))),
        _ => {}
    }
    found
}

fn resolve<'s>(root: &'s Value, reference: &str) -> Option<&'s Value> {
    root.pointer(reference.strip_prefix('#')?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema(json: &Value) -> Schema {
        Schema::parse(SCHEMA_FILE, &json.to_string()).unwrap()
    }

    fn secret_paths(json: &Value, values: &Value) -> Vec<String> {
        schema(json).secrets(values, &ValuePath::default()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn marks_are_found_wherever_a_schema_applies() {
        let json = json!({
            "$defs": {"secret": {"type": "string", "writeOnly": true}, "loop": {"$ref": "#/$defs/loop"}},
            "properties": {
                "plain": {"type": "string"},
                "password": {"writeOnly": true},
                "users": {"type": "array", "items": {"properties": {"key": {"$ref": "#/$defs/secret"}}}},
                "tokens": {"additionalProperties": {"writeOnly": true}},
                "either": {"oneOf": [{"type": "object", "properties": {"x": {"writeOnly": true}}}, {"type": "null"}]},
                "loop": {"$ref": "#/$defs/loop"}
            }
        });
        let values = json!({
            "plain": "a", "password": "b", "users": [{"key": "c", "name": "d"}], "tokens": {"e": "f"},
            "either": {"x": "g"}, "loop": 1, "other": "h"
        });
        assert_eq!(secret_paths(&json, &values), ["either.x", "password", "tokens.e", "users[0].key"]);
    }

    fn check(json: &Value, values: &Value) -> Vec<String> {
        let schema = schema(json);
        let at = ValuePath::default();
        let secrets = schema.secrets(values, &at);
        schema.check(values, &at, &secrets).iter().map(|violation| violation.what.clone()).collect()
    }

    #[test]
    fn violations_name_path_and_rule() {
        let json = json!({
            "type": "object",
            "required": ["host"],
            "additionalProperties": false,
            "properties": {
                "host": {"type": "string"},
                "port": {"type": "integer", "minimum": 1},
                "list": {"items": {"enum": ["a", "b"]}}
            }
        });
        assert_eq!(
            check(&json, &json!({"port": 0, "list": ["a", "c"], "prot": 1})),
            [
                "the map of values has no setting called `prot`",
                "the map of values must have a value for `host`",
                "`list[1]` is none of the values it may have, and is \"c\"",
                "`port` must be at least 1, and is 0",
            ]
        );
    }

    #[test]
    fn secret_values_are_not_shown() {
        let json = json!({"properties": {
            "password": {"type": "string", "writeOnly": true, "minLength": 20},
            "auth": {"type": "string", "properties": {"key": {"writeOnly": true}}}
        }});
        let found = check(&json, &json!({"password": "canary", "auth": {"key": "canary"}}));
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|what| !what.contains("canary")), "{found:?}");
    }

    #[test]
    fn a_schema_is_whole_in_itself() {
        let error = Schema::parse("s", r#"{"$ref": "http://example.com/x"}"#).unwrap_err();
        assert!(error[0].what.contains("example.com"), "{error:?}");
        let error = Schema::parse("s", r#"{"type": "strin"}"#).unwrap_err();
        assert!(error[0].what.contains("no JSON Schema"), "{error:?}");
        let error = Schema::parse("s", "{\n  nope").unwrap_err();
        assert_eq!(error[0].place.as_ref().map(|place| place.line), Some(2));
    }
}
