//! Getting into things that run. Swarm itself has no way there: its managers pass neither commands nor connections on to
//! the nodes, whose engines alone can.
//!
//! Source: Engine API reference, `Exec`: "Start an exec instance" is a call of the node's own engine.

use rhumb_backend::{Duplex, Error, ErrorKind, Place, Result};

const WHY: &str = "Swarm's managers pass nothing on to the containers of other nodes";

/// Refuses, and says how to run a command.
///
/// # Errors
/// Always.
pub(crate) fn exec(place: &Place, service: &str) -> Result<i32> {
    let remedy = format!(
        "on the replica's node (`rhumb ps` shows it): docker exec -it \"$(docker ps -q -f \
         label=com.docker.swarm.service.name={service} | head -n 1)\" COMMAND; or `rhumb run` for a container like it"
    );
    Err(Error::new(ErrorKind::Unsupported, "run the command", WHY)
        .with("workload", &place.workload)
        .remedy(remedy))
}

/// Refuses, and says how to reach a port.
///
/// # Errors
/// Always.
pub(crate) fn connect(place: &Place) -> Result<Box<dyn Duplex>> {
    Err(Error::new(ErrorKind::Unsupported, "open the connection", WHY)
        .with("workload", &place.workload)
        .remedy("publish the port (`expose` with `as: node`), and upgrade"))
}
