//! Copies a volume from one platform to another.
//!
//! A helper runs on the node of each volume, with the volume mounted ([`server`]). The copier talks to both and carries
//! what differs from one to the other ([`sync`], [`compare`], [`settle`]). Each helper is spoken to over TLS in which both sides show
//! certificates that were made for this one run ([`Run`]).
//!
//! Nothing here knows a platform: a connection is whatever can be read and written ([`Dial`]).

#[cfg(feature = "copier")]
mod client;
mod command;
mod entry;
mod error;
mod identity;
mod message;
mod path;
#[cfg(feature = "copier")]
mod run;
#[cfg(target_os = "linux")]
pub mod server;
mod wire;

#[cfg(feature = "copier")]
pub use client::{
    Comparison, Connection, Dial, Difference, End, Holding, LeftOut, Options, Progress, Report, Settled,
    Stage, Trust, Watch, compare, holding, read_secrets, settle, sync,
};
pub use command::{Access, Command};
pub use entry::{Entry, Kind, Metadata, Stamp, Time};
pub use error::{Error, Reason, Refusal, Result};
pub use identity::Identity;
pub use message::Tree;
pub use path::{InvalidPath, TreePath};
#[cfg(feature = "copier")]
pub use run::{Run, TlsDial};

/// The folder at the root of a volume in which files lie until they are whole. It is never copied.
pub const STAGING: &str = ".rhumb-ferry";
