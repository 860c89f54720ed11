//! Configs and secrets that are not the release's: one object of Swarm for each key.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::{
    Entries, Error, ErrorKind, Extent, External, ExternalKind, Held, Material, Removed, Result,
};
use rhumb_spec::App;
use rhumb_spec::model::Kind as Document;
use serde_json::{Value, json};

use crate::connect::{Call, Engine};
use crate::kind::Kind;
use crate::names::{self, FileKind, MIGRATION};

/// Every key that a workload names of an external config or secret.
pub(crate) fn externals(app: &App) -> Vec<External> {
    let configs = app.configs.iter().filter(|(_, config)| config.external);
    let configs = configs.map(|(name, config)| (FileKind::Config, name, &config.labels));
    let secrets = app.secrets.iter().filter(|(_, secret)| secret.external);
    let secrets = secrets.map(|(name, secret)| (FileKind::Secret, name, &secret.labels));
    configs.chain(secrets).flat_map(|(kind, name, labels)| of_document(app, kind, (name, labels))).collect()
}

fn of_document(
    app: &App,
    kind: FileKind,
    (name, labels): (&str, &BTreeMap<String, String>),
) -> Vec<External> {
    let (document, kind_of) = match kind {
        FileKind::Config => (Document::Config.path(name), ExternalKind::Config),
        FileKind::Secret => (Document::Secret.path(name), ExternalKind::Secret),
    };
    let keys = names::keys_in_use(app, kind, name);
    let external = |key: &String| External {
        document: document.clone(),
        kind: kind_of,
        native: names::external_file_name(names::external_name(name, labels), key, keys.len()),
        keys: [key.clone()].into(),
        extent: Extent::OneKey,
    };
    keys.iter().map(external).collect()
}

const fn kind(external: &External) -> Kind {
    match external.kind {
        ExternalKind::Config => Kind::Config,
        ExternalKind::Secret => Kind::Secret,
    }
}

/// Looks for each by its name. The engine shows what configs hold.
pub(crate) async fn look(engine: &Engine, externals: &[External]) -> Result<Vec<Held>> {
    let mut found = Vec::with_capacity(externals.len());
    for external in externals {
        found.push(match find(engine, kind(external), &external.native).await {
            Ok(document) => document.map_or(Ok(Held::Absent), |document| held(external, &document))?,
            Err(error) if error.kind == ErrorKind::Forbidden => Held::Hidden { why: error.to_string() },
            Err(error) => return Err(error),
        });
    }
    Ok(found)
}

fn held(external: &External, document: &Value) -> Result<Held> {
    let mark = mark(document).map(str::to_owned);
    let Some(encoded) = document.pointer("/Spec/Data").and_then(Value::as_str) else {
        return Ok(Held::InContainer { mark });
    };
    let bytes = STANDARD.decode(encoded).map_err(|_| {
        Error::new(ErrorKind::Platform, "read the config", "what it holds is no base64")
            .with("config", &external.native)
    })?;
    let entries = external.keys.iter().map(|key| (key.clone(), Material::new(bytes.clone()))).collect();
    Ok(Held::Shown { entries, mark })
}

fn mark(document: &Value) -> Option<&str> {
    document.pointer("/Spec/Labels")?.get(MIGRATION)?.as_str()
}

/// The filter finds names that begin with the one that is asked for.
async fn find(engine: &Engine, kind: Kind, name: &str) -> Result<Option<Value>> {
    let call = Call::get(kind.listing(), kind.path()).filters(&json!({ "name": [name] }));
    let found: Vec<Value> = engine.json(call).await?;
    Ok(found.into_iter().find(|one| one.pointer("/Spec/Name").and_then(Value::as_str) == Some(name)))
}

/// Makes a config or secret of the one value that it holds.
///
/// Source: Engine API reference, `SecretCreate` and `ConfigCreate`.
pub(crate) async fn make(
    engine: &Engine,
    external: &External,
    (entries, mark): (&Entries, &str),
) -> Result<()> {
    let kind = kind(external);
    let about = |error: Error| error.with(kind.as_str(), &external.native);
    let Some(material) = entries.values().next().filter(|_| entries.len() == 1) else {
        let message = "an object of Swarm holds one value";
        return Err(about(Error::new(ErrorKind::Invalid, kind.creating(), message)));
    };
    let data = STANDARD.encode(material.expose());
    let body = json!({ "Name": external.native, "Labels": { MIGRATION: mark }, "Data": data });
    let call = Call::post(kind.creating(), format!("{}/create", kind.path()), body);
    engine.send(call).await.map(drop).map_err(about)
}

/// Removes one that bears the mark. The engine refuses to remove what a service uses.
pub(crate) async fn remove(engine: &Engine, external: &External, wanted: &str) -> Result<Removed> {
    let (kind, name) = (kind(external), &external.native);
    let found = find(engine, kind, name).await?.filter(|document| mark(document) == Some(wanted));
    let Some(id) = found.as_ref().and_then(|document| document.get("ID")?.as_str()) else {
        return Ok(Removed::Gone);
    };
    match engine.send(Call::delete(kind.removing(), format!("{}/{id}", kind.path()))).await {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Removed::Gone),
        Err(error) if error.message.contains("in use") => {
            let word = kind.as_str();
            Ok(Removed::Left(format!(
                "the {word} {name}, which others use by now; `docker {word} rm {name}` once they do not"
            )))
        }
        done => done.map(|_| Removed::Gone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = "
kind: Workload
name: web
containers:
  web:
    image: web:1
    env: { A: { secret: db, key: user }, B: { secret: db, key: password }, C: { secret: one, key: token } }
    mounts: { /etc/look: { config: look } }
---
kind: Secret
name: db
external: true
---
kind: Secret
name: one
external: true
labels: { swarm/name: Blog_One }
---
kind: Secret
name: unused
external: true
---
kind: Config
name: look
external: true
";

    #[test]
    fn each_key_is_an_object_of_the_swarm() {
        let source = rhumb_spec::Source { file: "app.yaml".to_owned(), text: APP.to_owned() };
        let found = externals(&rhumb_spec::parse(&[source]).unwrap().app);
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.document.as_str(), one.native.as_str(), one.keys.iter().next().unwrap().as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("config/look", "look", "look"),
                ("secret/db", "db.password", "password"),
                ("secret/db", "db.user", "user"),
                ("secret/one", "Blog_One", "token"),
            ]
        );
    }

    #[test]
    fn a_secret_is_not_shown_and_a_config_is() {
        let external = |kind: ExternalKind| External {
            document: "x/look".to_owned(),
            kind,
            native: "look".to_owned(),
            keys: ["look".to_owned()].into(),
            extent: Extent::OneKey,
        };
        let labels = json!({ MIGRATION: "m1" });
        let secret = json!({ "ID": "1", "Spec": { "Name": "look", "Labels": labels } });
        let found = held(&external(ExternalKind::Secret), &secret).unwrap();
        assert!(matches!(&found, Held::InContainer { .. }) && found.mark() == Some("m1"));
        let config = json!({ "ID": "1", "Spec": { "Name": "look", "Data": "Yg==" } });
        let Held::Shown { entries, mark: None } = held(&external(ExternalKind::Config), &config).unwrap()
        else {
            panic!("a config is shown")
        };
        assert_eq!(entries["look"].expose(), b"b");
    }
}
