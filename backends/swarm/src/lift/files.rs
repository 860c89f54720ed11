//! Configs and secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::material::Demand;
use rhumb_backend::{Lifted, Object, Ownership};
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Config, Sealed, Secret};
use serde_json::Value;

use super::fields::{Reads, text_pairs};
use super::naming::Names;
use crate::names::{self, FileKind};

/// Adds every config and secret to the app.
pub(super) fn lift(objects: &[Object], names: &Names, reads: &Reads, lifted: &mut Lifted) {
    for object in objects {
        let Some(name) = object.body.get("Name").and_then(Value::as_str) else { continue };
        let external = names::external_parts(&object.id);
        let kind = external.map_or(object.id.kind(), |(kind, _)| kind);
        let is_external = external.is_some() || object.ownership == Ownership::External;
        if matches!(kind, "config" | "secret") {
            let fields: &[&str] = if is_external { &["Name"] } else { &["Name", "Labels", "Data"] };
            for field in fields {
                reads.mark(format!("{}.{field}", object.id));
            }
        }
        match kind {
            "config" if is_external => external_config(name, names, lifted),
            "config" => config(object, name, names, lifted),
            "secret" if is_external => external_secret(name, names, lifted),
            "secret" => secret(object, name, names, lifted),
            _ => {}
        }
    }
}

/// The user's labels of an object.
fn labels<T: FromIterator<(String, String)>>(body: &Value) -> T {
    text_pairs(body.get("Labels")).filter(|(key, _)| !names::is_mark(key)).collect()
}

fn config(object: &Object, name: &str, names: &Names, lifted: &mut Lifted) {
    let place = names.file(FileKind::Config, name);
    let encoded = object.body.get("Data").and_then(Value::as_str).unwrap_or_default();
    let document = lifted.app.configs.entry(place.document).or_default();
    document.labels = labels(&object.body);
    match STANDARD.decode(encoded).map(String::from_utf8) {
        Ok(Ok(text)) => document.data.insert(place.key, text),
        _ => document.binary.insert(place.key, encoded.to_owned()),
    };
}

/// Adds a config that exists already.
pub(super) fn external_config(name: &str, names: &Names, lifted: &mut Lifted) {
    let document = names.file(FileKind::Config, name).document;
    let labels = native_name(name, &document);
    lifted.app.configs.insert(document, Config { external: true, labels, ..Config::default() });
}

/// Adds a secret that exists already.
pub(super) fn external_secret(name: &str, names: &Names, lifted: &mut Lifted) {
    let document = names.file(FileKind::Secret, name).document;
    let labels = native_name(name, &document);
    lifted.app.secrets.insert(document, Secret { external: true, labels, ..Secret::default() });
}

/// The label that says an external document's name on the swarm, where it is another.
pub(super) fn native_name<T: FromIterator<(String, String)>>(name: &str, document: &str) -> T {
    (name != document).then(|| (names::NATIVE_NAME.to_owned(), name.to_owned())).into_iter().collect()
}

/// A secret whose demand for material is still known is what it was. Of any other the material cannot be read, so it
/// becomes one that exists already.
fn secret(object: &Object, name: &str, names: &Names, lifted: &mut Lifted) {
    let place = names.file(FileKind::Secret, name);
    let Some(demand) = object.body.get("Data").and_then(Demand::parse) else {
        external_secret(name, names, lifted);
        let what = "the secret's material is not carried over";
        let note = Diagnostic::note(object.id.as_str(), what)
            .why("Swarm never shows it")
            .remedy("`data` or `generate` in the lifted document, in place of `external`");
        lifted.notes.push(note);
        return;
    };
    let document = lifted.app.secrets.entry(place.document).or_default();
    document.labels = labels(&object.body);
    match demand {
        Demand::Sealed(id) => {
            document.data.insert(place.key, Sealed::new(id));
        }
        Demand::Generate { how, part: None, .. } => {
            document.generate.insert(place.key, how);
        }
        // The private key of a certificate comes with the certificate.
        Demand::Generate { part: Some(_), .. } => {}
        Demand::Template { text, .. } => {
            document.template.insert(place.key, text);
        }
    }
}
