//! What others have applied becomes ours.

use rhumb_backend::{Error, ErrorKind, Result, Retry, Scope};
use serde_json::{Map, Value, json};

use crate::change::is_applier;
use crate::connect::{Call, Cluster, Resource};
use crate::names::{FIELD_MANAGER, owner};

/// Makes the fields that former owners have applied ours, where an object is not the release's yet. What of them the
/// release does not want goes with the apply that follows, as it would have gone with an apply of its former owner.
///
/// Source: client-go, `util/csaupgrade`, which moves fields between managers in the same way.
///
/// # Errors
/// `Conflict`, to be tried again, when the object was changed meanwhile; what the API server answers.
pub(super) async fn take_over(
    cluster: &Cluster,
    scope: &Scope,
    resource: &Resource,
    path: &str,
) -> Result<()> {
    let call = Call::get(format!("read the {}", resource.kind()), path).metadata_only();
    let Some(live) = cluster.find::<Value>(call).await? else { return Ok(()) };
    let metadata = &live["metadata"];
    let Some(managers) = metadata.get("managedFields").and_then(Value::as_array) else { return Ok(()) };
    if owner(scope, metadata).is_ok() || !managers.iter().any(is_applier) {
        return Ok(());
    }
    let ours = moved(managers, resource.api_version());
    let moving = json!([
        { "op": "replace", "path": "/metadata/managedFields", "value": ours },
        { "op": "replace", "path": "/metadata/resourceVersion", "value": metadata.get("resourceVersion") },
    ]);
    let operation = format!("take over the {}", resource.kind());
    let call = Call::patch(operation, path, "application/json-patch+json", &moving).metadata_only();
    let taken = cluster.json::<Value>(call.query("fieldManager", FIELD_MANAGER)).await;
    taken.map(drop).map_err(|error| match error.kind {
        ErrorKind::Conflict => Error { retry: Retry::Same, ..error },
        _ => error,
    })
}

/// The managers with all that was applied in one entry of ours.
fn moved(managers: &[Value], api_version: &str) -> Vec<Value> {
    let is_ours = |entry: &Value| {
        entry.get("manager").and_then(Value::as_str) == Some(FIELD_MANAGER)
            && entry.get("operation").and_then(Value::as_str) == Some("Apply")
    };
    let mut fields = Value::Object(Map::new());
    let (applied, others): (Vec<&Value>, Vec<&Value>) =
        managers.iter().partition(|entry| is_applier(entry) || is_ours(entry));
    for entry in &applied {
        if let Some(set) = entry.get("fieldsV1") {
            unite(&mut fields, set);
        }
    }
    let version = applied.first().and_then(|entry| entry.get("apiVersion")).cloned();
    let mut all: Vec<Value> = others.into_iter().cloned().collect();
    all.push(json!({
        "manager": FIELD_MANAGER,
        "operation": "Apply",
        "apiVersion": version.unwrap_or_else(|| api_version.into()),
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }));
    all
}

/// Adds the fields of one set to another.
fn unite(into: &mut Value, set: &Value) {
    let (Some(into), Some(set)) = (into.as_object_mut(), set.as_object()) else { return };
    for (key, inner) in set {
        unite(into.entry(key.clone()).or_insert_with(|| Value::Object(Map::new())), inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_applied_is_ours_and_what_controllers_set_is_not() {
        let entry = |manager: &str, operation: &str, fields: Value| json!({ "manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsV1": fields });
        let controller = entry("kube-controller-manager", "Update", json!({ "f:status": {} }));
        let managers = [
            entry("helm", "Update", json!({ "f:spec": { "f:a": {} } })),
            controller.clone(),
            entry("kubectl-edit", "Update", json!({ "f:spec": { "f:b": { ".": {} } } })),
        ];
        let moved = moved(&managers, "apps/v1");
        assert_eq!(moved[0], controller);
        assert_eq!(moved.len(), 2);
        assert_eq!(moved[1]["manager"], "rhumb");
        assert_eq!(moved[1]["fieldsV1"], json!({ "f:spec": { "f:a": {}, "f:b": { ".": {} } } }));
    }
}
