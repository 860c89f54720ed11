//! One step, carried out.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::material::{self, Demand};
use rhumb_backend::{
    Action, Change, Error, ErrorKind, Live, Materials, Object, Receipt, Result, Retry, Scope, Step,
};
use serde::Deserialize;
use serde_json::Value;

use crate::change::change;
use crate::connect::{Call, Engine};
use crate::kind::Kind;
use crate::lower::REGISTRY_AUTH;
use crate::observe::one;
use crate::registry_auth;
use crate::rollout::Rollout;

/// Carries out one step. Repeating it does no harm: what is there already as wanted is done, and so is what is gone
/// already.
///
/// # Errors
/// `Conflict` when the object changed since it was read, `NotOwned` when somebody else has its name,
/// `MaterialMissing`, and what the engine answers.
pub(crate) async fn apply(
    engine: &Engine,
    scope: &Scope,
    step: &Step,
    materials: &dyn Materials,
) -> Result<Receipt> {
    let kind = Kind::of(&step.id).ok_or_else(|| {
        Error::new(ErrorKind::Invalid, "apply the step", "a swarm has no objects of this kind")
            .with("object", step.id.as_str())
    })?;
    let work = Work { engine, scope, step, kind, materials };
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

struct Work<'a> {
    engine: &'a Engine,
    scope: &'a Scope,
    step: &'a Step,
    kind: Kind,
    materials: &'a dyn Materials,
}

#[derive(Deserialize)]
struct Created {
    #[serde(alias = "ID", alias = "Id")]
    id: String,
}

