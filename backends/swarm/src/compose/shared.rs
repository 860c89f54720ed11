//! What services share: networks, and the files of configs and secrets.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::fields::{self, Fields};
use rhumb_backend::material::Demand;
use rhumb_backend::{ExportSecrets, ExportedFile, Object, Ownership};
use rhumb_spec::Diagnostic;
use serde_json::{Map, Value, json};

use super::{NO_WORD, Work, labels, legal};
use crate::kind::Kind;
use crate::lower::Body;

/// Source: swarmkit, `manager/controlapi/common.go`: the longest name of a config or secret.
const NAME_LIMIT: usize = 64;

impl Work {
    /// Adds a network. The stack's own is made by the CLI where nothing is said of it.
    pub(super) fn network(&mut self, object: &Object, read: &mut Fields<'_>) {
        let Some(key) = self.key(&object.id).cloned() else { return };
        let native = read.text("Name").unwrap_or_default();
        let mut body = Body::new();
        if object.ownership == Ownership::External {
            body.set("external", true).set("name", native);
            self.networks.insert(key, body.into_value());
            return;
        }
        // The CLI makes overlay networks by itself.
        body.set_some("driver", read.text("Driver").filter(|driver| driver != "overlay"));
        body.set_some(
            "driver_opts",
            read.take("Options", fields::text_map).and_then(|map| serde_json::to_value(map).ok()),
        )
        .set_some("attachable", read.flag("Attachable"))
        .set_some("internal", read.flag("Internal"));
        body.set_some("ipam", read.take("IPAM", ipam)).set_filled("labels", labels(read));
        if native != format!("{}_{key}", self.stack) {
            body.set("name", native);
        }
        let body = body.into_value();
        let says_nothing = body.as_object().is_some_and(Map::is_empty);
        if !says_nothing || key != "default" {
            self.networks.insert(key, body);
        }
    }

    /// Adds a config or secret that must be there already.
    pub(super) fn external(&mut self, kind: Kind, object: &Object, read: &mut Fields<'_>) {
        let Some(key) = self.key(&object.id).cloned() else { return };
        let body = json!({ "external": true, "name": read.text("Name") });
        match kind {
            Kind::Secret => self.secrets.insert(key, body),
            _ => self.configs.insert(key, body),
        };
    }

    /// Adds a config with its file.
    pub(super) fn config(&mut self, object: &Object, kind: Kind, read: &mut Fields<'_>) {
        let Some(data) = read.take("Data", |data| STANDARD.decode(data.as_str()?).ok()) else { return };
        let path = path(kind, object);
        if let Some((key, body)) = self.file(object, &path, read) {
            self.files.push(ExportedFile::open(path, data));
            self.configs.insert(key, body);
        }
    }

    /// Adds a secret with its file. An empty one, which waits for a person, is refused by the engine.
    pub(super) fn secret(
        &mut self,
        object: &Object,
        secrets: &ExportSecrets<'_>,
        read: &mut Fields<'_>,
    ) -> Result<(), Box<Diagnostic>> {
        // As it came: an empty mapping in a demand says something, and is not left out.
        let demand = object.body.get("Data").and_then(Demand::parse).ok_or_else(|| {
            Box::new(Diagnostic::error(
                object.id.as_str(),
                "it says nothing of where its material comes from",
            ))
        })?;
        read.take_whole("Data");
        let material = secrets.meet(&object.id, &demand)?;
        let path = path(Kind::Secret, object);
        if let Some((key, body)) = self.file(object, &path, read) {
            self.secrets.insert(key, body);
            self.files.push(match material {
                Some(material) => ExportedFile::secret(path, material.expose(), Vec::new()),
                None => ExportedFile::secret(path, "", vec!["all of it; the file is empty".to_owned()]),
            });
        }
        Ok(())
    }

    fn file(&self, object: &Object, path: &str, read: &mut Fields<'_>) -> Option<(String, Value)> {
        let key = self.key(&object.id)?.clone();
        let native = read.text("Name").unwrap_or_default();
        let mut body = Body::new();
        body.set("file", format!("./{path}"));
        if self.stack.len() + 1 + key.len() > NAME_LIMIT {
            body.set("name", native);
        }
        if let Some(mut templating) = read.below("Templating") {
            body.set_some("template_driver", templating.text("Name"));
        }
        body.set_filled("labels", labels(read));
        Some((key, body.into_value()))
    }
}

/// The path of a file: `configs/web/nginx.conf`.
fn path(kind: Kind, object: &Object) -> String {
    let folder = if kind == Kind::Secret { "secrets" } else { "configs" };
    let (document, key) = object.id.name().split_once('/').unwrap_or(("", object.id.name()));
    let key = match legal(key) {
        key if key.trim_matches('.').is_empty() => format!("file{key}"),
        key => key,
    };
    if document.is_empty() {
        format!("{folder}/{key}")
    } else {
        format!("{folder}/{}/{key}", legal(document))
    }
}

/// The address range of a network; more than that is none of Compose's.
fn ipam(value: &Value) -> Option<Value> {
    let map = value.as_object()?;
    let driver = map.get("Driver").and_then(Value::as_str).unwrap_or("default");
    let configs = map.get("Config")?.as_array()?;
    let is_known = map.keys().all(|key| matches!(key.as_str(), "Driver" | "Config"));
    let one = |config: &Value| {
        let map = config.as_object().filter(|map| map.len() == 1)?;
        Some(json!({ "subnet": map.get("Subnet")? }))
    };
    let configs = configs.iter().map(one).collect::<Option<Vec<_>>>().filter(|_| is_known)?;
    let mut body = Body::new();
    body.set_some("driver", (driver != "default").then_some(driver)).set("config", configs);
    Some(body.into_value())
}

/// Tells what is left of an item of a list, which was taken out of the object as a whole.
pub(super) fn tell_rest(mut left: Map<String, Value>, path: &str, of: &Fields<'_>) {
    fields::prune(&mut left);
    if left.is_empty() {
        return;
    }
    let mut paths = Vec::new();
    fields::paths(&Value::Object(left), path, &mut paths);
    for path in paths {
        let rest =
            rhumb_backend::Rest { path, fields: 1, fate: rhumb_backend::Fate::Lost, why: NO_WORD.to_owned() };
        of.ledger().borrow_mut().push(rest);
    }
}
