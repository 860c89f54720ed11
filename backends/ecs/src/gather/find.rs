//! The documents in what people keep: as the CLI takes them, as it answers, in lists, in templates.

use rhumb_spec::Diagnostic;
use serde_json::{Map, Value, json};

use super::casing::{cased, small_key};
use super::classify::{get, is_container, kind, stranger};
use super::{cloudformation, ecspresso};
use crate::kind::Kind;

/// A document that was found.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) kind: Kind,
    pub(super) body: Value,
    /// Which of the documents it was in.
    pub(super) document: usize,
    /// Where in that document: keys and indices.
    pub(super) at: Vec<String>,
    /// What it is called where it does not say it itself.
    pub(super) called: Option<String>,
}

/// Keys under which answers of the CLI have one document, or a list of them.
const WRAPPERS: [&str; 24] = [
    "taskDefinition",
    "taskDefinitions",
    "services",
    "service",
    "containerDefinition",
    "TargetGroups",
    "Listeners",
    "Rules",
    "Services",
    "Service",
    "ScalableTargets",
    "ScalingPolicies",
    "Schedules",
    "AccessPoints",
    "Parameters",
    "Parameter",
    "SecretList",
    "logGroups",
    "SecurityGroups",
    "items",
    "Items",
    "TaskDefinition",
    "TaskDefinitions",
    "documents",
];

/// Finds the documents in one of the user's.
#[derive(Debug, Default)]
pub(super) struct Finder {
    pub(super) found: Vec<Found>,
    pub(super) notes: Vec<Diagnostic>,
    document: usize,
}

impl Finder {
    /// Looks into a document.
    pub(super) fn read(&mut self, document: usize, value: &Value) {
        self.document = document;
        let (mut filled, mut calls) = (value.clone(), Vec::new());
        ecspresso::fill(&mut filled, &mut calls);
        let value = &filled;
        if !calls.is_empty() {
            self.note(&[], |path| ecspresso::note(path, calls));
        }
        let before = self.found.len() + self.notes.len();
        self.look(value, &[]);
        if before == self.found.len() + self.notes.len() {
            self.is_stranger(value, &[]);
        }
    }

    fn look(&mut self, value: &Value, at: &[String]) {
        match value {
            Value::Array(items) if !items.is_empty() && items.iter().all(is_container) => {
                self.add(Kind::TaskDefinition, json!({ "containerDefinitions": items }), at, None);
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let found = self.found.len() + self.notes.len();
                    let at = below(at, &index.to_string());
                    self.look(item, &at);
                    if found == self.found.len() + self.notes.len() {
                        self.is_stranger(item, &at);
                    }
                }
            }
            Value::Object(map) => self.look_at_mapping(map, value, at),
            // An empty document says nothing.
            Value::Null => {}
            _ => self.is_stranger(value, at),
        }
    }

    fn look_at_mapping(&mut self, map: &Map<String, Value>, value: &Value, at: &[String]) {
        if get(map, "resources").is_some_and(|resources| cloudformation::is_template(map, resources)) {
            return cloudformation::read(map, self, at);
        }
        if let Some(kind) = kind(map) {
            return self.add(kind, value.clone(), at, None);
        }
        if is_container(value) {
            return self.add(Kind::TaskDefinition, json!({ "containerDefinitions": [value] }), at, None);
        }
        for (key, below_it) in map.iter().filter(|(key, _)| WRAPPERS.contains(&key.as_str())) {
            if !(below_it.is_object() || below_it.is_array()) || is_map_of_services(key, below_it) {
                continue;
            }
            let first = self.found.len();
            self.look(below_it, &below(at, key));
            if let [only] = &mut self.found[first..] {
                beside(map, only);
            }
        }
        self.failures(map, at);
    }

    /// Adds a document that was found.
    pub(super) fn add(&mut self, kind: Kind, body: Value, at: &[String], called: Option<String>) {
        let body = cased(kind, body);
        self.found.push(Found { kind, body, document: self.document, at: at.to_vec(), called });
    }

    /// Adds a note about a place in the document.
    pub(super) fn note(&mut self, at: &[String], make: impl FnOnce(String) -> Diagnostic) {
        let path = std::iter::once(self.document.to_string()).chain(at.iter().cloned());
        self.notes.push(make(path.collect::<Vec<_>>().join(".")));
    }

    fn is_stranger(&mut self, value: &Value, at: &[String]) {
        let (why, remedy) = stranger(value);
        if value.is_null() {
            return;
        }
        self.note(at, |path| {
            Diagnostic::warning(path, "it is no document of ECS, and is left out")
                .why(why)
                .remedy(remedy.unwrap_or("task definitions and services as `aws ecs … --cli-input-json` takes them, or as `aws ecs describe-…` answers"))
        });
    }

    /// What the answer says of what it could not find.
    fn failures(&mut self, map: &Map<String, Value>, at: &[String]) {
        let failures = map.get("failures").and_then(Value::as_array);
        for failure in failures.into_iter().flatten() {
            let text = |key: &str| failure.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let what = format!("{} was not there when this was written", text("arn"));
            self.note(&below(at, "failures"), |path| Diagnostic::warning(path, what).why(text("reason")));
        }
    }
}

/// A path one step below another.
pub(super) fn below(at: &[String], key: &str) -> Vec<String> {
    at.iter().cloned().chain([key.to_owned()]).collect()
}

fn is_map_of_services(key: &str, value: &Value) -> bool {
    key == "services" && value.is_object()
}

/// Puts the tags that stand beside a document into it.
fn beside(map: &Map<String, Value>, found: &mut Found) {
    let Some(body) = found.body.as_object_mut() else { return };
    for key in ["tags", "Tags"] {
        let is_said = get(body, "tags").is_some();
        if let Some(tags) = map.get(key).filter(|tags| !tags.is_null() && !is_said) {
            let key = if body.keys().any(|key| key.starts_with(char::is_uppercase)) {
                key.to_owned()
            } else {
                small_key(key)
            };
            body.insert(key, tags.clone());
        }
    }
}
