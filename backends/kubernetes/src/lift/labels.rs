//! Labels and annotations.

use std::collections::BTreeMap;

use crate::names;
use rhumb_backend::fields::Fields;

/// Why a label is not carried.
const RELEASE: &str = "the release's own label of this key takes its place";

/// Takes the user's labels of an object, and what other tools mark theirs with.
pub(super) fn of_object(document: &mut Fields<'_>) -> BTreeMap<String, String> {
    let Some(mut metadata) = document.below("metadata") else { return BTreeMap::new() };
    take_marks(&mut metadata);
    let mut found = BTreeMap::new();
    if let Some(mut labels) = metadata.below("labels") {
        for key in labels.keys() {
            found.extend(labels.text(&key).map(|value| (key, value)));
        }
    }
    found
}

/// Takes the labels and annotations that say whose an object is: the release says that anew.
pub(super) fn take_marks(metadata: &mut Fields<'_>) {
    if let Some(mut labels) = metadata.below("labels") {
        for key in labels.keys() {
            match key.as_str() {
                names::NAME | names::INSTANCE | names::MANAGED_BY => labels.lose(&key, RELEASE),
                "pod-template-hash"
                | "controller-revision-hash"
                | "controller-uid"
                | "job-name"
                | "batch.kubernetes.io/controller-uid"
                | "batch.kubernetes.io/job-name"
                | "apps.kubernetes.io/pod-index"
                | "statefulset.kubernetes.io/pod-name" => {
                    labels.own(&[&key], "a controller writes it");
                }
                key if key.starts_with(names::MARK) => labels.own(&[key], "it marks what a release made"),
                _ => {}
            }
        }
    }
    if let Some(mut annotations) = metadata.below("annotations") {
        for key in annotations.keys() {
            if key.starts_with(names::MARK) {
                annotations.own(&[&key], "it marks what a release made");
            } else if key.starts_with("meta.helm.sh/") {
                annotations.lose(&key, "it says which release of another tool the object is of");
            }
        }
    }
}

/// Takes the entries of a mapping that are these.
pub(super) fn take_same(mapping: Option<Fields<'_>>, same: &BTreeMap<String, String>) {
    let Some(mut mapping) = mapping else { return };
    for key in mapping.keys() {
        if same.get(&key).map(String::as_str) == mapping.text_at(&key) {
            mapping.take_whole(&key);
        }
    }
}
