//! Compose files for `docker stack deploy`, which are Swarm's own.
//!
//! What a release lowers to becomes one `compose.yaml`, with the files of configs and secrets beside it. Deployed as a
//! stack of the release's name, it makes the same services, networks and volumes under the same names; configs and
//! secrets get names without the hash of their content. Each field of an object is written, or told.

mod amount;
mod container;
mod deploy;
mod mounts;
mod service;
mod shared;

use std::collections::BTreeMap;

use rhumb_backend::export::{map_texts, release_notes};
use rhumb_backend::fields::{self, Fields, Ledger};
use rhumb_backend::{ExportSecrets, Exported, ExportedFile, Object, ObjectId, Ownership, Rest, Scope};
use rhumb_spec::{Diagnostic, yaml};
use serde_json::{Map, Value};

use crate::kind::Kind;
use crate::lower::Body;
use crate::names;

/// The file.
const FILE: &str = "compose.yaml";
/// The version of the schema that every docker CLI from 19.03 on takes.
const VERSION: &str = "3.8";
/// The one that knows `volume.subpath`.
const VERSION_WITH_SUBPATH: &str = "3.13";
/// Why a field is not in the file.
const NO_WORD: &str = "Compose has no word for it, so it is not in compose.yaml";

/// Writes objects as a Compose file.
///
/// # Errors
/// Material that is nowhere.
pub(crate) fn files(
    scope: &Scope,
    objects: &[Object],
    secrets: &ExportSecrets<'_>,
) -> Result<Exported, Vec<Diagnostic>> {
    let mut work = Work { keys: keys(scope, objects), stack: scope.stack(), ..Work::default() };
    let mut refused = Vec::new();
    for object in objects {
        if let Err(found) = work.object(object, secrets) {
            refused.push(*found);
        }
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    work.notes.extend(notes(objects));
    work.notes.extend(objects.iter().filter_map(unpinned));
    let document = work.document();
    let mut files = vec![ExportedFile::open(FILE, text(&document))];
    files.extend(work.files);
    Ok(Exported { files, deploying: deploying(scope, &document), notes: work.notes })
}

/// What is made of the objects.
#[derive(Default)]
struct Work {
    stack: String,
    keys: BTreeMap<ObjectId, String>,
    services: Map<String, Value>,
    networks: Map<String, Value>,
    volumes: Map<String, Value>,
    configs: Map<String, Value>,
    secrets: Map<String, Value>,
    files: Vec<ExportedFile>,
    notes: Vec<Diagnostic>,
}

impl Work {
    fn object(&mut self, object: &Object, secrets: &ExportSecrets<'_>) -> Result<(), Box<Diagnostic>> {
        let ledger = Ledger::default();
        let mut body = object.body.as_object().cloned().unwrap_or_default();
        fields::prepare(&mut body, &[], &ledger);
        let mut read = Fields::new(&mut body, "", &ledger);
        match Kind::of(&object.id) {
            Some(Kind::Service) => self.service(object, &mut read),
            Some(Kind::Network) => self.network(object, &mut read),
            Some(kind) if object.ownership == Ownership::External => self.external(kind, object, &mut read),
            Some(kind @ Kind::Config) => self.config(object, kind, &mut read),
            Some(Kind::Secret) => self.secret(object, secrets, &mut read)?,
            None => {}
        }
        fields::prune(&mut body);
        self.tell(object, &Value::Object(body), ledger.into_inner());
        Ok(())
    }

    /// Tells what was not written.
    fn tell(&mut self, object: &Object, left: &Value, rest: Vec<Rest>) {
        let mut paths = Vec::new();
        if left.as_object().is_some_and(|left| !left.is_empty()) {
            fields::paths(left, "", &mut paths);
        }
        let at = |path: &str| format!("{}.{path}", object.id);
        self.notes.extend(paths.iter().map(|path| Diagnostic::note(at(path), NO_WORD)));
        let lost = rest.into_iter().filter(|rest| rest.fate == rhumb_backend::Fate::Lost);
        self.notes.extend(lost.map(|rest| Diagnostic::note(at(&rest.path), rest.why)));
    }

    /// The key of an object that another refers to.
    fn key(&self, id: &ObjectId) -> Option<&String> {
        self.keys.get(id)
    }

    fn document(&self) -> Value {
        let uses_subpath = self.services.values().any(|service| {
            service
                .pointer("/volumes")
                .into_iter()
                .filter_map(Value::as_array)
                .flatten()
                .any(|mount| mount.pointer("/volume/subpath").is_some())
        });
        let mut body = Body::new();
        body.set("version", if uses_subpath { VERSION_WITH_SUBPATH } else { VERSION })
            .set_filled("services", self.services.clone())
            .set_filled("networks", self.networks.clone())
            .set_filled("volumes", self.volumes.clone())
            .set_filled("configs", self.configs.clone())
            .set_filled("secrets", self.secrets.clone());
        // The CLI replaces `$NAME` in every text by a variable of its environment.
        map_texts(&body.into_value(), &|text| text.contains('$').then(|| text.replace('$', "$$")))
    }
}

/// The keys of all objects under `services`, `networks`, `configs` and `secrets`: their names on the swarm without that
/// of the stack, which the CLI puts before them.
fn keys(scope: &Scope, objects: &[Object]) -> BTreeMap<ObjectId, String> {
    let prefix = format!("{}_", scope.stack());
    let mut found: BTreeMap<ObjectId, String> = BTreeMap::new();
    for object in objects {
        let native = object.body.get("Name").and_then(Value::as_str).unwrap_or_default();
        let wanted = match Kind::of(&object.id) {
            Some(Kind::Config | Kind::Secret) if object.ownership != Ownership::External => {
                object.id.name().replace('/', ".")
            }
            _ => native.strip_prefix(&prefix).unwrap_or(native).to_owned(),
        };
        let is_taken = |key: &String| {
            found.iter().any(|(id, taken)| taken == key && Kind::of(id) == Kind::of(&object.id))
        };
        let wanted = legal(&wanted);
        let key = (1..=objects.len() + 1)
            .map(|count| if count == 1 { wanted.clone() } else { format!("{wanted}-{count}") })
            .find(|key| !is_taken(key));
        found.extend(key.map(|key| (object.id.clone(), key)));
    }
    found
}

/// Source: the schema of Compose files, `patternProperties`: `^[a-zA-Z0-9._-]+$`.
fn legal(name: &str) -> String {
    let legal = |character: char| match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | '-' => character,
        _ => '-',
    };
    name.chars().map(legal).collect()
}

