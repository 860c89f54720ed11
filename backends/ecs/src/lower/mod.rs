//! An app into requests of AWS's APIs.

use rhumb_backend::{CheckedApp, Choices, Lowered, Scope};
use rhumb_spec::Diagnostic;

use crate::facts::EcsFacts;

/// Turns an app into requests.
///
/// # Errors
/// Every value that AWS will not take, at its path in the app.
pub fn lower(_: &CheckedApp, _: &Scope, _: &EcsFacts, _: &Choices) -> Result<Lowered, Vec<Diagnostic>> {
    Ok(Lowered::default())
}
