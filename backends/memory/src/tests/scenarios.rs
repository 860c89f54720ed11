//! What happens to a release, step by step.

use rhumb_backend::{Action, Backend, ErrorKind, LogQuery, Object, ObjectId, Runtime, State};
use serde_json::json;

use super::deploy::{Named, Release, app, steps};
use crate::MemoryBackend;
use crate::faults::{Call, Faults, FaultyBackend, When};

const SHOP: &str = "
kind: Workload
name: web
dependsOn: [db]
containers: { web: { image: web:1, mounts: { /etc/web: { config: web } } } }
---
kind: Workload
name: db
containers: { db: { image: db:1, env: { PASSWORD: { secret: db, key: password } }, mounts: { /data: { volume: data } } } }
---
kind: Config
name: web
data: { color: blue }
---
kind: Secret
name: db
generate: { password: {} }
---
kind: Volume
name: data
";

#[tokio::test]
async fn a_release_lives_and_ends() {
    let mut release = Release::new("shop");
    let made = release.deploy(&app(SHOP)).await;
    assert_eq!(
        made,
        [
            "Create config/web",
            "Create secret/db/password",
            "Create volume/data",
            "Create workload/db",
            "Create workload/web"
        ]
    );
    assert_eq!(release.again().await, Vec::<String>::new());
    let green = SHOP.replace("blue", "green");
    let changed = release.deploy(&app(&green)).await;
    assert_eq!(
        changed,
        ["Create config/web", "Await workload/db", "Update workload/web"],
        "blue is for rolling back"
    );
    assert_eq!(release.again().await, Vec::<String>::new());
    let red = release.deploy(&app(&SHOP.replace("blue", "red"))).await;
    assert_eq!(red, ["Create config/web", "Await workload/db", "Update workload/web", "Collect config/web"]);
    let gone = release.deploy(&app("")).await;
    assert_eq!(
        gone,
        [
            "Delete workload/web",
            "Delete config/web",
            "Delete config/web",
            "Delete workload/db",
            "Delete secret/db/password"
        ]
    );
    let left = release.backend.observe(&release.scope, &[]).await.unwrap();
    assert_eq!(left.objects.len(), 1, "the volume is kept");
}

#[tokio::test]
async fn generations_that_revisions_need_stay() {
    let mut release = Release::new("shop");
    release.deploy(&app(SHOP)).await;
    let blue = release.last.iter().find(|object| object.id == ObjectId::from("config/web")).unwrap().clone();
    release.options.needed.insert((blue.id.clone(), blue.generation.clone().unwrap()));
    for color in ["green", "red", "black"] {
        release.deploy(&app(&SHOP.replace("blue", color))).await;
    }
    let observed = release.backend.observe(&release.scope, &[]).await.unwrap();
    let left = observed.generations(&blue.id).map(|live| live.object.generation.clone()).collect::<Vec<_>>();
    assert_eq!(left.len(), 3, "blue is needed, red is what the target would roll back to: {left:?}");
    assert!(left.contains(&blue.generation));
    let back = release.deploy(&app(SHOP)).await;
    assert_eq!(back, ["Await workload/db", "Update workload/web", "Collect config/web"]);
}

#[tokio::test]
async fn replica_counts_stay_and_other_drift_does_not() {
    let document = "kind: Workload\nname: web\nreplicas: 2\ncontainers: { web: { image: web:1 } }\n";
    let mut release = Release::new("shop");
    release.deploy(&app(document)).await;
    release.backend.scale(&release.scope, "web", 5).await.unwrap();
    let plan = release.plan(&release.last).await.unwrap();
    assert!(plan.is_empty());
    assert_eq!(plan.notes[0].text, "replicas stays at 5, as somebody set it (the chart says 2)");
    let two = document.replace("web:1", "web:2");
    assert_eq!(release.deploy(&app(&two)).await, ["Update workload/web"]);
    assert_eq!(release.backend.tasks(&release.scope, Some("web")).await.unwrap().len(), 5);
    let three = two.replace("replicas: 2", "replicas: 3");
    release.deploy(&app(&three)).await;
    assert_eq!(
        release.backend.tasks(&release.scope, None).await.unwrap().len(),
        3,
        "the chart changed its mind"
    );
}

