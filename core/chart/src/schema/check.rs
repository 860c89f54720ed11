//! What a schema refuses, in words.

use std::collections::BTreeSet;

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::paths::LocationSegment;
use rhumb_spec::suggest;
use serde_json::Value;

use super::{MAX_DEPTH, ValuePath, resolve};

/// One rule that a value breaks.
pub(crate) struct Violation {
    pub(crate) path: ValuePath,
    /// The keys in it that should not be there.
    pub(crate) unexpected: Vec<String>,
    pub(crate) what: String,
    pub(crate) why: String,
    pub(crate) remedy: Option<String>,
}

/// Checks the values of one chart.
pub(super) struct Checker<'s> {
    /// The whole schema.
    pub(super) root: &'s Value,
    /// The path of the chart's values.
    pub(super) at: &'s ValuePath,
    /// The values that are secret.
    pub(super) secrets: &'s BTreeSet<ValuePath>,
}

impl Checker<'_> {
    pub(super) fn violations(&self, error: &ValidationError<'_>) -> Vec<Violation> {
        // Where only one form is possible, what is wrong with it says more than that it does not fit.
        if let ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } =
            error.kind()
            && let [only] = context.as_slice()
        {
            return only.iter().flat_map(|error| self.violations(error)).collect();
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
        let unexpected = match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => unexpected.clone(),
            _ => Vec::new(),
        };
        vec![Violation { path, unexpected, what, why, remedy }]
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
