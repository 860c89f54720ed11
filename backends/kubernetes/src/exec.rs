//! Commands in containers, and connections to their ports.

use rhumb_backend::{Duplex, Exec, Place, Result, Scope, Streams};

use crate::connect::Cluster;
use crate::error::unfinished;

/// Runs a command in a container.
pub(crate) async fn exec(_: &Cluster, _: &Scope, _: &Place, _: &Exec, _: Streams) -> Result<i32> {
    Err(unfinished("run the command"))
}

/// Opens a connection to a port of a pod.
pub(crate) async fn connect(_: &Cluster, _: &Scope, _: &Place, _: u16) -> Result<Box<dyn Duplex>> {
    Err(unfinished("open the connection"))
}
