//! Secret values: given once, kept by the platform, and seen nowhere.

use rhumb_action::{ActionError, DeployOptions, ValueReuse};
use rhumb_backend::ErrorKind;
use rhumb_memory::MemoryStorage;
use rhumb_release::{EntryKind, Filter, Storage as _};

use crate::world::World;

const CANARY: &str = "canary-7f3a";

const CHART: &[(&str, &str)] = &[
    ("values.yaml", "password: \"\"\nimage: db:1\n"),
    (
        "values.schema.json",
        r#"{"type": "object", "properties": {"password": {"type": "string", "writeOnly": true}}}"#,
    ),
    (
        "templates/db.yaml",
        r#"kind: Secret
name: db
data: { password: {{ values.password | quote }} }
generate: { token: { length: 16 } }
template: { url: "pg://{password}@db" }
---
kind: Workload
name: db
containers:
  db:
    image: {{ values.image }}
    env: { PASSWORD: { secret: db, key: password }, TOKEN: { secret: db, key: token } }
"#,
    ),
];

#[tokio::test]
async fn no_secret_is_in_a_record_an_event_or_an_outcome() {
    let world = World::new();
    let deployed = world
        .install(world.inputs(CHART, &[&format!("password={CANARY}")]), DeployOptions::default())
        .await
        .unwrap();
    let record = world.record(1).await;
    let texts = [
        serde_json::to_string(&deployed).unwrap(),
        format!("{deployed:?}"),
        serde_json::to_string(&record).unwrap(),
        serde_json::to_string(&record.outcome).unwrap(),
        format!("{:?}", world.told()),
        format!("{:?}", world.there().await),
    ];
    for text in texts {
        assert!(!text.contains(CANARY), "{text}");
    }
    assert!(record.values.to_string().contains("$sealed"), "{}", record.values);
    let storage = MemoryStorage::beside(&world.backend);
    for kind in [EntryKind::Head, EntryKind::Chunk, EntryKind::Lease] {
        for entry in storage.list(kind, &Filter::default()).await.unwrap() {
            let entry = storage.read(&entry.key).await.unwrap().unwrap();
            assert!(!String::from_utf8_lossy(&entry.value).contains(CANARY));
        }
    }
}

#[tokio::test]
async fn a_secret_that_is_not_given_again_is_kept() {
    let world = World::new();
    world
        .install(world.inputs(CHART, &[&format!("password={CANARY}")]), DeployOptions::default())
        .await
        .unwrap();
    let upgraded = world.upgrade(world.inputs(CHART, &[]), DeployOptions::default()).await.unwrap();
    assert!(upgraded.plan.steps.is_empty(), "{:?}", upgraded.plan);
    let again = world.inputs(CHART, &[&format!("password={CANARY}")]);
    let upgraded = world.upgrade(again, DeployOptions::default()).await.unwrap();
    assert!(upgraded.plan.steps.is_empty(), "the same secret is the same: {:?}", upgraded.plan);
}

#[tokio::test]
async fn a_secret_that_is_nowhere_is_asked_for() {
    let world = World::new();
    world
        .install(world.inputs(CHART, &[&format!("password={CANARY}")]), DeployOptions::default())
        .await
        .unwrap();
    world.uninstall(|request| request.history = rhumb_action::HistoryAfter::Keep).await.unwrap();
    let error = world.rollback(None).await.unwrap_err();
    let ActionError::Backend(error) = error.root() else { panic!("{error}") };
    assert_eq!(error.kind, ErrorKind::MaterialMissing, "{error}");
    assert!(error.to_string().contains("`password`"), "{error}");
    let remedy = error.remedy.as_deref().unwrap_or_default();
    assert!(
        remedy.starts_with("`rhumb upgrade shop CHART --install`"),
        "a rollback takes no values: {remedy}"
    );
    assert!(world.ids().await.is_empty(), "it is asked for before anything is made");
    assert_eq!(world.history().await, [(1, "uninstalled".to_owned())], "and before anything is recorded");
    let request = rhumb_action::UpgradeRequest {
        name: "shop".to_owned(),
        inputs: world.inputs(CHART, &["password=other"]),
        values: ValueReuse::Reset,
        ..rhumb_action::UpgradeRequest::default()
    };
    let error = rhumb_action::upgrade(&world.context(&world.holder()), &request).await.unwrap_err();
    assert!(error.to_string().contains("was uninstalled"), "{error}");
    let request = rhumb_action::UpgradeRequest { absent: rhumb_action::IfAbsent::Install, ..request };
    rhumb_action::upgrade(&world.context(&world.holder()), &request).await.unwrap();
}

#[tokio::test]
async fn a_chart_with_a_secret_default_is_not_recorded() {
    let world = World::new();
    let brings: Vec<(&str, &str)> = CHART
        .iter()
        .map(|(name, text)| match *name {
            "values.yaml" => (*name, "password: canary-7f3a\nimage: db:1\n"),
            _ => (*name, *text),
        })
        .collect();
    world.install(world.inputs(&brings, &[]), DeployOptions::default()).await.unwrap();
    let record = world.record(1).await;
    assert!(record.source.is_none());
    assert!(!serde_json::to_string(&record).unwrap().contains(CANARY));
}

#[tokio::test]
async fn what_is_composed_of_generated_material_is_refused_before_anything_is_touched() {
    let chart: Vec<(&str, &str)> = CHART
        .iter()
        .map(|(name, text)| match *name {
            "templates/db.yaml" => (*name, COMPOSED),
            _ => (*name, *text),
        })
        .collect();
    let world = World::new();
    world.install(world.inputs(&chart, &["password=one"]), DeployOptions::default()).await.unwrap();
    let before = world.there().await;
    let error =
        world.upgrade(world.inputs(&chart, &["password=two"]), DeployOptions::default()).await.unwrap_err();
    let ActionError::Backend(error) = &error else { panic!("{error}") };
    assert!(error.remedy.as_ref().is_some_and(|remedy| remedy.contains("rotation")), "{error:?}");
    assert_eq!(world.there().await, before);
    assert_eq!(world.history().await.len(), 1);
}

const COMPOSED: &str = r#"kind: Secret
name: db
data: { password: {{ values.password | quote }} }
generate: { token: { length: 16 } }
template: { url: "pg://{password}:{token}@db" }
---
kind: Workload
name: db
containers:
  db:
    image: {{ values.image }}
    env: { URL: { secret: db, key: url } }
"#;
