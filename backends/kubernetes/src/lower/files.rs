//! Configs and secrets: a `ConfigMap` or `Secret` each, named by its content unless it is to keep its name.

use std::collections::BTreeMap;

use rhumb_backend::{CheckedApp, Object, ObjectId, Ownership, Scope, material};
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Config, Kind, Secret};
use serde_json::{Map, Value, json};

use super::body::{Body, text_map};
use super::{Context, Report, labels, network};
use crate::names;

/// The most that the keys of a `ConfigMap` or `Secret` may hold together, in bytes.
///
/// Source: Kubernetes API reference, `ConfigMap.data` and `Secret.data`: 1 MiB, as etcd's requests are bounded.
const LIMIT: usize = 1 << 20;

/// What a document with files becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum FileKind {
    ConfigMap,
    Secret,
}

/// What pods refer to for a config or secret.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub(super) id: ObjectId,
    /// Its name in the cluster.
    pub(super) name: String,
    /// The hash of what it holds, where the name does not say it.
    pub(super) content: Option<String>,
    data: Map<String, Value>,
    generation: Option<String>,
}

/// Every config and secret, by the document's name.
pub(super) struct Files(BTreeMap<(FileKind, String), Held>);

impl Files {
    /// Finds out what each config and secret holds, and from that its name.
    pub(super) fn of(checked: &CheckedApp, scope: &Scope, report: &mut Report) -> Self {
        let mut found = BTreeMap::new();
        for (name, config) in &checked.app().configs {
            let data = config_data(name, config, report);
            let shape = Shape::of(config.external, config.stable_name);
            found.insert((FileKind::ConfigMap, name.clone()), held(FileKind::ConfigMap, name, data, shape));
        }
        for (name, secret) in &checked.app().secrets {
            let data = secret_data(checked, scope, (name, secret), report);
            let shape = Shape::of(secret.external, secret.stable_name);
            found.insert((FileKind::Secret, name.clone()), held(FileKind::Secret, name, data, shape));
        }
        Self(found)
    }

    pub(super) fn find(&self, kind: FileKind, name: &str) -> Option<&Held> {
        self.0.get(&(kind, name.to_owned()))
    }
}

/// Where the name of a document's object comes from.
#[derive(Clone, Copy)]
enum Shape {
    External,
    Stable,
    Content,
}

impl Shape {
    const fn of(external: bool, stable: bool) -> Self {
        match (external, stable) {
            (true, _) => Self::External,
            (false, true) => Self::Stable,
            (false, false) => Self::Content,
        }
    }
}

fn held(kind: FileKind, name: &str, data: Map<String, Value>, shape: Shape) -> Held {
    let word = match kind {
        FileKind::ConfigMap => "configmap",
        FileKind::Secret => "secret",
    };
    let hash = names::content_hash(&Value::Object(data.clone()));
    let id = ObjectId::new(word, name);
    let (native, content, generation) = match shape {
        Shape::External => (name.to_owned(), None, None),
        Shape::Stable => (name.to_owned(), Some(hash), None),
        Shape::Content => (names::content_name(name, &hash), None, Some(hash)),
    };
    Held { id, name: native, content, data, generation }
}

