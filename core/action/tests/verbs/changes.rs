//! What upgrades do about drift, owners, replacements and jobs.

use rhumb_action::{
    ActionError, CancellationToken, DeployOptions, Foreign, OnFailure, StatusRequest, TakenBack,
};
use rhumb_backend::{Action, Backend as _, Error, ErrorKind, Live, Material, Materials, Plan, State, Step};
use rhumb_spec::model::Generate;
use serde_json::json;

use crate::world::{SHOP, World, scope, waiting};

/// Nobody has any secret.
struct Nobody;

impl Materials for Nobody {
    fn sealed(&self, _id: &str) -> rhumb_backend::Result<Material> {
        Err(Error::new(ErrorKind::MaterialMissing, "make a secret", "nobody has it"))
    }

    fn generated(&self, _of: &str, _how: &Generate, _part: Option<&str>) -> rhumb_backend::Result<Material> {
        self.sealed("")
    }
}

/// Does to an object what somebody would do past rhumb.
async fn meddle(world: &World, id: &str, action: Action, change: impl FnOnce(&mut Live)) {
    let mut live =
        world.observed().await.objects.into_iter().find(|live| live.object.id.as_str() == id).unwrap();
    change(&mut live);
    let step = Step {
        id: live.object.id.clone(),
        action,
        object: live.object,
        native: Some(live.native),
        version: live.version,
        changes: Vec::new(),
        force: false,
        reason: None,
        after: Vec::new(),
    };
    world.backend.apply(&scope(), &step, &Nobody).await.unwrap();
}

/// What is written.
fn actions(plan: &Plan) -> Vec<(Action, &str)> {
    plan.steps
        .iter()
        .filter(|step| step.action != Action::Await)
        .map(|step| (step.action, step.id.as_str()))
        .collect()
}

#[tokio::test]
async fn drift_is_put_back_by_an_upgrade_to_the_same() {
    let world = World::new();
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    let before = world.there().await;
    meddle(&world, "workload/front", Action::Update, |live| {
        live.object.body["containers"]["front"]["image"] = json!("evil:1");
    })
    .await;
    let request = StatusRequest { name: "shop".to_owned(), revision: None };
    let drift = rhumb_action::status(&world.context(&world.holder()), &request).await.unwrap().drift;
    let [front] = drift.as_slice() else { panic!("{drift:?}") };
    let [image] = front.changes.as_slice() else { panic!("{front:?}") };
    assert_eq!((image.from.clone(), image.to.clone()), (Some(json!("evil:1")), Some(json!("front:1"))));
    let upgraded = world.upgrade(world.shop(), DeployOptions::default()).await.unwrap();
    assert_eq!(actions(&upgraded.plan), [(Action::Update, "workload/front")]);
    assert_eq!(world.there().await, before);
}

#[tokio::test]
async fn what_is_gone_is_made_again_and_told() {
    let world = World::new();
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    meddle(&world, "workload/front", Action::Delete, |_| {}).await;
    let upgraded = world.upgrade(world.shop(), DeployOptions::default()).await.unwrap();
    assert!(actions(&upgraded.plan).contains(&(Action::Create, "workload/front")));
    assert!(upgraded.plan.notes.iter().any(|note| note.text.contains("gone")), "{:?}", upgraded.plan.notes);
}

#[tokio::test]
async fn a_generated_secret_that_is_made_again_is_told_to_be_new() {
    let secret = [("templates/key.yaml", "kind: Secret\nname: key\ngenerate: { token: { length: 16 } }\n")];
    let world = World::new();
    world.install(world.inputs(&secret, &[]), DeployOptions::default()).await.unwrap();
    let ids = world.ids().await;
    meddle(&world, &ids[0], Action::Delete, |_| {}).await;
    let upgraded = world.upgrade(world.inputs(&secret, &[]), DeployOptions::default()).await.unwrap();
    let [note] = upgraded.plan.notes.as_slice() else { panic!("{ids:?}: {:?}", upgraded.plan) };
    assert!(note.text.contains("with new generated values"), "{}", note.text);
}