#[tokio::test]
async fn jobs_run_once_for_each_content_and_again_when_they_failed() {
    let job = "kind: Workload\nname: migrate\nmode: job\ncontainers: { m: { image: m:1 } }\n";
    let mut release = Release::new("shop");
    assert_eq!(release.deploy(&app(job)).await, ["Create workload/migrate"]);
    assert_eq!(release.again().await, Vec::<String>::new());
    assert_eq!(release.deploy(&app(&job.replace("m:1", "m:2"))).await, ["Update workload/migrate"]);
    let failing = format!("{job}annotations: {{ memory.rhumb.dev/behaviour: 'crash:3' }}\n");
    let want = release.lower(&app(&failing)).unwrap();
    let plan = release.plan(&want).await.unwrap();
    let receipts = release.apply(&plan).await.unwrap();
    let health = release.backend.health(&release.scope, &receipts).await.unwrap();
    assert_eq!(health[0].state, State::Failed);
    assert_eq!(health[0].failure.as_ref().unwrap().exit_code, Some(3));
    let again = release.plan(&want).await.unwrap();
    assert_eq!(steps(&again), ["Replace workload/migrate"], "it failed, so it runs again");
}

#[tokio::test]
async fn modes_change_only_when_told() {
    let document = "kind: Workload\nname: web\ncontainers: { web: { image: web:1 } }\n";
    let mut release = Release::new("shop");
    release.deploy(&app(document)).await;
    let global = app(&format!("{document}mode: global\n"));
    let refused = release.plan(&release.lower(&global).unwrap()).await.unwrap_err();
    assert_eq!(refused.len(), 1);
    assert_eq!(
        refused[0].to_string(),
        "error: workload/web cannot be changed in place\n  --> workload/web\n  \
         why: mode: the mode of a workload is fixed when it is made; made anew: it is down until its new replicas are \
         ready\n  use: --replace workload/web to have it removed and made anew"
    );
    release.options.replace.insert(ObjectId::from("workload/web"));
    assert_eq!(release.deploy(&global).await, ["Replace workload/web"]);
    assert_eq!(release.again().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_anothers_is_refused_or_taken() {
    let document = app("kind: Volume\nname: data\n");
    let mut release = Release::new("shop");
    release.backend.provide("shop/volume/data", json!({ "kind": "Volume", "name": "data" })).unwrap();
    let refused = release.plan(&release.lower(&document).unwrap()).await.unwrap_err();
    assert_eq!(refused[0].why.as_deref(), Some("it belongs to no release"));
    release.options.take_ownership = true;
    assert_eq!(release.deploy(&document).await, ["Update volume/data"]);
    release.options.take_ownership = false;
    assert_eq!(release.again().await, Vec::<String>::new());
}

#[tokio::test]
async fn what_is_external_must_be_there_and_stays() {
    let documents = app("
kind: Workload
name: web
containers: { web: { image: web:1, mounts: { /data: { volume: data } } } }
---
kind: Volume
name: data
external: true
");
    let mut release = Release::new("shop");
    let refused = release.plan(&release.lower(&documents).unwrap()).await.unwrap_err();
    assert_eq!(refused.len(), 1, "{refused:?}");
    release.backend.provide("volume/data", json!({})).unwrap();
    assert_eq!(release.deploy(&documents).await, ["Create workload/web"]);
    assert_eq!(release.again().await, Vec::<String>::new());
    assert_eq!(release.deploy(&app("")).await, ["Delete workload/web"]);
    let there =
        release.backend.observe(&release.scope, &[ObjectId::from("external/volume/data")]).await.unwrap();
    assert_eq!(there.objects.len(), 1);
}

#[tokio::test]
async fn a_port_moves_from_one_workload_to_another() {
    let document = |name: &str| {
        app(&format!(
            "kind: Workload\nname: {name}\ncontainers: {{ a: {{ image: a, ports: {{ http: 80 }} }} }}\n\
             expose: {{ http: {{ port: 8080, as: node }} }}\n"
        ))
    };
    let mut release = Release::new("shop");
    release.deploy(&document("a-new")).await;
    assert_eq!(release.deploy(&document("b-new")).await, ["Delete workload/a-new", "Create workload/b-new"]);
    let other = Release::on(release.backend.clone(), "other");
    let plan = other.plan(&other.lower(&document("web")).unwrap()).await.unwrap();
    let error = other.apply(&plan).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot write (object other/workload/web): port 8080/tcp is taken by shop/workload/b-new"
    );
}

#[tokio::test]
async fn stale_versions_conflict() {
    let document = "kind: Workload\nname: web\ncontainers: { web: { image: web:1 } }\n";
    let mut release = Release::new("shop");
    release.deploy(&app(document)).await;
    let plan =
        release.plan(&release.lower(&app(&document.replace("web:1", "web:2"))).unwrap()).await.unwrap();
    release.backend.scale(&release.scope, "web", 3).await.unwrap();
    assert_eq!(release.apply(&plan).await.unwrap_err().kind, ErrorKind::Conflict);
}

#[tokio::test]
async fn trouble_comes_as_it_was_asked_for() {
    let release = Release::new("shop");
    let expect = [
        ("never-ready", State::Progressing, None),
        ("unpullable", State::Failed, Some("No such image: web:1")),
        ("unschedulable", State::Failed, Some("no suitable node")),
        ("crash:137", State::Failed, Some("it ended with exit code 137")),
    ];
    for (behaviour, state, reason) in expect {
        let document = format!(
            "kind: Workload\nname: web\nannotations: {{ memory.rhumb.dev/behaviour: '{behaviour}' }}\n\
             containers: {{ web: {{ image: web:1 }} }}\n"
        );
        let plan = release.plan(&release.lower(&app(&document)).unwrap()).await.unwrap();
        let receipts = release.apply(&plan).await.unwrap();
        let health = release.backend.health(&release.scope, &receipts).await.unwrap();
        assert_eq!(health[0].state, state, "{behaviour}");
        assert_eq!(health[0].failure.as_ref().map(|failure| failure.reason.as_str()), reason);
    }
    let unknown = "kind: Workload\nname: web\nlabels: { memory.rhumb.dev/behaviour: sulk }\ncontainers: { w: { image: w } }\n";
    assert_eq!(release.lower(&app(unknown)).unwrap_err().len(), 1);
}

#[tokio::test]
async fn what_is_slow_gets_ready_by_asking() {
    let release = Release::new("shop");
    let document = "kind: Workload\nname: web\nannotations: { memory.rhumb.dev/behaviour: 'slow:3' }\n\
                    containers: { web: { image: web:1 } }\n";
    let plan = release.plan(&release.lower(&app(document)).unwrap()).await.unwrap();
    let receipts = release.apply(&plan).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(release.backend.health(&release.scope, &receipts).await.unwrap()[0].state);
    }
    assert_eq!(seen, [State::Progressing, State::Progressing, State::Ready]);
    let restarted = release.backend.restart(&release.scope, "web").await.unwrap();
    let old = release.backend.health(&release.scope, &receipts).await.unwrap();
    assert_eq!(old[0].message, "another rollout is under way");
    assert_eq!(
        release.backend.health(&release.scope, &restarted).await.unwrap()[0].state,
        State::Progressing
    );
}

#[tokio::test]
async fn the_target_rolls_back_by_itself() {
    let document =
        "kind: Workload\nname: web\nupdate: { onFailure: rollback }\ncontainers: { web: { image: web:1 } }\n";
    let mut release = Release::new("shop");
    release.deploy(&app(document)).await;
    let bad = app(&format!("{document}annotations: {{ memory.rhumb.dev/behaviour: 'crash:1' }}\n"));
    let plan = release.plan(&release.lower(&bad).unwrap()).await.unwrap();
    let receipts = release.apply(&plan).await.unwrap();
    for _ in 0..2 {
        let health = release.backend.health(&release.scope, &receipts).await.unwrap();
        assert_eq!(health[0].state, State::Failed);
    }
    assert_eq!(release.again().await, Vec::<String>::new(), "what was there before is there again");
}

#[tokio::test]
async fn steps_may_be_repeated_after_any_crash() {
    let want = app(SHOP);
    for step in 1..=5 {
        for when in [When::Before, When::After] {
            let faults = Faults::default();
            let backend = MemoryBackend::in_memory();
            let dying = Release::on(FaultyBackend::new(backend.clone(), &faults), "shop");
            let plan = dying.plan(&dying.lower(&want).unwrap()).await.unwrap();
            faults.die(Call::Apply, step, when);
            dying.apply(&plan).await.unwrap_err();
            assert_eq!(
                dying.backend.observe(&dying.scope, &[]).await.unwrap_err().kind,
                ErrorKind::Cancelled
            );
            let mut next = Release::on(backend, "shop");
            // The whole plan again does no harm either.
            next.apply(&plan).await.unwrap();
            assert_eq!(next.deploy(&want).await, Vec::<String>::new(), "step {step}, {when:?}");
        }
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_neither_made_nor_removed() {
    let faults = Faults::default();
    let mut release = Release::on(FaultyBackend::new(MemoryBackend::in_memory(), &faults), "shop");
    release.deploy(&app(SHOP)).await;
    faults.hide(ObjectId::from("workload/web"), "the disk is on fire");
    for want in [release.last.clone(), Vec::new()] {
        let refused = release.plan(&want).await.unwrap_err();
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].why.as_deref(), Some("the disk is on fire"));
    }
}

#[tokio::test]
async fn of_secrets_only_a_hash_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state/memory.json");
    let mut release = Release::on(MemoryBackend::with_file(&file), "shop");
    let documents = app(
        "kind: Secret\nname: db\ndata: { password: 'sealed:one' }\ntemplate: { url: 'x://{password}' }\n",
    );
    release.deploy(&documents).await;
    let state = std::fs::read_to_string(&file).unwrap();
    assert!(!state.contains("material of one"), "{state}");
    assert!(state.contains("\"length\":15"), "{state}");
    let other =
        Release { last: release.last.clone(), ..Release::on(MemoryBackend::with_file(&file), "shop") };
    assert_eq!(other.again().await, Vec::<String>::new(), "another process sees the same");
    let missing = app("kind: Secret\nname: db\ndata: { password: 'sealed:missing' }\n");
    let plan = other.plan(&other.lower(&missing).unwrap()).await.unwrap();
    assert_eq!(other.apply(&plan).await.unwrap_err().kind, ErrorKind::MaterialMissing);
}

