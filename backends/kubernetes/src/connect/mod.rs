//! The way to a cluster, as kubectl finds it.

mod cluster;
mod settings;

pub(crate) use cluster::Cluster;
pub use settings::{Environment, Settings};
