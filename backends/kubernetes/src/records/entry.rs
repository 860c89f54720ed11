//! An entry as a Secret, and back.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::{Error, ErrorKind, Result};
use rhumb_release::{Entry, EntryKind, Filter, Key, Meta};
use serde_json::{Map, Value, json};

use crate::names;

/// The type of the Secrets.
const TYPE: &str = "rhumb.dev/release";
/// The label that tells what an entry is: `head`, `chunk`, `lease`.
const RECORD: &str = "rhumb.dev/record";
/// The label, and the annotation with the whole name, of the release.
const RELEASE: &str = "rhumb.dev/release";
/// The label with the meta's `status`.
const STATUS: &str = "rhumb.dev/status";
/// The annotation with the entry's own name.
const NAME: &str = "rhumb.dev/record-name";
/// The annotation with the meta, as JSON.
const META: &str = "rhumb.dev/record-meta";
/// The key of the value in the Secret's data.
const VALUE: &str = "value";
/// The entry of the meta that the server can pick by.
const PICKED: &str = "status";
/// The most letters of a name that are there for people.
const READABLE: usize = 40;

/// The Secret of a new entry. Its data never change, and its metadata may.
pub(super) fn secret(key: &Key, meta: &Meta, value: &[u8]) -> Value {
    let mut labels = Map::from_iter([
        (RECORD.to_owned(), key.kind.as_str().into()),
        (RELEASE.to_owned(), label(&key.release).into()),
    ]);
    labels.extend(present(changing_labels(meta)));
    let mut annotations = Map::from_iter([
        (RELEASE.to_owned(), key.release.clone().into()),
        (NAME.to_owned(), key.name.clone().into()),
    ]);
    annotations.extend(changing_annotations(meta));
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "name": name(key), "namespace": key.namespace, "labels": labels, "annotations": annotations },
        "type": TYPE,
        "immutable": true,
        "data": { VALUE: STANDARD.encode(value) },
    })
}

fn present(labels: Map<String, Value>) -> impl Iterator<Item = (String, Value)> {
    labels.into_iter().filter(|(_, value)| !value.is_null())
}

/// The labels that follow the meta; `null` for one that goes.
pub(super) fn changing_labels(meta: &Meta) -> Map<String, Value> {
    let status = meta.get(PICKED).filter(|status| is_label(status));
    Map::from_iter([(STATUS.to_owned(), status.map_or(Value::Null, |status| status.clone().into()))])
}

/// The annotations that follow the meta.
pub(super) fn changing_annotations(meta: &Meta) -> Map<String, Value> {
    let text = serde_json::to_string(meta).unwrap_or_default();
    Map::from_iter([(META.to_owned(), text.into())])
}

/// What the server picks entries by.
pub(super) fn selector(kind: EntryKind, filter: &Filter) -> String {
    let mut wanted = vec![format!("{RECORD}={}", kind.as_str())];
    wanted.extend(filter.release.as_deref().map(|release| format!("{RELEASE}={}", label(release))));
    if let Some((_, value)) = filter.except.filter(|(key, value)| *key == PICKED && is_label(value)) {
        wanted.push(format!("{STATUS}!={value}"));
    }
    wanted.join(",")
}

/// `rhumb-head-<release>-<name>-<digest of the whole key>`; the readable part is shortened to what fits.
pub(super) fn name(key: &Key) -> String {
    let digest = names::hash(key.to_string().as_bytes());
    let readable: String = format!("{}-{}", key.release, key.name)
        .chars()
        .map(|sign| sign.to_ascii_lowercase())
        .map(|sign| if sign.is_ascii_lowercase() || sign.is_ascii_digit() { sign } else { '-' })
        .take(READABLE)
        .collect();
    format!("rhumb-{}-{readable}-{}", key.kind.as_str(), &digest[..20])
}

/// A text as the value of a label: as it is where it can be one, else its digest.
fn label(text: &str) -> String {
    if is_label(text) { text.to_owned() } else { names::hash(text.as_bytes())[..40].to_owned() }
}

