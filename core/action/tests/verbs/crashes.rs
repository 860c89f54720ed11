//! A process that is killed at any moment leaves a release that the next command can work with.

use rhumb_action::{
    ActionError, DeployOptions, Event, HistoryAfter, IgnoreAbsent, UpgradeRequest, ValueReuse,
};
use rhumb_backend::Object;
use rhumb_memory::MemoryStorage;
use rhumb_memory::faults::{Call, When};
use rhumb_release::{EntryKind, Filter, Storage as _};

use crate::world::{SHOP, World};

/// The calls at which a process may die while something is changed.
const WRITES: [Call; 4] = [Call::Apply, Call::StorageCreate, Call::StorageUpdate, Call::StorageDelete];

/// What a release is once everything is done, made without any trouble.
async fn expected(set: &[&str]) -> Vec<Object> {
    let world = World::new();
    world.install(world.inputs(SHOP, set), DeployOptions::default()).await.unwrap();
    world.there().await
}

/// Runs `work` in processes that die at each of their writes in turn, before and after it was carried out, until one
/// lives. After each death, `after` is run by a new process.
async fn die_everywhere(work: impl AsyncFn(&World) -> bool, after: impl AsyncFn(&World, String)) {
    for call in WRITES {
        for when in [When::Before, When::After] {
            for nth in 1.. {
                let world = World::new();
                if !dies(&world, call, nth, when, &work).await {
                    assert!(nth > 1 || call == Call::StorageDelete, "{call:?} is called at least once");
                    break;
                }
                after(&world, format!("{call:?} {nth} {when:?}")).await;
            }
        }
    }
}

async fn dies(
    world: &World,
    call: Call,
    nth: usize,
    when: When,
    work: &impl AsyncFn(&World) -> bool,
) -> bool {
    world.faults.die(call, nth, when);
    let is_done = work(world).await;
    let died = world.faults.count(call) >= nth;
    world.new_process();
    world.told();
    assert!(is_done || died, "only a death keeps it from being done");
    died
}

async fn check_history(world: &World, context: &str) {
    let history = world.history().await;
    let newest = history.last().unwrap().0;
    let oldest = history[0].0;
    let revisions: Vec<u64> = history.iter().map(|(revision, _)| *revision).collect();
    assert_eq!(revisions, (oldest..=newest).collect::<Vec<_>>(), "{context}: no gap and no double");
    let deployed: Vec<u64> =
        history.iter().filter(|(_, status)| status == "deployed").map(|(revision, _)| *revision).collect();
    assert_eq!(deployed, [newest], "{context}: {history:?}");
    assert!(!history.iter().any(|(_, status)| status.starts_with("pending")), "{context}: {history:?}");
}

#[tokio::test]
async fn an_install_that_dies_anywhere_can_be_installed_again() {
    let want = expected(&["text=b"]).await;
    die_everywhere(
        async |world| world.install(world.shop(), DeployOptions::default()).await.is_ok(),
        async |world, context| {
            let recorded = world.history().await.last().cloned();
            let again = match &recorded {
                Some((_, status)) if status == "deployed" => {
                    world.upgrade(world.inputs(SHOP, &["text=b"]), DeployOptions::default()).await
                }
                _ => world.install(world.inputs(SHOP, &["text=b"]), DeployOptions::default()).await,
            };
            again.unwrap_or_else(|error| panic!("{context}: {error}"));
            check_history(world, &context).await;
            if matches!(&recorded, Some((_, status)) if status == "pending-install") {
                let left = world.told().into_iter().any(|event| matches!(event, Event::Left(_)));
                assert!(left, "{context}: what was left is told");
                assert_eq!(workloads(world.there().await), workloads(want.clone()), "{context}");
            }
        },
    )
    .await;
}

fn workloads(objects: Vec<Object>) -> Vec<Object> {
    objects.into_iter().filter(|object| object.id.kind() == "workload").collect()
}

