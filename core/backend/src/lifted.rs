//! What lifting makes of documents, and what became of each of their fields.

use rhumb_spec::{App, Diagnostic};
use serde::{Deserialize, Serialize};

use crate::ObjectId;

/// What lifting makes of documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lifted {
    /// The app.
    pub app: App,
    /// A note for each field that could not be carried: where it is in its object, and why.
    pub notes: Vec<Diagnostic>,
    /// For each object, what became of its fields; empty where a backend only tells what is lost.
    pub accounts: Vec<Account>,
}

/// What became of the fields of one object. A field is a leaf of its document: a plain value, or a mapping or list
/// with nothing in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// The object.
    pub id: ObjectId,
    /// The document of the app that it became a part of, by its path: `workload/web`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// How many fields it has.
    pub fields: usize,
    /// Those that are not neutral fields of the app now.
    pub rest: Vec<Rest>,
}

/// Fields that are not neutral fields of the app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rest {
    /// Where they are, below the object: `spec.template.spec.hostNetwork`.
    pub path: String,
    /// How many there are at this path and below it.
    pub fields: usize,
    /// What became of them.
    pub fate: Fate,
    /// Why, for people.
    pub why: String,
}

/// What became of a field that is no neutral field of the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    /// The app keeps it for its own platform only: as a patch, or as a document that is passed through.
    Kept,
    /// It says nothing of the user's: what the platform wrote itself, or what it takes where nothing is said.
    Own,
    /// It is not in the app.
    Lost,
}

/// How many fields met which fate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// All of them.
    pub fields: usize,
    /// Those that are neutral fields of the app.
    pub carried: usize,
    /// See [`Fate::Kept`].
    pub kept: usize,
    /// See [`Fate::Own`].
    pub own: usize,
    /// See [`Fate::Lost`].
    pub lost: usize,
}

impl Account {
    /// How many fields met which fate. `carried` is what the others leave over.
    pub fn counts(&self) -> Counts {
        let of = |fate| self.rest.iter().filter(|rest| rest.fate == fate).map(|rest| rest.fields).sum();
        let (kept, own, lost) = (of(Fate::Kept), of(Fate::Own), of(Fate::Lost));
        let carried = self.fields.saturating_sub(kept + own + lost);
        Counts { fields: self.fields, carried, kept, own, lost }
    }
}

impl std::iter::Sum for Counts {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, one| Self {
            fields: sum.fields + one.fields,
            carried: sum.carried + one.carried,
            kept: sum.kept + one.kept,
            own: sum.own + one.own,
            lost: sum.lost + one.lost,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_rest_leaves_over_is_carried() {
        let rest = |fields, fate| Rest { path: "a".to_owned(), fields, fate, why: String::new() };
        let account = Account {
            id: ObjectId::new("pod", "web"),
            document: None,
            fields: 10,
            rest: vec![rest(2, Fate::Kept), rest(1, Fate::Lost), rest(3, Fate::Own), rest(1, Fate::Kept)],
        };
        let counts = Counts { fields: 10, carried: 3, kept: 3, own: 3, lost: 1 };
        assert_eq!(account.counts(), counts);
        assert_eq!([counts, counts].into_iter().sum::<Counts>().fields, 20);
    }
}
