//! Reading a document field by field, so that what nobody read is still there at the end.
//!
//! A field is taken only when it can be carried as it is. Everything else stays where it was, and becomes a patch or a
//! note: nothing is dropped because nobody thought of it.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{Fate, Rest};

/// What begins the key of an item of a list whose items are told apart by one of their fields. What is left of such a
/// list is kept as a mapping, so that taking an item apart does not need its place.
const ITEM: char = '\u{1}';

/// What became of fields that were taken and are not in the app as neutral fields.
#[derive(Debug, Default)]
pub struct Ledger {
    rest: RefCell<Vec<Rest>>,
    source: Source,
}

/// Where a document comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Source {
    /// A file: what stands in it is what somebody meant.
    #[default]
    File,
    /// A server, which wrote out what it takes where nothing is said.
    Server,
}

impl Ledger {
    /// An empty ledger.
    pub fn new(source: Source) -> Self {
        Self { source, ..Self::default() }
    }

    /// Whether the document comes from a server.
    pub fn is_live(&self) -> bool {
        self.source == Source::Server
    }

    /// What became of the fields.
    pub fn into_inner(self) -> Vec<Rest> {
        self.rest.into_inner()
    }
}

impl std::ops::Deref for Ledger {
    type Target = RefCell<Vec<Rest>>;

    fn deref(&self) -> &Self::Target {
        &self.rest
    }
}

/// A mapping of a document of which each field is taken once.
#[derive(Debug)]
pub struct Fields<'a> {
    map: &'a mut Map<String, Value>,
    path: String,
    ledger: &'a Ledger,
}

impl<'a> Fields<'a> {
    /// The fields of a mapping that stands at a path.
    pub fn new(map: &'a mut Map<String, Value>, path: impl Into<String>, ledger: &'a Ledger) -> Self {
        Self { map, path: path.into(), ledger }
    }

    /// The path of a field.
    pub fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The names of the fields that are there.
    pub fn keys(&self) -> Vec<String> {
        self.map.keys().cloned().collect()
    }

