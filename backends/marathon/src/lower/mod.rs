//! An app into documents of Marathon and Metronome.

use rhumb_backend::{CheckedApp, Choices, Lowered, Scope};
use rhumb_spec::Diagnostic;

use crate::facts::MarathonFacts;

/// Turns an app into documents.
///
/// # Errors
/// Every value that Marathon will not take, at its path in the app.
pub fn lower(_: &CheckedApp, _: &Scope, _: &MarathonFacts, _: &Choices) -> Result<Lowered, Vec<Diagnostic>> {
    Ok(Lowered::default())
}