impl Work<'_> {
    async fn create(&self) -> Result<Receipt> {
        let (body, auth) = self.document(Retained::Nothing).await?;
        let call = Call::post(self.kind.creating(), format!("{}/create", self.kind.path()), body).auth(auth);
        match self.engine.json::<Created>(call).await {
            Ok(created) => self.receipt(&created.id).await,
            Err(error) if error.kind == ErrorKind::AlreadyExists => self.recognise(error).await,
            Err(error) => Err(explain_create(error)),
        }
    }

    /// Decides what a name that is taken means: our own answer that got lost, somebody in between, or somebody else.
    async fn recognise(&self, taken: Error) -> Result<Receipt> {
        let Some(live) = one(self.engine, self.scope, self.kind, &self.name()?, &self.step.id).await? else {
            // It went away between the two calls.
            return Err(taken.retry(Retry::Same));
        };
        if let Some(owner) = &live.foreign {
            return Err(not_owned(self.kind.creating(), &live, owner));
        }
        if is_as_wanted(&live, &self.step.object) {
            return Ok(self.receipt_of(&live));
        }
        Err(Error::new(ErrorKind::Conflict, self.kind.creating(), "somebody made it since it was looked for"))
    }

    async fn update(&self) -> Result<Receipt> {
        let native = self.native()?;
        let Some(version) = self.step.version.as_deref().filter(|_| self.kind != Kind::Network) else {
            return Err(Error::new(
                ErrorKind::Unsupported,
                self.kind.updating(),
                "it cannot be changed in place",
            ));
        };
        let (body, auth) = self.document(Retained::Credentials).await?;
        let path = format!("{}/{native}/update", self.kind.path());
        let call = Call::post(self.kind.updating(), path, body).query("version", version).auth(auth);
        self.engine.send(call).await.map_err(|error| match error.kind {
            // It is gone, which a fresh look will tell.
            ErrorKind::NotFound => error.retry(Retry::AfterRead),
            _ => error,
        })?;
        self.receipt(&native).await
    }

    async fn replace(&self) -> Result<Receipt> {
        // By its id, so that repeating the step after a lost answer does not remove the new one.
        self.remove(&self.native()?).await?;
        self.create().await
    }

    async fn delete(&self) -> Result<Receipt> {
        if let Some(native) = &self.step.native {
            self.remove(native).await?;
            return Ok(self.gone(native.clone()));
        }
        let name = self.name()?;
        let found = one(self.engine, self.scope, self.kind, &name, &self.step.id).await?;
        // What somebody else has under this name is not what is to go.
        if let Some(live) = found.filter(|live| live.foreign.is_none()) {
            self.remove(&live.native).await?;
        }
        Ok(self.gone(name))
    }

    /// What is still in use stays until the next time.
    async fn collect(&self) -> Result<Receipt> {
        let native = self.native()?;
        match self.remove(&native).await {
            Err(error) if is_in_use(&error) => tracing::debug!(object = %self.step.id, "it is still in use"),
            Err(error) => return Err(error),
            Ok(()) => {}
        }
        Ok(self.gone(native))
    }

    async fn look(&self) -> Result<Receipt> {
        let mut receipt = self.receipt(&self.native()?).await?;
        if self.kind == Kind::Service {
            let call = Call::get(self.kind.reading(), format!("{}/{}", self.kind.path(), receipt.native));
            let service = self.engine.json::<Value>(call).await?;
            receipt.rollout = Rollout::found(&service).to_value();
        }
        Ok(receipt)
    }

    async fn remove(&self, native: &str) -> Result<()> {
        let call = Call::delete(self.kind.removing(), format!("{}/{native}", self.kind.path()));
        match self.engine.send(call).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            Err(error) if is_in_use(&error) => Err(in_use(self.kind, &error)),
            Err(error) => Err(error),
        }
    }

    async fn receipt(&self, native: &str) -> Result<Receipt> {
        let found = one(self.engine, self.scope, self.kind, native, &self.step.id).await?;
        found.map(|live| self.receipt_of(&live)).ok_or_else(|| {
            Error::new(ErrorKind::Conflict, self.kind.reading(), "somebody removed it at the same time")
        })
    }

    fn receipt_of(&self, live: &Live) -> Receipt {
        let rollout =
            if self.kind == Kind::Service { Rollout::of(&live.object.body).to_value() } else { Value::Null };
        Receipt {
            id: self.step.id.clone(),
            native: live.native.clone(),
            workload: self.step.object.workload.clone().or_else(|| live.object.workload.clone()),
            outputs: live.outputs.clone(),
            rollout,
        }
    }

    fn gone(&self, native: String) -> Receipt {
        Receipt {
            id: self.step.id.clone(),
            native,
            workload: self.step.object.workload.clone(),
            outputs: BTreeMap::new(),
            rollout: Value::Null,
        }
    }

    fn name(&self) -> Result<String> {
        let written = self.step.object.body.get("Name").and_then(Value::as_str).map(ToOwned::to_owned);
        written.or_else(|| self.kind.fixed_name(self.scope, &self.step.id)).ok_or_else(|| {
            Error::new(ErrorKind::Invalid, self.kind.reading(), "neither the step nor its body names it")
        })
    }

    fn native(&self) -> Result<String> {
        self.step.native.clone().map_or_else(|| self.name(), Ok)
    }

    /// The document to send, with its secret material, and the credentials for its image's registry.
    async fn document(&self, retained: Retained) -> Result<(Value, Option<String>)> {
        let mut body = self.step.object.body.clone();
        let demand = body.as_object_mut().and_then(|body| body.remove(REGISTRY_AUTH));
        fill(&mut body, self.kind, self.materials)?;
        let image = body.pointer("/TaskTemplate/ContainerSpec/Image").and_then(Value::as_str);
        let auth = match image {
            Some(image) => self.credentials(image, demand.as_ref(), retained).await?,
            None => None,
        };
        Ok((body, auth))
    }

    async fn credentials(
        &self,
        image: &str,
        demand: Option<&Value>,
        retained: Retained,
    ) -> Result<Option<String>> {
        let Some(demand) = demand.and_then(Demand::parse) else {
            return registry_auth::for_image(self.engine, image).await;
        };
        match material::meet(&demand, self.materials) {
            Ok(material) => registry_auth::from_material(image, &material),
            // Without the header, the engine goes on with what it was given last.
            Err(error) if error.kind == ErrorKind::MaterialMissing && retained == Retained::Credentials => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// What the engine still has of an earlier revision.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Retained {
    Nothing,
    Credentials,
}

/// Puts secret material where it is demanded. A swarm keeps only the data of secrets from those who may look.
fn fill(body: &mut Value, kind: Kind, materials: &dyn Materials) -> Result<()> {
    if kind == Kind::Secret
        && let Some(data) = body.get_mut("Data")
        && let Some(demand) = Demand::parse(data)
    {
        let material = material::meet(&demand, materials)?;
        *data = Value::String(STANDARD.encode(material.expose()));
    }
    if holds_demand(body) {
        let message = "secret material is wanted in a place that anybody on the swarm can read";
        return Err(Error::new(ErrorKind::Invalid, kind.creating(), message)
            .remedy("mount the secret as a file, and let the program read that"));
    }
    Ok(())
}

fn holds_demand(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(holds_demand),
        Value::Object(map) => map.contains_key(material::KEY) || map.values().any(holds_demand),
        _ => false,
    }
}

