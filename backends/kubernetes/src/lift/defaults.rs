//! What says nothing of the user's in a document: what the server writes itself, and what it takes anyway.

use rhumb_backend::fields::{self, Fields, Ledger};
use rhumb_backend::{Fate, Rest};
use serde_json::{Map, Value, json};

/// Why a field that the server writes is none of the user's.
const SERVER: &str = "the server writes it";

/// Mappings that say nothing where nothing is in them.
const SAY_NOTHING: [&str; 16] = [
    "affinity",
    "annotations",
    "data",
    "dnsConfig",
    "labels",
    "lifecycle",
    "limits",
    "nodeSelector",
    "options",
    "requests",
    "resources",
    "rollingUpdate",
    "securityContext",
    "status",
    "strategy",
    "updateStrategy",
];

/// Annotations that the server, its controllers and kubectl write.
const WRITTEN: [&str; 12] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "kubectl.kubernetes.io/restartedAt",
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
    "control-plane.alpha.kubernetes.io/leader",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node",
    "autoscaling.alpha.kubernetes.io/conditions",
    "autoscaling.alpha.kubernetes.io/current-metrics",
];

/// Prepares a document: nulls go, and mappings that have nothing in them become null, so that they are told from those
/// that have nothing left. What the server wrote goes, too.
pub(super) fn prepare(body: &mut Map<String, Value>, ledger: &Ledger) {
    fields::prepare(body, &SAY_NOTHING, ledger);
    metadata(body, ledger);
    Fields::new(body, "", ledger).own(&["status"], SERVER);
}

/// Takes what the server wrote off a document that is passed through as it is.
pub(super) fn strip(body: &mut Map<String, Value>, ledger: &Ledger) {
    metadata(body, ledger);
    Fields::new(body, "", ledger).own(&["status"], SERVER);
    let is_empty = |value: Option<&Value>| value.and_then(Value::as_object).is_some_and(Map::is_empty);
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut)
        && is_empty(metadata.get("annotations"))
    {
        metadata.shift_remove("annotations");
    }
}

/// Takes what the server wrote off the metadata of a document or template.
fn metadata(body: &mut Map<String, Value>, ledger: &Ledger) {
    let mut fields = Fields::new(body, "", ledger);
    let Some(mut metadata) = fields.below("metadata") else { return };
    metadata.own(
        &[
            "managedFields",
            "resourceVersion",
            "uid",
            "generation",
            "creationTimestamp",
            "selfLink",
            "ownerReferences",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
        ],
        SERVER,
    );
    if let Some(mut annotations) = metadata.below("annotations") {
        annotations.own(&WRITTEN, SERVER);
    }
    metadata
        .take("finalizers", |value| {
            let is_server =
                |item: &Value| item.as_str().is_some_and(|name| name.starts_with("kubernetes.io/"));
            value.as_array().filter(|items| items.iter().all(is_server)).map(Vec::len)
        })
        .into_iter()
        .for_each(|fields| {
            let rest = Rest {
                path: "metadata.finalizers".to_owned(),
                fields,
                fate: Fate::Own,
                why: SERVER.to_owned(),
            };
            ledger.borrow_mut().push(rest);
        });
}

/// Takes what the server takes anyway off the `spec` of a workload.
///
/// Source: Kubernetes API reference, the defaults of `apps/v1` and `batch/v1`.
pub(super) fn workload(spec: &mut Fields<'_>) {
    let written = ["progressDeadlineSeconds", "revisionHistoryLimit", "podManagementPolicy"];
    let defaults = [json!(600), json!(10), json!("OrderedReady")];
    for (key, default) in written.iter().zip(&defaults) {
        spec.default(key, default);
    }
    let retain = json!({ "whenDeleted": "Retain", "whenScaled": "Retain" });
    spec.default("persistentVolumeClaimRetentionPolicy", &retain);
    spec.default("ordinals", &json!({ "start": 0 }));
    for (key, default) in [
        ("minReadySeconds", json!(0)),
        ("completionMode", json!("NonIndexed")),
        ("podReplacementPolicy", json!("TerminatingOrFailed")),
        ("manualSelector", json!(false)),
        ("suspend", json!(false)),
        ("paused", json!(false)),
        ("successfulJobsHistoryLimit", json!(3)),
        ("failedJobsHistoryLimit", json!(1)),
    ] {
        spec.default(key, &default);
    }
}

/// Takes what the server takes anyway off a pod's `spec`.
///
/// Source: Kubernetes API reference, the defaults of `PodSpec`.
pub(super) fn pod(spec: &mut Fields<'_>) {
    for (key, default) in [
        ("dnsPolicy", json!("ClusterFirst")),
        ("schedulerName", json!("default-scheduler")),
        ("preemptionPolicy", json!("PreemptLowerPriority")),
        ("hostNetwork", json!(false)),
        ("hostPID", json!(false)),
        ("hostIPC", json!(false)),
        ("shareProcessNamespace", json!(false)),
    ] {
        spec.default(key, &default);
    }
    spec.written_default("terminationGracePeriodSeconds", &json!(30));
    spec.own(&["nodeName"], SERVER);
    // A release's pods get no variables for the services of their namespace.
    spec.take("enableServiceLinks", |value| (*value == Value::Bool(false)).then_some(()));
}

/// Takes what the server takes anyway off a container.
///
/// Source: Kubernetes API reference, the defaults of `Container`.
pub(super) fn container(container: &mut Fields<'_>) {
    for (key, default) in [
        ("terminationMessagePath", json!("/dev/termination-log")),
        ("terminationMessagePolicy", json!("File")),
        ("stdin", json!(false)),
        ("stdinOnce", json!(false)),
        ("tty", json!(false)),
    ] {
        container.default(key, &default);
    }
}

/// Takes what the server takes anyway, or chose itself, off a service's `spec`.
///
/// Source: Kubernetes API reference, the defaults of `ServiceSpec`.
pub(super) fn service(spec: &mut Fields<'_>) {
    let is_given = spec.text_at("clusterIP").is_some_and(|address| address != "None");
    if is_given {
        spec.own(&["clusterIP"], "the server chooses it");
    }
    spec.own(&["clusterIPs", "ipFamilies", "healthCheckNodePort"], "the server chooses it");
    for (key, default) in [
        ("ipFamilyPolicy", json!("SingleStack")),
        ("internalTrafficPolicy", json!("Cluster")),
        ("externalTrafficPolicy", json!("Cluster")),
        ("sessionAffinity", json!("None")),
        ("allocateLoadBalancerNodePorts", json!(true)),
        ("publishNotReadyAddresses", json!(false)),
    ] {
        spec.default(key, &default);
    }
}
