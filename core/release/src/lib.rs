//! Releases: what is recorded of them, where, and who may change them.
//!
//! A record is compressed and cut into chunks that are named by their content; a small head under the revision's
//! number commits it. A release is changed only by whoever holds its lease.

pub mod drivers;
mod encode;
mod head;
mod lease;
mod lease_chain;
mod record;
mod storage;
mod store;

pub use encode::MAX_RECORD;
pub use head::{ChartInfo, Head, Status, UnknownStatus};
pub use lease::{Acquire, DEFAULT_TTL, Lease};
pub use lease_chain::{Holder, Life, Liveness, NobodyKnows};
pub use record::{Outcome, Record, Source, Writer};
pub use storage::{Entry, EntryKind, Filter, Key, Meta, Storage};
pub use store::Releases;
