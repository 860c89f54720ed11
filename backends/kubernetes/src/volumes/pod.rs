//! The documents of a helper.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::{Helper, HelperVolume, Scope, VolumeAccess};
use serde_json::{Map, Value, json};

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

/// The pod. It asks the cluster for nothing.
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
        "containers": [container(helper, &mounts)],
        "volumes": volumes,
    });
    if let Some(spec) = spec.as_object_mut() {
        spec.extend(placement(&helper.volumes));
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

/// Where the pod goes: to share a claim with the pod that has it mounted, to the node of that pod, whatever keeps others from
/// there; else where the pods of its workload may go. The scheduler still decides, so that a claim which waits for its first pod is
/// bound.
fn placement(volumes: &[HelperVolume]) -> Map<String, Value> {
    let Some(node) = volumes.iter().find_map(|volume| volume.volume.node.as_deref()) else {
        let asked = volumes.first().and_then(|volume| volume.volume.placement.as_object());
        return asked.cloned().unwrap_or_default();
    };
    let term = json!({ "matchFields": [{ "key": "metadata.name", "operator": "In", "values": [node] }] });
    let affinity = json!({ "nodeAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [term] },
    } });
    Map::from_iter([
        ("affinity".to_owned(), affinity),
        ("tolerations".to_owned(), json!([{ "operator": "Exists" }])),
    ])
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
            placement: json!({ "nodeSelector": { "disk": "fast" } }),
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
        let mut helper = helper;
        helper.volumes[0].volume.node = None;
        assert_eq!(self::pod(&scope, &helper)["spec"]["nodeSelector"], json!({ "disk": "fast" }));
        assert_eq!(self::pod(&scope, &helper)["spec"]["tolerations"], Value::Null);
        assert!(!pod.to_string().contains(names::MANAGED_BY), "an upgrade would take it for the release's");
        assert_eq!(secret(&scope, &helper)["data"]["identity.pem"], STANDARD.encode("canary"));
    }
}
