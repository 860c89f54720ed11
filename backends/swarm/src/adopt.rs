//! Taking over services, networks and configs that others made, such as those of `docker stack deploy`.
//!
//! The labels of services and configs can be set without a restart of anything. Those of networks cannot be set at all, so a
//! network stays known by its id. Secrets that the chart takes for external stay so: nothing of them is read.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Error, Found, ImportQuery, Live, Object, ObjectId, Result, Scope};
use rhumb_spec::Diagnostic;
use serde_json::{Map, Value, json};

use crate::connect::Engine;
use crate::gather::{documents, read};
use crate::kind::Kind;
use crate::lift::{document_name_of, file_place_of};
use crate::observe::{foreign, label_of, live, one};
use crate::task;
use crate::{names, normalize};

/// Every object that the query names, under the id that the release wants it by.
///
/// It is the wanted one of its kind that has its name on the swarm, or else the name that an import gives it.
pub(crate) async fn find(
    engine: &Engine,
    scope: &Scope,
    query: &ImportQuery,
    want: &[Object],
) -> Result<Found> {
    let mut found = Found::default();
    let mut stacks = BTreeSet::new();
    for document in documents(engine, query).await? {
        let Some((kind, body)) = document.as_object().and_then(read) else { continue };
        let body = Value::Object(body.clone());
        let Some(id) = wanted(kind, &body, want) else {
            found.notes.extend(left(kind, &body, want));
            continue;
        };
        found.notes.extend(taken(scope, &id, &document));
        stacks.extend(label_of(&document, names::STACK).map(str::to_owned));
        if let Some(mut live) = live(kind, &document, id) {
            live.foreign = foreign(scope, &live.object.id, &document);
            found.objects.push(live);
        }
    }
    found.notes.extend(stacks.iter().map(|stack| of_stack(stack)));
    Ok(found)
}

/// The id of what an object is among the wanted.
fn wanted(kind: Kind, body: &Value, want: &[Object]) -> Option<ObjectId> {
    let of_kind = || want.iter().filter(|object| object.id.kind() == kind.as_str());
    let by_name = of_kind().find(|object| object.body.get("Name") == body.get("Name"));
    let imported = || {
        let object = Object::new(ObjectId::new(kind.as_str(), ""), body.clone());
        let id = match kind {
            Kind::Config | Kind::Secret => {
                let (document, key) = file_place_of(&object);
                ObjectId::new(kind.as_str(), &format!("{document}/{key}"))
            }
            Kind::Service | Kind::Network => ObjectId::new(kind.as_str(), &document_name_of(&object)),
        };
        of_kind().find(|object| object.id == id)
    };
    by_name.or_else(imported).map(|object| object.id.clone())
}

/// What the release has no object for: what it takes for external needs no word.
fn left(kind: Kind, body: &Value, want: &[Object]) -> Option<Diagnostic> {
    let name = body.get("Name").and_then(Value::as_str).unwrap_or_default();
    let external = names::external_id(kind.as_str(), name);
    let is_external = want.iter().any(|object| object.id == external);
    (!is_external).then(|| {
        let what = format!("the {} {name} stays as it is and is not the release's", kind.as_str());
        Diagnostic::warning(format!("{}/{name}", kind.as_str()), what).why("the chart has nothing that is it")
    })
}

/// That an object is another release's.
fn taken(scope: &Scope, id: &ObjectId, document: &Value) -> Option<Diagnostic> {
    label_of(document, names::RELEASE)?;
    let whose = foreign(scope, id, document)?;
    let what = format!("{id} is a release's already");
    Some(Diagnostic::error(id.as_str(), what).why(whose).remedy("that release, or an uninstall of it"))
}

fn of_stack(stack: &str) -> Diagnostic {
    Diagnostic::warning("", format!("`docker stack` still shows what is adopted as the stack {stack}"))
        .why("its label stays, so that nothing restarts and other tools go on finding it")
        .remedy("change it with `rhumb upgrade` only from now on; `docker stack deploy` would take the marks off again")
}

/// One object by its id on the swarm.
pub(crate) async fn look(engine: &Engine, scope: &Scope, id: &ObjectId, native: &str) -> Result<Vec<Live>> {
    let Some(kind) = Kind::of(id) else { return Ok(Vec::new()) };
    match one(engine, scope, kind, native, id).await {
        Err(error) if error.kind == rhumb_backend::ErrorKind::NotFound => Ok(Vec::new()),
        found => Ok(found?.into_iter().collect()),
    }
}

