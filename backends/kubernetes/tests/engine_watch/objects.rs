//! Objects that run nothing.

use rhumb_backend::State;
use serde_json::json;

use crate::lab::{Lab, of};

#[tokio::test]
async fn objects_that_run_nothing_are_ready_by_their_own_rules() {
    let Some(lab) = Lab::open("objects") else { return };
    let claim = json!({
        "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Mi" } },
    });
    let mut classless = claim.clone();
    classless["storageClassName"] = json!("");
    let port = json!([{ "port": 80 }]);
    let object = |api: &str, kind: &str, name: &str, spec: serde_json::Value| json!({ "apiVersion": api, "kind": kind, "metadata": lab.metadata(name), "spec": spec });
    let receipts = [
        lab.apply(&object("v1", "PersistentVolumeClaim", "data", claim)),
        lab.apply(&object("v1", "Service", "plain", json!({ "ports": port }))),
        lab.apply(&object(
            "policy/v1",
            "PodDisruptionBudget",
            "web",
            json!({ "minAvailable": 1, "selector": {} }),
        )),
        lab.apply(
            &json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": lab.metadata("c"), "data": {} }),
        ),
    ];
    let health = lab.wait(&receipts).await;
    for id in ["persistentvolumeclaim/data", "service/plain", "poddisruptionbudget/web", "configmap/c"] {
        assert_eq!(of(&health, id).state, State::Ready, "{health:#?}");
    }
    assert_eq!(of(&health, "persistentvolumeclaim/data").message, "bound");
    let waiting = [
        lab.apply(&object("v1", "PersistentVolumeClaim", "none", classless)),
        lab.apply(&object("v1", "Service", "public", json!({ "type": "LoadBalancer", "ports": port }))),
    ];
    let health = lab.look(&waiting).await;
    assert!(health.iter().all(|health| health.state == State::Progressing), "{health:#?}");
}

#[tokio::test]
async fn kinds_of_others_are_judged_by_their_conditions() {
    let Some(lab) = Lab::open("custom") else { return };
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "sails.watch.rhumb.test" },
        "spec": {
            "group": "watch.rhumb.test", "scope": "Namespaced",
            "names": { "kind": "Sail", "plural": "sails", "singular": "sail" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } } }],
        },
    });
    let health = lab.wait(&[lab.apply(&definition)]).await;
    assert_eq!((health[0].state, health[0].message.as_str()), (State::Ready, "served"));
    let sail =
        json!({ "apiVersion": "watch.rhumb.test/v1", "kind": "Sail", "metadata": lab.metadata("main") });
    let receipt = lab.apply(&sail);
    let silent = lab.wait(std::slice::from_ref(&receipt)).await;
    assert_eq!(silent[0].message, "is there", "nobody says anything of it");
    let say = |kind: &str, status: &str| {
        let status =
            json!({ "status": { "conditions": [{ "type": kind, "status": status, "reason": "Torn" }] } });
        let patch = status.to_string();
        let arguments = [
            "patch",
            "sail",
            "main",
            "-n",
            &lab.scope.namespace,
            "--subresource",
            "status",
            "--type",
            "merge",
            "-p",
            &patch,
        ];
        lab.kubectl(&arguments, None);
    };
    say("Ready", "False");
    let waiting = lab.look(std::slice::from_ref(&receipt)).await;
    assert_eq!((waiting[0].state, waiting[0].message.as_str()), (State::Progressing, "Torn"));
    say("Ready", "True");
    assert_eq!(lab.look(std::slice::from_ref(&receipt)).await[0].state, State::Ready);
    say("Stalled", "True");
    assert_eq!(lab.look(&[receipt]).await[0].state, State::Failed);
    lab.kubectl(&["delete", "crd", "sails.watch.rhumb.test"], None);
}
