//! What the API server would refuse to change.

use rhumb_backend::{Change, FieldChange};
use serde_json::Value;

/// Fields of a kind that never change, why, and what users see when the object is made anew.
struct Fixed {
    kind: &'static str,
    /// Paths, of which each stands for everything below it.
    paths: &'static [&'static str],
    /// Everything below this but `paths`.
    all_but: Option<&'static str>,
    why: &'static str,
    outage: &'static str,
}

const PODS_STOP: &str = "its pods stop, and new ones start when it is made again";
const PODS_STAY: &str = "its pods go on and are taken over by the new one, which then replaces them one after another; \
     claims that are there stay as they are";
const NO_TRAFFIC: &str = "its address answers to nobody until it is made again, and may be another one then";
const DATA_GOES: &str = "it is removed with the data on it, where its storage class reclaims by deletion";
const USERS_WAIT: &str = "pods that start meanwhile wait for it; those that run go on";
const RIGHTS_GO: &str = "who it gives rights to has none of them until it is made again";

/// The fields that do not change, kind by kind.
///
/// Source: Kubernetes 1.36, `pkg/apis/*/validation`: `ValidateDeploymentUpdate` and its like.
const FIXED: &[Fixed] = &[
    Fixed {
        kind: "Deployment",
        paths: &["spec.selector"],
        all_but: None,
        why: "a Deployment's selector never changes",
        outage: PODS_STOP,
    },
    Fixed {
        kind: "DaemonSet",
        paths: &["spec.selector"],
        all_but: None,
        why: "a DaemonSet's selector never changes",
        outage: PODS_STOP,
    },
    Fixed {
        kind: "ReplicaSet",
        paths: &["spec.selector"],
        all_but: None,
        why: "a ReplicaSet's selector never changes",
        outage: PODS_STOP,
    },
    Fixed {
        kind: "StatefulSet",
        paths: &[
            "spec.replicas",
            "spec.ordinals",
            "spec.template",
            "spec.updateStrategy",
            "spec.revisionHistoryLimit",
            "spec.persistentVolumeClaimRetentionPolicy",
            "spec.minReadySeconds",
        ],
        all_but: Some("spec"),
        why: "of a StatefulSet only replicas, ordinals, template, updateStrategy, revisionHistoryLimit, \
              persistentVolumeClaimRetentionPolicy and minReadySeconds change",
        outage: PODS_STAY,
    },
    Fixed {
        kind: "Job",
        paths: &[
            "spec.template",
            "spec.selector",
            "spec.completions",
            "spec.completionMode",
            "spec.podFailurePolicy",
            "spec.successPolicy",
            "spec.backoffLimitPerIndex",
            "spec.managedBy",
        ],
        all_but: None,
        why: "what a Job runs never changes",
        outage: "its pods stop, and it runs again from its beginning",
    },
    Fixed {
        kind: "Pod",
        paths: &["spec.activeDeadlineSeconds", "spec.terminationGracePeriodSeconds", "spec.tolerations"],
        all_but: Some("spec"),
        why: "of a Pod little more than its images changes",
        outage: "it stops, and starts anew",
    },
    Fixed {
        kind: "PersistentVolumeClaim",
        paths: &["spec.resources", "spec.volumeAttributesClassName", "spec.volumeName"],
        all_but: Some("spec"),
        why: "of a claim only the storage that it asks for changes",
        outage: DATA_GOES,
    },
    Fixed {
        kind: "PersistentVolume",
        paths: &[
            "spec.capacity",
            "spec.persistentVolumeReclaimPolicy",
            "spec.mountOptions",
            "spec.claimRef",
            "spec.storageClassName",
            "spec.accessModes",
            "spec.volumeAttributesClassName",
            "spec.nodeAffinity",
        ],
        all_but: Some("spec"),
        why: "a volume's source never changes",
        outage: "claims that are bound to it lose it",
    },
    Fixed {
        kind: "StorageClass",
        paths: &["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"],
        all_but: None,
        why: "what a StorageClass provisions with never changes",
        outage: "claims that are made meanwhile wait; volumes that are there stay",
    },
    Fixed {
        kind: "RoleBinding",
        paths: &["roleRef"],
        all_but: None,
        why: "the role of a binding never changes",
        outage: RIGHTS_GO,
    },
    Fixed {
        kind: "ClusterRoleBinding",
        paths: &["roleRef"],
        all_but: None,
        why: "the role of a binding never changes",
        outage: RIGHTS_GO,
    },
    Fixed {
        kind: "CustomResourceDefinition",
        paths: &["spec.scope", "spec.group", "spec.names.plural", "spec.names.kind"],
        all_but: None,
        why: "what a definition defines never changes",
        outage: "every object of the kind is removed with it",
    },
    Fixed {
        kind: "IngressClass",
        paths: &["spec.controller"],
        all_but: None,
        why: "the controller of an IngressClass never changes",
        outage: "ingresses of the class are served by nobody until it is made again",
    },
    Fixed {
        kind: "PriorityClass",
        paths: &["value", "preemptionPolicy"],
        all_but: None,
        why: "the value of a PriorityClass never changes",
        outage: "pods of the class that are made meanwhile are refused",
    },
    Fixed {
        kind: "RuntimeClass",
        paths: &["handler"],
        all_but: None,
        why: "the handler of a RuntimeClass never changes",
        outage: "pods of the class that are made meanwhile are refused",
    },
];

