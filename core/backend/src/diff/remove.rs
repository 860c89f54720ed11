//! What is removed, because nobody wants or needs it any more.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::decide::step;
use super::draft::Draft;
use super::scene::{Key, Scene, key};
use crate::{Action, Live, Note, Ownership, reference};

/// Adds a step for everything that is the release's and goes.
pub(super) fn remove(scene: &Scene<'_>, draft: &mut Draft) {
    let mut unwanted: BTreeMap<Key<'_>, &Live> = BTreeMap::new();
    for (key, live) in &scene.live {
        if is_unwanted(scene, live, draft) {
            unwanted.insert(*key, live);
        }
    }
    spare_held(scene, draft, &mut unwanted);
    for (id, why) in scene.unreadable {
        let text = format!("it cannot be read, so it is left alone: {why}");
        draft.notes.push(Note { id: id.clone(), text });
    }
    for live in unwanted.into_values() {
        let is_old_generation = live.object.generation.is_some() && scene.want.contains_key(&live.object.id);
        let action = if is_old_generation { Action::Collect } else { Action::Delete };
        let known = scene.last.get(&live.object.id).filter(|last| key(last) == key(&live.object));
        let mut object = known.map_or_else(|| live.object.clone(), |last| (*last).clone());
        object.sensitive |= live.object.sensitive;
        draft.push_removal(step(&object, action, Some(live)));
    }
}

fn is_unwanted(scene: &Scene<'_>, live: &Live, draft: &mut Draft) -> bool {
    let id = &live.object.id;
    if scene.is_wanted(live) || scene.is_external(live) {
        return false;
    }
    if live.foreign.is_some() {
        if scene.last.contains_key(id) {
            let text = format!("{} is not this release's any more; it stays", live.native);
            draft.notes.push(Note { id: id.clone(), text });
        }
        return false;
    }
    let needed = |generation: &String| scene.options.needed.contains(&(id.clone(), generation.clone()));
    if live.object.generation.as_ref().is_some_and(needed) {
        return false;
    }
    if is_kept(scene, live) {
        if scene.last.contains_key(id) || scene.want.is_empty() {
            let text = format!("{} stays: what it holds is kept", live.native);
            draft.notes.push(Note { id: id.clone(), text });
        }
        return false;
    }
    true
}

fn is_kept(scene: &Scene<'_>, live: &Live) -> bool {
    let id = &live.object.id;
    live.object.ownership == Ownership::Kept
        || scene.last.get(id).is_some_and(|last| last.ownership == Ownership::Kept)
}

/// Takes out of `unwanted` what something that stays still holds: old generations, and of what an old generation that
/// stays holds, everything, as it would be of no use without.
fn spare_held<'a>(scene: &Scene<'a>, draft: &Draft, unwanted: &mut BTreeMap<Key<'a>, &'a Live>) {
    let mut by_native: BTreeMap<&str, Vec<Key<'a>>> = BTreeMap::new();
    for (key, live) in &*unwanted {
        by_native.entry(&live.native).or_default().push(*key);
    }
    let mut staying: Vec<&Live> =
        scene.live.iter().filter(|(key, _)| !unwanted.contains_key(*key)).map(|(_, live)| *live).collect();
    while let Some(live) = staying.pop() {
        let is_old = live.object.generation.is_some() && !scene.is_wanted(live);
        for native in held(scene, draft, live) {
            let keys = by_native.get(native).into_iter().flatten();
            let spared = keys.filter(|(_, generation)| is_old || generation.is_some());
            staying.extend(spared.filter_map(|key| unwanted.remove(key)));
        }
    }
}

/// What something goes on holding once the plan is carried out.
///
/// What is updated makes what it is now the spec that the platform would roll back to, and lets go of the one before.
fn held<'a>(scene: &Scene<'a>, draft: &Draft, live: &'a Live) -> Vec<&'a str> {
    let all = live.holds.iter().map(String::as_str);
    match draft.action(&live.object.id).filter(|_| scene.is_wanted(live)) {
        None | Some(Action::Await) => all.collect(),
        Some(Action::Update) => {
            let used = Used::now(scene, live);
            all.filter(|native| used.contains(scene, native)).collect()
        }
        Some(_) => Vec::new(),
    }
}

/// What an object uses now: what its live body names, by native or by output, and what was referred to last.
struct Used<'a> {
    texts: BTreeSet<&'a str>,
    last: BTreeSet<Key<'a>>,
}

impl<'a> Used<'a> {
    fn now(scene: &Scene<'a>, live: &'a Live) -> Self {
        let mut texts = BTreeSet::new();
        collect_texts(&live.object.body, &mut texts);
        let targets =
            scene.last.get(&live.object.id).map(|last| reference::targets(&last.body)).unwrap_or_default();
        let last = targets.iter().filter_map(|id| scene.last.get(id)).map(|object| key(object)).collect();
        Self { texts, last }
    }

    fn contains(&self, scene: &Scene<'a>, native: &str) -> bool {
        let is_used = |other: &&Live| {
            self.last.contains(&key(&other.object))
                || other.outputs.values().any(|output| self.texts.contains(output.as_str()))
        };
        self.texts.contains(native) || scene.natives.get(native).into_iter().flatten().any(is_used)
    }
}

fn collect_texts<'v>(value: &'v Value, texts: &mut BTreeSet<&'v str>) {
    match value {
        Value::String(text) => {
            texts.insert(text);
        }
        Value::Array(items) => items.iter().for_each(|item| collect_texts(item, texts)),
        Value::Object(map) => map.values().for_each(|item| collect_texts(item, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
