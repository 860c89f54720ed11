//! Secrets, and configs that are mounted: one entry of the secret store for each key, named by its content.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::material::{self, Demand};
use rhumb_backend::{CheckedApp, Object, Ownership, Scope};
use rhumb_spec::model::{Config, EnvSource, EnvValue, Kind as Document, MountSource};
use rhumb_spec::{App, Diagnostic, Feature};
use serde_json::{Map, Value, json};

use super::{Report, network};
use crate::facts::MarathonFacts;
use crate::kind::Kind;
use crate::names;

/// The most that an entry of the secret store holds, in bytes.
///
/// Source: DC/OS documentation, "Configuring services and pods to use secrets": 1 MB.
const LIMIT: usize = 1_000_000;

/// An entry of the secret store.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// The object.
    pub(super) id: rhumb_backend::ObjectId,
    /// Its path in the store.
    pub(super) path: String,
    /// What an app calls it.
    pub(super) name: String,
}

/// Every entry by its document and key, keys in the order in which they are written.
#[derive(Default)]
pub(super) struct Files(BTreeMap<(Kind, String), Vec<(String, File)>>);

impl Files {
    pub(super) fn of(&self, kind: Kind, name: &str) -> &[(String, File)] {
        self.0.get(&(kind, name.to_owned())).map_or(&[], Vec::as_slice)
    }

    pub(super) fn find(&self, kind: Kind, name: &str, key: &str) -> Option<&File> {
        self.of(kind, name).iter().find(|(found, _)| found == key).map(|(_, file)| file)
    }

    fn add(&mut self, kind: Kind, name: &str, key: &str, file: File) {
        self.0.entry((kind, name.to_owned())).or_default().push((key.to_owned(), file));
    }
}

/// What an app calls an entry in its `secrets`. Names of documents have no dots.
pub(crate) fn reference(kind: Kind, name: &str, key: &str) -> String {
    let prefix = if kind == Kind::Config { "config/" } else { "" };
    format!("{prefix}{name}.{key}")
}

/// Every object that the app's configs and secrets become, and where each key went.
pub(super) fn objects(
    checked: &CheckedApp,
    scope: &Scope,
    facts: &MarathonFacts,
    report: &mut Report,
) -> (Files, Vec<Object>) {
    let mut files = Files::default();
    let mut objects = Vec::new();
    let app = checked.app();
    for (name, config) in &app.configs {
        lose_labels(&Document::Config.path(name), &config.labels, report);
        let keys = in_use(app, Kind::Config, name);
        if config.external {
            objects.extend(external(Kind::Config, name, &keys, &mut files));
            continue;
        }
        for (key, text) in texts(name, config, &keys, report) {
            objects.push(entry(scope, Kind::Config, (name, &key), &text.into(), &mut files));
        }
    }
    for (name, secret) in &app.secrets {
        lose_labels(&Document::Secret.path(name), &secret.labels, report);
        if secret.external {
            let keys = in_use(app, Kind::Secret, name);
            objects.extend(external(Kind::Secret, name, &keys, &mut files));
            continue;
        }
        let address = |workload: &str, port: &str| {
            network::address_in(checked, scope, facts, (workload, port))
                .map(|(host, number)| format!("{host}:{number}"))
        };
        match material::demands(name, secret, &address) {
            Ok(demands) if facts.secrets => {
                let made = |(key, demand): (String, Demand)| {
                    let object = entry(scope, Kind::Secret, (name, &key), &demand.to_value(), &mut files);
                    Object { sensitive: true, ..object }
                };
                objects.extend(demands.into_iter().map(made));
            }
            // Without a store nothing can read it: whatever does was refused by the check.
            Ok(_) => {}
            Err(diagnostics) => report.refuse_all(diagnostics),
        }
    }
    (files, objects)
}

fn lose_labels(path: &str, labels: &BTreeMap<String, String>, report: &mut Report) {
    if !labels.is_empty() {
        report.lose(Feature::Labels, format!("{path}.labels"), "the secret store keeps no labels");
    }
}