#[tokio::test]
async fn an_upgrade_that_dies_anywhere_can_be_finished_undone_or_removed() {
    let one = expected(&[]).await;
    let other = expected(CHANGED).await;
    die_everywhere(install_and_upgrade, async |world, context| {
        if world.history().await.is_empty() {
            return;
        }
        world
            .upgrade(world.inputs(SHOP, CHANGED), DeployOptions::default())
            .await
            .unwrap_or_else(|error| panic!("{context}: {error}"));
        check_history(world, &context).await;
        assert_eq!(workloads(world.there().await), workloads(other.clone()), "{context}: upgraded again");
    })
    .await;
    die_everywhere(install_and_upgrade, async |world, context| {
        let is_deployed = world.history().await.iter().any(|(_, status)| status == "deployed");
        if !is_deployed {
            return;
        }
        world.rollback(Some(1)).await.unwrap_or_else(|error| panic!("{context}: {error}"));
        check_history(world, &context).await;
        assert_eq!(workloads(world.there().await), workloads(one.clone()), "{context}: rolled back");
    })
    .await;
    die_everywhere(install_and_upgrade, async |world, context| {
        if world.history().await.is_empty() {
            return;
        }
        world.uninstall(|_| {}).await.unwrap_or_else(|error| panic!("{context}: {error}"));
        assert!(world.ids().await.is_empty(), "{context}: {:?}", world.ids().await);
        assert!(world.history().await.is_empty(), "{context}");
    })
    .await;
}

const CHANGED: &[&str] = &["image=web:2", "replicas=5", "text=other"];

async fn install_and_upgrade(world: &World) -> bool {
    let installed = world.install(world.shop(), DeployOptions::default()).await;
    installed.is_ok() && world.upgrade(world.inputs(SHOP, CHANGED), DeployOptions::default()).await.is_ok()
}

#[tokio::test]
async fn an_uninstall_that_dies_anywhere_can_be_finished_or_undone() {
    let want = expected(&[]).await;
    for history in [HistoryAfter::Remove, HistoryAfter::Keep] {
        let work = async |world: &World| {
            let installed = world.install(world.shop(), DeployOptions::default()).await;
            installed.is_ok() && world.uninstall(|request| request.history = history).await.is_ok()
        };
        die_everywhere(work, async |world, context| {
            match world.uninstall(|_| {}).await {
                Ok(_) | Err(ActionError::NotFound { .. }) => {}
                Err(error) => panic!("{context}: {error}"),
            }
            assert!(world.ids().await.is_empty(), "{context}");
            assert!(world.history().await.is_empty(), "{context}");
        })
        .await;
        die_everywhere(work, async |world, context| {
            let request = UpgradeRequest {
                name: "shop".to_owned(),
                inputs: world.shop(),
                values: ValueReuse::Reset,
                absent: rhumb_action::IfAbsent::Install,
                options: DeployOptions::default(),
            };
            let holder = world.holder();
            let upgraded = rhumb_action::upgrade(&world.context(&holder), &request).await;
            upgraded.unwrap_or_else(|error| panic!("{context}: {error}"));
            assert_eq!(world.there().await, want, "{context}");
            check_history_ends_deployed(world, &context).await;
        })
        .await;
    }
}

async fn check_history_ends_deployed(world: &World, context: &str) {
    let history = world.history().await;
    assert_eq!(history.last().map(|(_, status)| status.as_str()), Some("deployed"), "{context}: {history:?}");
}

#[tokio::test]
async fn what_died_before_its_first_record_leaves_nothing_to_an_uninstall() {
    for nth in 2..=3 {
        let world = World::new();
        world.faults.die(Call::StorageCreate, nth, When::Before);
        world.install(world.shop(), DeployOptions::default()).await.unwrap_err();
        world.new_process();
        world.uninstall(|request| request.absent = IgnoreAbsent::Ignore).await.unwrap();
        let storage = MemoryStorage::beside(&world.backend);
        for kind in [EntryKind::Lease, EntryKind::Chunk, EntryKind::Head] {
            let left = storage.list(kind, &Filter::default()).await.unwrap();
            assert!(left.is_empty(), "{nth}: {left:?}");
        }
    }
}
