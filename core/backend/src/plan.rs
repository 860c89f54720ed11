//! What will be done, as a value with nothing left to decide.

mod verify;

use serde::{Deserialize, Serialize};

use crate::{FieldChange, Object, ObjectId, Until};

/// Everything that an upgrade will do, in an order that its edges give.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// The steps. Each refers to earlier ones only.
    pub steps: Vec<Step>,
    /// What people should know although nothing is done about it.
    pub notes: Vec<Note>,
}

impl Plan {
    /// Whether nothing would be written.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| step.action == Action::Await)
    }
}

/// One write, or one wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// The object.
    pub id: ObjectId,
    /// What is done with it.
    pub action: Action,
    /// The object to make or to leave there. For an update its body is already merged with what is live; for a
    /// delete it is what is known of the object. `$ref`s to what is there already are resolved; those to what earlier
    /// steps make are resolved by their receipts, just before the step is applied.
    pub object: Object,
    /// The platform's own id of what is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<String>,
    /// The version that the write must carry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What changes, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<FieldChange>,
    /// What others hold of it on the platform is taken from them: fields that another writer set, a lock.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
    /// Why it is replaced, and what users see of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Earlier steps that it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<StepAfter>,
}

/// That a step waits for an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepAfter {
    /// The earlier step's index in the plan.
    pub step: usize,
    /// For what it waits: `Exists` means that the earlier step was applied.
    pub until: Until,
}

/// What is done with an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is removed and made anew.
    Replace,
    /// It is removed, because nobody wants it any more.
    Delete,
    /// An old generation is removed, because nothing needs it any more.
    Collect,
    /// Nothing is written: a later step waits until it is ready.
    Await,
}

/// Something that people should know although nothing is done about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// The object.
    pub id: ObjectId,
    /// What is so: `replicas stay at 5, as somebody set them (the chart says 2)`.
    pub text: String,
}
