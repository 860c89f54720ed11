//! Releases kept in the swarm itself, as configs.
//!
//! An entry is a config. Its data is the entry's value, its labels are the key and the meta. None bears the label of a
//! stack, so `docker stack rm` leaves them, and none bears the label of a release, so observing one does not read
//! them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::{Error, ErrorKind, Result};
use rhumb_release::{Entry, EntryKind, Filter, Key, Meta, Storage};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::Swarm;
use crate::connect::{Call, Engine};

const RECORD: &str = "rhumb.dev/record";
const NAMESPACE: &str = "rhumb.dev/record-namespace";
const RELEASE: &str = "rhumb.dev/record-release";
const NAME: &str = "rhumb.dev/record-name";
const META: &str = "rhumb.dev/record-meta.";

/// The longest name that a config may have.
const NAME_LIMIT: usize = 64;

/// Releases kept in the swarm's configs.
#[derive(Clone, Debug)]
pub struct SwarmStorage {
    engine: Arc<Engine>,
}

impl SwarmStorage {
    /// The configs of this swarm.
    pub fn new(swarm: &Swarm) -> Self {
        Self { engine: Arc::clone(&swarm.engine) }
    }

    async fn config(&self, operation: &'static str, key: &Key) -> Result<Option<Config>> {
        let found = self.engine.find::<Config>(Call::get(operation, path(key))).await?;
        match found {
            Some(config) if config.spec.labels != labels(key, &config.spec.meta()) => {
                Err(foreign(operation, key))
            }
            other => Ok(other),
        }
    }

    /// The version that this write left, or one that fits no other state when somebody was there in between.
    async fn version_after(&self, operation: &'static str, key: &Key, meta: &Meta) -> Result<String> {
        let config = self.config(operation, key).await?;
        let ours = config.filter(|config| config.spec.meta() == *meta);
        Ok(ours.map_or_else(|| "overtaken".to_owned(), |config| config.version.index.to_string()))
    }
}

#[async_trait]
impl Storage for SwarmStorage {
    /// The engine takes configs of less than 1000 KiB; some room is left for what a replica adds.
    fn value_limit(&self) -> usize {
        VALUE_LIMIT
    }

    async fn create(&self, key: &Key, meta: &Meta, value: &[u8]) -> Result<String> {
        let operation = "write the release's record";
        let body = json!({ "Name": name(key), "Labels": labels(key, meta), "Data": encode(value) });
        self.engine
            .send(Call::post(operation, "/configs/create", body))
            .await
            .map_err(|error| about(error, key))?;
        self.version_after(operation, key, meta).await
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>> {
        let operation = "read the release's record";
        let Some(config) = self.config(operation, key).await.map_err(|error| about(error, key))? else {
            return Ok(None);
        };
        let value = decode(&config.spec.data).ok_or_else(|| {
            Error::new(ErrorKind::Corrupt, operation, "its data is not what was written")
                .with("record", key.to_string())
        })?;
        Ok(Some(Entry {
            key: key.clone(),
            meta: config.spec.meta(),
            value,
            version: config.version.index.to_string(),
        }))
    }

    async fn list(&self, kind: EntryKind, filter: &Filter) -> Result<Vec<Entry>> {
        let mut wanted = vec![format!("{RECORD}={}", kind.as_str())];
        wanted.extend(filter.namespace.as_ref().map(|namespace| format!("{NAMESPACE}={namespace}")));
        wanted.extend(filter.release.as_ref().map(|release| format!("{RELEASE}={release}")));
        let call = Call::get("list the releases' records", "/configs").filters(&json!({ "label": wanted }));
        let configs = self.engine.json::<Vec<Config>>(call).await?;
        let entries = configs.iter().filter_map(|config| config.entry(kind));
        let mut entries = entries.filter(|entry| filter.takes_meta(&entry.meta)).collect::<Vec<_>>();
        entries.sort_by(|left, right| left.key.cmp(&right.key));
        Ok(entries)
    }

    async fn update(&self, key: &Key, meta: &Meta, version: &str) -> Result<String> {
        let operation = "update the release's record";
        let conflict = || {
            about(Error::new(ErrorKind::Conflict, operation, "somebody changed it since it was read"), key)
        };
        let index = version.parse::<u64>().map_err(|_| conflict())?;
        // Without data, the engine keeps what is there.
        let body = json!({ "Name": name(key), "Labels": labels(key, meta) });
        let call =
            Call::post(operation, format!("{}/update", path(key)), body).query("version", index.to_string());
        self.engine.send(call).await.map_err(|error| about(error, key))?;
        self.version_after(operation, key, meta).await
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        match self.engine.send(Call::delete("remove the release's record", path(key))).await {
            Err(error) if error.kind != ErrorKind::NotFound => Err(about(error, key)),
            _ => Ok(()),
        }
    }
}

/// Values are compressed pieces, so nothing is won by going to the limit.
const VALUE_LIMIT: usize = 700 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    version: Version,
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Version {
    index: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Spec {
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    data: String,
}

impl Spec {
    fn meta(&self) -> Meta {
        let own = self
            .labels
            .iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(META)?.to_owned(), value.clone())));
        own.collect()
    }
}

