//! Secret material, put where it is demanded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::material::{self, Demand};
use rhumb_backend::{Error, ErrorKind, Materials, Result};
use serde_json::{Map, Value};

use crate::kind::Kind;

/// What errors show in the place of secret material.
const HIDDEN: &str = "(hidden)";
/// The shortest material that is struck out of errors: shorter ones are parts of any text.
const SHORTEST: usize = 4;
/// What is put behind the key of what is no text.
const BASE64: &str = ".b64";

/// Secret texts that were sent, so that a service which tells them back does so in vain.
#[derive(Default)]
pub(super) struct Hidden(Vec<String>);

impl Hidden {
    /// The error without these texts.
    pub(super) fn strike(&self, mut error: Error) -> Error {
        for secret in &self.0 {
            error.message = error.message.replace(secret, HIDDEN);
        }
        error
    }
}

/// Puts secret material into the request for a secret: a JSON object of its keys, with what is no text as base64 under
/// `<key>.b64`. Nothing else takes any.
///
/// # Errors
/// `MaterialMissing`; `Invalid` where material is demanded in a place that is shown.
pub(super) fn fill(kind: Kind, body: &mut Value, materials: &dyn Materials) -> Result<Hidden> {
    let mut hidden = Hidden::default();
    if kind == Kind::Secret
        && let Some(content) = body.get_mut("SecretString")
    {
        let filled = match content.take() {
            Value::Object(keys) if Demand::parse(&Value::Object(keys.clone())).is_none() => {
                entries(keys, materials, &mut hidden)?
            }
            demanded => single(&demanded, materials, &mut hidden)?,
        };
        *content = Value::String(filled);
    }
    if holds_demand(body) {
        let message = "secret material is wanted in a place that anybody who may look can read";
        return Err(Error::new(ErrorKind::Invalid, kind.creating(), message)
            .remedy("take it from a secret, as a variable or as a file"));
    }
    Ok(hidden)
}

fn entries(keys: Map<String, Value>, materials: &dyn Materials, hidden: &mut Hidden) -> Result<String> {
    let mut filled = Map::new();
    for (key, value) in keys {
        let Some(demand) = Demand::parse(&value) else {
            filled.insert(key, value);
            continue;
        };
        let material = material::meet(&demand, materials)?;
        let bytes = material.expose();
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                hide(text, hidden);
                filled.insert(key, text.into());
            }
            Err(_) => {
                let text = STANDARD.encode(bytes);
                hide(&text, hidden);
                filled.insert(format!("{key}{BASE64}"), text.into());
            }
        }
    }
    let whole = Value::Object(filled).to_string();
    hide(&whole, hidden);
    Ok(whole)
}

/// The whole of a secret that is no mapping: text as it is.
fn single(content: &Value, materials: &dyn Materials, hidden: &mut Hidden) -> Result<String> {
    let Some(demand) = Demand::parse(content) else {
        return Ok(content.as_str().map_or_else(|| content.to_string(), ToOwned::to_owned));
    };
    let material = material::meet(&demand, materials)?;
    let text = match std::str::from_utf8(material.expose()) {
        Ok(text) => text.to_owned(),
        Err(_) => STANDARD.encode(material.expose()),
    };
    hide(&text, hidden);
    Ok(text)
}

fn hide(text: &str, hidden: &mut Hidden) {
    if text.len() >= SHORTEST {
        hidden.0.push(text.to_owned());
    }
}

fn holds_demand(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(holds_demand),
        Value::Object(map) => map.contains_key(material::KEY) || map.values().any(holds_demand),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rhumb_backend::Material;
    use rhumb_spec::model::Generate;
    use serde_json::json;

    use super::*;

    struct Given;

    impl Materials for Given {
        fn sealed(&self, id: &str) -> Result<Material> {
            Ok(Material::new(if id == "bytes" { vec![0xff, 0x00] } else { b"canary-value".to_vec() }))
        }

        fn generated(&self, _: &str, _: &Generate, _: Option<&str>) -> Result<Material> {
            Err(Error::new(ErrorKind::MaterialMissing, "make it", "nobody has it"))
        }
    }

    #[test]
    fn material_goes_into_secrets_and_into_no_error() {
        let demand = |id: &str| Demand::Sealed(id.to_owned()).to_value();
        let mut body =
            json!({ "Name": "s", "SecretString": { "password": demand("text"), "key": demand("bytes") } });
        let hidden = fill(Kind::Secret, &mut body, &Given).unwrap();
        let sent: Value = serde_json::from_str(body["SecretString"].as_str().unwrap()).unwrap();
        assert_eq!(sent, json!({ "password": "canary-value", "key.b64": "/wA=" }));
        let told = Error::new(ErrorKind::Invalid, "make", "the value canary-value (/wA=) is weak");
        assert_eq!(hidden.strike(told).message, "the value (hidden) ((hidden)) is weak");
    }

    #[test]
    fn nothing_else_takes_material() {
        let demand = Demand::Sealed("text".to_owned()).to_value();
        let mut parameter = json!({ "Name": "p", "Value": demand });
        assert_eq!(
            fill(Kind::Parameter, &mut parameter, &Given).err().map(|error| error.kind),
            Some(ErrorKind::Invalid)
        );
        let mut definition = json!({ "containerDefinitions": [{ "environment": [{ "value": demand }] }] });
        let refused = fill(Kind::TaskDefinition, &mut definition, &Given).err().map(|error| error.kind);
        assert_eq!(refused, Some(ErrorKind::Invalid));
    }
}
