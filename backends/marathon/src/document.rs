//! Reading documents of the servers.

use rhumb_backend::Scope;
use serde_json::Value;

use crate::names;

/// The text at a place of a document: `/run/docker/image`.
pub(crate) fn text<'a>(document: &'a Value, at: &str) -> Option<&'a str> {
    document.pointer(at).and_then(Value::as_str)
}

/// The number at a place of a document; 0 where there is none.
pub(crate) fn count(document: &Value, at: &str) -> u32 {
    document.pointer(at).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok()).unwrap_or(0)
}

/// The items at a place of a document.
pub(crate) fn items<'a>(document: &'a Value, at: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    document.pointer(at).and_then(Value::as_array).into_iter().flatten()
}

/// A label of an app, pod or job.
pub(crate) fn label<'a>(document: &'a Value, name: &str) -> Option<&'a str> {
    document.get("labels")?.get(name)?.as_str()
}

/// Whether an app, pod or job bears the release's marks.
pub(crate) fn is_ours(scope: &Scope, document: &Value) -> bool {
    label(document, names::NAMESPACE) == Some(scope.namespace.as_str())
        && label(document, names::RELEASE) == Some(scope.release.as_str())
}

/// Whether a moment that Marathon gave is after another. Moments of other forms are compared as texts.
pub(crate) fn is_after(left: &str, right: &str) -> bool {
    match (left.parse::<jiff::Timestamp>(), right.parse::<jiff::Timestamp>()) {
        (Ok(left), Ok(right)) => left > right,
        _ => left > right,
    }
}
