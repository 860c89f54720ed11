//! The documents of a helper.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::{Helper, HelperVolume, Scope, VolumeAccess};
use serde_json::{Value, json};

use super::{HELPER, HELPER_OF};
use crate::names;

/// The name of a helper's pod and of its Secret.
pub(super) fn name(scope: &Scope, helper: &str) -> String {
    names::fit(&format!("rhumb-ferry-{}-{helper}", scope.release), names::LABEL_LIMIT)
}

pub(super) fn labels(scope: &Scope, helper: &str) -> Value {
    json!({ HELPER: names::fit(helper, names::LABEL_LIMIT), HELPER_OF: names::instance(scope) })
}

/// Everything that is a release's helper's, as a query takes it.
pub(super) fn selector(scope: &Scope) -> String {
    format!("{HELPER_OF}={},{HELPER}", names::instance(scope))
}

/// The Secret with the helper's identity.
pub(super) fn secret(scope: &Scope, helper: &Helper) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": metadata(scope, helper),
        "data": { file_name(): STANDARD.encode(helper.identity.expose()) },
    })
}

fn metadata(scope: &Scope, helper: &Helper) -> Value {
    json!({ "name": name(scope, &helper.name), "namespace": scope.namespace, "labels": labels(scope, &helper.name) })
}

fn file_name() -> &'static str {
    Helper::IDENTITY.rsplit('/').next().unwrap_or_default()
}

fn folder_of_identity() -> &'static str {
    Helper::IDENTITY.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The pod. It goes where its volumes are, whatever keeps others from there, and asks the cluster for nothing.
///
/// Source: Kubernetes API reference, `Pod`. The capabilities are among those that the Pod Security Standard "baseline" allows.
pub(super) fn pod(scope: &Scope, helper: &Helper) -> Value {
    let mut volumes = vec![json!({ "name": "identity", "secret": {
        "secretName": name(scope, &helper.name), "defaultMode": 0o400,
    } })];
    let mut mounts = vec![json!({ "name": "identity", "mountPath": folder_of_identity(), "readOnly": true })];
    for (index, volume) in helper.volumes.iter().enumerate() {
        let is_read_only = volume.access == VolumeAccess::ReadOnly;
        let (word, path) = (format!("volume-{index}"), format!("{}/{}", Helper::VOLUMES, volume.folder));
        volumes.push(json!({ "name": word, "persistentVolumeClaim": {
            "claimName": volume.volume.native, "readOnly": is_read_only,
        } }));
        mounts.push(json!({ "name": word, "mountPath": path, "readOnly": is_read_only }));
    }
    let mut spec = json!({
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 5,
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "tolerations": [{ "operator": "Exists" }],
        "containers": [container(helper, &mounts)],
        "volumes": volumes,
    });
    if let Some(affinity) = affinity(&helper.volumes) {
        spec["affinity"] = affinity;
    }
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata(scope, helper), "spec": spec })
}

fn container(helper: &Helper, mounts: &[Value]) -> Value {
    json!({
        "name": "ferry",
        "image": helper.image,
        "imagePullPolicy": "IfNotPresent",
        "args": helper.arguments,
        "ports": [{ "name": "ferry", "containerPort": helper.port }],
        "volumeMounts": mounts,
        "securityContext": {
            "runAsUser": 0,
            "runAsGroup": 0,
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": true,
            "capabilities": { "drop": ["ALL"], "add": Helper::CAPABILITIES },
            "seccompProfile": { "type": "RuntimeDefault" },
        },
    })
}

/// Where the pod must go to share a claim with the pod that has it mounted. The scheduler still decides, so that a claim which
/// waits for its first pod is bound.
fn affinity(volumes: &[HelperVolume]) -> Option<Value> {
    let node = volumes.iter().find_map(|volume| volume.volume.node.as_deref())?;
    let term = json!({ "matchFields": [{ "key": "metadata.name", "operator": "In", "values": [node] }] });
    Some(json!({ "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [term] },
    } }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhumb_backend::{Material, VolumeUse};

    #[test]
    fn a_helper_is_a_pod_with_few_rights() {
        let volume = VolumeUse {
            workload: "db".to_owned(),
            volume: "data".to_owned(),
            ordinal: Some(0),
            native: "data-db-0".to_owned(),
            node: Some("node-1".to_owned()),
            size: None,
            document: json!({}),
        };
        let helper = Helper {
            name: "source".to_owned(),
            image: "rhumb-ferry:1".to_owned(),
            arguments: vec!["serve".to_owned()],
            identity: Material::new(b"canary".to_vec()),
            volumes: vec![HelperVolume { folder: "data".to_owned(), volume, access: VolumeAccess::ReadOnly }],
            secrets: Vec::new(),
            port: 7411,
        };
        let scope = Scope::new("prod", "shop");
        let pod = pod(&scope, &helper);
        insta::assert_json_snapshot!(pod);
        assert!(!pod.to_string().contains(names::MANAGED_BY), "an upgrade would take it for the release's");
        assert_eq!(secret(&scope, &helper)["data"]["identity.pem"], STANDARD.encode("canary"));
    }
}
