//! What is recorded of one revision.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rhumb_backend::{Adoption, Choices, Facts, Loss, Object, ObjectId, Receipt, Scope};
use rhumb_spec::App;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::{ChartInfo, Status};

/// Everything that is recorded of one revision, so that it can be shown, compared and deployed again without its chart.
///
/// It holds no secret material: secret values stand in it as sealed markers. `Debug` shows no values all the same.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Record {
    /// The release's namespace.
    pub namespace: String,
    /// The release.
    pub release: String,
    /// The revision, from 1.
    pub revision: u64,
    /// Where the revision is in its life. Kept in the head, which outlives any change of it.
    #[serde(skip)]
    pub status: Status,
    /// The chart.
    pub chart: ChartInfo,
    /// The values that the user gave, with sealed markers for secret ones.
    pub values: Value,
    /// All values, the chart's defaults among them, with sealed markers for secret ones.
    pub computed: Value,
    /// The app that the chart rendered.
    pub app: App,
    /// What was known of the target.
    pub facts: Facts,
    /// What lowering chose.
    pub choices: Choices,
    /// What the app asked for and did not get as asked.
    pub losses: Vec<Loss>,
    /// The desired objects.
    pub objects: Vec<Object>,
    /// What was there of each object when the release was adopted, as far as it was; empty for one that was installed.
    #[serde(skip_serializing_if = "Adoption::is_empty")]
    pub adopted: Adoption,
    /// The chart's rendered notes.
    pub notes: String,
    /// The salt of the release's seals: 32 bytes in hexadecimal. It is the same for every revision.
    pub salt: String,
    /// When the revision was begun, in RFC 3339.
    pub created: String,
    /// When its status last changed, in RFC 3339. Kept in the head.
    #[serde(skip)]
    pub updated: String,
    /// What came of it, for people: `Install complete`. Kept in the head.
    #[serde(skip)]
    pub description: String,
    /// Who wrote it.
    pub writer: Writer,
    /// The chart itself, as a `.tgz`. Revisions of one chart share it in storage.
    #[serde(skip)]
    pub source: Option<Source>,
    /// What came of applying it. Empty until that ended.
    #[serde(skip)]
    pub outcome: Outcome,
}

impl Record {
    /// The release that it belongs to.
    pub fn scope(&self) -> Scope {
        Scope::new(self.namespace.clone(), self.release.clone())
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Record")
            .field("namespace", &self.namespace)
            .field("release", &self.release)
            .field("revision", &self.revision)
            .field("status", &self.status)
            .field("chart", &self.chart)
            .field("objects", &self.objects.iter().map(|object| object.id.as_str()).collect::<Vec<_>>())
            .field("updated", &self.updated)
            .finish_non_exhaustive()
    }
}

/// Who wrote a record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Writer {
    /// The version of rhumb.
    pub version: String,
    /// The machine.
    pub host: String,
    /// The user on it.
    pub user: String,
}

/// A chart's archive. In JSON it is base64.
#[derive(Clone, PartialEq, Eq)]
pub struct Source(pub Vec<u8>);

impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Source({} bytes)", self.0.len())
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64.decode(text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// What came of applying a revision.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Outcome {
    /// What each object left behind, by which its rollout is found again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub receipts: Vec<Receipt>,
    /// Jobs that succeeded, and the hash of what they ran.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub done: BTreeMap<ObjectId, String>,
    /// What failed, for people.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<String>,
}

impl Outcome {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhumb_backend::{Adopted, Adoption, Ownership, There};
    use serde_json::json;

    #[test]
    fn a_record_that_knows_of_no_adoption_is_read() {
        let record: Record =
            serde_json::from_value(json!({ "release": "shop", "revision": 1 })).expect("a record");
        assert!(record.adopted.is_empty());
        let written = serde_json::to_value(&record).expect("JSON");
        assert_eq!(written.get("adopted"), None, "one that adopted nothing is written as it always was");
    }

    #[test]
    fn what_was_adopted_is_read_again() {
        let there = Some(There {
            identity: "s1".to_owned(),
            body: json!({ "Name": "old" }),
            ownership: Ownership::Kept,
        });
        let adopted = Adopted { base: json!({ "Name": "new" }), generation: None, there };
        let adopted: Adoption = [(ObjectId::from("service/web"), adopted)].into();
        let record = Record { adopted, ..Record::default() };
        let text = serde_json::to_string(&record).expect("JSON");
        assert_eq!(serde_json::from_str::<Record>(&text).expect("a record"), record);
    }
}
