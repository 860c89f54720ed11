//! Claims, the nodes where they can be mounted, and helpers beside them.

mod helper;
mod pod;
mod uses;

pub(crate) use helper::{connect, helpers, start, state, stop};
pub(crate) use uses::{volumes, wanted};

/// On what is made for a helper: its name. Labels of a release are not on it, or an upgrade would take it for its own.
const HELPER: &str = "rhumb.dev/helper";
/// On what is made for a helper: the release for which it works.
const HELPER_OF: &str = "rhumb.dev/helper-of";