/// The file's text, with the modes of files as people write them.
fn text(document: &Value) -> String {
    let text = yaml::to_string(document).unwrap_or_default();
    text.replace(&format!("mode: {}", amount::OCTAL), "mode: ")
}

/// What no tool but a release does.
fn notes(objects: &[Object]) -> Vec<Diagnostic> {
    let mut notes = release_notes(objects, "docker stack deploy");
    for object in objects {
        let is_file = matches!(Kind::of(&object.id), Some(Kind::Config | Kind::Secret));
        if is_file && object.ownership != Ownership::External {
            notes.push(
                Diagnostic::note(
                    object.id.as_str(),
                    "docker stack deploy refuses it once its file is another",
                )
                .why("configs and secrets of Swarm cannot change")
                .remedy(
                    "another key for it in compose.yaml with each change, or a `name` with a number in it",
                ),
            );
        }
        if object.once.is_some() {
            notes.push(Diagnostic::note(
                object.id.as_str(),
                "it runs when the stack is first deployed, and again only when its service is changed or removed",
            ));
        }
    }
    notes
}

/// A service with volumes of a node that no constraint keeps there: a release pins it once it knows the nodes.
fn unpinned(object: &Object) -> Option<Diagnostic> {
    let list = |at: &str| object.body.pointer(at).and_then(Value::as_array).into_iter().flatten();
    let is_local = |mount: &&Value| {
        mount.get("Type").and_then(Value::as_str) == Some("volume")
            && mount.get("Source").is_some()
            && mount.pointer("/VolumeOptions/DriverConfig").is_none()
    };
    let mount = list("/TaskTemplate/ContainerSpec/Mounts").find(is_local)?;
    let mut constraints = list("/TaskTemplate/Placement/Constraints").filter_map(Value::as_str);
    if constraints.any(|text| text.starts_with("node.id") || text.starts_with("node.hostname")) {
        return None;
    }
    let source = mount.get("Source").and_then(Value::as_str).unwrap_or_default();
    let what = format!("nothing keeps its tasks on the node that has the volume {source}");
    Some(
        Diagnostic::note(object.id.as_str(), what)
            .why("a release pins them to a node, and none is known here")
            .remedy("`node.hostname==NAME` in `deploy.placement.constraints`, or --live of a target"),
    )
}

fn deploying(scope: &Scope, document: &Value) -> String {
    let stack = scope.stack();
    let has = |at: &str| document.get(at).is_some();
    let mut text = format!(
        "`{FILE}` is for Docker Swarm. From this folder, on a manager:\n\n```sh\ndocker stack deploy -c {FILE} {stack}\n```\n\n\
         Another name than `{stack}` makes another stack beside it. `docker stack config -c {FILE}` checks the file, and \
         `docker stack rm {stack}` takes everything away but the volumes.\n"
    );
    if has("configs") || has("secrets") {
        text.push_str(
            "\nThe files of configs and secrets lie beside it: the CLI reads them when it deploys.\n",
        );
    }
    text
}

/// The labels of people: without ours and those that the CLI adds by itself. As `name=value`, for which no reader of
/// YAML takes anything but text.
fn labels(read: &mut Fields<'_>) -> Vec<String> {
    let Some(labels) = read.take("Labels", fields::text_map) else { return Vec::new() };
    labels
        .into_iter()
        .filter(|(key, _)| !names::is_mark(key))
        .map(|(key, value)| format!("{key}={value}"))
        .collect()
}

#[cfg(test)]
mod tests;
