//! What is asked of tasks that run.

use std::collections::BTreeSet;

use futures_util::future::try_join;
use rhumb_backend::{Error, ErrorKind, Killed, Receipt, Result, Scope, Task, TaskState};
use serde_json::{Value, json};

use crate::apply::{Deployment, Held, Lock, begun, ids, write};
use crate::connect::{Call, Server};
use crate::document::{is_ours, label, text};
use crate::kind::Kind;
use crate::observe::{EVERYTHING, apps, document, jobs};
use crate::rollout::Rollout;
use crate::{names, normalize};

mod shown;

pub(crate) use shown::{app_tasks, job_tasks, pod_tasks};

/// An app, a pod or a job of the release, as Marathon shows it.
pub(crate) struct Running {
    pub(crate) kind: Kind,
    pub(crate) native: String,
    /// The name of its object: an ordinal's has its number.
    pub(crate) name: String,
    pub(crate) workload: String,
    /// An app with its tasks, the status of a pod, a job with its runs.
    pub(crate) document: Value,
}

/// The tasks of a workload, or of all: those that run, and the one that failed last.
///
/// # Errors
/// `NotFound` for a workload that the release does not have.
pub(crate) async fn tasks(server: &Server, scope: &Scope, workload: Option<&str>) -> Result<Vec<Task>> {
    let running = running(server, scope, workload).await?;
    Ok(running.iter().flat_map(all_tasks).collect())
}

pub(crate) fn all_tasks(running: &Running) -> Vec<Task> {
    match running.kind {
        Kind::Pod => pod_tasks(running),
        Kind::Job => job_tasks(running),
        _ => app_tasks(running),
    }
}

/// What the release runs, a workload of it or all of them. An ordinal can be named too: `db-0`.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; what the servers answer.
pub(crate) async fn running(server: &Server, scope: &Scope, workload: Option<&str>) -> Result<Vec<Running>> {
    let group = format!("{}/", names::group(scope));
    let (apps, pods) = try_join(apps(server, &group, &EVERYTHING), statuses(server, &group)).await?;
    let mut found: Vec<Running> = apps.into_iter().filter_map(|app| of(scope, Kind::App, app, "")).collect();
    found.extend(pods.into_iter().filter_map(|pod| of(scope, Kind::Pod, pod, "/spec")));
    if server.has(&crate::connect::Service::Metronome)? {
        // What only lists is not stopped by a Metronome that is away.
        match jobs(server, scope).await {
            Ok(jobs) => found.extend(jobs.into_iter().filter_map(|job| of(scope, Kind::Job, job, ""))),
            Err(error) => tracing::debug!(%error, "jobs are not listed"),
        }
    }
    found.sort_by(|left, right| left.name.cmp(&right.name));
    let Some(workload) = workload else { return Ok(found) };
    let known: BTreeSet<String> = found.iter().map(|running| running.workload.clone()).collect();
    found.retain(|running| running.workload == workload || running.name == workload);
    if found.is_empty() {
        return Err(unknown(workload, &known));
    }
    Ok(found)
}

fn unknown(workload: &str, known: &BTreeSet<String>) -> Error {
    let error = Error::new(ErrorKind::NotFound, "find the workload", "the release does not have it");
    error.with("workload", workload).remedy(if known.is_empty() {
        "the release runs nothing".to_owned()
    } else {
        format!("it has {}", known.iter().cloned().collect::<Vec<_>>().join(", "))
    })
}

async fn statuses(server: &Server, group: &str) -> Result<Vec<Value>> {
    let call = Call::get("list the pods", "/v2/pods/::status");
    let found = server.find::<Vec<Value>>(call).await?.unwrap_or_default();
    Ok(found.into_iter().filter(|pod| text(pod, "/id").is_some_and(|id| id.starts_with(group))).collect())
}

/// `spec` is where the document's own words are.
fn of(scope: &Scope, kind: Kind, document: Value, spec: &str) -> Option<Running> {
    let body = document.pointer(spec)?;
    if !is_ours(scope, body) {
        return None;
    }
    let native = text(&document, "/id")?.to_owned();
    let object = label(body, names::OBJECT).and_then(|id| id.split_once('/'));
    let name = object.map_or_else(|| native.rsplit(['/', '.']).next().unwrap_or_default(), |(_, name)| name);
    let (name, workload) = (name.to_owned(), label(body, names::WORKLOAD).unwrap_or(name).to_owned());
    Some(Running { kind, native, name, workload, document })
}

