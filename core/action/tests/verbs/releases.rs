//! What each verb does to a release, on the memory backend.

use crate::world::{SHOP, World, scope, waiting};
use rhumb_action::{
    ActionError, DeployOptions, DiffAgainst, DiffRequest, Event, Execution, GetRequest, HistoryAfter,
    HistoryRequest, IfAbsent, IgnoreAbsent, ListRequest, OnFailure, ScaleRequest, StatusRequest, TakenBack,
    UpgradeRequest, ValueReuse, Wait,
};
use rhumb_backend::{Action, ObjectId, Runtime as _};
use rhumb_memory::faults::Call;
use rhumb_release::Status;

#[tokio::test]
async fn an_install_records_and_makes_everything() {
    let world = World::new();
    let deployed = world.install(world.shop(), waiting()).await.unwrap();
    assert_eq!((deployed.revision, deployed.status), (1, Status::Deployed));
    assert_eq!(deployed.description, "Install complete");
    assert_eq!(deployed.notes, "shop revision 1\n");
    assert_eq!(deployed.health.len(), 2);
    assert_eq!(world.history().await, [(1, "deployed".to_owned())]);
    let record = world.record(1).await;
    assert_eq!(record.outcome.receipts.len(), record.objects.len());
    assert!(record.source.is_some());
    assert_eq!(record.chart.version, "1.0.0");
}

#[tokio::test]
async fn an_upgrade_to_the_same_writes_only_its_record() {
    let world = World::new();
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    world.new_process();
    let deployed = world.upgrade(world.shop(), DeployOptions::default()).await.unwrap();
    assert!(deployed.plan.steps.is_empty(), "{:?}", deployed.plan);
    assert_eq!(world.faults.count(Call::Apply), 0);
    assert_eq!(world.history().await, [(1, "superseded".to_owned()), (2, "deployed".to_owned())]);
    assert_eq!(world.record(2).await.outcome.receipts.len(), 3);
}

#[tokio::test]
async fn an_upgrade_of_one_value_touches_what_uses_it() {
    let world = World::new();
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    let deployed =
        world.upgrade(world.inputs(SHOP, &["image=web:2"]), DeployOptions::default()).await.unwrap();
    let steps: Vec<(Action, &str)> =
        deployed.plan.steps.iter().map(|step| (step.action, step.id.as_str())).collect();
    assert_eq!(steps, [(Action::Update, "workload/web")]);
}

#[tokio::test]
async fn a_release_that_is_there_is_not_installed_again() {
    let world = World::new();
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    let error = world.install(world.shop(), DeployOptions::default()).await.unwrap_err();
    assert!(matches!(error, ActionError::AlreadyExists { revision: 1, .. }), "{error}");
    assert!(error.to_string().contains("rhumb upgrade"), "{error}");
}

#[tokio::test]
async fn a_failed_install_can_be_installed_again_or_upgraded() {
    for is_upgrade in [false, true] {
        let world = World::new();
        let broken = world.inputs(SHOP, &["mode=crash:3"]);
        let error = world.install(broken, waiting()).await.unwrap_err();
        let ActionError::Failed(failed) = &error else { panic!("{error}") };
        assert!(matches!(failed.cause, ActionError::WaitFailed(_)), "{error}");
        assert!(error.to_string().contains("exit code 3"), "{error}");
        assert_eq!(world.history().await, [(1, "failed".to_owned())]);
        let again = if is_upgrade {
            world.upgrade(world.inputs(SHOP, &["mode=ready"]), waiting()).await
        } else {
            world.install(world.shop(), waiting()).await
        };
        assert_eq!(again.unwrap().revision, 2);
        assert_eq!(world.history().await, [(1, "failed".to_owned()), (2, "deployed".to_owned())]);
    }
}

#[tokio::test]
async fn what_waits_for_another_is_not_begun_when_that_fails() {
    let world = World::new();
    let error =
        world.install(world.inputs(SHOP, &["mode=unpullable"]), DeployOptions::default()).await.unwrap_err();
    assert!(matches!(error.root(), ActionError::WaitFailed(_)), "{error}");
    assert!(!world.ids().await.contains(&"workload/front".to_owned()));
    let ActionError::Failed(failed) = error else { panic!("{error}") };
    assert!(failed.next.contains("rhumb upgrade shop"), "{}", failed.next);
}

