//! The kinds of objects that every cluster has, and how ids name the others.
//!
//! An id is `deployment/web` for what the release's own namespace or the whole cluster has, and
//! `configmap/other/web` for what lies in another namespace. Kinds of other groups than these bear their group:
//! `certificate.cert-manager.io/web`.

use rhumb_backend::{ObjectId, Scope};
use serde_json::Value;

/// A kind of object, as the API serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind {
    /// The word in ids.
    pub word: &'static str,
    /// The kind's name in documents.
    pub kind: &'static str,
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The version that we write, where the cluster serves it.
    pub version: &'static str,
    /// The resource's name in paths.
    pub plural: &'static str,
    /// Whether objects of it lie in a namespace.
    pub namespaced: bool,
}

const fn namespaced(
    word: &'static str,
    kind: &'static str,
    group: &'static str,
    version: &'static str,
    plural: &'static str,
) -> Kind {
    Kind { word, kind, group, version, plural, namespaced: true }
}

const fn cluster(
    word: &'static str,
    kind: &'static str,
    group: &'static str,
    version: &'static str,
    plural: &'static str,
) -> Kind {
    Kind { word, kind, group, version, plural, namespaced: false }
}

/// Every kind that is known without asking a cluster. The first [`Kind::MADE`] are those that workloads and other
/// documents of an app become.
///
/// Source: Kubernetes API reference 1.36.
pub const KINDS: &[Kind] = &[
    namespaced("deployment", "Deployment", "apps", "v1", "deployments"),
    namespaced("statefulset", "StatefulSet", "apps", "v1", "statefulsets"),
    namespaced("daemonset", "DaemonSet", "apps", "v1", "daemonsets"),
    namespaced("job", "Job", "batch", "v1", "jobs"),
    namespaced("cronjob", "CronJob", "batch", "v1", "cronjobs"),
    namespaced("service", "Service", "", "v1", "services"),
    namespaced("configmap", "ConfigMap", "", "v1", "configmaps"),
    namespaced("secret", "Secret", "", "v1", "secrets"),
    namespaced("persistentvolumeclaim", "PersistentVolumeClaim", "", "v1", "persistentvolumeclaims"),
    namespaced("ingress", "Ingress", "networking.k8s.io", "v1", "ingresses"),
    namespaced("networkpolicy", "NetworkPolicy", "networking.k8s.io", "v1", "networkpolicies"),
    namespaced(
        "horizontalpodautoscaler",
        "HorizontalPodAutoscaler",
        "autoscaling",
        "v2",
        "horizontalpodautoscalers",
    ),
    namespaced("poddisruptionbudget", "PodDisruptionBudget", "policy", "v1", "poddisruptionbudgets"),
    namespaced("httproute", "HTTPRoute", "gateway.networking.k8s.io", "v1", "httproutes"),
    namespaced("pod", "Pod", "", "v1", "pods"),
    namespaced("replicaset", "ReplicaSet", "apps", "v1", "replicasets"),
    namespaced("replicationcontroller", "ReplicationController", "", "v1", "replicationcontrollers"),
    namespaced("serviceaccount", "ServiceAccount", "", "v1", "serviceaccounts"),
    namespaced("endpoints", "Endpoints", "", "v1", "endpoints"),
    namespaced("endpointslice", "EndpointSlice", "discovery.k8s.io", "v1", "endpointslices"),
    namespaced("limitrange", "LimitRange", "", "v1", "limitranges"),
    namespaced("resourcequota", "ResourceQuota", "", "v1", "resourcequotas"),
    namespaced("podtemplate", "PodTemplate", "", "v1", "podtemplates"),
    namespaced("lease", "Lease", "coordination.k8s.io", "v1", "leases"),
    namespaced("role", "Role", "rbac.authorization.k8s.io", "v1", "roles"),
    namespaced("rolebinding", "RoleBinding", "rbac.authorization.k8s.io", "v1", "rolebindings"),
    cluster("clusterrole", "ClusterRole", "rbac.authorization.k8s.io", "v1", "clusterroles"),
    cluster(
        "clusterrolebinding",
        "ClusterRoleBinding",
        "rbac.authorization.k8s.io",
        "v1",
        "clusterrolebindings",
    ),
    cluster("namespace", "Namespace", "", "v1", "namespaces"),
    cluster("node", "Node", "", "v1", "nodes"),
    cluster("persistentvolume", "PersistentVolume", "", "v1", "persistentvolumes"),
    cluster("storageclass", "StorageClass", "storage.k8s.io", "v1", "storageclasses"),
    cluster("ingressclass", "IngressClass", "networking.k8s.io", "v1", "ingressclasses"),
    cluster("priorityclass", "PriorityClass", "scheduling.k8s.io", "v1", "priorityclasses"),
    cluster("runtimeclass", "RuntimeClass", "node.k8s.io", "v1", "runtimeclasses"),
    cluster(
        "customresourcedefinition",
        "CustomResourceDefinition",
        "apiextensions.k8s.io",
        "v1",
        "customresourcedefinitions",
    ),
    cluster("apiservice", "APIService", "apiregistration.k8s.io", "v1", "apiservices"),
    cluster(
        "mutatingwebhookconfiguration",
        "MutatingWebhookConfiguration",
        "admissionregistration.k8s.io",
        "v1",
        "mutatingwebhookconfigurations",
    ),
    cluster(
        "validatingwebhookconfiguration",
        "ValidatingWebhookConfiguration",
        "admissionregistration.k8s.io",
        "v1",
        "validatingwebhookconfigurations",
    ),
    cluster(
        "validatingadmissionpolicy",
        "ValidatingAdmissionPolicy",
        "admissionregistration.k8s.io",
        "v1",
        "validatingadmissionpolicies",
    ),
    cluster(
        "validatingadmissionpolicybinding",
        "ValidatingAdmissionPolicyBinding",
        "admissionregistration.k8s.io",
        "v1",
        "validatingadmissionpolicybindings",
    ),
];

