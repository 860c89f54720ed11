//! By which rules documents are compared. The target adds no defaults of its own, so there are none to take away.

use rhumb_backend::change::{MergeRules, three_way};
use rhumb_backend::{Change, Live, Object};
use serde_json::Value;

const RULES: MergeRules =
    MergeRules { lists: rhumb_backend::change::ListKeys(&[]), kept: &["replicas"], sensitive: &[] };

/// Compares by the document's fields. Replica counts stay as they were set; the mode of a workload cannot change.
pub(crate) fn change(last: Option<&Object>, live: &Live, want: &Object) -> Change {
    let merged = three_way(last.map(|last| &last.body), &live.object.body, &want.body, &RULES);
    let mode = |body: &Value| body.get("mode").cloned();
    if want.workload.is_some() && mode(&live.object.body) != mode(&want.body) {
        return Change::Replace {
            why: "mode: the mode of a workload is fixed when it is made".to_owned(),
            outage: "it is down until its new replicas are ready".to_owned(),
            changes: merged.changes,
        };
    }
    if merged.changes.is_empty() && live.foreign.is_none() {
        return Change::None { kept: merged.kept };
    }
    Change::Update { body: merged.body, changes: merged.changes, kept: merged.kept }
}
