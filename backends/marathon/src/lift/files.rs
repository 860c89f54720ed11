//! Secrets and configs: entries of the store, and how documents speak of them.

use std::collections::BTreeMap;

use rhumb_backend::Object;
use rhumb_backend::fields::Fields;
use rhumb_backend::material::Demand;
use rhumb_spec::model::{Config, Kind as Neutral, Sealed, Secret};
use serde_json::Value;

use super::World;
use super::document::Document;
use super::naming::document_name;
use crate::kind::Kind;

/// What the name of a config's entry begins with, in the `secrets` of a document.
const CONFIG: &str = "config/";

/// A key of a config or secret of the app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) kind: Kind,
    pub(super) document: String,
    pub(super) key: String,
}

/// The entries that are among the objects, by their path in the store.
#[derive(Default)]
pub(super) struct Store(BTreeMap<String, Place>);

impl Store {
    pub(super) fn new(objects: &[Object]) -> Self {
        let place = |object: &Object| {
            let kind = Kind::of(&object.id).filter(|kind| matches!(kind, Kind::Secret | Kind::Config))?;
            let path = object.body.get("path").and_then(Value::as_str)?;
            let (document, key) = object.id.name().split_once('/')?;
            Some((path.to_owned(), Place { kind, document: document.to_owned(), key: key.to_owned() }))
        };
        Self(objects.iter().filter_map(place).collect())
    }
}

/// Adds an entry of the store to its config or secret.
pub(super) fn lift(mut document: Document, world: &mut World) {
    let (kind, id) = (Kind::of(&document.id), document.id.clone());
    let Some((name, key)) = id.name().split_once('/') else {
        return document.finish_whole("it has no key", rhumb_backend::Fate::Lost, world);
    };
    let is_external = document.whole.get("value").is_none();
    let value = document.whole.get("value").cloned().unwrap_or_default();
    document.fields().own(&["path"], "a release says where its entries are");
    let path = if kind == Some(Kind::Config) {
        let config = world.app.configs.entry(name.to_owned()).or_default();
        config.external = is_external;
        if let Some(text) = value.as_str() {
            config.data.insert(key.to_owned(), text.to_owned());
        }
        Neutral::Config.path(name)
    } else {
        let secret = world.app.secrets.entry(name.to_owned()).or_default();
        secret.external = is_external;
        if let Some(demand) = Demand::parse(&value) {
            add(secret, key, demand);
        }
        Neutral::Secret.path(name)
    };
    document.finish_carried(path, world);
}

fn add(secret: &mut Secret, key: &str, demand: Demand) {
    match demand {
        Demand::Sealed(id) => drop(secret.data.insert(key.to_owned(), Sealed::new(id))),
        Demand::Generate { how, part: None, .. } => drop(secret.generate.insert(key.to_owned(), how)),
        // The private key of a certificate comes with the certificate.
        Demand::Generate { part: Some(_), .. } => {}
        Demand::Template { text, .. } => drop(secret.template.insert(key.to_owned(), text)),
    }
}

/// What a document's own name for an entry stands for: a key that is among the objects, or one that exists already at
/// `NAME/KEY` of the store. Other paths have no word.
pub(super) fn place(whole: &Value, name: &str, world: &mut World) -> Option<Place> {
    let source =
        whole.get("secrets").or_else(|| whole.pointer("/run/secrets"))?.get(name)?.get("source")?.as_str()?;
    if let Some(place) = world.store.0.get(source) {
        return Some(place.clone());
    }
    let (document, key) = source.split_once('/')?;
    let is_plain = document_name(document) == document && !key.is_empty() && !key.contains('/');
    let kind = if name.starts_with(CONFIG) { Kind::Config } else { Kind::Secret };
    if !is_plain {
        return None;
    }
    let is_known = if kind == Kind::Config {
        let new = || Config { external: true, ..Config::default() };
        world.app.configs.entry(document.to_owned()).or_insert_with(new).external
    } else {
        let new = || Secret { external: true, ..Secret::default() };
        world.app.secrets.entry(document.to_owned()).or_insert_with(new).external
    };
    is_known.then(|| Place { kind, document: document.to_owned(), key: key.to_owned() })
}

/// What stands for an entry at any other path of the store: of `/prod/shop/password` the key `password` of the secret
/// `prod-shop`, which exists already. On Marathon its path stays, so that what speaks of it is not taken.
pub(super) fn elsewhere(whole: &Value, name: &str, world: &mut World) -> Option<Place> {
    let entries = whole.get("secrets").or_else(|| whole.pointer("/run/secrets"))?;
    let source = entries.get(name)?.get("source")?.as_str()?.trim_matches('/');
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/');
    if source.is_empty() || !source.bytes().all(is_legal) {
        return None;
    }
    let (path, key) = source.rsplit_once('/').unwrap_or((source, "value"));
    let document = document_name(path);
    let new = || Secret { external: true, ..Secret::default() };
    let is_known = world.app.secrets.entry(document.clone()).or_insert_with(new).external;
    is_known.then(|| Place { kind: Kind::Secret, document, key: key.to_owned() })
}

/// Takes the entries that a document spoke of, once all that speaks of them was read.
pub(super) fn take_used(fields: &mut Fields<'_>, used: &[String]) {
    let Some(mut secrets) = fields.below("secrets") else { return };
    for name in used {
        secrets.take_whole(name);
    }
}

/// The name by which a pull configuration speaks of the registry's credentials, where the app can have them.
pub(super) fn pull_secret(whole: &Value, name: &str, world: &mut World) -> Option<String> {
    let place = place(whole, name, world)?;
    (place.kind == Kind::Secret && place.key == ".dockerconfigjson").then_some(place.document)
}
