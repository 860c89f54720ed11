//! `values.schema.json`: what the values of a chart must look like, and which of them are secret.

use std::collections::BTreeSet;
use std::fmt;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::paths::LocationSegment;
use jsonschema::{ValidationError, Validator};
use rhumb_spec::{Diagnostic, Place, suggest};
use serde_json::{Map, Value};

/// The file that holds a chart's schema.
pub const SCHEMA_FILE: &str = "values.schema.json";

/// Deepest nesting of schemas that is followed for one value.
const MAX_DEPTH: usize = 64;

/// Keywords whose value is a schema for the same instance.
const IN_PLACE: [&str; 4] = ["if", "then", "else", "not"];
/// Keywords whose value is a list of schemas for the same instance.
const IN_PLACE_LISTS: [&str; 2] = ["anyOf", "oneOf"];

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
        self.find(values, at, Sought::Secret)
    }

    /// The paths, below `at`, of the values that the schema takes as text and as nothing else.
    pub(crate) fn texts(&self, values: &Value, at: &ValuePath) -> BTreeSet<ValuePath> {
        self.find(values, at, Sought::Text)
    }

    fn find(&self, values: &Value, at: &ValuePath, sought: Sought) -> BTreeSet<ValuePath> {
        let mut found = BTreeSet::new();
        Walk { root: &self.json, sought, found: &mut found }.walk(&self.json, values, at, 0);
        found
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

/// One rule that a value breaks.
pub(crate) struct Violation {
    pub(crate) path: ValuePath,
    pub(crate) what: String,
    pub(crate) why: String,
    pub(crate) remedy: Option<String>,
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

/// What is looked for in a schema.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sought {
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

struct Checker<'s> {
    root: &'s Value,
    at: &'s ValuePath,
    secrets: &'s BTreeSet<ValuePath>,
}

impl Checker<'_> {
    fn violations(&self, error: &ValidationError<'_>) -> Vec<Violation> {
        // Where only one form is possible, what is wrong with it says more than that it does not fit.
        if let ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } =
            error.kind()
        {
            if let [only] = context.as_slice() {
                return only.iter().flat_map(|error| self.violations(error)).collect();
            }
        }
        let steps = error.instance_path().segments().map(|segment| match segment {
            LocationSegment::Property(key) => key.into_owned(),
            LocationSegment::Index(index) => index.to_string(),
        });
        let path: ValuePath = self.at.0.iter().cloned().chain(steps).collect();
        let found = if self.hides(&path, error) { String::new() } else { shown(error.instance()) };
        let (what, remedy) = explain(error.kind(), &found);
        let remedy = self.meant(error).or(remedy);
        let what = if path.parts().is_empty() {
            format!("the map of values {what}")
        } else {
            format!("`{path}` {what}")
        };
        let why = format!("the schema's rule `{}` at {}", error.kind().keyword(), location(error));
        vec![Violation { path, what, why, remedy }]
    }

    /// The settings that misspelt ones were probably meant to be.
    fn meant(&self, error: &ValidationError<'_>) -> Option<String> {
        let ValidationErrorKind::AdditionalProperties { unexpected } = error.kind() else { return None };
        let known = self.around(error)?.get("properties")?.as_object()?;
        let meant = unexpected.iter().filter_map(|word| suggest(word, known.keys().map(String::as_str)));
        let meant: Vec<String> = meant.map(|word| format!("`{word}`")).collect();
        (!meant.is_empty()).then(|| meant.join(", "))
    }

    /// The schema that the broken rule is part of.
    fn around(&self, error: &ValidationError<'_>) -> Option<&Value> {
        let pointer = error.absolute_keyword_location().map(|uri| uri.as_str().to_owned());
        let pointer = pointer.and_then(|uri| Some(uri.split_once('#')?.1.to_owned()));
        let pointer = pointer.unwrap_or_else(|| error.schema_path().to_string());
        self.root.pointer(pointer.rsplit_once('/').map_or("", |(around, _)| around))
    }

    /// Whether the value is secret, or stands where a secret one belongs.
    fn hides(&self, path: &ValuePath, error: &ValidationError<'_>) -> bool {
        let known = self.secrets.iter().any(|secret| secret.leads_to(path) || path.leads_to(secret));
        known || self.around(error).is_none_or(|schema| self.mentions_secret(schema, 0))
    }

    fn mentions_secret(&self, schema: &Value, depth: usize) -> bool {
        match schema {
            _ if depth > MAX_DEPTH => false,
            Value::Object(map) => map.iter().any(|(key, value)| match (key.as_str(), value) {
                ("writeOnly", value) => *value == Value::Bool(true),
                ("$ref" | "$dynamicRef", Value::String(reference)) => resolve(self.root, reference)
                    .is_some_and(|schema| self.mentions_secret(schema, depth + 8)),
                (_, value) => self.mentions_secret(value, depth + 1),
            }),
            Value::Array(items) => items.iter().any(|item| self.mentions_secret(item, depth + 1)),
            _ => false,
        }
    }
}