#[tokio::test]
async fn an_atomic_upgrade_that_fails_brings_the_last_revision_back() {
    let world = World::new();
    world.install(world.shop(), waiting()).await.unwrap();
    let before = world.there().await;
    let atomic = DeployOptions { on_failure: OnFailure::TakeBack, ..waiting() };
    let broken = world.inputs(SHOP, &["mode=crash:1", "text=other", "image=web:2"]);
    let error = world.upgrade(broken, atomic).await.unwrap_err();
    let ActionError::Failed(failed) = error else { panic!("{error}") };
    assert_eq!(failed.revision, 2);
    assert!(
        matches!(&failed.taken_back, Some(TakenBack::RolledBack(back)) if back.revision == 3),
        "{failed:?}"
    );
    let history: Vec<String> = world.history().await.into_iter().map(|(_, status)| status).collect();
    assert_eq!(history, ["superseded", "failed", "deployed"]);
    let after = world.there().await;
    assert_eq!(workloads(&after), workloads(&before));
}

fn workloads(objects: &[rhumb_backend::Object]) -> Vec<&rhumb_backend::Object> {
    objects.iter().filter(|object| object.id.kind() == "workload").collect()
}

#[tokio::test]
async fn an_atomic_install_that_fails_leaves_nothing() {
    let world = World::new();
    let atomic = DeployOptions { on_failure: OnFailure::TakeBack, ..waiting() };
    let error = world.install(world.inputs(SHOP, &["mode=never-ready"]), quick(atomic)).await.unwrap_err();
    assert!(matches!(error.root(), ActionError::TimedOut { .. }), "{error}");
    let ActionError::Failed(failed) = error else { panic!("{error}") };
    assert!(matches!(failed.taken_back, Some(TakenBack::Removed)), "{failed:?}");
    assert!(world.ids().await.is_empty());
    assert!(world.history().await.is_empty());
}

fn quick(options: DeployOptions) -> DeployOptions {
    DeployOptions { timeout: std::time::Duration::from_millis(600), ..options }
}

#[tokio::test]
async fn a_cancelled_upgrade_says_so_and_the_next_one_works() {
    let world = World::new();
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    let upgrade = world.upgrade(world.inputs(SHOP, &["mode=never-ready"]), waiting());
    let cancel = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        world.cancel.cancel();
    };
    let (result, ()) = tokio::join!(upgrade, cancel);
    let error = result.unwrap_err();
    assert!(matches!(error.root(), ActionError::Cancelled), "{error}");
    assert_eq!(world.history().await[1], (2, "failed".to_owned()));
    assert_eq!(world.heads().await[1].description, "Upgrade failed: the command was interrupted");
}

#[tokio::test]
async fn a_rollback_keeps_what_somebody_scaled_and_puts_drift_back() {
    let world = World::new();
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    world.upgrade(world.inputs(SHOP, &["image=web:2"]), DeployOptions::default()).await.unwrap();
    world.backend.scale(&scope(), "web", 7).await.unwrap();
    let back = world.rollback(None).await.unwrap();
    assert_eq!((back.revision, back.description.as_str()), (3, "Rollback to 1 complete"));
    let web = body(&world, "workload/web").await;
    assert_eq!(web.pointer("/replicas"), Some(&7.into()), "{web}");
    assert!(web.to_string().contains("web:1"), "{web}");
    assert!(back.plan.notes.iter().any(|note| note.text.contains("stays at 7")), "{:?}", back.plan.notes);
}

async fn body(world: &World, id: &str) -> serde_json::Value {
    let there = world.there().await;
    there.into_iter().find(|object| object.id.as_str() == id).unwrap().body
}

#[tokio::test]
async fn a_rollback_goes_to_what_was_deployed_before() {
    let world = World::new();
    assert!(matches!(world.rollback(None).await.unwrap_err(), ActionError::NotFound { .. }));
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    assert!(matches!(world.rollback(None).await.unwrap_err(), ActionError::NothingBefore { .. }));
    let error = world.rollback(Some(7)).await.unwrap_err();
    assert!(error.to_string().contains("no revision 7; it has 1"), "{error}");
    world.upgrade(world.inputs(SHOP, &["mode=crash:1"]), waiting()).await.unwrap_err();
    assert_eq!(world.rollback(None).await.unwrap().description, "Rollback to 1 complete");
}