/// `data` and `binaryData` of a config.
fn config_data(name: &str, config: &Config, report: &mut Report) -> Map<String, Value> {
    let binary: BTreeMap<String, String> =
        config.binary.iter().map(|(key, text)| (key.clone(), text.split_whitespace().collect())).collect();
    let bytes: usize = config.data.values().map(String::len).sum::<usize>()
        + binary.values().map(|text| text.trim_end_matches('=').len() * 3 / 4).sum::<usize>();
    if bytes > LIMIT {
        report.refuse(
            Diagnostic::error(
                Kind::Config.path(name),
                format!(
                    "a config of Kubernetes holds at most 1024 KiB, and this is {} KiB",
                    bytes.div_ceil(1024)
                ),
            )
            .why("a ConfigMap is one entry of the cluster's database")
            .remedy("several configs, a volume that holds the data, or an image with it inside"),
        );
    }
    let mut body = Body::new();
    body.set_filled("data", text_map(&config.data)).set_filled("binaryData", text_map(&binary));
    match body.into_value() {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// `type` and `data` of a secret, whose values are demands.
fn secret_data(
    checked: &CheckedApp,
    scope: &Scope,
    (name, secret): (&str, &Secret),
    report: &mut Report,
) -> Map<String, Value> {
    let address = |workload: &str, port: &str| {
        network::address(checked, scope, workload, port).map(|(host, number)| format!("{host}:{number}"))
    };
    let demands = material::demands(name, secret, &address).unwrap_or_else(|diagnostics| {
        report.refuse_all(diagnostics);
        Vec::new()
    });
    let data: Map<String, Value> =
        demands.into_iter().map(|(key, demand)| (key, demand.to_value())).collect();
    let mut fields = Map::new();
    let keys: Vec<&str> = data.keys().map(String::as_str).collect();
    if let Some(kind) = secret_type(&keys) {
        fields.insert("type".to_owned(), kind.into());
    }
    fields.insert("data".to_owned(), data.into());
    fields
}

/// The type that the keys make of a secret; none for the usual `Opaque`.
///
/// Source: Kubernetes documentation, "Types of Secret": both types want these keys.
pub(crate) fn secret_type(keys: &[&str]) -> Option<&'static str> {
    if keys == [".dockerconfigjson"] {
        return Some("kubernetes.io/dockerconfigjson");
    }
    (keys.contains(&"tls.crt") && keys.contains(&"tls.key")).then_some("kubernetes.io/tls")
}

/// The objects that the app's configs and secrets become.
pub(super) fn objects(context: &Context<'_>, report: &mut Report) -> Vec<Object> {
    let mut objects = Vec::new();
    for (name, config) in &context.app.configs {
        labels::check(&config.labels, &format!("{}.labels", Kind::Config.path(name)), report);
        objects.extend(object(context, (FileKind::ConfigMap, name), (config.external, &config.labels)));
    }
    for (name, secret) in &context.app.secrets {
        labels::check(&secret.labels, &format!("{}.labels", Kind::Secret.path(name)), report);
        objects.extend(object(context, (FileKind::Secret, name), (secret.external, &secret.labels)));
    }
    objects
}

fn object(
    context: &Context<'_>,
    (kind, name): (FileKind, &str),
    (is_external, user): (bool, &BTreeMap<String, String>),
) -> Option<Object> {
    let held = context.files.find(kind, name)?;
    let word = match kind {
        FileKind::ConfigMap => "ConfigMap",
        FileKind::Secret => "Secret",
    };
    if is_external {
        return Some(external(context.scope, &held.id, ("v1", word), &held.name));
    }
    let mut annotations = Map::new();
    if let Some(generation) = &held.generation {
        annotations.insert(names::OBJECT.to_owned(), held.id.as_str().into());
        annotations.insert(names::GENERATION.to_owned(), generation.clone().into());
    }
    if let Some(content) = &held.content {
        annotations.insert(names::CONTENT.to_owned(), content.clone().into());
    }
    let metadata = labels::metadata(context, (&held.name, name), user, annotations);
    let mut body = Body::document("v1", word, metadata);
    body.set_true("immutable", held.generation.is_some());
    for (key, value) in &held.data {
        body.set(key, value.clone());
    }
    Some(Object {
        generation: held.generation.clone(),
        sensitive: kind == FileKind::Secret,
        ..Object::new(held.id.clone(), body.into_value())
    })
}

/// An object that must be there already.
pub(super) fn external(
    scope: &Scope,
    id: &ObjectId,
    (api_version, kind): (&str, &str),
    name: &str,
) -> Object {
    let body = json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": { "name": name, "namespace": scope.namespace },
    });
    Object { ownership: Ownership::External, ..Object::new(id.clone(), body) }
}
