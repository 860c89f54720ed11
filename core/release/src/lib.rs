//! Releases: what is recorded of them, where, and who may change them.

mod storage;

pub use storage::{Entry, EntryKind, Filter, Key, Meta, Storage};
