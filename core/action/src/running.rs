//! What verbs about things that run have in common: the release must be there, and the platform must tell.

use rhumb_backend::{Interactive, Runtime, Scope};

use crate::known::not_found;
use crate::{ActionError, ActionResult, Context};

/// The scope of a release that is there.
///
/// # Errors
/// `NotFound` when it is not.
pub(crate) async fn running(context: &Context<'_>, release: &str) -> ActionResult<Scope> {
    let scope = context.scope(release);
    if context.releases().history(&scope).await?.is_empty() {
        return Err(not_found(context, release).await);
    }
    Ok(scope)
}

/// What the platform tells of things that run.
///
/// # Errors
/// `Unsupported` where it tells nothing.
pub(crate) fn runtime<'a>(context: &Context<'a>, what: &str) -> ActionResult<&'a dyn Runtime> {
    let backend = context.backend();
    backend.runtime().ok_or_else(|| ActionError::Unsupported {
        what: what.to_owned(),
        platform: backend.name().to_owned(),
    })
}

/// How the platform lets somebody into things that run.
///
/// # Errors
/// `Unsupported` where it does not.
pub(crate) fn interactive<'a>(context: &Context<'a>, what: &str) -> ActionResult<&'a dyn Interactive> {
    let backend = context.backend();
    backend.interactive().ok_or_else(|| ActionError::Unsupported {
        what: what.to_owned(),
        platform: backend.name().to_owned(),
    })
}
