//! Objects as the documents of an app.

use rhumb_backend::{Lifted, Object, Ownership};
use rhumb_spec::model::{Kind, Native, Secret, Workload};
use rhumb_spec::{App, Diagnostic};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::lower::{CHECKSUMS, USES};
use crate::names::EXTERNAL;

/// Turns objects back into an app. What an object does not say in its document, such as references, is left out
/// without a note, as it follows from the rest.
pub(crate) fn lift(objects: &[Object]) -> Lifted {
    let mut lifted = Lifted::default();
    for object in objects {
        if let Err(why) = lift_one(&mut lifted.app, object) {
            lifted.notes.push(Diagnostic::note(object.id.as_str(), "the object is no document").why(why));
        }
    }
    lifted
}

fn lift_one(app: &mut App, object: &Object) -> Result<(), String> {
    let kind = if object.id.kind() == EXTERNAL {
        object.id.name().split('/').next().unwrap_or_default()
    } else {
        object.id.kind()
    };
    let kind = Kind::ALL.into_iter().find(|known| known.prefix() == kind).ok_or("its kind is unknown")?;
    if kind == Kind::Native {
        let native = Native { platform: crate::NAME.to_owned(), manifest: object.body.clone() };
        app.natives.insert(object.id.name().to_owned(), native);
        return Ok(());
    }
    let (name, mut fields) = document(&object.body)?;
    if object.ownership == Ownership::External {
        fields.insert("external".to_owned(), Value::Bool(true));
    }
    match kind {
        Kind::Workload => drop(app.workloads.insert(name, read(fields)?)),
        Kind::Config => drop(app.configs.insert(name, read(fields)?)),
        Kind::Secret => merge(app.secrets.entry(name).or_default(), read(fields)?),
        Kind::Volume => drop(app.volumes.insert(name, read(fields)?)),
        Kind::Network => drop(app.networks.insert(name, read(fields)?)),
        Kind::Route => drop(app.routes.insert(name, read(fields)?)),
        Kind::Native => {}
    }
    Ok(())
}

/// The name and the document's own fields.
fn document(body: &Value) -> Result<(String, Map<String, Value>), String> {
    let mut fields = body.as_object().ok_or("its body is no mapping")?.clone();
    for own in ["kind", "key", "material", USES, CHECKSUMS] {
        fields.shift_remove(own);
    }
    let name = fields.shift_remove("name");
    let name = name.as_ref().and_then(Value::as_str).ok_or("its body has no name")?.to_owned();
    Ok((name, fields))
}

fn read<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(fields)).map_err(|error| error.to_string())
}

/// Puts the keys of one part of a secret beside those of the others.
fn merge(secret: &mut Secret, part: Secret) {
    let Secret { data, generate, template, .. } = std::mem::take(secret);
    *secret = part;
    secret.data = data.into_iter().chain(std::mem::take(&mut secret.data)).collect();
    secret.generate = generate.into_iter().chain(std::mem::take(&mut secret.generate)).collect();
    secret.template = template.into_iter().chain(std::mem::take(&mut secret.template)).collect();
}

/// The workload that an object runs, when it runs one.
pub(crate) fn workload_of(object: &Object) -> Option<Workload> {
    object.workload.as_ref()?;
    document(&object.body).and_then(|(_, fields)| read(fields)).ok()
}
