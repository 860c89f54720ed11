//! What makes a plan come true: order, retries, waiting, the lease's heartbeat, secret material.
//!
//! A backend's call is one attempt at one change. Everything that goes round in a loop is here, but for single reads.

mod attempt;
mod executor;
mod generate;
mod keeper;
mod made;
mod materials;
mod outputs;
mod persistent;
mod poll;
mod schedule;
mod wait;
mod within;

#[cfg(test)]
mod tests;

pub use executor::{CONCURRENCY, Ended, Executed, Executor, Given, StepFailure};
pub use keeper::{Guard, Keeper};
pub use materials::{RunMaterials, SealedMaterial};
pub use persistent::{Persistent, insist};
pub use poll::may_pass;
pub use wait::{Wait, Waited};
pub(crate) use within::within;
