//! What a feature becomes on a platform, in the platform's own words, and where that is documented.

use serde::Serialize;

/// What a feature becomes on a platform, and where that is documented.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mapping {
    /// The platform's own fields and objects; empty where there are none.
    pub becomes: &'static str,
    /// Pages of the platform's documentation: about what it does, or about what it lacks.
    pub sources: &'static [&'static str],
}

impl Mapping {
    /// What it becomes, and where that is documented.
    pub const fn new(becomes: &'static str, sources: &'static [&'static str]) -> Self {
        Self { becomes, sources }
    }

    /// What the platform lacks: where the nearest that it has is documented.
    pub const fn lacking(sources: &'static [&'static str]) -> Self {
        Self { becomes: "", sources }
    }
}