#[tokio::test]
async fn what_is_somebody_elses_is_taken_only_when_told() {
    let world = World::new();
    world.backend.provide("shop/workload/front", json!({"kind": "Workload", "name": "front"})).unwrap();
    let error = world.install(world.shop(), DeployOptions::default()).await.unwrap_err();
    assert!(matches!(error, ActionError::Diagnostics(_)), "{error:?}");
    assert!(error.to_string().contains("--take-ownership"), "{error}");
    assert!(world.history().await.is_empty(), "nothing is recorded before the plan stands");
    let options = DeployOptions { foreign: Foreign::TakeOver, ..DeployOptions::default() };
    world.install(world.shop(), options).await.unwrap();
}

const MODE: &[(&str, &str)] = &[
    ("values.yaml", "mode: replicated\n"),
    (
        "templates/web.yaml",
        "kind: Workload\nname: web\nmode: {{ values.mode }}\ncontainers:\n  web: { image: \"web:1\" }\n",
    ),
];

#[tokio::test]
async fn a_replacement_needs_the_users_word() {
    let world = World::new();
    world.install(world.inputs(MODE, &[]), DeployOptions::default()).await.unwrap();
    let error =
        world.upgrade(world.inputs(MODE, &["mode=global"]), DeployOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("--replace workload/web"), "{error}");
    let wrong = DeployOptions { replace: vec!["wep".to_owned()], ..DeployOptions::default() };
    let error = world.upgrade(world.inputs(MODE, &["mode=global"]), wrong).await.unwrap_err();
    assert!(error.to_string().contains("--replace names `wep`"), "{error}");
    for name in ["web", "workload/web"] {
        let world = World::new();
        world.install(world.inputs(MODE, &[]), DeployOptions::default()).await.unwrap();
        let options = DeployOptions { replace: vec![name.to_owned()], ..DeployOptions::default() };
        let upgraded = world.upgrade(world.inputs(MODE, &["mode=global"]), options).await.unwrap();
        assert_eq!(actions(&upgraded.plan), [(Action::Replace, "workload/web")], "{name}");
    }
}

const JOB: &[(&str, &str)] = &[
    ("values.yaml", "image: migrate:1\n"),
    (
        "templates/all.yaml",
        "kind: Workload\nname: migrate\nmode: job\ncontainers:\n  migrate: { image: \"{{ values.image }}\" }\n---\n\
         kind: Workload\nname: web\ndependsOn: [migrate]\ncontainers:\n  web: { image: \"web:1\" }\n",
    ),
];

#[tokio::test]
async fn a_job_runs_once_for_each_content() {
    let world = World::new();
    world.install(world.inputs(JOB, &[]), DeployOptions::default()).await.unwrap();
    assert_eq!(world.record(1).await.outcome.done.len(), 1);
    let same = world.upgrade(world.inputs(JOB, &[]), waiting()).await.unwrap();
    assert!(same.plan.is_empty(), "{:?}", same.plan);
    assert_eq!(world.record(2).await.outcome.done, world.record(1).await.outcome.done);
    let request = StatusRequest { name: "shop".to_owned(), revision: None };
    let status = rhumb_action::status(&world.context(&world.holder()), &request).await.unwrap();
    let found: Vec<(&str, State)> =
        status.health.iter().map(|health| (health.id.as_str(), health.state)).collect();
    assert_eq!(found, [("workload/migrate", State::Ready), ("workload/web", State::Ready)]);
    assert!(status.drift.is_empty(), "{:?}", status.drift);
    let other = world.upgrade(world.inputs(JOB, &["image=migrate:2"]), waiting()).await.unwrap();
    let written: Vec<&str> = other
        .plan
        .steps
        .iter()
        .filter(|step| step.action != Action::Await)
        .map(|step| step.id.as_str())
        .collect();
    assert_eq!(written, ["workload/migrate"]);
    assert_ne!(world.record(3).await.outcome.done, world.record(1).await.outcome.done);
}

