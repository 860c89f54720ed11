//! Removing things.

use rhumb_backend::{Error, ErrorKind, Receipt, Result, Retry};
use serde_json::json;

use super::{Work, requests};
use crate::kind::Kind;

impl Work<'_> {
    /// Removes what nobody wants. What is gone already is no error.
    pub(super) async fn delete(&self) -> Result<Receipt> {
        if let Some(native) = &self.step.native {
            self.remove(native).await?;
            return Ok(self.gone(native));
        }
        // What somebody else has under this name is not what is to go.
        let found = self.find().await?.filter(|live| live.foreign.is_none());
        let Some(live) = found else { return Ok(self.gone("")) };
        self.remove(&live.native).await?;
        Ok(self.gone(&live.native))
    }

    /// An old generation that is still in use stays until the next time.
    pub(super) async fn collect(&self) -> Result<Receipt> {
        let native = self.step.native.as_deref().unwrap_or_default();
        match self.remove(native).await {
            Err(error) if error.kind == ErrorKind::Locked => {
                tracing::debug!(object = %self.step.id, "it is still in use");
            }
            Err(error) => return Err(error),
            Ok(()) => {}
        }
        Ok(self.gone(native))
    }

    pub(super) async fn remove(&self, native: &str) -> Result<()> {
        if self.kind == Kind::Task {
            return self.stop(native).await;
        }
        let Some(request) = requests::remove(self.account.cluster(), self.kind, native, self.body()) else {
            return Ok(());
        };
        match self.send(&request).await {
            Ok(_) => {}
            Err(error) if is_gone(&error) => return Ok(()),
            Err(error) if is_in_use(&error) => return Err(in_use(self.kind, &error)),
            Err(error) => return Err(error),
        }
        if self.kind == Kind::TaskDefinition {
            self.forget(native).await?;
        }
        Ok(())
    }

    /// A task definition that is deregistered can still be seen for ever; deleted, it goes. Who may not delete leaves it
    /// deregistered.
    ///
    /// Source: Amazon ECS API reference, `DeleteTaskDefinitions`.
    async fn forget(&self, native: &str) -> Result<()> {
        let body = json!({ "taskDefinitions": [native] });
        match self.call("ecs:DeleteTaskDefinitions", &body).await {
            Err(error) if error.retry == Retry::Same => Err(error),
            Err(error) => {
                tracing::debug!(%error, "the task definition stays deregistered");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }
}

/// What is not there any more, in the words of each service.
fn is_gone(error: &Error) -> bool {
    error.kind == ErrorKind::NotFound
        || [
            "not found",
            "does not exist",
            "ServiceNotActive",
            "service was not ACTIVE",
            "is not ACTIVE",
            "already inactive",
            "marked deleted",
            "No scaling policy found",
            "No scalable target",
            "marked for deletion",
        ]
        .iter()
        .any(|text| error.message.contains(text) && error.kind == ErrorKind::Invalid)
}

/// What others still use: targets of a balancer, instances in a registry, network interfaces in a group.
///
/// Source: `ResourceInUse` of Elastic Load Balancing and Cloud Map, `DependencyViolation` of Amazon EC2.
fn is_in_use(error: &Error) -> bool {
    error.kind == ErrorKind::Locked
        || [
            "ResourceInUse",
            "DependencyViolation",
            "in use",
            "contains registered instances",
            "still has",
            "dependent object",
        ]
        .iter()
        .any(|text| {
            error.message.contains(text) || error.context.iter().any(|(_, value)| value.contains(text))
        })
}

/// Tasks leave their registry, balancer and network a while after their service was removed.
fn in_use(kind: Kind, error: &Error) -> Error {
    let mut locked = Error::new(ErrorKind::Locked, kind.removing(), error.message.clone())
        .retry(Retry::Same)
        .remedy("wait until the tasks that use it have stopped, or remove what else does");
    locked.context.clone_from(&error.context);
    locked
}