/// Whether what is there is what the step would make. A secret's content cannot be read, but its name is made of it.
fn is_as_wanted(live: &Live, want: &Object) -> bool {
    match want.generation {
        Some(_) => live.object.generation == want.generation,
        None => matches!(change(Some(want), live, want), Change::None { .. }),
    }
}

fn not_owned(operation: &str, live: &Live, owner: &str) -> Error {
    let name = live.outputs.get("name").map_or("", String::as_str);
    Error::new(ErrorKind::NotOwned, operation, format!("the name is taken, and {owner}"))
        .with("name", name)
        .remedy("choose another release name, or remove the other one first")
}

/// Source: swarmkit, `manager/controlapi`, and moby, `libnetwork`.
fn is_in_use(error: &Error) -> bool {
    ["is in use by", "in use by the following", "has active endpoints", "is being used by"]
        .iter()
        .any(|text| error.message.contains(text))
}

fn in_use(kind: Kind, error: &Error) -> Error {
    let (retry, remedy) = match kind {
        // Tasks leave a network a moment after their service is gone.
        Kind::Network => {
            (Retry::Same, "wait until its tasks have stopped, or remove what else is attached to it")
        }
        _ => (Retry::Never, "remove the services that use it first"),
    };
    Error::new(ErrorKind::Conflict, kind.removing(), error.message.clone()).remedy(remedy).retry(retry)
}

fn explain_create(error: Error) -> Error {
    let remedy = if error.message.contains("already in use by service") {
        "an ingress port is unique in the swarm: choose another port, or remove the service that has it"
    } else if error.message.contains("could not find an available, non-overlapping") {
        "remove networks that nobody uses (`docker network prune`), or give the swarm more address pools"
    } else {
        return error;
    };
    error.remedy(remedy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhumb_backend::Material;
    use rhumb_spec::model::Generate;
    use serde_json::json;

    struct Canary;

    impl Materials for Canary {
        fn sealed(&self, _: &str) -> Result<Material> {
            Ok(Material::new(b"canary".to_vec()))
        }

        fn generated(&self, _: &str, _: &Generate, _: Option<&str>) -> Result<Material> {
            Ok(Material::new(b"canary".to_vec()))
        }
    }

    #[test]
    fn material_goes_into_secrets_and_nowhere_else() {
        let demand = Demand::Sealed("a".to_owned()).to_value();
        let mut secret = json!({ "Name": "s", "Data": demand });
        fill(&mut secret, Kind::Secret, &Canary).unwrap();
        assert_eq!(secret, json!({ "Name": "s", "Data": STANDARD.encode("canary") }));
        let mut config = json!({ "Name": "s", "Data": demand });
        assert_eq!(fill(&mut config, Kind::Config, &Canary).unwrap_err().kind, ErrorKind::Invalid);
        let mut service = json!({ "TaskTemplate": { "ContainerSpec": { "Env": [demand] } } });
        assert_eq!(fill(&mut service, Kind::Service, &Canary).unwrap_err().kind, ErrorKind::Invalid);
    }

    #[test]
    fn what_is_in_use_is_told_from_what_fails() {
        let error = |message: &str| Error::new(ErrorKind::Invalid, "remove the config", message);
        assert!(is_in_use(&error("config 'a' is in use by the following service: shop_web")));
        assert!(is_in_use(&error("network x is in use by task y")));
        assert!(!is_in_use(&error("config a not found")));
    }
}