#[tokio::test]
async fn a_rollback_to_nothing_says_what_is_there() {
    let world = World::new();
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    let error = world.rollback(None).await.unwrap_err();
    let ActionError::NothingBefore { revision: 1, status: Status::Deployed, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(error.to_string(), "no earlier revision of `shop` was ever deployed");
    assert_eq!(world.history().await, [(1, "deployed".to_owned())]);
}

#[tokio::test]
async fn history_is_kept_as_long_as_asked() {
    let world = World::new();
    let options = || DeployOptions { history_max: 3, ..DeployOptions::default() };
    world.install(world.inputs(SHOP, &["text=0"]), options()).await.unwrap();
    for round in 1..=4 {
        let inputs = world.inputs(SHOP, &[&format!("text={round}")]);
        world.upgrade(inputs, options()).await.unwrap();
    }
    let revisions: Vec<u64> = world.history().await.into_iter().map(|(revision, _)| revision).collect();
    assert_eq!(revisions, [3, 4, 5]);
    let configs = world.ids().await.iter().filter(|id| id.starts_with("config/")).count();
    assert_eq!(configs, 3, "one generation for each revision that is kept");
    let context = world.holder();
    let request = HistoryRequest { name: "shop".to_owned(), max: Some(2) };
    let newest = rhumb_action::history(&world.context(&context), &request).await.unwrap();
    assert_eq!(newest.iter().map(|past| past.revision).collect::<Vec<_>>(), [4, 5]);
}

#[tokio::test]
async fn an_uninstall_removes_everything_or_keeps_the_history() {
    let world = World::new();
    let error = world.uninstall(|_| {}).await.unwrap_err();
    assert!(matches!(error, ActionError::NotFound { .. }), "{error}");
    assert!(!world.uninstall(|request| request.absent = IgnoreAbsent::Ignore).await.unwrap().found);

    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    let shown = world.uninstall(|request| request.execution = Execution::DryRun).await.unwrap();
    assert_eq!(shown.plan.steps.len(), 3);
    assert_eq!(world.ids().await.len(), 3);
    let removed = world
        .uninstall(|request| {
            request.history = HistoryAfter::Keep;
            request.wait = Wait::Ready;
        })
        .await
        .unwrap();
    assert!(removed.found && removed.kept.is_empty());
    assert!(world.ids().await.is_empty());
    assert_eq!(world.history().await, [(1, "uninstalled".to_owned())]);

    let back = world.rollback(None).await.unwrap();
    assert_eq!((back.revision, world.ids().await.len()), (2, 3));
    world.uninstall(|_| {}).await.unwrap();
    assert!(world.history().await.is_empty());
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    assert_eq!(world.history().await, [(1, "deployed".to_owned())]);
}

#[tokio::test]
async fn dry_runs_and_differences_write_nothing() {
    let world = World::new();
    let dry = || DeployOptions { execution: Execution::DryRun, ..DeployOptions::default() };
    let shown = world.install(world.shop(), dry()).await.unwrap();
    assert_eq!((shown.revision, shown.plan.steps.len(), shown.objects.len()), (1, 3, 3));
    assert!(world.ids().await.is_empty() && world.history().await.is_empty());

    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    world.new_process();
    let request = DiffRequest {
        name: "shop".to_owned(),
        against: DiffAgainst::Upgrade {
            inputs: world.inputs(SHOP, &["replicas=4"]),
            values: ValueReuse::Auto,
        },
        ..DiffRequest::default()
    };
    let holder = world.holder();
    let differences = rhumb_action::diff(&world.context(&holder), &request).await.unwrap();
    assert_eq!((differences.revision, differences.is_empty), (2, false));
    assert_eq!(differences.plan.steps[0].changes[0].path, "replicas");
    for call in [Call::Apply, Call::StorageCreate, Call::StorageUpdate, Call::StorageDelete] {
        assert_eq!(world.faults.count(call), 0, "{call:?}");
    }
}

#[tokio::test]
async fn an_upgrade_of_nothing_says_so_or_installs() {
    let world = World::new();
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    let holder = world.holder();
    let mut request =
        UpgradeRequest { name: "shopp".to_owned(), inputs: world.shop(), ..UpgradeRequest::default() };
    let error = rhumb_action::upgrade(&world.context(&holder), &request).await.unwrap_err();
    assert!(matches!(&error, ActionError::NotFound { nearest, .. } if *nearest == ["shop"]), "{error:?}");
    request.absent = IfAbsent::Install;
    let deployed = rhumb_action::upgrade(&world.context(&holder), &request).await.unwrap();
    assert_eq!((deployed.revision, deployed.description.as_str()), (1, "Install complete"));
    let listed = rhumb_action::list(&world.context(&holder), &ListRequest::default()).await.unwrap();
    assert_eq!(listed.iter().map(|listed| listed.name.as_str()).collect::<Vec<_>>(), ["shop", "shopp"]);
}

#[tokio::test]
async fn status_tells_health_and_drift() {
    let world = World::new();
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    let holder = world.holder();
    let context = world.context(&holder);
    let request = StatusRequest { name: "shop".to_owned(), revision: None };
    let status = rhumb_action::status(&context, &request).await.unwrap();
    assert_eq!(status.health.len(), 2);
    assert!(status.drift.is_empty(), "{:?}", status.drift);
    assert_eq!(status.changing, None);

    let scale = ScaleRequest {
        name: "shop".to_owned(),
        workloads: vec![("web".to_owned(), 5)],
        wait: Wait::Ready,
        timeout: std::time::Duration::from_secs(5),
    };
    let rolled = rhumb_action::scale(&context, &scale).await.unwrap();
    assert_eq!((rolled.health[0].ready, rolled.health[0].wanted), (5, 5));
    world.faults.hide(ObjectId::from("workload/front"), "no right to read it");
    let status = rhumb_action::status(&context, &request).await.unwrap();
    assert_eq!(status.unreadable.len(), 1);
    assert!(!status.drift.is_empty());
}

#[tokio::test]
async fn what_a_failed_install_never_made_is_no_drift() {
    let world = World::new();
    let inputs = world.inputs(SHOP, &["mode=unpullable"]);
    world.install(inputs, DeployOptions::default()).await.unwrap_err();
    let request = StatusRequest { name: "shop".to_owned(), revision: None };
    let status = rhumb_action::status(&world.context(&world.holder()), &request).await.unwrap();
    assert_eq!(status.recorded.status, Status::Failed);
    assert!(status.drift.is_empty(), "{:?}", status.drift);
}

#[tokio::test]
async fn a_record_tells_what_was_deployed() {
    let world = World::new();
    world.install(world.inputs(SHOP, &["image=web:9"]), DeployOptions::default()).await.unwrap();
    let holder = world.holder();
    let request = GetRequest { name: "shop".to_owned(), revision: None };
    let recorded = rhumb_action::get(&world.context(&holder), &request).await.unwrap();
    assert_eq!(recorded.user_values, serde_json::json!({"image": "web:9"}));
    assert_eq!(recorded.values["replicas"], 2);
    assert_eq!(recorded.app.workloads.len(), 2);
    assert_eq!(recorded.notes, "shop revision 1\n");
}

#[tokio::test]
async fn what_is_wrong_with_a_chart_is_told_before_anything_is_touched() {
    let world = World::new();
    let broken = [("templates/web.yaml", "kind: Workload\nname: web\ncontainers:\n  web: { imag: x }\n")];
    let error = world.install(world.inputs(&broken, &[]), DeployOptions::default()).await.unwrap_err();
    let ActionError::Diagnostics(found) = &error else { panic!("{error}") };
    assert!(found.iter().any(|found| found.place.as_ref().is_some_and(|place| place.line == 4)), "{error}");
    assert_eq!(world.faults.count(Call::StorageCreate), 0);
    let error = world.upgrade(world.shop(), DeployOptions::default()).await.unwrap_err();
    assert!(matches!(error, ActionError::NotFound { .. }));
}

#[tokio::test]
async fn names_are_checked_first() {
    let world = World::new();
    let request = rhumb_action::InstallRequest {
        name: "Shop_1".to_owned(),
        inputs: world.shop(),
        options: DeployOptions::default(),
    };
    let error = rhumb_action::install(&world.context(&world.holder()), &request).await.unwrap_err();
    assert!(error.to_string().contains("use: `shop-1`"), "{error}");
}

#[tokio::test]
async fn steps_are_told_in_their_order() {
    let world = World::new();
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    let told = world.told();
    let done: Vec<String> = told
        .iter()
        .filter_map(|event| match event {
            Event::StepDone { id, .. } => Some(id.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(done, ["config/web", "workload/web", "workload/front"]);
    let recorded: Vec<Status> = told
        .iter()
        .filter_map(|event| match event {
            Event::Recorded { status, .. } => Some(*status),
            _ => None,
        })
        .collect();
    assert_eq!(recorded, [Status::PendingInstall, Status::Deployed]);
}
