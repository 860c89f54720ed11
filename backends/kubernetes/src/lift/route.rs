//! Ingresses, as routes.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rhumb_spec::model::{Kind, Route, RouteTarget, RouteTls};
use serde_json::{Map, Value};

use super::container::port_number;
use super::document::Document;
use super::labels;
use super::naming::{Names, document_of};
use super::world::{PortRef, World};
use crate::lower::ISSUER;

/// What an ingress says of one host.
struct Rule {
    host: Option<String>,
    paths: IndexMap<String, RouteTarget>,
}

/// Adds the routes of an ingress; gives back one that says something which no route can.
pub(super) fn lift(mut document: Document, names: &mut Names, world: &mut World) -> Option<Document> {
    let Some((rules, tls)) = read(&document.whole, world) else { return Some(document) };
    let wanted = document_of(&document.whole, &document.name).to_owned();
    document.take_head();
    let mut fields = document.fields();
    let mut lost = Vec::new();
    if let Some(mut metadata) = fields.below("metadata") {
        labels::take_marks(&mut metadata);
        if let Some(mut labels) = metadata.below("labels") {
            for key in labels.keys() {
                labels.lose(&key, "what routes become bears the release's labels only");
            }
        }
    }
    let mut annotations = BTreeMap::new();
    if let Some(mut map) = fields.descended(&["metadata", "annotations"]) {
        for key in map.keys() {
            annotations.extend(map.text(&key).map(|value| (key, value)));
        }
    }
    if tls.iter().any(|(_, tls)| tls.resolver.is_some()) {
        annotations.remove(ISSUER);
    }
    let mut class = annotations.remove("kubernetes.io/ingress.class");
    if let Some(mut spec) = fields.below("spec") {
        class = spec.text("ingressClassName").or(class);
        tell_of_types(spec.take_whole("rules").as_ref(), &mut lost);
        spec.take_whole("tls");
        for (path, why) in lost {
            spec.lost(&path, 1, why);
        }
    }
    let mut first = None;
    for (index, rule) in rules.into_iter().enumerate() {
        let name = names.add(&format!("{}\n{index}", document.name), &wanted);
        let route = Route {
            tls: tls.iter().find(|(host, _)| rule.host == *host).map(|(_, tls)| tls.clone()),
            host: rule.host,
            paths: rule.paths,
            class: class.clone(),
            annotations: annotations.clone(),
        };
        world.app.routes.insert(name.clone(), route);
        first.get_or_insert(name);
    }
    document.finish(Kind::Route.path(&first.unwrap_or(wanted)), world);
    None
}

