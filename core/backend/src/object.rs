//! The platform's own documents, under names of ours.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The logical name of an object: its kind on the platform and our name for it, as in `service/web` or
/// `config/web/nginx.conf`. It survives the renames of content-named objects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectId(String);

impl ObjectId {
    /// The id of an object of a kind.
    pub fn new(kind: &str, name: &str) -> Self {
        Self(format!("{kind}/{name}"))
    }

    /// The kind, before the first slash.
    pub fn kind(&self) -> &str {
        self.0.split_once('/').map_or(self.0.as_str(), |(kind, _)| kind)
    }

    /// The name, after the first slash.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for ObjectId {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// One document of the platform.
///
/// The body refers to other objects only as `{"$ref": "config/web#id"}` (see [`crate::reference`]) and to secret
/// material only as `{"$material": …}` (see [`crate::material`]), so it can be shown, compared and stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    /// The logical name.
    pub id: ObjectId,
    /// The document, in the platform's own shape.
    pub body: Value,
    /// For objects that cannot change and are named by their content: which content this is.
    ///
    /// Another generation is made beside the old one, which goes once nothing needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<String>,
    /// For a job: the hash of what it runs. One that succeeded with this content is not run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once: Option<String>,
    /// The body on the platform holds secrets, so that only our own `$material` forms of it are ever shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
    /// Whose it is.
    #[serde(default, skip_serializing_if = "is_owned")]
    pub ownership: Ownership,
    /// Objects that must be there or ready before this one is made or changed, beyond those its body refers to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<After>,
    /// The workload that it runs, for objects that run something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<String>,
    /// Its place among replicas that come and go one after another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<Sequence>,
}

/// A place among objects that are made from the first to the last, and changed and removed from the last to the
/// first, each ready before the next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sequence {
    /// The name they share: the stateful workload's.
    pub set: String,
    /// The place, from 0.
    pub index: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_owned(ownership: &Ownership) -> bool {
    *ownership == Ownership::Owned
}

impl Object {
    /// An owned object that is changed in place and waits for nothing.
    pub fn new(id: ObjectId, body: Value) -> Self {
        Self {
            id,
            body,
            generation: None,
            once: None,
            sensitive: false,
            ownership: Ownership::Owned,
            after: Vec::new(),
            workload: None,
            sequence: None,
        }
    }
}

/// Whose an object is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ownership {
    /// The release makes, changes and removes it.
    #[default]
    Owned,
    /// The release makes and changes it, and an uninstall leaves it.
    Kept,
    /// It must be there; the release only refers to it.
    External,
}

/// That an object waits for another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct After {
    /// The other object.
    pub id: ObjectId,
    /// For what it waits.
    pub until: Until,
}

/// For what an object waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Until {
    /// The other is there.
    Exists,
    /// The other is ready; a job: has succeeded.
    Ready,
}
