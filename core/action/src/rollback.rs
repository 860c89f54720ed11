//! `rhumb rollback`: an earlier revision comes back, as a new one.

use crate::deploy::{Goal, Order, deploy};
use crate::{ActionResult, Context, DeployOptions, Deployed};

/// What to go back to.
#[derive(Clone, Debug, Default)]
pub struct RollbackRequest {
    /// The release.
    pub name: String,
    /// The revision; none means the last one before the latest that was deployed.
    pub revision: Option<u64>,
    /// How it is deployed.
    pub options: DeployOptions,
}

/// Brings an earlier revision back: its stored objects are deployed as a new revision.
///
/// # Errors
/// `NotFound`, `NoRevision`; `Backend` with `MaterialMissing` when a secret of that revision is nowhere any more; else
/// as for every deployment.
pub async fn rollback(context: &Context<'_>, request: &RollbackRequest) -> ActionResult<Deployed> {
    let goal = Goal::Rollback(request.revision);
    deploy(context, Order { release: &request.name, goal, options: &request.options }).await
}
