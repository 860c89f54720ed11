//! What Marathon makes of each feature.

use rhumb_backend::Support;
use rhumb_spec::Feature;

use crate::facts::MarathonFacts;

/// What Marathon makes of a feature.
pub fn support(_: Feature, _: &MarathonFacts) -> Support {
    Support::Unsupported { why: "it is not built yet", instead: "another platform" }
}
