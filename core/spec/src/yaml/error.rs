//! Why a text is not YAML that can be read.

use std::fmt;

use granit_parser::Marker;

use super::load::position;
use crate::Diagnostic;

/// Why a text is not YAML that can be read, and where. It holds no value of the text, only keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong, in one line.
    pub message: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl Error {
    pub(super) fn at(marker: Marker, message: String) -> Self {
        let (line, column) = position(marker);
        Self { message, line, column }
    }

    /// The same as a diagnostic about `file`.
    pub fn into_diagnostic(self, file: &str) -> Diagnostic {
        Diagnostic::error("", format!("not valid YAML: {}", self.message)).at_place(crate::Place {
            file: file.to_owned(),
            line: self.line,
            column: Some(self.column),
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at line {} column {}", self.message, self.line, self.column)
    }
}

impl std::error::Error for Error {}