/// The tasks that services should have.
pub(crate) async fn replicas(engine: &Engine, found: &[Live]) -> Result<BTreeSet<String>, Error> {
    let services = found.iter().filter(|live| live.object.id.kind() == Kind::Service.as_str());
    let ids: Vec<&str> = services.map(|live| live.native.as_str()).collect();
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let tasks = task::list(engine, &ids).await?;
    let running = tasks.into_iter().filter(|task| task.desired_state == "running");
    Ok(running.map(|task| task.id).collect())
}

/// What is there as one would ask for it, with the release's labels. Labels of tasks stay as they are: they would
/// restart them.
pub(crate) fn asked(live: &Live, want: &Object) -> Value {
    let there = &live.object.body;
    let mut body = match Kind::of(&want.id) {
        Some(Kind::Service) => normalize::service(there),
        Some(Kind::Network) => normalize::network(there),
        _ => json!({ "Name": there["Name"], "Data": there.get("Data").unwrap_or(&want.body["Data"]) }),
    };
    let mut labels: Map<String, Value> =
        there.get("Labels").and_then(Value::as_object).cloned().unwrap_or_default();
    let marks = want.body.get("Labels").and_then(Value::as_object).into_iter().flatten();
    let ours: BTreeMap<&String, &Value> = marks.filter(|(name, _)| name.starts_with(names::MARK)).collect();
    labels.extend(ours.into_iter().map(|(name, mark)| (name.clone(), mark.clone())));
    body["Labels"] = Value::Object(labels);
    body
}

/// Whether a field is a label of the object itself that marks it as ours.
pub(crate) fn is_mark(path: &str) -> bool {
    path.strip_prefix("Labels.").is_some_and(|label| label.starts_with(names::MARK))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(id: &str, body: Value) -> Object {
        Object::new(ObjectId::from(id), body)
    }

    #[test]
    fn what_is_there_is_found_under_the_names_of_the_chart() {
        let labels = json!({ "com.docker.stack.namespace": "blog" });
        let wanted_ones = [
            want("service/web", json!({ "Name": "shop_web" })),
            want("config/conf/conf", json!({ "Name": "shop_conf.conf-0123456789" })),
            want("config/site/nginx.conf", json!({ "Name": "shop_site.nginx.conf-0123456789" })),
            want("network/default", json!({ "Name": "shop_default" })),
            want("service/other", json!({ "Name": "api" })),
        ];
        let check = |kind: Kind, name: &str, labels: &Value, expect: Option<&str>| {
            let body = json!({ "Name": name, "Labels": labels });
            assert_eq!(wanted(kind, &body, &wanted_ones), expect.map(ObjectId::from), "{name}");
        };
        check(Kind::Service, "blog_web", &labels, Some("service/web"));
        check(Kind::Service, "api", &json!({}), Some("service/other"));
        check(Kind::Config, "blog_conf", &labels, Some("config/conf/conf"));
        check(Kind::Config, "blog_site.nginx.conf-abcdef0123", &labels, Some("config/site/nginx.conf"));
        check(Kind::Network, "blog_default", &labels, Some("network/default"));
        check(Kind::Network, "blog_back", &labels, None);
    }

    #[test]
    fn a_service_gets_labels_of_its_own_and_none_of_its_tasks() {
        let body = json!({
            "Name": "blog_web",
            "Labels": { "com.docker.stack.namespace": "blog", "team": "web" },
            "TaskTemplate": { "ContainerSpec": { "Image": "web:1", "Labels": { "a": "b" } } },
        });
        let live = Live {
            object: want("service/web", body.clone()),
            native: "s1".to_owned(),
            version: None,
            outputs: BTreeMap::new(),
            holds: BTreeSet::new(),
            foreign: None,
        };
        let marks = json!({ "com.docker.stack.namespace": "shop", "rhumb.dev/release": "shop" });
        let wanted = json!({ "Labels": marks, "TaskTemplate": { "ContainerSpec": { "Labels": marks } } });
        let mut expect = body;
        expect["Labels"]["rhumb.dev/release"] = "shop".into();
        assert_eq!(asked(&live, &want("service/web", wanted)), expect);
        assert!(is_mark("Labels.rhumb.dev/release") && !is_mark("Labels.team"));
        assert!(!is_mark("TaskTemplate.ContainerSpec.Labels.rhumb.dev/release"));
    }
}