/// Paths that are matched as the controller likes are prefixes now.
fn tell_of_types(rules: Option<&Value>, lost: &mut Vec<(String, &'static str)>) {
    for (rule_at, rule) in rules.and_then(Value::as_array).into_iter().flatten().enumerate() {
        let paths = rule.pointer("/http/paths").and_then(Value::as_array);
        for (path_at, path) in paths.into_iter().flatten().enumerate() {
            if path.get("pathType").and_then(Value::as_str) == Some("ImplementationSpecific") {
                let at = format!("rules.{rule_at}.http.paths.{path_at}.pathType");
                lost.push((at, "the path of a route is a prefix"));
            }
        }
    }
}

type Tls = Vec<(Option<String>, RouteTls)>;

/// The rules and certificates of an ingress, where routes can say all of it.
fn read(whole: &Value, world: &mut World) -> Option<(Vec<Rule>, Tls)> {
    let spec = whole.get("spec")?.as_object()?;
    let annotations = match whole.pointer("/metadata/annotations") {
        Some(annotations) if !annotations.is_null() => rhumb_backend::fields::text_map(annotations)?,
        _ => BTreeMap::new(),
    };
    let issuer = annotations.get(ISSUER).cloned();
    // Who makes certificates on demand in another way needs the ingress to exist before the secret does.
    let is_other_way = annotations.keys().any(|key| key.starts_with("cert-manager.io/") && key != ISSUER);
    let known = ["rules", "tls", "ingressClassName"];
    if is_other_way || !spec.keys().all(|key| known.contains(&key.as_str())) {
        return None;
    }
    let rules =
        spec.get("rules")?.as_array()?.iter().map(|value| rule(value, world)).collect::<Option<Vec<_>>>()?;
    let hosts: Vec<&Option<String>> = rules.iter().map(|rule| &rule.host).collect();
    let is_twice = hosts.iter().enumerate().any(|(at, host)| hosts[..at].contains(host));
    if rules.is_empty() || is_twice {
        return None;
    }
    let entries = spec.get("tls").map_or(Some(&[][..]), |value| value.as_array().map(Vec::as_slice))?;
    let tls = entries.iter().map(|entry| certificate(entry, &hosts, issuer.as_deref(), world));
    let tls = tls.collect::<Option<Vec<_>>>()?.concat();
    Some((rules, tls))
}

/// The hosts that an entry of `tls` is for, each with its certificate.
fn certificate(
    entry: &Value,
    hosts: &[&Option<String>],
    issuer: Option<&str>,
    world: &mut World,
) -> Option<Tls> {
    let entry = if entry.is_null() { Map::new() } else { entry.as_object()?.clone() };
    let native = match entry.get("secretName") {
        Some(name) => Some(name.as_str()?),
        None => None,
    };
    let tls = match (native, issuer) {
        (Some(native), Some(issuer)) if world.secrets.get(native).is_none() => {
            RouteTls { secret: None, resolver: Some(issuer.to_owned()) }
        }
        (Some(native), _) => {
            let name = world.secret(native)?;
            let has_both = ["tls.crt", "tls.key"].iter().all(|key| world.secret_has(&name, key));
            RouteTls { secret: Some(name).filter(|_| has_both).map(Some)?, resolver: None }
        }
        (None, _) => RouteTls::default(),
    };
    let named = match entry.get("hosts") {
        Some(named) => rhumb_backend::fields::texts(named)?.into_iter().map(Some).collect(),
        None => vec![None],
    };
    let is_ruled = |host: &Option<String>| hosts.contains(&host);
    named.iter().all(is_ruled).then(|| named.into_iter().map(|host| (host, tls.clone())).collect())
}

fn rule(value: &Value, world: &World) -> Option<Rule> {
    let fields =
        value.as_object().filter(|fields| fields.keys().all(|key| key == "host" || key == "http"))?;
    let host = match fields.get("host") {
        Some(host) => Some(host.as_str()?.to_owned()).filter(|host| !host.is_empty()),
        None => None,
    };
    let http = fields.get("http")?.as_object().filter(|http| http.len() == 1)?;
    let mut paths = IndexMap::new();
    for path in http.get("paths")?.as_array()? {
        let path = path.as_object()?;
        let known = ["path", "pathType", "backend"];
        let is_known = path.keys().all(|key| known.contains(&key.as_str()));
        let is_prefix = !matches!(path.get("pathType").and_then(Value::as_str), Some("Exact"));
        let prefix = path.get("path").map_or(Some("/"), Value::as_str).filter(|text| is_plain(text))?;
        let target = target(path.get("backend")?, world)?;
        if !is_known || !is_prefix || paths.insert(prefix.to_owned(), target).is_some() {
            return None;
        }
    }
    (!paths.is_empty()).then_some(Rule { host, paths })
}

/// Whether a path is none that some controllers take for a pattern.
fn is_plain(path: &str) -> bool {
    path.starts_with('/') && !path.contains(['(', ')', '[', ']', '*', '$', '?', '|', '\\', '^', '+', ' '])
}

/// The workload and port behind a service, in the form of today's API or of the ones before it.
fn target(backend: &Value, world: &World) -> Option<RouteTarget> {
    let port_of = |value: &Value| match value {
        Value::String(name) => Some(PortRef::Name(name.clone())),
        value => port_number(value).map(PortRef::Number),
    };
    let backend = backend.as_object()?;
    let (name, port) = match backend.get("service").and_then(Value::as_object) {
        Some(service) if backend.len() == 1 => {
            let port = service.get("port")?.as_object().filter(|port| port.len() == 1)?;
            (service.get("name")?.as_str()?, port_of(port.get("number").or_else(|| port.get("name"))?)?)
        }
        None if backend.len() == 2 => {
            (backend.get("serviceName")?.as_str()?, port_of(backend.get("servicePort")?)?)
        }
        _ => return None,
    };
    world.targets.get(&(name.to_owned(), port)).cloned()
}
