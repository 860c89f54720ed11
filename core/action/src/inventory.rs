//! What earlier revisions may have left on the target.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Adoption, Choices, Facts, Live, Object, ObjectId, Observed, Ownership, Receipt};
use rhumb_release::{Record, Status};
use serde_json::{Map, Value};

/// The revisions that may have touched what is there: the newest first, down to the last that is known to have been
/// applied as a whole.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inventory {
    records: Vec<Record>,
    /// Jobs that succeeded elsewhere.
    noted: BTreeMap<ObjectId, String>,
}

impl Inventory {
    /// Takes records from the newest on, and as many as matter.
    pub(crate) fn new(newest_first: impl IntoIterator<Item = Record>) -> Self {
        let mut inventory = Self::default();
        for record in newest_first {
            let is_base = Self::is_base(record.status);
            inventory.records.push(record);
            if is_base {
                break;
            }
        }
        inventory
    }

    /// Whether a revision of this status was applied as a whole, so that nothing before it matters.
    pub(crate) fn is_base(status: Status) -> bool {
        matches!(status, Status::Deployed | Status::Superseded | Status::Uninstalled)
    }

    /// Whether this revision is among those that matter.
    pub(crate) fn has(&self, revision: u64) -> bool {
        self.records.iter().any(|record| record.revision == revision)
    }

    /// The generations that some of these revisions need.
    pub(crate) fn generations(&self, revisions: &BTreeSet<u64>) -> BTreeSet<(ObjectId, String)> {
        let among = self.records.iter().filter(|record| revisions.contains(&record.revision));
        among.flat_map(crate::known::generations).collect()
    }

    /// The newest revision.
    pub(crate) fn latest(&self) -> Option<&Record> {
        self.records.first()
    }

    /// The revision that lends its values to the next: the one that is deployed, else the newest.
    pub(crate) fn lender(&self) -> Option<&Record> {
        let deployed = self.records.iter().find(|record| record.status == Status::Deployed);
        deployed.or_else(|| self.latest())
    }

    /// What was chosen so far.
    pub(crate) fn choices(&self) -> Choices {
        self.latest().map(|record| record.choices.clone()).unwrap_or_default()
    }

    /// What was there when the release was adopted; nothing once it was removed.
    pub(crate) fn adopted(&self) -> Adoption {
        let there = self.latest().filter(|record| record.status != Status::Uninstalled);
        there.map(|record| record.adopted.clone()).unwrap_or_default()
    }

    /// What was known of the target.
    pub(crate) fn facts(&self) -> Option<&Facts> {
        self.latest().map(|record| &record.facts)
    }

    /// The release's salt.
    pub(crate) fn salt(&self) -> Option<&str> {
        self.records.iter().map(|record| record.salt.as_str()).find(|salt| !salt.is_empty())
    }

    /// Jobs that succeeded, and the hash of what they ran.
    pub(crate) fn done(&self) -> BTreeMap<ObjectId, String> {
        let recorded = self.records.iter().rev().flat_map(|record| record.outcome.done.clone());
        recorded.chain(self.noted.clone()).collect()
    }

    /// Notes jobs that need not run, because the same succeeded where the release comes from.
    pub(crate) fn note_done(&mut self, done: &BTreeMap<ObjectId, String>) {
        self.noted.extend(done.clone());
    }

    /// What each object left behind, by which its rollout is found again.
    pub(crate) fn receipts(&self) -> Vec<Receipt> {
        let by_age = self.records.iter().rev().flat_map(|record| &record.outcome.receipts);
        let newest: BTreeMap<&ObjectId, &Receipt> = by_age.map(|receipt| (&receipt.id, receipt)).collect();
        newest.into_values().cloned().collect()
    }

    /// Whether an object is known to have been made: it is of a revision that was applied as a whole, or an unfinished
    /// one left word of it.
    pub(crate) fn was_made(&self, id: &ObjectId) -> bool {
        self.records.iter().any(|record| {
            let has_left = record.outcome.receipts.iter().any(|receipt| receipt.id == *id);
            let has = || record.objects.iter().any(|object| object.id == *id);
            has_left || (Self::is_base(record.status) && has())
        })
    }

    /// The revisions, the newest first.
    pub(crate) fn records(&self) -> &[Record] {
        &self.records
    }

    /// What is there and stays when the release goes.
    pub(crate) fn kept(&self, observed: &Observed) -> Vec<ObjectId> {
        let recorded = self.records.iter().flat_map(|record| &record.objects);
        let kept: BTreeSet<&ObjectId> =
            recorded.filter(|object| object.ownership == Ownership::Kept).map(|object| &object.id).collect();
        let is_kept = |live: &&Live| {
            live.foreign.is_none()
                && (live.object.ownership == Ownership::Kept || kept.contains(&live.object.id))
        };
        observed.objects.iter().filter(is_kept).map(|live| live.object.id.clone()).collect()
    }

    /// The ids of everything that may be there.
    pub(crate) fn ids(&self) -> BTreeSet<ObjectId> {
        self.records.iter().flat_map(|record| &record.objects).map(|object| object.id.clone()).collect()
    }

