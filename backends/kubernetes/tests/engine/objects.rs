//! Objects that come, change and go.

use rhumb_backend::{Action, Backend, Cause, Live};
use serde_json::{Value, json};

use crate::lab::{Lab, causes, deployment, steps};

const IMAGE: &str = "spec.template.spec.containers.web.image";

fn many() -> Vec<Value> {
    let meta = |name: &str| json!({ "name": name });
    vec![
        deployment("web", "a:1"),
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": meta("web"), "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80, "name": "http" }] } }),
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("conf"), "data": { "a": "1", "empty": "" } }),
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": meta("db"), "type": "Opaque", "data": { "key": { "$material": { "sealed": "1" } } } }),
        json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta("data"), "spec": { "storageClassName": "", "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "0.5Gi" } } } }),
        json!({ "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta("wall"), "spec": { "podSelector": {}, "ingress": [{ "ports": [{ "port": 80 }] }] } }),
        json!({ "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": meta("web"), "spec": { "rules": [{ "host": "a.example", "http": { "paths": [{ "path": "/", "pathType": "Prefix", "backend": { "service": { "name": "web", "port": { "number": 80 } } } }] } }] } }),
        json!({ "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": meta("web"), "spec": { "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" }, "maxReplicas": 3,
            "metrics": [{ "type": "Pods", "pods": { "metric": { "name": "x" }, "target": { "type": "AverageValue", "averageValue": "1500m" } } }] } }),
        json!({ "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": meta("web"), "spec": { "maxUnavailable": 0, "selector": { "matchLabels": { "app": "web" } } } }),
        json!({ "apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta("tick"), "spec": { "suspend": true, "schedule": "@daily", "jobTemplate": { "spec": { "template": { "spec": { "restartPolicy": "Never", "containers": [{ "name": "tick", "image": "a:1" }] } } } } } }),
        json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta("db"), "spec": { "replicas": 0, "serviceName": "db", "selector": { "matchLabels": { "app": "db" } },
            "template": { "metadata": { "labels": { "app": "db" } }, "spec": { "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": false, "tolerations": [{ "key": "a", "operator": "Exists" }],
                "volumes": [{ "name": "all", "projected": { "sources": [{ "configMap": { "name": "conf" } }, { "downwardAPI": { "items": [{ "path": "n", "fieldRef": { "fieldPath": "metadata.name" } }] } }] } }, { "name": "tmp", "emptyDir": { "sizeLimit": "0.5Gi" } }],
                "containers": [{ "name": "db", "image": "a:1", "env": [{ "name": "EMPTY", "value": "" }], "securityContext": { "runAsUser": 0, "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
                    "livenessProbe": { "httpGet": { "path": "/", "port": "http" }, "initialDelaySeconds": 0 } }] } },
            "volumeClaimTemplates": [{ "metadata": { "name": "data" }, "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1024Mi" } } } }] } }),
        json!({ "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta("each"), "spec": { "selector": { "matchLabels": { "app": "each" } }, "updateStrategy": { "rollingUpdate": { "maxSurge": 0, "maxUnavailable": "10%" } },
            "template": { "metadata": { "labels": { "app": "each" } }, "spec": { "hostNetwork": false, "nodeSelector": { "no": "where" }, "containers": [{ "name": "a", "image": "a:1", "tty": false }] } } } }),
        json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": meta("once"), "spec": { "suspend": true, "backoffLimit": 0, "ttlSecondsAfterFinished": 0, "template": { "spec": { "restartPolicy": "Never", "containers": [{ "name": "a", "image": "a:1" }] } } } }),
        json!({ "apiVersion": "v1", "kind": "LimitRange", "metadata": meta("some"), "spec": { "limits": [{ "type": "Container", "default": { "cpu": "0.5" }, "max": { "memory": "1024Mi" } }] } }),
        json!({ "apiVersion": "v1", "kind": "Service", "metadata": meta("headless"), "spec": { "clusterIP": "None", "publishNotReadyAddresses": false, "ports": [{ "port": 53, "protocol": "UDP", "name": "dns" }, { "port": 53, "protocol": "TCP", "name": "dns-tcp" }] } }),
        json!({ "apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("robot") }),
        json!({ "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta("robot"), "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] }] }),
        json!({ "apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta("some"), "spec": { "hard": { "requests.cpu": "1000m", "pods": 5 } } }),
    ]
}

