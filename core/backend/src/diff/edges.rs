//! Which step waits for which.

mod removals;

use std::collections::{BTreeMap, BTreeSet};

use super::decide::step;
use super::draft::Draft;
use super::scene::Scene;
use crate::{Action, Live, Object, ObjectId, Ownership, Until, reference};

/// Adds every edge, and the steps that only await.
pub(super) fn connect(scene: &Scene<'_>, draft: &mut Draft) {
    let users = users(scene);
    add_awaits(scene, draft, &users);
    connect_wanted(scene, draft);
    connect_sequences(scene, draft);
    removals::connect(scene, draft, &users);
    connect_claims(scene, draft);
}

/// Who refers to an object, among the wanted.
type Users<'a> = BTreeMap<ObjectId, Vec<&'a Object>>;

fn users<'a>(scene: &Scene<'a>) -> Users<'a> {
    let mut users = Users::new();
    for want in scene.want.values() {
        for target in reference::targets(&want.body) {
            users.entry(target).or_default().push(*want);
        }
    }
    users
}

/// What a wanted object waits for: what it refers to, and what it says itself.
fn waits(want: &Object) -> BTreeMap<ObjectId, Until> {
    let mut waits: BTreeMap<ObjectId, Until> =
        reference::targets(&want.body).into_iter().map(|target| (target, Until::Exists)).collect();
    for after in &want.after {
        let until = waits.entry(after.id.clone()).or_insert(after.until);
        *until = after.until.max(*until);
    }
    waits
}

fn add_awaits(scene: &Scene<'_>, draft: &mut Draft, users: &Users<'_>) {
    let members = members(scene);
    let mut awaited: BTreeSet<ObjectId> = BTreeSet::new();
    for step in &draft.steps {
        match step.action {
            Action::Create | Action::Update | Action::Replace => {
                let ready = waits(&step.object).into_iter().filter(|(_, until)| *until == Until::Ready);
                awaited.extend(ready.map(|(id, _)| id));
                awaited.extend(
                    predecessors(&members, &step.object, step.action).map(|member| member.id.clone()),
                );
            }
            Action::Collect => {
                let running =
                    users.get(&step.id).into_iter().flatten().filter(|user| user.workload.is_some());
                awaited.extend(running.map(|user| user.id.clone()));
            }
            Action::Delete | Action::Await => {}
        }
    }
    for id in awaited {
        let Some(want) = scene.want.get(&id).filter(|want| want.ownership != Ownership::External) else {
            continue;
        };
        if draft.wanted(&id).is_none() && !has_succeeded(scene, want) {
            draft.push(step(want, Action::Await, scene.live_of(want)));
        }
    }
}

fn has_succeeded(scene: &Scene<'_>, want: &Object) -> bool {
    let live = scene.live_of(want);
    let says_so = |live: &Live| live.outputs.get(Live::JOB).is_some_and(|state| state == Live::JOB_SUCCEEDED);
    scene.is_done(want) || (want.once.is_some() && live.is_some_and(says_so))
}

fn connect_wanted(scene: &Scene<'_>, draft: &mut Draft) {
    for at in 0..draft.steps.len() {
        if draft.is_removal(at) {
            continue;
        }
        let Some(want) = scene.want.get(&draft.steps[at].id) else { continue };
        for (target, until) in waits(want) {
            if let Some(first) = draft.wanted(&target) {
                draft.edge(first, at, until);
            }
        }
    }
}

/// The wanted members of sets, by set and place.
type Members<'a> = BTreeMap<(&'a str, u32), Vec<&'a Object>>;

fn members<'a>(scene: &Scene<'a>) -> Members<'a> {
    let mut members = Members::new();
    for want in scene.want.values() {
        if let Some(place) = &want.sequence {
            members.entry((&place.set, place.index)).or_default().push(*want);
        }
    }
    members
}

/// The member before one that is made, which must be ready first even when nothing is done about it.
fn predecessors<'m, 'a: 'm>(
    members: &'m Members<'a>,
    object: &'m Object,
    action: Action,
) -> impl Iterator<Item = &'a Object> + use<'m, 'a> {
    let place = object.sequence.as_ref().filter(|_| action == Action::Create);
    let before = place.and_then(|place| Some((place.set.as_str(), place.index.checked_sub(1)?)));
    before.and_then(|before| members.get(&before)).into_iter().flatten().copied()
}

/// The members of a set with something to do: made upwards, then removed and then changed downwards.
fn connect_sequences(scene: &Scene<'_>, draft: &mut Draft) {
    let members = members(scene);
    let mut sets: BTreeMap<String, BTreeMap<(u8, i64), Vec<usize>>> = BTreeMap::new();
    let mut edges = Vec::new();
    for (at, step) in draft.steps.iter().enumerate() {
        let Some(place) = &step.object.sequence else { continue };
        edges.extend(predecessors(&members, &step.object, step.action).map(|member| (member.id.clone(), at)));
        let turn = match step.action {
            Action::Await => continue,
            Action::Create => (0, i64::from(place.index)),
            Action::Delete | Action::Collect => (1, -i64::from(place.index)),
            Action::Update | Action::Replace => (2, -i64::from(place.index)),
        };
        sets.entry(place.set.clone()).or_default().entry(turn).or_default().push(at);
    }
    for (member, then) in edges {
        let first = draft.wanted(&member).filter(|first| draft.steps[*first].action == Action::Await);
        if let Some(first) = first {
            draft.edge(first, then, Until::Ready);
        }
    }
    for turns in sets.into_values() {
        let turns: Vec<Vec<usize>> = turns.into_values().collect();
        for pair in turns.windows(2) {
            for (first, then) in
                pair[0].iter().flat_map(|first| pair[1].iter().map(move |then| (*first, *then)))
            {
                draft.edge(first, then, Until::Ready);
            }
        }
    }
}

/// Who gives up a name that only one can have goes before who takes it.
fn connect_claims(scene: &Scene<'_>, draft: &mut Draft) {
    let mut given: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut taken: Vec<(String, usize)> = Vec::new();
    for (at, step) in draft.steps.iter().enumerate() {
        let live = scene.live.get(&(&step.id, step.object.generation.as_deref()));
        let now = live.map(|live| scene.backend.claims(&live.object)).unwrap_or_default();
        let next = match step.action {
            Action::Create | Action::Update | Action::Replace => scene.backend.claims(&step.object),
            Action::Await => now.clone(),
            Action::Delete | Action::Collect => BTreeSet::new(),
        };
        for claim in now.difference(&next) {
            given.entry(claim.clone()).or_default().push(at);
        }
        taken.extend(next.difference(&now).map(|claim| (claim.clone(), at)));
    }
    let wishes = taken.iter().flat_map(|(claim, then)| {
        given.get(claim).into_iter().flatten().map(|first| (*first, *then, Until::Exists))
    });
    draft.soft_edges(wishes.collect());
}
