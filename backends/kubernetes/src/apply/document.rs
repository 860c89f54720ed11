//! The document to send, with its secret material.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::material::{self, Demand};
use rhumb_backend::{Action, Error, ErrorKind, Materials, Result, Step};
use serde_json::{Map, Value};

use crate::change::is_below;
use crate::connect::{Call, Cluster};

/// What errors show instead of secret material.
const HIDDEN: &str = "(hidden)";
/// The shortest material that is struck out of errors: shorter ones are parts of any text.
const SHORTEST: usize = 4;

/// A document with its secret material.
pub(super) struct Filled {
    pub(super) body: Value,
    pub(super) hidden: Hidden,
}

/// Secret texts that were sent, so that a server which tells them back does so in vain.
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

/// The step's document with every demand for material met. Where an update leaves a Secret's data as they are and
/// nobody has the material any more, what is in the cluster goes along.
///
/// # Errors
/// `MaterialMissing`; `Invalid` when material is asked for as text and is none.
pub(super) async fn filled(
    cluster: &Cluster,
    step: &Step,
    path: &str,
    materials: &dyn Materials,
) -> Result<Filled> {
    let mut filled = Filled { body: step.object.body.clone(), hidden: Hidden::default() };
    match fill(&mut filled.body, materials, &mut filled.hidden) {
        Err(error) if error.kind == ErrorKind::MaterialMissing && keeps_data(step) => {}
        Err(error) => return Err(error),
        Ok(()) => return Ok(filled),
    }
    filled.body = step.object.body.clone();
    let live: Value = cluster.json(Call::get("read the Secret", path)).await?;
    let data = live.get("data").and_then(Value::as_object).cloned().unwrap_or_default();
    retain(&mut filled.body, &data, materials, &mut filled.hidden)?;
    Ok(filled)
}

/// Whether an update changes nothing of what a Secret holds.
fn keeps_data(step: &Step) -> bool {
    let is_of_data = |path: &str| {
        ["data", "stringData", "type"].iter().any(|prefix| is_below(path, prefix))
            || path.ends_with(crate::names::CONTENT)
    };
    step.id.kind() == "secret"
        && step.action == Action::Update
        && !step.changes.is_empty()
        && !step.changes.iter().any(|change| is_of_data(&change.path))
}

fn retain(
    body: &mut Value,
    data: &Map<String, Value>,
    materials: &dyn Materials,
    hidden: &mut Hidden,
) -> Result<()> {
    for (key, value) in body.get_mut("data").and_then(Value::as_object_mut).into_iter().flatten() {
        match data.get(key) {
            Some(kept) => *value = kept.clone(),
            None => fill(value, materials, hidden)?,
        }
    }
    Ok(())
}

fn fill(value: &mut Value, materials: &dyn Materials, hidden: &mut Hidden) -> Result<()> {
    if let Some(demand) = Demand::parse(value) {
        *value = encoded(material::meet(&demand, materials)?.expose(), hidden);
        return Ok(());
    }
    match value {
        Value::Object(map) => map.iter_mut().try_for_each(|(key, value)| match key.as_str() {
            "stringData" => texts(value, materials, hidden),
            _ => fill(value, materials, hidden),
        }),
        Value::Array(items) => items.iter_mut().try_for_each(|item| fill(item, materials, hidden)),
        _ => Ok(()),
    }
}

fn encoded(bytes: &[u8], hidden: &mut Hidden) -> Value {
    let text = STANDARD.encode(bytes);
    if bytes.len() >= SHORTEST {
        hidden.0.push(text.clone());
        hidden.0.extend(String::from_utf8(bytes.to_vec()));
    }
    Value::String(text)
}

/// Meets demands in what is given as text.
fn texts(map: &mut Value, materials: &dyn Materials, hidden: &mut Hidden) -> Result<()> {
    for (key, value) in map.as_object_mut().into_iter().flatten() {
        let Some(demand) = Demand::parse(value) else { continue };
        let material = material::meet(&demand, materials)?;
        let text = std::str::from_utf8(material.expose()).map_err(|_| {
            let message = format!("stringData.{key} is to be text, and the material is none");
            Error::new(ErrorKind::Invalid, "fill the Secret", message).remedy("`data`, which takes any bytes")
        })?;
        encoded(material.expose(), hidden);
        *value = text.into();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhumb_backend::Material;
    use rhumb_spec::model::Generate;
    use serde_json::json;

    struct Given;

    impl Materials for Given {
        fn sealed(&self, id: &str) -> Result<Material> {
            Ok(Material::new(format!("canary-{id}").into_bytes()))
        }

        fn generated(&self, _: &str, _: &Generate, _: Option<&str>) -> Result<Material> {
            Err(Error::new(ErrorKind::MaterialMissing, "make it", "nobody has it"))
        }
    }

    #[test]
    fn material_goes_where_it_is_asked_for_and_into_no_error() {
        let demand = Demand::Sealed("1".to_owned()).to_value();
        let mut body = json!({ "data": { "a": demand }, "stringData": { "b": demand } });
        let mut hidden = Hidden::default();
        fill(&mut body, &Given, &mut hidden).unwrap();
        assert_eq!(body, json!({ "data": { "a": "Y2FuYXJ5LTE=" }, "stringData": { "b": "canary-1" } }));
        let told = Error::new(ErrorKind::Forbidden, "apply", "webhook: canary-1 (Y2FuYXJ5LTE=) is weak");
        assert_eq!(hidden.strike(told).message, "webhook: (hidden) ((hidden)) is weak");
    }
}
