//! What the user wrote in Kubernetes' own words about what a workload becomes.

use std::collections::BTreeSet;

use rhumb_backend::change::{ListKey, ListKeys};
use rhumb_backend::{Object, patch};
use rhumb_spec::Diagnostic;

use super::{Report, Site};

/// The name of this platform in `on` and `platform`.
pub(super) const PLATFORM: &str = "kubernetes";

macro_rules! pod_lists {
    ($($pod:literal),+) => {
        &[
            $(
                (concat!($pod, ".volumes"), NAME),
                (concat!($pod, ".volumes.*.configMap.items"), ListKey::Field("key")),
                (concat!($pod, ".volumes.*.secret.items"), ListKey::Field("key")),
                (concat!($pod, ".imagePullSecrets"), NAME),
                (concat!($pod, ".hostAliases"), ListKey::Field("ip")),
                (concat!($pod, ".topologySpreadConstraints"), ListKey::Fields(&["topologyKey", "whenUnsatisfiable"])),
                (concat!($pod, ".schedulingGates"), NAME),
                (concat!($pod, ".resourceClaims"), NAME),
                (concat!($pod, ".containers"), NAME),
                (concat!($pod, ".containers.*.env"), NAME),
                (concat!($pod, ".containers.*.ports"), ListKey::Fields(&["containerPort", "protocol"])),
                (concat!($pod, ".containers.*.volumeMounts"), ListKey::Field("mountPath")),
                (concat!($pod, ".containers.*.volumeDevices"), ListKey::Field("devicePath")),
                (concat!($pod, ".containers.*.resources.claims"), NAME),
                (concat!($pod, ".initContainers"), NAME),
                (concat!($pod, ".initContainers.*.env"), NAME),
                (concat!($pod, ".initContainers.*.ports"), ListKey::Fields(&["containerPort", "protocol"])),
                (concat!($pod, ".initContainers.*.volumeMounts"), ListKey::Field("mountPath")),
                (concat!($pod, ".initContainers.*.volumeDevices"), ListKey::Field("devicePath")),
                (concat!($pod, ".initContainers.*.resources.claims"), NAME),
            )+
            ("spec.ports", ListKey::Fields(&["port", "protocol"])),
            ("metadata.finalizers", ListKey::Whole),
            ("metadata.ownerReferences", ListKey::Field("uid")),
            ("imagePullSecrets", NAME),
            ("secrets", NAME),
        ]
    };
}

const NAME: ListKey = ListKey::Field("name");

/// The lists whose items Kubernetes itself tells apart, by what. Every other list is one value to it, too.
///
/// Source: Kubernetes API reference, the notes `patchMergeKey` and `x-kubernetes-list-map-keys` of each field.
pub const LISTS: ListKeys =
    ListKeys(pod_lists!("spec.template.spec", "spec.jobTemplate.spec.template.spec", "spec"));

/// Applies `on.kubernetes.KIND` to what a workload became: of several objects of one kind, to the one that bears the
/// workload's name.
pub(super) fn apply(site: &Site<'_>, objects: &mut [Object], report: &mut Report) {
    for (kind, value) in site.workload.on.get(PLATFORM).into_iter().flatten() {
        let path = site.at(&format!("on.{PLATFORM}.{kind}"));
        let kinds = kinds(objects);
        let Some(object) = target(site, objects, kind) else {
            report.refuse(
                Diagnostic::error(path, format!("the workload becomes no {kind} on Kubernetes"))
                    .remedy(format!("one of {}", kinds.join(", "))),
            );
            continue;
        };
        if let Some(field) = fixed(value) {
            report.refuse(
                Diagnostic::error(
                    format!("{path}.{field}"),
                    "the name and kind of an object are not patched",
                )
                .why("the release finds the object by them")
                .remedy("a Native document for an object of your own"),
            );
            continue;
        }
        patch::patch(&mut object.body, value, &LISTS);
    }
}

fn kinds(objects: &[Object]) -> Vec<String> {
    let own = objects.iter().filter(|object| object.ownership != rhumb_backend::Ownership::External);
    let names: BTreeSet<String> = own
        .filter_map(|object| object.body.get("kind").and_then(serde_json::Value::as_str))
        .map(|kind| format!("`{kind}`"))
        .collect();
    names.into_iter().collect()
}

fn target<'a>(site: &Site<'_>, objects: &'a mut [Object], kind: &str) -> Option<&'a mut Object> {
    let is_kind = |object: &Object| {
        object.ownership != rhumb_backend::Ownership::External
            && object.body.get("kind").and_then(serde_json::Value::as_str) == Some(kind)
    };
    let own = objects.iter().position(|object| is_kind(object) && object.id.name() == site.name);
    let at = own.or_else(|| objects.iter().position(is_kind))?;
    objects.get_mut(at)
}

/// The field of a patch that would make another object of it.
fn fixed(value: &serde_json::Value) -> Option<&'static str> {
    let fields = [
        ("/apiVersion", "apiVersion"),
        ("/kind", "kind"),
        ("/metadata/name", "metadata.name"),
        ("/metadata/namespace", "metadata.namespace"),
    ];
    fields.into_iter().find(|(at, _)| value.pointer(at).is_some()).map(|(_, field)| field)
}
