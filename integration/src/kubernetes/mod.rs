//! Real Kubernetes clusters for tests.

mod cluster;
mod faulty;
mod kubectl;

pub(crate) use cluster::script;
pub use cluster::{Cluster, NoCluster};
pub use faulty::{Fault, Faults, FaultyServer};
pub use kubectl::Kubectl;
