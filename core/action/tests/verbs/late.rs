//! A platform that does not answer any more: a command ends soon after its time is up, and says what is recorded.

use std::time::Duration;

use rhumb_action::{ActionError, DeployOptions, OnFailure};
use rhumb_memory::faults::Silence;
use tokio::time::Instant;

use crate::world::{SHOP, World, waiting};

const TIMEOUT: Duration = Duration::from_secs(10);
/// What a command may take beyond its timeout: a call that is under way, and the record of how it ended.
const BEYOND: Duration = Duration::from_secs(25);

fn options(on_failure: OnFailure) -> DeployOptions {
    DeployOptions { timeout: TIMEOUT, on_failure, ..waiting() }
}

/// Upgrades a release while the platform falls silent after so many calls; says whether it was too many.
async fn upgrade_into(silence: Silence, after: usize, on_failure: OnFailure) -> bool {
    let world = World::new();
    world.install(world.shop(), waiting()).await.unwrap();
    world.faults.fall_silent(after, silence);
    let start = Instant::now();
    let ended = world.upgrade(world.inputs(SHOP, &["image=web:2"]), options(on_failure)).await;
    let at = format!("{silence:?} after {after} calls");
    // Twice the time, where what failed is taken back.
    let all = if on_failure == OnFailure::TakeBack { TIMEOUT * 2 + BEYOND } else { TIMEOUT + BEYOND };
    assert!(start.elapsed() < all, "{at}: it took {:?}", start.elapsed());
    let was_silent = ended.is_err();
    let unfinished = world.heads().await.last().unwrap().status.is_pending();
    if let Err(ActionError::Failed(failed)) = ended {
        assert_eq!(failed.unrecorded.is_some(), unfinished, "{at}: {failed:?}");
    }
    world.new_process();
    world.upgrade(world.inputs(SHOP, &["image=web:3"]), waiting()).await.unwrap();
    assert_eq!(world.heads().await.last().unwrap().status.to_string(), "deployed", "{at}");
    was_silent
}

async fn upgrade_into_each(silence: Silence, on_failure: OnFailure) {
    let mut after = 0;
    while upgrade_into(silence, after, on_failure).await {
        after += 1;
    }
    assert!(after > 10, "an upgrade makes more than {after} calls");
}

#[tokio::test(start_paused = true)]
async fn refused_connections_end_an_upgrade_in_time() {
    upgrade_into_each(Silence::Refuses, OnFailure::Leave).await;
}

#[tokio::test(start_paused = true)]
async fn calls_that_hang_end_an_upgrade_in_time() {
    upgrade_into_each(Silence::Hangs, OnFailure::Leave).await;
}

#[tokio::test(start_paused = true)]
async fn taking_back_ends_in_time_as_well() {
    upgrade_into_each(Silence::Refuses, OnFailure::TakeBack).await;
    upgrade_into_each(Silence::Hangs, OnFailure::TakeBack).await;
}

#[tokio::test(start_paused = true)]
async fn an_uninstall_ends_in_time() {
    for silence in [Silence::Refuses, Silence::Hangs] {
        let mut after = 0;
        loop {
            let world = World::new();
            world.install(world.shop(), waiting()).await.unwrap();
            world.faults.fall_silent(after, silence);
            let start = Instant::now();
            let ended = world.uninstall(|request| request.timeout = TIMEOUT).await;
            assert!(start.elapsed() < TIMEOUT + BEYOND, "{after}: {:?}", start.elapsed());
            world.new_process();
            let left = world.uninstall(|request| request.absent = rhumb_action::IgnoreAbsent::Ignore).await;
            left.unwrap();
            assert!(world.ids().await.is_empty() && world.heads().await.is_empty());
            if ended.is_ok() {
                break;
            }
            after += 1;
        }
        assert!(after > 5, "an uninstall makes more than {after} calls");
    }
}
