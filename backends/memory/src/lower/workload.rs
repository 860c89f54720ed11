//! Workloads, with references to what they use.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{After, Object, ObjectId, Until, change::ListKeys, patch, reference};
use rhumb_spec::model::{Container, EnvFrom, EnvSource, EnvValue, Kind, Mode, MountSource, Workload};
use rhumb_spec::{App, Diagnostic};
use serde_json::{Map, Value};

use super::body;
use super::secret::key_id;
use crate::behaviour::{self, Behaviour};
use crate::names::{self, hash};

/// The fields that a body has beside those of the document.
pub(crate) const USES: &str = "uses";
pub(crate) const CHECKSUMS: &str = "checksums";

pub(super) fn workload(
    app: &App,
    name: &str,
    workload: &Workload,
    others: &[Object],
) -> Result<Object, Vec<Diagnostic>> {
    let path = Kind::Workload.path(name);
    Behaviour::of(workload).map_err(|forms| {
        let at = format!("{path}.annotations.{}", behaviour::KEY);
        vec![Diagnostic::error(at, "no such behaviour").remedy(forms)]
    })?;
    let used: BTreeMap<&ObjectId, &Object> = {
        let ids = uses(app, workload);
        others.iter().filter(|other| ids.contains(&other.id)).map(|other| (&other.id, other)).collect()
    };
    let mut object = Object::new(names::id(Kind::Workload, name), patched(name, workload)?);
    if let Value::Object(fields) = &mut object.body {
        insert(fields, USES, used.keys().map(|id| (id.to_string(), reference::reference(id, "name"))));
        let stable = used.values().filter(|other| keeps_its_name(other));
        insert(fields, CHECKSUMS, stable.map(|other| (other.id.to_string(), hash(&other.body).into())));
    }
    object.workload = Some(name.to_owned());
    object.after = workload
        .depends_on
        .iter()
        .map(|other| After { id: names::id(Kind::Workload, other), until: Until::Ready })
        .collect();
    if workload.mode == Mode::Job {
        let generations: Vec<_> = used.values().map(|other| (&other.id, &other.generation)).collect();
        object.once = Some(hash(&(&object.body, generations)));
    }
    Ok(object)
}

/// The document with what `on.memory.Workload` says. Patches stay in the document too, so that they can be lifted.
fn patched(name: &str, workload: &Workload) -> Result<Value, Vec<Diagnostic>> {
    let mut body = body(Kind::Workload, name, workload);
    for (kind, patch) in workload.on.get(crate::NAME).into_iter().flatten() {
        if kind != Kind::Workload.as_str() {
            let path = format!("{}.on.{}.{kind}", Kind::Workload.path(name), crate::NAME);
            return Err(vec![
                Diagnostic::error(path, format!("a workload does not become a {kind} here"))
                    .remedy("`Workload`"),
            ]);
        }
        patch::patch(&mut body, patch, &ListKeys::default());
    }
    Ok(body)
}

fn insert(fields: &mut Map<String, Value>, name: &str, entries: impl Iterator<Item = (String, Value)>) {
    let entries: Map<String, Value> = entries.collect();
    if !entries.is_empty() {
        fields.insert(name.to_owned(), Value::Object(entries));
    }
}

/// Configs and secrets that change under the same name.
fn keeps_its_name(object: &Object) -> bool {
    object.generation.is_none() && [Kind::Config.prefix(), Kind::Secret.prefix()].contains(&object.id.kind())
}

/// Every object that a workload's containers need.
fn uses(app: &App, workload: &Workload) -> BTreeSet<ObjectId> {
    let mut used = Used { app, ids: BTreeSet::new() };
    for container in workload.init_containers.values().chain(workload.containers.values()) {
        used.container(container);
    }
    workload.networks.keys().for_each(|network| used.network(network));
    workload.pull_secret.iter().for_each(|secret| used.secret(secret, None));
    used.ids
}

struct Used<'a> {
    app: &'a App,
    ids: BTreeSet<ObjectId>,
}

impl Used<'_> {
    fn container(&mut self, container: &Container) {
        for value in container.env.values() {
            match value {
                EnvValue::From(EnvSource::Secret { name, key }) => self.secret(name, Some(key)),
                EnvValue::From(EnvSource::Config { name, .. }) => self.config(name),
                EnvValue::From(EnvSource::Address { .. } | EnvSource::Own(_)) | EnvValue::Text(_) => {}
            }
        }
        for EnvFrom { config, secret, .. } in &container.env_from {
            if let Some(name) = config {
                self.config(name);
            }
            if let Some(name) = secret {
                self.secret(name, None);
            }
        }
        for mount in container.mounts.values() {
            match &mount.source {
                MountSource::Config { name, .. } => self.config(name),
                MountSource::Secret { name, key } => self.secret(name, key.as_deref()),
                MountSource::Volume { name } => self.volume(name),
                MountSource::Ephemeral { .. } | MountSource::Tmpfs { .. } | MountSource::Host { .. } => {}
            }
        }
    }

    fn one(&mut self, kind: Kind, name: &str, is_external: bool) {
        self.ids.insert(if is_external { names::external(kind, name) } else { names::id(kind, name) });
    }

    fn config(&mut self, name: &str) {
        self.one(Kind::Config, name, self.app.configs.get(name).is_some_and(|config| config.external));
    }

    fn volume(&mut self, name: &str) {
        self.one(Kind::Volume, name, self.app.volumes.get(name).is_some_and(|volume| volume.external));
    }

    fn network(&mut self, name: &str) {
        self.one(Kind::Network, name, self.app.networks.get(name).is_some_and(|network| network.external));
    }

    /// One key of a secret, or all of them.
    fn secret(&mut self, name: &str, key: Option<&str>) {
        let Some(secret) = self.app.secrets.get(name) else { return };
        if secret.external {
            return self.one(Kind::Secret, name, true);
        }
        let private = secret.generate.values().filter_map(|how| how.private_key.as_deref());
        let keys = secret.keys().chain(private).filter(|of| key.is_none_or(|key| key == *of));
        self.ids.extend(keys.map(|key| key_id(name, key)));
    }
}
