//! `rhumb migrate`: a release moves from one platform to another, with its secrets and its data, and can come back.
//!
//! Where it stands is in a file ([`Store`]). A stage is written down before what it names is begun, each stage's steps find out what is
//! there before they change it, and so every call can be made again after a crash.

mod abort;
mod arrival;
mod begin;
mod carried;
mod copy;
mod cutover;
mod departure;
mod externals;
mod externals_made;
mod finish;
mod foreign;
mod journey;
mod passages;
mod plan;
mod posture;
mod sides;
mod start;
mod state;
mod verify;

pub use abort::{Aborted, DestinationWrites, abort};
pub use begin::Baggage;
pub use cutover::{CutOver, Entrance, cutover};
pub use externals::{ExternalFate, MovingExternal};
pub use finish::{Finished, SourceVolumes, finish};
pub use foreign::{Adopts, Foreign};
pub use plan::{MigrationPlan, MovingVolume, MovingWorkload, plan};
pub use sides::Sides;
pub use start::{Overwrite, StartRequest, start};
pub use state::{CheckOutcome, Copied, Passage, Side, Stage, State, Store};
pub use verify::{Commands, Verified, verify};

pub(crate) use arrival::{Arrival, arrive, at_rest};
pub(crate) use carried::Carried;
