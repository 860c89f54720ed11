//! The documents of an app as objects.
//!
//! A body is the document itself with its `kind` and `name`. A workload's has two fields more: `uses`, references to
//! every object that its containers need, and `checksums`, by which a change of an object that keeps its name rolls
//! its users. A secret is one object for each key.

mod secret;
mod workload;

use rhumb_backend::{CheckedApp, Choices, Lowered, Object, Ownership};
use rhumb_spec::model::{Config, Kind, Native};
use rhumb_spec::{App, Diagnostic};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::names::{self, hash};
pub(crate) use workload::{CHECKSUMS, USES};

/// Turns an app into objects, in the order of their kinds.
///
/// # Errors
/// Secrets whose templates cannot be composed, behaviours that nobody knows, fields that collide with this backend's
/// own, and patches of kinds that there are not.
pub(crate) fn lower(checked: &CheckedApp, choices: &Choices) -> Result<Lowered, Vec<Diagnostic>> {
    let app = checked.app();
    let mut objects = Vec::new();
    let mut diagnostics = Vec::new();
    objects.extend(app.configs.iter().map(|(name, document)| config(name, document)));
    for (name, document) in &app.secrets {
        match secret::secret(checked, name, document) {
            Ok(found) => objects.extend(found),
            Err(found) => diagnostics.extend(found),
        }
    }
    objects.extend(plain_documents(app));
    for (name, document) in &app.workloads {
        match workload::workload(app, name, document, &objects) {
            Ok(object) => objects.push(object),
            Err(found) => diagnostics.extend(found),
        }
    }
    if diagnostics.is_empty() {
        return Ok(Lowered { objects, losses: Vec::new(), choices: choices.clone() });
    }
    Err(diagnostics)
}

/// Documents that become one object each, of their own name.
fn plain_documents(app: &App) -> Vec<Object> {
    let mut objects = Vec::new();
    for (name, volume) in &app.volumes {
        let owned = if volume.is_kept() { Ownership::Kept } else { Ownership::Owned };
        objects.push(document(
            Kind::Volume,
            name,
            volume,
            if volume.external { Ownership::External } else { owned },
        ));
    }
    for (name, network) in &app.networks {
        let ownership = if network.external { Ownership::External } else { Ownership::Owned };
        objects.push(document(Kind::Network, name, network, ownership));
    }
    objects
        .extend(app.routes.iter().map(|(name, route)| document(Kind::Route, name, route, Ownership::Owned)));
    objects.extend(
        app.natives.iter().map(|(name, Native { manifest, .. })| {
            Object::new(names::id(Kind::Native, name), manifest.clone())
        }),
    );
    objects
}

fn config(name: &str, config: &Config) -> Object {
    let ownership = if config.external { Ownership::External } else { Ownership::Owned };
    let mut object = document(Kind::Config, name, config, ownership);
    if !config.external && !config.stable_name {
        object.generation = Some(hash(&object.body));
    }
    object
}

fn document(kind: Kind, name: &str, document: &impl Serialize, ownership: Ownership) -> Object {
    let id =
        if ownership == Ownership::External { names::external(kind, name) } else { names::id(kind, name) };
    Object { ownership, ..Object::new(id, body(kind, name, document)) }
}

/// The document with its kind and name before its fields.
fn body(kind: Kind, name: &str, document: &impl Serialize) -> Value {
    let mut body = Map::new();
    body.insert("kind".to_owned(), Value::from(kind.as_str()));
    body.insert("name".to_owned(), Value::from(name));
    // Documents came from JSON or YAML, so they go back to it, and as mappings.
    if let Ok(Value::Object(fields)) = serde_json::to_value(document) {
        body.extend(fields);
    }
    Value::Object(body)
}
