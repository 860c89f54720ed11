//! Pods: their deployment, and the states of their instances.

use rhumb_backend::Failure;
use serde_json::Value;

use super::Patience;
use super::failure::{exit_code, is_hopeless};
use super::queue::Waiting;
use super::service::{FAILURES, SETTLED, SETTLED_AGAIN};
use super::verdict::{Culprit, Verdict};
use crate::apply::Deployment;
use crate::document::{count, is_after, items, text};
use crate::rollout::Rollout;

/// A pod, as Marathon shows it at one moment.
pub(super) struct Pod<'a> {
    /// Source: Marathon REST API, `PodStatus`.
    pub(super) status: &'a Value,
    pub(super) deployment: Option<&'a Deployment>,
    pub(super) waiting: Option<&'a Waiting>,
    pub(super) rollout: &'a Rollout,
    pub(super) patience: &'a Patience,
}

impl Pod<'_> {
    /// How far the rollout is: while a deployment is about the pod, it progresses; then so many instances as are wanted must
    /// be stable.
    pub(super) fn judge(&self) -> Verdict {
        let wanted = count(self.status, "/spec/scaling/instances");
        let stable = |instance: &&Value| text(instance, "/status") == Some("STABLE");
        // Instances keep the version that they were started with when only their number changes, so that those of
        // older versions count once the deployment, which would replace them, is over.
        let ready = if self.deployment.is_none() {
            items(self.status, "/instances").filter(stable).count()
        } else {
            self.fresh().filter(stable).count()
        };
        let ready = u32::try_from(ready).unwrap_or(u32::MAX);
        let ended: Vec<&Value> = self.ended().collect();
        let names = ended.iter().filter_map(|ended| text(ended, "/instanceID"));
        let failures = self.patience.failures(&self.key(), names);
        let culprit = ended.last().map(|ended| culprit(ended));
        let verdict = if ready >= wanted && self.deployment.is_none() {
            if self.is_settled(failures) {
                let message = self.with_cancelled("every instance is stable".to_owned());
                return Verdict::ready(message).counts(ready, wanted);
            }
            Verdict::progressing("its instances have just started")
        } else if ready >= wanted {
            let id = self.deployment.map_or("", |deployment| deployment.id.as_str());
            Verdict::progressing(self.with_cancelled(format!("the deployment {id} goes on")))
        } else {
            self.incomplete(failures, culprit.as_ref())
        };
        let verdict = verdict.counts(ready.min(wanted), wanted);
        if verdict.culprit.is_some() { verdict } else { verdict.because(culprit) }
    }

    /// Whether its instances have been stable for a while, where no check tells how they are.
    fn is_settled(&self, failures: usize) -> bool {
        let has_checks = items(self.status, "/spec/containers")
            .any(|container| container.get("healthCheck").is_some_and(|check| !check.is_null()));
        let youngest =
            items(self.status, "/instances").filter_map(|instance| text(instance, "/statusSince")).max();
        let limit = if failures == 0 { SETTLED } else { SETTLED_AGAIN };
        youngest.is_none() || has_checks || self.patience.has_lasted(&self.key(), "running", youngest, limit)
    }

    fn version(&self) -> &str {
        let told = text(self.status, "/spec/version").or(self.rollout.version.as_deref());
        told.unwrap_or_default()
    }

    fn key(&self) -> String {
        format!("{}@{}", text(self.status, "/id").unwrap_or_default(), self.version())
    }

    /// Instances of the receipt's version and of later ones.
    fn fresh(&self) -> impl Iterator<Item = &Value> {
        let ours = self.rollout.version.as_deref();
        items(self.status, "/instances").filter(move |instance| {
            let reference = text(instance, "/specReference");
            let version =
                reference.and_then(|reference| reference.rsplit_once("::versions/")).map(|(_, it)| it);
            match (ours, version) {
                (Some(ours), Some(version)) => !is_after(ours, version),
                _ => true,
            }
        })
    }

    /// Instances that ended since the rollout began.
    fn ended(&self) -> impl Iterator<Item = &Value> {
        let ours = self.rollout.version.as_deref();
        items(self.status, "/terminationHistory").filter(move |ended| {
            let started = text(ended, "/startedAt").or_else(|| text(ended, "/terminatedAt"));
            ours.is_none_or(|ours| started.is_some_and(|started| !is_after(ours, started)))
        })
    }

    fn incomplete(&self, failures: usize, culprit: Option<&Culprit>) -> Verdict {
        self.patience.ends(&self.key(), "running");
        let hopeless = culprit.is_some_and(|culprit| is_hopeless(&culprit.failure.reason));
        if failures >= FAILURES || hopeless {
            return Verdict::failed(format!(
                "{failures} of its instances ended, and Marathon only tries again"
            ));
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
            return Verdict::progressing(obstacle.message);
        }
        let states: Vec<&str> = self.fresh().filter_map(|instance| text(instance, "/status")).collect();
        let message = match states.iter().find(|state| **state != "STABLE") {
            Some(state) => format!("an instance is {}", state.to_ascii_lowercase()),
            None => "its instances wait for an agent".to_owned(),
        };
        Verdict::progressing(self.with_cancelled(message))
    }

    fn with_cancelled(&self, message: String) -> String {
        if self.rollout.cancelled.is_empty() {
            return message;
        }
        let cancelled = self.rollout.cancelled.join(", ");
        format!("{message}; the deployment {cancelled} of an earlier run was cancelled for it")
    }
}

/// Source: Marathon REST API, `TerminationHistory`.
fn culprit(ended: &Value) -> Culprit {
    let container = items(ended, "/containers").find(|container| {
        container.pointer("/termination/exitCode").and_then(Value::as_i64).is_some_and(|code| code != 0)
    });
    let told = |at| container.and_then(|container| text(container, at));
    let message = told("/termination/message").or_else(|| text(ended, "/message")).unwrap_or("it ended");
    let name = told("/containerId").map(|name| format!("container {name}: ")).unwrap_or_default();
    let code = container.and_then(|container| container.pointer("/termination/exitCode")?.as_i64());
    let failure = Failure {
        task: text(ended, "/instanceID").unwrap_or_default().to_owned(),
        reason: format!("{name}{message}"),
        exit_code: code.or_else(|| exit_code(message)),
        ..Failure::default()
    };
    Culprit { failure, agent: None }
}
