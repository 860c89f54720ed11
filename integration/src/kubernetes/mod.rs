//! Real Kubernetes clusters for tests.

mod cluster;
mod kubectl;

pub(crate) use cluster::script;
pub use cluster::{Cluster, NoCluster};
pub use kubectl::Kubectl;
