//! Parameters and secrets: the configs and secrets that they were made of, and how task definitions name them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::material::Demand;
use rhumb_backend::{Fate, Ownership};
use rhumb_spec::model::{Config, EnvSource, Kind as Word, Sealed, Secret};
use serde_json::Value;

use super::document::Document;
use super::labels;
use super::naming::document_name;
use super::world::World;
use crate::gather::WHOLE;
use crate::secret_string;

/// What a place that a task definition names leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) is_secret: bool,
    pub(super) name: String,
    pub(super) key: String,
}

impl Held {
    /// The source of a variable.
    pub(super) fn source(self) -> EnvSource {
        let Self { is_secret, name, key } = self;
        if is_secret { EnvSource::Secret { name, key } } else { EnvSource::Config { name, key } }
    }
}

/// The configs and secrets, by the names that AWS has for them.
#[derive(Default)]
pub(super) struct Stores {
    parameters: BTreeMap<String, Held>,
    secrets: BTreeMap<String, String>,
    /// Pull secrets, by the names of what was made of them for each registry.
    pulls: BTreeMap<String, String>,
}

impl Stores {
    /// What `valueFrom` of a variable names: a key of a secret, or a parameter.
    ///
    /// Source: Amazon ECS API reference, `Secret.valueFrom`.
    pub(super) fn place(&self, value: &str) -> Option<Held> {
        if let Some((name, rest)) = value.strip_prefix("${").and_then(|rest| rest.split_once('}')) {
            let key = rest.split(':').nth(1).filter(|key| !key.is_empty()).unwrap_or(WHOLE).to_owned();
            return Some(Held { is_secret: true, name: self.secret(name)?, key });
        }
        if let Some((_, rest)) = value.split_once(":secret:") {
            let mut parts = rest.split(':');
            let name = self.secret(parts.next()?)?;
            let key = parts.next().filter(|key| !key.is_empty())?.to_owned();
            return Some(Held { is_secret: true, name, key });
        }
        let name = value.split_once(":parameter").map_or(value, |(_, name)| name);
        self.parameters.get(name).or_else(|| self.parameters.get(name.trim_start_matches('/'))).cloned()
    }

    /// The secret document of a name, which may have the random end that an ARN has.
    fn secret(&self, native: &str) -> Option<String> {
        let stem = native.len().checked_sub(7).and_then(|end| native.get(..end));
        self.secrets.get(native).or_else(|| self.secrets.get(stem?)).cloned()
    }

    /// The pull secret that a registry's credentials were made of.
    pub(super) fn pull(&self, value: &str) -> Option<String> {
        let (_, native) = value.split_once(":secret:")?;
        self.pulls.get(native).cloned().or_else(|| self.secret(native))
    }
}

/// Reads a parameter as a key of a config, or of a secret where it is one.
pub(super) fn parameter(mut document: Document, world: &mut World) {
    let native = document.text_at("/Name").unwrap_or(document.name()).to_owned();
    let is_ours = document.ownership == Ownership::External || native.starts_with("/rhumb/");
    let id = document.name().trim_matches('/').to_owned();
    let parts = if is_ours { id.split_once('/') } else { id.rsplit_once('/') };
    let (of, key) = parts.unwrap_or(("config", &id));
    let (name, key) = (document_name(of), key.to_owned());
    let is_secret = document.text_at("/Type") == Some("SecureString");
    world.stores.parameters.insert(native, Held { is_secret, name: name.clone(), key: key.clone() });
    if document.ownership == Ownership::External {
        world.app.configs.insert(name.clone(), Config { external: true, ..Config::default() });
        document.fields().take_whole("Name");
        return document.finish(&Word::Config.path(&name), world);
    }
    let kind = if is_secret { Word::Secret } else { Word::Config };
    let stable_name = is_ours && document.generation.is_none();
    let mut fields = document.fields();
    let labels = labels::plain(&mut fields);
    fields.own(
        &["Name", "Tier", "Policies", "Overwrite"],
        "a release names what it makes, and chooses its tier",
    );
    fields.take_whole("Type");
    let value = fields.take_whole("Value").unwrap_or_default();
    if is_secret {
        let secret = world.app.secrets.entry(name.clone()).or_default();
        match Demand::parse(&value) {
            Some(Demand::Sealed(id)) => drop(secret.data.insert(key, Sealed::new(id))),
            _ => secret.external = true,
        }
        secret.labels.extend(labels);
    } else {
        let config = world.app.configs.entry(name.clone()).or_default();
        config.stable_name |= stable_name;
        config.labels.extend(labels);
        put(config, key, &value, is_ours);
    }
    document.finish(&kind.path(&name), world);
}

/// Puts what a parameter holds into a config. A release's own hold base64.
fn put(config: &mut Config, key: String, value: &Value, is_ours: bool) {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let bytes = if is_ours { STANDARD.decode(&text).ok() } else { None };
    match bytes.map(String::from_utf8) {
        None => drop(config.data.insert(key, text)),
        Some(Ok(plain)) => drop(config.data.insert(key, plain)),
        Some(Err(_)) => drop(config.binary.insert(key, text)),
    }
}

/// Reads a secret. In the place of its material the body has demands.
pub(super) fn secret(mut document: Document, world: &mut World) {
    let native = document.text_at("/Name").unwrap_or(document.name()).to_owned();
    let string = document.whole.get("SecretString").and_then(Value::as_object).cloned();
    if string.as_ref().is_some_and(|string| string.contains_key(secret_string::REGISTRY)) {
        let pull = document.name().split_once('.').map_or(document.name(), |(pull, _)| pull).to_owned();
        world.stores.pulls.insert(native, pull);
        return document.finish_whole("it is made of the pull secret", Fate::Own, world);
    }
    let name = document_name(document.name());
    world.stores.secrets.insert(native.clone(), name.clone());
    let is_external = document.ownership == Ownership::External;
    let is_ours = native.starts_with("rhumb/");
    let stable_name = is_ours && document.generation.is_none() && !is_external;
    let mut fields = document.fields();
    let mut secret = Secret { stable_name, labels: labels::plain(&mut fields), ..Secret::default() };
    fields.own(&["Name"], "a release names what it makes");
    fields.lose("Description", "a secret of a chart has none");
    fields.lose("KmsKeyId", "a release's secrets have the account's own key");
    if let Some(mut of) = fields.below("SecretString") {
        for key in of.keys() {
            if let Some(demand) = of.take(&key, Demand::parse) {
                add(&mut secret, key, demand);
            }
        }
    } else if let Some(demand) = fields.take("SecretString", Demand::parse) {
        add(&mut secret, WHOLE.to_owned(), demand);
    }
    fields.lose("SecretBinary", "it holds bytes, and the secrets of a chart hold text");
    if secret.keys().next().is_none() {
        // Whoever describes a secret does not see what is in it: it is there, and stays where it is.
        secret = Secret { external: true, ..Secret::default() };
    }
    world.app.secrets.insert(name.clone(), secret);
    document.finish(&Word::Secret.path(&name), world);
}

fn add(secret: &mut Secret, key: String, demand: Demand) {
    match demand {
        Demand::Sealed(id) => drop(secret.data.insert(key, Sealed::new(id))),
        Demand::Generate { how, part: None, .. } => drop(secret.generate.insert(key, how)),
        // The private key of a certificate comes with the certificate.
        Demand::Generate { part: Some(_), .. } => {}
        Demand::Template { text, .. } => drop(secret.template.insert(key, text)),
    }
}
