//! One release on several targets at once.

use rhumb_action::{
    ActionError, Deployment, Execution, Fate, InstallRequest, UpgradeRequest, deploy_on_all, deploy_on_each,
};
use rhumb_backend::ErrorKind;
use rhumb_memory::faults::Call;

use crate::world::{SHOP, World, waiting};

/// Two targets with nothing on them.
fn worlds() -> [World; 2] {
    [World::new(), World::new()]
}

fn install(world: &World) -> Deployment {
    let request = InstallRequest { name: "shop".to_owned(), inputs: world.shop(), options: waiting() };
    Deployment::Install(request)
}

fn upgrade(world: &World, set: &[&str]) -> Deployment {
    let inputs = world.inputs(SHOP, set);
    let options = waiting();
    Deployment::Upgrade(UpgradeRequest {
        name: "shop".to_owned(),
        inputs,
        options,
        ..UpgradeRequest::default()
    })
}

async fn on_all(worlds: &[World; 2], deployment: &Deployment) -> Vec<Fate> {
    let holders = [worlds[0].holder(), worlds[1].holder()];
    let contexts = [worlds[0].context(&holders[0]), worlds[1].context(&holders[1])];
    deploy_on_all(&contexts, deployment).await
}

#[tokio::test]
async fn what_fails_on_one_leaves_the_other() {
    let worlds = worlds();
    worlds[1].faults.fail(Call::Apply, 1, ErrorKind::Forbidden);
    let holders = [worlds[0].holder(), worlds[1].holder()];
    let contexts = [worlds[0].context(&holders[0]), worlds[1].context(&holders[1])];
    let fates = deploy_on_each(&contexts, &install(&worlds[0])).await;
    assert!(matches!(&fates[..], [Fate::Done(_), Fate::Failed(_)]), "{fates:?}");
    assert_eq!(worlds[0].history().await, [(1, "deployed".to_owned())]);
    assert_eq!(worlds[1].history().await, [(1, "failed".to_owned())]);
}

#[tokio::test]
async fn an_install_on_all_that_fails_on_one_leaves_nothing_on_the_other() {
    let worlds = worlds();
    worlds[1].faults.fail(Call::Apply, 2, ErrorKind::Forbidden);
    let fates = on_all(&worlds, &install(&worlds[0])).await;
    assert!(matches!(&fates[..], [Fate::TakenBack { to: None, .. }, Fate::Failed(_)]), "{fates:?}");
    assert!(worlds[0].ids().await.is_empty());
    assert!(worlds[0].history().await.is_empty());
    assert!(worlds[1].ids().await.is_empty(), "what failed is taken back, too");
}

#[tokio::test]
async fn an_upgrade_on_all_that_fails_on_one_brings_the_other_back() {
    let worlds = worlds();
    for world in &worlds {
        world.install(world.shop(), waiting()).await.unwrap();
    }
    let first = worlds[0].there().await;
    worlds[1].new_process();
    worlds[1].faults.fail(Call::Apply, 1, ErrorKind::Forbidden);
    let fates = on_all(&worlds, &upgrade(&worlds[0], &["image=web:2"])).await;
    assert!(matches!(&fates[..], [Fate::TakenBack { to: Some(1), .. }, Fate::Failed(_)]), "{fates:?}");
    assert_eq!(worlds[0].there().await, first);
    let statuses: Vec<String> = worlds[0].history().await.into_iter().map(|(_, status)| status).collect();
    assert_eq!(statuses, ["superseded", "superseded", "deployed"]);
}

#[tokio::test]
async fn nothing_is_begun_where_one_would_refuse() {
    let worlds = worlds();
    worlds[1].install(worlds[1].shop(), waiting()).await.unwrap();
    let fates = on_all(&worlds, &install(&worlds[0])).await;
    let [Fate::NotBegun, Fate::Failed(error)] = &fates[..] else { panic!("{fates:?}") };
    assert!(matches!(**error, ActionError::AlreadyExists { .. }), "{error}");
    assert!(worlds[0].history().await.is_empty());
    assert_eq!(worlds[0].faults.count(Call::Apply), 0);
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_told() {
    let worlds = worlds();
    worlds[1].faults.fail(Call::Apply, 1, ErrorKind::Forbidden);
    // Three creates come first, and the uninstall's first removal is the fourth write.
    worlds[0].faults.fail(Call::Apply, 4, ErrorKind::Forbidden);
    let fates = on_all(&worlds, &install(&worlds[0])).await;
    assert!(matches!(&fates[..], [Fate::Stays { .. }, Fate::Failed(_)]), "{fates:?}");
    assert_eq!(worlds[0].ids().await.len(), 3);
}

#[tokio::test]
async fn a_dry_run_on_all_only_shows() {
    let worlds = worlds();
    let mut deployment = install(&worlds[0]);
    if let Deployment::Install(request) = &mut deployment {
        request.options.execution = Execution::DryRun;
    }
    let fates = on_all(&worlds, &deployment).await;
    assert!(matches!(&fates[..], [Fate::Done(_), Fate::Done(_)]), "{fates:?}");
    assert!(worlds[0].history().await.is_empty());
}
