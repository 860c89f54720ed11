//! From a project to an app.
//!
//! Every field meets one of four fates (see [`rhumb_backend::Fate`]): it is a neutral field of the app; it is kept for
//! Swarm only, as a patch; it says nothing to a release; or it is lost, and the account says why. What needs a person's
//! decision is told as a warning.

mod aliases;
mod amounts;
mod cron;
mod deploy;
mod environment;
mod external;
mod fields_of_services;
mod files;
mod health;
mod labels;
mod mount_options;
mod network;
mod ports;
mod references;
mod renamed;
mod route;
mod security;
mod service;
mod templates;
mod variables;
mod volumes;

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::fields::{Fields, Ledger, leaves};
use rhumb_backend::{Account, Fate, Lifted, Material, ObjectId, Rest};
use rhumb_spec::model::App;
use rhumb_spec::yaml::{Node, NodeKind, Origins};
use rhumb_spec::{Diagnostic, Variables};
use serde_json::{Map, Number, Value};

use crate::read::{Project, SECTIONS};

/// What a project became.
#[derive(Debug)]
pub struct Composed {
    /// The app and the account of every field.
    pub lifted: Lifted,
    /// Where each service and so on was written, by `service/web`.
    pub origins: Origins,
    /// Secret material by the id that secrets name.
    pub material: BTreeMap<String, Material>,
    /// The variables that stand in the app's texts.
    pub variables: Variables,
    /// The project's name, where the files say one.
    pub name: Option<String>,
}

/// Fields of one mapping.
type Body = Map<String, Value>;

/// Turns a project into an app.
pub fn lift(project: &Project<'_>, name: &str) -> Composed {
    let mut world = World {
        project,
        name,
        app: App::default(),
        notes: project.notes.clone(),
        accounts: Vec::new(),
        material: BTreeMap::new(),
        names: BTreeMap::new(),
        jobs: BTreeSet::new(),
        chosen: BTreeSet::new(),
    };
    world.choose();
    network::lift(&mut world);
    volumes::lift(&mut world);
    files::lift(&mut world);
    service::lift(&mut world);
    renamed::lift(&mut world);
    aliases::lift(&mut world);
    references::expose(&mut world);
    world.rest();
    let variables = variables::lift(&mut world);
    let origins = world.origins();
    let lifted = Lifted { app: world.app, notes: world.notes, accounts: world.accounts };
    let own = project.root.get("name").and_then(Node::as_str).map(str::to_owned);
    Composed { lifted, origins, material: world.material, variables, name: own }
}

/// What lifting finds out on its way.
struct World<'p> {
    project: &'p Project<'p>,
    /// The chart's name.
    name: &'p str,
    app: App,
    notes: Vec<Diagnostic>,
    accounts: Vec<Account>,
    material: BTreeMap<String, Material>,
    /// Names of documents by section and name.
    names: BTreeMap<(&'static str, String), String>,
    /// Services that others wait for until they have succeeded.
    jobs: BTreeSet<String>,
    /// The services that are imported.
    chosen: BTreeSet<String>,
}

impl<'p> World<'p> {
    /// The entries of a section.
    fn section(&self, name: &str) -> Vec<(String, &'p Node)> {
        let entries = self.project.root.get(name).and_then(Node::as_mapping).unwrap_or_default();
        entries.iter().map(|entry| (entry.key.to_string(), &entry.value)).collect()
    }

