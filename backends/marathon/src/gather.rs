//! Reading what people have already: files of apps, groups, pods and jobs, and what runs.

mod collect;

use rhumb_backend::{Gathered, Object, ObjectId, Origin};
use rhumb_spec::Diagnostic;
use serde_json::{Map, Value};

use crate::kind::Kind;
use crate::lift::GROUP;
pub(crate) use collect::collect;

/// Fields of which an app that somebody wrote has at least one beside its id.
const OF_APPS: &[&str] = &[
    "args",
    "cmd",
    "constraints",
    "container",
    "cpus",
    "dependencies",
    "env",
    "fetch",
    "healthChecks",
    "instances",
    "labels",
    "mem",
    "ports",
    "portDefinitions",
    "uris",
];
/// Fields of what Marathon answers that is no app.
const OF_OTHERS: &[&str] = &["affectedApps", "appId", "slaveId", "steps", "currentActions", "delay"];
/// The lists of a group.
const LISTS: [&str; 3] = ["apps", "groups", "pods"];

/// Turns documents into objects: apps, pods and jobs of Metronome, alone, in lists and in groups. Ids that are relative to
/// their group become absolute, and so do those of what is waited for.
///
/// Source: Marathon documentation, "Application groups", "Dependencies".
pub(crate) fn gather(documents: Vec<Value>) -> Gathered {
    let mut found = Gathered::default();
    for (document, body) in documents.into_iter().enumerate() {
        let place = Place { document, at: Vec::new() };
        walk(body, &place, "", &mut found);
    }
    found
}

/// Where a value is among documents.
#[derive(Clone)]
struct Place {
    document: usize,
    at: Vec<String>,
}

impl Place {
    fn below(&self, step: impl Into<String>) -> Self {
        let mut place = self.clone();
        place.at.push(step.into());
        place
    }

    fn path(&self) -> String {
        let steps = std::iter::once(self.document.to_string()).chain(self.at.iter().cloned());
        steps.collect::<Vec<_>>().join(".")
    }
}

fn walk(body: Value, place: &Place, group: &str, found: &mut Gathered) {
    match body {
        Value::Array(items) => {
            for (index, item) in items.into_iter().enumerate() {
                walk(item, &place.below(index.to_string()), group, found);
            }
        }
        Value::Object(map) => document(map, place, group, found),
        _ => refuse(place, found),
    }
}

fn document(mut map: Map<String, Value>, place: &Place, group: &str, found: &mut Gathered) {
    let has_id = map.get("id").is_some_and(Value::is_string);
    let is_wrapped = |map: &Map<String, Value>, key: &str| map.get(key).is_some_and(Value::is_object);
    // An answer of the API about one app, or about a pod and its status.
    for key in ["app", "spec"] {
        if is_wrapped(&map, key) && (key == "app" || map.contains_key("status") || !has_id) {
            let body = map.shift_remove(key).unwrap_or_default();
            return walk(body, &place.below(key), group, found);
        }
    }
    if let Some(items) = map.get("items").filter(|items| items.is_array()).cloned() {
        return walk(items, &place.below("items"), group, found);
    }
    let is_other = OF_OTHERS.iter().any(|key| map.contains_key(*key));
    let kind = if map.get("containers").is_some_and(Value::is_array) {
        Some(Kind::Pod)
    } else if is_wrapped(&map, "run") {
        Some(Kind::Job)
    } else if LISTS.iter().any(|key| map.get(*key).is_some_and(Value::is_array)) && !is_other {
        return of_group(map, place, group, found);
    } else if OF_APPS.iter().any(|key| map.contains_key(*key)) && !is_other {
        Some(Kind::App)
    } else {
        None
    };
    match kind.filter(|_| has_id) {
        Some(kind) => add(kind, map, place, (group, found)),
        None => refuse(place, found),
    }
}

fn of_group(mut map: Map<String, Value>, place: &Place, group: &str, found: &mut Gathered) {
    let lists: Vec<(&str, Value)> =
        LISTS.iter().filter_map(|key| Some((*key, map.shift_remove(*key)?))).collect();
    let said = map.get("id").and_then(Value::as_str).map(str::to_owned);
    let id = said.as_deref().map_or_else(|| group.to_owned(), |said| absolute(group, said));
    if said.is_some() {
        map.insert("id".to_owned(), id.clone().into());
        depend(&mut map, &id);
        let name = id.trim_start_matches('/');
        let name = if name.is_empty() { "root" } else { name };
        push(Object::new(ObjectId::new(GROUP, name), Value::Object(map)), place, found);
    }
    for (key, list) in lists {
        walk(list, &place.below(key), &id, found);
    }
}

