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
}

impl Finding {
    /// What is as it must be.
    pub fn good(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self { what: what.into(), text: text.into(), remedy: None, is_good: true }
    }

    /// What is missing or wrong.
    pub fn bad(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self { what: what.into(), text: text.into(), remedy: None, is_good: false }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}
