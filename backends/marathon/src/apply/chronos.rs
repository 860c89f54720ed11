//! Scheduled jobs of Chronos.

use rhumb_backend::{Action, ErrorKind, Receipt, Result};

use super::Work;
use crate::connect::{Call, Service};
use crate::rollout::Rollout;

impl Work<'_> {
    /// Chronos makes and changes a job by the same call, so repeating it makes nothing twice.
    ///
    /// Source: Chronos REST API, `POST /v1/scheduler/iso8601` and `DELETE /v1/scheduler/job/{name}`.
    pub(super) async fn chronos(&self) -> Result<Receipt> {
        let native = self.native()?;
        match self.step.action {
            Action::Await => {}
            Action::Delete | Action::Collect => {
                let call = Call::delete(self.kind.removing(), format!("/v1/scheduler/job/{native}"));
                match self.server.send(call.of(Service::Chronos)).await {
                    // Chronos takes the name of a job that is not there for wrong.
                    Err(error) if !matches!(error.kind, ErrorKind::NotFound | ErrorKind::Invalid) => {
                        return Err(error);
                    }
                    _ => {}
                }
                return Ok(self.gone(&native, &Rollout::default()));
            }
            Action::Create | Action::Update | Action::Replace => {
                let body = self.step.object.body.clone();
                let call = Call::post(self.kind.writing(), "/v1/scheduler/iso8601", body);
                self.server.send(call.of(Service::Chronos)).await?;
            }
        }
        Ok(self.receipt(&native, &Rollout::default()))
    }
}
