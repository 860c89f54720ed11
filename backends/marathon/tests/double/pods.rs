//! Pods.

use rhumb_backend::{Action, Backend, Object, ObjectId, Runtime, State};
use rhumb_doubles::marathon::{Fate, Rule};
use serde_json::json;

use crate::lab::{lab, marks, step};

fn pod(image: &str, instances: u32) -> Object {
    let id = ObjectId::from("pod/web");
    let container = |name: &str, image: &str| {
        json!({
            "name": name,
            "resources": { "cpus": 0.1, "mem": 32 },
            "image": { "kind": "DOCKER", "id": image },
        })
    };
    let body = json!({
        "id": "/default/shop/web",
        "labels": marks("pod/web", "web"),
        "containers": [container("main", image), container("side", "side:1")],
        "networks": [{ "mode": "host" }],
        "scaling": { "kind": "fixed", "instances": instances },
    });
    Object { workload: Some("web".to_owned()), ..Object::new(id, body) }
}

#[tokio::test]
async fn a_pod_goes_its_way() {
    let lab = lab();
    let first = pod("nginx:1", 2);
    let receipt = lab.create(&first).await;
    assert!(receipt.rollout["deployment"].is_string(), "{:?}", receipt.rollout);
    lab.ready(&receipt).await;
    lab.is_as_wanted(&first).await;
    let second = pod("nginx:2", 2);
    let update = lab.update_step(&first, &second).await;
    lab.ready(&lab.apply(&update).await.unwrap()).await;
    lab.is_as_wanted(&second).await;

    let scaled = lab.marathon.scale(&lab.scope, "web", 3).await.unwrap();
    lab.ready(&scaled[0]).await;
    assert_eq!(
        lab.marathon
            .tasks(&lab.scope, Some("web"))
            .await
            .unwrap()
            .iter()
            .filter(|task| task.detail == "STABLE")
            .count(),
        3
    );
    let again = lab.marathon.restart(&lab.scope, "web").await.unwrap();
    lab.ready(&again[0]).await;

    let live = lab.live(&second).await.unwrap();
    lab.apply(&step(Action::Delete, &second, Some(&live))).await.unwrap();
    while !lab.marathon.leaving(&lab.scope, &[]).await.unwrap().is_empty() {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert!(lab.live(&second).await.is_none());
    lab.is_sound();
}

#[tokio::test]
async fn a_pod_whose_containers_fail_is_told() {
    let lab = lab();
    lab.double.tell(Rule::of("/default/shop/web", Fate::Exits { after_ms: 20, code: 5 }));
    let health = lab.settled(&lab.create(&pod("nginx:1", 1)).await).await;
    assert_eq!(health.state, State::Failed, "{health:?}");
    assert_eq!(health.failure.unwrap().exit_code, Some(5));
}
