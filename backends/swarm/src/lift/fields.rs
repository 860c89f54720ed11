//! Reading a document field by field, so that what nobody read can be told.

use rhumb_spec::{Bytes, Diagnostic, Duration, MilliCpu};
use serde_json::{Map, Value};

/// Why a field that nobody read is not carried.
pub(super) const NO_FIELD: &str = "the neutral app has no such field";

/// A mapping of a document of which each field is taken once.
pub(super) struct Fields {
    map: Map<String, Value>,
    path: String,
}

impl Fields {
    /// The fields of a value; of anything but a mapping there are none.
    pub(super) fn new(value: Option<Value>, path: impl Into<String>) -> Self {
        let map = match value {
            Some(Value::Object(map)) => map,
            _ => Map::new(),
        };
        Self { map, path: path.into() }
    }

    /// The path of a field.
    pub(super) fn at(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    /// Takes a field.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        self.map.shift_remove(key).filter(|value| !value.is_null())
    }

    /// Takes a mapping.
    pub(super) fn below(&mut self, key: &str) -> Self {
        let path = self.at(key);
        Self::new(self.take(key), path)
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
        self.list(key).iter().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Takes a list.
    pub(super) fn list(&mut self, key: &str) -> Vec<Value> {
        match self.take(key) {
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

    /// Tells of every field that nobody took.
    pub(super) fn tell(self, notes: &mut Vec<Diagnostic>) {
        for (key, value) in &self.map {
            let is_nothing = match value {
                Value::Null | Value::Bool(false) => true,
                Value::Array(items) => items.is_empty(),
                Value::Object(map) => map.is_empty(),
                Value::String(text) => text.is_empty(),
                _ => false,
            };
            if !is_nothing {
                notes.push(not_carried(self.at(key), NO_FIELD));
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
