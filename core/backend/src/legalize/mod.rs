//! Passes over the app that come before lowering, for emulations that several platforms need.
//!
//! A pass takes an app with something that a platform lacks and returns an app without it that does the same, as far
//! as that goes. Passes run in the order in which [`crate::Backend::passes`] lists them, after the check and before
//! lowering; they are pure.

mod init;
mod stateful;

use std::collections::BTreeMap;

use rhumb_spec::{App, Diagnostic};

use crate::{Loss, Sequence};

/// A pass over the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Each stateful workload becomes one workload for each of its replicas.
    ///
    /// A workload `db` with `mode: stateful` and three replicas becomes `db-0`, `db-1` and `db-2`:
    /// - each has one replica, and is stopped before its successor starts (`update.order: stopFirst`);
    /// - each volume `data` that the replicas do not share becomes `data-db-0` … with the same fields; volumes that
    ///   exist already, are `access: shared` or lie on an NFS server stay one for all;
    /// - `self: ordinal` becomes the number;
    /// - exposed ports stay, and the set's name becomes an alias on every network that the workload names; on the
    ///   release's own network the backend gives it that name (see [`crate::CheckedApp::ordinal`]);
    /// - who depends on `db` depends on every ordinal; addresses, routes and affinities go on naming `db` (see
    ///   [`crate::CheckedApp::members`] and [`crate::CheckedApp::exposed`]);
    /// - what counts replicas of the whole set (disruption budget, spread, replicas of one node) is a loss.
    ///
    /// Refused: a port of the nodes or of the load balancer with more than one replica, which every ordinal would
    /// claim; a workload or volume that has the name of an ordinal.
    StatefulOrdinals,
    /// Each init container becomes a job that its workload waits for.
    ///
    /// A workload `web` with the init containers `migrate` and `seed` gets the jobs `web-init-migrate` and, waiting
    /// for it, `web-init-seed`; `web` waits for the last. The first waits for what `web` depends on. A job has the
    /// workload's networks (without aliases), placement, identity, registry credentials, resolver and labels, and
    /// none of its ports, update rules or patches. As every job it runs once for each content, not at each start.
    ///
    /// Refused: a workload that has the name of such a job.
    InitContainersAsJobs,
}

/// What a pass makes of an app.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Legalized {
    /// The app.
    pub app: App,
    /// The places of workloads that come and go one after another.
    pub sequences: BTreeMap<String, Sequence>,
    /// What the app does not get as it asked.
    pub losses: Vec<Loss>,
}

impl Pass {
    /// Runs the pass.
    ///
    /// # Errors
    /// Everything that the pass refuses, at its path in the app.
    pub fn apply(self, app: App) -> Result<Legalized, Vec<Diagnostic>> {
        match self {
            Self::StatefulOrdinals => stateful::apply(app),
            Self::InitContainersAsJobs => init::apply(app),
        }
    }
}

#[cfg(test)]
mod tests;
