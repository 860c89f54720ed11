//! What ECS makes of each feature.

use rhumb_backend::Support;
use rhumb_spec::Feature;

use crate::facts::EcsFacts;

/// What ECS makes of a feature.
pub fn support(_: Feature, _: &EcsFacts) -> Support {
    Support::Unsupported { why: "it is not built yet", instead: "another platform" }
}
