//! Which step waits for which.

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
    connect_sequences(draft);
    connect_claims(scene, draft);
    connect_removals(scene, draft, &users);
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
    let mut awaited: BTreeSet<ObjectId> = BTreeSet::new();
    for at in 0..draft.steps.len() {
        let step = &draft.steps[at];
        match step.action {
            Action::Create | Action::Update | Action::Replace => {
                let ready = waits(&step.object).into_iter().filter(|(_, until)| *until == Until::Ready);
                awaited.extend(ready.map(|(id, _)| id));
                awaited.extend(sequence_predecessor(scene, &step.object, step.action));
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

/// The member before one that is made, which must be ready first even when nothing is done about it.
fn sequence_predecessor(scene: &Scene<'_>, object: &Object, action: Action) -> Option<ObjectId> {
    let place = object.sequence.as_ref().filter(|_| action == Action::Create)?;
    let is_before = |other: &&&Object| {
        other.sequence.as_ref().is_some_and(|of| of.set == place.set && of.index + 1 == place.index)
    };
    scene.want.values().find(is_before).map(|other| other.id.clone())
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

/// The members of a set with something to do: made upwards, then removed and then changed downwards.
fn connect_sequences(draft: &mut Draft) {
    let mut sets: BTreeMap<String, BTreeMap<(u8, i64), Vec<usize>>> = BTreeMap::new();
    for (at, step) in draft.steps.iter().enumerate() {
        let Some(place) = &step.object.sequence else { continue };
        let index = i64::from(place.index);
        let turn = match step.action {
            Action::Await => (0, index),
            Action::Create => (1, index),
            Action::Delete | Action::Collect => (2, -index),
            Action::Update | Action::Replace => (3, -index),
        };
        sets.entry(place.set.clone()).or_default().entry(turn).or_default().push(at);
    }
    for turns in sets.into_values() {
        let turns: Vec<Vec<usize>> = turns.into_values().collect();
        for pair in turns.windows(2) {
            for (first, then) in
                pair[0].iter().flat_map(|first| pair[1].iter().map(move |then| (*first, *then)))
            {
                if draft.steps[then].action != Action::Await {
                    draft.edge(first, then, Until::Ready);
                }
            }
        }
    }
}

/// Who gives up a name that only one can have goes before who takes it.
fn connect_claims(scene: &Scene<'_>, draft: &mut Draft) {
    let mut given: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut taken: Vec<(String, usize)> = Vec::new();
    for (at, step) in draft.steps.iter().enumerate() {
        let native = step.native.as_deref();
        let live = scene.live.get(&(&step.id, step.object.generation.as_deref()));
        let live = live.filter(|live| Some(live.native.as_str()) == native);
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

fn connect_removals(scene: &Scene<'_>, draft: &mut Draft, users: &Users<'_>) {
    let removals = draft.removals();
    let held_by = held_by(scene);
    for at in &removals {
        let (id, native) = (draft.steps[*at].id.clone(), draft.steps[*at].native.clone().unwrap_or_default());
        let mut before: BTreeSet<usize> = BTreeSet::new();
        if draft.steps[*at].action == Action::Collect {
            before.extend(users.get(&id).into_iter().flatten().filter_map(|user| draft.wanted(&user.id)));
        }
        for holder in held_by.get(native.as_str()).into_iter().flatten() {
            before.extend(draft.wanted(&holder.object.id).filter(|_| is_wanted(scene, holder)));
            before.extend(removal_of(draft, &removals, holder));
        }
        before.extend(last_users(scene, draft, &removals, &id));
        for first in before {
            let runs = draft.steps[first].object.workload.is_some();
            draft.edge(first, *at, if runs { Until::Ready } else { Until::Exists });
        }
    }
    let wishes = last_dependents(scene, draft, &removals);
    draft.soft_edges(wishes);
}

/// Who holds a native, by what was observed.
fn held_by<'a>(scene: &Scene<'a>) -> BTreeMap<&'a str, Vec<&'a Live>> {
    let mut held_by: BTreeMap<&str, Vec<&Live>> = BTreeMap::new();
    for live in scene.live.values() {
        for native in &live.holds {
            held_by.entry(native).or_default().push(live);
        }
    }
    held_by
}

fn is_wanted(scene: &Scene<'_>, live: &Live) -> bool {
    scene.want.get(&live.object.id).is_some_and(|want| want.generation == live.object.generation)
}

fn removal_of(draft: &Draft, removals: &[usize], live: &Live) -> Option<usize> {
    removals.iter().copied().find(|at| {
        draft.steps[*at].id == live.object.id
            && draft.steps[*at].native.as_deref() == Some(live.native.as_str())
    })
}

/// The steps of those that referred to an object in the last revision.
fn last_users(scene: &Scene<'_>, draft: &Draft, removals: &[usize], id: &ObjectId) -> Vec<usize> {
    let refer = scene.last.values().filter(|last| reference::targets(&last.body).contains(id));
    refer.flat_map(|last| steps_of(draft, removals, &last.id)).collect()
}

/// Who waited in the last revision for what goes now, goes or changes first.
fn last_dependents(scene: &Scene<'_>, draft: &Draft, removals: &[usize]) -> Vec<(usize, usize, Until)> {
    let mut wishes = Vec::new();
    for last in scene.last.values() {
        for after in &last.after {
            let gone = removals.iter().copied().filter(|at| draft.steps[*at].id == after.id);
            for then in gone {
                let first = steps_of(draft, removals, &last.id);
                wishes.extend(first.into_iter().map(|first| (first, then, Until::Ready)));
            }
        }
    }
    wishes
}

fn steps_of(draft: &Draft, removals: &[usize], id: &ObjectId) -> Vec<usize> {
    let removed = removals.iter().copied().filter(|at| draft.steps[*at].id == *id);
    draft.wanted(id).into_iter().chain(removed).collect()
}
