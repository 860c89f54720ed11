//! The way to a cluster, as kubectl finds it.

mod call;
mod cluster;
mod kubeconfig;
mod proxy;
mod resource;
mod settings;

pub(crate) use call::{Call, Selection};
pub(crate) use cluster::Cluster;
pub(crate) use resource::Resource;
pub use settings::{Environment, Settings};