fn location(error: &ValidationError<'_>) -> String {
    format!("#{}", error.schema_path())
}

/// A short form of a scalar, with the space in front of it; nothing for what is long.
fn shown(value: &Value) -> String {
    let text = match value {
        Value::Object(_) => "a map".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        other => other.to_string(),
    };
    if text.chars().count() <= 60 { format!(", and is {text}") } else { String::new() }
}

fn list_of(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(kind) => kind.to_string(),
        TypeKind::Multiple(kinds) => {
            kinds.iter().map(|kind| kind.to_string()).collect::<Vec<_>>().join(" or ")
        }
    }
}

#[expect(clippy::too_many_lines, reason = "flat mapping table")]
fn explain(kind: &ValidationErrorKind, found: &str) -> (String, Option<String>) {
    use ValidationErrorKind as Rule;
    let names = |unexpected: &[String]| {
        unexpected.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    match kind {
        Rule::Type { kind } => (
            format!("must be of type {}{found}", types(kind)),
            Some(format!("a value of type {}", types(kind))),
        ),
        Rule::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            (
                format!("must have a value for `{name}`"),
                Some(format!("set `{name}` in a values file or with --set")),
            )
        }
        Rule::AdditionalProperties { unexpected } | Rule::UnevaluatedProperties { unexpected } => (
            format!("has no setting called {}", names(unexpected)),
            Some("the settings that the chart's values.yaml lists".to_owned()),
        ),
        Rule::Enum { options } => (
            format!("is none of the values it may have{found}"),
            Some(format!("one of {}", list_of(options))),
        ),
        Rule::Constant { expected_value } => {
            (format!("must be {expected_value}{found}"), Some(format!("{expected_value}")))
        }
        Rule::Minimum { limit } => (format!("must be at least {limit}{found}"), None),
        Rule::Maximum { limit } => (format!("must be at most {limit}{found}"), None),
        Rule::ExclusiveMinimum { limit } => (format!("must be more than {limit}{found}"), None),
        Rule::ExclusiveMaximum { limit } => (format!("must be less than {limit}{found}"), None),
        Rule::MultipleOf { multiple_of } => (format!("must be a multiple of {multiple_of}{found}"), None),
        Rule::MinLength { limit } => (format!("must have at least {limit} characters{found}"), None),
        Rule::MaxLength { limit } => (format!("must have at most {limit} characters{found}"), None),
        Rule::Pattern { pattern } => (
            format!("does not have the form it must have{found}"),
            Some(format!("text that matches {pattern}")),
        ),
        Rule::Format { format } => (format!("must have the format `{format}`{found}"), None),
        Rule::MinItems { limit } => (format!("must have at least {limit} items"), None),
        Rule::MaxItems { limit } => (format!("must have at most {limit} items"), None),
        Rule::AdditionalItems { limit } => (format!("must have at most {limit} items"), None),
        Rule::UnevaluatedItems { .. } => ("has items that it must not have".to_owned(), None),
        Rule::UniqueItems => ("must not have an item twice".to_owned(), None),
        Rule::Contains => ("lacks an item of the kind that it must have".to_owned(), None),
        Rule::MinProperties { limit } => (format!("must have at least {limit} keys"), None),
        Rule::MaxProperties { limit } => (format!("must have at most {limit} keys"), None),
        Rule::PropertyNames { .. } => ("has a key of a form that is not allowed".to_owned(), None),
        Rule::AnyOf { .. } | Rule::OneOfNotValid { .. } => {
            (format!("fits none of the forms it may have{found}"), None)
        }
        Rule::OneOfMultipleValid { .. } => {
            (format!("fits more than one form, and may fit one only{found}"), None)
        }
        Rule::Not { .. } => (format!("has a form that is not allowed{found}"), None),
        Rule::FalseSchema => ("must not be set".to_owned(), Some("leave it out".to_owned())),
        other => (format!("breaks the rule `{}`{found}", other.keyword()), None),
    }
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
