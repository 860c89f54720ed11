//! How long what looks like a failure is given the benefit of the doubt.

/// What was seen of tasks that failed, between one look and the next.
#[derive(Debug, Default)]
pub(crate) struct Patience;
