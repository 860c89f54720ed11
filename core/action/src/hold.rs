//! The right to change a release while a verb works.

use std::sync::{Arc, Mutex, PoisonError};

use rhumb_backend::{ErrorKind, Scope};
use rhumb_release::{Acquire, Holder, Lease};

use crate::engine::{Guard, Keeper};
use crate::{ActionError, ActionResult, Context};

/// The right to change a release while a verb works.
#[derive(Debug)]
pub(crate) struct Hold {
    keeper: Keeper,
}

impl Hold {
    /// Takes the lease of a release.
    ///
    /// # Errors
    /// `Busy` when somebody who is alive has it; `Cancelled`; what the storage answers.
    pub(crate) async fn take(context: &Context<'_>, scope: &Scope) -> ActionResult<Self> {
        let seen: Mutex<Option<Holder>> = Mutex::new(None);
        let waiting = |holder: &Holder| {
            *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(holder.clone());
        };
        let request = Acquire { waiting: Some(&waiting), ..Acquire::new(context.who, context.liveness) };
        let storage = Arc::clone(&context.target.storage);
        let taken = tokio::select! {
            taken = Lease::acquire(storage, scope, &request) => taken,
            () = context.cancel.cancelled() => return Err(ActionError::Cancelled),
        };
        let holder = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        match (taken, holder) {
            (Ok(lease), _) => Ok(Self { keeper: Keeper::start(Arc::new(lease)) }),
            (Err(error), Some(holder)) if error.kind == ErrorKind::Locked => {
                Err(ActionError::Busy { release: scope.release.clone(), holder: Box::new(holder) })
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    /// The lease.
    pub(crate) fn lease(&self) -> &Lease {
        self.keeper.lease()
    }

    /// Reads again whether the release is still ours to change.
    ///
    /// # Errors
    /// `LostLease` when it is not; what the storage answers.
    pub(crate) async fn verify(&self) -> ActionResult<()> {
        self.keeper.verify().await.map_err(|error| match error.kind {
            ErrorKind::Locked => {
                ActionError::LostLease { release: self.lease().scope().release.clone(), why: error.message }
            }
            _ => error.into(),
        })
    }

    /// Tells whether the release is still ours to change.
    pub(crate) fn guard(&self) -> &dyn Guard {
        &self.keeper
    }

    /// Gives the lease back. Where that fails, it ends by itself after a while.
    pub(crate) async fn give_back(self) {
        if let Err(error) = self.keeper.give_back().await {
            tracing::warn!(%error, "the lease could not be given back; it ends by itself");
        }
    }

    /// Gives the lease back after something that may have left no release behind.
    pub(crate) async fn give_back_and_tidy(self) {
        if let Err(error) = self.keeper.give_back_and_tidy().await {
            tracing::warn!(%error, "the lease could not be given back; it ends by itself");
        }
    }
}
