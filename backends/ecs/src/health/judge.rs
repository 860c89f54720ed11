//! What a service's description says of a rollout.

use rhumb_backend::State;
use serde_json::Value;

use super::reason::{self, is_hopeless};
use super::{Culprit, Verdict};
use crate::observe::last_segment;
use crate::pages::{items, text};
use crate::rollout::{Rollout, deployments, is_rollback, primary};

/// After so many tasks have failed, a service without a circuit breaker will not come up by itself.
const CRASHES: usize = 3;
/// With a circuit breaker, which gives up after 3 to 200 failures, so many more may fail of which it does not count them:
/// tasks that run, and end soon after.
///
/// Source: Amazon ECS developer guide, "How the Amazon ECS deployment circuit breaker detects failures".
const UNCOUNTED: usize = 3;

/// A service, and the rollout that is asked about.
pub(super) struct Case<'a> {
    /// Its description.
    pub(super) service: &'a Value,
    /// The rollout.
    pub(super) rollout: &'a Rollout,
    /// Its tasks that have stopped.
    pub(super) stopped: &'a [Value],
    /// How load balancers find its tasks.
    pub(super) targets: &'a [Value],
}

/// What is made of the rollout. A deployment is ready when ECS has seen it in a steady state and it has as many tasks as
/// are wanted. It has failed when the circuit breaker says so, when something else was rolled out in its place, and where
/// ECS would go on for ever with what cannot come up.
pub(super) fn judge(case: &Case<'_>) -> Verdict {
    if text(case.service, "status").is_some_and(|status| status != "ACTIVE") {
        return Verdict::failed("the service was removed");
    }
    let Some(primary) = primary(case.service) else {
        return Verdict { state: State::Progressing, ..Verdict::failed("waits for a deployment") };
    };
    let Some(id) = case.rollout.deployment.as_deref() else { return case.of_primary(primary) };
    if text(primary, "id") == Some(id) {
        return case.of_primary(primary);
    }
    let own = deployments(case.service).find(|deployment| text(deployment, "id") == Some(id));
    let why = own.filter(|own| text(own, "rolloutState") == Some("FAILED")).unwrap_or(primary);
    let failed = if is_rollback(primary) || text(why, "rolloutState") == Some("FAILED") {
        text(why, "rolloutStateReason").unwrap_or("the circuit breaker gave the deployment up")
    } else {
        case.obituary(id).unwrap_or("somebody changed the service before it was ready")
    };
    let failed = failed.to_owned();
    Verdict { culprit: case.blame(id, Some(&failed)), ..Verdict::failed(failed) }
}

