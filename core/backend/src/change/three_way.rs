//! The merge of what was wanted last, what is there and what is wanted now.

use serde_json::{Map, Value};

use super::{Cause, FieldChange, ListKey, MergeRules, Path, without_nulls};
use crate::{material, reference};

/// What is shown instead of a value that may not be.
pub const HIDDEN: &str = "(hidden)";

/// What comes of a merge.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// The whole document to send.
    pub body: Value,
    /// What differs from what is there. When there is nothing, `body` says the same as what is there.
    pub changes: Vec<FieldChange>,
    /// Fields left as somebody else set them.
    pub kept: Vec<FieldChange>,
}

/// Merges documents field by field. Differences that come of the platform's own defaults must be gone beforehand.
///
/// | `last` | live | want | becomes |
/// |---|---|---|---|
/// | – | a | – | a: never ours |
/// | any | a | b | b; a where the rules keep the field and `last` was b already |
/// | a | any | – | gone; of a mapping or a list with keys what was ours is gone |
/// | any | – | b | b |
///
/// `null` is the same as nothing. Lists without a key, references and demands for material are single values.
/// Merging again, with `want` as `last` and the result as what is there, changes nothing.
pub fn three_way(last: Option<&Value>, live: &Value, want: &Value, rules: &MergeRules) -> Merged {
    let mut merge = Merge { rules, path: Path::default(), changes: Vec::new(), kept: Vec::new() };
    let (last, live, want) = (last.map(without_nulls), without_nulls(live), without_nulls(want));
    let body = merge.value(Three { last: last.as_ref(), live: Some(&live), want: Some(&want) });
    Merged { body: body.unwrap_or(Value::Null), changes: merge.changes, kept: merge.kept }
}

/// One value in three states.
#[derive(Clone, Copy)]
struct Three<'v> {
    last: Option<&'v Value>,
    live: Option<&'v Value>,
    want: Option<&'v Value>,
}

impl<'v> Three<'v> {
    fn without_nulls(self) -> Self {
        let some = |value: Option<&'v Value>| value.filter(|value| !value.is_null());
        Self { last: some(self.last), live: some(self.live), want: some(self.want) }
    }

    fn map<T: 'v>(self, part: impl Fn(&'v Value) -> Option<&'v T>) -> ThreeOf<'v, T> {
        ThreeOf {
            last: self.last.and_then(&part),
            live: self.live.and_then(&part),
            want: self.want.and_then(&part),
        }
    }
}

struct ThreeOf<'v, T> {
    last: Option<&'v T>,
    live: Option<&'v T>,
    want: Option<&'v T>,
}

/// What came of trying to merge part by part.
enum Tried {
    /// This; nothing when all of it goes.
    Merged(Option<Value>),
    /// The values are not of that shape.
    NotOne,
}

struct Merge<'r> {
    rules: &'r MergeRules,
    path: Path,
    changes: Vec<FieldChange>,
    kept: Vec<FieldChange>,
}

