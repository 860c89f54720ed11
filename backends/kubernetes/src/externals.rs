//! Configs and secrets that are not the release's: a `ConfigMap` or `Secret` each.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::{
    Entries, Error, ErrorKind, Extent, External, ExternalKind, Held, Material, Removed, Result, Scope,
};
use rhumb_spec::App;
use rhumb_spec::model::{Container, EnvSource, EnvValue, Kind as Document, MountSource};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::connect::{Call, Cluster, Selection};
use crate::lower::secret_type;

/// On what is no release's: which migration made it.
const MIGRATION: &str = "rhumb.dev/migration";

/// Every external config and secret of an app.
pub(crate) fn externals(app: &App) -> Vec<External> {
    let configs = app.configs.iter().filter(|(_, config)| config.external).map(|(name, _)| name);
    let secrets = app.secrets.iter().filter(|(_, secret)| secret.external).map(|(name, _)| name);
    let configs = configs.map(|name| external(app, ExternalKind::Config, name));
    configs.chain(secrets.map(|name| external(app, ExternalKind::Secret, name))).collect()
}

fn external(app: &App, kind: ExternalKind, name: &str) -> External {
    let uses = uses(app, kind, name);
    External {
        document: match kind {
            ExternalKind::Config => Document::Config.path(name),
            ExternalKind::Secret => Document::Secret.path(name),
        },
        kind,
        native: name.to_owned(),
        extent: if uses.contains(&None) { Extent::Whole } else { Extent::Named },
        keys: uses.into_iter().flatten().collect(),
    }
}

/// The keys of a document that something of the app reads; none for all of them.
fn uses(app: &App, kind: ExternalKind, name: &str) -> BTreeSet<Option<String>> {
    let workloads = app.workloads.values();
    let containers = workloads.flat_map(|one| one.containers.values().chain(one.init_containers.values()));
    let mut uses: BTreeSet<_> = containers.flat_map(|one| of_container(one, kind, name)).collect();
    if kind == ExternalKind::Secret {
        let pulls = app.workloads.values().any(|one| one.pull_secret.as_deref() == Some(name));
        uses.extend(pulls.then(|| Some(".dockerconfigjson".to_owned())));
        let routes = app.routes.values().filter_map(|route| route.tls.as_ref());
        if routes.into_iter().any(|tls| tls.secret.as_deref() == Some(name)) {
            uses.extend(["tls.crt", "tls.key"].map(|key| Some(key.to_owned())));
        }
    }
    uses
}

fn of_container(container: &Container, wanted: ExternalKind, document: &str) -> Vec<Option<String>> {
    use ExternalKind::{Config, Secret};
    let is_it = |kind: ExternalKind, name: &str| kind == wanted && name == document;
    let mounts = container.mounts.values().filter_map(|mount| match &mount.source {
        MountSource::Config { name, key } if is_it(Config, name) => {
            Some(key.as_ref().or(mount.sub_path.as_ref()))
        }
        MountSource::Secret { name, key } if is_it(Secret, name) => {
            Some(key.as_ref().or(mount.sub_path.as_ref()))
        }
        _ => None,
    });
    let variables = container.env.values().filter_map(|value| match value {
        EnvValue::From(EnvSource::Config { name, key }) if is_it(Config, name) => Some(Some(key)),
        EnvValue::From(EnvSource::Secret { name, key }) if is_it(Secret, name) => Some(Some(key)),
        _ => None,
    });
    let whole = container.env_from.iter().filter(|from| {
        let is = |kind, name: &Option<String>| name.as_ref().is_some_and(|name| is_it(kind, name));
        is(Config, &from.config) || is(Secret, &from.secret)
    });
    mounts.chain(variables).chain(whole.map(|_| None)).map(Option::<&String>::cloned).collect()
}

fn folder(scope: &Scope, kind: ExternalKind) -> String {
    let plural = match kind {
        ExternalKind::Config => "configmaps",
        ExternalKind::Secret => "secrets",
    };
    format!("/api/v1/namespaces/{}/{plural}", scope.namespace)
}

/// Reads each by its name.
pub(crate) async fn look(cluster: &Cluster, scope: &Scope, externals: &[External]) -> Result<Vec<Held>> {
    let mut found = Vec::with_capacity(externals.len());
    for external in externals {
        let path = format!("{}/{}", folder(scope, external.kind), external.native);
        let word = external.kind.as_str();
        found.push(match cluster.find::<Found>(Call::get(format!("read the {word}"), path)).await {
            Ok(document) => document.map_or(Ok(Held::Absent), |document| document.held(external))?,
            Err(error) if error.kind == ErrorKind::Forbidden => Held::Hidden { why: error.to_string() },
            Err(error) => return Err(error),
        });
    }
    Ok(found)
}

/// A `ConfigMap` or a `Secret`. What is in `data` of a `Secret` is in base64.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Found {
    metadata: Metadata,
    data: BTreeMap<String, Text>,
    binary_data: BTreeMap<String, Text>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    labels: BTreeMap<String, String>,
    uid: String,
}

#[derive(Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
struct Text(String);

impl Found {
    fn held(&self, external: &External) -> Result<Held> {
        let mut entries = Entries::new();
        let encoded = match external.kind {
            ExternalKind::Secret => &self.data,
            ExternalKind::Config => {
                let plain = self.data.iter();
                entries.extend(
                    plain.map(|(key, text)| (key.clone(), Material::new(text.0.as_bytes().to_vec()))),
                );
                &self.binary_data
            }
        };
        for (key, text) in encoded {
            let bytes = STANDARD.decode(text.0.as_bytes()).map_err(|_| {
                let word = external.kind.as_str();
                Error::new(ErrorKind::Platform, format!("read the {word}"), "what it holds is no base64")
                    .with("name", &external.native)
                    .with("key", key)
            })?;
            entries.insert(key.clone(), Material::new(bytes));
        }
        Ok(Held::Shown { entries, mark: self.metadata.labels.get(MIGRATION).cloned() })
    }
}

