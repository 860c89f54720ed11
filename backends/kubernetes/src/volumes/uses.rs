//! Which claims workloads have, and where these can be mounted.

use std::collections::BTreeMap;

use rhumb_backend::{Object, Result, Scope, VolumeUse, Whose};
use rhumb_spec::Bytes;
use serde_json::{Map, Value, json};

use crate::connect::{Call, Cluster, Selection};
use crate::kind::Kind;
use crate::names;
use crate::resource::Resource;

/// The kinds of what mounts claims for longer than a run.
const MOUNTING: [&str; 3] = ["deployment", "statefulset", "daemonset"];
const CLAIM: &str = "persistentvolumeclaim";

/// The claims that documents ask for: those of pods by the claims that are among the documents, and those that stateful sets make
/// for their replicas.
pub(crate) fn wanted(scope: &Scope, objects: &[Object]) -> Vec<VolumeUse> {
    let claims: BTreeMap<&str, &Value> = of(objects, CLAIM)
        .filter_map(|body| Some((body.pointer("/metadata/name")?.as_str()?, body)))
        .collect();
    let mounting: Vec<&Value> = MOUNTING.iter().flat_map(|word| of(objects, word)).collect();
    let mut found: Vec<VolumeUse> = mounting.iter().flat_map(|body| uses(scope, body)).collect();
    for one in &mut found {
        if let Some(claim) = claims.get(one.native.as_str()) {
            one.document = (*claim).clone();
        }
        one.size = requested(&one.document);
    }
    found.sort_by(|left, right| {
        (&left.workload, left.ordinal, &left.native).cmp(&(&right.workload, right.ordinal, &right.native))
    });
    found.dedup();
    found
}

fn of<'a>(objects: &'a [Object], word: &'a str) -> impl Iterator<Item = &'a Value> {
    objects.iter().filter(move |object| object.id.kind() == word).map(|object| &object.body)
}

/// The claims of workloads that are there, and the nodes of the pods that have them mounted.
pub(crate) async fn volumes(cluster: &Cluster, scope: &Scope, whose: &Whose) -> Result<Vec<VolumeUse>> {
    let labels = match whose {
        Whose::Release => names::release_selector(scope),
        Whose::Others { selector } => selector.clone().unwrap_or_default(),
    };
    let selection = Selection { labels, ..Selection::default() };
    let mut found = Vec::new();
    for kind in MOUNTING {
        for body in list(cluster, scope, kind, &selection).await? {
            found.extend(uses(scope, &body));
        }
    }
    let claims = by_name(list(cluster, scope, CLAIM, &Selection::default()).await?);
    let nodes = nodes(&list(cluster, scope, "pod", &Selection::default()).await?);
    found.retain(|one| claims.contains_key(&one.native));
    for one in &mut found {
        let Some(claim) = claims.get(&one.native) else { continue };
        one.node = nodes.get(&one.native).cloned();
        one.size = capacity(claim).or_else(|| requested(claim));
        one.document = json!({});
    }
    Ok(found)
}

async fn list(cluster: &Cluster, scope: &Scope, word: &str, selection: &Selection) -> Result<Vec<Value>> {
    let Some(kind) = Kind::of_word(word) else { return Ok(Vec::new()) };
    let call = Call::get(format!("list the {}", kind.plural), Resource::of(kind).path(&scope.namespace));
    cluster.list(call, selection).await
}

fn by_name(objects: Vec<Value>) -> BTreeMap<String, Value> {
    let name = |object: &Value| object.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned);
    objects.into_iter().filter_map(|object| Some((name(&object)?, object))).collect()
}

/// The node of a pod that has a claim mounted: a volume of one node at a time can be mounted there and nowhere else.
fn nodes(pods: &[Value]) -> BTreeMap<String, String> {
    let runs = |pod: &Value| {
        !matches!(pod.pointer("/status/phase").and_then(Value::as_str), Some("Succeeded" | "Failed"))
    };
    let mut nodes = BTreeMap::new();
    for pod in pods.iter().filter(|pod| runs(pod)) {
        let Some(node) = pod.pointer("/spec/nodeName").and_then(Value::as_str) else { continue };
        for claim in claims_of(pod.pointer("/spec/volumes")) {
            nodes.entry(claim.to_owned()).or_insert_with(|| node.to_owned());
        }
    }
    nodes
}

fn claims_of(volumes: Option<&Value>) -> impl Iterator<Item = &str> {
    let volumes = volumes.and_then(Value::as_array).into_iter().flatten();
    volumes.filter_map(|volume| volume.pointer("/persistentVolumeClaim/claimName")?.as_str())
}

/// The claims of one workload.
fn uses(scope: &Scope, body: &Value) -> Vec<VolumeUse> {
    let Some(name) = body.pointer("/metadata/name").and_then(Value::as_str) else { return Vec::new() };
    let label = body.pointer("/metadata/labels").and_then(|labels| labels.get(names::NAME)?.as_str());
    let plain = claims_of(body.pointer("/spec/template/spec/volumes")).map(|claim| VolumeUse {
        workload: label.unwrap_or(name).to_owned(),
        volume: claim.to_owned(),
        ordinal: None,
        native: claim.to_owned(),
        node: None,
        placement: placement(body),
        size: None,
        document: json!({}),
    });
    plain.chain(templated(scope, (name, label.unwrap_or(name)), body)).collect()
}

