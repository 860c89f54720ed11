//! What a platform's documents need said about them before they can be merged.

use std::fmt;

use serde_json::Value;

/// A place in a document: keys of mappings, and of list items that have one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(Vec<String>);

impl Path {
    /// Goes one step down.
    pub fn push(&mut self, name: &str) {
        self.0.push(name.to_owned());
    }

    /// Goes one step up.
    pub fn pop(&mut self) {
        self.0.pop();
    }

    /// Whether the path is that of a pattern: names with dots between them, of which `*` stands for any one.
    pub fn matches(&self, pattern: &str) -> bool {
        let mut names = self.0.iter();
        let agree =
            pattern.split('.').all(|part| names.next().is_some_and(|name| part == "*" || part == name));
        agree && names.next().is_none()
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("."))
    }
}

/// By what the items of a list are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKey {
    /// A field of each item: `Target`.
    Field(&'static str),
    /// Several fields of each item together.
    Fields(&'static [&'static str]),
    /// What is before the first `=` of each item, as in `NAME=value`.
    Name,
    /// The item as a whole: the list is a set.
    Whole,
}

impl ListKey {
    /// The key of an item, if it has one.
    pub fn of(self, item: &Value) -> Option<String> {
        match self {
            Self::Field(field) => text(item.get(field)?),
            Self::Fields(fields) => {
                let parts: Vec<String> =
                    fields.iter().map(|field| item.get(field).and_then(text).unwrap_or_default()).collect();
                parts.iter().any(|part| !part.is_empty()).then(|| parts.join("/"))
            }
            Self::Name => {
                let item = item.as_str()?;
                Some(item.split_once('=').map_or(item, |(name, _)| name).to_owned())
            }
            Self::Whole => (!item.is_null()).then(|| text(item).unwrap_or_else(|| item.to_string())),
        }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The lists whose items have keys, by the pattern of the list's path (see [`Path::matches`]). Every other list is
/// one value: its order counts, and it is taken or left as a whole.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListKeys(pub &'static [(&'static str, ListKey)]);

impl ListKeys {
    /// The key of the list at a path.
    pub fn find(&self, path: &Path) -> Option<ListKey> {
        self.0.iter().find(|(pattern, _)| path.matches(pattern)).map(|(_, key)| *key)
    }
}

/// How a platform's documents are merged. Patterns are those of [`Path::matches`].
#[derive(Clone, Copy, Debug, Default)]
pub struct MergeRules {
    /// Lists whose items have keys.
    pub lists: ListKeys,
    /// Fields that people and autoscalers may set, and that stay as they set them.
    pub kept: &'static [&'static str],
    /// Fields whose values are never shown.
    pub sensitive: &'static [&'static str],
}

impl MergeRules {
    pub(super) fn is_kept(&self, path: &Path) -> bool {
        self.kept.iter().any(|pattern| path.matches(pattern))
    }

    pub(super) fn is_sensitive(&self, path: &Path) -> bool {
        self.sensitive.iter().any(|pattern| path.matches(pattern))
    }
}
