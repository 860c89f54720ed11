//! What a backend answers when asked for a feature.

use rhumb_spec::Feature;
use serde::{Deserialize, Serialize};

/// What a backend answers when asked for a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// The platform does it.
    Native,
    /// It is done by other means.
    Emulated {
        /// What is not as it would be natively.
        loss: &'static str,
    },
    /// It is refused.
    Unsupported {
        /// Why the platform cannot do it.
        why: &'static str,
        /// What to use instead.
        instead: &'static str,
    },
}

/// Something that an app asked for and does not get as asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Loss {
    /// What was asked for.
    pub feature: Feature,
    /// Where in the app.
    pub path: String,
    /// What is not as it would be natively, or that it was left out.
    pub text: String,
    /// It was left out because the user accepted that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub accepted: bool,
}
