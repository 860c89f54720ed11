//! Apps and pods.

use rhumb_backend::{Action, Error, ErrorKind, Receipt, Result, Retry};
use serde_json::Value;

use super::{Work, gone_meanwhile};
use crate::connect::{Answer, Call, Server};
use crate::document::{items, text};
use crate::kind::Kind;
use crate::observe::{document, one_service};
use crate::rollout::Rollout;

/// The header of an answer that names the deployment which was begun.
///
/// Source: Marathon REST API, `POST /v2/pods`.
const DEPLOYMENT_ID: &str = "Marathon-Deployment-Id";

impl Work<'_> {
    pub(super) async fn service(&self) -> Result<Receipt> {
        match self.step.action {
            Action::Create => self.create_service().await,
            Action::Update => self.update_service().await,
            Action::Replace => self.replace_service().await,
            Action::Delete | Action::Collect => self.delete_service().await,
            Action::Await => self.look_at_service().await,
        }
    }

    /// Marathon creates if absent; a name that is taken may be our own answer that got lost.
    async fn create_service(&self) -> Result<Receipt> {
        let native = self.native()?;
        let call = Call::post(self.kind.writing(), self.kind.path(), self.step.object.body.clone());
        let call = if self.step.force { call.query("force", "true") } else { call };
        match self.server.send(call).await {
            Ok(answer) => Ok(self.receipt(&native, &begun(self.server, &answer))),
            Err(error) if error.kind == ErrorKind::AlreadyExists => {
                let live = one_service(self.server, self.scope, &self.step.id).await?;
                self.recognised(live, error)?;
                self.look_at_service().await
            }
            // What was removed under this id is still stopping, which passes.
            Err(error) if error.kind == ErrorKind::Locked => Err(error.retry(Retry::Same)),
            Err(error) => Err(error),
        }
    }

    /// Marathon writes under no condition, so what is there is read just before.
    async fn update_service(&self) -> Result<Receipt> {
        let native = self.native()?;
        let there = document(self.server, self.kind, &native).await?;
        let there = there.ok_or_else(|| gone_meanwhile(self.kind))?;
        if self.step.version.as_deref().is_some_and(|version| text(&there, "/version") != Some(version)) {
            let message = "somebody changed it since it was read";
            return Err(Error::new(ErrorKind::Conflict, self.kind.writing(), message));
        }
        let mut rollout = self.put(&native, &there).await?;
        self.end_delay(&native).await;
        if rollout.version.is_none() {
            rollout.version = text(&there, "/version").map(ToOwned::to_owned);
        }
        Ok(self.receipt(&native, &rollout))
    }

    /// What was held back after failures starts at once. A delay that goes on is no failure of the write.
    async fn end_delay(&self, native: &str) {
        if self.step.reason.is_none() {
            return;
        }
        let call = Call::delete("end the delay of its tasks", format!("/v2/queue{native}/delay"));
        if let Err(error) = self.server.send(call).await {
            tracing::debug!(%error, "the delay of its tasks goes on");
        }
    }

    async fn put(&self, native: &str, there: &Value) -> Result<Rollout> {
        let body = &self.step.object.body;
        if self.step.force {
            return write(self.server, self.kind, native, body, Lock::Taken).await;
        }
        match write(self.server, self.kind, native, body, Lock::Obeyed).await {
            Err(error) if error.kind == ErrorKind::Locked => {
                let cancelled = self.ours(native, Some(there), error).await?;
                let rollout = write(self.server, self.kind, native, body, Lock::Taken).await?;
                Ok(Rollout { cancelled, ..rollout })
            }
            other => other,
        }
    }

    /// Marathon changes some things only by making them anew. What is left of the old one must be gone before: its id is
    /// taken as long as it is listed.
    async fn replace_service(&self) -> Result<Receipt> {
        let native = self.native()?;
        let there = document(self.server, self.kind, &native).await?;
        let is_old = |there: &Value| {
            let version = self.step.version.as_deref();
            version.is_none() || text(there, "/version") == version
        };
        if let Some(there) = there.filter(is_old) {
            self.remove_service(&native, Some(&there)).await?;
        }
        if deployments(self.server, &native).await? > 0 {
            return Err(Error::new(
                ErrorKind::Conflict,
                self.kind.writing(),
                "its old tasks are still stopping",
            )
            .retry(Retry::Same));
        }
        self.create_service().await
    }

    async fn delete_service(&self) -> Result<Receipt> {
        let native = self.native()?;
        if self.step.native.is_none() {
            let found = one_service(self.server, self.scope, &self.step.id).await?;
            // What somebody else has under this name is not what is to go.
            if found.is_none_or(|live| live.foreign.is_some()) {
                return Ok(self.gone(&native, &Rollout::default()));
            }
        }
        let rollout = self.remove_service(&native, None).await?;
        Ok(self.gone(&native, &rollout))
    }

    async fn remove_service(&self, native: &str, there: Option<&Value>) -> Result<Rollout> {
        let call = || Call::delete(self.kind.removing(), format!("{}{native}", self.kind.path()));
        let sent = if self.step.force {
            self.server.send(call().query("force", "true")).await
        } else {
            match self.server.send(call()).await {
                Err(error) if error.kind == ErrorKind::Locked => {
                    let cancelled = self.ours(native, there, error).await?;
                    let answer = self.server.send(call().query("force", "true")).await?;
                    return Ok(Rollout { cancelled, ..begun(self.server, &answer) });
                }
                sent => sent,
            }
        };
        match sent {
            Ok(answer) => Ok(begun(self.server, &answer)),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(Rollout::default()),
            Err(error) => Err(error),
        }
    }

    /// The deployment that is under way, and the version that is there.
    async fn look_at_service(&self) -> Result<Receipt> {
        let native = self.native()?;
        let there = document(self.server, self.kind, &native).await?;
        let there = there.ok_or_else(|| gone_meanwhile(self.kind))?;
        let deployment = items(&there, "/deployments").find_map(|deployment| text(deployment, "/id"));
        let rollout = Rollout {
            deployment: deployment.map(ToOwned::to_owned),
            version: text(&there, "/version").map(ToOwned::to_owned),
            ..Rollout::default()
        };
        Ok(self.receipt(&native, &rollout))
    }
}

