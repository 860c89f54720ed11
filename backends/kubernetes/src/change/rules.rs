//! How documents of the API are merged.

use rhumb_backend::change::{ListKey, ListKeys, MergeRules};

const NAME: ListKey = ListKey::Field("name");
const PORTS: ListKey = ListKey::Fields(&["containerPort", "protocol"]);

/// The rules for every kind: no two kinds have lists of the same path and another key.
///
/// A list is keyed where the API's own schema says so (`x-kubernetes-list-map-keys`, `x-kubernetes-list-type: set`);
/// every other one is taken or left as a whole. The number of replicas stays as somebody set it.
///
/// Source: Kubernetes `OpenAPI` v3 schemas, 1.36.
pub(crate) const RULES: MergeRules = MergeRules {
    lists: ListKeys(&[
        ("metadata.finalizers", ListKey::Whole),
        ("metadata.ownerReferences", ListKey::Field("uid")),
        ("spec.ports", ListKey::Fields(&["port", "protocol"])),
        ("spec.template.spec.containers", NAME),
        ("spec.template.spec.initContainers", NAME),
        ("spec.template.spec.volumes", NAME),
        ("spec.template.spec.imagePullSecrets", NAME),
        ("spec.template.spec.hostAliases", ListKey::Field("ip")),
        (
            "spec.template.spec.topologySpreadConstraints",
            ListKey::Fields(&["topologyKey", "whenUnsatisfiable"]),
        ),
        ("spec.template.spec.containers.*.ports", PORTS),
        ("spec.template.spec.containers.*.env", NAME),
        ("spec.template.spec.containers.*.volumeMounts", ListKey::Field("mountPath")),
        ("spec.template.spec.containers.*.volumeDevices", ListKey::Field("devicePath")),
        ("spec.template.spec.initContainers.*.ports", PORTS),
        ("spec.template.spec.initContainers.*.env", NAME),
        ("spec.template.spec.initContainers.*.volumeMounts", ListKey::Field("mountPath")),
        ("spec.template.spec.initContainers.*.volumeDevices", ListKey::Field("devicePath")),
        ("spec.jobTemplate.spec.template.spec.containers", NAME),
        ("spec.jobTemplate.spec.template.spec.initContainers", NAME),
        ("spec.jobTemplate.spec.template.spec.volumes", NAME),
        ("spec.jobTemplate.spec.template.spec.imagePullSecrets", NAME),
        ("spec.jobTemplate.spec.template.spec.hostAliases", ListKey::Field("ip")),
        ("spec.jobTemplate.spec.template.spec.containers.*.ports", PORTS),
        ("spec.jobTemplate.spec.template.spec.containers.*.env", NAME),
        ("spec.jobTemplate.spec.template.spec.containers.*.volumeMounts", ListKey::Field("mountPath")),
        ("spec.jobTemplate.spec.template.spec.initContainers.*.ports", PORTS),
        ("spec.jobTemplate.spec.template.spec.initContainers.*.env", NAME),
        ("spec.jobTemplate.spec.template.spec.initContainers.*.volumeMounts", ListKey::Field("mountPath")),
        ("spec.containers", NAME),
        ("spec.containers.*.ports", PORTS),
        ("spec.containers.*.env", NAME),
        ("spec.containers.*.volumeMounts", ListKey::Field("mountPath")),
        ("spec.volumes", NAME),
        ("spec.loadBalancerSourceRanges", ListKey::Whole),
        ("secrets", NAME),
        ("imagePullSecrets", NAME),
        ("webhooks", NAME),
    ]),
    kept: &["spec.replicas"],
    sensitive: &["stringData.*"],
};
