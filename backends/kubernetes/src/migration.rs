//! What it takes for a release to leave a cluster or come to it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Pod;
use rhumb_backend::material::Demand;
use rhumb_backend::{
    AtRest, Error, ErrorKind, Live, Material, Object, Removed, Result, Retry, Scope, Shown, VolumeUse,
};
use serde_json::{Map, Value, json};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::connect::{Call, Cluster, Selection};
use crate::names;
use crate::pods::PodView as _;

/// A label that no node has, by which the pods of a daemon set go nowhere while it is still there.
const NOWHERE: &str = "rhumb.dev/at-rest";

/// A workload without replicas, a schedule that starts nothing, a daemon set without nodes. What scales by itself is left out.
pub(crate) fn at_rest(object: &Object) -> AtRest {
    let mut body = object.body.clone();
    match object.id.kind() {
        "deployment" | "statefulset" | "replicaset" => body["spec"]["replicas"] = 0.into(),
        "cronjob" => body["spec"]["suspend"] = true.into(),
        "daemonset" => body["spec"]["template"]["spec"]["nodeSelector"] = json!({ NOWHERE: "true" }),
        "job" | "pod" | "horizontalpodautoscaler" | "scaledobject" => return AtRest::LeftOut,
        _ => return AtRest::Same,
    }
    AtRest::Body(body)
}

/// The pods that have not ended, those that are on their way out among them.
pub(crate) async fn running(cluster: &Cluster, scope: &Scope) -> Result<Vec<String>> {
    let selection = Selection { labels: names::release_selector(scope), ..Selection::default() };
    let call = Call::get("list the pods", format!("/api/v1/namespaces/{}/pods", scope.namespace));
    let found = cluster.list(call, &selection).await?;
    let pods = found.into_iter().filter_map(|pod| serde_json::from_value::<Pod>(pod).ok());
    let line = |pod: Pod| format!("{} is {}", pod.name(), crate::pods::word(&pod));
    Ok(pods.filter(|pod| !pod.has_ended()).map(line).collect())
}

/// Reads the Secrets of a release.
pub(crate) async fn secrets(cluster: &Cluster, scope: &Scope, secrets: &[(&Object, &Live)]) -> Result<Shown> {
    let mut found = Vec::new();
    for (object, live) in secrets {
        let wanted = object.body.get("data").and_then(Value::as_object);
        let Some((name, wanted)) = live.outputs.get("name").zip(wanted) else { continue };
        let path = format!("/api/v1/namespaces/{}/secrets/{name}", scope.namespace);
        let data = cluster.find::<Secret>(Call::get("read the secret", path)).await?.unwrap_or_default().data;
        for (key, demand) in wanted.iter().filter_map(|(key, value)| Some((key, Demand::parse(value)?))) {
            found.push((demand, material(name, key, &data)?));
        }
    }
    Ok(Shown::Material(found))
}

#[derive(Default, serde::Deserialize)]
struct Secret {
    #[serde(default)]
    data: BTreeMap<String, Encoded>,
}

#[derive(serde::Deserialize, Zeroize, ZeroizeOnDrop)]
#[serde(transparent)]
struct Encoded(String);

fn material(name: &str, key: &str, data: &BTreeMap<String, Encoded>) -> Result<Material> {
    let wrong = |kind: ErrorKind, what: &str| {
        Error::new(kind, "read the secret", what).with("secret", name).with("key", key)
    };
    let encoded =
        data.get(key).ok_or_else(|| wrong(ErrorKind::NotFound, "it does not hold this key any more"))?;
    let bytes = STANDARD.decode(encoded.0.as_bytes());
    Ok(Material::new(bytes.map_err(|_| wrong(ErrorKind::Platform, "what it holds is no base64"))?))
}

fn claim(scope: &Scope, volume: &VolumeUse) -> String {
    format!("/api/v1/namespaces/{}/persistentvolumeclaims/{}", scope.namespace, volume.native)
}

/// Whether a claim is there.
pub(crate) async fn has_volume(cluster: &Cluster, scope: &Scope, volume: &VolumeUse) -> Result<Option<bool>> {
    let call = Call::get("read the claim", claim(scope, volume));
    Ok(Some(cluster.find::<Map<String, Value>>(call).await?.is_some()))
}

/// Removes a claim, and with it what its storage class removes. A claim in use goes once its last pod is gone.
pub(crate) async fn remove_volume(cluster: &Cluster, scope: &Scope, volume: &VolumeUse) -> Result<Removed> {
    let path = claim(scope, volume);
    let options = json!({ "apiVersion": "v1", "kind": "DeleteOptions" });
    match cluster.json::<Value>(Call::delete("remove the claim", &path, &options)).await {
        Err(error) if error.kind == ErrorKind::NotFound => return Ok(Removed::Gone),
        other => drop(other?),
    }
    if cluster.find::<Map<String, Value>>(Call::get("read the claim", &path)).await?.is_none() {
        return Ok(Removed::Gone);
    }
    Err(Error::new(ErrorKind::Conflict, "remove the claim", "it is still on its way out")
        .with("claim", &volume.native)
        .retry(Retry::Same))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(id: &str, body: &Value, expected: &AtRest) {
        assert_eq!(&at_rest(&Object::new(id.into(), body.clone())), expected);
    }

    #[test]
    fn workloads_at_rest_run_nothing_and_stay() {
        let rests = |body: Value| AtRest::Body(body);
        check(
            "statefulset/db",
            &json!({ "spec": { "replicas": 3 } }),
            &rests(json!({ "spec": { "replicas": 0 } })),
        );
        check("deployment/web", &json!({ "spec": {} }), &rests(json!({ "spec": { "replicas": 0 } })));
        check("cronjob/tidy", &json!({ "spec": {} }), &rests(json!({ "spec": { "suspend": true } })));
        let daemon = json!({ "spec": { "template": { "spec": {} } } });
        let nowhere = json!({ "spec": { "template": { "spec": { "nodeSelector": { NOWHERE: "true" } } } } });
        check("daemonset/agent", &daemon, &rests(nowhere));
        check("horizontalpodautoscaler/web", &json!({}), &AtRest::LeftOut);
        check("job/setup", &json!({}), &AtRest::LeftOut);
        check("secret/db", &json!({}), &AtRest::Same);
    }

    #[test]
    fn a_key_that_is_gone_is_told() {
        let data = [("a".to_owned(), Encoded("Yg==".to_owned()))].into();
        assert_eq!(material("db", "a", &data).unwrap().expose(), b"b");
        assert_eq!(material("db", "c", &data).unwrap_err().kind, ErrorKind::NotFound);
    }
}
