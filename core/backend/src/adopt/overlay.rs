//! What was there at adoption, under what the chart has changed since.

use serde_json::{Map, Value};

use crate::change::{ListKeys, Path};
use crate::{material, reference};

/// One document in three states.
#[derive(Clone, Copy)]
struct Three<'v> {
    base: Option<&'v Value>,
    there: Option<&'v Value>,
    want: Option<&'v Value>,
}

/// What was there, with every change that leads from `base` to `want`.
///
/// | `base` | there | want | becomes |
/// |---|---|---|---|
/// | a | b | a | b: it stays as it was there |
/// | – | b | – | b |
/// | a | any | c | c: the chart has changed it since |
/// | a | any | – | gone |
///
/// Mappings are taken key by key, and so are lists whose items have keys. Every other list is one value.
pub(super) fn overlay(base: &Value, there: &Value, want: &Value, lists: ListKeys) -> Value {
    let three = Three { base: Some(base), there: Some(there), want: Some(want) };
    Overlay { lists, path: Path::default() }.value(three).unwrap_or(Value::Null)
}

struct Overlay {
    lists: ListKeys,
    path: Path,
}

impl Overlay {
    fn value(&mut self, three: Three<'_>) -> Option<Value> {
        if three.base == three.want {
            return three.there.cloned();
        }
        self.mapping(three).or_else(|| self.list(three)).or_else(|| three.want.cloned())
    }

    fn mapping(&mut self, three: Three<'_>) -> Option<Value> {
        let (there, want) = (mapping(three.there)?, mapping(three.want)?);
        let base = mapping(three.base);
        let added = want.keys().filter(|key| !there.contains_key(*key));
        let mut merged = Map::new();
        for key in there.keys().chain(added) {
            let base = base.and_then(|base| base.get(key));
            let field = Three { base, there: there.get(key), want: want.get(key) };
            merged.extend(self.field(key, field).map(|value| (key.clone(), value)));
        }
        Some(Value::Object(merged))
    }

    fn list(&mut self, three: Three<'_>) -> Option<Value> {
        let key = self.lists.find(&self.path)?;
        let keyed = |list: Option<&Value>| {
            let items = list?.as_array()?.iter();
            let items = items.map(|item| Some((key.of(item)?, item.clone())));
            items.collect::<Option<Map<String, Value>>>()
        };
        let is_whole = |list: Option<&Value>, map: &Map<String, Value>| {
            list.and_then(Value::as_array).is_some_and(|list| list.len() == map.len())
        };
        let (there, want) = (keyed(three.there)?, keyed(three.want)?);
        if !is_whole(three.there, &there) || !is_whole(three.want, &want) {
            return None;
        }
        let base = keyed(three.base).unwrap_or_default();
        let added = want.keys().filter(|key| !there.contains_key(*key));
        let mut merged = Vec::new();
        for key in there.keys().chain(added) {
            let item = Three { base: base.get(key), there: there.get(key), want: want.get(key) };
            merged.extend(self.field(key, item));
        }
        Some(Value::Array(merged))
    }

    fn field(&mut self, name: &str, three: Three<'_>) -> Option<Value> {
        self.path.push(name);
        let value = self.value(three);
        self.path.pop();
        value
    }
}

/// The fields of a mapping that is one, and neither a reference nor a demand for material.
fn mapping(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value?.as_object().filter(|map| !map.contains_key(reference::KEY) && !map.contains_key(material::KEY))
}
