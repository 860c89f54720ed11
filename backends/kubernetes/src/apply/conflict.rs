//! Fields that somebody else has set.

use std::collections::BTreeMap;

use kube::core::Status;
use rhumb_backend::{Cause, Error, ErrorKind, Retry, Step};

use crate::change::{REPLICAS, is_below};
use crate::error::{between, causes};

/// What is done about a conflict.
#[derive(Debug)]
pub(super) enum Verdict {
    /// The fields are ours to take.
    Take,
    /// Only the replica count is others', and it is to stay as they have set it.
    FollowReplicas,
    /// They are others'.
    Refuse(Error),
}

/// Whether a refusal is for fields that others manage.
pub(super) fn is_one(status: &Status) -> bool {
    status.code == 409 && causes(status).iter().any(|cause| cause.reason == "FieldManagerConflict")
}

/// Decides field by field: what the plan calls drift of ours is taken, and so is a replica count that it changes.
///
/// Source: apimachinery, `pkg/util/managedfields/internal/conflict.go`.
pub(super) fn verdict(step: &Step, status: &Status) -> Verdict {
    if step.force {
        return Verdict::Take;
    }
    let fields: Vec<(String, &str)> = causes(status)
        .iter()
        .filter(|cause| cause.reason == "FieldManagerConflict")
        .map(|cause| {
            (plain(&cause.field), between(&cause.message, "conflict with \"", "\"").unwrap_or("somebody"))
        })
        .collect();
    let touches = |field: &str, path: &str| is_below(field, path) || is_below(path, field);
    let changed = |field: &str| step.changes.iter().find(|change| touches(field, &change.path));
    let is_ours =
        |field: &str| changed(field).is_some_and(|change| change.cause == Cause::Drift || field == REPLICAS);
    let others: Vec<&(String, &str)> = fields.iter().filter(|(field, _)| !is_ours(field)).collect();
    match others.as_slice() {
        [] => Verdict::Take,
        [(field, _)] if field == REPLICAS => Verdict::FollowReplicas,
        others => Verdict::Refuse(refusal(others)),
    }
}

fn refusal(others: &[&(String, &str)]) -> Error {
    let mut by_manager: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (field, manager) in others {
        by_manager.entry(manager).or_default().push(field);
    }
    let told = by_manager.iter().map(|(manager, fields)| format!("{} (set by {manager})", fields.join(", ")));
    let message = format!("others have set what the chart sets: {}", told.collect::<Vec<_>>().join("; "));
    Error::new(ErrorKind::Conflict, "apply the object", message)
        .retry(Retry::Never)
        .remedy("--force-conflicts to take the fields, or leave them out of the chart")
}

/// The server's path of a field as plans have it: `.spec.containers[name="web"].image` as `spec.containers.web.image`.
///
/// Source: structured-merge-diff, `fieldpath/element.go`, `PathElement.String`.
fn plain(field: &str) -> String {
    let mut path = String::with_capacity(field.len());
    let mut rest = field;
    while let Some(open) = rest.find('[') {
        path.push_str(&rest[..open]);
        let inner = &rest[open + 1..];
        let Some(close) = end_of_key(inner) else { break };
        path.push('.');
        path.push_str(&key(&inner[..close]));
        rest = &inner[close + 1..];
    }
    path.push_str(rest);
    path.trim_start_matches('.').to_owned()
}

/// The closing bracket, not those in quotes.
fn end_of_key(text: &str) -> Option<usize> {
    let mut is_quoted = false;
    let mut is_escaped = false;
    for (at, sign) in text.char_indices() {
        match sign {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ']' if !is_quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// `name="web"` as `web`, `containerPort=80,protocol="TCP"` as `80/TCP`, `="x"` as `x`.
fn key(text: &str) -> String {
    let values = text.split(',').map(|part| {
        let value = part.split_once('=').map_or(part, |(_, value)| value);
        serde_json::from_str::<String>(value).unwrap_or_else(|_| value.to_owned())
    });
    values.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhumb_backend::{Action, FieldChange, Object, ObjectId};
    use serde_json::json;

    fn step(changes: &[(&str, Cause)]) -> Step {
        let change = |(path, cause): &(&str, Cause)| FieldChange {
            path: (*path).to_owned(),
            from: None,
            to: None,
            cause: *cause,
        };
        Step {
            id: ObjectId::from("deployment/web"),
            action: Action::Update,
            object: Object::new(ObjectId::from("deployment/web"), json!({})),
            native: None,
            version: None,
            changes: changes.iter().map(change).collect(),
            force: false,
            reason: None,
            after: Vec::new(),
        }
    }

    fn status(fields: &[(&str, &str)]) -> Status {
        let cause = |(field, manager): &(&str, &str)| json!({ "reason": "FieldManagerConflict", "message": format!("conflict with \"{manager}\" using apps/v1"), "field": field });
        let causes: Vec<_> = fields.iter().map(cause).collect();
        serde_json::from_value(json!({ "code": 409, "reason": "Conflict", "details": { "causes": causes } }))
            .unwrap()
    }

    const IMAGE: &str = ".spec.template.spec.containers[name=\"web\"].image";
    const PLAIN: &str = "spec.template.spec.containers.web.image";

    #[test]
    fn fields_are_called_as_plans_call_them() {
        assert_eq!(plain(IMAGE), PLAIN);
        assert_eq!(plain(".spec.ports[port=80,protocol=\"TCP\"].targetPort"), "spec.ports.80/TCP.targetPort");
        assert_eq!(
            plain(".metadata.labels.app.kubernetes.io/name"),
            "metadata.labels.app.kubernetes.io/name"
        );
        assert_eq!(plain(".metadata.finalizers[=\"a]b\"]"), "metadata.finalizers.a]b");
    }

    #[test]
    fn only_what_is_ours_is_taken() {
        let of = |step: &Step, fields: &[(&str, &str)]| verdict(step, &status(fields));
        let edited = [(IMAGE, "kubectl-edit")];
        assert!(matches!(of(&step(&[(PLAIN, Cause::Drift)]), &edited), Verdict::Take));
        let Verdict::Refuse(error) = of(&step(&[(PLAIN, Cause::Wanted)]), &edited) else {
            panic!("it is theirs")
        };
        assert_eq!((error.kind, error.retry), (ErrorKind::Conflict, Retry::Never));
        assert_eq!(
            error.message,
            format!("others have set what the chart sets: {PLAIN} (set by kubectl-edit)")
        );
        assert!(matches!(of(&Step { force: true, ..step(&[]) }, &edited), Verdict::Take));
    }

    #[test]
    fn a_replica_count_is_taken_only_when_the_chart_changes_it() {
        let scaled = [(".spec.replicas", "kubectl")];
        let of = |step: &Step| verdict(step, &status(&scaled));
        assert!(matches!(of(&step(&[("spec.replicas", Cause::Wanted)])), Verdict::Take));
        assert!(matches!(of(&step(&[(PLAIN, Cause::Wanted)])), Verdict::FollowReplicas));
    }
}
