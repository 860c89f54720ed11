//! Configs and secrets: one object of Swarm for each key, named by its content.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::{CheckedApp, Object, ObjectId, Ownership, Scope, reference};
use rhumb_spec::model::{Config, Kind, Secret};
use rhumb_spec::{App, Diagnostic};
use serde_json::{Map, Value};

use super::body::{Body, text_map};
use super::{Report, secret};
use crate::names::{self, FileKind};

/// The engine refuses a config of this size or more.
///
/// Source: swarmkit, `api/constants.go`, `MaxConfigSize`.
const CONFIG_LIMIT: usize = 1000 * 1024;

/// What a container refers to for a key of a config or secret.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// The object of Swarm.
    pub(super) id: ObjectId,
    /// Its name there.
    pub(super) name: String,
}

impl File {
    /// The object's id on the swarm.
    pub(super) fn reference(&self) -> Value {
        reference::reference(&self.id, "id")
    }
}

/// Every key of every config and secret, by the document's name.
#[derive(Default)]
pub(super) struct Files(BTreeMap<(FileKind, String), Vec<(String, File)>>);

impl Files {
    /// The files of a document, by key, in the order in which the keys are written.
    pub(super) fn of(&self, kind: FileKind, name: &str) -> &[(String, File)] {
        self.0.get(&(kind, name.to_owned())).map_or(&[], Vec::as_slice)
    }

    pub(super) fn find(&self, kind: FileKind, name: &str, key: &str) -> Option<&File> {
        self.of(kind, name).iter().find(|(found, _)| found == key).map(|(_, file)| file)
    }

    fn add(&mut self, kind: FileKind, name: &str, key: &str, file: File) {
        self.0.entry((kind, name.to_owned())).or_default().push((key.to_owned(), file));
    }
}

/// Every object that the app's configs and secrets become, and where each key went.
pub(super) fn objects(checked: &CheckedApp, scope: &Scope, report: &mut Report) -> (Files, Vec<Object>) {
    let app = checked.app();
    let mut files = Files::default();
    let mut objects = Vec::new();
    for (name, config) in &app.configs {
        if config.external {
            objects.extend(external(app, FileKind::Config, (name, &config.labels), &mut files));
            continue;
        }
        for (key, data) in config_data(name, config, report) {
            objects.push(config_object(scope, (name, &key), &data, config, &mut files));
        }
    }
    for (name, secret) in &app.secrets {
        if secret.external {
            objects.extend(external(app, FileKind::Secret, (name, &secret.labels), &mut files));
            continue;
        }
        for (key, demand) in secret::demands(checked, name, secret, report) {
            objects.push(secret_object(scope, (name, &key), &demand, secret, &mut files));
        }
    }
    (files, objects)
}

fn external(
    app: &App,
    kind: FileKind,
    (name, labels): (&str, &BTreeMap<String, String>),
    files: &mut Files,
) -> Vec<Object> {
    let word = match kind {
        FileKind::Config => "config",
        FileKind::Secret => "secret",
    };
    let keys = names::keys_in_use(app, kind, name);
    let object = |key: &String| {
        let native = names::external_file_name(names::external_name(name, labels), key, keys.len());
        let id = names::external_id(word, &native);
        files.add(kind, name, key, File { id: id.clone(), name: native.clone() });
        Object { ownership: Ownership::External, ..Object::new(id, serde_json::json!({ "Name": native })) }
    };
    keys.iter().map(object).collect()
}

/// The content of each key of a config, in base64.
fn config_data(name: &str, config: &Config, report: &mut Report) -> Vec<(String, String)> {
    let path = |key: &str| format!("{}.data.{key}", Kind::Config.path(name));
    let mut found = Vec::new();
    for (key, text) in &config.data {
        report.diagnostics.extend(wrong_size(&path(key), text.len()));
        found.push((key.clone(), STANDARD.encode(text)));
    }
    for (key, encoded) in &config.binary {
        let compact: String = encoded.split_whitespace().collect();
        report.diagnostics.extend(wrong_size(&path(key), compact.len() / 4 * 3));
        found.push((key.clone(), compact));
    }
    found
}

fn wrong_size(path: &str, bytes: usize) -> Option<Diagnostic> {
    if bytes == 0 {
        return Some(
            Diagnostic::error(path, "a config of Swarm cannot be empty")
                .why("the engine refuses one without data")
                .remedy("a line break or a comment, where its readers take one"),
        );
    }
    (bytes >= CONFIG_LIMIT).then(|| {
        let what =
            format!("a config of Swarm holds less than 1000 KiB, and this is {} KiB", bytes.div_ceil(1024));
        Diagnostic::error(path, what)
            .why("configs are kept in the managers' own log")
            .remedy("a volume that holds the data, or an image with it inside")
    })
}

fn config_object(
    scope: &Scope,
    (config_name, key): (&str, &str),
    data: &str,
    config: &Config,
    files: &mut Files,
) -> Object {
    let id = ObjectId::new("config", &format!("{config_name}/{key}"));
    let user = text_map(&config.labels);
    let generation = generation(&data.into(), &user);
    let name = names::config_name(scope, config_name, key, &generation);
    files.add(FileKind::Config, config_name, key, File { id: id.clone(), name: name.clone() });
    content_named(scope, id, &name, generation, (user, data.into()))
}

fn secret_object(
    scope: &Scope,
    (secret_name, key): (&str, &str),
    demand: &Value,
    secret: &Secret,
    files: &mut Files,
) -> Object {
    let id = ObjectId::new("secret", &format!("{secret_name}/{key}"));
    let user = text_map(&secret.labels);
    let generation = generation(demand, &user);
    let name = names::secret_name(scope, secret_name, key, &generation);
    files.add(FileKind::Secret, secret_name, key, File { id: id.clone(), name: name.clone() });
    Object { sensitive: true, ..content_named(scope, id, &name, generation, (user, demand.clone())) }
}

/// Which content this is. Labels count: Swarm's objects are made with them once.
fn generation(data: &Value, labels: &Map<String, Value>) -> String {
    let text =
        if labels.is_empty() { data.to_string() } else { format!("{data}{}", Value::Object(labels.clone())) };
    names::hash(text.as_bytes())[..16].to_owned()
}

fn content_named(
    scope: &Scope,
    id: ObjectId,
    name: &str,
    generation: String,
    (mut labels, data): (Map<String, Value>, Value),
) -> Object {
    labels.extend(names::marks(scope, &id));
    labels.insert(names::GENERATION.to_owned(), generation.clone().into());
    let mut body = Body::new();
    body.set("Name", name).set("Labels", labels).set("Data", data);
    Object { generation: Some(generation), ..Object::new(id, body.into_value()) }
}
