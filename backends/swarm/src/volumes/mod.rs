//! Volumes, each on a node of its own, and helpers beside them.

mod helper;
mod reach;
mod uses;

pub(crate) use helper::{helpers, start, state, stop};
pub(crate) use reach::connect;
pub(crate) use uses::{volumes, wanted};

/// On what is made for a helper: its name.
const HELPER: &str = "rhumb.dev/helper";
/// On what is made for a helper: the stack for which it works. It is no part of that.
const HELPER_OF: &str = "rhumb.dev/helper-of";