fn add(kind: Kind, mut map: Map<String, Value>, place: &Place, (group, found): (&str, &mut Gathered)) {
    // As documents that are passed through have it.
    map.shift_remove("kind");
    let said = map.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let id = if kind == Kind::Job { said } else { absolute(group, &said) };
    map.insert("id".to_owned(), id.clone().into());
    depend(&mut map, &id);
    push(Object::new(kind.id(id.trim_start_matches('/')), Value::Object(map)), place, found);
}

/// Makes ids of what is waited for absolute: relative ones begin at the document's own id.
fn depend(map: &mut Map<String, Value>, id: &str) {
    let Some(Value::Array(others)) = map.get_mut("dependencies") else { return };
    for other in others {
        if let Some(said) = other.as_str() {
            *other = absolute(id, said).into();
        }
    }
}

fn absolute(base: &str, id: &str) -> String {
    let mut segments: Vec<&str> = if id.starts_with('/') { Vec::new() } else { base.split('/').collect() };
    for segment in id.split('/') {
        match segment {
            ".." => drop(segments.pop()),
            "." | "" => {}
            other => segments.push(other),
        }
    }
    let kept: Vec<&str> = segments.into_iter().filter(|segment| !segment.is_empty()).collect();
    format!("/{}", kept.join("/"))
}

fn push(object: Object, place: &Place, found: &mut Gathered) {
    found.objects.push(object);
    found.origins.push(Origin { document: place.document, at: place.at.clone() });
}

fn refuse(place: &Place, found: &mut Gathered) {
    found.notes.push(
        Diagnostic::error(place.path(), "it is no app, pod, group or job")
            .why("an app has an `id` and what it runs, a pod `containers`, a group `apps` or `groups`, a job of Metronome `run`")
            .remedy("documents as Marathon's API takes or gives them; leave out other files"),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ids_become_absolute() {
        for (base, id, expected) in [
            ("/prod", "web", "/prod/web"),
            ("", "web", "/web"),
            ("/prod/service/app", "../../db", "/prod/db"),
            ("/prod", "/other", "/other"),
            ("/prod", "./web", "/prod/web"),
            ("", "/", "/"),
        ] {
            assert_eq!(absolute(base, id), expected, "{base} {id}");
        }
    }

    #[test]
    fn groups_lists_and_answers_are_gathered() {
        let found = gather(vec![
            json!({
                "id": "/product", "dependencies": ["../base"],
                "groups": [{ "id": "service", "apps": [{ "id": "web", "cmd": "a", "dependencies": ["../../db"] }] }],
                "apps": [{ "id": "db", "cmd": "b" }],
            }),
            json!([{ "id": "/one", "cmd": "c" }]),
            json!({ "app": { "id": "/two", "cmd": "d" } }),
            json!({ "id": "/pods/three", "status": "STABLE", "spec": { "id": "/pods/three", "containers": [] } }),
            json!({ "id": "night.job", "run": { "cmd": "e" } }),
        ]);
        assert!(found.notes.is_empty(), "{:?}", found.notes);
        let ids: Vec<&str> = found.objects.iter().map(|object| object.id.as_str()).collect();
        assert_eq!(
            ids,
            [
                "group/product",
                "app/product/db",
                "group/product/service",
                "app/product/service/web",
                "app/one",
                "app/two",
                "pod/pods/three",
                "job/night.job"
            ]
        );
        assert_eq!(found.objects[0].body["dependencies"], json!(["/base"]));
        assert_eq!(found.objects[3].body["dependencies"], json!(["/product/db"]));
        assert_eq!(found.origins[3].at, ["groups", "0", "apps", "0"]);
    }

    #[test]
    fn what_is_none_of_them_is_told() {
        let found = gather(vec![
            json!({ "services": {} }),
            json!([{ "id": "1", "affectedApps": [], "steps": [], "cmd": "" }]),
            json!("text"),
        ]);
        let paths: Vec<&str> = found.notes.iter().map(|note| note.path.as_str()).collect();
        assert_eq!(paths, ["0", "1.0", "2"]);
        assert!(found.objects.is_empty());
    }
}
