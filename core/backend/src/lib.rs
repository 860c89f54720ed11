//! The contract between the release core and its backends.
//!
//! Everything but the [`Backend`] trait's own asynchronous methods is pure: no IO, clock, randomness or environment.
//! The order of things is the road of the architecture: survey → [`check()`] → lower → observe → [`diff()`] → apply →
//! health.

mod adopt;
mod backend;
mod billed;
pub mod change;
mod check;
mod choices;
mod diff;
#[cfg(test)]
mod double;
mod error;
pub mod export;
mod externals;
mod facts;
pub mod fields;
mod finding;
mod health;
mod import;
mod interactive;
pub mod legalize;
mod lifted;
mod mapping;
pub mod material;
mod migration;
mod object;
mod observed;
mod omit;
pub mod patch;
mod plan;
pub mod reference;
mod reread;
mod runtime;
mod scope;
mod support;
mod volumes;

pub use adopt::{Adopt, Adopted, Adoption, Claim, Found, There, adoption, keep, recognise};
pub use backend::{Backend, Lowered, ResolveImage, Survey};
pub use billed::{Billed, Running};
pub use change::{Cause, Change, FieldChange};
pub use check::{Assessed, Checked, CheckedApp, assess, bound_to, check, only_for_others};
pub use choices::Choices;
pub use diff::{DiffOptions, diff, uninstall_plan};
pub use error::{Error, ErrorKind, Result, Retry};
pub use export::{Export, ExportSecrets, Exported, ExportedFile, FileAccess};
pub use externals::{Entries, Extent, External, ExternalKind, Externals, Held};
pub use facts::Facts;
pub use finding::Finding;
pub use health::{Failure, Health, ObjectHealth, Receipt, State};
pub use import::{Gathered, Import, ImportQuery, Origin};
pub use interactive::{Duplex, Exec, Interactive, Place, Streams, TerminalSize};
pub use lifted::{Account, Counts, Fate, Lifted, Rest};
pub use mapping::Mapping;
pub use material::{Material, Materials};
pub use migration::{AtRest, Migration, Removed, Shown};
pub use object::{After, Object, ObjectId, Ownership, Sequence, Until};
pub use observed::{Live, Observed};
pub use omit::{can_omit, omit};
pub use plan::{Action, Note, Plan, Step, StepAfter};
pub use reread::reread;
pub use runtime::{Entrance, Killed, LogLine, LogQuery, LogStream, PortOf, Runtime, Task, TaskState};
pub use scope::Scope;
pub use support::{Loss, Support};
pub use volumes::{Helper, HelperState, HelperVolume, VolumeAccess, VolumeUse, Volumes, Whose};
