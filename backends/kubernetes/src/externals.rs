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
    if let Some(user) = user(cluster, scope, external).await? {
        let name = &external.native;
        return Ok(Removed::Left(format!("the {word} {name}, which {user} uses by now")));
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
const USERS: [&str; 8] = [
    "/api/v1/namespaces/{}/pods",
    "/apis/apps/v1/namespaces/{}/deployments",
    "/apis/apps/v1/namespaces/{}/statefulsets",
    "/apis/apps/v1/namespaces/{}/daemonsets",
    "/apis/batch/v1/namespaces/{}/cronjobs",
    "/apis/batch/v1/namespaces/{}/jobs",
    "/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
    "/api/v1/namespaces/{}/serviceaccounts",
];

async fn user(cluster: &Cluster, scope: &Scope, external: &External) -> Result<Option<String>> {
    for path in USERS {
        let call = Call::get("look for who uses it", path.replace("{}", &scope.namespace));
        for object in cluster.list(call, &Selection::default()).await? {
            if refers(&object, external) {
                let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
                let kind = path.rsplit('/').next().unwrap_or_default().trim_end_matches('s');
                return Ok(Some(format!("{kind}/{name}")));
            }
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
mod tests {
    use super::*;

    const APP: &str = "
kind: Workload
name: web
pullSecret: registry
containers:
  web:
    image: web:1
    env: { A: { secret: db, key: user } }
    envFrom: [{ secret: all }]
    mounts: { /etc/look: { config: look }, /etc/key: { secret: db, key: key } }
---
kind: Secret
name: db
external: true
---
kind: Secret
name: all
external: true
---
kind: Secret
name: registry
external: true
---
kind: Config
name: look
external: true
";

    fn one(kind: ExternalKind, keys: &[&str], extent: Extent) -> External {
        let keys = keys.iter().map(|key| (*key).to_owned()).collect();
        External { document: "x/db".to_owned(), kind, native: "db".to_owned(), keys, extent }
    }

    #[test]
    fn what_workloads_read_is_known() {
        let source = rhumb_spec::Source { file: "app.yaml".to_owned(), text: APP.to_owned() };
        let found = externals(&rhumb_spec::parse(&[source]).unwrap().app);
        let check = |document: &str, keys: &[&str], extent: Extent| {
            let one = found.iter().find(|one| one.document == document).unwrap();
            let named: Vec<&str> = one.keys.iter().map(String::as_str).collect();
            assert_eq!((named.as_slice(), one.extent), (keys, extent), "{document}");
        };
        check("secret/db", &["key", "user"], Extent::Named);
        check("secret/all", &[], Extent::Whole);
        check("secret/registry", &[".dockerconfigjson"], Extent::Named);
        check("config/look", &[], Extent::Whole);
    }

    #[test]
    fn bytes_and_text_lie_where_the_cluster_has_them() {
        let entries: Entries = [("a", &b"text"[..]), ("b", &[0xff][..])]
            .map(|(key, bytes)| (key.to_owned(), Material::new(bytes.to_vec())))
            .into();
        let config = body(&one(ExternalKind::Config, &[], Extent::Whole), &entries, "m1");
        assert_eq!((&config["data"]["a"], &config["binaryData"]["b"]), (&json!("text"), &json!("/w==")));
        let document: Found = serde_json::from_value(config).unwrap();
        let Held::Shown { entries: again, mark } =
            document.held(&one(ExternalKind::Config, &[], Extent::Whole)).unwrap()
        else {
            panic!("it is shown")
        };
        assert_eq!(
            (again["a"].expose(), again["b"].expose(), mark.as_deref()),
            (&b"text"[..], &[0xff][..], Some("m1"))
        );
        let secret = body(&one(ExternalKind::Secret, &[], Extent::Whole), &entries, "m1");
        assert_eq!((&secret["data"]["a"], &secret["type"]), (&json!("dGV4dA=="), &json!("Opaque")));
    }

    #[test]
    fn who_refers_to_it_is_found() {
        let (secret, config) =
            (one(ExternalKind::Secret, &[], Extent::Named), one(ExternalKind::Config, &[], Extent::Named));
        let check = |document: Value, of_secret: bool, of_config: bool| {
            assert_eq!(
                (refers(&document, &secret), refers(&document, &config)),
                (of_secret, of_config),
                "{document}"
            );
        };
        check(json!({ "volumes": [{ "secret": { "secretName": "db" } }] }), true, false);
        check(
            json!({ "volumes": [{ "projected": { "sources": [{ "secret": { "name": "db" } }] } }] }),
            true,
            false,
        );
        check(
            json!({ "env": [{ "valueFrom": { "secretKeyRef": { "name": "db", "key": "a" } } }] }),
            true,
            false,
        );
        check(json!({ "imagePullSecrets": [{ "name": "db" }] }), true, false);
        check(json!({ "volumes": [{ "configMap": { "name": "db" } }] }), false, true);
        check(json!({ "envFrom": [{ "configMapRef": { "name": "db" } }] }), false, true);
        check(json!({ "metadata": { "name": "db" } }), false, false);
    }
}