impl Merge<'_> {
    fn value(&mut self, three: Three<'_>) -> Option<Value> {
        let three = three.without_nulls();
        if let Tried::Merged(merged) = self.mapping(three) {
            return merged;
        }
        if let Some(key) = self.rules.lists.find(&self.path)
            && let Tried::Merged(merged) = self.list(three, key)
        {
            return merged;
        }
        self.single(three)
    }

    /// Merges key by key where what is there is a mapping, and so is what is or was wanted.
    fn mapping(&mut self, three: Three<'_>) -> Tried {
        let maps = three.map(mapping);
        let Some(live) = maps.live else { return Tried::NotOne };
        if maps.want.is_none() && (three.want.is_some() || maps.last.is_none()) {
            return Tried::NotOne;
        }
        let get = |map: Option<&'_ Map<String, Value>>, key: &str| map.and_then(|map| map.get(key)).cloned();
        let mut merged = Map::new();
        let added = maps.want.into_iter().flat_map(Map::keys).filter(|key| !live.contains_key(*key));
        for key in live.keys().chain(added) {
            let (last, want) = (get(maps.last, key), get(maps.want, key));
            let field = Three { last: last.as_ref(), live: live.get(key), want: want.as_ref() };
            if let Some(value) = self.field(key, field) {
                merged.insert(key.clone(), value);
            }
        }
        let is_gone = merged.is_empty() && three.want.is_none();
        if is_gone && live.is_empty() {
            return Tried::Merged(self.single(three));
        }
        Tried::Merged((!is_gone).then_some(Value::Object(merged)))
    }

    fn field(&mut self, name: &str, three: Three<'_>) -> Option<Value> {
        self.path.push(name);
        let value = self.value(three);
        self.path.pop();
        value
    }

    /// Merges item by item where every list has a key for each of its items. The order of what is there stays.
    fn list(&mut self, three: Three<'_>, key: ListKey) -> Tried {
        let lists = three.map(Value::as_array);
        if three.want.is_some() && lists.want.is_none() {
            return Tried::NotOne;
        }
        let (Some(live), Some(want)) = (keyed(lists.live, key), keyed(lists.want, key)) else {
            return Tried::NotOne;
        };
        // What was wanted last may be of another shape: then nothing of it is known.
        let last = keyed(lists.last, key).unwrap_or_default();
        if lists.live.is_none() || (three.want.is_none() && last.is_empty()) {
            return Tried::NotOne;
        }
        let mut merged = Vec::new();
        let names = live
            .iter()
            .chain(want.iter().filter(|(name, _)| find(&live, name).is_none()))
            .map(|(name, _)| name);
        for name in names {
            let item = Three { last: find(&last, name), live: find(&live, name), want: find(&want, name) };
            merged.extend(self.field(name, item));
        }
        let is_gone = merged.is_empty() && three.want.is_none();
        if is_gone && live.is_empty() {
            return Tried::Merged(self.single(three));
        }
        Tried::Merged((!is_gone).then_some(Value::Array(merged)))
    }

    fn single(&mut self, Three { last, live, want }: Three<'_>) -> Option<Value> {
        if live == want {
            return live.cloned();
        }
        if want.is_none() && last.is_none() {
            return live.cloned();
        }
        let is_kept = live.is_some() && (want.is_none() || last == want) && self.rules.is_kept(&self.path);
        if is_kept {
            if want.is_some() {
                let field = self.change(live, want, Cause::Kept);
                self.kept.push(field);
            }
            return live.cloned();
        }
        let cause = if last == want { Cause::Drift } else { Cause::Wanted };
        let field = self.change(live, want, cause);
        self.changes.push(field);
        want.cloned()
    }

    fn change(&self, from: Option<&Value>, to: Option<&Value>, cause: Cause) -> FieldChange {
        let is_hidden = self.rules.is_sensitive(&self.path);
        let shown = |value: &Value| if is_hidden { Value::from(HIDDEN) } else { value.clone() };
        FieldChange { path: self.path.to_string(), from: from.map(shown), to: to.map(shown), cause }
    }
}

/// The fields of a mapping that is one, and neither a reference nor a demand for material.
fn mapping(value: &Value) -> Option<&Map<String, Value>> {
    value.as_object().filter(|map| !map.contains_key(reference::KEY) && !map.contains_key(material::KEY))
}

type Items<'v> = Vec<(String, &'v Value)>;

/// The items by key; none when an item has no key or two have the same.
fn keyed(list: Option<&Vec<Value>>, key: ListKey) -> Option<Items<'_>> {
    let items: Items<'_> = list
        .into_iter()
        .flatten()
        .map(|item| key.of(item).map(|name| (name, item)))
        .collect::<Option<_>>()?;
    let mut names: Vec<&str> = items.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    let is_unique = names.windows(2).all(|pair| pair[0] != pair[1]);
    is_unique.then_some(items)
}

fn find<'v>(items: &Items<'v>, name: &str) -> Option<&'v Value> {
    items.iter().find(|(of, _)| of == name).map(|(_, item)| *item)
}

#[cfg(test)]
mod tests;
