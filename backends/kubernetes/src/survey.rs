//! What is asked of the cluster before an app is lowered.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{ErrorKind, Facts, Finding, Result, Survey};
use rhumb_spec::App;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::NAME;
use crate::connect::{Call, Cluster, Resource, Selection};
use crate::facts::{Classes, KubernetesFacts, ServedKind};
use crate::kind::{Kind, group_of, word};

const OPERATION: &str = "survey the cluster";

/// Asks the cluster what lowering must know, and nothing that this app does not need.
///
/// # Errors
/// What the API server answers. Classes that may not be listed are unknown.
pub(crate) async fn survey(cluster: &Cluster, app: &App, survey: &Survey<'_>) -> Result<Facts> {
    cluster.client().await?;
    let previous = survey.previous.and_then(|facts| facts.read::<KubernetesFacts>().ok());
    let has_routes = !app.routes.is_empty();
    let (version, apis, ingress_classes, storage_classes) = tokio::try_join!(
        version(cluster),
        apis(cluster),
        classes(cluster, "ingressclass", has_routes),
        classes(cluster, "storageclass", !app.volumes.is_empty()),
    )?;
    let kinds = kinds(cluster, app, &apis, previous.as_ref()).await?;
    let chosen = KubernetesFacts::APIS.iter().filter(|api| **api == "v1" || apis.contains(**api));
    let facts = KubernetesFacts {
        version: Some(version),
        apis: chosen.map(|api| (*api).to_owned()).collect(),
        kinds,
        ingress_classes,
        storage_classes,
    };
    Facts::from_data(NAME, true, &facts)
}

async fn version(cluster: &Cluster) -> Result<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        git_version: String,
    }
    Ok(cluster.json::<Version>(Call::get(OPERATION, "/version")).await?.git_version)
}