#[tokio::test]
async fn what_is_applied_is_as_wanted_and_goes_again() {
    let Some(mut lab) = Lab::open("io-objects").await else { return };
    let want: Vec<_> = many().into_iter().map(|body| lab.object(body)).collect();
    let receipts = lab.reach(&want).await.unwrap();
    assert_eq!(receipts.len(), want.len());
    let web = receipts.iter().find(|receipt| receipt.id.as_str() == "deployment/web").unwrap();
    assert_eq!(web.rollout["generation"], 1);
    assert!(web.rollout["uid"].is_string());

    // Of a Secret nothing but the metadata is read.
    let observed = lab.observe(&want).await;
    let secret = observed.objects.iter().find(|live| live.object.id.as_str() == "secret/db").unwrap();
    assert!(secret.object.body.get("data").is_none() && secret.object.sensitive);
    assert_eq!(lab.kubectl(&["get", "secret", "db", "-o", "jsonpath={.data.key}"]), "Y2FuYXJ5LTE=");

    // What is not wanted any more goes; so does a field that is not.
    let mut fewer = want.clone();
    fewer.retain(|object| object.id.kind() != "ingress" && object.id.kind() != "horizontalpodautoscaler");
    let conf = fewer.iter_mut().find(|object| object.id.kind() == "configmap").unwrap();
    conf.body["data"].as_object_mut().unwrap().shift_remove("a");
    lab.reach(&fewer).await.unwrap();
    assert_eq!(lab.kubectl(&["get", "configmap", "conf", "-o", "jsonpath={.data}"]), r#"{"empty":""}"#);
    lab.kubectl(&["wait", "--for=delete", "ingress/web", "--timeout=10s"]);
    lab.reach(&[]).await.unwrap();
    lab.close();
}

#[tokio::test]
async fn a_secret_keeps_what_it_holds_when_nobody_has_it_any_more() {
    let Some(mut lab) = Lab::open("io-secret").await else { return };
    let secret = |sealed: &str, label: &str| {
        json!({ "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": { "name": "db", "labels": { "x": label }, "annotations": { "rhumb.dev/content": "1" } },
        "data": { "key": { "$material": { "sealed": sealed } } } })
    };
    let first = lab.object(secret("1", "a"));
    lab.reach(&[first]).await.unwrap();
    let second = lab.object(secret("lost", "b"));
    lab.last = vec![lab.object(secret("lost", "a"))];
    lab.reach(&[second]).await.unwrap();
    let told = lab.kubectl(&["get", "secret", "db", "-o", "jsonpath={.data.key} {.metadata.labels.x}"]);
    assert_eq!(told, "Y2FuYXJ5LTE= b");
    lab.close();
}

#[tokio::test]
async fn what_is_made_anew_waits_until_the_old_one_is_gone() {
    let Some(mut lab) = Lab::open("io-replace").await else { return };
    let web = lab.object(deployment("web", "a:1"));
    lab.reach(std::slice::from_ref(&web)).await.unwrap();
    let before = lab.kubectl(&["get", "deployment", "web", "-o", "jsonpath={.metadata.uid}"]);
    let mut other = deployment("web", "a:1");
    other["spec"]["selector"]["matchLabels"]["app"] = "other".into();
    other["spec"]["template"]["metadata"]["labels"]["app"] = "other".into();
    let other = lab.object(other);
    lab.options.replace = [other.id.clone()].into();
    let plan = lab.plan(std::slice::from_ref(&other)).await;
    assert_eq!(steps(&plan), ["Replace deployment/web"]);
    let made = lab.apply(&plan.steps[0]).await.unwrap();
    assert_ne!(made.rollout["uid"], before.as_str());
    // An answer that got lost: the same step again removes nothing.
    let again = lab.apply(&plan.steps[0]).await.unwrap();
    assert_eq!(again.rollout["uid"], made.rollout["uid"]);

    // What is being deleted is not there, and what is made in its place waits for it.
    lab.last = vec![other.clone()];
    lab.kubectl(&[
        "patch",
        "deployment",
        "web",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":["example.com/wait"]}}"#,
    ]);
    lab.kubectl(&["delete", "deployment", "web", "--wait=false"]);
    let plan = lab.plan(std::slice::from_ref(&other)).await;
    assert_eq!(plan.steps[0].action, Action::Create);
    let error = lab.kubernetes.apply(&lab.scope, &plan.steps[0], &lab).await.unwrap_err();
    assert!(error.message.contains("still being deleted"), "{error}");
    lab.kubectl(&["patch", "deployment", "web", "--type=merge", "-p", r#"{"metadata":{"finalizers":null}}"#]);
    let anew = lab.apply(&plan.steps[0]).await.unwrap();
    assert_ne!(anew.rollout["uid"], made.rollout["uid"]);
    lab.close();
}

#[tokio::test]
async fn custom_resources_follow_their_definition() {
    let Some(mut lab) = Lab::open("io-custom").await else { return };
    let crd = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "widgets.io-custom.example.com", "annotations": { "rhumb.dev/release-namespace": "io-custom" } },
        "spec": { "group": "io-custom.example.com", "scope": "Namespaced", "names": { "plural": "widgets", "kind": "Widget" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": { "type": "object", "properties": { "spec": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } } } } }] },
    });
    let mut crd = lab.object(crd);
    crd.body["metadata"].as_object_mut().unwrap().shift_remove("namespace");
    let widget = lab.object(json!({ "apiVersion": "io-custom.example.com/v1", "kind": "Widget", "metadata": { "name": "w" }, "spec": { "size": 3 } }));
    assert_eq!(widget.id.as_str(), "widget.io-custom.example.com/w");
    lab.reach(&[crd, widget]).await.unwrap();
    assert_eq!(lab.kubectl(&["get", "widget", "w", "-o", "jsonpath={.spec.size}"]), "3");
    lab.reach(&[]).await.unwrap();
    lab.close();
}

#[tokio::test]
async fn drift_is_told_put_back_and_told_from_what_others_may_set() {
    let Some(mut lab) = Lab::open("io-drift").await else { return };
    let web = lab.object(deployment("web", "a:1"));
    lab.reach(std::slice::from_ref(&web)).await.unwrap();
    lab.kubectl(&["set", "image", "deployment/web", "web=a:9"]);
    lab.kubectl(&["annotate", "deployment", "web", "theirs=x"]);
    lab.kubectl(&["scale", "deployment", "web", "--replicas=0"]);
    let plan = lab.plan(std::slice::from_ref(&web)).await;
    assert_eq!(causes(&plan), [(IMAGE.to_owned(), Cause::Drift)]);
    lab.reach(std::slice::from_ref(&web)).await.unwrap();
    let told = "jsonpath={.spec.template.spec.containers[0].image} {.metadata.annotations.theirs}";
    assert_eq!(lab.kubectl(&["get", "deployment", "web", "-o", told]), "a:1 x");
    assert!(lab.observe(&[]).await.objects.iter().all(|live: &Live| live.foreign.is_none()));
    lab.close();
}