#[tokio::test]
async fn what_is_in_use_cannot_be_removed() {
    let mut release = Release::new("shop");
    release.deploy(&app(SHOP)).await;
    let mut plan = release.plan(&[]).await.unwrap();
    plan.steps.retain(|step| step.id.kind() == "config");
    assert_eq!(plan.steps[0].action, Action::Delete);
    let error = release.backend.apply(&release.scope, &plan.steps[0], &Named).await.unwrap_err();
    assert_eq!(error.message, "it is in use by shop/workload/web");
}

#[tokio::test]
async fn broken_state_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("memory.json");
    std::fs::write(&file, "{").unwrap();
    let release = Release::on(MemoryBackend::with_file(&file), "shop");
    let error = release.backend.observe(&release.scope, &[]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Corrupt);
}

#[tokio::test]
async fn logs_follow_until_nobody_listens() {
    let mut release = Release::new("shop");
    release
        .deploy(&app("kind: Workload\nname: web\nreplicas: 2\ncontainers: { web: { image: web:1 } }\n"))
        .await;
    let (sender, mut receiver) = tokio::sync::mpsc::channel(1);
    let query = LogQuery { workload: Some("web".to_owned()), follow: true, tail: Some(1), since: None };
    let backend = release.backend.clone();
    let scope = release.scope.clone();
    let logs = tokio::spawn(async move { backend.logs(&scope, &query, sender).await });
    assert_eq!(receiver.recv().await.unwrap().text, "web.1: ready");
    assert_eq!(receiver.recv().await.unwrap().text, "web.2: ready");
    assert!(!logs.is_finished());
    drop(receiver);
    logs.await.unwrap().unwrap();
    let unknown = LogQuery { workload: Some("nobody".to_owned()), ..LogQuery::default() };
    let (sender, _receiver) = tokio::sync::mpsc::channel(1);
    assert_eq!(
        release.backend.logs(&release.scope, &unknown, sender).await.unwrap_err().kind,
        ErrorKind::NotFound
    );
}

#[tokio::test]
async fn two_releases_do_not_see_each_other() {
    let mut one = Release::new("one");
    let mut two = Release::on(one.backend.clone(), "two");
    one.deploy(&app(SHOP)).await;
    two.deploy(&app(SHOP)).await;
    two.deploy(&app("")).await;
    assert_eq!(one.again().await, Vec::<String>::new());
    let objects: Vec<Object> = one.last.clone();
    assert_eq!(objects.len(), 5);
}
