//! `rhumb install`: the first revision of a release.

use crate::deploy::{Goal, Order, deploy};
use crate::{ActionResult, ChartInputs, Context, DeployOptions, Deployed};

/// What to install.
#[derive(Clone, Debug, Default)]
pub struct InstallRequest {
    /// The release: at most 53 characters of `a-z`, `0-9` and `-`, beginning and ending with none of `-`.
    pub name: String,
    /// The chart and what goes into it.
    pub inputs: ChartInputs,
    /// How it is deployed.
    pub options: DeployOptions,
}

/// Installs a chart as a new release.
///
/// An install that failed or was cut short can be installed again: what it left is taken over.
///
/// # Errors
/// `AlreadyExists` when the release is deployed; else as for every deployment: `Diagnostics`, `Busy`, `Backend`, and
/// once the record is written `Failed`.
pub async fn install(context: &Context<'_>, request: &InstallRequest) -> ActionResult<Deployed> {
    let goal = Goal::Install(&request.inputs);
    deploy(context, Order { release: &request.name, goal, options: &request.options }).await
}
