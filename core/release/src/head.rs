//! The small part of a revision that lists show.

use std::fmt;
use std::str::FromStr;

use rhumb_backend::Scope;
use serde::{Deserialize, Serialize};

use crate::{Entry, EntryKind, Key, Meta, Record};

/// Where a revision is in its life, in Helm's words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// What was recorded is no word known to this version.
    #[default]
    Unknown,
    /// The first install began and has not ended.
    PendingInstall,
    /// An upgrade began and has not ended.
    PendingUpgrade,
    /// A rollback began and has not ended.
    PendingRollback,
    /// It is what the target has.
    Deployed,
    /// A later revision took its place.
    Superseded,
    /// It ended with an error.
    Failed,
    /// Its removal began and has not ended.
    Uninstalling,
    /// It was removed and its history kept.
    Uninstalled,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 9] = [
        Self::Unknown,
        Self::PendingInstall,
        Self::PendingUpgrade,
        Self::PendingRollback,
        Self::Deployed,
        Self::Superseded,
        Self::Failed,
        Self::Uninstalling,
        Self::Uninstalled,
    ];

    /// Helm's word: `pending-install`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::PendingInstall => "pending-install",
            Self::PendingUpgrade => "pending-upgrade",
            Self::PendingRollback => "pending-rollback",
            Self::Deployed => "deployed",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Uninstalling => "uninstalling",
            Self::Uninstalled => "uninstalled",
        }
    }

    /// Whether something began and has not ended, be it still at work or cut short.
    pub const fn is_pending(self) -> bool {
        matches!(
            self,
            Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback | Self::Uninstalling
        )
    }
}

impl fmt::Display for Status {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// A text that is no status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownStatus(pub String);

impl fmt::Display for UnknownStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<_> = Status::ALL.iter().map(|status| status.as_str()).collect();
        write!(formatter, "`{}` is no status; there are {}", self.0, known.join(", "))
    }
}

impl std::error::Error for UnknownStatus {}

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        let known = Self::ALL.iter().find(|status| status.as_str() == text);
        known.copied().ok_or_else(|| UnknownStatus(text.to_owned()))
    }
}

/// Which chart a revision was made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ChartInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The version of what it deploys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_version: Option<String>,
    /// What it is, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// What lists show of a revision, read without its body.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head {
    /// The release's namespace.
    pub namespace: String,
    /// The release.
    pub release: String,
    /// The revision, from 1.
    pub revision: u64,
    /// Where the revision is in its life.
    pub status: Status,
    /// The chart, without its description.
    pub chart: ChartInfo,
    /// When the revision was begun, in RFC 3339.
    pub created: String,
    /// When its status last changed, in RFC 3339.
    pub updated: String,
    /// What came of it, for people.
    pub description: String,
    /// Where its outcome is: a chunk's name, or `@` and the name of a chunk that lists chunks.
    #[serde(skip)]
    pub(crate) outcome: Option<String>,
    /// The entry's version, by which it is changed.
    #[serde(skip)]
    pub(crate) version: String,
}

impl Head {
    /// The release that it belongs to.
    pub fn scope(&self) -> Scope {
        Scope::new(self.namespace.clone(), self.release.clone())
    }

    pub(crate) fn of(record: &Record) -> Self {
        Self {
            namespace: record.namespace.clone(),
            release: record.release.clone(),
            revision: record.revision,
            status: record.status,
            chart: ChartInfo { description: None, ..record.chart.clone() },
            created: record.created.clone(),
            updated: record.updated.clone(),
            description: record.description.clone(),
            outcome: None,
            version: String::new(),
        }
    }

    pub(crate) fn key(&self) -> Key {
        key(&self.scope(), self.revision)
    }

    pub(crate) fn meta(&self) -> Meta {
        let mut meta = Meta::from([
            ("status".to_owned(), self.status.as_str().to_owned()),
            ("chart".to_owned(), self.chart.name.clone()),
            ("chartVersion".to_owned(), self.chart.version.clone()),
            ("created".to_owned(), self.created.clone()),
            ("updated".to_owned(), self.updated.clone()),
            ("description".to_owned(), self.description.clone()),
        ]);
        meta.extend(self.chart.app_version.clone().map(|version| ("appVersion".to_owned(), version)));
        meta.extend(self.outcome.clone().map(|name| ("outcome".to_owned(), name)));
        meta
    }

    /// The head in an entry; none when its name is no revision. What is missing in it stays empty, so that one
    /// damaged head does not hide the others.
    pub(crate) fn read(entry: Entry) -> Option<Self> {
        let revision = entry.key.name.parse().ok()?;
        let mut meta = entry.meta;
        let mut take = |key: &str| meta.remove(key);
        Some(Self {
            revision,
            status: take("status").and_then(|text| text.parse().ok()).unwrap_or_default(),
            chart: ChartInfo {
                name: take("chart").unwrap_or_default(),
                version: take("chartVersion").unwrap_or_default(),
                app_version: take("appVersion"),
                description: None,
            },
            created: take("created").unwrap_or_default(),
            updated: take("updated").unwrap_or_default(),
            description: take("description").unwrap_or_default(),
            outcome: take("outcome"),
            version: entry.version,
            namespace: entry.key.namespace,
            release: entry.key.release,
        })
    }
}

/// The key of a revision's head.
pub(crate) fn key(scope: &Scope, revision: u64) -> Key {
    Key {
        kind: EntryKind::Head,
        namespace: scope.namespace.clone(),
        release: scope.release.clone(),
        name: revision.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_read_as_it_is_written() {
        for status in Status::ALL {
            assert_eq!(status.as_str().parse(), Ok(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        assert!("gone".parse::<Status>().unwrap_err().to_string().contains("pending-rollback"));
    }

    #[test]
    fn a_head_survives_its_meta() {
        let record = Record {
            namespace: "default".to_owned(),
            release: "shop".to_owned(),
            revision: 12,
            status: Status::PendingUpgrade,
            chart: ChartInfo {
                name: "web".to_owned(),
                version: "1.2.3".to_owned(),
                app_version: Some("7".to_owned()),
                description: None,
            },
            created: "2026-11-21T03:00:00Z".to_owned(),
            updated: "2026-11-21T03:00:01Z".to_owned(),
            description: "Upgrade began".to_owned(),
            ..Record::default()
        };
        let head = Head { outcome: Some("@abc".to_owned()), version: "v".to_owned(), ..Head::of(&record) };
        let entry = Entry { key: head.key(), meta: head.meta(), value: Vec::new(), version: "v".to_owned() };
        assert_eq!(Head::read(entry), Some(head));
    }

    #[test]
    fn a_head_with_nothing_in_it_is_still_listed() {
        let key = key(&Scope::new("default", "shop"), 3);
        let entry = Entry { key, meta: Meta::new(), value: Vec::new(), version: String::new() };
        let head = Head::read(entry).unwrap();
        assert_eq!((head.revision, head.status), (3, Status::Unknown));
    }
}