/// The keys of a document that files need, or, of a secret, variables too. Whole documents stand for every key that is
/// named elsewhere.
fn in_use(app: &App, kind: Kind, name: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    for container in app.workloads.values().flat_map(|workload| workload.containers.values()) {
        for mount in container.mounts.values() {
            let source = match (&mount.source, kind) {
                (MountSource::Config { name, key }, Kind::Config)
                | (MountSource::Secret { name, key }, Kind::Secret) => Some((name, key)),
                _ => None,
            };
            let Some((_, key)) = source.filter(|(found, _)| *found == name) else { continue };
            match (key, &mount.sub_path, app.configs.get(name)) {
                (Some(key), ..) | (None, Some(key), _) => {
                    found.insert(key.clone());
                }
                (None, None, Some(config)) => {
                    found.extend(config.data.keys().chain(config.binary.keys()).cloned());
                }
                (None, None, None) => {}
            }
        }
        for value in container.env.values() {
            if let EnvValue::From(EnvSource::Secret { name: of, key }) = value
                && (kind, of.as_str()) == (Kind::Secret, name)
            {
                found.insert(key.clone());
            }
        }
    }
    found.into_iter().collect()
}

/// Entries that exist already: those at `<document>/<key>` of the store.
fn external(kind: Kind, name: &str, keys: &[String], files: &mut Files) -> Vec<Object> {
    let object = |key: &String| {
        let path = format!("{name}/{key}");
        let id = kind.id(&path);
        let file = File { id: id.clone(), path: path.clone(), name: reference(kind, name, key) };
        files.add(kind, name, key, file);
        Object { ownership: Ownership::External, ..Object::new(id, json!({ "path": path })) }
    };
    keys.iter().map(object).collect()
}

/// Takes out what exists already and nothing speaks of: a patch names another path for everything that was to come out
/// of it.
pub(super) fn drop_replaced(files: &Files, objects: &mut Vec<Object>) {
    let external: Vec<_> = objects.iter().filter(|object| object.ownership == Ownership::External).collect();
    let external: Vec<_> = external.into_iter().map(|object| object.id.clone()).collect();
    for file in files.0.values().flatten().map(|(_, file)| file).filter(|file| external.contains(&file.id)) {
        let mut is_needed = false;
        for object in objects.iter_mut().filter(|object| object.after.iter().any(|after| after.id == file.id))
        {
            if let Some(entries) = unspoken(&mut object.body, &file.name) {
                entries.shift_remove(&file.name);
                object.after.retain(|after| after.id != file.id);
            } else {
                is_needed = true;
            }
        }
        let is_waited_for = objects.iter().any(|object| object.after.iter().any(|after| after.id == file.id));
        if !is_needed && !is_waited_for {
            objects.retain(|object| object.id != file.id);
        }
    }
}

/// The entries of a body, where the rest of it does not speak of the one of this name.
fn unspoken<'b>(body: &'b mut Value, name: &str) -> Option<&'b mut Map<String, Value>> {
    let at = if body.get("run").is_some() { "/run/secrets" } else { "/secrets" };
    let entries = body.pointer_mut(at).map(Value::take);
    let is_spoken_of = body.to_string().contains(&json!({ "secret": name }).to_string()[1..]);
    let place = body.pointer_mut(at)?;
    *place = entries.unwrap_or_default();
    place.as_object_mut().filter(|_| !is_spoken_of)
}

/// The text of each key of a config that is a file somewhere.
fn texts(name: &str, config: &Config, keys: &[String], report: &mut Report) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let is_used = |key: &&String| keys.contains(key);
    for key in config.data.keys().filter(is_used) {
        found.push((key.clone(), config.data[key].clone()));
    }
    for key in config.binary.keys().filter(is_used) {
        let compact: String = config.binary[key].split_whitespace().collect();
        match STANDARD.decode(compact).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
            Some(text) => found.push((key.clone(), text)),
            None => report.refuse(
                Diagnostic::error(
                    format!("{}.binary.{key}", Document::Config.path(name)),
                    "these bytes are no text",
                )
                .why("on Marathon a config's file comes from the secret store, which is written as text")
                .remedy("an image with the file inside, or a volume"),
            ),
        }
    }
    for (key, text) in found.iter().filter(|(_, text)| text.len() > LIMIT) {
        let path = format!("{}.data.{key}", Document::Config.path(name));
        let what = format!("{} bytes are more than an entry of the secret store holds", text.len());
        report.refuse(
            Diagnostic::error(path, what)
                .why("on Marathon a config's file comes from the secret store, which takes 1 MB")
                .remedy("an image with the file inside, or a volume"),
        );
    }
    found
}

fn entry(scope: &Scope, kind: Kind, (name, key): (&str, &str), value: &Value, files: &mut Files) -> Object {
    let id = kind.id(&format!("{name}/{key}"));
    let generation = names::content_hash(&json!([id.as_str(), value]));
    let path = names::secret(scope, &names::entry(&id), &generation);
    let file = File { id: id.clone(), path: path.clone(), name: reference(kind, name, key) };
    files.add(kind, name, key, file);
    Object { generation: Some(generation), ..Object::new(id, json!({ "path": path, "value": value })) }
}
