//! One step, carried out.

mod conflict;
mod document;
mod takeover;

use std::collections::BTreeMap;
use std::time::Duration;

use kube::core::Status;
use rhumb_backend::{Action, Error, ErrorKind, Materials, Receipt, Result, Retry, Scope, Step};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::connect::{Call, Cluster, Resource};
use crate::kind::{id_of, place};
use crate::names::FIELD_MANAGER;

/// What a server-side apply is sent as. JSON is YAML, too.
const APPLY: &str = "application/apply-patch+yaml";
/// How often within one attempt it is looked whether something is gone.
const LOOKS: u32 = 25;
/// How long it is waited between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// Makes a namespace that is not there.
pub(crate) async fn create_namespace(cluster: &Cluster, namespace: &str) -> Result<()> {
    let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
    let call = Call::post("create the namespace", "/api/v1/namespaces", &body);
    match cluster.json::<Value>(call.query("fieldManager", FIELD_MANAGER)).await {
        Err(error) if error.kind != ErrorKind::AlreadyExists => Err(error.with("namespace", namespace)),
        _ => Ok(()),
    }
}

/// Carries out one step. Repeating it does no harm: what is there already as wanted is done, and so is what is gone
/// already.
///
/// Source: Kubernetes documentation, "Server-Side Apply".
///
/// # Errors
/// `Conflict` when somebody else has set fields that are not ours to take, `MaterialMissing`, and what the API server
/// answers. What is being deleted is waited for by trying again.
pub(crate) async fn apply(
    cluster: &Cluster,
    scope: &Scope,
    step: &Step,
    materials: &dyn Materials,
) -> Result<Receipt> {
    let work = Work { cluster, scope, step, materials };
    let done = match step.action {
        Action::Create => work.create().await,
        Action::Update => work.update().await,
        Action::Replace => work.replace().await,
        Action::Delete | Action::Collect => work.delete().await,
        Action::Await => work.look().await,
    };
    done.map_err(|error| error.with("object", step.id.as_str()))
}

struct Work<'a> {
    cluster: &'a Cluster,
    scope: &'a Scope,
    step: &'a Step,
    materials: &'a dyn Materials,
}

/// An object of the API: where it is, and what it is called in errors.
struct Target {
    resource: Resource,
    path: String,
}

