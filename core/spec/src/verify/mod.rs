//! Everything that is wrong with an app by itself, whatever the platform.
//!
//! Each file holds the rules of one subject. A rule looks at the app and adds a [`Diagnostic`] with the path of the value,
//! why it cannot be, and what to write instead. Rules that a platform alone has are that platform's.

mod configuration;
mod container;
mod dependencies;
mod environment;
mod lookup;
mod mounts;
mod names;
mod network;
mod placement;
mod ports;
mod probes;
mod rollout;
mod schedule;
mod seals;
mod storage;
mod template;
mod workload;

pub use schedule::plain_schedule;

use crate::Diagnostic;
use crate::model::{App, Kind};

/// Everything that is wrong with an app by itself, errors and warnings.
///
/// The diagnostics have paths and no places; `Parsed::verify` adds those.
pub fn verify(app: &App) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (name, workload) in &app.workloads {
        workload::check(&Scope { app, workload, path: Kind::Workload.path(name) }, &mut found);
    }
    configuration::check(app, &mut found);
    storage::check(app, &mut found);
    network::check(app, &mut found);
    dependencies::check(app, &mut found);
    ports::check_nodes(app, &mut found);
    seals::check(app, &mut found);
    names::check(app, &mut found);
    found
}

/// One workload in its app.
struct Scope<'a> {
    app: &'a App,
    workload: &'a crate::model::Workload,
    /// `workload/web`
    path: String,
}

impl Scope<'_> {
    /// The path of a field of the workload.
    fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }
}

#[cfg(test)]
mod tests;