#[tokio::test]
async fn what_the_platform_refuses_is_told_at_the_templates_line() {
    let world = World::new();
    let error =
        world.install(world.inputs(SHOP, &["mode=nonsense"]), DeployOptions::default()).await.unwrap_err();
    let ActionError::Diagnostics(found) = &error else { panic!("{error:?}") };
    let place = found[0].place.as_ref().unwrap();
    assert_eq!((place.file.as_str(), place.line), ("templates/web.yaml", 4), "{error}");
}

#[tokio::test]
async fn an_atomic_upgrade_that_is_cancelled_is_taken_back() {
    let world = World::new();
    world.install(world.shop(), waiting()).await.unwrap();
    let atomic = DeployOptions { on_failure: OnFailure::TakeBack, ..waiting() };
    let upgrade = world.upgrade(world.inputs(SHOP, &["mode=never-ready"]), atomic);
    let cancel = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        let cancel: &CancellationToken = &world.cancel;
        cancel.cancel();
    };
    let (result, ()) = tokio::join!(upgrade, cancel);
    let ActionError::Failed(failed) = result.unwrap_err() else { panic!("it failed after its record") };
    assert!(matches!(failed.cause, ActionError::Cancelled));
    assert!(matches!(failed.taken_back, Some(TakenBack::RolledBack(_))), "{failed:?}");
    assert_eq!(world.history().await[2], (3, "deployed".to_owned()));
}

#[tokio::test]
async fn what_cannot_be_read_is_neither_made_nor_removed() {
    let world = World::new();
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    world.faults.hide(rhumb_backend::ObjectId::from("workload/front"), "no right to read it");
    let error =
        world.upgrade(world.inputs(SHOP, &["image=web:2"]), DeployOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("no right to read it"), "{error}");
    let error = world.uninstall(|_| {}).await.unwrap_err();
    assert!(error.to_string().contains("no right to read it"), "{error}");
    assert_eq!(world.history().await, [(1, "deployed".to_owned())]);
}

const DATA: &[(&str, &str)] = &[(
    "templates/db.yaml",
    "kind: Workload\nname: db\ncontainers:\n  db: { image: \"db:1\", mounts: { /data: { volume: data }, /tmp/x: { volume: \
     scratch } } }\n---\nkind: Volume\nname: data\n---\nkind: Volume\nname: scratch\nkeep: false\n",
)];

#[tokio::test]
async fn data_stay_when_a_release_goes_and_that_is_told() {
    let world = World::new();
    world.install(world.inputs(DATA, &[]), DeployOptions::default()).await.unwrap();
    let removed = world.uninstall(|_| {}).await.unwrap();
    assert_eq!(removed.kept.iter().map(ToString::to_string).collect::<Vec<_>>(), ["volume/data"]);
    assert_eq!(world.ids().await, ["volume/data"]);
    assert!(removed.warnings.is_empty(), "nothing was generated");
    let back = world.install(world.inputs(DATA, &[]), DeployOptions::default()).await.unwrap();
    assert!(
        !actions(&back.plan).contains(&(Action::Create, "volume/data")),
        "it is still there: {:?}",
        back.plan
    );
}

#[tokio::test]
async fn that_generated_values_go_while_data_stay_is_told() {
    let world = World::new();
    let mut chart = DATA.to_vec();
    chart.push((
        "templates/key.yaml",
        "kind: Secret\nname: key\ngenerate: { token: { length: 16 } }\n---\nkind: Workload\nname: web\n\
         containers:\n  web: { image: \"web:1\", env: { KEY: { secret: key, key: token } } }\n",
    ));
    world.install(world.inputs(&chart, &[]), DeployOptions::default()).await.unwrap();
    let removed = world.uninstall(|_| {}).await.unwrap();
    let [warning] = removed.warnings.as_slice() else { panic!("{:?}", removed.warnings) };
    assert!(warning.to_string().contains("key.token"), "{warning}");
}
