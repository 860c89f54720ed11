//! Reading what people have already: what `docker inspect` answers, and what runs.

mod collect;

use std::collections::BTreeMap;

use rhumb_backend::{Gathered, Object, Origin, Ownership};
use rhumb_spec::Diagnostic;
use serde_json::{Map, Value};

use crate::kind::Kind;
use crate::lift::document_name_of;
use crate::names;
pub(crate) use collect::{collect, documents};

/// Turns documents into objects: services, networks, configs and secrets, as `docker inspect` answers them or the Engine
/// API takes them, alone and in lists.
pub(crate) fn gather(documents: Vec<Value>) -> Gathered {
    let mut found = Gathered::default();
    for (document, body) in documents.into_iter().enumerate() {
        match body {
            Value::Array(items) => {
                for (index, item) in items.into_iter().enumerate() {
                    add(&item, Origin { document, at: vec![index.to_string()] }, &mut found);
                }
            }
            other => add(&other, Origin { document, at: Vec::new() }, &mut found),
        }
    }
    refuse_doubles(&mut found);
    tell_of_secrets(&mut found);
    found
}

fn add(document: &Value, mut origin: Origin, found: &mut Gathered) {
    let Some((kind, body)) = document.as_object().and_then(read) else {
        found.notes.push(refusal(&origin));
        return;
    };
    if document.get("Spec").is_some() {
        origin.at.push("Spec".to_owned());
    }
    if let Some(object) = object(kind, Value::Object(body.clone())) {
        found.objects.push(object);
        found.origins.push(origin);
    }
}

fn refusal(origin: &Origin) -> Diagnostic {
    let steps = std::iter::once(origin.document.to_string()).chain(origin.at.iter().cloned());
    Diagnostic::error(steps.collect::<Vec<_>>().join("."), "it is no service, network, config or secret of Swarm")
        .why("a service has a `TaskTemplate`, a config `Data`, a network a `Driver`, and each a `Name`")
        .remedy("what `docker service inspect`, `network inspect`, `config inspect` and `secret inspect` answer; leave out other files")
}

/// What a document is, and the part of it that somebody asked for: the rest is the engine's own state.
pub(crate) fn read(map: &Map<String, Value>) -> Option<(Kind, &Map<String, Value>)> {
    let is_inspected = map.get("Spec").is_some_and(Value::is_object);
    let spec = map.get("Spec").and_then(Value::as_object).unwrap_or(map);
    spec.get("Name").filter(|name| name.is_string())?;
    let kind = if spec.contains_key("TaskTemplate") {
        Kind::Service
    } else if spec.contains_key("Data") {
        Kind::Config
    } else if is_inspected {
        Kind::Secret
    } else if spec.contains_key("Driver") && !spec.contains_key("Mountpoint") {
        Kind::Network
    } else {
        return None;
    };
    Some((kind, spec))
}

/// An object under its whole name on the swarm. A network of no stack was there before and stays.
fn object(kind: Kind, body: Value) -> Option<Object> {
    let name = body.get("Name")?.as_str()?.to_owned();
    let is_of_stack = body.pointer("/Labels").and_then(|labels| labels.get(names::STACK)).is_some();
    if kind == Kind::Network && !is_of_stack {
        let id = names::external_id(kind.as_str(), &name);
        return Some(Object { ownership: Ownership::External, ..Object::new(id, body) });
    }
    Some(Object::new(rhumb_backend::ObjectId::new(kind.as_str(), &name), body))
}

/// Objects of several stacks that would get one name are refused: one would take the other's place.
fn refuse_doubles(found: &mut Gathered) {
    let mut seen: BTreeMap<(&str, String), String> = BTreeMap::new();
    for object in &found.objects {
        let Some(kind) = Kind::of(&object.id).map(Kind::as_str) else { continue };
        let key = (kind, document_name_of(object));
        let first = seen.entry(key).or_insert_with(|| object.id.to_string());
        if *first != object.id.as_str() {
            let what = format!("it would be named as {first} is");
            let note = Diagnostic::error(object.id.as_str(), what)
                .why("names of a chart are those of the swarm without the stack's")
                .remedy("one stack at a time: --stack NAME");
            found.notes.push(note);
        }
    }
}

fn tell_of_secrets(found: &mut Gathered) {
    for object in found.objects.iter().filter(|object| Kind::of(&object.id) == Some(Kind::Secret)) {
        let note = Diagnostic::warning(object.id.as_str(), "the chart expects this secret to be there")
            .why("Swarm never shows a secret's material, so the chart cannot make it")
            .remedy("in the chart, `data` or `generate` in the place of `external`, to make it elsewhere");
        found.notes.push(note);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn answers_of_inspect_are_gathered() {
        let stack = json!({ "com.docker.stack.namespace": "blog" });
        let found = gather(vec![
            json!([{ "ID": "1", "Version": { "Index": 3 }, "Spec": { "Name": "blog_web", "Labels": stack, "TaskTemplate": {} } }]),
            json!([{ "Id": "2", "Name": "blog_default", "Driver": "overlay", "Labels": stack }, { "Id": "3", "Name": "edge", "Driver": "overlay" }]),
            json!({ "ID": "4", "Spec": { "Name": "blog_conf", "Data": "YQ==" } }),
            json!({ "ID": "5", "Spec": { "Name": "blog_key", "Labels": stack } }),
            json!({ "Name": "blog_api", "TaskTemplate": {} }),
        ]);
        let ids: Vec<&str> = found.objects.iter().map(|object| object.id.as_str()).collect();
        assert_eq!(
            ids,
            [
                "service/blog_web",
                "network/blog_default",
                "external/network/edge",
                "config/blog_conf",
                "secret/blog_key",
                "service/blog_api"
            ]
        );
        assert_eq!(found.objects[0].body["Name"], "blog_web");
        assert_eq!(found.origins[0].at, ["0", "Spec"]);
        let notes: Vec<&str> = found.notes.iter().map(|note| note.path.as_str()).collect();
        assert_eq!(notes, ["secret/blog_key"], "a secret's material is told");
    }

    #[test]
    fn what_is_none_of_them_and_what_would_be_doubled_is_refused() {
        let web = |stack: &str| {
            json!({
                "Name": format!("{stack}_web"), "TaskTemplate": {}, "Labels": { "com.docker.stack.namespace": stack },
            })
        };
        let found = gather(vec![
            json!({ "services": {} }),
            json!([{ "Name": "data", "Driver": "local", "Mountpoint": "/x" }]),
            web("one"),
            web("two"),
        ]);
        let errors = found.notes.iter().filter(|note| note.is_error());
        let paths: Vec<&str> = errors.map(|note| note.path.as_str()).collect();
        assert_eq!(paths, ["0", "1.0", "service/two_web"]);
    }
}
