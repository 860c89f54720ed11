//! What a caller lacks.

use kube::core::Status;
use rhumb_backend::{Error, ErrorKind};

use super::between;

/// A refusal for want of a right, with the rule that would give it.
///
/// Source: apiserver, `pkg/endpoints/handlers/responsewriters/errors.go`: `User "u" cannot create resource
/// "deployments" in API group "apps" in the namespace "shop"`.
pub(super) fn of(operation: String, status: &Status, said: String) -> Error {
    let error = Error::new(ErrorKind::Forbidden, operation, said);
    match missing_rule(&status.message) {
        Some(rule) => error.remedy(rule),
        None => error,
    }
}

fn missing_rule(said: &str) -> Option<String> {
    let verb = between(said, " cannot ", " resource ")?;
    let resource = between(said, "resource \"", "\"")?;
    let group = between(said, "in API group \"", "\"").filter(|group| !group.is_empty());
    let what = group.map_or_else(|| resource.to_owned(), |group| format!("{resource}.{group}"));
    let role = match between(said, "in the namespace \"", "\"") {
        Some(namespace) => format!("a Role in the namespace {namespace}"),
        None => "a ClusterRole".to_owned(),
    };
    Some(format!("{role} with verbs [{verb}] on {what}, bound to the user"))
}