/// Makes a `ConfigMap` or `Secret` in the release's namespace.
pub(crate) async fn make(
    cluster: &Cluster,
    scope: &Scope,
    external: &External,
    (entries, mark): (&Entries, &str),
) -> Result<()> {
    let word = external.kind.as_str();
    let body = body(external, entries, mark);
    let call = Call::post(format!("create the {word}"), folder(scope, external.kind), &body);
    let made = cluster.json::<serde::de::IgnoredAny>(call).await;
    made.map(drop).map_err(|error| error.with("name", &external.native))
}

fn body(external: &External, entries: &Entries, mark: &str) -> Value {
    let metadata = json!({ "name": external.native, "labels": { MIGRATION: mark } });
    let encoded = |material: &Material| STANDARD.encode(material.expose());
    match external.kind {
        ExternalKind::Secret => {
            let data: BTreeMap<&String, String> =
                entries.iter().map(|(key, one)| (key, encoded(one))).collect();
            let keys: Vec<&str> = entries.keys().map(String::as_str).collect();
            let kind = secret_type(&keys).unwrap_or("Opaque");
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": data })
        }
        ExternalKind::Config => {
            let (mut plain, mut binary) = (BTreeMap::new(), BTreeMap::new());
            for (key, material) in entries {
                match std::str::from_utf8(material.expose()) {
                    Ok(text) => drop(plain.insert(key, text)),
                    Err(_) => drop(binary.insert(key, encoded(material))),
                }
            }
            json!({
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": plain, "binaryData": binary,
            })
        }
    }
}

/// Removes one that bears the mark, unless something in the namespace refers to it: the API server does not look.
pub(crate) async fn remove(
    cluster: &Cluster,
    scope: &Scope,
    external: &External,
    mark: &str,
) -> Result<Removed> {
    let (word, path) =
        (external.kind.as_str(), format!("{}/{}", folder(scope, external.kind), external.native));
    let found = cluster.find::<Found>(Call::get(format!("read the {word}"), &path)).await?;
    let is_ours =
        |document: &Found| document.metadata.labels.get(MIGRATION).map(String::as_str) == Some(mark);
    let Some(document) = found.filter(is_ours) else { return Ok(Removed::Gone) };
    if let Some(why) = kept(cluster, scope, external).await? {
        return Ok(Removed::Left(format!("the {word} {}, {why}", external.native)));
    }
    let options = json!({
        "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": { "uid": document.metadata.uid },
    });
    let call = Call::delete(format!("remove the {word}"), path, &options);
    match cluster.json::<serde::de::IgnoredAny>(call).await {
        // Somebody made another one in its place.
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Conflict) => Ok(Removed::Gone),
        done => done.map(|_| Removed::Gone),
    }
}

/// What may refer to a `ConfigMap` or `Secret`.
const USERS: [(&str, &str, &str); 8] = [
    ("pod", "/api/v1", "pods"),
    ("deployment", "/apis/apps/v1", "deployments"),
    ("statefulset", "/apis/apps/v1", "statefulsets"),
    ("daemonset", "/apis/apps/v1", "daemonsets"),
    ("cronjob", "/apis/batch/v1", "cronjobs"),
    ("job", "/apis/batch/v1", "jobs"),
    ("ingress", "/apis/networking.k8s.io/v1", "ingresses"),
    ("serviceaccount", "/api/v1", "serviceaccounts"),
];

/// Why it is not to be removed, if it is not.
async fn kept(cluster: &Cluster, scope: &Scope, external: &External) -> Result<Option<String>> {
    for (kind, api, plural) in USERS {
        let path = format!("{api}/namespaces/{}/{plural}", scope.namespace);
        let objects = match cluster
            .list(Call::get(format!("list {plural}"), path), &Selection::default())
            .await
        {
            // A cluster without such a kind has none.
            Err(error) if error.kind == ErrorKind::NotFound => continue,
            Err(error) if error.kind == ErrorKind::Forbidden => {
                return Ok(Some(format!("because nobody can tell whether others use it by now: {error}")));
            }
            other => other?,
        };
        if let Some(user) = objects.iter().find(|object| refers(object, external)) {
            let name = user.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            return Ok(Some(format!("which {kind}/{name} uses by now")));
        }
    }
    Ok(None)
}

/// Whether some field of a document refers to it.
fn refers(value: &Value, external: &External) -> bool {
    let (fields, direct): (&[&str], &[&str]) = match external.kind {
        ExternalKind::Config => (&["configMap", "configMapKeyRef", "configMapRef"], &[]),
        ExternalKind::Secret => {
            (&["secret", "secretKeyRef", "secretRef", "imagePullSecrets", "secrets"], &["secretName"])
        }
    };
    let native = Value::from(external.native.as_str());
    let is_named = |value: &Value| match value {
        Value::Array(items) => items.iter().any(|item| item.get("name") == Some(&native)),
        other => other.get("name") == Some(&native),
    };
    match value {
        Value::Object(map) => map.iter().any(|(field, value)| {
            (fields.contains(&field.as_str()) && is_named(value))
                || (direct.contains(&field.as_str()) && *value == native)
                || refers(value, external)
        }),
        Value::Array(items) => items.iter().any(|item| refers(item, external)),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