    /// Chooses services by their profiles, and what the chosen ones need.
    fn choose(&mut self) {
        let services = self.section("services");
        let profiles = &self.project.profiles;
        for (name, node) in &services {
            let own: Vec<&str> = node
                .get("profiles")
                .and_then(Node::as_sequence)
                .unwrap_or_default()
                .iter()
                .filter_map(Node::as_str)
                .collect();
            let is_wanted = |name: &&str| profiles.contains(*name);
            // What another program provides runs nowhere here.
            if node.get("provider").is_some() && node.get("image").is_none() {
                continue;
            }
            if own.is_empty() || profiles.contains("*") || own.iter().any(is_wanted) {
                self.chosen.insert(name.clone());
            }
        }
        for (name, node) in &services {
            if self.chosen.contains(name) {
                let waits = node.get("depends_on").and_then(Node::as_mapping).unwrap_or_default();
                for entry in waits {
                    let condition = entry.value.get("condition").and_then(Node::as_str);
                    if condition == Some("service_completed_successfully") {
                        self.jobs.insert(entry.key.to_string());
                    }
                }
            }
        }
        for (name, _) in services {
            self.named("services", &name);
        }
    }

    /// The name of the document that an entry becomes.
    fn named(&mut self, section: &'static str, name: &str) -> String {
        self.named_as((section, name), name)
    }

