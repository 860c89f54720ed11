//! Running jobs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use rhumb_backend::{Error, ErrorKind, Receipt, Result, Retry};
use serde_json::{Value, json};

use super::{Work, requests};
use crate::kind::Kind;
use crate::marks::Tags;
use crate::names;
use crate::observe::{family_tasks, fixed_name};
use crate::pages::{items, text};
use crate::rollout::Rollout;

/// The most tasks of one call. Source: Amazon ECS API reference, `RunTask`, `count`.
const MOST: u64 = 10;

/// The tokens of runs whose calls were not answered: asked again with the same token, ECS starts nothing twice. A run that
/// was answered has its own token, so that the same job can run again.
#[derive(Debug, Default)]
pub(crate) struct Runs(Mutex<HashMap<String, String>>);

impl Runs {
    /// The token of the run that is under way under this key, or of a new one.
    fn token(&self, key: &str) -> String {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let token = open.entry(key.to_owned()).or_insert_with(|| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            names::hash(format!("{key}/{now}").as_bytes())[..32].to_owned()
        });
        token.clone()
    }

    /// The run was answered.
    fn end(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

impl Work<'_> {
    /// Starts the tasks of a job.
    ///
    /// # Errors
    /// `Platform`, to be tried again, where ECS finds no place for a task now.
    pub(super) async fn run(&self) -> Result<Receipt> {
        let key = format!(
            "{}/{}/{}",
            names::prefix(self.scope),
            self.step.id,
            self.step.object.once.as_deref().unwrap_or("")
        );
        let token = self.runs.token(&key);
        let count = self.body().get("count").and_then(Value::as_u64).unwrap_or(1);
        let mut tasks = Vec::new();
        for (part, begun) in (0..count).step_by(10).enumerate() {
            let mut request = requests::create(Kind::Task, self.body());
            request.body["count"] = (count - begun).min(MOST).into();
            request.body["clientToken"] = format!("{token}-{part}").into();
            request.body["startedBy"] = started_by(self.body(), &token).into();
            let answer = self.send(&request).await;
            // Only what was not answered is asked again with the same token.
            if !matches!(&answer, Err(error) if is_unsure(error)) {
                self.runs.end(&key);
            }
            let answer = answer?;
            if let Some(failure) = items(&answer, "failures").next() {
                self.stop_all(items(&answer, "tasks").chain(&tasks)).await?;
                return Err(not_placed(failure));
            }
            tasks.extend(items(&answer, "tasks").cloned());
        }
        let first = tasks.first().ok_or_else(|| {
            Error::new(ErrorKind::Platform, "run the task", "ECS started nothing and does not say why")
                .retry(Retry::Same)
        })?;
        let arn = text(first, "taskArn").map(|arn| ("arn".to_owned(), arn.to_owned()));
        Ok(Receipt {
            id: self.step.id.clone(),
            native: started_by(self.body(), &token),
            workload: self.step.object.workload.clone(),
            outputs: arn.into_iter().collect(),
            rollout: Rollout::of_tasks(&tasks).to_value(),
        })
    }

    /// The tasks that were started together under this name.
    pub(super) async fn running(&self, native: &str) -> Result<Rollout> {
        Ok(Rollout::of_tasks(&self.tasks_of(native).await?))
    }

    async fn tasks_of(&self, native: &str) -> Result<Vec<Value>> {
        let Some(family) = fixed_name(self.account, self.scope, &self.step.id) else { return Ok(Vec::new()) };
        let tasks = family_tasks(self.account, &family).await?;
        let is_of = |task: &Value| {
            let id = text(task, "startedBy").or_else(|| text(task, "taskArn"));
            id == Some(native) && Tags::read(task.get("tags")).are_of(self.scope)
        };
        Ok(tasks.into_iter().filter(is_of).collect())
    }

    /// Stops what still runs of a job.
    pub(super) async fn stop(&self, native: &str) -> Result<()> {
        let tasks = self.tasks_of(native).await?;
        self.stop_all(tasks.iter()).await
    }

    async fn stop_all(&self, tasks: impl Iterator<Item = &Value>) -> Result<()> {
        for task in tasks.filter(|task| text(task, "lastStatus") != Some("STOPPED")) {
            let body = json!({
                "cluster": self.account.cluster(),
                "task": task.get("taskArn"),
                "reason": "the release does not want it any more",
            });
            match self.call("ecs:StopTask", &body).await {
                Err(error) if error.kind == ErrorKind::NotFound || error.message.contains("not found") => {}
                answer => answer.map(drop)?,
            }
        }
        Ok(())
    }
}

/// By what the tasks of one run are found again: what is wanted, with the run behind it.
///
/// Source: Amazon ECS API reference, `RunTask`, `startedBy`: up to 128 letters, digits, dashes and underscores.
fn started_by(body: &Value, token: &str) -> String {
    let wanted = text(body, "startedBy").unwrap_or("rhumb");
    let kept: String = wanted.chars().take(100).collect();
    format!("{kept}-{}", &token[..8])
}

fn is_unsure(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Timeout | ErrorKind::Unreachable)
        || (error.kind == ErrorKind::Platform && error.retry == Retry::Same)
}

/// Source: Amazon ECS developer guide, "API failure reasons": `RESOURCE:MEMORY`, `AGENT`, `Capacity is unavailable at this
/// time`.
fn not_placed(failure: &Value) -> Error {
    let reason = text(failure, "reason").unwrap_or("it does not say why");
    let detail = text(failure, "detail").map(|detail| format!(": {detail}")).unwrap_or_default();
    let message = format!("ECS finds no place for the task: {reason}{detail}");
    let passes = !["ATTRIBUTE", "MISSING", "InvalidParameter"].iter().any(|text| reason.contains(text));
    let error = Error::new(ErrorKind::Platform, "run the task", message)
        .remedy("add container instances, ask for less cpu and memory, or use Fargate");
    if passes { error.retry(Retry::Same) } else { error }
}