/// Sets the number of tasks. A deployment of an earlier command of the release that holds it is cancelled.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; `Unsupported` for what has no number; `Locked` while a
/// deployment holds it that is not known to be the release's.
pub(crate) async fn scale(
    server: &Server,
    scope: &Scope,
    workload: &str,
    replicas: u32,
) -> Result<Vec<Receipt>> {
    let mut receipts = Vec::new();
    for running in running(server, scope, Some(workload)).await? {
        if running.name != running.workload {
            return Err(fixed(workload, "each replica of it is an app of its own")
                .remedy("change the number in the chart's values, and upgrade"));
        }
        if running.kind == Kind::Job {
            return Err(fixed(workload, "a job has no number of replicas"));
        }
        receipts.push(change(server, scope, &running, |body| scaled(running.kind, body, replicas)).await?);
    }
    Ok(receipts)
}

fn fixed(workload: &str, why: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "scale the workload", why).with("workload", workload)
}

fn scaled(kind: Kind, body: &mut Value, replicas: u32) {
    match kind {
        Kind::Pod => body["scaling"] = json!({ "kind": "fixed", "instances": replicas }),
        _ => body["instances"] = replicas.into(),
    }
}

/// Replaces every task by an equal one. Marathon restarts apps by a call of its own; a pod is written again with a label
/// that is another one. A deployment of an earlier command of the release that holds it is cancelled.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; `Unsupported` for jobs; `Locked` while a deployment holds it
/// that is not known to be the release's.
pub(crate) async fn restart(server: &Server, scope: &Scope, workload: &str) -> Result<Vec<Receipt>> {
    let mut receipts = Vec::new();
    for running in running(server, scope, Some(workload)).await? {
        receipts.push(match running.kind {
            Kind::App => restart_app(server, scope, &running).await?,
            Kind::Pod => change(server, scope, &running, mark_restart).await?,
            _ => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "restart the workload",
                    "a job runs to its end",
                )
                .with("workload", workload)
                .remedy("run it again with `rhumb run`"));
            }
        });
    }
    Ok(receipts)
}

/// Kills one task of an app, or one instance of a pod, and leaves the number as it is.
///
/// # Errors
/// `NotFound` when none of its tasks runs; `Unsupported` for jobs.
///
/// Source: Marathon REST API, `DELETE /v2/apps/{app_id}/tasks/{task_id}`, `DELETE /v2/pods/{id}::instances/{instance}`.
pub(crate) async fn kill(server: &Server, scope: &Scope, workload: &str) -> Result<Killed> {
    const KILL: &str = "kill a task";
    for running in running(server, scope, Some(workload)).await? {
        let path = |id: &str| match running.kind {
            Kind::App => Some(format!("/v2/apps{}/tasks/{id}", running.native)),
            Kind::Pod => Some(format!("/v2/pods{}::instances/{id}", running.native)),
            _ => None,
        };
        let tasks = all_tasks(&running);
        let Some(task) = tasks.iter().find(|task| task.state == TaskState::Running) else { continue };
        let Some(path) = path(&task.id) else {
            return Err(about(Error::new(ErrorKind::Unsupported, KILL, "a job runs to its end"), &running));
        };
        server.send(Call::delete(KILL, path)).await.map_err(|error| about(error, &running))?;
        let how = "Marathon was told to kill its task".to_owned();
        return Ok(Killed { id: task.id.clone(), name: task.name.clone(), how });
    }
    Err(Error::new(ErrorKind::NotFound, KILL, "none of its tasks runs").with("workload", workload))
}

async fn restart_app(server: &Server, scope: &Scope, running: &Running) -> Result<Receipt> {
    let rollout = match replace_tasks(server, running, Lock::Obeyed).await {
        Err(error) if error.kind == ErrorKind::Locked => {
            let cancelled = ids(held(server, scope, running).by_us(error).await?);
            let rollout = replace_tasks(server, running, Lock::Taken).await;
            rollout.map(|rollout| Rollout { cancelled, ..rollout })
        }
        rollout => rollout,
    };
    Ok(receipt(running, &rollout.map_err(|error| about(error, running))?))
}

async fn replace_tasks(server: &Server, running: &Running, lock: Lock) -> Result<Rollout> {
    let call = Call::post("restart the app", format!("/v2/apps{}/restart", running.native), json!({}));
    let call = if lock == Lock::Taken { call.query("force", "true") } else { call };
    Ok(begun(server, &server.send(call).await?))
}

