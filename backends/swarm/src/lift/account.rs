//! What became of every field of every object.

use rhumb_backend::fields::leaves;
use rhumb_backend::{Account, Fate, Lifted, Object, Rest};
use rhumb_spec::model::Kind as Neutral;
use rhumb_spec::{Diagnostic, Severity};
use serde_json::{Map, Value, json};

use super::fields::{NO_FIELD, Reads, TEMPLATE};
use super::naming::Names;
use crate::kind::Kind;
use crate::names::{self, FileKind};

/// Why a field is kept.
const KEPT: &str = "no neutral field is for it; a patch under on.swarm.Service keeps it";
/// Lists of strings that begin with a name, by which their items are told apart in notes.
const NAMED: &str = "TaskTemplate.ContainerSpec.Env";
/// The list of which items are patched by what tells them apart.
const MOUNTS: &str = "TaskTemplate.ContainerSpec.Mounts";

/// Why a field that nobody read and nobody told of is lost.
const UNREAD: &str = "nothing in an app is for it";

/// Keeps what no neutral field is for as patches, and counts what became of the fields of each object: what was read, no
/// note speaks of and the engine did not write is carried.
pub(super) fn accounts(objects: &[Object], (names, reads): (&Names, &Reads), lifted: &mut Lifted) {
    for object in objects {
        let mut rest = Vec::new();
        let prefix = format!("{}.", object.id);
        let mut kept = json!({});
        for note in lifted.notes.iter_mut().filter(|note| note.severity == Severity::Note) {
            let Some(path) = note.path.strip_prefix(&prefix).map(str::to_owned) else { continue };
            let fate = fate(object, &path, note, &mut kept);
            let why = note.why.clone().unwrap_or_default();
            rest.push(Rest { path, fields: 0, fate, why });
        }
        keep(object, names, kept, lifted);
        let document = document(object, names);
        let mut found = Vec::new();
        walk(&object.body, "", &mut found);
        for (path, value) in &found {
            count(object, (path, value), reads, &mut rest);
        }
        rest.retain(|rest| rest.fields > 0);
        lifted.accounts.push(Account { id: object.id.clone(), document, fields: leaves(&object.body), rest });
    }
}

/// Whether what a note speaks of can be kept; a note of something that is kept says so.
fn fate(object: &Object, path: &str, note: &mut Diagnostic, kept: &mut Value) -> Fate {
    let is_left = note.why.as_deref().is_some_and(|why| [NO_FIELD, TEMPLATE].contains(&why));
    if !is_left || Kind::of(&object.id) != Some(Kind::Service) || !add(&object.body, path, kept) {
        return Fate::Lost;
    }
    *note = Diagnostic::note(note.path.clone(), "it is kept for Swarm only").why(KEPT);
    Fate::Kept
}

/// Adds a field to a patch. Items of lists are patched only where something tells them apart on every swarm.
fn add(body: &Value, path: &str, kept: &mut Value) -> bool {
    let of_mount = path.strip_prefix(MOUNTS).and_then(|rest| rest.strip_prefix('.')?.split_once('.'));
    if let Some((index, key)) = of_mount {
        return add_of_mount(body, (index, key), kept).is_some();
    }
    if let Some(name) = path.strip_prefix(NAMED).and_then(|rest| rest.strip_prefix('.')) {
        return add_variable(body, name, kept).is_some();
    }
    let keys: Vec<&str> = path.split('.').collect();
    // A network's id is another one on another swarm.
    let is_plain = keys.iter().all(|key| key.parse::<usize>().is_err()) && keys.first() != Some(&"Networks");
    let Some(value) = body.pointer(&pointer(path)).filter(|_| is_plain) else { return false };
    insert(kept, &keys, value.clone());
    true
}

/// Adds a variable, which its name tells apart.
fn add_variable(body: &Value, name: &str, kept: &mut Value) -> Option<()> {
    let lines = body.pointer(&pointer(NAMED))?.as_array()?;
    let is_it = |line: &&Value| {
        line.as_str().and_then(|line| line.strip_prefix(name)).is_some_and(|rest| rest.starts_with('='))
    };
    let line = lines.iter().find(is_it)?.clone();
    let patched = step(step(step(kept, "TaskTemplate"), "ContainerSpec"), "Env");
    if !patched.is_array() {
        *patched = json!([]);
    }
    patched.as_array_mut()?.push(line);
    Some(())
}

/// Adds a field of a mount to the item of its target.
fn add_of_mount(body: &Value, (index, key): (&str, &str), kept: &mut Value) -> Option<()> {
    let mounts = body.pointer("/TaskTemplate/ContainerSpec/Mounts")?;
    let mount = mounts.get(index.parse::<usize>().ok()?)?;
    let target = mount.get("Target")?;
    let value = mount.pointer(&pointer(key))?.clone();
    let keys: Vec<&str> = key.split('.').collect();
    let patched = step(step(step(kept, "TaskTemplate"), "ContainerSpec"), "Mounts");
    if !patched.is_array() {
        *patched = json!([]);
    }
    let items = patched.as_array_mut()?;
    if let Some(item) = items.iter_mut().find(|item| item.get("Target") == Some(target)) {
        insert(item, &keys, value);
        return Some(());
    }
    let mut item = json!({ "Target": target });
    insert(&mut item, &keys, value);
    items.push(item);
    Some(())
}

fn pointer(path: &str) -> String {
    format!("/{}", path.replace('.', "/"))
}