    /// Looks at a field.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key)
    }

    /// Looks at text.
    pub fn text_at(&self, key: &str) -> Option<&str> {
        self.map.get(key).and_then(Value::as_str)
    }

    /// Takes a field where it can be read.
    pub fn take<T>(&mut self, key: &str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let found = read(self.map.get(key)?)?;
        self.map.shift_remove(key);
        Some(found)
    }

    /// The ledger, for fields that are read elsewhere.
    pub fn ledger(&self) -> &'a Ledger {
        self.ledger
    }

    /// Takes a field whatever it is.
    pub fn take_whole(&mut self, key: &str) -> Option<Value> {
        self.map.shift_remove(key)
    }

    /// Puts a field, or what is left of it, where it was.
    pub fn put(&mut self, key: &str, value: Value) {
        self.map.insert(key.to_owned(), value);
    }

    /// The fields of a mapping below.
    pub fn below(&mut self, key: &str) -> Option<Fields<'_>> {
        let path = self.at(key);
        let map = self.map.get_mut(key)?.as_object_mut()?;
        Some(Fields { map, path, ledger: self.ledger })
    }

    /// The fields of a mapping several levels below.
    pub fn descended(&mut self, keys: &[&str]) -> Option<Fields<'_>> {
        let mut path = self.path.clone();
        let mut map = &mut *self.map;
        for key in keys {
            path = if path.is_empty() { (*key).to_owned() } else { format!("{path}.{key}") };
            map = map.get_mut(*key)?.as_object_mut()?;
        }
        Some(Fields { map, path, ledger: self.ledger })
    }

    /// Takes text.
    pub fn text(&mut self, key: &str) -> Option<String> {
        self.take(key, |value| value.as_str().map(str::to_owned))
    }

    /// Takes a whole number.
    pub fn small(&mut self, key: &str) -> Option<u32> {
        self.take(key, small)
    }

    /// Takes a flag.
    pub fn flag(&mut self, key: &str) -> Option<bool> {
        self.take(key, Value::as_bool)
    }

    /// Takes a list of text.
    pub fn texts(&mut self, key: &str) -> Vec<String> {
        self.take(key, texts).unwrap_or_default()
    }

    /// Takes fields that say nothing of the user's.
    pub fn own(&mut self, keys: &[&str], why: &str) {
        for key in keys {
            if let Some(value) = self.map.shift_remove(*key) {
                self.tell(key, &value, Fate::Own, why);
            }
        }
    }

    /// Takes a field where it says what the server takes anyway.
    pub fn default(&mut self, key: &str, default: &Value) {
        if self.map.get(key) == Some(default) {
            self.own(&[key], "it is what the server takes where nothing is said");
        }
    }

    /// Takes a field that the app has, where a server wrote out what it takes anyway.
    pub fn written_default(&mut self, key: &str, default: &Value) {
        if self.ledger.is_live() {
            self.default(key, default);
        }
    }

    /// Takes a field that the app does not have.
    pub fn lose(&mut self, key: &str, why: &str) {
        if let Some(value) = self.map.shift_remove(key) {
            self.tell(key, &value, Fate::Lost, why);
        }
    }

    fn tell(&self, key: &str, value: &Value, fate: Fate, why: &str) {
        let rest = Rest { path: self.at(key), fields: leaves(value), fate, why: why.to_owned() };
        self.ledger.borrow_mut().push(rest);
    }

    /// Says that fields that were taken are not in the app.
    pub fn lost(&self, key: &str, fields: usize, why: &str) {
        let rest = Rest { path: self.at(key), fields, fate: Fate::Lost, why: why.to_owned() };
        self.ledger.borrow_mut().push(rest);
    }

    /// Says that a field that was taken is kept for its own platform.
    pub fn kept(&self, key: &str, value: &Value, why: &str) {
        self.tell(key, value, Fate::Kept, why);
    }

    /// Takes the items of a list that a field of theirs tells apart, without that field; of a list in which two items
    /// are the same by it, or one has none, nothing. What stays of them goes back by [`Fields::put_item`].
    pub fn items(&mut self, key: &str, by: &str) -> Vec<Item> {
        let items = self.take(key, |value| keyed(value.as_array()?, by));
        items.unwrap_or_default()
    }

    /// Puts back what is left of an item.
    pub fn put_item(&mut self, list: &str, by: &str, item: Item) {
        let mut map = item.map;
        prune(&mut map);
        if !map.is_empty() {
            let below = self.map.entry(list).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(below) = below {
                below.insert(format!("{ITEM}{by}={}", item.key), Value::Object(map));
            }
        }
    }

    /// Puts back an item of which nothing was carried.
    pub fn put_whole_item(&mut self, list: &str, by: &str, mut item: Item) {
        item.map.insert(by.to_owned(), item.key.clone());
        self.put_item(list, by, item);
    }

    /// The fields of an item of a list of this mapping.
    pub fn of_item<'i>(&'i self, list: &str, item: &'i mut Item) -> Fields<'i> {
        let path = format!("{}.{}", self.at(list), item.name());
        Fields { map: &mut item.map, path, ledger: self.ledger }
    }
}

/// An item of a list, and the field that tells it from the others.
#[derive(Clone, Debug)]
pub struct Item {
    /// The telling field's value.
    pub key: Value,
    /// The other fields.
    pub map: Map<String, Value>,
}

impl Item {
    /// The telling field's text.
    pub fn name(&self) -> String {
        self.key.as_str().map_or_else(|| self.key.to_string(), str::to_owned)
    }
}

fn keyed(items: &[Value], by: &str) -> Option<Vec<Item>> {
    let mut found: Vec<Item> = Vec::new();
    for item in items {
        let mut map = item.as_object()?.clone();
        let key = map.shift_remove(by).filter(|key| key.is_string() || key.is_u64())?;
        if found.iter().any(|other| other.key == key) {
            return None;
        }
        found.push(Item { key, map });
    }
    Some(found)
}

/// A whole number that is small.
pub fn small(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}

/// A list of text.
pub fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

