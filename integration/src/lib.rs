//! What proves the rest: harnesses that start real servers, the conformance suite, end-to-end tests and benchmarks.
//!
//! Nothing here is shipped. Servers are started in network namespaces of their own and stopped again; where the
//! machine cannot run one, the cases that need it are reported as skipped.

mod chart;
pub mod conformance;
pub mod ecs;
pub mod ferry;
pub mod kubernetes;
pub mod marathon;
pub mod measure;
mod place;
mod rhumb;
pub mod swarm;
pub mod trial;
pub mod workloads;

pub use chart::ChartFolder;
pub use place::{Place, Platform};
pub use rhumb::{Ended, Rhumb};
