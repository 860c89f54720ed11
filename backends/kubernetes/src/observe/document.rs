//! A document of the API as the contract wants it.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Live, Object, ObjectId, Ownership, Scope};
use serde_json::Value;

use crate::connect::Resource;
use crate::kind::id_of;
use crate::names;

/// The document with its kind, which lists and answers with nothing but metadata leave out.
pub(super) fn with_kind(mut document: Value, resource: &Resource) -> Value {
    document["apiVersion"] = resource.api_version().into();
    document["kind"] = resource.kind().into();
    document
}

/// The logical id: what is written on a content-named object, else kind and name.
pub(super) fn id(scope: &Scope, document: &Value) -> Option<ObjectId> {
    let written = annotation(document, names::OBJECT).map(ObjectId::from);
    written.or_else(|| id_of(scope, document))
}

/// The version in which we wrote an object last, as the server keeps it.
pub(super) fn written_version(document: &Value) -> Option<&str> {
    let managers = document.pointer("/metadata/managedFields")?.as_array()?;
    let ours = managers.iter().find(|entry| {
        entry.get("manager").and_then(Value::as_str) == Some(names::FIELD_MANAGER)
            && entry.get("operation").and_then(Value::as_str) == Some("Apply")
    });
    ours?.get("apiVersion")?.as_str()
}

/// An object as the contract wants it; none when it is being deleted or has no name.
///
/// The version is the object's uid: it tells an object from one of the same name that was made after it. What is
/// inside is guarded by the fields' owners.
pub(super) fn live(scope: &Scope, mut document: Value, id: ObjectId) -> Option<Live> {
    let metadata = document.get("metadata")?;
    if metadata.get("deletionTimestamp").is_some_and(|time| !time.is_null()) {
        return None;
    }
    let name = metadata.get("name")?.as_str()?.to_owned();
    let uid = metadata.get("uid").and_then(Value::as_str).map(ToOwned::to_owned);
    let foreign = names::owner(scope, metadata).err();
    let native = id_of(scope, &document)?.as_str().to_owned();
    let kind = document.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut outputs = BTreeMap::from([("name".to_owned(), name)]);
    outputs.extend(state(&kind, &document));
    let holds = held(scope, &kind, &document);
    let text = |key: &str| annotation(&document, key).map(ToOwned::to_owned);
    let mut object = Object::new(id, Value::Null);
    object.generation = text(names::GENERATION);
    object.once = text(names::CONTENT).filter(|_| kind == "Job");
    object.sensitive = kind == "Secret";
    if annotation(&document, names::UNINSTALL) == Some("keep") {
        object.ownership = Ownership::Kept;
    }
    if runs(&kind) {
        let label = document.pointer("/metadata/labels").and_then(|labels| labels.get(names::NAME));
        object.workload = label.and_then(Value::as_str).map(ToOwned::to_owned);
    }
    if foreign.is_none() {
        forget_managers(&mut document);
    }
    object.body = document;
    Some(Live { object, native, version: uid, outputs, holds, foreign })
}

/// Who set which field is long, and told only of what others have.
fn forget_managers(document: &mut Value) {
    if let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
}

fn annotation<'a>(document: &'a Value, key: &str) -> Option<&'a str> {
    document.pointer("/metadata/annotations")?.get(key)?.as_str()
}

fn runs(kind: &str) -> bool {
    matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "CronJob")
}

/// What became of a job, and whether a rollout was given up.
///
/// Source: Kubernetes API reference, conditions of `JobStatus` and `DeploymentStatus`.
fn state(kind: &str, document: &Value) -> Option<(String, String)> {
    let condition = |name: &str, status: &str| {
        let conditions = document.pointer("/status/conditions")?.as_array()?;
        conditions.iter().find(|condition| {
            condition.get("type").and_then(Value::as_str) == Some(name)
                && condition.get("status").and_then(Value::as_str) == Some(status)
        })
    };
    let told = |key: &str, value: &str| Some((key.to_owned(), value.to_owned()));
    match kind {
        "Job" if condition("Complete", "True").is_some() => told(Live::JOB, Live::JOB_SUCCEEDED),
        "Job" if condition("Failed", "True").is_some() => told(Live::JOB, Live::JOB_FAILED),
        "Deployment" => {
            let stalled = condition("Progressing", "False").filter(|stalled| {
                stalled.get("reason").is_some_and(|reason| reason == "ProgressDeadlineExceeded")
            });
            // The controller tries to make refused pods again, but after a while only once in many minutes.
            let given_up = stalled.or_else(|| condition("ReplicaFailure", "True"))?;
            let why = given_up.get("message").and_then(Value::as_str);
            told(Live::GIVEN_UP, why.unwrap_or("its progress deadline passed"))
        }
        _ => None,
    }
}

