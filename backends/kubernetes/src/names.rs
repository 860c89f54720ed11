//! Names in the cluster, and the labels and annotations that mark what is ours.

use rhumb_backend::Scope;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Whose manager of fields we are in server-side apply.
pub const FIELD_MANAGER: &str = "rhumb";
/// The document that an object was made for. Selectors hold it.
pub const NAME: &str = "app.kubernetes.io/name";
/// The release. Selectors hold it.
pub const INSTANCE: &str = "app.kubernetes.io/instance";
/// What made it: always [`FIELD_MANAGER`].
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// What begins every annotation of ours.
pub const MARK: &str = "rhumb.dev/";
/// On what lies outside of the release's namespace: the release's namespace.
pub const NAMESPACE: &str = "rhumb.dev/release-namespace";
/// On content-named objects: the logical id.
pub const OBJECT: &str = "rhumb.dev/object";
/// On content-named objects: which content this is.
pub const GENERATION: &str = "rhumb.dev/generation";
/// On jobs: the hash of what is run. On objects that keep their name, and on pods that use them: the hash of what
/// the object holds.
pub const CONTENT: &str = "rhumb.dev/content";
/// On what an uninstall leaves: `keep`.
pub const UNINSTALL: &str = "rhumb.dev/uninstall";
/// On the template of a rollout that was given up and is tried anew: how many times it was.
pub const ATTEMPT: &str = "rhumb.dev/attempt";
/// What begins the label of a pod for each network that it is on. Policies select by it.
pub const NETWORK: &str = "network.rhumb.dev/";

/// The longest value of a label, and the longest name of services and of what pods' names come from.
pub const LABEL_LIMIT: usize = 63;
/// The longest name of most objects: a DNS subdomain.
pub const NAME_LIMIT: usize = 253;
/// The longest name of stateful sets and scheduled jobs: what comes of them bears the name, a dash and ten characters
/// as the value of a label.
pub const SET_LIMIT: usize = 52;
/// Hexadecimal digits of the hash in the name of a content-named object.
pub const HASH: usize = 10;

/// The labels of everything that is the release's. `name` is the document's.
pub fn labels(scope: &Scope, name: &str) -> Map<String, Value> {
    let mut labels = selector(scope, name);
    labels.insert(MANAGED_BY.to_owned(), FIELD_MANAGER.into());
    labels
}

/// The labels by which a workload's pods are found. Neither version nor user label is among them: selectors never
/// change.
pub fn selector(scope: &Scope, name: &str) -> Map<String, Value> {
    let mut labels = Map::new();
    labels.insert(NAME.to_owned(), fit(name, LABEL_LIMIT).into());
    labels.insert(INSTANCE.to_owned(), instance(scope).into());
    labels
}

/// The release's name as the value of a label.
pub fn instance(scope: &Scope) -> String {
    fit(&scope.release, LABEL_LIMIT)
}

/// The selector of everything that is the release's, as a query takes it.
pub fn release_selector(scope: &Scope) -> String {
    format!("{INSTANCE}={},{MANAGED_BY}={FIELD_MANAGER}", instance(scope))
}

/// The release's name at the end of a content-named object's: `<name>-<first digits of the generation>`.
pub fn content_name(name: &str, generation: &str) -> String {
    let generation = generation.get(..HASH).unwrap_or(generation);
    format!("{}-{generation}", fit(name, NAME_LIMIT - 1 - generation.len()))
}

/// The name of a job, by what it runs. Its pods bear it as the value of a label.
pub fn job_name(name: &str, generation: &str) -> String {
    content_name(&fit(name, LABEL_LIMIT - 1 - HASH), generation)
}

/// The name of the service that gives the replicas of a stateful workload their own names, where the workload's own
/// name has a virtual address.
pub fn headless_name(name: &str) -> String {
    fit(&format!("{name}-headless"), LABEL_LIMIT)
}

/// The hash by which content is told apart: hexadecimal digits of the SHA-256 of its JSON.
pub fn content_hash(content: &Value) -> String {
    hash(content.to_string().as_bytes())[..16].to_owned()
}

/// The name as it is where it is no longer than the limit, else cut and ending in a hash of the whole.
pub fn fit(name: &str, limit: usize) -> String {
    if name.len() <= limit {
        return name.to_owned();
    }
    let kept = name.get(..limit - 1 - HASH).unwrap_or(name).trim_end_matches(['-', '.', '_']);
    format!("{kept}-{}", &hash(name.as_bytes())[..HASH])
}

/// The SHA-256 of bytes, in lowercase hexadecimal digits.
pub fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Whether an object's labels say that it is this release's, and if not, whose it is.
///
/// # Errors
/// In words for people, whose it is.
pub fn owner(scope: &Scope, metadata: &Value) -> Result<(), String> {
    let text = |map: &str, key: &str| metadata.get(map)?.get(key)?.as_str();
    let namespace = text("annotations", NAMESPACE)
        .or_else(|| metadata.get("namespace").and_then(Value::as_str))
        .unwrap_or(&scope.namespace);
    match (text("labels", MANAGED_BY), text("labels", INSTANCE)) {
        (Some(FIELD_MANAGER), Some(release))
            if release == instance(scope) && namespace == scope.namespace =>
        {
            Ok(())
        }
        (Some(FIELD_MANAGER), Some(release)) => {
            Err(format!("it belongs to the release {release} in the namespace {namespace}"))
        }
        (Some("Helm"), _) => {
            let release = text("annotations", "meta.helm.sh/release-name").unwrap_or("of an unknown name");
            Err(format!("it belongs to Helm's release {release}"))
        }
        (Some(tool), _) => Err(format!("it is managed by {tool}")),
        (None, _) => Err("it bears no release's labels".to_owned()),
    }
}

/// The label that puts a pod on a network, and by which a policy selects those who are.
pub fn network_label(network: &str) -> String {
    format!("{NETWORK}{}", fit(network, LABEL_LIMIT))
}

/// Our own metadata for an object: name, namespace and labels.
pub fn metadata(scope: &Scope, native: &str, document: &str) -> Value {
    json!({ "name": native, "namespace": scope.namespace, "labels": labels(scope, document) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_told_apart() {
        let scope = Scope::new("prod", "shop");
        let mine = json!({ "namespace": "prod", "labels": labels(&scope, "web") });
        assert_eq!(owner(&scope, &mine), Ok(()));
        let elsewhere = json!({ "namespace": "dev", "labels": labels(&scope, "web") });
        assert!(owner(&scope, &elsewhere).unwrap_err().contains("namespace dev"));
        let helm = json!({
            "labels": { MANAGED_BY: "Helm" },
            "annotations": { "meta.helm.sh/release-name": "shop" }
        });
        assert_eq!(owner(&scope, &helm).unwrap_err(), "it belongs to Helm's release shop");
        assert!(owner(&scope, &json!({})).is_err());
    }

    #[test]
    fn long_names_end_in_a_hash() {
        let long = "x".repeat(80);
        assert_eq!(fit(&long, LABEL_LIMIT).len(), LABEL_LIMIT);
        assert_eq!(content_name("web", "0123456789abcdef"), "web-0123456789");
    }
}
