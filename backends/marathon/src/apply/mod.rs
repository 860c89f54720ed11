//! One step, carried out.

mod chronos;
mod entry;
mod job;
mod lock;

mod service;

use std::collections::BTreeMap;

use rhumb_backend::{
    Action, Change, Error, ErrorKind, Live, Materials, Object, Receipt, Result, Retry, Scope, Step, material,
};
use serde_json::Value;

use crate::change::change;
use crate::connect::Server;
use crate::kind::Kind;
use crate::observe::native;
use crate::rollout::Rollout;

pub(crate) use lock::{Deployment, Held, deployments, ids};
pub(crate) use service::{Lock, begun, write};

/// Carries out one step. Repeating it does no harm: what is there already as wanted is done, and so is what is gone
/// already.
///
/// # Errors
/// `Conflict` when the object changed since it was read, `NotOwned` when somebody else has its name, `Locked` when a
/// deployment that is not ours holds it, `MaterialMissing`, and what the servers answer.
pub(crate) async fn apply(
    server: &Server,
    scope: &Scope,
    step: &Step,
    materials: &dyn Materials,
) -> Result<Receipt> {
    let kind = Kind::of(&step.id).ok_or_else(|| {
        Error::new(ErrorKind::Invalid, "apply the step", "Marathon has no objects of this kind")
            .with("object", step.id.as_str())
    })?;
    let work = Work { server, scope, step, kind, materials };
    work.done().await.map_err(|error| error.with("object", step.id.as_str()))
}

struct Work<'a> {
    server: &'a Server,
    scope: &'a Scope,
    step: &'a Step,
    kind: Kind,
    materials: &'a dyn Materials,
}

impl Work<'_> {
    async fn done(&self) -> Result<Receipt> {
        if self.kind != Kind::Secret && holds_demand(&self.step.object.body) && !self.is_removal() {
            let message = "secret material is wanted in a place that anybody who may read apps can read";
            return Err(Error::new(ErrorKind::Invalid, self.kind.writing(), message)
                .remedy("take it from a secret of the store"));
        }
        match self.kind {
            Kind::App | Kind::Pod => self.service().await,
            Kind::Job => self.job().await,
            Kind::Chronos => self.chronos().await,
            Kind::Secret | Kind::Config => self.entry().await,
        }
    }

    fn is_removal(&self) -> bool {
        matches!(self.step.action, Action::Delete | Action::Collect)
    }

    /// The platform's own id: of what was found, else as the body has it, else as the object's name gives it.
    fn native(&self) -> Result<String> {
        let written =
            ["id", "name", "path"].iter().find_map(|field| self.step.object.body.get(*field)?.as_str());
        let found = self.step.native.clone().or_else(|| written.map(ToOwned::to_owned));
        found.or_else(|| native(self.scope, &self.step.id)).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, self.kind.reading(), "neither the step nor its body names it")
        })
    }

    fn receipt(&self, native: &str, rollout: &Rollout) -> Receipt {
        let mut outputs = BTreeMap::from([("id".to_owned(), native.to_owned())]);
        outputs.extend(rollout.told().map(|told| (Receipt::TOLD.to_owned(), told)));
        let rollout = if *rollout == Rollout::default() { Value::Null } else { rollout.to_value() };
        Receipt {
            id: self.step.id.clone(),
            native: native.to_owned(),
            workload: self.step.object.workload.clone(),
            outputs,
            rollout,
        }
    }

    fn gone(&self, native: &str, rollout: &Rollout) -> Receipt {
        let mut receipt = self.receipt(native, rollout);
        receipt.outputs.retain(|output, _| output == Receipt::TOLD);
        receipt
    }

    /// What a name that is taken means: our own answer that got lost, somebody in between, or somebody else.
    ///
    /// # Errors
    /// `NotOwned`; `Conflict` when somebody else made it for the release.
    fn recognised(&self, live: Option<Live>, taken: Error) -> Result<Live> {
        let Some(live) = live else {
            // It went away between the two calls.
            return Err(taken.retry(Retry::Same));
        };
        if let Some(owner) = &live.foreign {
            return Err(not_owned(self.kind.writing(), &live, owner));
        }
        if is_as_wanted(&live, &self.step.object) {
            return Ok(live);
        }
        let message = "somebody made it since it was looked for";
        Err(Error::new(ErrorKind::Conflict, self.kind.writing(), message))
    }
}

fn is_as_wanted(live: &Live, want: &Object) -> bool {
    match want.generation {
        Some(_) => live.object.generation == want.generation,
        None => matches!(change(Some(want), live, want), Change::None { .. }),
    }
}

fn not_owned(operation: &str, live: &Live, owner: &str) -> Error {
    Error::new(ErrorKind::NotOwned, operation, format!("the name is taken, and {owner}"))
        .with("name", live.native.clone())
        .remedy("choose another release name, or remove the other one first")
}

fn gone_meanwhile(kind: Kind) -> Error {
    Error::new(ErrorKind::Conflict, kind.reading(), "somebody removed it at the same time")
}

fn holds_demand(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(holds_demand),
        Value::Object(map) => map.contains_key(material::KEY) || map.values().any(holds_demand),
        _ => false,
    }
}
