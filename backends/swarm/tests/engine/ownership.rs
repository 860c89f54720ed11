//! Objects of others, and of somebody in between.

use rhumb_backend::{Backend, ErrorKind, Retry, Scope};
use serde_json::json;

use crate::lab::Lab;

fn app() -> serde_json::Value {
    json!({ "workloads": { "web": { "containers": { "web": { "image": "rhumb-demo:1" } } } } })
}

#[tokio::test]
async fn what_belongs_to_another_release_is_seen_and_left_alone() {
    let Some(mut first) = Lab::open("swe-a").await else { return };
    first.deploy(&app()).await.unwrap();
    let want = first.lower(&app()).await;
    let ids: Vec<_> = want.iter().map(|object| object.id.clone()).collect();
    // The namespace `swe` with the release `a` has the same names on the swarm.
    let scope = Scope::new("swe", "a");
    let observed = first.swarm.observe(&scope, &ids).await.unwrap();
    let service = observed.objects.iter().find(|live| live.object.id.kind() == "service").unwrap();
    assert_eq!(
        service.foreign.as_deref(),
        Some("it belongs to the release swe-a in the namespace default"),
        "{observed:#?}"
    );
    first.uninstall().await;
}

#[tokio::test]
async fn an_update_of_what_changed_meanwhile_is_a_conflict() {
    let Some(mut lab) = Lab::open("swe-conflict").await else { return };
    lab.deploy(&app()).await.unwrap();
    let mut changed = app();
    changed["workloads"]["web"]["containers"]["web"]["image"] = json!("rhumb-demo:2");
    let want = lab.lower(&changed).await;
    let (observed, plan) = lab.plan(&want).await;
    lab.swarm.runtime().unwrap().scale(&lab.scope, "web", 2).await.unwrap();
    let error = lab.carry_out(&observed, &plan).await.unwrap_err();
    assert_eq!((error.kind, error.retry), (ErrorKind::Conflict, Retry::AfterRead), "{error}");
    let (observed, plan) = lab.plan(&want).await;
    let receipts = lab.carry_out(&observed, &plan).await.unwrap();
    let health = lab.wait(&receipts).await;
    assert_eq!(health[0].wanted, 2, "a number that somebody set stays: {health:#?}");
    lab.last = want;
    lab.uninstall().await;
}
