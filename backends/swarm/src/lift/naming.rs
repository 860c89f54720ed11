//! What objects of the swarm are called as documents.

use std::collections::BTreeMap;

use rhumb_backend::{Object, Ownership, reference};
use serde_json::Value;

use crate::names::{self, FileKind};

/// Where an object of the swarm is in the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FilePlace {
    /// The document.
    pub(super) document: String,
    /// The key in it.
    pub(super) key: String,
}

/// The names of documents by those of the swarm's objects.
#[derive(Default)]
pub(super) struct Names {
    files: BTreeMap<(FileKind, String), FilePlace>,
    /// By id, by reference, and by name.
    networks: BTreeMap<String, String>,
    services: BTreeMap<String, String>,
}

impl Names {
    pub(super) fn new(objects: &[Object]) -> Self {
        let mut found = Self::default();
        for object in objects {
            let (kind, is_external) = match names::external_parts(&object.id) {
                Some((kind, _)) => (kind, true),
                None => (object.id.kind(), object.ownership == Ownership::External),
            };
            let Some(name) = object.body.get("Name").and_then(Value::as_str) else { continue };
            match kind {
                "network" => found.add_network(object, name, is_external),
                "config" => found.add_file(object, FileKind::Config, name, is_external),
                "secret" => found.add_file(object, FileKind::Secret, name, is_external),
                "service" => {
                    let document = document_name(without_stack(&object.body, name));
                    found.services.insert(object.id.as_str().to_owned(), document);
                }
                _ => {}
            }
        }
        found
    }

    fn add_network(&mut self, object: &Object, name: &str, is_external: bool) {
        let own = if is_external { name } else { without_stack(&object.body, name) };
        let document = document_name(own);
        let id = object.body.get("Id").and_then(Value::as_str).map(str::to_owned);
        for key in id.into_iter().chain([object.id.as_str().to_owned(), name.to_owned()]) {
            self.networks.insert(key, document.clone());
        }
    }

    fn add_file(&mut self, object: &Object, kind: FileKind, name: &str, is_external: bool) {
        let place =
            if is_external { foreign_file(name) } else { file_place(without_stack(&object.body, name)) };
        self.files.insert((kind, name.to_owned()), place);
    }

    /// Where a config or secret is in the app; one that is not among the objects is taken for external.
    pub(super) fn file(&self, kind: FileKind, name: &str) -> FilePlace {
        self.files.get(&(kind, name.to_owned())).cloned().unwrap_or_else(|| foreign_file(name))
    }

    /// Whether a config or secret is among the objects.
    pub(super) fn has_file(&self, kind: FileKind, name: &str) -> bool {
        self.files.contains_key(&(kind, name.to_owned()))
    }

    /// The document of a network by what a service names it: an id, a name, or a reference.
    pub(super) fn network(&self, target: &Value) -> Option<&String> {
        match reference::parse(target) {
            Some((id, _)) => self.networks.get(id.as_str()),
            None => self.networks.get(target.as_str()?),
        }
    }

    /// The workload of a service's logical id.
    pub(super) fn service(&self, id: &str) -> Option<&String> {
        self.services.get(id)
    }
}

/// The name of an object without its stack's.
pub(super) fn without_stack<'a>(body: &Value, name: &'a str) -> &'a str {
    let stack = body.get("Labels").and_then(|labels| labels.get(names::STACK)).and_then(Value::as_str);
    stack.and_then(|stack| name.strip_prefix(stack)?.strip_prefix('_')).unwrap_or(name)
}

/// The document and key of a name that ends in a content's hash: `web.nginx.conf-0123456789`.
fn content_named(name: &str) -> Option<(&str, &str)> {
    let (base, hash) = name.rsplit_once('-')?;
    let is_hash = hash.len() == 10 && hash.chars().all(|digit| matches!(digit, '0'..='9' | 'a'..='f'));
    let (document, key) =
        base.split_once('.').filter(|(document, key)| !document.is_empty() && !key.is_empty())?;
    is_hash.then_some((document, key))
}

/// Where a config or secret of this name, without its stack's, is in the app.
pub(super) fn file_place(name: &str) -> FilePlace {
    content_named(name).map_or_else(
        || foreign_file(name),
        |(document, key)| FilePlace { document: document.to_owned(), key: key.to_owned() },
    )
}

/// A config or secret of somebody else holds one value, which is a key of its own name.
fn foreign_file(name: &str) -> FilePlace {
    FilePlace { document: document_name(name), key: name.to_owned() }
}

/// A name that a document can have: a DNS label.
pub(super) fn document_name(name: &str) -> String {
    let legal = |character: char| match character {
        'a'..='z' | '0'..='9' => character,
        'A'..='Z' => character.to_ascii_lowercase(),
        _ => '-',
    };
    let name: String = name.chars().map(legal).take(63).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "unnamed".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_names_are_taken_apart() {
        assert_eq!(content_named("web.nginx.conf-0123456789"), Some(("web", "nginx.conf")));
        for name in ["web", "web.nginx.conf", "web-0123456789", "web.conf-012345678x"] {
            assert_eq!(content_named(name), None, "{name}");
        }
    }

    #[test]
    fn names_become_dns_labels() {
        assert_eq!(document_name("Shop_DB.password"), "shop-db-password");
        assert_eq!(document_name("__"), "unnamed");
    }
}
