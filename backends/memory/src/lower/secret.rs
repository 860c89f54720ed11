//! Secrets, one object for each key, so that a change of one key leaves the material of the others where it is.

use rhumb_backend::material::demands;
use rhumb_backend::{CheckedApp, Object, ObjectId, Ownership};
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Kind, Secret};
use serde_json::Value;

use super::{body, document};
use crate::names::{self, hash};

pub(super) fn secret(
    checked: &CheckedApp,
    name: &str,
    secret: &Secret,
) -> Result<Vec<Object>, Vec<Diagnostic>> {
    if secret.external {
        return Ok(vec![document(Kind::Secret, name, secret, Ownership::External)]);
    }
    let address = |workload: &str, port: &str| {
        let exposed = checked.exposed(workload, port)?;
        Some(format!("{workload}:{}", exposed.internal_port.unwrap_or(exposed.port)))
    };
    let mut objects = Vec::new();
    for (key, demand) in demands(name, secret, &address)? {
        let mut object = Object::new(key_id(name, &key), body(Kind::Secret, name, &of_key(secret, &key)));
        if let Value::Object(fields) = &mut object.body {
            fields.insert("key".to_owned(), Value::from(key));
            fields.insert("material".to_owned(), demand.to_value());
        }
        object.sensitive = true;
        object.generation = (!secret.stable_name).then(|| hash(&object.body));
        objects.push(object);
    }
    if objects.is_empty() {
        objects.push(document(Kind::Secret, name, secret, Ownership::Owned));
    }
    Ok(objects)
}

pub(super) fn key_id(secret: &str, key: &str) -> ObjectId {
    names::id(Kind::Secret, &format!("{secret}/{key}"))
}

/// The document with what is said of one key only.
fn of_key(secret: &Secret, key: &str) -> Secret {
    let mut part = Secret { data: [].into(), generate: [].into(), template: [].into(), ..secret.clone() };
    part.data.extend(secret.data.get_key_value(key).map(|(key, sealed)| (key.clone(), sealed.clone())));
    part.generate.extend(secret.generate.get_key_value(key).map(|(key, how)| (key.clone(), how.clone())));
    part.template.extend(secret.template.get_key_value(key).map(|(key, text)| (key.clone(), text.clone())));
    part
}
