//! Helpers: a pod with the claims, and a Secret with its identity.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Pod;
use rhumb_backend::{
    Duplex, Error, ErrorKind, Helper, HelperState, HelperVolume, Result, Retry, Scope, VolumeAccess,
};
use serde_json::{Value, json};

use super::HELPER;
use super::pod::{name, pod, secret, selector};
use crate::connect::{Call, Cluster, Selection};
use crate::exec;
use crate::names::{self, CONTENT, FIELD_MANAGER};
use crate::pods::PodView as _;

const START: &str = "start the helper";
/// What a server-side apply is sent as. JSON is YAML, too.
const APPLY: &str = "application/apply-patch+yaml";

fn path(scope: &Scope, plural: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{}/{plural}/{name}", scope.namespace)
}

/// Makes a helper, its identity, and the claims that it writes to.
pub(crate) async fn start(cluster: &Cluster, scope: &Scope, helper: &Helper) -> Result<()> {
    if let Some(secret) = helper.secrets.first() {
        return Err(Error::new(ErrorKind::Unsupported, START, "an API server shows its Secrets itself")
            .with("secret", secret)
            .remedy("the right to read Secrets in the namespace"));
    }
    for volume in helper.volumes.iter().filter(|volume| volume.access == VolumeAccess::ReadWrite) {
        make_claim(cluster, scope, volume).await?;
    }
    let name = name(scope, &helper.name);
    let (mut pod, secret) = (pod(scope, helper), secret(scope, helper));
    // The pod says by a hash which identity it has; the identity itself is nobody's business.
    let content = names::content_hash(&json!([pod, secret]));
    pod["metadata"]["annotations"] = json!({ CONTENT: content });
    if let Some(there) = read(cluster, scope, &name).await? {
        let annotations = there.metadata.annotations.as_ref();
        let is_equal = annotations.and_then(|all| all.get(CONTENT)) == Some(&content);
        if is_equal && !there.is_leaving() && !there.has_ended() {
            return Ok(());
        }
        remove(cluster, scope, "pods", &name).await?;
        return Err(Error::new(ErrorKind::Conflict, START, "an earlier one is still on its way out")
            .with("helper", &helper.name)
            .retry(Retry::Same));
    }
    let force = |call: Call| call.query("fieldManager", FIELD_MANAGER).query("force", "true");
    let call = Call::patch("store the helper's identity", path(scope, "secrets", &name), APPLY, &secret);
    cluster.json::<Value>(force(call)).await?;
    let call = Call::patch(START, path(scope, "pods", &name), APPLY, &pod);
    cluster.json::<Value>(force(call)).await.map(drop).map_err(|error| error.with("helper", &helper.name))
}

/// A claim that is not there is made as the release or its stateful set would make it, and so becomes theirs.
async fn make_claim(cluster: &Cluster, scope: &Scope, volume: &HelperVolume) -> Result<()> {
    let (native, document) = (&volume.volume.native, &volume.volume.document);
    let path = path(scope, "persistentvolumeclaims", native);
    let found = cluster.find::<Value>(Call::get("read the claim", &path)).await?;
    if found.is_some() {
        return Ok(());
    }
    if document.get("spec").is_none() {
        return Err(Error::new(
            ErrorKind::NotFound,
            START,
            "the claim is not there, and nothing says how to make it",
        )
        .with("claim", native));
    }
    let call = Call::patch("make the claim", &path, APPLY, document).query("fieldManager", FIELD_MANAGER);
    cluster.json::<Value>(call).await.map(drop).map_err(|error| error.with("claim", native))
}

async fn read(cluster: &Cluster, scope: &Scope, name: &str) -> Result<Option<Pod>> {
    cluster.find(Call::get("read the helper", path(scope, "pods", name))).await
}

/// How far a helper is.
pub(crate) async fn state(cluster: &Cluster, scope: &Scope, helper: &str) -> Result<HelperState> {
    let pod = read(cluster, scope, &name(scope, helper)).await?;
    Ok(pod.as_ref().map_or(HelperState::Absent, told))
}

fn told(pod: &Pod) -> HelperState {
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone());
    if pod.is_leaving() {
        return HelperState::Ended { why: "it is on its way out".to_owned() };
    }
    let status = pod.status.as_ref();
    let statuses = status.and_then(|status| status.container_statuses.as_ref());
    let state = statuses.and_then(|all| all.first()).and_then(|one| one.state.as_ref());
    if pod.has_ended() {
        let ended = state.and_then(|state| state.terminated.as_ref());
        let why = ended.map(|ended| format!("exit code {}", ended.exit_code));
        let said = status.and_then(|status| status.message.clone().or_else(|| status.reason.clone()));
        return HelperState::Ended { why: said.or(why).unwrap_or_else(|| "it ended".to_owned()) };
    }
    if state.is_some_and(|state| state.running.is_some()) {
        return HelperState::Running { node };
    }
    HelperState::Pending { why: waiting(pod) }
}

