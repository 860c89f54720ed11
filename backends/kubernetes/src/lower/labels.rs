//! Labels, annotations, and the metadata that objects bear.

use std::collections::BTreeMap;

use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Map, Value};

use super::body::text_map;
use super::{Context, Report};
use crate::names;

/// `metadata` of an object of ours: where it is, the user's labels below the release's own, and annotations.
pub(super) fn metadata(
    context: &Context<'_>,
    (native, document): (&str, &str),
    user: &BTreeMap<String, String>,
    annotations: Map<String, Value>,
) -> Value {
    let mut metadata = names::metadata(context.scope, native, document);
    let mut labels = text_map(user);
    labels.extend(names::labels(context.scope, document));
    metadata["labels"] = labels.into();
    if !annotations.is_empty() {
        metadata["annotations"] = annotations.into();
    }
    metadata
}

/// Refuses labels that the API does not take, and tells of those that the release's own take the place of.
///
/// Source: Kubernetes documentation, "Labels and Selectors", syntax and character set.
pub(super) fn check(labels: &BTreeMap<String, String>, path: &str, report: &mut Report) {
    for (key, value) in labels {
        let path = format!("{path}.{key}");
        if !is_qualified(key) {
            report.refuse(wrong_key(&path, "a label", key));
        }
        if !is_value(value) {
            report.refuse(
                Diagnostic::error(&path, format!("`{value}` cannot be the value of a label"))
                    .why("on Kubernetes it has at most 63 of A-Z, a-z, 0-9, `-`, `_` and `.`, and begins and ends with a letter or digit")
                    .remedy("an annotation, which takes any text"),
            );
        }
        if [names::NAME, names::INSTANCE, names::MANAGED_BY].contains(&key.as_str()) {
            report.lose(Feature::Labels, path, "the release's own label of this key takes its place");
        }
    }
}

/// Refuses annotations that the API does not take.
pub(super) fn check_annotations(annotations: &BTreeMap<String, String>, path: &str, report: &mut Report) {
    for key in annotations.keys().filter(|key| !is_qualified(&key.to_lowercase())) {
        report.refuse(wrong_key(&format!("{path}.{key}"), "an annotation", key));
    }
}

fn wrong_key(path: &str, word: &str, key: &str) -> Diagnostic {
    Diagnostic::error(path, format!("`{key}` cannot be the key of {word}"))
        .why("on Kubernetes a key is a name of at most 63 of A-Z, a-z, 0-9, `-`, `_` and `.`, with a DNS name and `/` before it where one is wanted")
        .remedy("such as `example.com/team`")
}

/// Whether a text can be the key of a label.
pub(super) fn is_qualified(key: &str) -> bool {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    !name.is_empty() && is_value(name) && prefix.is_none_or(is_subdomain)
}

/// Whether a text can be the value of a label.
pub(super) fn is_value(value: &str) -> bool {
    let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = value.as_bytes();
    bytes.is_empty()
        || (bytes.len() <= names::LABEL_LIMIT
            && is_end(bytes.first())
            && is_end(bytes.last())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte)))
}

/// Whether a text can be the name of most objects.
pub(super) fn is_subdomain(name: &str) -> bool {
    let is_label = |label: &str| {
        let is_legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(is_legal)
    };
    name.len() <= names::NAME_LIMIT && name.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_those_of_the_api() {
        for key in ["tier", "example.com/Team_1", "a.b"] {
            assert!(is_qualified(key), "{key}");
        }
        for key in ["", "-a", "a-", "Example.com/x", "a/b/c", "/a", "a/", "a b"] {
            assert!(!is_qualified(key), "{key}");
        }
        for value in ["", "a", "1.2-3_Z"] {
            assert!(is_value(value), "{value}");
        }
        for value in ["a b", "a:b", ".a", "ä", &"x".repeat(64)] {
            assert!(!is_value(value), "{value}");
        }
    }
}
