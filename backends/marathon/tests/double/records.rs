//! Records of releases in suspended apps.

use rhumb_marathon::MarathonStorage;
use rhumb_release::drivers::conformance;
use rhumb_release::{EntryKind, Filter, Key, Meta, Storage};

use crate::lab::lab;

#[tokio::test]
async fn suspended_apps_are_storage() {
    let lab = lab();
    conformance::check(&MarathonStorage::new(&lab.marathon)).await;
    lab.is_sound();
}

#[tokio::test]
async fn records_run_nothing_take_no_ports_and_leave_nothing() {
    let lab = lab();
    let storage = MarathonStorage::new(&lab.marathon);
    let key = Key {
        kind: EntryKind::Head,
        namespace: "default".to_owned(),
        release: "shop".to_owned(),
        name: "1".to_owned(),
    };
    let version = storage.create(&key, &Meta::new(), b"value").await.unwrap();
    storage
        .update(&key, &Meta::from([("status".to_owned(), "deployed".to_owned())]), &version)
        .await
        .unwrap();
    let state = lab.double.state();
    assert_eq!(state["instances"].as_array().map(Vec::len), Some(0), "{state}");
    let specs: Vec<&str> = state["specs"].as_array().unwrap().iter().filter_map(|id| id.as_str()).collect();
    for id in &specs {
        let app = lab.double.spec(id).unwrap();
        assert_eq!(
            (&app["instances"], &app["portDefinitions"]),
            (&0.into(), &serde_json::json!([])),
            "{app}"
        );
    }
    assert!(specs.len() >= 2, "the entry and its link");
    storage.delete(&key).await.unwrap();
    assert_eq!(storage.list(EntryKind::Head, &Filter::default()).await.unwrap(), []);
    let state = lab.double.state();
    assert_eq!(state["specs"].as_array().map(Vec::len), Some(0));
    assert!(!state["groups"].to_string().contains("/rhumb/records/head/default/shop"), "{state}");
}
