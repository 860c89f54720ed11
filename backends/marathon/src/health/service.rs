//! Apps: their deployment, their tasks, and what keeps these from running.

use std::time::Duration;

use rhumb_backend::Failure;
use serde_json::Value;

use super::Patience;
use super::failure::{self, failed_task};
use super::queue::Waiting;
use super::verdict::{Culprit, Verdict};
use crate::document::{count, is_after, items, text};
use crate::rollout::Rollout;

/// So many tasks of one rollout may fail before it counts as failed.
pub(super) const FAILURES: usize = 3;
/// How long a task without health checks must have run to count as one that runs.
pub(super) const SETTLED: Duration = Duration::from_secs(1);
/// How long, when others of the rollout have failed before it.
pub(super) const SETTLED_AGAIN: Duration = Duration::from_secs(5);

/// An app, as Marathon shows it at one moment.
pub(super) struct App<'a> {
    pub(super) document: &'a Value,
    pub(super) waiting: Option<&'a Waiting>,
    pub(super) rollout: &'a Rollout,
    pub(super) patience: &'a Patience,
}

impl App<'_> {
    /// How far the rollout is: while a deployment of the app is listed, it progresses; then every task of its definition
    /// must run. Tasks that fail again and again make it failed, since Marathon never gives up by itself.
    pub(super) fn judge(&self) -> Verdict {
        if let Some(verdict) = self.overtaken() {
            return verdict;
        }
        let wanted = count(self.document, "/instances");
        let ready: Vec<&Value> = self.fresh().filter(|task| self.is_ready(task)).collect();
        let number = u32::try_from(ready.len()).unwrap_or(u32::MAX);
        let culprit = self.culprit();
        let failures =
            self.patience.failures(&self.key(), culprit.iter().map(|culprit| culprit.failure.task.as_str()));
        let verdict = if number >= wanted {
            self.complete(&ready, failures)
        } else {
            self.incomplete(failures, culprit.as_ref())
        };
        let is_ready = verdict.state == rhumb_backend::State::Ready;
        let verdict = verdict.counts(number.min(wanted), wanted);
        // A culprit of the verdict's own, such as what cannot be placed, goes before a task that failed.
        if is_ready || verdict.culprit.is_some() { verdict } else { verdict.because(culprit) }
    }

    /// The moment of the definition that is there. Scaling makes a version of its own, and no other definition.
    fn defined(&self) -> &str {
        let changed = text(self.document, "/versionInfo/lastConfigChangeAt");
        changed.or_else(|| text(self.document, "/version")).unwrap_or_default()
    }

    fn key(&self) -> String {
        format!("{}@{}", text(self.document, "/id").unwrap_or_default(), self.defined())
    }

    fn overtaken(&self) -> Option<Verdict> {
        let ours = self.rollout.version.as_deref()?;
        is_after(self.defined(), ours).then(|| {
            Verdict::failed(format!(
                "somebody else changed it meanwhile: the version {} took the place of {ours}",
                self.defined()
            ))
        })
    }

    /// Tasks of the definition that is there.
    fn fresh(&self) -> impl Iterator<Item = &Value> {
        let defined = self.defined();
        items(self.document, "/tasks")
            .filter(move |task| text(task, "/version").is_none_or(|version| !is_after(defined, version)))
    }

    fn has_checks(&self) -> bool {
        items(self.document, "/healthChecks").next().is_some()
    }

    fn is_ready(&self, task: &Value) -> bool {
        let is_alive = |result: &Value| result.get("alive").and_then(Value::as_bool) == Some(true);
        let mut results = items(task, "/healthCheckResults").peekable();
        let is_healthy = !self.has_checks() || (results.peek().is_some() && results.all(is_alive));
        text(task, "/state") == Some("TASK_RUNNING") && is_healthy
    }

    fn deployment(&self) -> Option<&str> {
        items(self.document, "/deployments").find_map(|deployment| text(deployment, "/id"))
    }

    fn complete(&self, ready: &[&Value], failures: usize) -> Verdict {
        if let Some(deployment) = self.deployment() {
            return Verdict::progressing(self.with_cancelled(format!("the deployment {deployment} goes on")));
        }
        let limit = if failures == 0 { SETTLED } else { SETTLED_AGAIN };
        let youngest = ready.iter().filter_map(|task| text(task, "/startedAt")).max();
        let is_settled = ready.is_empty()
            || self.has_checks()
            || self.patience.has_lasted(&self.key(), "running", youngest, limit);
        if is_settled {
            let what = if ready.is_empty() { "no tasks are wanted" } else { "every task runs" };
            return Verdict::ready(self.with_cancelled(what.to_owned()));
        }
        Verdict::progressing("its tasks have just started")
    }

    fn incomplete(&self, failures: usize, culprit: Option<&Culprit>) -> Verdict {
        self.patience.ends(&self.key(), "running");
        let hopeless = culprit.is_some_and(|culprit| failure::is_hopeless(&culprit.failure.reason));
        if failures >= FAILURES || hopeless {
            let times = if failures == 1 { "a task".to_owned() } else { format!("{failures} tasks") };
            return Verdict::failed(format!("{times} failed, and Marathon only tries again"));
        }
        if let Some(obstacle) = self.waiting.and_then(|waiting| waiting.obstacle(&self.key(), self.patience))
        {
            if obstacle.is_lasting {
                let failure = Failure {
                    reason: obstacle.message.clone(),
                    remedy: Some(obstacle.remedy.to_owned()),
                    ..Failure::default()
                };
                return Verdict::failed(obstacle.message).because(Some(Culprit { failure, agent: None }));
            }
            return Verdict::progressing(self.with_cancelled(obstacle.message));
        }
        Verdict::progressing(self.with_cancelled(self.doing()))
    }

    /// What its tasks are doing, in a few words.
    fn doing(&self) -> String {
        let staged = self.fresh().filter(|task| text(task, "/state") != Some("TASK_RUNNING")).count();
        let unhealthy = self.fresh().filter(|task| text(task, "/state") == Some("TASK_RUNNING"));
        let unhealthy = unhealthy.filter(|task| !self.is_ready(task)).count();
        let unready = items(self.document, "/readinessCheckResults");
        let unready = unready.filter(|result| result.get("ready") == Some(&Value::Bool(false))).count();
        match (unhealthy, unready, staged) {
            (0, 0, 0) => "its tasks wait for an agent".to_owned(),
            (0, 0, staged) => format!("{staged} of its tasks are starting"),
            (0, unready, _) => format!("{unready} of its tasks are not ready by their check"),
            (unhealthy, ..) => format!("{unhealthy} of its tasks are not healthy by their checks"),
        }
    }

    fn with_cancelled(&self, message: String) -> String {
        if self.rollout.cancelled.is_empty() {
            return message;
        }
        let cancelled = self.rollout.cancelled.join(", ");
        format!("{message}; the deployment {cancelled} of an earlier run was cancelled for it")
    }

    /// The task of this definition that failed last.
    fn culprit(&self) -> Option<Culprit> {
        let failure = self.document.get("lastTaskFailure").filter(|failure| failure.is_object())?;
        let is_old = text(failure, "/version").is_some_and(|version| is_after(self.defined(), version));
        (!is_old).then(|| failed_task(failure))
    }
}
