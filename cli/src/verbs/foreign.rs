//! What runs and is no release yet: what is meant by it, and the chart that is made of it.

use std::path::{Path, PathBuf};

use rhumb_action::{Existing, ImportRequest, Imported};
use rhumb_backend::ImportQuery;
use tempfile::TempDir;

use crate::failure::Failure;
use crate::session::Parts;

/// The file in which an import keeps what it could read of secrets.
const SECRETS: &str = "secrets.values.yaml";

/// Which of what runs is meant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Meant<'a> {
    /// The release that it becomes.
    pub(crate) name: &'a str,
    /// The stack, on Docker Swarm.
    pub(crate) stack: Option<&'a str>,
    /// Labels that it bears.
    pub(crate) selector: Option<&'a str>,
    /// Its services, on Amazon ECS.
    pub(crate) services: &'a [String],
}

impl Meant<'_> {
    /// The same in the platform's own words.
    pub(crate) fn query(&self, parts: &Parts) -> Result<ImportQuery, Failure> {
        let backend = parts.target.backend.name();
        let is_swarm = backend == "swarm";
        if self.stack.is_some() && !is_swarm {
            return Err(elsewhere(parts, "--stack is for Docker Swarm"));
        }
        if !self.services.is_empty() && backend != "ecs" {
            return Err(elsewhere(parts, "--service is for Amazon ECS"));
        }
        let stack = || format!("com.docker.stack.namespace={}", self.stack.unwrap_or(self.name));
        let selector = self.selector.map(str::to_owned).or_else(|| is_swarm.then(stack));
        Ok(ImportQuery { namespace: parts.namespace.clone(), selector, services: self.services.to_vec() })
    }

    /// Makes the chart of it.
    pub(crate) async fn import(
        &self,
        parts: &Parts,
        query: &ImportQuery,
        (out, existing): (PathBuf, Existing),
    ) -> Result<Imported, Failure> {
        let request = ImportRequest { name: Some(self.name.to_owned()), out, existing };
        parts.finish(rhumb_action::import_live(parts.target.backend.as_ref(), query, &request).await)
    }
}

/// That an argument is another platform's.
fn elsewhere(parts: &Parts, what: &str) -> Failure {
    let (name, backend) = (&parts.target.name, parts.target.backend.name());
    let what = format!("{what}, and the target {name} is of {backend}");
    Failure::usage(what, "--selector, or the namespace".to_owned())
}

/// The values with secrets that an import put beside its chart.
pub(crate) fn secret_values(chart: &Path) -> Option<PathBuf> {
    Some(chart.join(SECRETS)).filter(|path| path.is_file())
}

/// A folder that goes again, for a chart that nobody asked to keep.
pub(crate) fn scratch() -> Result<TempDir, Failure> {
    TempDir::new().map_err(|error| {
        Failure::usage(format!("no temporary folder can be made: {error}"), "--out FOLDER".to_owned())
    })
}
