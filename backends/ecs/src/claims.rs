//! What only one object can have at a time.

use std::collections::BTreeSet;

use rhumb_backend::Object;

/// Names that only one object can have at a time: a listener's port, a rule's priority.
pub(crate) fn claims(_: &Object) -> BTreeSet<String> {
    BTreeSet::new()
}
