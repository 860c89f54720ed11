//! Config maps and secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::Ownership;
use rhumb_backend::material::Demand;
use rhumb_spec::model::{Config, Kind, Sealed, Secret};
use serde_json::Value;

use super::document::Document;
use super::labels;
use super::naming::{document_of, is_ours};
use super::world::World;
use rhumb_backend::fields::Fields;

/// Names the documents of all config maps and secrets, so that they are known before anything refers to them.
pub(super) fn name(documents: &[Document], world: &mut World) {
    for document in documents {
        let wanted = document_of(&document.whole, &document.name).to_owned();
        let names = match document.word.as_str() {
            "configmap" => &mut world.configs,
            "secret" => &mut world.secrets,
            _ => continue,
        };
        names.add(&document.name, &wanted);
    }
}

/// Adds the config of a config map.
pub(super) fn config(mut document: Document, world: &mut World) {
    let Some(name) = world.configs.get(&document.name).cloned() else { return };
    let path = Kind::Config.path(&name);
    if document.ownership == Ownership::External {
        world.app.configs.insert(name, Config { external: true, ..Config::default() });
        document.take_head();
        return document.finish(path, world);
    }
    let stable_name = keeps_name(&document, &name);
    document.take_head();
    let mut fields = document.fields();
    let mut config = Config { stable_name, labels: labels::of_object(&mut fields), ..Config::default() };
    if let Some(mut data) = fields.below("data") {
        for key in data.keys() {
            config.data.extend(data.text(&key).map(|text| (key, text)));
        }
    }
    if let Some(mut data) = fields.below("binaryData") {
        for key in data.keys() {
            let read = |value: &Value| Some(value.as_str()?.split_whitespace().collect::<String>());
            let is_bytes = |text: &String| STANDARD.decode(text).is_ok();
            let bytes = data.take(&key, |value| read(value).filter(is_bytes));
            config.binary.extend(bytes.map(|bytes| (key, bytes)));
        }
    }
    immutable(&mut fields, stable_name);
    world.app.configs.insert(name, config);
    document.finish(path, world);
}

/// An object that is named by its content cannot change, so that it need not be said.
fn immutable(fields: &mut Fields<'_>, stable_name: bool) {
    if stable_name {
        fields.lose("immutable", "an object that keeps its name follows its content");
    } else {
        fields.own(&["immutable"], "an object that is named by its content never changes");
    }
}

/// Whether an object of ours bears its document's name. Those of others get names by their content.
fn keeps_name(document: &Document, name: &str) -> bool {
    is_ours(&document.whole) && document.name == name
}

/// Adds the secret of a secret. In the place of its material the body has demands.
pub(super) fn secret(mut document: Document, world: &mut World) {
    let Some(name) = world.secrets.get(&document.name).cloned() else { return };
    let path = Kind::Secret.path(&name);
    let type_of = document.text_at("/type").unwrap_or("Opaque").to_owned();
    if document.ownership == Ownership::External {
        world.app.secrets.insert(name, Secret { external: true, ..Secret::default() });
        document.take_head();
        return document.finish(path, world);
    }
    let stable_name = keeps_name(&document, &name);
    document.take_head();
    let mut fields = document.fields();
    let mut secret = Secret { stable_name, labels: labels::of_object(&mut fields), ..Secret::default() };
    for group in ["data", "stringData"] {
        let Some(mut data) = fields.below(group) else { continue };
        for key in data.keys() {
            if let Some(demand) = data.take(&key, Demand::parse) {
                add(&mut secret, key, demand);
            } else {
                data.lose(&key, "it holds bytes, and the secrets of a chart hold text");
            }
        }
    }
    let implied = secret_type(&secret);
    let has_implied = type_of == implied;
    if has_implied || type_of == "Opaque" {
        fields.take_whole("type");
    }
    immutable(&mut fields, stable_name);
    fields.lose("type", "a secret's type follows from its keys");
    if secret.keys().next().is_none() {
        // A secret without keys is none of the app's; whatever refers to it must find it there.
        secret.external = true;
        secret.stable_name = false;
        secret.labels.clear();
    }
    world.app.secrets.insert(name, secret);
    document.finish(path, world);
}

fn add(secret: &mut Secret, key: String, demand: Demand) {
    match demand {
        Demand::Sealed(id) => {
            secret.data.insert(key, Sealed::new(id));
        }
        Demand::Generate { how, part: None, .. } => {
            secret.generate.insert(key, how);
        }
        // The private key of a certificate comes with the certificate.
        Demand::Generate { part: Some(_), .. } => {}
        Demand::Template { text, .. } => {
            secret.template.insert(key, text);
        }
    }
}

/// The type that a secret with these keys gets.
fn secret_type(secret: &Secret) -> &'static str {
    let has = |wanted: &str| secret.keys().any(|key| key == wanted);
    let count = secret.keys().count();
    match count {
        1 if has(".dockerconfigjson") => "kubernetes.io/dockerconfigjson",
        _ if has("tls.crt") && has("tls.key") => "kubernetes.io/tls",
        _ => "Opaque",
    }
}

/// Keeps the names of those configs and secrets that something refers to which is passed through as it is.
pub(super) fn keep_names(world: &mut World, natives: &[String]) {
    let is_named = |names: &super::naming::Names, document: &str| {
        natives.iter().any(|text| names.get(text).is_some_and(|name| name == document) && text == document)
    };
    for (name, config) in &mut world.app.configs {
        config.stable_name |= !config.external && is_named(&world.configs, name);
    }
    for (name, secret) in &mut world.app.secrets {
        secret.stable_name |= !secret.external && is_named(&world.secrets, name);
    }
}

/// Every text in a value.
pub(super) fn texts_in(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts_in(item, found)),
        Value::Object(map) => map.values().for_each(|value| texts_in(value, found)),
        _ => {}
    }
}
