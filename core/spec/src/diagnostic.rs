//! What is wrong with something that a person wrote, and what to do about it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much a diagnostic weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Nothing goes on until it is put right.
    Error,
    /// It goes on, and is probably not what was meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// The word that begins a diagnostic's text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Place {
    /// The file, as it was named when it was read.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)?;
        match self.column {
            Some(column) => write!(formatter, ":{column}"),
            None => Ok(()),
        }
    }
}

/// One thing that is wrong with, or worth knowing about, what a person wrote.
///
/// Its text has up to four lines:
/// ```text
/// error: Fargate cannot mount a host path
///   --> web.mounts./cache (templates/web.yaml:31)
///   why: tasks on Fargate have no host file system
///   use: an ephemeral volume, or a target whose launch type is EC2
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Diagnostic {
    /// How much it weighs.
    pub severity: Severity,
    /// The path of the value in the app, as in `workload/web.containers.web.mounts./cache`; empty where none fits.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Where that value was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What is wrong, in one line.
    pub what: String,
    /// Why it is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// What to write or do instead.
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Diagnostic {
    /// Something that must be put right before anything goes on.
    pub fn error(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(Severity::Error, path, what)
    }

    /// Something that is probably not what was meant.
    pub fn warning(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(Severity::Warning, path, what)
    }

    /// Something worth knowing.
    pub fn note(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self::new(Severity::Note, path, what)
    }

    /// A diagnostic of this severity about the value at `path`.
    pub fn new(severity: Severity, path: impl Into<String>, what: impl Into<String>) -> Self {
        Self { severity, path: path.into(), place: None, what: what.into(), why: None, remedy: None }
    }

    /// Says why it is wrong.
    #[must_use]
    pub fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// Says what to write or do instead.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Says where the value was written; `line` counts from 1.
    #[must_use]
    pub fn at(mut self, file: impl Into<String>, line: u32) -> Self {
        self.place = Some(Place { file: file.into(), line, column: None });
        self
    }

    /// Says where the value was written.
    #[must_use]
    pub fn at_place(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Whether nothing goes on until it is put right.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.severity, self.what)?;
        match (self.path.as_str(), &self.place) {
            ("", None) => {}
            ("", Some(place)) => write!(formatter, "\n  --> {place}")?,
            (path, None) => write!(formatter, "\n  --> {path}")?,
            (path, Some(place)) => write!(formatter, "\n  --> {path} ({place})")?,
        }
        if let Some(why) = &self.why {
            write!(formatter, "\n  why: {}", Indented(why))?;
        }
        if let Some(remedy) = &self.remedy {
            write!(formatter, "\n  use: {}", Indented(remedy))?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// Text whose further lines stand under its first one.
struct Indented<'a>(&'a str);

impl fmt::Display for Indented<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, line) in self.0.trim_end().lines().enumerate() {
            if index > 0 {
                formatter.write_str("\n       ")?;
            }
            formatter.write_str(line)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_has_what_place_why_and_remedy() {
        let diagnostic = Diagnostic::error("web.mounts./cache", "Fargate cannot mount a host path")
            .why("tasks on Fargate have no host file system")
            .remedy("an ephemeral volume, or a target whose launch type is EC2")
            .at("templates/web.yaml", 31);
        assert_eq!(
            diagnostic.to_string(),
            "error: Fargate cannot mount a host path\n  --> web.mounts./cache (templates/web.yaml:31)\n  \
             why: tasks on Fargate have no host file system\n  \
             use: an ephemeral volume, or a target whose launch type is EC2"
        );
    }

    #[test]
    fn text_leaves_out_what_is_not_known() {
        assert_eq!(Diagnostic::warning("", "odd").to_string(), "warning: odd");
        assert_eq!(Diagnostic::note("web", "odd").to_string(), "note: odd\n  --> web");
        assert_eq!(Diagnostic::note("", "odd").at("a", 2).to_string(), "note: odd\n  --> a:2");
    }

    #[test]
    fn further_lines_are_indented() {
        let diagnostic = Diagnostic::error("", "bad").why("first\nsecond");
        assert_eq!(diagnostic.to_string(), "error: bad\n  why: first\n       second");
    }

    #[test]
    fn json_calls_the_remedy_use() {
        let diagnostic = Diagnostic::error("a.b", "bad").remedy("good");
        let json = serde_json::to_value(&diagnostic).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"severity": "error", "path": "a.b", "what": "bad", "use": "good"})
        );
        assert_eq!(serde_json::from_value::<Diagnostic>(json).unwrap(), diagnostic);
    }
}
