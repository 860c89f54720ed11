//! Taking over objects that others made, such as those of `kubectl apply`.
//!
//! The labels and annotations of an object itself restart nothing. Those of pod templates would, and selectors never
//! change, so both stay as they are; pods are then found by what their object selects.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use rhumb_backend::change::{ListKey, Path};
use rhumb_backend::{Found, ImportQuery, Live, Object, ObjectId, Result, Scope, Step};
use rhumb_spec::Diagnostic;
use serde_json::{Map, Value};

use crate::change::{applied, rules::RULES};
use crate::collect::collect;
use crate::connect::Cluster;
use crate::normalize::comparable;
use crate::observe::one;
use crate::pods::PodView;
use crate::{names, pods, workloads};

/// Every object that the query names, under the id that the release wants it by: its own name.
pub(crate) async fn find(
    cluster: &Cluster,
    scope: &Scope,
    query: &ImportQuery,
    want: &[Object],
) -> Result<Found> {
    let gathered = collect(cluster, query).await?;
    let mut found = Found::default();
    let wanted = |id: &ObjectId| want.iter().any(|object| object.id == *id);
    let left = gathered.objects.iter().filter(|object| !wanted(&object.id));
    found.notes.extend(left.map(|object| left_alone(&object.id)));
    let there = |object: &&Object| gathered.objects.iter().any(|other| other.id == object.id);
    let looks = want.iter().filter(there).map(|object| one(cluster, scope, &object.id));
    for live in try_join_all(looks.collect::<Vec<_>>()).await?.into_iter().flatten() {
        found.notes.extend(taken(&live));
        found.objects.push(live);
    }
    Ok(found)
}

fn left_alone(id: &ObjectId) -> Diagnostic {
    Diagnostic::warning(id.as_str(), format!("{id} stays as it is and is not the release's"))
        .why("the chart has nothing that is it")
}

/// That an object is another release's, or of a tool that would fight for it.
fn taken(live: &Live) -> Option<Diagnostic> {
    let id = &live.object.id;
    let whose = live.foreign.as_deref()?;
    let label = live.object.body.pointer("/metadata/labels").and_then(|labels| labels.get(names::MANAGED_BY));
    let (what, remedy) = match label.and_then(Value::as_str)? {
        names::FIELD_MANAGER => {
            (format!("{id} is a release's already"), "that release, or an uninstall of it".to_owned())
        }
        "Helm" => (
            format!("{id} is Helm's, whose next upgrade would change it again"),
            format!(
                "`kubectl label` without {}, once Helm's release was forgotten: its secrets `sh.helm.release.v1.*` removed",
                names::MANAGED_BY
            ),
        ),
        tool => {
            let what = format!("{id} says that {tool} manages it");
            return Some(Diagnostic::warning(id.as_str(), what).remedy("change it by one of the two only"));
        }
    };
    Some(Diagnostic::error(id.as_str(), what).why(whose).remedy(remedy))
}

/// The uids of the pods that objects select.
pub(crate) async fn replicas(cluster: &Cluster, scope: &Scope, found: &[Live]) -> Result<BTreeSet<String>> {
    let running = found.iter().filter(|live| live.object.body.pointer("/spec/template").is_some());
    let selectors = running.filter_map(|live| pods::selector(&live.object.body));
    let lists: Vec<_> = selectors.map(|labels| workloads::list(cluster, scope, labels)).collect();
    let pods = try_join_all(lists).await?;
    Ok(pods.into_iter().flatten().map(|pod| pod.uid().to_owned()).collect())
}

/// What those who applied an object set, and what the chart says something of, as it is there, with the release's
/// labels and annotations. What is left out stays whatever the server, a controller or somebody else makes it.
///
/// Of a Secret, what it holds is that of the chart: it is not read.
pub(crate) fn asked(live: &Live, want: &Object) -> Value {
    let there = comparable(&live.object.body);
    let set = comparable(&applied(&live.object.body));
    let wanted = comparable(&want.body);
    let mut body = chosen(&there, (Some(&set), Some(&wanted)), &mut Path::default());
    for field in ["apiVersion", "kind"] {
        body[field] = want.body[field].clone();
    }
    if want.id.kind() == "secret" {
        for field in ["data", "stringData", "type"] {
            if let Some(value) = want.body.get(field) {
                body[field] = value.clone();
            }
        }
    }
    for (map, is_ours) in MARKS {
        let marks = want.body.pointer(&format!("/metadata/{map}")).and_then(Value::as_object);
        for (name, mark) in marks.into_iter().flatten().filter(|(name, _)| is_ours(name)) {
            body["metadata"][map][name] = mark.clone();
        }
    }
    body
}

/// Whether a name in a map of metadata is a mark.
type IsMark = fn(&str) -> bool;

/// The maps of metadata that hold marks, and which of their names are marks.
const MARKS: [(&str, IsMark); 2] = [
    ("labels", |name| [names::NAME, names::INSTANCE, names::MANAGED_BY].contains(&name)),
    ("annotations", |name| name.starts_with(names::MARK)),
];

/// Whether a field is a label or annotation of the object itself that marks it as ours.
pub(crate) fn is_mark(path: &str) -> bool {
    MARKS.iter().any(|(map, is_ours)| path.strip_prefix(&format!("metadata.{map}.")).is_some_and(is_ours))
}

