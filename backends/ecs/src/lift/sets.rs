//! Services that are the replicas of one stateful workload: they are registered under one name, and numbered.

use std::collections::BTreeMap;

use rhumb_spec::model::{
    Container, EnvSource, EnvValue, Kind as Word, Mode, MountSource, SelfField, Workload,
};

use super::world::World;

/// Joins the services of each stateful workload again.
pub(super) fn join(world: &mut World) {
    let mut members: BTreeMap<String, u32> = BTreeMap::new();
    for set in world.registered.values() {
        let is_there = |index: u32| world.registered.get(&member(set, index)) == Some(set);
        let most = u32::try_from(world.registered.len()).unwrap_or(u32::MAX);
        let count = (0..=most).find(|index| !is_there(*index)).unwrap_or(most);
        if count > 0 {
            members.insert(set.clone(), count);
        }
    }
    for (set, count) in members {
        if !world.app.workloads.contains_key(&set) {
            join_one(&set, count, world);
        }
    }
}

fn member(set: &str, index: u32) -> String {
    format!("{set}-{index}")
}

fn join_one(set: &str, count: u32, world: &mut World) {
    let all: Option<Vec<Workload>> =
        (0..count).map(|index| world.app.workloads.get(&member(set, index)).cloned()).collect();
    let Some(all) = all else { return };
    let Some(mut joined) = all.first().cloned() else { return };
    joined.mode = Mode::Stateful;
    joined.replicas = Some(count).filter(|count| *count > 1);
    number(&mut joined, &all);
    let mut renamed: BTreeMap<String, String> = BTreeMap::new();
    for container in containers(&mut joined) {
        for mount in container.mounts.values_mut() {
            let MountSource::Volume { name } = &mut mount.source else { continue };
            let Some(own) = name.strip_suffix(&format!("-{}", member(set, 0))).map(str::to_owned) else {
                continue;
            };
            for index in 0..count {
                renamed.insert(format!("{own}-{}", member(set, index)), own.clone());
            }
            *name = own;
        }
    }
    for (each, own) in &renamed {
        if let Some(volume) = world.app.volumes.remove(each) {
            world.app.volumes.entry(own.clone()).or_insert(volume);
        }
    }
    for index in 0..count {
        world.app.workloads.remove(&member(set, index));
        retell(&Word::Workload.path(&member(set, index)), &Word::Workload.path(set), world);
    }
    for (each, own) in &renamed {
        retell(&Word::Volume.path(each), &Word::Volume.path(own), world);
    }
    for target in world.app.routes.values_mut().flat_map(|route| route.paths.values_mut()) {
        if (0..count).any(|index| target.workload == member(set, index)) {
            set.clone_into(&mut target.workload);
        }
    }
    world.app.workloads.insert(set.to_owned(), joined);
}

/// Variables that hold the number of each replica say so.
fn number(joined: &mut Workload, all: &[Workload]) {
    if all.len() < 2 {
        return;
    }
    let numbers = |container: &str, variable: &str| {
        all.iter().enumerate().all(|(index, workload)| {
            let own = workload.containers.get(container).or_else(|| workload.init_containers.get(container));
            let value = own.and_then(|container| container.env.get(variable));
            value == Some(&EnvValue::Text(index.to_string()))
        })
    };
    let named = joined.init_containers.iter_mut().chain(joined.containers.iter_mut());
    for (name, container) in named {
        for (variable, value) in &mut container.env {
            if numbers(name, variable) {
                *value = EnvValue::From(EnvSource::Own(SelfField::Ordinal));
            }
        }
    }
}

fn containers(workload: &mut Workload) -> impl Iterator<Item = &mut Container> {
    workload.init_containers.values_mut().chain(workload.containers.values_mut())
}

/// Tells of a document by its name of now.
fn retell(before: &str, now: &str, world: &mut World) {
    for account in &mut world.accounts {
        if account.document.as_deref() == Some(before) {
            account.document = Some(now.to_owned());
        }
    }
}
