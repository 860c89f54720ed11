//! From values to text.

use std::fmt;

use serde::Serialize;

/// Why a value cannot be written as YAML: a map key that is not a scalar, or the value's own refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteError(String);

impl fmt::Display for WriteError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for WriteError {}

/// Writes a value as one YAML document: two spaces of indentation, text of several lines as a block.
///
/// Text that some reader, of YAML 1.1 or 1.2, would take for something else (`no`, `on`, `12:30`, `=`, `<<`, `1.10`) is
/// quoted.
///
/// # Errors
/// When the value cannot be a YAML document.
pub fn to_string<T: Serialize + ?Sized>(value: &T) -> Result<String, WriteError> {
    // A width that no line reaches: folded text is hard to read and to compare.
    let options = serde_saphyr::ser_options! { folded_wrap_chars: 1_000_000 };
    serde_saphyr::to_string_with_options(&value, options).map_err(|error| WriteError(error.to_string()))
}