/// A Secret is marked without its data: nothing is written over what it holds.
pub(crate) fn reduce(step: &mut Step) {
    if step.id.kind() != "secret" {
        return;
    }
    step.force = false;
    if let Some(body) = step.object.body.as_object_mut() {
        body.retain(|field, _| ["apiVersion", "kind", "metadata"].contains(&field.as_str()));
    }
}

/// The part of what is there that one of two other documents has, too.
fn chosen(there: &Value, others: (Option<&Value>, Option<&Value>), path: &mut Path) -> Value {
    match there {
        Value::Object(map) => Value::Object(chosen_fields(map, others, path)),
        Value::Array(items) => match RULES.lists.find(path) {
            Some(key) => Value::Array(chosen_items(items, key, others, path)),
            None => there.clone(),
        },
        other => other.clone(),
    }
}

fn chosen_fields(
    there: &Map<String, Value>,
    others: (Option<&Value>, Option<&Value>),
    path: &mut Path,
) -> Map<String, Value> {
    let mut found = Map::new();
    for (name, value) in there {
        let below = |other: Option<&'_ Value>| other.and_then(|other| other.get(name)).cloned();
        let (set, wanted) = (below(others.0), below(others.1));
        if set.is_some() || wanted.is_some() {
            path.push(name);
            found.insert(name.clone(), chosen(value, (set.as_ref(), wanted.as_ref()), path));
            path.pop();
        }
    }
    found
}

/// Items keep what tells them apart.
fn chosen_items(
    there: &[Value],
    key: ListKey,
    others: (Option<&Value>, Option<&Value>),
    path: &mut Path,
) -> Vec<Value> {
    let mut found = Vec::new();
    for item in there {
        let Some(name) = key.of(item) else { continue };
        let same = |other: Option<&Value>| {
            let items = other?.as_array()?;
            items.iter().find(|item| key.of(item).as_ref() == Some(&name)).cloned()
        };
        let (set, wanted) = (same(others.0), same(others.1));
        if set.is_none() && wanted.is_none() {
            continue;
        }
        path.push(&name);
        let mut part = chosen(item, (set.as_ref(), wanted.as_ref()), path);
        path.pop();
        for field in fields_of(key) {
            if let Some(value) = item.get(*field) {
                part[*field] = value.clone();
            }
        }
        found.push(part);
    }
    found
}

fn fields_of(key: ListKey) -> &'static [&'static str] {
    match key {
        ListKey::Field("name") => &["name"],
        ListKey::Field("mountPath") => &["mountPath"],
        ListKey::Field("devicePath") => &["devicePath"],
        ListKey::Field("ip") => &["ip"],
        ListKey::Fields(fields) => fields,
        ListKey::Field(_) | ListKey::Name | ListKey::Whole => &[],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_applied_and_what_the_chart_names_is_asked_for_and_no_default() {
        let body = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "web", "uid": "u", "labels": { "app": "web" }, "annotations": { "deployment.kubernetes.io/revision": "3" },
                "managedFields": [{ "manager": "kubectl-client-side-apply", "operation": "Update",
                    "fieldsV1": { "f:metadata": { "f:labels": { "f:app": {} } }, "f:spec": { "f:template": { "f:spec": {
                        "f:containers": { "k:{\"name\":\"web\"}": { ".": {}, "f:name": {}, "f:image": {}, "f:tty": {} } } } } } } }] },
            "spec": { "replicas": 2, "revisionHistoryLimit": 10, "template": { "spec": { "dnsPolicy": "ClusterFirst",
                "containers": [{ "name": "web", "image": "web:1", "tty": true, "stdin": false, "imagePullPolicy": "Always" }] } } },
            "status": {},
        });
        let object = |body: Value| Object::new(ObjectId::from("deployment/web"), body);
        let (version, holds) = (Some("u".to_owned()), BTreeSet::new());
        let (outputs, foreign) = (BTreeMap::new(), Some("nobody's".to_owned()));
        let live = Live {
            object: object(body),
            native: "deployment/web".to_owned(),
            version,
            outputs,
            holds,
            foreign,
        };
        let want = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "web", "labels": { "app.kubernetes.io/instance": "shop", "tier": "front" } },
            "spec": { "template": { "metadata": { "labels": { "app.kubernetes.io/instance": "shop" } },
                "spec": { "containers": [{ "name": "web", "image": "web:1", "imagePullPolicy": "IfNotPresent" }] } } },
        });
        let expect = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "web", "labels": { "app": "web", "app.kubernetes.io/instance": "shop" } },
            "spec": { "template": { "spec": { "containers": [{ "name": "web", "image": "web:1", "tty": true, "imagePullPolicy": "Always" }] } } },
        });
        assert_eq!(asked(&live, &object(want)), expect);
    }

    #[test]
    fn marks_are_on_the_object_itself() {
        for path in ["metadata.labels.app.kubernetes.io/instance", "metadata.annotations.rhumb.dev/object"] {
            assert!(is_mark(path), "{path}");
        }
        for path in ["metadata.labels.app", "spec.template.metadata.labels.app.kubernetes.io/instance"] {
            assert!(!is_mark(path), "{path}");
        }
    }
}
