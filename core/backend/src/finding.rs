//! What a check of a target finds.

use serde::{Deserialize, Serialize};

/// One thing that a check of a target looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What was looked at: a setting, a right, the server itself.
    pub what: String,
    /// What was found, or what is missing.
    pub text: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Whether releases can be made with it.
    pub is_good: bool,
    /// What is told of it beside measurements, where it bears on how long things take: a version, a size, a place, and what
    /// that is of. Neither who asks nor at which address. A check does not print it.
    #[serde(skip)]
    pub measured_on: Option<(String, String)>,
}

impl Finding {
    /// What is as it must be.
    pub fn good(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self { what: what.into(), text: text.into(), remedy: None, is_good: true, measured_on: None }
    }

    /// What is missing or wrong.
    pub fn bad(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self { is_good: false, ..Self::good(what, text) }
    }

    /// Has all of it told beside measurements.
    #[must_use]
    pub fn bears_on_measurements(self) -> Self {
        Self { measured_on: Some((self.what.clone(), self.text.clone())), ..self }
    }

    /// Has this told beside measurements instead.
    #[must_use]
    pub fn measured_on(mut self, what: impl Into<String>, text: impl Into<String>) -> Self {
        self.measured_on = Some((what.into(), text.into()));
        self
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}
