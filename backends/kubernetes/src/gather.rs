//! Manifests as objects to lift. Secret material is taken out of them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::material::Demand;
use rhumb_backend::{Gathered, Material, Object, ObjectId, Origin, Scope};
use rhumb_spec::Diagnostic;
use serde_json::{Map, Value};

use crate::{kind, lift, names};

/// What stands in the place of secret bytes that are no text.
const BYTES: &str = "(bytes)";

/// Turns manifests, and lists of them, into objects.
pub(crate) fn gather(documents: Vec<Value>) -> Gathered {
    let mut found = Gathered::default();
    let mut bodies = Vec::new();
    for (document, body) in documents.into_iter().enumerate() {
        match items(&body) {
            Some(items) => {
                let items = items.into_iter().enumerate();
                let at = |item: usize| vec!["items".to_owned(), item.to_string()];
                bodies.extend(items.map(|(item, body)| (Origin { document, at: at(item) }, body)));
            }
            None => bodies.push((Origin { document, at: Vec::new() }, body)),
        }
    }
    let home = lift::home(bodies.iter().map(|(_, body)| body));
    let scope = Scope::new(home, String::new());
    for (origin, body) in bodies {
        let path = std::iter::once(origin.document.to_string()).chain(origin.at.iter().cloned());
        let path = path.collect::<Vec<_>>().join(".");
        if let Some((what, remedy)) = stranger(&body) {
            let left_out = format!("it is left out: it looks like {what}");
            found.notes.push(Diagnostic::warning(path, left_out).remedy(remedy));
            continue;
        }
        match object(&scope, body, &mut found.material) {
            Ok(object) => {
                found.objects.push(object);
                found.origins.push(origin);
            }
            Err(what) => found.notes.push(
                Diagnostic::error(path, what)
                    .why("the API tells objects apart by `apiVersion`, `kind` and `metadata.name`")
                    .remedy("manifests as kubectl takes them; leave out other files"),
            ),
        }
    }
    found
}

/// What a document may be that lies beside manifests and is none, and what to do with it.
fn stranger(body: &Value) -> Option<(&'static str, &'static str)> {
    let has = |key: &str| body.get(key).is_some();
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let is_kustomization = text("apiVersion").starts_with("kustomize.config.k8s.io/")
        || (!has("kind") && has("resources") && body["resources"].is_array());
    if is_kustomization {
        return Some((
            "the configuration of Kustomize",
            "what `kubectl kustomize` prints, in place of the files",
        ));
    }
    if has("kind") || has("metadata") {
        return None;
    }
    let is_compose = body.get("services").is_some_and(Value::is_object);
    let is_chart = has("apiVersion") && has("name") && has("version");
    Some(if is_compose {
        ("a Compose file", "rhumb import compose FILE")
    } else if is_chart {
        ("the Chart.yaml of a Helm chart", "what `helm template` prints, in place of the chart")
    } else {
        ("no manifest: it has neither `kind` nor `metadata`", "manifests as kubectl takes them")
    })
}

/// The items of a list, each with the kind and version that the list says for them.
fn items(body: &Value) -> Option<Vec<Value>> {
    let text = |key: &str| body.get(key).and_then(Value::as_str);
    let of = text("kind")?.strip_suffix("List")?;
    let items = body.get("items")?.as_array()?;
    let complete = |item: &Value| {
        let mut item = item.clone();
        if let (Some(fields), false) = (item.as_object_mut(), of.is_empty()) {
            fields.entry("kind").or_insert_with(|| of.into());
            fields.entry("apiVersion").or_insert_with(|| text("apiVersion").unwrap_or_default().into());
        }
        item
    };
    Some(items.iter().map(complete).collect())
}

/// One object, the material of a secret taken out of it.
///
/// # Errors
/// What is missing of it, in words for people.
pub(crate) fn object(
    scope: &Scope,
    mut body: Value,
    material: &mut BTreeMap<String, Material>,
) -> Result<Object, String> {
    let text = |at: &str| body.pointer(at).and_then(Value::as_str).filter(|text| !text.is_empty());
    let missing =
        [("/apiVersion", "apiVersion"), ("/kind", "kind")].into_iter().find(|(at, _)| text(at).is_none());
    if let Some((_, field)) = missing {
        return Err(format!("it has no `{field}`, so it is no object of Kubernetes"));
    }
    let is_secret =
        text("/kind") == Some("Secret") && kind::group_of(text("/apiVersion").unwrap_or_default()).is_empty();
    let generated = text("/metadata/generateName").map(|name| name.trim_end_matches('-').to_owned());
    if text("/metadata/name").is_none() {
        let name = generated.ok_or("it has no `metadata.name`")?;
        if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("name".to_owned(), name.into());
        }
    }
    let id = kind::id_of(scope, &body).ok_or("it has no `metadata.name`")?;
    if is_secret {
        unseal(&id, &mut body, material);
    }
    Ok(Object { sensitive: is_secret, ..Object::new(id, body) })
}

