//! Jobs and schedules of Metronome, and schedules of Chronos.

use std::collections::BTreeSet;

use rhumb_backend::{Action, Backend, Change, Live, Object, ObjectId, State};
use rhumb_doubles::marathon::{Fate, Fault, FaultRule, Part, Rule};
use rhumb_marathon::{Environment, Marathon, Settings};
use serde_json::{Value, json};

use crate::lab::{fast, lab, marks, step, with};

fn job(content: &str, schedules: &Value) -> Object {
    let id = ObjectId::from("job/init");
    let is_once = schedules.as_array().unwrap().is_empty();
    let mut labels = marks("job/init", "init");
    if is_once {
        labels["rhumb.dev/generation"] = content.into();
    }
    let mut body = json!({
        "id": "default.shop.init",
        "labels": labels,
        "run": { "cpus": 0.1, "mem": 32, "disk": 0, "cmd": content, "docker": { "image": "busybox" },
            "restart": { "policy": "NEVER" } },
    });
    if !is_once {
        body["schedules"] = schedules.clone();
    }
    let once = is_once.then(|| content.to_owned());
    Object { once, workload: Some("init".to_owned()), ..Object::new(id, body) }
}

fn runs(lab: &crate::lab::Lab) -> u64 {
    let path = "POST /v1/jobs/default.shop.init/runs";
    lab.double
        .counts()
        .iter()
        .filter(|(call, _)| call.ends_with(path.trim_start_matches("POST ")))
        .map(|(_, count)| count)
        .sum()
}

#[tokio::test]
async fn a_job_runs_once_for_each_content() {
    let lab = lab();
    let first = job("migrate 1", &json!([]));
    let receipt = lab.create(&first).await;
    assert!(receipt.rollout["run"].is_string());
    lab.ready(&receipt).await;
    let live = lab.live(&first).await.unwrap();
    assert_eq!(live.outputs.get(Live::JOB).map(String::as_str), Some(Live::JOB_SUCCEEDED));
    assert_eq!(live.object.once.as_deref(), Some("migrate 1"));
    lab.is_as_wanted(&first).await;

    let second = job("migrate 2", &json!([]));
    assert!(matches!(lab.marathon.change(Some(&first), &live, &second), Change::Replace { .. }));
    let receipt = lab.apply(&step(Action::Replace, &second, Some(&live))).await.unwrap();
    lab.ready(&receipt).await;
    assert_eq!(runs(&lab), 2);

    let live = lab.live(&second).await.unwrap();
    lab.apply(&step(Action::Delete, &second, Some(&live))).await.unwrap();
    assert!(lab.live(&second).await.is_none());
}

#[tokio::test]
async fn a_job_that_fails_is_told_and_runs_anew() {
    let lab = lab();
    lab.double.tell(Rule::of("default.shop.init", Fate::Exits { after_ms: 10, code: 7 }).times(1));
    let want = job("migrate", &json!([]));
    let health = lab.settled(&lab.create(&want).await).await;
    assert_eq!(health.state, State::Failed, "{health:?}");
    let live = lab.live(&want).await.unwrap();
    assert_eq!(live.outputs.get(Live::JOB).map(String::as_str), Some(Live::JOB_FAILED));
    lab.ready(&lab.apply(&step(Action::Replace, &want, Some(&live))).await.unwrap()).await;
}

/// An answer that got lost after the run was started starts no second one.
#[tokio::test]
async fn a_lost_answer_starts_nothing_twice() {
    for (method, path) in [("POST", "/v1/jobs"), ("POST", "/runs")] {
        let lab = lab();
        lab.survey().await;
        lab.double.fail(FaultRule::on(method, path, Fault::LostAnswer).times(1));
        let want = job("migrate", &json!([]));
        let create = step(Action::Create, &want, None);
        assert!(lab.apply(&create).await.is_err());
        let receipt = lab.apply(&create).await.unwrap();
        lab.ready(&receipt).await;
        assert_eq!(runs(&lab), 1, "{method} {path}");
    }
}

#[tokio::test]
async fn schedules_are_made_changed_and_removed() {
    let lab = lab();
    let schedule = |id: &str, cron: &str| json!({ "id": id, "cron": cron, "timezone": "UTC" });
    let first = job("backup", &json!([schedule("a", "0 3 * * *"), schedule("b", "0 4 * * *")]));
    let receipt = lab.create(&first).await;
    assert_eq!(runs(&lab), 0, "a schedule is not a run");
    lab.ready(&receipt).await;
    lab.is_as_wanted(&first).await;
    let second = job("backup", &json!([schedule("a", "30 3 * * *")]));
    let update = lab.update_step(&first, &second).await;
    lab.apply(&update).await.unwrap();
    lab.is_as_wanted(&second).await;
    let live = lab.live(&second).await.unwrap();
    assert_eq!(live.object.body["schedules"].as_array().unwrap().len(), 1);
    assert_eq!(live.outputs.get(Live::JOB), None);
}

#[tokio::test]
async fn chronos_takes_schedules_where_only_that_is_there() {
    let parts = BTreeSet::from([Part::Chronos]);
    let lab = with(rhumb_doubles::marathon::Options { parts, ..fast() });
    let url = Some(lab.double.url());
    let settings = Settings { url: url.clone(), chronos: url, ..Settings::default() };
    let lab = crate::lab::Lab { marathon: Marathon::new(settings, Environment::default()), ..lab };
    let facts = lab.survey().await;
    assert_eq!((&facts.data["chronos"], &facts.data["metronome"]), (&json!(true), &json!(false)));
    let want = Object {
        workload: Some("backup".to_owned()),
        ..Object::new(
            ObjectId::from("chronos/backup"),
            json!({
                "name": "default.shop.backup", "command": "true", "shell": true, "cpus": 0.1, "mem": 32, "retries": 0,
                "schedule": "R/2024-01-01T03:30:00Z/P1D", "scheduleTimeZone": "UTC",
                "container": { "type": "DOCKER", "image": "busybox" },
            }),
        )
    };
    lab.ready(&lab.create(&want).await).await;
    lab.is_as_wanted(&want).await;
    let live = lab.live(&want).await.unwrap();
    lab.apply(&step(Action::Delete, &want, Some(&live))).await.unwrap();
    assert!(lab.live(&want).await.is_none());
    lab.apply(&step(Action::Delete, &want, Some(&live))).await.unwrap();
}
