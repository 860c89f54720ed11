//! Entries of the DC/OS secret store: secrets, and files of configs.

use std::collections::BTreeMap;

use rhumb_backend::material::{self, Demand};
use rhumb_backend::{Action, Error, ErrorKind, Material, Receipt, Result};
use serde_json::{Value, json};

use super::Work;
use crate::connect::{Call, Service};
use crate::observe::STORE;
use crate::rollout::Rollout;

impl Work<'_> {
    pub(super) async fn entry(&self) -> Result<Receipt> {
        let path = self.native()?;
        match self.step.action {
            Action::Await => {}
            Action::Create | Action::Update => self.write_entry(&path).await?,
            Action::Replace => {
                self.remove_entry(&path).await?;
                self.write_entry(&path).await?;
            }
            Action::Delete | Action::Collect => {
                self.remove_entry(&path).await?;
                return Ok(self.gone(&path, &Rollout::default()));
            }
        }
        let outputs = BTreeMap::from([("path".to_owned(), path.clone())]);
        Ok(Receipt { outputs, ..self.receipt(&path, &Rollout::default()) })
    }

    /// A path is named by its content, so one that is there holds what is wanted: it is left as it is.
    ///
    /// Text is sent as such, and what is none as bytes.
    ///
    /// Source: DC/OS secrets API, `PUT /secret/{store}/{path}`: 201, or 409 when it is there.
    async fn write_entry(&self, path: &str) -> Result<()> {
        let material = self.value()?;
        let place = format!("{STORE}/{path}");
        let call = match std::str::from_utf8(material.expose()) {
            Ok(text) => Call::put(self.kind.writing(), place, json!({ "value": text })),
            Err(_) => Call::put_bytes(self.kind.writing(), place, material.expose().to_vec()),
        };
        match self.server.send(call.of(Service::Secrets)).await {
            Err(error) if error.kind != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    fn value(&self) -> Result<Material> {
        let value = self.step.object.body.get("value");
        match (value.and_then(Demand::parse), value.and_then(Value::as_str)) {
            (Some(demand), _) => material::meet(&demand, self.materials),
            (None, Some(text)) => Ok(Material::new(text.as_bytes().to_vec())),
            (None, None) => {
                let message = "its body does not say what it holds";
                Err(Error::new(ErrorKind::Invalid, self.kind.writing(), message))
            }
        }
    }

    async fn remove_entry(&self, path: &str) -> Result<()> {
        let call = Call::delete(self.kind.removing(), format!("{STORE}/{path}")).of(Service::Secrets);
        match self.server.send(call).await {
            Err(error) if error.kind != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
