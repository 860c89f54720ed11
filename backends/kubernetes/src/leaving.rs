//! What is still on its way out once a release was removed.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use rhumb_backend::{ErrorKind, Health, ObjectHealth, ObjectId, Result, Scope, State};
use serde_json::Value;

use crate::connect::{Call, Cluster, Resource, Selection};
use crate::kind::{KINDS, Kind, id_of, place};
use crate::names;

/// Calls at one time.
const CONCURRENCY: usize = 6;

/// What is still there of these natives, and of the pods and claims that the release's workloads had: what is being
/// deleted waits for finalizers, and pods for the end of their processes. Only metadata are read.
///
/// Pods of documents of the user's own are not known by the release's label, and are not waited for.
///
/// # Errors
/// What the API server answers. What may not be read is taken for gone.
pub(crate) async fn leaving(cluster: &Cluster, scope: &Scope, natives: &[ObjectId]) -> Result<Health> {
    let made = KINDS[..Kind::MADE].iter().chain(Kind::of_word("pod"));
    let lists = try_join_all(made.map(|kind| listed(cluster, scope, kind))).await?;
    let mut found: BTreeMap<ObjectId, ObjectHealth> =
        lists.into_iter().flatten().map(|health| (health.id.clone(), health)).collect();
    // Lists show what lies in the release's own namespace and is of a kind that workloads become.
    let is_listed = |id: &ObjectId| {
        KINDS[..Kind::MADE].iter().any(|kind| kind.word == id.kind()) && !id.name().contains('/')
    };
    let others = natives.iter().filter(|id| !is_listed(id)).map(|id| one(cluster, scope, id));
    let others: Vec<Option<ObjectHealth>> =
        stream::iter(others.collect::<Vec<_>>()).buffer_unordered(CONCURRENCY).try_collect().await?;
    found.extend(others.into_iter().flatten().map(|health| (health.id.clone(), health)));
    Ok(found.into_values().collect())
}

/// Claims bear the labels that their stateful set selects by, which are fewer than those of other objects.
async fn listed(cluster: &Cluster, scope: &Scope, kind: &Kind) -> Result<Vec<ObjectHealth>> {
    let resource = Resource::known(kind);
    let labels = match kind.word {
        "persistentvolumeclaim" => format!("{}={}", names::INSTANCE, names::instance(scope)),
        _ => names::release_selector(scope),
    };
    let selection = Selection { labels, ..Selection::default() };
    let call = Call::get(format!("list the {}", kind.plural), resource.collection(&scope.namespace));
    let mut found = Vec::new();
    let taken = cluster.list_metadata(call, &selection, |page| {
        found.extend(page.into_iter().filter_map(|object| told(scope, &resource, object)));
    });
    match taken.await {
        Err(error) if !matches!(error.kind, ErrorKind::NotFound | ErrorKind::Forbidden) => Err(error),
        _ => Ok(found),
    }
}

async fn one(cluster: &Cluster, scope: &Scope, id: &ObjectId) -> Result<Option<ObjectHealth>> {
    let Some(resource) = cluster.resource(id).await? else { return Ok(None) };
    let (namespace, name) = place(scope, id);
    let call = Call::get(format!("read the {}", resource.kind()), resource.path(namespace, name));
    match cluster.find::<Value>(call.metadata_only()).await {
        Ok(found) => Ok(found.and_then(|object| told(scope, &resource, object))),
        Err(error) if error.kind == ErrorKind::Forbidden => Ok(None),
        Err(error) => Err(error),
    }
}

/// What is said of an object that is on its way out; none for one that stays.
fn told(scope: &Scope, resource: &Resource, mut object: Value) -> Option<ObjectHealth> {
    let metadata = object.get("metadata")?;
    let is_deleted = metadata.get("deletionTimestamp").is_some_and(|time| !time.is_null());
    if !is_deleted && !follows(resource.kind(), metadata) {
        return None;
    }
    let finalizers = metadata.get("finalizers").and_then(Value::as_array);
    let finalizers: Vec<&str> = finalizers.into_iter().flatten().filter_map(Value::as_str).collect();
    let message = match finalizers.as_slice() {
        [] => "it is being removed".to_owned(),
        held => format!("it is being removed, and waits for {}", held.join(", ")),
    };
    object["apiVersion"] = resource.api_version().into();
    object["kind"] = resource.kind().into();
    let id = id_of(scope, &object)?;
    Some(ObjectHealth {
        id,
        workload: None,
        state: State::Progressing,
        ready: 0,
        wanted: 0,
        message,
        failure: None,
    })
}

/// Whether an object goes by itself after what made it: a pod always does, and a claim where its stateful set says so.
fn follows(kind: &str, metadata: &Value) -> bool {
    let owners = metadata.get("ownerReferences").and_then(Value::as_array);
    let is_of_a_set = |owner: &Value| owner.get("kind").is_some_and(|kind| kind == "StatefulSet");
    match kind {
        "Pod" => owners.is_some_and(|owners| !owners.is_empty()),
        "PersistentVolumeClaim" => owners.into_iter().flatten().any(is_of_a_set),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(word: &str, metadata: &Value, message: Option<&str>) {
        let resource = Resource::known(Kind::of_word(word).unwrap());
        let mut object = json!({ "metadata": { "name": "x", "namespace": "shop" } });
        let fields = metadata.as_object().unwrap().clone();
        object["metadata"].as_object_mut().unwrap().extend(fields);
        let found = told(&Scope::new("shop", "web"), &resource, object);
        assert_eq!(found.map(|health| health.message).as_deref(), message, "{word} {metadata}");
    }

    #[test]
    fn what_is_being_removed_and_what_follows_it_is_told() {
        let going = "2026-11-28T00:00:00Z";
        let held = json!({ "deletionTimestamp": going, "finalizers": ["a/b", "c"] });
        check("configmap", &held, Some("it is being removed, and waits for a/b, c"));
        check("configmap", &json!({}), None);
        let of_set = json!({ "ownerReferences": [{ "kind": "StatefulSet" }] });
        check("pod", &of_set, Some("it is being removed"));
        check("persistentvolumeclaim", &of_set, Some("it is being removed"));
        check("persistentvolumeclaim", &json!({}), None);
        check("job", &json!({ "ownerReferences": [{ "kind": "CronJob" }] }), None);
    }
}
