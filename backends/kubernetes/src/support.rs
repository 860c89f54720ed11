//! What Kubernetes makes of each feature.

use rhumb_backend::Support;
use rhumb_spec::Feature;

use crate::facts::KubernetesFacts;

/// What Kubernetes makes of a feature, on a cluster that the facts describe.
pub fn support(_feature: Feature, _facts: &KubernetesFacts) -> Support {
    Support::Native
}