/// Why these changes need the object to be made anew, and what users see of it; none when they can be made in place.
pub(super) fn replacement(live: &Value, want: &Value, changes: &[FieldChange]) -> Option<Reason> {
    let kind = want.get("kind").and_then(Value::as_str)?;
    let found = FIXED.iter().filter(|fixed| fixed.kind == kind).find_map(|fixed| {
        let field = changes.iter().find(|change| fixed.has(&change.path))?;
        Some((format!("{}: {}", field.path, fixed.why), fixed.outage.to_owned()))
    });
    found.or_else(|| match kind {
        "Service" => service(live, want),
        "ConfigMap" => sealed(live, changes),
        "PersistentVolumeClaim" => shrunk(live, want),
        _ => None,
    })
}

impl Fixed {
    fn has(&self, path: &str) -> bool {
        let is_named = self.paths.iter().any(|prefix| is_below(path, prefix));
        match self.all_but {
            Some(root) => is_below(path, root) && !is_named,
            None => is_named,
        }
    }
}

pub(crate) fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

type Reason = (String, String);

/// A Service's address never changes once it has one.
///
/// Source: Kubernetes, `pkg/apis/core/validation`, `ValidateServiceUpdate` and `validateServiceClusterIPsRelatedFields`.
fn service(live: &Value, want: &Value) -> Option<Reason> {
    let text =
        |body: &Value, at: &str| body.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (is, wanted) = (text(live, "/spec/clusterIP"), text(want, "/spec/clusterIP"));
    let external = |body: &Value| text(body, "/spec/type") == "ExternalName";
    if external(live) || external(want) || is.is_empty() {
        return None;
    }
    let is_headless = is == "None";
    let why = match wanted.as_str() {
        "None" if !is_headless => "a Service that has an address does not become headless",
        "" if is_headless => "a headless Service does not get an address",
        "" => return None,
        other if other != is => "the address of a Service never changes",
        _ => return None,
    };
    Some((format!("spec.clusterIP: {why}"), NO_TRAFFIC.to_owned()))
}

fn sealed(live: &Value, changes: &[FieldChange]) -> Option<Reason> {
    let is_immutable = live.get("immutable").and_then(Value::as_bool) == Some(true);
    let fixed = ["data", "binaryData", "immutable"];
    let field = changes.iter().find(|change| fixed.iter().any(|prefix| is_below(&change.path, prefix)))?;
    is_immutable.then(|| (format!("{}: it is marked immutable", field.path), USERS_WAIT.to_owned()))
}

/// Storage grows and never shrinks.
fn shrunk(live: &Value, want: &Value) -> Option<Reason> {
    const AT: &str = "/spec/resources/requests/storage";
    let amount = |body: &Value| crate::normalize::quantity(body.pointer(AT)?);
    let (is, wanted) = (amount(live)?, amount(want)?);
    (wanted < is)
        .then(|| ("spec.resources.requests.storage: a claim never shrinks".to_owned(), DATA_GOES.to_owned()))
}

/// A Secret's type never changes.
pub(super) fn secret_type(last: &Value, want: &Value, mut changes: Vec<FieldChange>) -> Change {
    changes.push(FieldChange {
        path: "type".to_owned(),
        from: last.get("type").cloned(),
        to: want.get("type").cloned(),
        cause: rhumb_backend::Cause::Wanted,
    });
    let why = "type: the type of a Secret never changes".to_owned();
    Change::Replace { why, outage: USERS_WAIT.to_owned(), changes }
}
