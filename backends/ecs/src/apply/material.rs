//! Secret material, put where it is demanded.

use rhumb_backend::material::{self, Demand};
use rhumb_backend::{Error, ErrorKind, Materials, Result};
use serde_json::Value;

use crate::kind::Kind;
use crate::secret_string;

/// What errors show in the place of secret material.
const HIDDEN: &str = "(hidden)";
/// The shortest material that is struck out of errors: shorter ones are parts of any text.
const SHORTEST: usize = 4;

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

/// Puts secret material into the request for a secret (see [`secret_string`]). Nothing else takes any.
///
/// # Errors
/// `MaterialMissing`; `Invalid` where material is demanded in a place that is shown, and what [`secret_string::compose`]
/// says.
pub(super) fn fill(kind: Kind, body: &mut Value, materials: &dyn Materials) -> Result<Hidden> {
    let mut hidden = Hidden::default();
    if kind == Kind::Secret
        && let Some(content) = body.get_mut("SecretString")
        && !content.is_string()
    {
        let filled = text(kind, content, materials)?;
        hide(&filled, &mut hidden);
        *content = Value::String(filled);
    }
    if holds_demand(body) {
        let message = "secret material is wanted in a place that anybody who may look can read";
        return Err(Error::new(ErrorKind::Invalid, kind.creating(), message)
            .remedy("take it from a secret, as a variable or as a file"));
    }
    Ok(hidden)
}

/// A secret of a document of the user's own may be one text, and those of the release are composed.
fn text(kind: Kind, content: &Value, materials: &dyn Materials) -> Result<String> {
    let material = match Demand::parse(content) {
        Some(demand) => material::meet(&demand, materials)?,
        None => secret_string::compose(content, materials)?,
    };
    let text = std::str::from_utf8(material.expose()).map_err(|_| {
        Error::new(ErrorKind::Invalid, kind.creating(), "the material is to be text, and is none")
            .remedy("a secret with keys, which may hold any bytes")
    })?;
    Ok(text.to_owned())
}

/// The whole, and each value of it.
fn hide(filled: &str, hidden: &mut Hidden) {
    let composed: Value = serde_json::from_str(filled).unwrap_or_default();
    let values = composed.as_object().into_iter().flatten().filter_map(|(_, value)| value.as_str());
    let texts = values.chain(std::iter::once(filled)).filter(|text| text.len() >= SHORTEST);
    hidden.0.extend(texts.map(ToOwned::to_owned));
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
        assert_eq!((&sent["password"], &sent["key.b64"]), (&json!("canary-value"), &json!("/wA=")));
        let told = Error::new(ErrorKind::Invalid, "make", "the value canary-value (/wA=) is weak");
        assert_eq!(hidden.strike(told).message, "the value (hidden) ((hidden)) is weak");
    }

    #[test]
    fn one_text_may_be_a_secret() {
        let mut body = json!({ "SecretString": Demand::Sealed("text".to_owned()).to_value() });
        fill(Kind::Secret, &mut body, &Given).unwrap();
        assert_eq!(body, json!({ "SecretString": "canary-value" }));
        let mut body = json!({ "SecretString": Demand::Sealed("bytes".to_owned()).to_value() });
        assert_eq!(
            fill(Kind::Secret, &mut body, &Given).err().map(|error| error.kind),
            Some(ErrorKind::Invalid)
        );
    }

    #[test]
    fn nothing_else_takes_material() {
        let demand = Demand::Sealed("text".to_owned()).to_value();
        let refused =
            |kind: Kind, mut body: Value| fill(kind, &mut body, &Given).err().map(|error| error.kind);
        assert_eq!(
            refused(Kind::Parameter, json!({ "Name": "p", "Value": demand })),
            Some(ErrorKind::Invalid)
        );
        let definition = json!({ "containerDefinitions": [{ "environment": [{ "value": demand }] }] });
        assert_eq!(refused(Kind::TaskDefinition, definition), Some(ErrorKind::Invalid));
    }
}