/// What a pod that does not run waits for: its image, or a node that it can go to.
fn waiting(pod: &Pod) -> String {
    let status = pod.status.as_ref();
    let statuses = status.into_iter().flat_map(|status| status.container_statuses.iter().flatten());
    let mut waiting = statuses.filter_map(|one| one.state.as_ref()?.waiting.as_ref());
    let of_container = waiting.find_map(|waiting| {
        let reason = waiting.reason.clone()?;
        Some(waiting.message.as_ref().map_or(reason.clone(), |message| format!("{reason}: {message}")))
    });
    let conditions = status.into_iter().flat_map(|status| status.conditions.iter().flatten());
    let mut unmet = conditions.filter(|condition| condition.status == "False");
    let of_condition = unmet.find_map(|condition| condition.message.clone());
    of_container.or(of_condition).unwrap_or_else(|| "it has no node yet".to_owned())
}

/// Opens a connection by the API server, which needs no way into the cluster.
pub(crate) async fn connect(
    cluster: &Cluster,
    scope: &Scope,
    helper: &str,
    port: u16,
) -> Result<Box<dyn Duplex>> {
    exec::forward(cluster, scope, &name(scope, helper), port).await
}

/// Removes a helper and its identity.
pub(crate) async fn stop(cluster: &Cluster, scope: &Scope, helper: &str) -> Result<()> {
    let name = name(scope, helper);
    remove(cluster, scope, "pods", &name).await?;
    remove(cluster, scope, "secrets", &name).await
}

/// Only what bears a helper's labels is removed.
async fn remove(cluster: &Cluster, scope: &Scope, plural: &str, name: &str) -> Result<()> {
    let path = path(scope, plural, name);
    let found = cluster.find::<Value>(Call::get("read the helper", &path).metadata_only()).await?;
    let Some(found) = found else { return Ok(()) };
    if found.pointer("/metadata/labels").and_then(|labels| labels.get(HELPER)).is_none() {
        return Err(Error::new(ErrorKind::NotOwned, "remove the helper", "somebody else has its name")
            .with("name", name));
    }
    let options = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "gracePeriodSeconds": 1 });
    match cluster.json::<Value>(Call::delete("remove the helper", path, &options)).await {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
        other => other.map(drop),
    }
}

/// The helpers that are there, and those of which only the identity is left.
pub(crate) async fn helpers(cluster: &Cluster, scope: &Scope) -> Result<Vec<String>> {
    let selection = Selection { labels: selector(scope), ..Selection::default() };
    let mut found = BTreeSet::new();
    for plural in ["pods", "secrets"] {
        let call = Call::get(
            format!("list the {plural}"),
            format!("/api/v1/namespaces/{}/{plural}", scope.namespace),
        );
        let take = |page: Vec<Value>| {
            let label =
                |one: &Value| Some(one.pointer("/metadata/labels")?.get(HELPER)?.as_str()?.to_owned());
            found.extend(page.iter().filter_map(label));
        };
        cluster.list_metadata(call, &selection, take).await?;
    }
    Ok(found.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(status: &Value) -> Pod {
        serde_json::from_value(json!({ "metadata": { "name": "x" }, "spec": { "containers": [], "nodeName": "n" }, "status": status }))
            .unwrap()
    }

    fn container(state: &Value) -> Value {
        json!([{ "name": "ferry", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state }])
    }

    #[test]
    fn states_have_their_reasons() {
        let running =
            json!({ "phase": "Running", "containerStatuses": container(&json!({ "running": {} })) });
        assert_eq!(told(&pod(&running)), HelperState::Running { node: Some("n".to_owned()) });
        let image = json!({ "reason": "ErrImageNeverPull", "message": "no such image" });
        let waiting =
            json!({ "phase": "Pending", "containerStatuses": container(&json!({ "waiting": image })) });
        assert_eq!(
            told(&pod(&waiting)),
            HelperState::Pending { why: "ErrImageNeverPull: no such image".to_owned() }
        );
        let unplaced = json!({ "phase": "Pending", "conditions": [
            { "type": "PodScheduled", "status": "False", "message": "0/1 nodes are available" },
        ] });
        assert_eq!(told(&pod(&unplaced)), HelperState::Pending { why: "0/1 nodes are available".to_owned() });
        let ended = json!({ "phase": "Failed", "containerStatuses": container(&json!({ "terminated": { "exitCode": 1 } })) });
        assert_eq!(told(&pod(&ended)), HelperState::Ended { why: "exit code 1".to_owned() });
    }
}
