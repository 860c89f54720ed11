//! Routes of the Gateway API.

use indexmap::IndexMap;
use rhumb_spec::model::{Kind, Route, RouteTarget};
use serde_json::Value;

use super::document::Document;
use super::labels;
use super::naming::{Names, document_of};
use super::world::{PortRef, World};
use crate::lower::GATEWAY;
use rhumb_backend::fields::text_map;

/// Adds the route of an `HTTPRoute`; gives back one that says something which no route can.
pub(super) fn lift(mut document: Document, names: &mut Names, world: &mut World) -> Option<Document> {
    let Some(route) = read(&document.whole, world) else { return Some(document) };
    let name =
        names.add(&format!("httproute\n{}", document.name), document_of(&document.whole, &document.name));
    document.take_head();
    let mut fields = document.fields();
    let mut annotations = std::collections::BTreeMap::new();
    if let Some(mut metadata) = fields.below("metadata") {
        labels::take_marks(&mut metadata);
        annotations = metadata.take("annotations", text_map).unwrap_or_default();
    }
    fields.take_whole("spec");
    world.app.routes.insert(name.clone(), Route { annotations, ..route });
    document.finish(Kind::Route.path(&name), world);
    None
}

fn read(whole: &Value, world: &World) -> Option<Route> {
    let spec = whole.get("spec")?.as_object()?;
    let known = ["parentRefs", "hostnames", "rules"];
    if !spec.keys().all(|key| known.contains(&key.as_str())) {
        return None;
    }
    let [parent] = spec.get("parentRefs")?.as_array()?.as_slice() else { return None };
    let parent = text_map(parent)?;
    let is_gateway = |key: &String, value: &String| match key.as_str() {
        "name" | "namespace" => true,
        "group" => value == "gateway.networking.k8s.io",
        "kind" => value == "Gateway",
        _ => false,
    };
    if !parent.iter().all(|(key, value)| is_gateway(key, value)) {
        return None;
    }
    let gateway = parent.get("name")?;
    let class = match parent.get("namespace") {
        Some(namespace) => format!("{GATEWAY}{namespace}/{gateway}"),
        None => format!("{GATEWAY}{gateway}"),
    };
    let host =
        match spec.get("hostnames").map_or(Some(&[][..]), |value| value.as_array().map(Vec::as_slice))? {
            [] => None,
            [host] => Some(host.as_str()?.to_owned()),
            _ => return None,
        };
    let paths = spec.get("rules")?.as_array()?.iter().map(|rule| path(rule, world));
    let paths: IndexMap<String, RouteTarget> = paths.collect::<Option<_>>()?;
    (!paths.is_empty()).then(|| Route { host, paths, class: Some(class), ..Route::default() })
}

fn path(rule: &Value, world: &World) -> Option<(String, RouteTarget)> {
    let rule =
        rule.as_object().filter(|rule| rule.keys().all(|key| key == "matches" || key == "backendRefs"))?;
    let [matches] = rule.get("matches")?.as_array()?.as_slice() else { return None };
    let matches = matches.as_object().filter(|matches| matches.len() == 1)?;
    let path = matches.get("path")?.as_object()?;
    let prefix = path.get("value")?.as_str().filter(|text| text.starts_with('/'))?;
    if path.get("type").is_some_and(|kind| kind != "PathPrefix") {
        return None;
    }
    let [backend] = rule.get("backendRefs")?.as_array()?.as_slice() else { return None };
    let backend =
        backend.as_object().filter(|backend| backend.keys().all(|key| key == "name" || key == "port"))?;
    let port = super::container::port_number(backend.get("port")?)?;
    let service = backend.get("name")?.as_str()?.to_owned();
    let target = world.targets.get(&(service, PortRef::Number(port)))?;
    Some((prefix.to_owned(), target.clone()))
}
