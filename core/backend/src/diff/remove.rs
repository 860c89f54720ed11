//! What is removed, because nobody wants or needs it any more.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::decide::step;
use super::draft::Draft;
use super::scene::{Key, Scene, key};
use crate::{Action, Live, Note, ObjectId, Ownership, reference};

/// Adds a step for everything that is the release's and goes.
pub(super) fn remove(scene: &Scene<'_>, draft: &mut Draft) {
    let mut unwanted: BTreeMap<Key<'_>, &Live> = BTreeMap::new();
    for (key, live) in &scene.live {
        if is_unwanted(scene, live, draft) {
            unwanted.insert(*key, live);
        }
    }
    spare_held(scene, draft, &mut unwanted);
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
    if scene.want.get(id).is_some_and(|want| key(want) == key(&live.object)) || scene.is_external(live) {
        return false;
    }
    if live.foreign.is_some() {
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

/// Takes out of `unwanted` the generations that something which stays still holds.
fn spare_held<'a>(scene: &Scene<'a>, draft: &Draft, unwanted: &mut BTreeMap<Key<'a>, &'a Live>) {
    let by_native: BTreeMap<&str, Key<'a>> = unwanted
        .iter()
        .filter(|((_, generation), _)| generation.is_some())
        .map(|(key, live)| (live.native.as_str(), *key))
        .collect();
    let mut staying: Vec<&Live> =
        scene.live.iter().filter(|(key, _)| !unwanted.contains_key(*key)).map(|(_, live)| *live).collect();
    while let Some(live) = staying.pop() {
        for native in held(scene, draft, live) {
            let spared = by_native.get(native).and_then(|key| unwanted.remove(key));
            staying.extend(spared);
        }
    }
}

/// What something goes on holding once the plan is carried out.
///
/// What is updated makes what it is now the spec that the platform would roll back to, and lets go of the one before.
fn held<'a>(scene: &Scene<'a>, draft: &Draft, live: &'a Live) -> Vec<&'a str> {
    let all = live.holds.iter().map(String::as_str);
    match draft.action(&live.object.id).filter(|_| is_wanted(scene, live)) {
        None | Some(Action::Await) => all.collect(),
        Some(Action::Update) => {
            let used = uses_now(scene, live);
            all.filter(|native| used.contains(native)).collect()
        }
        Some(_) => Vec::new(),
    }
}

fn is_wanted(scene: &Scene<'_>, live: &Live) -> bool {
    scene.want.get(&live.object.id).is_some_and(|want| key(want) == key(&live.object))
}

/// The natives of everything that the live body names, by native or by output, and that was referred to last.
fn uses_now<'a>(scene: &Scene<'a>, live: &Live) -> BTreeSet<&'a str> {
    let mut texts = BTreeSet::new();
    collect_texts(&live.object.body, &mut texts);
    let last = scene.last.get(&live.object.id).map(|last| reference::targets(&last.body)).unwrap_or_default();
    let last: BTreeSet<(&ObjectId, Option<&str>)> =
        last.iter().filter_map(|id| scene.last.get(id)).map(|object| key(object)).collect();
    let is_used = |(key, other): &(&Key<'a>, &&'a Live)| {
        last.contains(*key)
            || texts.contains(other.native.as_str())
            || other.outputs.values().any(|output| texts.contains(output.as_str()))
    };
    scene.live.iter().filter(is_used).map(|(_, other)| other.native.as_str()).collect()
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
