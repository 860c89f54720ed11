//! Carrying out one step.

mod create;
mod material;
mod priority;
mod remove;
mod replace;
mod requests;
mod retag;
mod run;
mod update;

use rhumb_backend::{
    Action, Change, Error, ErrorKind, Live, Materials, Object, Receipt, Result, Retry, Scope, Step,
};
use serde_json::Value;

use crate::adopt;
use crate::change::change;
use crate::connect::Account;
use crate::kind::Kind;
use crate::observe::{Look, describe_services, last_segment, name_field, of_kind, service_found};
use crate::rollout::Rollout;
pub(crate) use run::Runs;

/// Carries out one step whose references are resolved. Repeating it does no harm: what is there already as wanted is done,
/// and so is what is gone already.
///
/// # Errors
/// `NotOwned` when somebody else has its name, `Conflict` when somebody made it meanwhile, `Locked` while AWS still
/// removes what has its name or uses it, `MaterialMissing`, and what AWS answers.
pub(crate) async fn apply(
    account: &Account,
    scope: &Scope,
    step: &Step,
    (materials, runs): (&dyn Materials, &Runs),
) -> Result<Receipt> {
    let kind = Kind::of(&step.id).ok_or_else(|| {
        Error::new(ErrorKind::Invalid, "apply the step", "ECS has no objects of this kind")
            .with("object", step.id.as_str())
    })?;
    let work = Work { account, scope, step, kind, materials, runs };
    let done = match step.action {
        Action::Create => work.create().await,
        Action::Update => work.update().await,
        Action::Replace => work.replace().await,
        Action::Delete => work.delete().await,
        Action::Collect => work.collect().await,
        Action::Await => work.look().await,
    };
    done.map_err(|error| error.with("object", step.id.as_str()))
}

/// A step that is carried out.
struct Work<'a> {
    account: &'a Account,
    scope: &'a Scope,
    step: &'a Step,
    kind: Kind,
    materials: &'a dyn Materials,
    runs: &'a Runs,
}

impl Work<'_> {
    fn body(&self) -> &Value {
        &self.step.object.body
    }

    async fn call(&self, operation: &'static str, body: &Value) -> Result<Value> {
        self.account.call(operation, body).await
    }

    async fn send(&self, request: &requests::Request) -> Result<Value> {
        self.call(request.operation, &request.body).await
    }

    /// What the step's object is now.
    async fn look(&self) -> Result<Receipt> {
        let live = self.find().await?.ok_or_else(|| {
            Error::new(ErrorKind::Conflict, self.kind.reading(), "somebody removed it at the same time")
        })?;
        self.receipt_of(&live).await
    }

    /// The step's object as it is there, if it is.
    async fn find(&self) -> Result<Option<Live>> {
        let ids = std::slice::from_ref(&self.step.id);
        let called = name_field(self.kind).and_then(|field| crate::pages::text(self.body(), field));
        let look = Look::new(self.account, self.scope, self.kind, ids).called(called);
        let found = if self.kind == Kind::Service {
            let names: Vec<String> = self.service_name().into_iter().collect();
            let services = describe_services(self.account, &names).await?;
            let active =
                services.iter().filter(|service| crate::pages::text(service, "status") == Some("ACTIVE"));
            active.filter_map(|service| look.live(service_found(service)?)).collect()
        } else {
            of_kind(&look).await?
        };
        let is_meant = |live: &Live| {
            live.object.id == self.step.id
                && (self.step.object.generation.is_none()
                    || live.object.generation == self.step.object.generation)
        };
        match found.into_iter().find(&is_meant) {
            Some(live) => Ok(Some(live)),
            None => Ok(self.adopted().await?.into_iter().find(is_meant)),
        }
    }

    /// What was adopted has a name and a place of its own, by which it is not looked for.
    async fn adopted(&self) -> Result<Vec<Live>> {
        let Some(native) = &self.step.native else { return Ok(Vec::new()) };
        let identity = adopt::identity(Some(self.kind), native, self.body());
        adopt::look(self.account, self.scope, &self.step.id, &identity).await
    }

    /// The name of the step's service: by what is there, by its body, or by its id.
    fn service_name(&self) -> Option<String> {
        let native = self.step.native.as_deref().map(last_segment);
        let written = crate::pages::text(self.body(), "serviceName");
        let name = native.or(written).map(ToOwned::to_owned);
        name.or_else(|| crate::observe::fixed_name(self.account, self.scope, &self.step.id))
    }

    async fn receipt_of(&self, live: &Live) -> Result<Receipt> {
        let rollout = match self.kind {
            Kind::Service => {
                let services =
                    describe_services(self.account, &[last_segment(&live.native).to_owned()]).await?;
                services.first().map(|service| Rollout::of_service(service).to_value())
            }
            Kind::Task => Some(self.running(&live.native).await?.to_value()),
            _ => None,
        };
        Ok(Receipt {
            id: self.step.id.clone(),
            native: live.native.clone(),
            workload: self.step.object.workload.clone().or_else(|| live.object.workload.clone()),
            outputs: live.outputs.clone(),
            rollout: rollout.unwrap_or_default(),
        })
    }

    /// Decides what a name that is taken means: our own answer that got lost, somebody in between, or somebody else.
    async fn recognise(&self, taken: Error) -> Result<Receipt> {
        let Some(live) = self.find().await? else {
            if matches!(self.kind, Kind::Listener | Kind::ListenerRule) {
                return Err(taken_by_others(self.kind, taken));
            }
            // It went away between the two calls, or it is not listed yet.
            return Err(taken.retry(Retry::Same));
        };
        if let Some(owner) = &live.foreign {
            return Err(Error::new(
                ErrorKind::NotOwned,
                taken.operation,
                format!("the name is taken, and {owner}"),
            )
            .with("name", live.outputs.get("name").map_or("", String::as_str))
            .remedy("choose another release name, or remove the other one first"));
        }
        if is_as_wanted(&live, &self.step.object) {
            return self.receipt_of(&live).await;
        }
        Err(Error::new(ErrorKind::Conflict, taken.operation, "somebody made it since it was looked for"))
    }

    fn gone(&self, native: &str) -> Receipt {
        Receipt {
            id: self.step.id.clone(),
            native: native.to_owned(),
            workload: self.step.object.workload.clone(),
            outputs: std::collections::BTreeMap::new(),
            rollout: Value::Null,
        }
    }
}

/// A port and a priority are not names: what has them need not be of the release.
fn taken_by_others(kind: Kind, taken: Error) -> Error {
    let remedy = match kind {
        Kind::Listener => "another port, or another load balancer in the target's settings",
        _ => "remove rules of the listener around this priority, and run the command again",
    };
    Error { kind: ErrorKind::AlreadyExists, ..taken }.retry(Retry::Never).remedy(remedy)
}

/// Whether what is there is what the step would make. What a secret or a parameter holds cannot be compared, but its name
/// is made of it.
fn is_as_wanted(live: &Live, want: &Object) -> bool {
    match want.generation {
        Some(_) => live.object.generation == want.generation,
        None => matches!(change(Some(want), live, want), Change::None { .. }),
    }
}
