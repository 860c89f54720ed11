//! Reading a document field by field, so that what nobody read can be told.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use rhumb_spec::{Bytes, Diagnostic, Duration, MilliCpu};
use serde_json::{Map, Value};

/// Why a field that nobody read is not carried.
pub(super) const NO_FIELD: &str = "the neutral app has no such field";

/// Why a text that the engine fills in is not carried.
pub(super) const TEMPLATE: &str = "it holds a template of Swarm, for which there is no neutral form";

/// The paths of the fields that lifting read. What is in a list of items or in a mapping that is read field by field is
/// read when its own fields are.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads(Rc<RefCell<BTreeSet<String>>>);

impl Reads {
    /// Says that a field is read, with all that is below it.
    pub(super) fn mark(&self, path: impl Into<String>) {
        self.0.borrow_mut().insert(path.into());
    }

    /// Whether a field was read.
    pub(super) fn has(&self, path: &str) -> bool {
        let read = self.0.borrow();
        let above = path.match_indices('.').map(|(at, _)| &path[..at]);
        above.chain([path]).any(|path| read.contains(path))
    }
}

/// A mapping of a document of which each field is taken once.
pub(super) struct Fields {
    map: Map<String, Value>,
    path: String,
    reads: Reads,
}

impl Fields {
    /// The fields of a value; of anything but a mapping there are none.
    pub(super) fn new(value: Option<Value>, path: impl Into<String>, reads: &Reads) -> Self {
        let map = match value {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        };
        Self { map, path: path.into(), reads: reads.clone() }
    }

    /// The fields of an item that was taken from here.
    pub(super) fn item(&self, item: Value, path: impl Into<String>) -> Self {
        Self::new(Some(item), path, &self.reads)
    }

    /// What was read, for what is read by hand.
    pub(super) fn reads(&self) -> &Reads {
        &self.reads
    }

    /// The path of a field.
    pub(super) fn at(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    /// Takes a field, which is read by that.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        let found = self.unread(key)?;
        self.reads.mark(self.at(key));
        Some(found)
    }

    /// Takes a field of which the fields are still to be read.
    fn unread(&mut self, key: &str) -> Option<Value> {
        self.map.shift_remove(key).filter(|value| !value.is_null())
    }

    /// Whether there is such a field.
    pub(super) fn has(&self, key: &str) -> bool {
        self.map.get(key).is_some_and(|value| !value.is_null())
    }

    /// Takes a mapping, of which the fields are still to be read.
    pub(super) fn below(&mut self, key: &str) -> Self {
        let path = self.at(key);
        Self::new(self.unread(key), path, &self.reads)
    }

    /// Takes text.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.take(key)?.as_str().map(str::to_owned)
    }

    /// Takes a number.
    pub(super) fn number(&mut self, key: &str) -> Option<u64> {
        self.take(key)?.as_u64()
    }

    /// Takes a number that is small.
    pub(super) fn small(&mut self, key: &str) -> Option<u32> {
        self.number(key).and_then(|number| u32::try_from(number).ok())
    }

    /// Takes a flag.
    pub(super) fn flag(&mut self, key: &str) -> bool {
        self.take(key).as_ref().and_then(Value::as_bool).unwrap_or(false)
    }

    /// Takes a list of text.
    pub(super) fn texts(&mut self, key: &str) -> Vec<String> {
        let path = self.at(key);
        let list = self.list(key);
        if list.iter().all(Value::is_string) {
            self.reads.mark(path);
        }
        list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Takes a list, of which the items are still to be read.
    pub(super) fn list(&mut self, key: &str) -> Vec<Value> {
        match self.unread(key) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        }
    }

    /// Takes a mapping of text.
    pub(super) fn map<T: FromIterator<(String, String)>>(&mut self, key: &str) -> T {
        text_pairs(self.take(key).as_ref()).collect()
    }

    /// Takes a time in nanoseconds. What is finer than a millisecond is left off.
    pub(super) fn time(&mut self, key: &str) -> Option<Duration> {
        self.number(key).map(|nanos| Duration::from_millis(nanos / 1_000_000))
    }

    /// Takes processor time in billionths, a part of a thousandth counted as a whole one.
    pub(super) fn cpu(&mut self, key: &str) -> Option<MilliCpu> {
        self.number(key).filter(|nanos| *nanos > 0).map(|nanos| MilliCpu(nanos.div_ceil(1_000_000)))
    }

    /// Takes bytes.
    pub(super) fn bytes(&mut self, key: &str) -> Option<Bytes> {
        self.number(key).filter(|bytes| *bytes > 0).map(Bytes)
    }

    /// Leaves out fields that carry nothing of the user's.
    pub(super) fn ignore(&mut self, keys: &[&str]) {
        for key in keys {
            self.map.shift_remove(*key);
        }
    }

    /// Tells of every field that nobody took, of a mapping that is not given away.
    pub(super) fn tell_rest(&mut self, notes: &mut Vec<Diagnostic>) {
        let map = std::mem::take(&mut self.map);
        Self { map, path: self.path.clone(), reads: self.reads.clone() }.tell(notes);
    }

    /// Tells of every field that nobody took.
    pub(super) fn tell(self, notes: &mut Vec<Diagnostic>) {
        self.tell_why(NO_FIELD, notes);
    }

    /// Tells of every field that nobody took, and why.
    pub(super) fn tell_why(self, why: &str, notes: &mut Vec<Diagnostic>) {
        for (key, value) in &self.map {
            let is_nothing = match value {
                Value::Null | Value::Bool(false) => true,
                Value::Array(items) => items.is_empty(),
                Value::Object(map) => map.is_empty(),
                Value::String(text) => text.is_empty(),
                _ => false,
            };
            if !is_nothing {
                notes.push(not_carried(self.at(key), why));
            }
        }
    }
}

/// Something of a document that the app does not have.
pub(super) fn not_carried(path: impl Into<String>, why: impl Into<String>) -> Diagnostic {
    Diagnostic::note(path, "it is not carried over").why(why)
}

/// The text entries of a mapping.
pub(super) fn text_pairs(value: Option<&Value>) -> impl Iterator<Item = (String, String)> + '_ {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
}
