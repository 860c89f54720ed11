//! What there is of a release.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Live, ObjectId, Observed, Scope};
use serde_json::Value;

use crate::health;
use crate::lower::USES;
use crate::names;
use crate::state::{State, Stored};

/// Everything that a release owns, and what bears the names of these ids.
pub(crate) fn observe(state: &State, scope: &Scope, ids: &[ObjectId]) -> Observed {
    let mut objects: Vec<Live> =
        state.owned(scope).map(|(native, stored)| live(native, stored, scope)).collect();
    for id in ids.iter().collect::<BTreeSet<_>>() {
        let native = names::plain_native(scope, id);
        let found = state.objects.get(&native).filter(|stored| stored.owner.as_ref() != Some(scope));
        if let Some(stored) = found {
            let mut live = live(&native, stored, scope);
            live.object.id = id.clone();
            objects.push(live);
        }
    }
    Observed { objects, unreadable: BTreeMap::new() }
}

fn live(native: &str, stored: &Stored, scope: &Scope) -> Live {
    let mut outputs = BTreeMap::from([("name".to_owned(), native.to_owned())]);
    if stored.object.once.is_some()
        && let Some(state) = health::job(stored)
    {
        outputs.insert(Live::JOB.to_owned(), state.to_owned());
    }
    let holds = natives_used(&stored.object.body).chain(stored.previous.iter().flat_map(natives_used));
    Live {
        object: stored.object.clone(),
        native: native.to_owned(),
        version: Some(stored.version.to_string()),
        outputs,
        holds: holds.map(str::to_owned).collect(),
        foreign: foreign(stored, scope),
    }
}

/// The natives that a body uses, its references resolved.
pub(crate) fn natives_used(body: &Value) -> impl Iterator<Item = &str> {
    body.get(USES)
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|uses| uses.values().filter_map(Value::as_str))
}

fn foreign(stored: &Stored, scope: &Scope) -> Option<String> {
    match &stored.owner {
        Some(owner) if owner == scope => None,
        Some(owner) => {
            Some(format!("it belongs to release {} in namespace {}", owner.release, owner.namespace))
        }
        None => Some("it belongs to no release".to_owned()),
    }
}