/// Only what is recorded tells here whose a deployment is: what the release wants is not known.
fn held<'a>(server: &'a Server, scope: &'a Scope, running: &'a Running) -> Held<'a> {
    Held { server, scope, native: &running.native, there: None }
}

/// The moment of the last restart, so that each makes another version.
fn mark_restart(body: &mut Value) {
    body["labels"][names::RESTARTED] = jiff::Timestamp::now().to_string().into();
}

async fn change(
    server: &Server,
    scope: &Scope,
    running: &Running,
    edit: impl FnOnce(&mut Value),
) -> Result<Receipt> {
    let found =
        document(server, running.kind, &running.native).await.map_err(|error| about(error, running))?;
    let found = found.ok_or_else(|| {
        about(
            Error::new(ErrorKind::Conflict, running.kind.writing(), "somebody removed it at the same time"),
            running,
        )
    })?;
    let mut body = normalize::live(&found, &found);
    edit(&mut body);
    let rollout = match write(server, running.kind, &running.native, &body, Lock::Obeyed).await {
        Err(error) if error.kind == ErrorKind::Locked => {
            take_over(server, scope, running, (body, error)).await
        }
        rollout => rollout,
    };
    Ok(receipt(running, &rollout.map_err(|error| about(error, running))?))
}

/// Writes over the release's own deployments. Where one of them had not replaced everything yet, the rest is replaced, too:
/// Marathon would leave it as it is.
async fn take_over(
    server: &Server,
    scope: &Scope,
    running: &Running,
    (mut body, locked): (Value, Error),
) -> Result<Rollout> {
    let holders = held(server, scope, running).by_us(locked).await?;
    let replaces = holders.iter().any(Deployment::replaces);
    if replaces && running.kind == Kind::Pod {
        mark_restart(&mut body);
    }
    let mut rollout = write(server, running.kind, &running.native, &body, Lock::Taken).await?;
    if replaces && running.kind == Kind::App {
        rollout = replace_tasks(server, running, Lock::Taken).await?;
    }
    Ok(Rollout { cancelled: ids(holders), ..rollout })
}

fn about(error: Error, running: &Running) -> Error {
    error.with("object", running.kind.id(&running.name).to_string())
}

fn receipt(running: &Running, rollout: &Rollout) -> Receipt {
    let told = rollout.told().map(|told| (Receipt::TOLD.to_owned(), told));
    Receipt {
        id: running.kind.id(&running.name),
        native: running.native.clone(),
        workload: Some(running.workload.clone()),
        outputs: [("id".to_owned(), running.native.clone())].into_iter().chain(told).collect(),
        rollout: rollout.to_value(),
    }
}

/// The state of a task in Mesos' words.
///
/// Source: Mesos, `TaskState`.
pub(crate) fn state(word: &str) -> TaskState {
    match word {
        "TASK_STAGING" | "INITIAL" | "PENDING" => TaskState::Pending,
        "TASK_STARTING" | "STARTING" | "STAGING" => TaskState::Starting,
        "TASK_RUNNING" | "ACTIVE" | "STABLE" | "DEGRADED" => TaskState::Running,
        "TASK_FINISHED" | "SUCCESS" => TaskState::Complete,
        "TASK_KILLING" | "TASK_KILLED" | "TERMINAL" | "STOPPED" => TaskState::Shutdown,
        _ => TaskState::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_release_runs_has_its_names() {
        let scope = Scope::new("default", "shop");
        let app = json!({ "id": "/default/shop/db-0", "labels": {
            "rhumb.dev/namespace": "default", "rhumb.dev/release": "shop", "rhumb.dev/object": "app/db-0",
            "rhumb.dev/workload": "db",
        } });
        let running = of(&scope, Kind::App, app.clone(), "").unwrap();
        assert_eq!((running.name.as_str(), running.workload.as_str()), ("db-0", "db"));
        let pod = json!({ "id": "/default/shop/db-0", "spec": app });
        assert_eq!(of(&scope, Kind::Pod, pod, "/spec").unwrap().workload, "db");
        assert!(of(&scope, Kind::App, json!({ "id": "/default/shop/x" }), "").is_none());
    }

    #[test]
    fn a_pod_scales_by_its_policy() {
        let mut body = json!({});
        scaled(Kind::Pod, &mut body, 3);
        assert_eq!(body, json!({ "scaling": { "kind": "fixed", "instances": 3 } }));
        let mut body = json!({ "instances": 1 });
        scaled(Kind::App, &mut body, 0);
        assert_eq!(body, json!({ "instances": 0 }));
    }
}
