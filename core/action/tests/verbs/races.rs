//! Several commands at once.

use std::sync::Arc;

use rhumb_action::{ActionError, DeployOptions, UpgradeRequest};
use rhumb_memory::MemoryStorage;
use rhumb_release::{Acquire, Lease};

use crate::world::{EverybodyIsGone, SHOP, World, scope, waiting};

#[tokio::test]
async fn of_two_upgrades_at_once_one_wins_and_the_other_says_who() {
    for round in 0..8 {
        let world = World::new();
        world.install(world.shop(), DeployOptions::default()).await.unwrap();
        let (first, second) = (world.holder(), world.second_process());
        let request = |image: &str| UpgradeRequest {
            name: "shop".to_owned(),
            inputs: world.inputs(SHOP, &[&format!("image={image}"), "mode=slow:3"]),
            options: waiting(),
            ..UpgradeRequest::default()
        };
        let (one, other) = (request("web:2"), request("web:3"));
        let (one_context, other_context) = (world.context(&first), world.context(&second));
        let results = tokio::join!(
            rhumb_action::upgrade(&one_context, &one),
            rhumb_action::upgrade(&other_context, &other),
        );
        let results = [results.0, results.1];
        let won = results.iter().filter(|result| result.is_ok()).count();
        let busy = results.iter().find_map(|result| match result {
            Err(ActionError::Busy { holder, .. }) => Some(holder.to_string()),
            _ => None,
        });
        assert_eq!(won, 1, "round {round}: {results:?}");
        assert!(busy.is_some_and(|holder| holder.contains("user@host with `rhumb")), "{results:?}");
        let revisions: Vec<u64> = world.history().await.into_iter().map(|(revision, _)| revision).collect();
        assert_eq!(revisions, [1, 2]);
    }
}

#[tokio::test]
async fn upgrades_in_several_tasks_leave_a_history_without_gap_or_double() {
    let world = World::new();
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    let holders: Vec<_> = (0..6).map(|_| world.second_process()).collect();
    let inputs = world.inputs(SHOP, &["image=web:2"]);
    let request = UpgradeRequest {
        name: "shop".to_owned(),
        inputs,
        options: DeployOptions::default(),
        ..UpgradeRequest::default()
    };
    let contexts: Vec<_> = holders.iter().map(|holder| world.context(holder)).collect();
    let results = futures_util::future::join_all(
        contexts.iter().map(|context| rhumb_action::upgrade(context, &request)),
    )
    .await;
    let done = results.iter().filter(|result| result.is_ok()).count() as u64;
    assert!(done >= 1);
    for error in results.into_iter().filter_map(Result::err) {
        assert!(matches!(error, ActionError::Busy { .. }), "{error}");
    }
    let history = world.history().await;
    let revisions: Vec<u64> = history.iter().map(|(revision, _)| *revision).collect();
    assert_eq!(revisions, (1..=done + 1).collect::<Vec<_>>());
    assert_eq!(history.iter().filter(|(_, status)| status == "deployed").count(), 1);
}

#[tokio::test]
async fn a_lease_that_somebody_takes_over_ends_the_upgrade_and_leaves_the_record_to_them() {
    let world = World::new();
    world.install(world.shop(), DeployOptions::default()).await.unwrap();
    let upgrade = world.upgrade(world.inputs(SHOP, &["mode=slow:6"]), waiting());
    let thief = async {
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        let holder = world.second_process();
        let storage = Arc::new(MemoryStorage::beside(&world.backend));
        Lease::acquire(storage, &scope(), &Acquire::new(&holder, &EverybodyIsGone)).await.unwrap();
    };
    let (result, ()) = tokio::join!(upgrade, thief);
    let error = result.unwrap_err();
    assert!(matches!(error.root(), ActionError::LostLease { .. }), "{error}");
    assert_eq!(
        world.history().await[1].1,
        "pending-upgrade",
        "what becomes of it is for the new holder to say"
    );
}