/// A mapping of text.
pub fn text_map(value: &Value) -> Option<BTreeMap<String, String>> {
    let pairs = value.as_object()?.iter();
    pairs.map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// How many fields a value has: its leaves.
pub fn leaves(value: &Value) -> usize {
    match value {
        Value::Object(map) if !map.is_empty() => map.values().map(leaves).sum(),
        Value::Array(items) if !items.is_empty() => items.iter().map(leaves).sum(),
        _ => 1,
    }
}

/// Prepares a document: nulls go, and mappings that have nothing in them become null, so that they are told from those
/// that have nothing left. Those of the given names say nothing, and go as well.
pub fn prepare(body: &mut Map<String, Value>, say_nothing: &[&str], ledger: &Ledger) {
    empty(body, "", (say_nothing, ledger));
}

fn empty(map: &mut Map<String, Value>, path: &str, rules: (&[&str], &Ledger)) {
    let (say_nothing, ledger) = rules;
    let own = |path: String, value: &Value| {
        let why = "it says nothing".to_owned();
        ledger.borrow_mut().push(Rest { path, fields: leaves(value), fate: Fate::Own, why });
    };
    map.retain(|key, value| {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match value {
            Value::Object(below) if below.is_empty() && !say_nothing.contains(&key.as_str()) => {
                *value = Value::Null;
            }
            Value::Null => {
                own(path, value);
                return false;
            }
            Value::Object(below) if below.is_empty() => {
                own(path, value);
                return false;
            }
            Value::Object(below) => empty(below, &path, rules),
            Value::Array(items) => empty_items(items, &path, rules),
            _ => {}
        }
        true
    });
}

/// Prepares the items of a list. One that would have nothing left stays as it is: it is an item all the same.
fn empty_items(items: &mut [Value], path: &str, rules: (&[&str], &Ledger)) {
    let ledger = rules.1;
    for (index, item) in items.iter_mut().enumerate() {
        let Value::Object(map) = item else { continue };
        if map.is_empty() {
            *item = Value::Null;
            continue;
        }
        let whole = map.clone();
        let told = ledger.borrow().len();
        let name = map.get("name").and_then(Value::as_str).map_or_else(|| index.to_string(), str::to_owned);
        empty(map, &format!("{path}.{name}"), rules);
        if map.is_empty() {
            *map = whole;
            ledger.borrow_mut().truncate(told);
        }
    }
}

/// Removes mappings that have nothing in them any more. One that never had anything is null here (see [`prepare`]).
pub fn prune(map: &mut Map<String, Value>) {
    map.retain(|_, value| {
        let Value::Object(below) = value else { return true };
        prune(below);
        !below.is_empty()
    });
}

/// The leaves of what is left, each by its path.
pub fn paths(value: &Value, path: &str, found: &mut Vec<String>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let shown = match item_key(key) {
                    Some((_, Value::String(name))) => name,
                    Some((_, other)) => other.to_string(),
                    None => key.clone(),
                };
                paths(value, &below(&shown), found);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                paths(item, &below(&index.to_string()), found);
            }
        }
        _ => found.push(path.to_owned()),
    }
}

fn item_key(key: &str) -> Option<(&str, Value)> {
    let (by, value) = key.strip_prefix(ITEM)?.split_once('=')?;
    Some((by, serde_json::from_str(value).ok()?))
}

/// What is left as a patch: items of lists with the field that tells them apart.
pub fn patch(value: Value) -> Value {
    match value {
        Value::Object(map) if !map.is_empty() && map.keys().all(|key| key.starts_with(ITEM)) => {
            let items = map.into_iter().filter_map(|(key, value)| {
                let (by, name) = item_key(&key)?;
                let mut item = Map::from_iter([(by.to_owned(), name)]);
                if let Value::Object(rest) = patch(value) {
                    item.extend(rest);
                }
                Some(Value::Object(item))
            });
            Value::Array(items.collect())
        }
        Value::Object(map) => {
            Value::Object(map.into_iter().map(|(key, value)| (key, patch(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(patch).collect()),
        Value::Null => Value::Object(Map::new()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_read_is_left_as_a_patch() {
        let ledger = Ledger::default();
        let mut document = json!({
            "image": "a", "size": "odd", "more": { "deep": 1 }, "gone": true,
            "env": [{ "name": "A", "value": "1" }, { "name": "B", "odd": [1, 2] }],
        });
        let all = leaves(&document);
        let map = document.as_object_mut().unwrap();
        let mut fields = Fields::new(map, "", &ledger);
        assert_eq!(fields.text("image").as_deref(), Some("a"));
        assert_eq!(fields.small("size"), None, "it is no number");
        fields.lose("gone", "nobody wants it");
        for mut item in fields.items("env", "name") {
            fields.of_item("env", &mut item).text("value");
            fields.put_item("env", "name", item);
        }
        let mut left = Vec::new();
        paths(&document, "", &mut left);
        assert_eq!(left, ["size", "more.deep", "env.B.odd.0", "env.B.odd.1"]);
        assert_eq!(
            patch(document),
            json!({ "size": "odd", "more": { "deep": 1 }, "env": [{ "name": "B", "odd": [1, 2] }] })
        );
        assert_eq!((all, ledger.borrow().len()), (9, 1));
    }
}