/// The claims that a stateful set makes, one for each replica.
///
/// Source: kubernetes, `pkg/controller/statefulset/stateful_set_utils.go`, `getPersistentVolumeClaims`: the claim bears the
/// labels of the template and, over them, those that the set selects by.
fn templated(scope: &Scope, (set, workload): (&str, &str), body: &Value) -> Vec<VolumeUse> {
    let number = |pointer: &str| {
        body.pointer(pointer).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok())
    };
    let (replicas, first) =
        (number("/spec/replicas").unwrap_or(1), number("/spec/ordinals/start").unwrap_or(0));
    let templates = body.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array);
    let mut found = Vec::new();
    for template in templates.into_iter().flatten() {
        let Some(volume) = template.pointer("/metadata/name").and_then(Value::as_str) else { continue };
        for ordinal in first..first.saturating_add(replicas) {
            let native = format!("{volume}-{set}-{ordinal}");
            found.push(VolumeUse {
                workload: workload.to_owned(),
                volume: volume.to_owned(),
                ordinal: Some(ordinal),
                document: claim(scope, &native, template, body),
                native,
                node: None,
                placement: placement(body),
                size: None,
            });
        }
    }
    found
}

/// What a workload's pods ask of a node.
fn placement(body: &Value) -> Value {
    let at = |pointer: &str| body.pointer(pointer).cloned();
    let found = [
        ("nodeSelector", at("/spec/template/spec/nodeSelector")),
        ("tolerations", at("/spec/template/spec/tolerations")),
        (
            "affinity",
            at("/spec/template/spec/affinity/nodeAffinity")
                .map(|affinity| json!({ "nodeAffinity": affinity })),
        ),
    ];
    let given = found.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(given.collect())
}

fn claim(scope: &Scope, native: &str, template: &Value, set: &Value) -> Value {
    let map = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_default();
    let mut labels: Map<String, Value> = map(template.pointer("/metadata/labels"));
    labels.extend(map(set.pointer("/spec/selector/matchLabels")));
    let mut metadata = json!({ "name": native, "namespace": scope.namespace, "labels": labels });
    let annotations = map(template.pointer("/metadata/annotations"));
    if !annotations.is_empty() {
        metadata["annotations"] = annotations.into();
    }
    json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": template["spec"] })
}

fn requested(claim: &Value) -> Option<Bytes> {
    claim.pointer("/spec/resources/requests/storage")?.as_str()?.parse().ok()
}

fn capacity(claim: &Value) -> Option<Bytes> {
    claim.pointer("/status/capacity/storage")?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(replicas: u32) -> Object {
        let labels = json!({ names::NAME: "db", names::INSTANCE: "shop" });
        let body = json!({
            "kind": "StatefulSet",
            "metadata": { "name": "db", "labels": labels },
            "spec": {
                "replicas": replicas,
                "selector": { "matchLabels": labels },
                "volumeClaimTemplates": [{ "metadata": { "name": "data" }, "spec": {
                    "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "2Gi" } },
                } }],
                "template": { "spec": {
                    "tolerations": [{ "key": "disk" }], "affinity": { "podAffinity": {}, "nodeAffinity": { "a": 1 } }, "volumes": [{ "name": "shared", "persistentVolumeClaim": { "claimName": "shared" } }] } },
            },
        });
        Object::new("statefulset/db".into(), body)
    }

    #[test]
    fn every_replica_has_the_claim_that_its_set_would_make() {
        let claim = json!({ "metadata": { "name": "shared" }, "spec": { "resources": { "requests": { "storage": "1Gi" } } } });
        let objects = [set(2), Object::new("persistentvolumeclaim/shared".into(), claim.clone())];
        let found = wanted(&Scope::new("prod", "shop"), &objects);
        let told: Vec<_> = found
            .iter()
            .map(|one| (one.native.as_str(), one.volume.as_str(), one.ordinal, one.size.map(|size| size.0)))
            .collect();
        assert_eq!(
            told,
            [
                ("shared", "shared", None, Some(1 << 30)),
                ("data-db-0", "data", Some(0), Some(2 << 30)),
                ("data-db-1", "data", Some(1), Some(2 << 30)),
            ]
        );
        assert_eq!(found[0].document, claim);
        let asked = json!({ "tolerations": [{ "key": "disk" }], "affinity": { "nodeAffinity": { "a": 1 } } });
        assert!(found.iter().all(|one| one.placement == asked), "{found:?}");
        insta::assert_json_snapshot!(found[1].document);
    }

    #[test]
    fn pods_that_live_say_where_a_claim_is() {
        let pod = |phase: &str, node: &str| {
            json!({ "status": { "phase": phase }, "spec": { "nodeName": node, "volumes": [
                { "name": "a", "persistentVolumeClaim": { "claimName": "data" } }, { "name": "b", "emptyDir": {} },
            ] } })
        };
        let found = nodes(&[pod("Succeeded", "old"), pod("Running", "new"), json!({ "spec": {} })]);
        assert_eq!(found, [("data".to_owned(), "new".to_owned())].into());
    }
}