impl Config {
    fn entry(&self, kind: EntryKind) -> Option<Entry> {
        let label = |name: &str| self.spec.labels.get(name).cloned();
        let key = Key { kind, namespace: label(NAMESPACE)?, release: label(RELEASE)?, name: label(NAME)? };
        let version = self.version.index.to_string();
        Some(Entry { key, meta: self.spec.meta(), value: Vec::new(), version })
    }
}

fn labels(key: &Key, meta: &Meta) -> BTreeMap<String, String> {
    let own = [
        (RECORD, key.kind.as_str().to_owned()),
        (NAMESPACE, key.namespace.clone()),
        (RELEASE, key.release.clone()),
        (NAME, key.name.clone()),
    ];
    let own = own.into_iter().map(|(name, value)| (name.to_owned(), value));
    own.chain(meta.iter().map(|(name, value)| (format!("{META}{name}"), value.clone()))).collect()
}

fn path(key: &Key) -> String {
    format!("/configs/{}", name(key))
}

/// `rhumb.head.<release>.<name>.<digest of the whole key>`; the readable part is shortened to what fits.
fn name(key: &Key) -> String {
    let digest = Sha256::digest(key.to_string());
    let digest = digest.iter().take(10).fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    let readable = format!("{}.{}", key.release, key.name);
    let allowed = |sign: char| if sign.is_ascii_alphanumeric() || "-_.".contains(sign) { sign } else { '-' };
    let head = format!("rhumb.{}.", key.kind.as_str());
    let room = NAME_LIMIT - head.len() - digest.len() - 1;
    let readable = readable.chars().map(allowed).take(room).collect::<String>();
    format!("{head}{readable}.{digest}")
}

/// A config cannot be empty, so every value ends in a line feed of ours.
fn encode(value: &[u8]) -> Value {
    Value::String(STANDARD.encode([value, b"\n"].concat()))
}

fn decode(data: &str) -> Option<Vec<u8>> {
    let mut bytes = STANDARD.decode(data).ok()?;
    (bytes.pop()? == b'\n').then_some(bytes)
}

fn about(error: Error, key: &Key) -> Error {
    error.with("record", key.to_string())
}

fn foreign(operation: &str, key: &Key) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        operation,
        format!("the config {} bears other labels than were written", name(key)),
    )
    .with("record", key.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(release: &str, name: &str) -> Key {
        Key { kind: EntryKind::Head, namespace: "default".into(), release: release.into(), name: name.into() }
    }

    #[test]
    fn names_fit_and_differ() {
        assert_eq!(name(&key("shop", "1")), "rhumb.head.shop.1.3377a7a2a889f7c8e57e");
        let long = name(&key(&"x".repeat(80), "1"));
        assert_eq!(long.len(), NAME_LIMIT);
        assert_ne!(long, name(&key(&"x".repeat(80), "2")));
        assert_ne!(name(&key("a.b", "c")), name(&key("a", "b.c")));
    }

    #[test]
    fn values_come_back_and_may_be_empty() {
        for value in [&b""[..], b"\n", b"{}", &[0, 255]] {
            let Value::String(data) = encode(value) else { panic!("data is text") };
            assert_eq!(decode(&data).as_deref(), Some(value));
        }
        assert_eq!(decode(""), None);
    }
}
