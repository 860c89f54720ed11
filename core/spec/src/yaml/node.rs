//! A parsed YAML document that remembers where everything was written.

use std::fmt;

use serde_json::{Map, Number, Value};

use super::scalar::Scalar;

/// One value of a YAML document, and where it begins.
///
/// Anchors, aliases, merge keys and tags are resolved. `Debug` shows the shape and no text, since values may be secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Node {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// The value.
    pub kind: NodeKind,
}

/// The value of a [`Node`].
#[derive(Clone, PartialEq, Eq)]
pub enum NodeKind {
    /// Text, a number, a boolean or nothing.
    Scalar {
        /// The text as it was written, quotes and escapes resolved.
        text: Box<str>,
        /// Written without quotes, so that it may be a number, a boolean or nothing.
        plain: bool,
    },
    /// A list.
    Sequence(Vec<Node>),
    /// Values by key, in the order written; no key twice.
    Mapping(Vec<Entry>),
}

/// One entry of a mapping.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// The key's text.
    pub key: Box<str>,
    /// The key's line, from 1.
    pub line: u32,
    /// The key's column in characters, from 1.
    pub column: u32,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The value of `key`, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry with `key`, if this is a mapping that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.as_mapping()?.iter().find(|entry| &*entry.key == key)
    }

    /// The entries, if this is a mapping.
    pub fn as_mapping(&self) -> Option<&[Entry]> {
        match &self.kind {
            NodeKind::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items, if this is a sequence.
    pub fn as_sequence(&self) -> Option<&[Self]> {
        match &self.kind {
            NodeKind::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The text as written, if this is a scalar and not null.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Whether this is null: nothing, `~` or `null`.
    pub fn is_null(&self) -> bool {
        matches!(&self.kind, NodeKind::Scalar { text, plain: true } if Scalar::of_plain(text) == Scalar::Null)
    }

    /// What kind of value this is, for messages: `a mapping`, `a list`, `text`, `a number` …
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            NodeKind::Mapping(_) => "a mapping",
            NodeKind::Sequence(_) => "a list",
            NodeKind::Scalar { plain: false, .. } => "text",
            NodeKind::Scalar { text, plain: true } => match Scalar::of_plain(text) {
                Scalar::Null => "nothing",
                Scalar::Bool(_) => "a boolean",
                Scalar::Unsigned(_) | Scalar::Signed(_) | Scalar::Float(_) => "a number",
                Scalar::Text(_) => "text",
            },
        }
    }

    /// The untyped value, by the core schema of YAML 1.2.
    ///
    /// Infinities and not-a-number, which JSON does not have, become their text.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            NodeKind::Scalar { text, plain: false } => Value::String(text.to_string()),
            NodeKind::Scalar { text, plain: true } => plain_to_value(text),
            NodeKind::Sequence(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            NodeKind::Mapping(entries) => {
                let pairs = entries.iter().map(|entry| (entry.key.to_string(), entry.value.to_value()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }
}

fn plain_to_value(text: &str) -> Value {
    match Scalar::of_plain(text) {
        Scalar::Null => Value::Null,
        Scalar::Bool(value) => Value::Bool(value),
        Scalar::Unsigned(number) => Value::Number(number.into()),
        Scalar::Signed(number) => Value::Number(number.into()),
        Scalar::Float(number) => {
            Number::from_f64(number).map_or_else(|| Value::String(text.to_owned()), Value::Number)
        }
        Scalar::Text(text) => Value::String(text.to_owned()),
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            NodeKind::Scalar { .. } => formatter.write_str(self.describe()),
            NodeKind::Sequence(items) => formatter.debug_list().entries(items).finish(),
            NodeKind::Mapping(entries) => {
                formatter.debug_map().entries(entries.iter().map(|entry| (&entry.key, &entry.value))).finish()
            }
        }
    }
}

impl fmt::Debug for NodeKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Scalar { .. } => "Scalar",
            Self::Sequence(_) => "Sequence",
            Self::Mapping(_) => "Mapping",
        })
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}: {:?}", self.key, self.value)
    }
}