/// The natives of configs, secrets and claims that an object's pods use.
fn held(scope: &Scope, kind: &str, document: &Value) -> BTreeSet<String> {
    let spec = match kind {
        "Pod" => document.get("spec"),
        "CronJob" => document.pointer("/spec/jobTemplate/spec/template/spec"),
        _ => document.pointer("/spec/template/spec"),
    };
    let mut found = BTreeSet::new();
    let Some(spec) = spec else { return found };
    let namespace = document.pointer("/metadata/namespace").and_then(Value::as_str);
    let mut add = |word: &str, name: Option<&Value>| {
        let Some(name) = name.and_then(Value::as_str) else { return };
        let is_elsewhere = namespace.is_some_and(|namespace| namespace != scope.namespace);
        let name = match namespace.filter(|_| is_elsewhere) {
            Some(namespace) => format!("{namespace}/{name}"),
            None => name.to_owned(),
        };
        found.insert(format!("{word}/{name}"));
    };
    for volume in list(spec, "volumes") {
        of_volume(volume, &mut add);
    }
    for secret in list(spec, "imagePullSecrets") {
        add("secret", secret.get("name"));
    }
    for container in ["initContainers", "containers"].into_iter().flat_map(|name| list(spec, name)) {
        for source in list(container, "envFrom") {
            add("configmap", source.pointer("/configMapRef/name"));
            add("secret", source.pointer("/secretRef/name"));
        }
        for variable in list(container, "env") {
            add("configmap", variable.pointer("/valueFrom/configMapKeyRef/name"));
            add("secret", variable.pointer("/valueFrom/secretKeyRef/name"));
        }
    }
    found
}

fn of_volume(volume: &Value, add: &mut impl FnMut(&str, Option<&Value>)) {
    add("configmap", volume.pointer("/configMap/name"));
    add("secret", volume.pointer("/secret/secretName"));
    add("persistentvolumeclaim", volume.pointer("/persistentVolumeClaim/claimName"));
    for source in volume.get("projected").into_iter().flat_map(|projected| list(projected, "sources")) {
        add("configmap", source.pointer("/configMap/name"));
        add("secret", source.pointer("/secret/name"));
    }
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn scope() -> Scope {
        Scope::new("shop", "web")
    }

    fn deployment() -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "web", "namespace": "shop", "uid": "u1", "labels": names::labels(&scope(), "web"), "managedFields": [] },
            "spec": { "template": { "spec": {
                "volumes": [
                    { "name": "a", "configMap": { "name": "site-1" } },
                    { "name": "b", "secret": { "secretName": "db-1" } },
                    { "name": "c", "persistentVolumeClaim": { "claimName": "data" } },
                    { "name": "d", "projected": { "sources": [{ "secret": { "name": "tls-1" } }] } },
                ],
                "containers": [{ "name": "web",
                    "env": [{ "name": "X", "valueFrom": { "secretKeyRef": { "name": "db-2", "key": "x" } } }],
                    "envFrom": [{ "configMapRef": { "name": "env-1" } }] }],
            } } },
        })
    }

    #[test]
    fn what_pods_use_is_held() {
        let live = live(&scope(), deployment(), ObjectId::from("deployment/web")).unwrap();
        let held = [
            "configmap/env-1",
            "configmap/site-1",
            "persistentvolumeclaim/data",
            "secret/db-1",
            "secret/db-2",
            "secret/tls-1",
        ];
        assert_eq!(live.holds, held.map(ToOwned::to_owned).into());
        assert_eq!((live.native.as_str(), live.version.as_deref()), ("deployment/web", Some("u1")));
        assert_eq!(live.object.workload.as_deref(), Some("web"));
        assert_eq!(live.foreign, None);
    }

    #[test]
    fn what_is_being_deleted_is_not_there() {
        let mut document = deployment();
        document["metadata"]["deletionTimestamp"] = "2026-11-27T00:00:00Z".into();
        assert_eq!(live(&scope(), document, ObjectId::from("deployment/web")), None);
    }

    #[test]
    fn rollouts_and_jobs_tell_how_they_ended() {
        let mut document = deployment();
        document["status"] = json!({ "conditions": [{ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out" }] });
        let found = live(&scope(), document, ObjectId::from("deployment/web")).unwrap();
        assert_eq!(found.outputs.get(Live::GIVEN_UP).map(String::as_str), Some("timed out"));
        let mut document = deployment();
        document["status"] =
            json!({ "conditions": [{ "type": "ReplicaFailure", "status": "True", "message": "no pods" }] });
        let found = live(&scope(), document, ObjectId::from("deployment/web")).unwrap();
        assert_eq!(found.outputs.get(Live::GIVEN_UP).map(String::as_str), Some("no pods"));
        let job = json!({ "apiVersion": "batch/v1", "kind": "Job",
            "metadata": { "name": "m-1", "namespace": "shop", "labels": names::labels(&scope(), "m"),
                "annotations": { names::OBJECT: "job/m", names::GENERATION: "1", names::CONTENT: "c" } },
            "status": { "conditions": [{ "type": "Failed", "status": "True" }] } });
        let found = live(&scope(), job.clone(), id(&scope(), &job).unwrap()).unwrap();
        assert_eq!(found.object.id.as_str(), "job/m");
        assert_eq!(
            (found.object.generation.as_deref(), found.object.once.as_deref()),
            (Some("1"), Some("c"))
        );
        assert_eq!(found.outputs.get(Live::JOB).map(String::as_str), Some(Live::JOB_FAILED));
    }
}
