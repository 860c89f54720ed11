//! What differs between what was wanted last, what is there, and what is wanted now.

mod rules;
mod three_way;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use rules::{ListKey, ListKeys, MergeRules, Path};
pub use three_way::{HIDDEN, Merged, three_way};

/// What a step on an existing object would do. The backend decides, field by field, by three-way comparison:
/// want ≠ last: want wins. want = last ≠ live: replica counts stay as they were set, other fields of ours are drift.
/// Fields that we never set stay.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Nothing. The replica count may have been kept: the notes say so.
    None {
        /// Fields left as somebody else set them.
        kept: Vec<FieldChange>,
    },
    /// A change in place.
    Update {
        /// The whole body to send: want, with what others may set carried over from live.
        body: Value,
        /// What changes, for people.
        changes: Vec<FieldChange>,
        /// Fields left as somebody else set them.
        kept: Vec<FieldChange>,
    },
    /// The platform can change this only by making it anew.
    Replace {
        /// The field, and the platform's reason.
        why: String,
        /// What users see of it meanwhile.
        outage: String,
        /// What changes, for people.
        changes: Vec<FieldChange>,
    },
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FieldChange {
    /// The field, in the platform's own words: `TaskTemplate.ContainerSpec.Image`.
    pub path: String,
    /// What is there; none when nothing is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Value>,
    /// What is wanted; none when it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Value>,
    /// Who made the difference.
    pub cause: Cause,
}

/// Who made a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Cause {
    /// The chart or its values.
    Wanted,
    /// Somebody on the platform; an upgrade puts it back.
    Drift,
    /// Somebody on the platform, who may: it stays.
    Kept,
}

/// The value without fields that are `null`, at any depth. Items of lists stay.
pub(crate) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(_, value)| !value.is_null());
            Value::Object(kept.map(|(name, value)| (name.clone(), without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}
