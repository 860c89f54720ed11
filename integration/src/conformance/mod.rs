//! The conformance suite: one case for each feature on each backend.
//!
//! Declared means that it works: an app that uses the feature is checked, lowered and applied, becomes ready, is read
//! back by a client that shares no code with ours, and plans nothing afterwards. Not declared means that the check
//! refuses it, at its path.

mod case;
mod cases;
mod ecs;
mod ecs_witness;
mod kubernetes;
mod kubernetes_witness;
mod marathon;
mod marathon_witness;
mod matrix;
pub mod roundtrip;
mod suite;
mod target;
mod witness;

pub use case::{Case, From, Need, Read, Shows};
pub use cases::all;
pub use matrix::{Matrix, Proof};
pub use suite::run;
pub use target::TestTarget;
pub use witness::clean;
