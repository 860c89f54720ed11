//! Marathon's published types, and what of requests and answers they do not take.

mod check;
mod subjects;
mod types;

pub(super) use types::Types;
