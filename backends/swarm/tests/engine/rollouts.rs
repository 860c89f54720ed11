//! Rollouts that come to be ready.

use rhumb_backend::State;
use serde_json::{Value, json};

use crate::lab::{Lab, of, steps};

fn web(image: &str, greeting: &str, replicas: u32) -> Value {
    json!({
        "configs": { "web": { "data": { "greeting": greeting } } },
        "secrets": { "web": { "data": { "password": "sealed:web-1" } } },
        "workloads": { "web": {
            "replicas": replicas,
            "update": { "parallelism": 1, "order": "startFirst" },
            "containers": { "web": {
                "image": image,
                "ports": { "http": 8080 },
                "probes": { "ready": { "exec": ["/demo", "--check"], "period": "1s" } },
                "mounts": {
                    "/etc/web/greeting": { "config": "web", "key": "greeting" },
                    "/run/secrets/password": { "secret": "web", "key": "password" },
                },
            } },
        } },
    })
}

fn without_probe(mut app: Value) -> Value {
    app["workloads"]["web"]["containers"]["web"].as_object_mut().unwrap().remove("probes");
    app
}

#[tokio::test]
async fn an_app_is_installed_changed_and_removed() {
    let Some(mut lab) = Lab::open("swe-rollout").await else { return };
    let first = without_probe(web("rhumb-demo:1", "hello", 2));
    let health = lab.deploy(&first).await.unwrap();
    let service = of(&health, "service/web");
    assert_eq!((service.state, service.ready, service.wanted), (State::Ready, 2, 2), "{health:#?}");

    let want = lab.lower(&first).await;
    let (_, plan) = lab.plan(&want).await;
    assert!(plan.is_empty(), "the plan after an apply is empty: {plan:#?}");

    let second = without_probe(web("rhumb-demo:2", "good day", 3));
    let want = lab.lower(&second).await;
    let (observed, plan) = lab.plan(&want).await;
    assert!(steps(&plan).contains(&"Update service/web".to_owned()), "{:?}", steps(&plan));
    let receipts = lab.carry_out(&observed, &plan).await.unwrap();
    lab.last = want.clone();
    let early = lab.swarm_health(&receipts).await;
    assert_eq!(
        of(&early, "service/web").state,
        State::Progressing,
        "what an older rollout reached does not count"
    );
    let health = lab.wait(&receipts).await;
    assert_eq!(of(&health, "service/web").state, State::Ready, "{health:#?}");
    let (_, plan) = lab.plan(&want).await;
    assert!(plan.is_empty(), "{plan:#?}");
    lab.uninstall().await;
}

#[tokio::test]
async fn a_lost_answer_is_recognised() {
    let Some(mut lab) = Lab::open("swe-lost").await else { return };
    let app = without_probe(web("rhumb-demo:1", "hello", 1));
    let want = lab.lower(&app).await;
    let (observed, plan) = lab.plan(&want).await;
    let first = lab.carry_out(&observed, &plan).await.unwrap();
    let again = lab.carry_out(&observed, &plan).await.unwrap();
    let natives = |receipts: &[rhumb_backend::Receipt]| {
        receipts.iter().map(|receipt| receipt.native.clone()).collect::<Vec<_>>()
    };
    assert_eq!(natives(&first), natives(&again));
    lab.last = want;
    lab.uninstall().await;
}

#[tokio::test]
async fn a_job_is_ready_when_it_has_ended() {
    let Some(mut lab) = Lab::open("swe-job").await else { return };
    let app = json!({ "workloads": { "once": {
        "mode": "job",
        "containers": { "once": { "image": "rhumb-busybox:1", "command": ["sh", "-c", "sleep 1; echo done"] } },
    } } });
    let health = lab.deploy(&app).await.unwrap();
    let job = of(&health, "service/once");
    assert_eq!((job.state, job.ready, job.wanted), (State::Ready, 1, 1), "{job:#?}");
    lab.uninstall().await;
}

#[tokio::test]
async fn a_global_workload_has_a_task_on_each_node() {
    let Some(mut lab) = Lab::open("swe-global").await else { return };
    let app = json!({ "workloads": { "agent": {
        "mode": "global",
        "containers": { "agent": { "image": "rhumb-demo:1" } },
    } } });
    let nodes = u32::try_from(lab.swarm.about().await.unwrap().nodes).unwrap();
    let health = lab.deploy(&app).await.unwrap();
    let agent = of(&health, "service/agent");
    assert_eq!((agent.state, agent.ready, agent.wanted), (State::Ready, nodes, nodes), "{agent:#?}");
    lab.uninstall().await;
}

#[tokio::test]
async fn moved_host_ports_make_a_rollout_of_their_own() {
    let Some(mut lab) = Lab::open("swe-ports").await else { return };
    let app = |port: u16| {
        json!({ "workloads": { "web": {
            "containers": { "web": { "image": "rhumb-demo:1", "ports": { "http": 8080 } } },
            "expose": { "http": { "port": port, "as": "node", "traffic": "local", "internalPort": 8080 } },
        } } })
    };
    lab.deploy(&app(38_201)).await.unwrap();
    let health = lab.deploy(&app(38_202)).await.unwrap();
    assert_eq!(of(&health, "service/web").state, State::Ready, "{health:#?}");
    let tasks = lab.running("web").await;
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0].ports, ["38202->8080/tcp"], "ready means that the new port is there");
    lab.uninstall().await;
}