impl Work<'_> {
    async fn create(&self) -> Result<Receipt> {
        let target = self.target().await?;
        self.send(&target).await
    }

    async fn update(&self) -> Result<Receipt> {
        let target = self.target().await?;
        if self.step.force {
            takeover::take_over(self.cluster, self.scope, &target.resource, &target.path).await?;
        }
        self.send(&target).await
    }

    /// Removes what was there when the plan was made, and makes it anew once that is gone. A repeated attempt tells
    /// the old object from the new one by its uid.
    async fn replace(&self) -> Result<Receipt> {
        let target = self.target().await?;
        for _ in 0..LOOKS {
            let Some(live) = self.read(&target).await? else { return self.send(&target).await };
            let is_old = self.step.version.is_none() || uid(&live) == self.step.version.as_deref();
            if !is_old {
                return self.send(&target).await;
            }
            if !is_going(&live) {
                self.remove(&target, uid(&live), self.propagation(&live)).await?;
            }
            sleep(PAUSE).await;
        }
        Err(still_going(&self.step.object.body))
    }

    /// The pods of a `StatefulSet` outlive it where the new one will know them for its own.
    fn propagation(&self, live: &Value) -> &'static str {
        let selector = |body: &Value| body.pointer("/spec/selector").cloned();
        let is_set = live.get("kind").and_then(Value::as_str) == Some("StatefulSet");
        if is_set && selector(live) == selector(&self.step.object.body) { "Orphan" } else { "Foreground" }
    }

    async fn delete(&self) -> Result<Receipt> {
        let Some(resource) = self.cluster.resource(&self.step.id).await? else { return Ok(self.gone()) };
        let native = self.native();
        let (namespace, name) = place(self.scope, &native);
        let target = Target { path: resource.path(namespace, name), resource };
        if let Some(version) = &self.step.version {
            self.remove(&target, Some(version), "Background").await?;
            return Ok(self.gone());
        }
        // What somebody else has under this name is not what is to go.
        let live = self.read(&target).await?;
        let ours = live.filter(|live| crate::names::owner(self.scope, &live["metadata"]).is_ok());
        if let Some(live) = ours.filter(|live| !is_going(live)) {
            self.remove(&target, uid(&live), "Background").await?;
        }
        Ok(self.gone())
    }

    /// Removes the object of this uid. One that is gone, or that another has taken the place of, is no error.
    async fn remove(&self, target: &Target, uid: Option<&str>, propagation: &str) -> Result<()> {
        let mut options =
            json!({ "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation });
        if let Some(uid) = uid {
            options["preconditions"] = json!({ "uid": uid });
        }
        let call = Call::delete(format!("remove the {}", target.resource.kind()), &target.path, &options);
        match self.cluster.json::<Value>(call).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            Err(error) if error.kind == ErrorKind::Conflict && uid.is_some() && is_another(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn look(&self) -> Result<Receipt> {
        let resource = self.cluster.resource(&self.step.id).await?;
        let gone =
            || Error::new(ErrorKind::Conflict, "look at the object", "somebody removed it at the same time");
        let resource = resource.ok_or_else(gone)?;
        let native = self.native();
        let (namespace, name) = place(self.scope, &native);
        let target = Target { path: resource.path(namespace, name), resource };
        let live = self.read(&target).await?.ok_or_else(gone)?;
        Ok(self.receipt(&live))
    }

    /// Sends what is wanted. Fields that others have are taken where that is right.
    async fn send(&self, target: &Target) -> Result<Receipt> {
        let document = document::filled(self.cluster, self.step, &target.path, self.materials).await?;
        let mut body = document.body;
        let mut force = false;
        // At most: as it is, then with the replicas of somebody who was faster, then by force.
        for _ in 0..3 {
            let operation = format!("apply the {}", target.resource.kind());
            let call = Call::patch(operation, &target.path, APPLY, &body)
                .query("fieldManager", FIELD_MANAGER)
                .query("force", if force { "true" } else { "false" })
                .query("fieldValidation", "Strict");
            let status = match self.cluster.answer(&call).await? {
                Ok(bytes) => return self.made(&bytes),
                Err(status) => status,
            };
            if !conflict::is_one(&status) {
                return Err(document.hidden.strike(self.refused(&call, &status)));
            }
            match conflict::verdict(self.step, &status) {
                conflict::Verdict::Take => force = true,
                conflict::Verdict::FollowReplicas => self.follow_replicas(target, &mut body).await?,
                conflict::Verdict::Refuse(error) => return Err(document.hidden.strike(error)),
            }
        }
        Err(Error::new(ErrorKind::Conflict, "apply the object", "others change it again and again")
            .retry(Retry::Same))
    }

    fn refused(&self, call: &Call, status: &Status) -> Error {
        let error = self.cluster.refused(call, status);
        // A definition that was just made is served a moment later.
        let is_unserved =
            status.code == 404 && status.details.as_ref().is_none_or(|details| details.name.is_empty());
        if is_unserved { error.retry(Retry::Same) } else { error }
    }

    /// Somebody scaled between the plan and this step: their count goes along.
    async fn follow_replicas(&self, target: &Target, body: &mut Value) -> Result<()> {
        let live = self.read(target).await?;
        if let Some(count) = live.as_ref().and_then(|live| live.pointer("/spec/replicas")) {
            body["spec"]["replicas"] = count.clone();
        }
        Ok(())
    }

    fn made(&self, bytes: &[u8]) -> Result<Receipt> {
        let made: Value = serde_json::from_slice(bytes).map_err(|_| {
            Error::new(ErrorKind::Platform, "apply the object", "the answer is not what was expected")
        })?;
        // What is being deleted takes writes, and is gone all the same.
        if is_going(&made) {
            return Err(still_going(&self.step.object.body));
        }
        Ok(self.receipt(&made))
    }

    async fn read(&self, target: &Target) -> Result<Option<Value>> {
        let call = Call::get(format!("read the {}", target.resource.kind()), &target.path);
        let call = if target.resource.is_secret() { call.metadata_only() } else { call };
        self.cluster.find(call).await
    }

    /// Where the step's document goes.
    async fn target(&self) -> Result<Target> {
        let body = &self.step.object.body;
        let text = |at: &str| body.pointer(at).and_then(Value::as_str);
        let (Some(api_version), Some(name)) = (text("/apiVersion"), text("/metadata/name")) else {
            return Err(Error::new(
                ErrorKind::Invalid,
                "apply the object",
                "its document has no apiVersion or name",
            ));
        };
        let resource = self.cluster.resource_of(&self.step.id, api_version).await?;
        let namespace = text("/metadata/namespace").unwrap_or(&self.scope.namespace);
        Ok(Target { path: resource.path(namespace, name), resource })
    }

    /// The id by which the object is in the cluster.
    fn native(&self) -> rhumb_backend::ObjectId {
        let known = self.step.native.as_deref().map(rhumb_backend::ObjectId::from);
        known.or_else(|| id_of(self.scope, &self.step.object.body)).unwrap_or_else(|| self.step.id.clone())
    }

    fn receipt(&self, live: &Value) -> Receipt {
        let metadata = &live["metadata"];
        let name = metadata.get("name").and_then(Value::as_str).unwrap_or_default();
        Receipt {
            id: self.step.id.clone(),
            native: self.native().as_str().to_owned(),
            workload: self.step.object.workload.clone(),
            outputs: BTreeMap::from([("name".to_owned(), name.to_owned())]),
            rollout: json!({ "generation": metadata.get("generation"), "uid": metadata.get("uid") }),
        }
    }

    fn gone(&self) -> Receipt {
        Receipt {
            id: self.step.id.clone(),
            native: self.native().as_str().to_owned(),
            workload: self.step.object.workload.clone(),
            outputs: BTreeMap::new(),
            rollout: Value::Null,
        }
    }
}

fn still_going(body: &Value) -> Error {
    let text = |at: &str| body.pointer(at).and_then(Value::as_str).unwrap_or_default();
    let (kind, name) = (text("/kind").to_lowercase(), text("/metadata/name"));
    let remedy = match kind.as_str() {
        "persistentvolumeclaim" => format!(
            "the pods that use it keep it: scale their workload to 0 until it is made anew (`kubectl describe pvc {name}` \
             names them)"
        ),
        _ => format!("see what holds it: `kubectl get {kind} {name} -o yaml` shows its finalizers"),
    };
    Error::new(ErrorKind::Conflict, "make the object", "one of the same name is still being deleted")
        .retry(Retry::Same)
        .remedy(remedy)
}

/// Whether a refused removal was of another object than is there now.
fn is_another(error: &Error) -> bool {
    error.message.contains("UID in precondition")
}

fn uid(live: &Value) -> Option<&str> {
    live.pointer("/metadata/uid").and_then(Value::as_str)
}

fn is_going(live: &Value) -> bool {
    live.pointer("/metadata/deletionTimestamp").is_some_and(|time| !time.is_null())
}