/// Puts demands in the place of a secret's material. What kubectl keeps of an earlier manifest holds it, too.
fn unseal(id: &ObjectId, body: &mut Value, material: &mut BTreeMap<String, Material>) {
    const APPLIED: &str = "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";
    if let Some(kept) = body.pointer_mut(APPLIED) {
        *kept = BYTES.into();
    }
    let plain = body.get("stringData").and_then(Value::as_object).cloned().unwrap_or_default();
    for (group, is_encoded) in [("data", true), ("stringData", false)] {
        match body.get_mut(group) {
            Some(Value::Object(data)) => {
                // What is there twice is taken from `stringData`, as the server does.
                let is_twice = |key: &String| is_encoded && plain.contains_key(key);
                data.iter_mut().filter(|(key, _)| is_twice(key)).for_each(|(_, value)| *value = Value::Null);
                seal(id, data, is_encoded, material);
            }
            Some(other) if !other.is_null() => *other = BYTES.into(),
            _ => {}
        }
    }
}

fn seal(
    id: &ObjectId,
    data: &mut Map<String, Value>,
    is_encoded: bool,
    material: &mut BTreeMap<String, Material>,
) {
    for (key, value) in data {
        if Demand::parse(value).is_some() {
            continue;
        }
        let text = match (&*value, is_encoded) {
            (Value::String(text), true) => decoded(text),
            (Value::String(text), false) => Some(text.clone()),
            (Value::Null, _) => continue,
            (Value::Bool(_) | Value::Number(_), false) => Some(value.to_string()),
            _ => None,
        };
        *value = match text {
            Some(text) => {
                let sealed = names::hash(format!("{id}/{key}").as_bytes())[..32].to_owned();
                material.insert(sealed.clone(), Material::new(text.into_bytes()));
                Demand::Sealed(sealed).to_value()
            }
            None => BYTES.into(),
        };
    }
}

fn decoded(text: &str) -> Option<String> {
    let text: String = text.split_whitespace().collect();
    String::from_utf8(STANDARD.decode(text).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn material_is_taken_out_of_secrets() {
        let found = gather(vec![json!({
            "apiVersion": "v1", "kind": "SecretList", "items": [
                {
                    "metadata": { "name": "db", "annotations": {
                        "kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"password\":\"Y2FuYXJ5\"}}"
                    } },
                    "data": { "password": "Y2FuYXJ5", "blob": "/w==", "twice": "b2xk" },
                    "stringData": { "url": "canary-url", "twice": "canary-new" },
                },
            ],
        })]);
        let text = format!("{:?} {}", found, found.objects[0].body);
        assert!(!text.contains("canary") && !text.contains("Y2FuYXJ5") && !text.contains("/w=="), "{text}");
        assert_eq!((found.objects.len(), found.material.len()), (1, 3));
        assert_eq!(found.objects[0].body["data"]["blob"], BYTES);
        let of = |group: &str, key: &str| match Demand::parse(&found.objects[0].body[group][key]) {
            Some(Demand::Sealed(id)) => String::from_utf8(found.material[&id].expose().to_vec()).unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            (of("data", "password"), of("stringData", "url")),
            ("canary".to_owned(), "canary-url".to_owned())
        );
        assert_eq!(of("stringData", "twice"), "canary-new");
    }

    #[test]
    fn what_is_no_object_is_told() {
        let found =
            gather(vec![json!({ "services": {} }), json!({ "apiVersion": "v1", "kind": "Pod" }), json!([1])]);
        let paths: Vec<&str> = found.notes.iter().map(|note| note.path.as_str()).collect();
        assert_eq!(paths, ["0", "1", "2"]);
        assert!(found.objects.is_empty());
    }
}