fn step<'a>(value: &'a mut Value, key: &str) -> &'a mut Value {
    if !value.is_object() {
        *value = json!({});
    }
    &mut value[key]
}

fn insert(into: &mut Value, keys: &[&str], value: Value) {
    let place = keys.iter().fold(into, |place, key| step(place, key));
    *place = value;
}

/// Puts what is kept into the workload that the service became.
fn keep(object: &Object, names: &Names, patch: Value, lifted: &mut Lifted) {
    if patch.as_object().is_none_or(Map::is_empty) {
        return;
    }
    let workload = names.service(object.id.as_str()).and_then(|name| lifted.app.workloads.get_mut(name));
    if let Some(workload) = workload {
        workload.on.entry("swarm".to_owned()).or_default().insert("Service".to_owned(), patch);
    }
}

/// The document of the app that an object became.
fn document(object: &Object, names: &Names) -> Option<String> {
    let name = object.body.get("Name").and_then(Value::as_str)?;
    Some(match Kind::of(&object.id)? {
        Kind::Service => Neutral::Workload.path(names.service(object.id.as_str())?),
        Kind::Network => Neutral::Network.path(names.network(&object.id.as_str().into())?),
        Kind::Config => Neutral::Config.path(&names.file(FileKind::Config, name).document),
        Kind::Secret => Neutral::Secret.path(&names.file(FileKind::Secret, name).document),
    })
}

/// Every leaf by its path.
fn walk<'a>(value: &'a Value, path: &str, found: &mut Vec<(String, &'a Value)>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                walk(value, &below(key), found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                let name = item.as_str().and_then(|line| line.split('=').next()).filter(|_| path == NAMED);
                walk(item, &below(name.unwrap_or(&index.to_string())), found);
            }
        }
        leaf => found.push((path.to_owned(), leaf)),
    }
}

/// Counts one leaf to the note that speaks of it, or to what is the engine's own; what is left over is carried.
fn count(object: &Object, (path, value): (&str, &Value), reads: &Reads, rest: &mut Vec<Rest>) {
    let covers = |rest: &&mut Rest| {
        rest.fate != Fate::Own
            && path
                .strip_prefix(rest.path.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    if let Some(told) = rest.iter_mut().find(covers) {
        told.fields += 1;
    } else if let Some((fate, why)) = beside(object, path, value) {
        rest.push(Rest { path: path.to_owned(), fields: 1, fate, why: why.to_owned() });
    } else if !reads.has(&format!("{}.{path}", object.id)) {
        rest.push(Rest { path: path.to_owned(), fields: 1, fate: Fate::Lost, why: UNREAD.to_owned() });
    }
}

/// What becomes of a field that is read without a word, where it is not carried.
fn beside(object: &Object, path: &str, value: &Value) -> Option<(Fate, &'static str)> {
    const WRITTEN: (Fate, &str) = (Fate::Own, "the engine writes it");
    const DEFAULT: (Fate, &str) = (Fate::Own, "it is what the engine takes where nothing is said");
    let is_empty = match value {
        Value::Null => true,
        Value::String(text) => text.is_empty() && !path.starts_with(NAMED),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty() && !path.starts_with("Mode"),
        _ => false,
    };
    let label = path.split_once("Labels.").map(|(_, label)| label);
    match (Kind::of(&object.id)?, path) {
        _ if is_empty => Some((Fate::Own, "it says nothing")),
        _ if label == Some(names::STACK_IMAGE) => None,
        _ if label.is_some_and(names::is_mark) => Some((Fate::Own, "a release marks its own objects anew")),
        (Kind::Service, path) => service_field(path, value),
        (
            Kind::Network,
            "Id"
            | "Created"
            | "Scope"
            | "Ingress"
            | "EnableIPv4"
            | "ConfigFrom.Network"
            | "Options.com.docker.network.driver.overlay.vxlanid_list",
        ) => Some(WRITTEN),
        (Kind::Network, "IPAM.Driver") if value == "default" => Some(DEFAULT),
        (Kind::Network, "IPAM.Config.0.Subnet") => None,
        (Kind::Network, path) if path.starts_with("IPAM.") => {
            Some((Fate::Lost, "only one range of addresses has a neutral form"))
        }
        (Kind::Network, path) if path.starts_with("Containers.") || path.starts_with("Peers.") => {
            Some(WRITTEN)
        }
        _ => (value == false).then_some(DEFAULT),
    }
}

fn service_field(path: &str, value: &Value) -> Option<(Fate, &'static str)> {
    let last = path.rsplit('.').next().unwrap_or(path);
    match path {
        "TaskTemplate.ForceUpdate" => Some((Fate::Own, "it counts how often tasks were replaced by hand")),
        "TaskTemplate.Runtime" | "TaskTemplate.ContainerSpec.Isolation" => {
            Some((Fate::Own, "it is what the engine takes where nothing is said"))
        }
        "RollbackConfig.FailureAction" if value == "pause" => {
            Some((Fate::Own, "it is what the engine takes where nothing is said"))
        }
        "RollbackConfig.FailureAction" => {
            Some((Fate::Lost, "what follows a rollback that fails has no neutral form"))
        }
        _ if matches!(last, "ConfigID" | "SecretID") => {
            Some((Fate::Own, "the engine writes it beside the name"))
        }
        _ => (value == false).then_some((Fate::Own, "it says nothing")),
    }
}