    /// What was wanted last, for each object that may be there: of each id the newest generation.
    ///
    /// Where a revision was cut short, nobody knows which of several bodies was applied. Fields in which they differ
    /// then have the value that is not wanted now, so that what is wanted wins over whatever is there.
    pub(crate) fn last(&self, want: &[Object]) -> Vec<Object> {
        let wanted: BTreeMap<&ObjectId, &Object> = want.iter().map(|object| (&object.id, object)).collect();
        let mut seen = BTreeSet::new();
        let mut last = Vec::new();
        for (index, record) in self.records.iter().enumerate() {
            for object in record.objects.iter().filter(|object| seen.insert(&object.id)) {
                let older = self.records[index + 1..].iter().flat_map(|record| &record.objects);
                let mut candidates = vec![&object.body];
                candidates.extend(same(object, older).map(|object| &object.body));
                let body = uncertain(&candidates, wanted.get(&object.id).map(|want| &want.body));
                last.push(Object { body, ..object.clone() });
            }
        }
        last
    }
}

fn same<'a>(
    object: &'a Object,
    among: impl Iterator<Item = &'a Object> + 'a,
) -> impl Iterator<Item = &'a Object> {
    among.filter(|other| other.id == object.id && other.generation == object.generation)
}

/// One body out of several of which any may be there; the first is the newest.
fn uncertain(candidates: &[&Value], want: Option<&Value>) -> Value {
    let newest = candidates[0];
    if candidates.iter().all(|candidate| *candidate == newest) {
        return newest.clone();
    }
    let maps: Option<Vec<&Map<String, Value>>> =
        candidates.iter().map(|candidate| candidate.as_object()).collect();
    match maps {
        Some(maps) => Value::Object(uncertain_map(&maps, want.and_then(Value::as_object))),
        None => (*candidates.iter().find(|candidate| Some(**candidate) != want).unwrap_or(&newest)).clone(),
    }
}

fn uncertain_map(
    candidates: &[&Map<String, Value>],
    want: Option<&Map<String, Value>>,
) -> Map<String, Value> {
    let keys: BTreeSet<&String> = candidates.iter().flat_map(|candidate| candidate.keys()).collect();
    let mut body = Map::new();
    for key in keys {
        let want = want.and_then(|want| want.get(key));
        let present: Vec<&Value> = candidates.iter().filter_map(|candidate| candidate.get(key)).collect();
        let is_everywhere = present.len() == candidates.len();
        // A field that some candidates lack and that is wanted counts as lacking, so that it is written.
        if is_everywhere || want.is_none() {
            body.insert(key.clone(), uncertain(&present, want));
        }
    }
    body
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn record(revision: u64, status: Status, objects: &[(&str, Value)]) -> Record {
        let objects =
            objects.iter().map(|(id, body)| Object::new(ObjectId::from(*id), body.clone())).collect();
        Record { revision, status, objects, ..Record::default() }
    }

    fn check_last(records: Vec<Record>, want: &[(&str, Value)], expected: &[(&str, Value)]) {
        let want: Vec<Object> =
            want.iter().map(|(id, body)| Object::new(ObjectId::from(*id), body.clone())).collect();
        let last = Inventory::new(records).last(&want);
        let last: Vec<(&str, Value)> =
            last.iter().map(|object| (object.id.as_str(), object.body.clone())).collect();
        assert_eq!(last, expected);
    }

    #[test]
    fn only_what_came_after_the_last_whole_revision_matters() {
        let records = vec![
            record(3, Status::Deployed, &[("service/web", json!({"replicas": 2}))]),
            record(2, Status::Superseded, &[("service/old", json!({}))]),
        ];
        check_last(records, &[], &[("service/web", json!({"replicas": 2}))]);
    }

    #[test]
    fn everything_that_an_unfinished_revision_may_have_made_is_known() {
        let records = vec![
            record(2, Status::PendingUpgrade, &[("service/new", json!({}))]),
            record(1, Status::Deployed, &[("service/web", json!({}))]),
        ];
        check_last(records, &[], &[("service/new", json!({})), ("service/web", json!({}))]);
    }

    #[test]
    fn what_is_wanted_wins_over_what_an_unfinished_revision_may_have_applied() {
        let records = || {
            vec![
                record(
                    2,
                    Status::Failed,
                    &[("service/web", json!({"image": "b", "replicas": 5, "same": 1}))],
                ),
                record(
                    1,
                    Status::Deployed,
                    &[("service/web", json!({"image": "a", "replicas": 2, "same": 1}))],
                ),
            ]
        };
        let cases = [
            (json!({"image": "b", "replicas": 5}), json!({"image": "a", "replicas": 2, "same": 1})),
            (json!({"image": "a", "replicas": 2}), json!({"image": "b", "replicas": 5, "same": 1})),
            (json!({"image": "a", "replicas": 5}), json!({"image": "b", "replicas": 2, "same": 1})),
        ];
        for (want, expected) in cases {
            check_last(records(), &[("service/web", want)], &[("service/web", expected)]);
        }
    }

    #[test]
    fn a_field_that_only_one_of_them_has_is_written_again_or_removed_again() {
        let records = || {
            vec![
                record(2, Status::Failed, &[("service/web", json!({"limit": 1}))]),
                record(1, Status::Deployed, &[("service/web", json!({}))]),
            ]
        };
        check_last(records(), &[("service/web", json!({"limit": 1}))], &[("service/web", json!({}))]);
        check_last(records(), &[("service/web", json!({}))], &[("service/web", json!({"limit": 1}))]);
    }
}
