//! For whom a removal waits.

use std::collections::{BTreeMap, BTreeSet};

use super::Users;
use crate::diff::draft::Draft;
use crate::diff::scene::Scene;
use crate::{Action, Live, ObjectId, Until, reference};

/// Puts each removal after those who use what goes, and after the users of what takes its place are ready.
pub(super) fn connect(scene: &Scene<'_>, draft: &mut Draft, users: &Users<'_>) {
    let removed = Removed::of(draft);
    let held_by = held_by(scene);
    let last_users = last_users(scene);
    for (at, id) in &removed.steps {
        let native = draft.steps[*at].native.clone().unwrap_or_default();
        let mut before: BTreeSet<usize> = BTreeSet::new();
        if draft.steps[*at].action == Action::Collect {
            before.extend(users.get(id).into_iter().flatten().filter_map(|user| draft.wanted(&user.id)));
        }
        for holder in held_by.get(native.as_str()).into_iter().flatten() {
            before.extend(draft.wanted(&holder.object.id).filter(|_| scene.is_wanted(holder)));
            before.extend(removed.by_native.get(&holder.native).into_iter().flatten());
        }
        let users = last_users.get(id).into_iter().flatten();
        before.extend(users.flat_map(|user| removed.steps_of(draft, user)));
        for first in before {
            let runs = draft.steps[first].object.workload.is_some();
            draft.edge(first, *at, if runs { Until::Ready } else { Until::Exists });
        }
    }
    let wishes = last_dependents(scene, draft, &removed);
    draft.soft_edges(wishes);
}

/// The removals, by what they remove.
struct Removed {
    steps: Vec<(usize, ObjectId)>,
    by_id: BTreeMap<ObjectId, Vec<usize>>,
    by_native: BTreeMap<String, Vec<usize>>,
}

impl Removed {
    fn of(draft: &Draft) -> Self {
        let mut removed = Self { steps: Vec::new(), by_id: BTreeMap::new(), by_native: BTreeMap::new() };
        for (at, step) in draft.steps.iter().enumerate().filter(|(at, _)| draft.is_removal(*at)) {
            removed.steps.push((at, step.id.clone()));
            removed.by_id.entry(step.id.clone()).or_default().push(at);
            if let Some(native) = &step.native {
                removed.by_native.entry(native.clone()).or_default().push(at);
            }
        }
        removed
    }

    /// Whatever is done with an id, be it wanted or removed.
    fn steps_of(&self, draft: &Draft, id: &ObjectId) -> Vec<usize> {
        draft.wanted(id).into_iter().chain(self.by_id.get(id).into_iter().flatten().copied()).collect()
    }
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

/// Who referred to an id in the last revision.
fn last_users<'a>(scene: &Scene<'a>) -> BTreeMap<ObjectId, Vec<&'a ObjectId>> {
    let mut users: BTreeMap<ObjectId, Vec<&ObjectId>> = BTreeMap::new();
    for last in scene.last.values() {
        for target in reference::targets(&last.body) {
            users.entry(target).or_default().push(&last.id);
        }
    }
    users
}

/// Who waited in the last revision for what goes now, goes or changes first.
fn last_dependents(scene: &Scene<'_>, draft: &Draft, removed: &Removed) -> Vec<(usize, usize, Until)> {
    let mut wishes = Vec::new();
    for last in scene.last.values() {
        for after in &last.after {
            for then in removed.by_id.get(&after.id).into_iter().flatten() {
                let first = removed.steps_of(draft, &last.id);
                wishes.extend(first.into_iter().map(|first| (first, *then, Until::Ready)));
            }
        }
    }
    wishes
}
