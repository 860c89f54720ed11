//! What documents of the app are called that objects become.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::names;

/// The names of documents by the names of objects, for one kind of document.
#[derive(Default)]
pub(super) struct Names {
    documents: BTreeMap<String, String>,
    taken: BTreeSet<String>,
}

impl Names {
    /// Adds an object: its document gets the wanted name, or one like it that is free.
    pub(super) fn add(&mut self, native: &str, wanted: &str) -> String {
        if let Some(known) = self.documents.get(native) {
            return known.clone();
        }
        let wanted = document_name(wanted);
        let name = (1..=self.taken.len() + 1)
            .map(|count| if count == 1 { wanted.clone() } else { numbered(&wanted, count) })
            .find(|name| !self.taken.contains(name))
            .unwrap_or(wanted);
        self.taken.insert(name.clone());
        self.documents.insert(native.to_owned(), name.clone());
        name
    }

    /// The document of an object.
    pub(super) fn get(&self, native: &str) -> Option<&String> {
        self.documents.get(native)
    }

    /// Whether a document has this name.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        self.taken.contains(name)
    }
}

fn numbered(name: &str, count: usize) -> String {
    let end = format!("-{count}");
    let kept: String = name.chars().take(names::LABEL_LIMIT - end.len()).collect();
    format!("{}{end}", kept.trim_end_matches('-'))
}

/// The name of the document that an object of a release was made for; of any other, its own.
pub(super) fn document_of<'a>(body: &'a Value, native: &'a str) -> &'a str {
    let label = |key: &str| body.pointer("/metadata/labels")?.get(key)?.as_str();
    match (label(names::MANAGED_BY), label(names::NAME)) {
        (Some(names::FIELD_MANAGER), Some(name)) => name,
        _ => native,
    }
}

/// Whether an object was made by a release of ours.
pub(super) fn is_ours(body: &Value) -> bool {
    let label = body.pointer("/metadata/labels").and_then(|labels| labels.get(names::MANAGED_BY));
    label.and_then(Value::as_str) == Some(names::FIELD_MANAGER)
}

/// A name that a document can have: a DNS label.
pub(super) fn document_name(name: &str) -> String {
    let legal = |character: char| match character {
        'a'..='z' | '0'..='9' => character,
        'A'..='Z' => character.to_ascii_lowercase(),
        _ => '-',
    };
    let name: String = name.chars().map(legal).take(names::LABEL_LIMIT).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "unnamed".to_owned() } else { name.to_owned() }
}

/// Whether a port can have this name (RFC 6335).
pub(super) fn is_port_name(name: &str) -> bool {
    let has_letter = name.bytes().any(|byte| byte.is_ascii_lowercase());
    let is_legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=15).contains(&name.len())
        && has_letter
        && name.bytes().all(is_legal)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.contains("--")
}

/// Whether a variable can have this name.
pub(super) fn is_variable(name: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !name.is_empty() && !name.as_bytes()[0].is_ascii_digit() && name.bytes().all(is_legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_legal_and_differ() {
        let mut names = Names::default();
        assert_eq!(names.add("web.conf", "web.conf"), "web-conf");
        assert_eq!(names.add("web-conf", "web-conf"), "web-conf-2");
        assert_eq!(names.add("web.conf", "web.conf"), "web-conf");
        assert_eq!(names.add("__", "__"), "unnamed");
        let long = "x".repeat(80);
        assert_eq!(names.add(&long, &long).len(), 63);
        assert!(names.add("other", &long).ends_with("x-2"));
    }

    #[test]
    fn port_names_follow_the_rfc() {
        for name in ["http", "a", "8080-web"] {
            assert!(is_port_name(name), "{name}");
        }
        for name in ["", "80", "-a", "a--b", "Http", "sixteen-letters-"] {
            assert!(!is_port_name(name), "{name}");
        }
    }
}