/// Whether a write takes an app from the deployments that hold it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lock {
    Obeyed,
    Taken,
}

/// Writes a whole app or pod, and returns the deployment that it begins.
///
/// # Errors
/// `Locked`; what Marathon answers.
pub(crate) async fn write(
    server: &Server,
    kind: Kind,
    native: &str,
    body: &Value,
    lock: Lock,
) -> Result<Rollout> {
    let mut call = Call::put(kind.writing(), format!("{}{native}", kind.path()), body.clone());
    if kind == Kind::App {
        // Without it, fields that are not sent would stay as they are.
        call = call.query("partialUpdate", "false");
    }
    if lock == Lock::Taken {
        call = call.query("force", "true");
    }
    let answer = server.send(call).await.map_err(|error| match error.kind {
        // It is gone, which a fresh look will tell.
        ErrorKind::NotFound => error.retry(Retry::AfterRead),
        _ => error,
    })?;
    Ok(begun(server, &answer))
}

/// The deployment that an answer tells of: an app's own `deployments`, the result of a change, or a header.
///
/// Source: Marathon REST API, `DeploymentResult`.
pub(crate) fn begun(server: &Server, answer: &Answer) -> Rollout {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let header = answer.headers.get(DEPLOYMENT_ID).and_then(|id| id.to_str().ok());
    let told = text(&body, "/deploymentId").or_else(|| text(&body, "/deployments/0/id"));
    let deployment = told.or(header);
    if let Some(deployment) = deployment {
        server.has_begun(deployment);
    }
    Rollout {
        deployment: deployment.map(ToOwned::to_owned),
        version: text(&body, "/version").map(ToOwned::to_owned),
        ..Rollout::default()
    }
}

/// How many deployments are about an app or pod.
async fn deployments(server: &Server, native: &str) -> Result<usize> {
    let all = super::lock::deployments(server).await?;
    Ok(all.iter().filter(|deployment| deployment.is_about(native)).count())
}