fn is_label(text: &str) -> bool {
    let is_end = |sign: Option<char>| sign.is_some_and(|sign| sign.is_ascii_alphanumeric());
    text.len() <= names::LABEL_LIMIT
        && is_end(text.chars().next())
        && is_end(text.chars().last())
        && text.chars().all(|sign| sign.is_ascii_alphanumeric() || "-_.".contains(sign))
}

/// The version of a Secret.
pub(super) fn version(secret: &Value) -> Option<String> {
    secret.pointer("/metadata/resourceVersion").and_then(Value::as_str).map(ToOwned::to_owned)
}

/// The entry of a Secret of which only the metadata is known; none for a Secret that holds none of this kind.
pub(super) fn listed(secret: &Value, kind: EntryKind) -> Option<Entry> {
    let text = |map: &str, key: &str| secret.pointer("/metadata")?.get(map)?.get(key)?.as_str();
    if text("labels", RECORD)? != kind.as_str() {
        return None;
    }
    let key = Key {
        kind,
        namespace: secret.pointer("/metadata/namespace")?.as_str()?.to_owned(),
        release: text("annotations", RELEASE)?.to_owned(),
        name: text("annotations", NAME)?.to_owned(),
    };
    let meta = serde_json::from_str(text("annotations", META)?).unwrap_or_default();
    Some(Entry { key, meta, value: Vec::new(), version: version(secret)? })
}

/// The entry of a Secret.
///
/// # Errors
/// `Corrupt` when it is not what was written under this key.
pub(super) fn read(secret: &Value, key: &Key) -> Result<Entry> {
    let entry = listed(secret, key.kind).filter(|entry| entry.key == *key);
    let value =
        secret.get("data").and_then(|data| data.get(VALUE)).and_then(Value::as_str).unwrap_or_default();
    entry.zip(STANDARD.decode(value).ok()).map(|(entry, value)| Entry { value, ..entry }).ok_or_else(|| {
        let message = format!("the Secret {} is not what was written", name(key));
        Error::new(ErrorKind::Corrupt, "read the release's record", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(release: &str, name: &str) -> Key {
        Key { kind: EntryKind::Head, namespace: "shop".into(), release: release.into(), name: name.into() }
    }

    #[test]
    fn names_can_be_those_of_secrets_and_differ() {
        assert!(name(&key("Shop", "1")).starts_with("rhumb-head-shop-1-"));
        assert!(name(&key(&"x".repeat(300), "1")).len() < names::NAME_LIMIT);
        assert_ne!(name(&key("a.b", "c")), name(&key("a", "b.c")));
        assert_ne!(name(&key("Shop", "1")), name(&key("shop", "1")));
    }

    #[test]
    fn entries_come_back() {
        let meta =
            Meta::from([("status".to_owned(), "deployed".to_owned()), ("x".to_owned(), "ä\n".to_owned())]);
        for release in ["shop", "a release of an odd name/ü"] {
            let key = key(release, "12");
            let mut made = secret(&key, &meta, b"\0value");
            assert_eq!(made["metadata"]["labels"][STATUS], "deployed");
            made["metadata"]["resourceVersion"] = "7".into();
            let expect = Entry {
                key: key.clone(),
                meta: meta.clone(),
                value: b"\0value".to_vec(),
                version: "7".into(),
            };
            assert_eq!(read(&made, &key).unwrap(), expect);
            assert!(read(&made, &Key { name: "13".into(), ..key }).is_err());
        }
    }

    #[test]
    fn the_server_picks() {
        let filter = Filter {
            release: Some("shop".into()),
            except: Some(("status", "superseded")),
            ..Filter::default()
        };
        assert_eq!(
            selector(EntryKind::Head, &filter),
            "rhumb.dev/record=head,rhumb.dev/release=shop,rhumb.dev/status!=superseded"
        );
    }
}