impl Kind {
    /// How many of [`KINDS`], from the first on, are looked for by the release's marks at every look.
    pub const MADE: usize = 13;

    /// The kind with this word in ids.
    pub fn of_word(word: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.word == word)
    }

    /// The kind of a document, by the group of its `apiVersion` and its `kind`. Versions do not count.
    pub fn of_document(api_version: &str, kind: &str) -> Option<&'static Self> {
        let group = group_of(api_version);
        // Ingresses and others moved between groups; the cluster's storage is one.
        let group = match (group, kind) {
            ("extensions", "Ingress" | "NetworkPolicy") => "networking.k8s.io",
            ("extensions", "Deployment" | "DaemonSet" | "ReplicaSet") => "apps",
            (group, _) => group,
        };
        KINDS.iter().find(|known| known.group == group && known.kind == kind)
    }

    /// The kind of an id, where it is known without asking a cluster.
    pub fn of(id: &ObjectId) -> Option<&'static Self> {
        Self::of_word(id.kind())
    }

    /// What stands in `apiVersion`: `apps/v1`, `v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }
}

/// The group of an `apiVersion`; empty for the core group.
pub fn group_of(api_version: &str) -> &str {
    api_version.rsplit_once('/').map_or("", |(group, _)| group)
}

/// The word for the kind of a document in ids: `deployment`, `certificate.cert-manager.io`.
pub fn word(api_version: &str, kind: &str) -> String {
    if let Some(known) = Kind::of_document(api_version, kind) {
        return known.word.to_owned();
    }
    let kind = kind.to_lowercase();
    match group_of(api_version) {
        "" => kind,
        group => format!("{kind}.{group}"),
    }
}

/// The id of a document by its kind and name; none where it has no kind or name. A document without a namespace lies
/// in the release's.
pub fn id_of(scope: &Scope, body: &Value) -> Option<ObjectId> {
    let text = |at: &str| body.pointer(at).and_then(Value::as_str);
    let (api_version, kind, name) = (text("/apiVersion")?, text("/kind")?, text("/metadata/name")?);
    let word = word(api_version, kind);
    match text("/metadata/namespace").filter(|namespace| *namespace != scope.namespace) {
        Some(namespace) if Kind::of_document(api_version, kind).is_none_or(|kind| kind.namespaced) => {
            Some(ObjectId::new(&word, &format!("{namespace}/{name}")))
        }
        _ => Some(ObjectId::new(&word, name)),
    }
}

/// The namespace and the name that an id's name stands for.
pub fn place<'a>(scope: &'a Scope, id: &'a ObjectId) -> (&'a str, &'a str) {
    id.name().split_once('/').unwrap_or((scope.namespace.as_str(), id.name()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(body: &Value, id: &str) {
        assert_eq!(id_of(&Scope::new("shop", "web"), body).unwrap().as_str(), id);
    }

    #[test]
    fn ids_name_kind_and_place() {
        let at = |api: &str, kind: &str, namespace: &str| json!({ "apiVersion": api, "kind": kind, "metadata": { "name": "web", "namespace": namespace } });
        check(&at("apps/v1", "Deployment", "shop"), "deployment/web");
        check(&at("v1", "ConfigMap", "other"), "configmap/other/web");
        check(&at("cert-manager.io/v1", "Certificate", "shop"), "certificate.cert-manager.io/web");
        check(&at("rbac.authorization.k8s.io/v1", "ClusterRole", "ignored"), "clusterrole/web");
        check(&at("extensions/v1beta1", "Ingress", "shop"), "ingress/web");
    }

    #[test]
    fn words_are_unique() {
        for (at, kind) in KINDS.iter().enumerate() {
            assert!(KINDS[at + 1..].iter().all(|other| other.word != kind.word), "{}", kind.word);
        }
    }
}
