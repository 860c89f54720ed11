//! Documents that are passed through: of kinds that the app has no word for, and of those that say what it cannot.

use rhumb_backend::{Fate, Rest};
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Kind, Native};
use serde_json::{Map, Value};

use super::document::Document;
use super::naming::Names;
use super::service::Runner;
use super::world::World;
use crate::names;
use rhumb_backend::fields::leaves;

/// The labels that a release puts in the place of others on pods.
const RELEASE: [&str; 3] = [names::NAME, names::INSTANCE, names::MANAGED_BY];

/// Adds a document to the app as it is, but for what the server wrote and where it lies.
pub(super) fn pass(
    document: Document,
    (why, home): (&str, &str),
    runners: &[Runner],
    names: &mut Names,
    world: &mut World,
) {
    if document.word == "secret" {
        return document.finish_lost("a secret is passed through by nothing, since all could read it", world);
    }
    let text = |at: &str| document.text_at(at).unwrap_or_default();
    if text("/apiVersion").is_empty() || text("/kind").is_empty() || document.name.is_empty() {
        return document.finish_lost("an object has an apiVersion, a kind and a name", world);
    }
    let (mut manifest, _) = document.native();
    let mut rest = Vec::new();
    if let Some(metadata) = manifest.get_mut("metadata").and_then(Value::as_object_mut) {
        if metadata.get("namespace").and_then(Value::as_str) == Some(home) {
            metadata.shift_remove("namespace");
            rest.push(lost("metadata.namespace", 1, "the release's namespace takes its place"));
        }
        if let Some(value) = metadata.shift_remove("generateName") {
            rest.push(lost("metadata.generateName", leaves(&value), "an object of a release has a name"));
        }
        marks(metadata, &mut rest);
    }
    if document.word == "service" {
        rest.extend(reselect(&mut manifest, runners));
    } else if selects_by_release(&manifest, false) {
        let what = "it may select other pods now";
        let note = Diagnostic::warning(document.id.as_str(), what)
            .why("it selects by labels that a release gives its pods by itself")
            .remedy(format!("other labels, or {}: the workload's name", names::NAME));
        world.notes.push(note);
    }
    let key = format!("{}-{}", document.word, document.name);
    let name = names.add(document.id.as_str(), &key);
    world.app.natives.insert(name.clone(), Native { platform: "kubernetes".to_owned(), manifest });
    document.finish_native(Kind::Native.path(&name), why, rest, world);
}

fn lost(path: &str, fields: usize, why: &str) -> Rest {
    Rest { path: path.to_owned(), fields, fate: Fate::Lost, why: why.to_owned() }
}

/// Takes the labels by which another tool or release knows the object.
fn marks(metadata: &mut Map<String, Value>, rest: &mut Vec<Rest>) {
    let is_mark = |key: &str| {
        key == names::INSTANCE
            || key == names::MANAGED_BY
            || key.starts_with(names::MARK)
            || key.starts_with("meta.helm.sh/")
    };
    for group in ["labels", "annotations"] {
        let Some(map) = metadata.get_mut(group).and_then(Value::as_object_mut) else { continue };
        for key in map.keys().filter(|key| is_mark(key)).cloned().collect::<Vec<_>>() {
            map.shift_remove(&key);
            rest.push(lost(&format!("metadata.{group}.{key}"), 1, "the release's own mark takes its place"));
        }
        if map.is_empty() {
            metadata.shift_remove(group);
        }
    }
}

/// Selects a workload's pods by its own name, where a service selected them by labels that the release puts there.
fn reselect(manifest: &mut Value, runners: &[Runner]) -> Vec<Rest> {
    let Some(selector) = manifest.pointer_mut("/spec/selector").and_then(Value::as_object_mut) else {
        return Vec::new();
    };
    if !RELEASE.iter().any(|key| selector.contains_key(*key)) {
        return Vec::new();
    }
    let workload = super::service::only(runners, selector).map(|runner| runner.workload.clone());
    let mut rest = Vec::new();
    for key in RELEASE {
        if selector.shift_remove(key).is_some() {
            let why = "the release gives its pods a label of its own of this key";
            rest.push(lost(&format!("spec.selector.{key}"), 1, why));
        }
    }
    if let Some(workload) = workload {
        selector.insert(names::NAME.to_owned(), workload.into());
    }
    rest
}

fn selects_by_release(value: &Value, is_selector: bool) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, value)| {
            let is_below = is_selector || matches!(key.as_str(), "selector" | "podSelector" | "matchLabels");
            (is_selector && RELEASE.contains(&key.as_str()))
                || (key != "metadata" && selects_by_release(value, is_below))
        }),
        Value::Array(items) => items.iter().any(|item| selects_by_release(item, is_selector)),
        _ => false,
    }
}