/// Every API version of the groups that the cluster serves. The list of groups is short, other than that of kinds.
async fn apis(cluster: &Cluster) -> Result<BTreeSet<String>> {
    #[derive(Deserialize)]
    struct Groups {
        groups: Vec<Group>,
    }
    #[derive(Deserialize)]
    struct Group {
        versions: Vec<Version>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Version {
        group_version: String,
    }
    let groups = cluster.json::<Groups>(Call::get(OPERATION, "/apis")).await?.groups;
    let versions = groups.into_iter().flat_map(|group| group.versions);
    Ok(versions.map(|version| version.group_version).collect())
}

/// The app's own kinds that are not built in, as the cluster serves them. What the revision before found is taken
/// where its version is still served.
async fn kinds(
    cluster: &Cluster,
    app: &App,
    apis: &BTreeSet<String>,
    previous: Option<&KubernetesFacts>,
) -> Result<BTreeMap<String, ServedKind>> {
    let mut found = BTreeMap::new();
    for word in foreign_words(app) {
        let before = previous.and_then(|facts| facts.kinds.get(&word));
        if let Some(kind) = before.filter(|kind| apis.contains(&kind.api_version)) {
            found.insert(word, kind.clone());
            continue;
        }
        let served = cluster.served().await?;
        if let Some((_, kind)) = served.iter().find(|(known, _)| *known == word) {
            found.insert(word, kind.clone());
        }
    }
    Ok(found)
}

/// The words for the kinds of the app's own documents that are neither built in nor defined by the app itself.
fn foreign_words(app: &App) -> BTreeSet<String> {
    let manifests =
        || app.natives.values().filter(|native| native.platform == NAME).map(|native| &native.manifest);
    let text = |value: &Value, at: &str| value.pointer(at).and_then(Value::as_str).map(ToOwned::to_owned);
    let defined: BTreeSet<(String, String)> = manifests()
        .filter_map(|crd| Some((text(crd, "/spec/group")?, text(crd, "/spec/names/kind")?)))
        .collect();
    let used =
        manifests().filter_map(|document| Some((text(document, "/apiVersion")?, text(document, "/kind")?)));
    let foreign = used.filter(|(api_version, kind)| {
        Kind::of_document(api_version, kind).is_none()
            && !defined.contains(&(group_of(api_version).to_owned(), kind.clone()))
    });
    foreign.map(|(api_version, kind)| word(&api_version, &kind)).collect()
}

/// The classes of a kind and which of them is the default; none when they are not needed or may not be listed.
async fn classes(cluster: &Cluster, kind: &str, is_needed: bool) -> Result<Option<Classes>> {
    let Some(kind) = Kind::of_word(kind).filter(|_| is_needed) else { return Ok(None) };
    let resource = Resource::known(kind);
    let call = Call::get(format!("list the {}", kind.plural), resource.collection(""));
    let (mut classes, everything) = (Classes::default(), Selection::default());
    let taken = cluster.list_metadata(call, &everything, |page| {
        for class in &page {
            let Some(name) = class.pointer("/metadata/name").and_then(Value::as_str) else { continue };
            let annotations = class.pointer("/metadata/annotations");
            let says = |key: &str| annotations?.get(key)?.as_str();
            let is_default = DEFAULTS.iter().any(|key| says(key) == Some("true"));
            if is_default {
                classes.default = Some(name.to_owned());
            }
            classes.names.insert(name.to_owned());
        }
    });
    match taken.await {
        Ok(()) => Ok(Some(classes)),
        Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The annotations by which a class says that it is the default.
const DEFAULTS: [&str; 3] = [
    "ingressclass.kubernetes.io/is-default-class",
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];

/// What a release needs to be allowed, as resource and verb.
const RIGHTS: [(&str, &str, &str); 9] = [
    ("", "secrets", "create"),
    ("", "secrets", "list"),
    ("", "configmaps", "patch"),
    ("", "services", "patch"),
    ("apps", "deployments", "create"),
    ("apps", "deployments", "patch"),
    ("apps", "deployments", "list"),
    ("apps", "deployments", "delete"),
    ("", "pods", "list"),
];

/// Asks the cluster what it is, and what we may do in a namespace of it.
///
/// # Errors
/// What the API server answers to the first call.
pub(crate) async fn verify(cluster: &Cluster, namespace: &str) -> Result<Vec<Finding>> {
    let version = version(cluster).await?;
    let (user, nodes, exists, missing) = tokio::join!(
        user(cluster),
        nodes(cluster),
        namespace_exists(cluster, namespace),
        missing_rights(cluster, namespace)
    );
    let missing = missing?;
    let mut findings = vec![
        Finding::good("cluster", cluster.endpoint()?),
        Finding::good("version", version).bears_on_measurements(),
    ];
    findings.push(match exists {
        Some(true) => Finding::good("namespace", namespace),
        Some(false) => Finding::good(
            "namespace",
            format!("{namespace} (it is not there yet; --create-namespace makes it)"),
        ),
        None => Finding::good("namespace", format!("{namespace} (we may not know whether it is there)")),
    });
    findings.extend(user.map(|user| Finding::good("user", user)));
    findings.extend(nodes.map(|nodes| Finding::good("nodes", nodes.to_string()).bears_on_measurements()));
    if !missing.is_empty() {
        let remedy = format!("a Role with them in {namespace}, bound to whoever calls");
        findings.push(Finding::bad("rights that are missing", missing.join(", ")).remedy(remedy));
    }
    Ok(findings)
}

async fn user(cluster: &Cluster) -> Option<String> {
    let body = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
    let call = Call::post("ask who we are", "/apis/authentication.k8s.io/v1/selfsubjectreviews", &body);
    let review: Value = cluster.json(call).await.ok()?;
    review.pointer("/status/userInfo/username").and_then(Value::as_str).map(ToOwned::to_owned)
}

async fn nodes(cluster: &Cluster) -> Option<usize> {
    let mut count = 0;
    let call = Call::get("list the nodes", "/api/v1/nodes");
    cluster.list_metadata(call, &Selection::default(), |page| count += page.len()).await.ok()?;
    Some(count)
}

async fn namespace_exists(cluster: &Cluster, namespace: &str) -> Option<bool> {
    let call = Call::get("read the namespace", format!("/api/v1/namespaces/{namespace}"));
    cluster.find::<Value>(call.metadata_only()).await.ok().map(|found| found.is_some())
}

async fn missing_rights(cluster: &Cluster, namespace: &str) -> Result<Vec<String>> {
    let asked = RIGHTS.iter().map(|(group, resource, verb)| async move {
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": { "group": group, "resource": resource, "verb": verb, "namespace": namespace } },
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let review: Value = cluster.json(Call::post("ask what we may do", path, &body)).await?;
        let is_allowed = review.pointer("/status/allowed").and_then(Value::as_bool) == Some(true);
        let what = if group.is_empty() { (*resource).to_owned() } else { format!("{resource}.{group}") };
        Ok((!is_allowed).then(|| format!("{verb} {what}")))
    });
    let answers = futures_util::future::join_all(asked).await;
    answers.into_iter().filter_map(Result::transpose).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_kinds_that_nobody_here_knows_are_asked_for() {
        let native = |manifest: Value| json!({ "platform": "kubernetes", "manifest": manifest });
        let app: App = serde_json::from_value(json!({ "natives": {
            "a": native(json!({ "apiVersion": "v1", "kind": "ConfigMap" })),
            "b": native(json!({ "apiVersion": "cert-manager.io/v1", "kind": "Certificate" })),
            "c": native(json!({ "apiVersion": "example.com/v1", "kind": "Widget" })),
            "d": native(json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "spec": { "group": "example.com", "names": { "kind": "Widget" } } })),
        } }))
        .unwrap();
        assert_eq!(foreign_words(&app), ["certificate.cert-manager.io".to_owned()].into());
    }
}
