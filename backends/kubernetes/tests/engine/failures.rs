//! What a cluster refuses, and how clearly that is told.

use rhumb_backend::{Backend, ErrorKind, Retry};
use serde_json::{Value, json};

use crate::lab::{Lab, deployment};

fn config(name: &str) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": { "a": "1" } })
}

#[tokio::test]
async fn a_right_that_is_missing_is_named() {
    let Some(mut lab) = Lab::open("io-rights").await else { return };
    let folder = tempfile::tempdir().unwrap();
    let everything = ["get", "list", "create", "patch", "delete"];
    let rules = json!([
        { "apiGroups": [""], "resources": ["configmaps"], "verbs": everything },
        { "apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list"] },
    ]);
    lab.kubernetes = lab.with_rules(&rules, &folder);
    // Kinds that may not be listed are no obstacle where nothing of them is wanted.
    let want = [lab.object(config("a"))];
    lab.reach(&want).await.unwrap();
    let error = lab.refusal(&[lab.object(config("a")), lab.object(deployment("web", "a:1"))]).await;
    assert_eq!((error.kind, error.retry), (ErrorKind::Forbidden, Retry::Never));
    let remedy = error.remedy.unwrap();
    assert!(
        remedy.contains("a Role in the namespace io-rights with verbs [patch] on deployments.apps"),
        "{remedy}"
    );
    let service = lab.object(json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" } }));
    let observed = lab.observe(std::slice::from_ref(&service)).await;
    let why = &observed.unreadable[&service.id];
    assert!(why.contains("verbs [get] on services"), "{why}");
    lab.close();
}

#[tokio::test]
async fn a_quota_is_told_and_not_tried_again() {
    let Some(lab) = Lab::open("io-quota").await else { return };
    lab.kubectl(&["create", "quota", "small", "--hard=count/services=0"]);
    lab.kubectl(&["wait", "quota/small", "--for=jsonpath={.status.hard}", "--timeout=20s"]);
    let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" }, "spec": { "ports": [{ "port": 80 }] } });
    let error = lab.refusal(&[lab.object(service)]).await;
    assert_eq!((error.kind, error.retry), (ErrorKind::LimitExceeded, Retry::Never), "{error}");
    assert!(error.message.contains("exceeded quota: small"), "{error}");
    lab.close();
}

#[tokio::test]
async fn what_is_invalid_is_told_with_its_fields() {
    let Some(lab) = Lab::open("io-invalid").await else { return };
    let mut wrong = deployment("web", "a:1");
    wrong["spec"]["replicas"] = (-1).into();
    let error = lab.refusal(&[lab.object(wrong)]).await;
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.starts_with("spec.replicas: Invalid value"), "{error}");
    let mut odd = deployment("web", "a:1");
    odd["spec"]["replicaz"] = 1.into();
    let error = lab.refusal(&[lab.object(odd)]).await;
    assert!(error.message.contains("replicaz"), "{error}");
    lab.close();
}

#[tokio::test]
async fn a_namespace_that_is_missing_or_going_is_told() {
    let Some(mut lab) = Lab::open("io-going").await else { return };
    lab.kubectl(&["create", "configmap", "stays"]);
    lab.kubectl(&[
        "patch",
        "configmap",
        "stays",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":["example.com/wait"]}}"#,
    ]);
    lab.kubectl(&["delete", "namespace", "io-going", "--wait=false"]);
    let error = lab.refusal(&[lab.object(config("a"))]).await;
    assert_eq!((error.kind, error.retry), (ErrorKind::Conflict, Retry::Never), "{error}");
    assert!(error.message.contains("the namespace io-going is being deleted"), "{error}");
    lab.kubectl(&[
        "patch",
        "configmap",
        "stays",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":null}}"#,
    ]);
    lab.close();
    lab.scope.namespace = "io-nowhere".to_owned();
    let error = lab.refusal(&[lab.object(config("a"))]).await;
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.remedy.unwrap().contains("--create-namespace"));
}

#[tokio::test]
async fn a_webhook_that_does_not_answer_and_a_policy_that_refuses_are_named() {
    let Some(lab) = Lab::open("io-webhook").await else { return };
    let only_here = json!({ "matchLabels": { "kubernetes.io/metadata.name": "io-webhook" } });
    let rule = json!([{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"] }]);
    let webhook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": { "name": "io-webhook" },
        "webhooks": [{ "name": "check.example.com", "admissionReviewVersions": ["v1"], "sideEffects": "None", "timeoutSeconds": 2,
            "clientConfig": { "url": "https://127.0.0.1:1/" }, "namespaceSelector": only_here, "rules": rule }],
    });
    lab.feed(&["apply", "-f", "-"], &webhook.to_string());
    let want = [lab.object(config("a"))];
    let plan = lab.plan(&want).await;
    // The API server hears of a new webhook a moment later; a dry run makes nothing.
    let mut told = String::new();
    for at in 0..50 {
        let mut step = plan.steps[0].clone();
        step.object.body["metadata"]["name"] = format!("a-{at}").into();
        match lab.kubernetes.apply(&lab.scope, &step, &lab).await {
            Ok(_) => tokio::time::sleep(std::time::Duration::from_millis(200)).await,
            Err(error) => {
                assert_eq!(error.retry, Retry::Same, "{error}");
                told = error.message;
                break;
            }
        }
    }
    lab.kubectl(&["delete", "validatingwebhookconfiguration", "io-webhook"]);
    assert!(told.contains("the admission webhook check.example.com does not answer"), "{told}");
    lab.close();
}

#[tokio::test]
async fn a_server_that_is_not_the_clusters_is_not_trusted_and_not_asked_again() {
    let Some(lab) = Lab::open("io-trust").await else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut config = lab.config();
    for cluster in config["clusters"].as_array_mut().unwrap() {
        cluster["cluster"].as_object_mut().unwrap().shift_remove("certificate-authority-data");
        cluster["cluster"].as_object_mut().unwrap().shift_remove("certificate-authority");
    }
    let stranger = Lab::with_config(&config, &folder);
    let error = stranger.verify("default").await.unwrap_err();
    assert_eq!((error.kind, error.retry), (ErrorKind::Unreachable, Retry::Never), "{error}");
    assert!(error.remedy.unwrap().contains("certificate-authority"));
    lab.close();
}