    /// The name of the document that an entry becomes, which is to be called otherwise.
    fn named_as(&mut self, (section, name): (&'static str, &str), wanted: &str) -> String {
        let key = (section, name.to_owned());
        if let Some(known) = self.names.get(&key) {
            return known.clone();
        }
        let wanted = document_name(wanted);
        let taken: BTreeSet<&String> =
            self.names.iter().filter(|((other, _), _)| *other == section).map(|(_, name)| name).collect();
        let numbered = |count: usize| if count == 1 { wanted.clone() } else { format!("{wanted}-{count}") };
        let free =
            (1..=taken.len() + 1).map(numbered).find(|name| !taken.contains(name)).unwrap_or(wanted.clone());
        self.names.insert(key, free.clone());
        free
    }

    /// The name of the document of an entry that is there.
    fn known(&self, section: &'static str, name: &str) -> Option<String> {
        self.names.get(&(section, name.to_owned())).cloned()
    }

    fn warn(&mut self, path: impl Into<String>, what: impl Into<String>, remedy: &str) {
        self.notes.push(Diagnostic::warning(path, what).remedy(remedy));
    }

    /// Reads an entry: what `read` leaves is lost.
    fn entry(
        &mut self,
        (kind, name, node): (&str, &str, &Node),
        document: Option<String>,
        read: impl FnOnce(&mut Fields<'_>, &mut Self),
    ) {
        let mut whole = value(node);
        let fields = leaves(&whole);
        let ledger = Ledger::default();
        if let Value::Object(body) = &mut whole {
            let mut found = Fields::new(body, "", &ledger);
            read(&mut found, self);
            extensions(&mut found);
            for key in found.keys() {
                found.lose(&key, &unknown(kind, &key));
            }
        } else {
            read(&mut Fields::new(&mut Body::new(), "", &ledger), self);
        }
        self.accounts.push(Account {
            id: ObjectId::new(kind, name),
            document,
            fields,
            rest: ledger.into_inner(),
        });
    }

    /// Accounts for an entry that is no part of the app.
    fn left_out(&mut self, (kind, name, node): (&str, &str, &Node), why: &str) {
        let fields = leaves(&value(node));
        let rest = vec![Rest { path: String::new(), fields, fate: Fate::Lost, why: why.to_owned() }];
        self.accounts.push(Account { id: ObjectId::new(kind, name), document: None, fields, rest });
    }

    /// Accounts for what stands beside the sections.
    fn rest(&mut self) {
        let Value::Object(mut body) = value(&self.project.root) else { return };
        for section in SECTIONS {
            if body.get(section).is_some_and(Value::is_object) {
                body.shift_remove(section);
            }
        }
        if body.is_empty() {
            return;
        }
        let fields = body.values().map(leaves).sum();
        let ledger = Ledger::default();
        let mut found = Fields::new(&mut body, "", &ledger);
        found.take_whole("include");
        found.own(&["version"], "the Compose specification ignores it");
        found.own(&["name"], "a chart and its releases have names of their own");
        found.own(&SECTIONS, "nothing is in it");
        extensions(&mut found);
        for key in found.keys() {
            found.lose(&key, &unknown("project", &key));
        }
        let id = ObjectId::new("project", self.name);
        self.accounts.push(Account { id, document: None, fields, rest: ledger.into_inner() });
    }

    fn origins(&self) -> Origins {
        let mut origins = Origins::default();
        for (section, kind) in KINDS {
            for (name, node) in self.section(section) {
                if let Some(file) = self.project.places.get(&format!("{section}.{name}")) {
                    origins.insert(format!("{kind}/{name}"), file.as_str(), node.clone());
                }
            }
        }
        origins
    }
}

/// The sections, and the words of their entries.
const KINDS: [(&str, &str); 5] = [
    ("services", "service"),
    ("networks", "network"),
    ("volumes", "volume"),
    ("configs", "config"),
    ("secrets", "secret"),
];

fn extensions(fields: &mut Fields<'_>) {
    let keys = fields.keys();
    let own: Vec<&str> = keys.iter().map(String::as_str).filter(|key| key.starts_with("x-")).collect();
    fields.own(&own, "an extension, which the Compose specification ignores");
}

fn unknown(kind: &str, key: &str) -> String {
    let near =
        rhumb_spec::suggest(key, fields_of_services::KNOWN.iter().copied()).filter(|_| kind == "service");
    match near {
        Some(near) if near == key => "its form is none that can be carried".to_owned(),
        Some(near) => format!("a {kind} has no field of this name; did you mean `{near}`?"),
        None => format!("nothing in an app is for this field of a {kind}"),
    }
}

/// A node as an untyped value. A number that is no plain integer stays text, as it was written.
fn value(node: &Node) -> Value {
    match &node.kind {
        NodeKind::Sequence(items) => Value::Array(items.iter().map(value).collect()),
        NodeKind::Mapping(entries) => {
            Value::Object(entries.iter().map(|entry| (entry.key.to_string(), value(&entry.value))).collect())
        }
        NodeKind::Scalar { text, plain: false } => Value::String(text.to_string()),
        NodeKind::Scalar { text, .. } => match node.to_value() {
            Value::Number(number) if !is_plain_integer(text, &number) => Value::String(text.to_string()),
            other => other,
        },
    }
}

fn is_plain_integer(text: &str, number: &Number) -> bool {
    number.to_string() == text
}

/// A name as that of a document: one label of a DNS name.
fn document_name(name: &str) -> String {
    let mut label = String::new();
    for character in name.to_ascii_lowercase().chars() {
        if character.is_ascii_alphanumeric() {
            label.push(character);
        } else if !label.is_empty() && !label.ends_with('-') {
            label.push('-');
        }
    }
    label.truncate(60);
    let label = label.trim_end_matches('-');
    if label.is_empty() { "unnamed".to_owned() } else { label.to_owned() }
}

/// A scalar as text, as it was written.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// One text, or a list of texts.
fn list(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(items) => items.iter().map(scalar).collect(),
        other => scalar(other).map(|text| vec![text]),
    }
}

/// A mapping of texts, or a list of `key=value`; nothing is empty text.
fn text_pairs(value: &Value) -> Option<BTreeMap<String, String>> {
    match value {
        Value::Object(map) => {
            let pairs = map.iter();
            pairs
                .map(|(key, value)| {
                    Some((key.clone(), if value.is_null() { String::new() } else { scalar(value)? }))
                })
                .collect()
        }
        Value::Array(items) => {
            let pairs = items.iter().map(|item| {
                let text = scalar(item)?;
                let (key, value) = text.split_once('=').unwrap_or((&text, ""));
                Some((key.to_owned(), value.to_owned()))
            });
            pairs.collect()
        }
        _ => None,
    }
}

/// A flag, however it is written.
fn flag(value: &Value) -> Option<bool> {
    match scalar(value)?.as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
