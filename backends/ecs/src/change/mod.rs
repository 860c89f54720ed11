//! What differs between what was wanted last, what is there, and what is wanted.

mod fixed;
mod rules;

use rhumb_backend::change::{Merged, three_way};
use rhumb_backend::{Cause, Change, FieldChange, Live, Object};
use serde_json::{Map, Value};

use crate::kind::Kind;
use crate::normalize;

pub(crate) use rules::rules;

/// In the body of an update of a service: its tasks are replaced though nothing that they are made of changes.
///
/// Source: Amazon ECS API reference, `UpdateService`, `forceNewDeployment`.
pub(crate) const FORCE: &str = "forceNewDeployment";

/// The field of a secret that holds what nobody may see.
const CONTENT: &str = "SecretString";

/// Compares what was wanted last, what is there, and what is wanted now.
///
/// - What AWS has no call to change is made anew.
/// - A job of another content runs anew; what ran before is of no use to anybody.
/// - Of what is named by its content only the tags can differ.
/// - The body of an update is the whole request, with what others set. Which of its fields are sent is told by the
///   changes.
pub fn change(last: Option<&Object>, live: &Live, want: &Object) -> Change {
    let Some(kind) = Kind::of(&want.id) else { return Change::None { kept: Vec::new() } };
    let merged = merge(kind, last.map(|last| &last.body), live, want);
    if kind == Kind::Task {
        return Change::Replace {
            why: "a task runs once, as it was when it was started".to_owned(),
            outage: "the job runs again".to_owned(),
            changes: merged.changes,
        };
    }
    if merged.changes.is_empty() {
        return Change::None { kept: merged.kept };
    }
    if let Some((why, outage)) = fixed::replacement(kind, &merged.changes) {
        return Change::Replace { why, outage, changes: merged.changes };
    }
    Change::Update { body: merged.body, changes: merged.changes, kept: merged.kept }
}

fn merge(kind: Kind, last: Option<&Value>, live: &Live, want: &Object) -> Merged {
    let (last, live, want) = if want.generation.is_some() {
        (last.map(tags), tags(&live.object.body), tags(&want.body))
    } else {
        (last.cloned(), live.object.body.clone(), want.body.clone())
    };
    let hidden = (kind == Kind::Secret).then(|| content(last.as_ref(), &want)).flatten();
    let shown = |body: &Value| if kind == Kind::Secret { without(body, CONTENT) } else { body.clone() };
    let aligned = normalize::align(kind, last.as_ref().map(shown).as_ref(), &shown(&live), &shown(&want));
    let mut merged = three_way(aligned.last.as_ref(), &aligned.live, &aligned.want, rules(kind));
    if let (Some(fields), Some(content)) =
        (merged.body.as_object_mut(), want.get(CONTENT).filter(|_| kind == Kind::Secret))
    {
        fields.insert(CONTENT.to_owned(), content.clone());
    }
    merged.changes.extend(hidden);
    merged
}

/// What a secret holds is not read, so that only what was wanted last tells whether it changes.
fn content(last: Option<&Value>, want: &Value) -> Option<FieldChange> {
    let last = last?.get(CONTENT)?;
    let differs = want.get(CONTENT).is_some_and(|content| content != last);
    differs.then(|| FieldChange { path: CONTENT.to_owned(), from: None, to: None, cause: Cause::Wanted })
}

fn without(body: &Value, field: &str) -> Value {
    let fields = body.as_object().into_iter().flatten().filter(|(name, _)| *name != field);
    Value::Object(fields.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}

/// The tags alone.
fn tags(body: &Value) -> Value {
    let fields = body.as_object().into_iter().flatten();
    let tags = fields.filter(|(name, _)| name.eq_ignore_ascii_case("tags"));
    Value::Object(tags.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
}

/// The body that makes ECS try anew a deployment that its circuit breaker gave up: what is wanted, by force.
pub fn again(live: &Live, want: &Object) -> Option<Value> {
    if Kind::of(&want.id) != Some(Kind::Service) {
        return None;
    }
    let mut body = merge(Kind::Service, Some(&want.body), live, want).body;
    body.as_object_mut()?.insert(FORCE.to_owned(), true.into());
    Some(body)
}

#[cfg(test)]
mod tests;
