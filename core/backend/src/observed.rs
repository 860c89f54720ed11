//! What is there.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Object, ObjectId};

/// An object as it is on the platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Live {
    /// The object; its body is what the platform returned, without any secret data.
    pub object: Object,
    /// The platform's own id or name, by which later calls reach it.
    pub native: String,
    /// The version that a write must carry: Swarm's index, a resourceVersion. Never interpreted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What others may refer to: `id`, `name`, `arn`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    /// Natives that it needs, those of the spec that the platform itself would roll back to among them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub holds: BTreeSet<String>,
    /// Why it is not ours, when it bears the name that we want and not our marks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign: Option<String>,
}

impl Live {
    /// The output by which a backend tells what became of a job that is there: [`Self::JOB_SUCCEEDED`],
    /// [`Self::JOB_FAILED`], or none while it runs.
    pub const JOB: &'static str = "job";
    /// The job ended with success.
    pub const JOB_SUCCEEDED: &'static str = "succeeded";
    /// The job ended without success and will not be tried again by itself.
    pub const JOB_FAILED: &'static str = "failed";
    /// The output by which a backend tells that the platform has given up a rollout and will not go on with it by
    /// itself: why.
    pub const GIVEN_UP: &'static str = "given-up";
}

/// What is there: the wanted ids, the last inventory's, and whatever bears the release's marks.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// Everything that was found. A content-named id may be there several times, once for each generation.
    pub objects: Vec<Live>,
    /// Ids that could not be read, and why. They are never taken for absent.
    pub unreadable: BTreeMap<ObjectId, String>,
}

impl Observed {
    /// The object with this id and generation.
    pub fn find(&self, id: &ObjectId, generation: Option<&str>) -> Option<&Live> {
        self.objects
            .iter()
            .find(|live| live.object.id == *id && live.object.generation.as_deref() == generation)
    }

    /// Every generation of an id.
    pub fn generations<'a>(&'a self, id: &'a ObjectId) -> impl Iterator<Item = &'a Live> {
        self.objects.iter().filter(move |live| live.object.id == *id)
    }
}
