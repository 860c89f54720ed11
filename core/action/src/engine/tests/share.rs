//! Generated material that several objects hold, across runs that are cut short.

use std::collections::BTreeMap;

use rhumb_backend::material::Demand;
use rhumb_backend::{Action, ErrorKind, Material, Object, Observed, Plan, Step, StepAfter, Until, reference};
use rhumb_spec::model::Generate;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::platform::{Stage, invalid, object, step};
use crate::engine::{Executed, Executor, Given, RunMaterials};

fn password() -> Demand {
    Demand::Generate { of: "secret/db/password".to_owned(), how: Generate::default(), part: None }
}

fn secret(id: &str, demand: &Demand) -> Object {
    Object {
        generation: Some("g1".to_owned()),
        workload: None,
        ..object(id, json!({ "material": demand.to_value() }))
    }
}

fn url() -> Demand {
    Demand::Template {
        text: "postgres://app:{password}@db/app".to_owned(),
        keys: [("password".to_owned(), password())].into(),
    }
}

fn user(id: &str, secrets: &[&str]) -> Object {
    let refs: Vec<Value> =
        secrets.iter().map(|secret| reference::reference(&(*secret).into(), "id")).collect();
    object(id, json!({ "secrets": refs }))
}

fn want() -> Vec<Object> {
    vec![
        secret("secret/db/password", &password()),
        secret("secret/db/url", &url()),
        user("service/db", &["secret/db/password"]),
        user("service/web", &["secret/db/url"]),
    ]
}

/// What a diff would plan: what is missing is made, after what it refers to.
fn plan(stage: &Stage) -> Plan {
    let live = stage.platform.live.lock().unwrap();
    let mut plan = Plan::default();
    for object in want().into_iter().filter(|object| !live.contains_key(&object.id)) {
        let targets = reference::targets(&object.body);
        let needed = plan.steps.iter().enumerate().filter(|(_, step)| targets.contains(&step.id));
        let after = needed.map(|(step, _)| StepAfter { step, until: Until::Exists }).collect();
        plan.steps.push(Step { after, ..step(Action::Create, object) });
    }
    plan
}

async fn run(stage: &Stage) -> Executed {
    let objects = stage.platform.live.lock().unwrap().values().cloned().collect();
    let observed = Observed { objects, ..Observed::default() };
    let (want, plan) = (want(), plan(stage));
    run_plan(stage, &plan, &observed, (&want, &want)).await
}

async fn run_plan(
    stage: &Stage,
    plan: &Plan,
    observed: &Observed,
    (last, want): (&[Object], &[Object]),
) -> Executed {
    let nothing: BTreeMap<String, Material> = BTreeMap::new();
    let materials = RunMaterials::new(&nothing, jiff::Timestamp::UNIX_EPOCH).with_earlier(last, observed);
    let executor = Executor {
        backend: &stage.platform,
        scope: &stage.scope,
        materials: &materials,
        guard: &stage.watch,
        progress: &stage.told,
        cancel: &stage.cancel,
        deadline: Instant::now() + stage.timeout,
        concurrency: 1,
    };
    executor.execute(&Given { plan, observed, last, want }).await
}

fn shared(stage: &Stage) -> (String, String) {
    let materials = stage.platform.materials.lock().unwrap();
    let text = |id: &str| String::from_utf8(materials[&id.into()].clone()).unwrap();
    (text("secret/db/password"), text("secret/db/url"))
}

#[tokio::test(start_paused = true)]
async fn users_of_one_are_made_after_all() {
    let stage = Stage::new();
    assert!(run(&stage).await.is_complete());
    let log = stage.platform.log();
    assert_eq!(
        log,
        ["Create secret/db/password", "Create secret/db/url", "Create service/db", "Create service/web"]
    );
    let (password, url) = shared(&stage);
    assert_eq!(url, format!("postgres://app:{password}@db/app"));
}

#[tokio::test(start_paused = true)]
async fn cut_short_after_any_write_the_next_run_makes_them_agree() {
    for writes in 0..4 {
        let stage = Stage::new();
        *stage.platform.writes_left.lock().unwrap() = Some((writes, invalid()));
        assert!(!run(&stage).await.is_complete());
        *stage.platform.writes_left.lock().unwrap() = None;
        let executed = run(&stage).await;
        assert!(executed.is_complete(), "after {writes} writes: {executed:?}");
        let (password, url) = shared(&stage);
        assert_eq!(url, format!("postgres://app:{password}@db/app"), "after {writes} writes");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_in_use_is_not_made_anew() {
    let stage = Stage::new();
    assert!(run(&stage).await.is_complete());
    let (password, _) = shared(&stage);
    stage.platform.live.lock().unwrap().remove(&"secret/db/url".into());
    let executed = run(&stage).await;
    assert_eq!(executed.failures[0].error.kind, ErrorKind::MaterialMissing);
    assert_eq!(shared(&stage).0, password);
}

#[tokio::test(start_paused = true)]
async fn what_is_in_use_as_a_part_of_another_is_not_made_anew() {
    let stage = Stage::new();
    let secrets = [secret("secret/db/password", &password()), secret("secret/db/url", &url())];
    for object in secrets.iter().chain([&user("service/web", &["native-2"])]) {
        stage.platform.put(object);
    }
    stage.platform.live.lock().unwrap().get_mut(&"service/web".into()).unwrap().holds =
        ["native-2".to_owned()].into();
    // The address changes its text: the new one needs the password, which the old one holds and nobody can read.
    let changed = Object { generation: Some("g2".to_owned()), ..secret("secret/db/url2", &url()) };
    let want = [secrets[0].clone(), changed.clone()];
    let plan = Plan { steps: vec![step(Action::Create, changed)], notes: Vec::new() };
    let objects = stage.platform.live.lock().unwrap().values().cloned().collect();
    let observed = Observed { objects, ..Observed::default() };
    let executed = run_plan(&stage, &plan, &observed, (&secrets, &want)).await;
    assert_eq!(executed.failures[0].error.kind, ErrorKind::MaterialMissing);
    assert_eq!(stage.platform.log(), ["Create secret/db/url2"]);
    assert_eq!(executed.unattempted, [], "the password was not to be made anew");
}