impl Case<'_> {
    fn of_primary(&self, deployment: &Value) -> Verdict {
        let id = text(deployment, "id").unwrap_or_default();
        let (ready, wanted) = (count(deployment, "runningCount"), count(deployment, "desiredCount"));
        let verdict = |state, message: String, culprit| Verdict { state, ready, wanted, message, culprit };
        let state = text(deployment, "rolloutState");
        if state == Some("FAILED") {
            let reason = text(deployment, "rolloutStateReason").unwrap_or("the deployment failed").to_owned();
            // Where no task ever started, ECS told of its search for a place.
            let searched = self.events(deployment).find(|event| event.contains("unable to place"));
            return verdict(State::Failed, reason.clone(), self.blame(id, searched.or(Some(&reason))));
        }
        if let Some((message, culprit)) = self.is_lost(deployment) {
            return verdict(State::Failed, message, Some(culprit));
        }
        let is_complete = state.is_none_or(|state| state == "COMPLETED");
        if is_complete && ready >= wanted && !self.is_replacing(id) && !self.is_unreached(wanted) {
            let message = if is_rollback(deployment) { "runs what ECS went back to" } else { "running" };
            return verdict(State::Ready, message.to_owned(), None);
        }
        verdict(State::Progressing, self.waits_for(deployment), self.blame(id, None))
    }

    /// Whether tasks of deployments before still run.
    fn is_replacing(&self, id: &str) -> bool {
        deployments(self.service)
            .any(|other| text(other, "id") != Some(id) && count(other, "runningCount") > 0)
    }

    /// Whether a load balancer finds none of the tasks well. Targets of a group that no balancer uses are not looked at.
    fn is_unreached(&self, wanted: u32) -> bool {
        let states: Vec<&str> = self.targets.iter().filter_map(target_state).collect();
        wanted > 0 && !states.is_empty() && !states.iter().any(|state| matches!(*state, "healthy" | "unused"))
    }

    /// Why the deployment will not come up by itself, if it will not.
    fn is_lost(&self, deployment: &Value) -> Option<(String, Culprit)> {
        let id = text(deployment, "id").unwrap_or_default();
        if let Some(event) = self.events(deployment).find(|event| is_hopeless(event)) {
            return Some((event.to_owned(), self.nobody(event)));
        }
        let failed = self.failed(id).count();
        let limit = if self.breaker() {
            breaker_limit(count(deployment, "desiredCount")) + UNCOUNTED
        } else {
            CRASHES
        };
        if failed < limit {
            return None;
        }
        let culprit = self.blame(id, None)?;
        Some((format!("{} ({failed} tasks failed)", culprit.reason), culprit))
    }

    fn breaker(&self) -> bool {
        let enabled = self.service.pointer("/deploymentConfiguration/deploymentCircuitBreaker/enable");
        enabled.and_then(Value::as_bool).unwrap_or(false)
    }

    /// Tasks of a deployment that failed.
    fn failed(&self, id: &str) -> impl Iterator<Item = &Value> {
        self.stopped
            .iter()
            .filter(move |task| text(task, "startedBy") == Some(id) && reason::has_failed(task))
    }

    /// The task that failed last, or, where none did, what ECS says.
    fn blame(&self, id: &str, otherwise: Option<&str>) -> Option<Culprit> {
        let latest = self.failed(id).max_by(|left, right| stopped_at(left).total_cmp(&stopped_at(right)));
        match latest {
            Some(task) => Some(Culprit {
                task: Some(task.clone()),
                name: last_segment(text(task, "taskArn").unwrap_or_default()).to_owned(),
                reason: reason::of_task(task),
            }),
            None => otherwise.map(|reason| self.nobody(reason)),
        }
    }

    fn nobody(&self, reason: &str) -> Culprit {
        let name = text(self.service, "serviceName").unwrap_or_default();
        Culprit { task: None, name: name.to_owned(), reason: reason.to_owned() }
    }

    /// What ECS told of a deployment that failed and is not listed any more.
    ///
    /// Source: Amazon ECS developer guide, "Amazon ECS service event messages": `(service web) (deployment ecs-svc/7)
    /// deployment failed: tasks failed to start.`
    fn obituary(&self, id: &str) -> Option<&str> {
        let messages = items(self.service, "events").filter_map(|event| text(event, "message"));
        messages.into_iter().find(|message| message.contains(id) && message.contains("deployment failed"))
    }

    /// What ECS told of the service since the deployment began, the newest first.
    fn events(&self, deployment: &Value) -> impl Iterator<Item = &str> {
        let began = number(deployment, "createdAt");
        let events = items(self.service, "events").filter(move |event| number(event, "createdAt") >= began);
        events.filter_map(|event| text(event, "message"))
    }

    /// What the deployment waits for, in a few words.
    fn waits_for(&self, deployment: &Value) -> String {
        let id = text(deployment, "id").unwrap_or_default();
        let (running, wanted) = (count(deployment, "runningCount"), count(deployment, "desiredCount"));
        if let Some(event) = self.events(deployment).next().filter(|event| event.contains("unable to")) {
            return event.to_owned();
        }
        let failed = self.failed(id).count();
        if failed > 0 && running < wanted {
            let why = self.blame(id, None).map(|culprit| culprit.reason).unwrap_or_default();
            return format!("{failed} tasks failed: {why}");
        }
        if running < wanted {
            let pending = count(deployment, "pendingCount");
            return format!("{} to be started", wanted.saturating_sub(running).max(pending));
        }
        if let Some(target) = self.targets.iter().find(|target| target_state(target) != Some("healthy")) {
            let why = target.pointer("/TargetHealth/Description").and_then(Value::as_str);
            return format!("the load balancer: {}", why.or(target_state(target)).unwrap_or("unknown"));
        }
        if self.is_replacing(id) {
            return "tasks of the version before are stopped".to_owned();
        }
        "ECS to see it steady".to_owned()
    }
}

/// Source: Amazon ECS developer guide, "Failure threshold": half of the wanted tasks, at least 3 and at most 200.
fn breaker_limit(wanted: u32) -> usize {
    usize::try_from(wanted.div_ceil(2).clamp(3, 200)).unwrap_or(usize::MAX)
}

fn target_state(target: &Value) -> Option<&str> {
    target.pointer("/TargetHealth/State").and_then(Value::as_str)
}

fn stopped_at(task: &Value) -> f64 {
    number(task, "stoppedAt").max(number(task, "stoppingAt"))
}

/// A moment, in seconds since 1970; the earliest where there is none.
pub(super) fn number(value: &Value, field: &str) -> f64 {
    value.get(field).and_then(Value::as_f64).unwrap_or(0.0)
}

fn count(value: &Value, field: &str) -> u32 {
    let count = value.get(field).and_then(Value::as_u64).unwrap_or(0);
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
