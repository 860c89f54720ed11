//! What the engine's word about a service and its tasks means for a rollout.

use std::collections::BTreeMap;
use std::time::Duration;

use rhumb_backend::State;
use serde_json::Value;

use super::Patience;
use super::constraint::Node;
use crate::rollout::{Rollout, given_up};
use crate::task::Task;

/// How far a rollout is, and who is to blame if it failed or no node takes it yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) state: State,
    pub(super) ready: u32,
    pub(super) wanted: u32,
    pub(super) message: String,
    pub(super) culprit: Option<Culprit>,
}

/// The task that a failure shows in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Culprit {
    /// Its id; empty when no task can be blamed.
    pub(super) task: String,
    /// What it is called: `shop_web.1`.
    pub(super) name: String,
    /// Why it failed.
    pub(super) reason: String,
}

/// So many failures of one replica are a crash loop.
const CRASHES: usize = 3;

/// So many times an image may be missing: another node may have it.
const REJECTIONS: usize = 2;

/// A process that cannot run ends soon after its start. The engine counts it as running meanwhile.
const SETTLED: Duration = Duration::from_secs(1);

/// One that ended before has to do better.
const SETTLED_AGAIN: Duration = Duration::from_secs(5);

/// A node may become ready, and a stopped task may give back what it had.
const UNSCHEDULABLE: Duration = Duration::from_secs(5);
const OCCUPIED: Duration = Duration::from_secs(10);

/// Judges the rollout that a receipt names.
pub(super) fn judge(
    service: &Value,
    rollout: &Rollout,
    tasks: &[&Task],
    nodes: &[Node],
    patience: &Patience,
) -> Verdict {
    let case = Case::new(service, tasks, patience);
    let wanted = case.wanted(nodes);
    // After a rollback, the engine's own replicas are there, and none of this rollout.
    let ready = if Rollout::of(case.spec).template == rollout.template { case.ready() } else { 0 };
    let failed = case
        .given_up(rollout, ready >= wanted)
        .or_else(|| case.superseded(rollout))
        .or_else(|| case.exhausted())
        .or_else(|| case.unschedulable());
    let (state, message) = match &failed {
        Some(culprit) => (State::Failed, culprit.reason.clone()),
        None if case.is_job && ready >= wanted => (State::Ready, "completed".to_owned()),
        None if case.is_job => {
            (State::Progressing, case.waiting_for().unwrap_or_else(|| "to be scheduled".to_owned()))
        }
        None => case.progress(ready, wanted),
    };
    let culprit = failed.or_else(|| case.waits_for_node().filter(|_| state == State::Progressing));
    Verdict { state, ready, wanted, message, culprit }
}

struct Case<'a> {
    name: &'a str,
    spec: &'a Value,
    template: &'a Value,
    update: Option<(&'a str, &'a str)>,
    is_job: bool,
    patience: &'a Patience,
    all: Vec<&'a Task>,
    /// Tasks of this template and, for a job, of this run.
    current: Vec<&'a Task>,
    /// Tasks of older templates that are still wanted.
    old: Vec<&'a Task>,
}

impl<'a> Case<'a> {
    fn new(service: &'a Value, tasks: &[&'a Task], patience: &'a Patience) -> Self {
        static NOTHING: Value = Value::Null;
        let spec = service.get("Spec").unwrap_or(&NOTHING);
        let template = spec.get("TaskTemplate").unwrap_or(&NOTHING);
        let mode = |mode: &str| spec.pointer(&format!("/Mode/{mode}")).is_some_and(|mode| !mode.is_null());
        let is_job = mode("ReplicatedJob") || mode("GlobalJob");
        let text = |pointer: &str| service.pointer(pointer).and_then(Value::as_str);
        let update = text("/UpdateStatus/State")
            .map(|state| (state, text("/UpdateStatus/Message").unwrap_or_default()));
        let run = service.pointer("/JobStatus/JobIteration/Index").and_then(Value::as_u64).unwrap_or(0);
        let of_run = |task: &Task| !is_job || task.job_iteration.unwrap_or_default().index == run;
        let since = if update.is_none() && moved_ports(service) { text("/UpdatedAt") } else { None };
        let is_young = |task: &Task| since.is_none_or(|since| task.created_at.as_str() >= since);
        let is_current = |task: &Task| of_run(task) && (is_job || task.is_of(template) && is_young(task));
        let (current, old): (Vec<_>, Vec<_>) = tasks.iter().copied().partition(|task| is_current(task));
        let old = old.into_iter().filter(|task| task.is_wanted() && !task.has_ended()).collect();
        let name = text("/Spec/Name").unwrap_or_default();
        Self { name, spec, template, update, is_job, patience, all: tasks.to_vec(), current, old }
    }

    fn wanted(&self, nodes: &[Node]) -> u32 {
        let number = |pointer: &str| self.spec.pointer(pointer).and_then(Value::as_u64);
        let replicas = number("/Mode/Replicated/Replicas").or_else(|| {
            let completions = number("/Mode/ReplicatedJob/TotalCompletions");
            completions.or_else(|| number("/Mode/ReplicatedJob/MaxConcurrent"))
        });
        match replicas {
            Some(replicas) => clamp(replicas),
            None if self.spec.pointer("/Mode/ReplicatedJob").is_some_and(|mode| !mode.is_null()) => 1,
            None => clamp(nodes.iter().filter(|node| node.takes(self.template)).count() as u64),
        }
    }

    fn ready(&self) -> u32 {
        let runs = |task: &Task| task.is_wanted() && task.status.state == "running" && self.has_settled(task);
        let counts = |task: &&&Task| if self.is_job { task.status.state == "complete" } else { runs(task) };
        clamp(self.current.iter().filter(counts).count() as u64)
    }

    /// Whether a running task can be relied upon: it passed its health check, or has run for a moment.
    fn has_settled(&self, task: &Task) -> bool {
        let replica = task.replica();
        let mut lives = self.current.iter().filter(|other| other.replica() == replica);
        if lives.any(|other| other.has_failed()) {
            return self.patience.is_over(task, SETTLED_AGAIN);
        }
        self.has_probe() || self.patience.is_over(task, SETTLED)
    }

    /// The engine counts a task with a health check as running only once that passed.
    fn has_probe(&self) -> bool {
        self.template.pointer("/ContainerSpec/Healthcheck/Test").is_some()
    }

    /// The engine has given up the rollout. It goes on starting the tasks that there are, so they may have come to run
    /// nevertheless, and then nothing is amiss.
    fn given_up(&self, rollout: &Rollout, is_complete: bool) -> Option<Culprit> {
        let (state, message) = self.update?;
        if is_complete && self.old.is_empty() {
            return None;
        }
        if rollout.after_rollback && matches!(state, "rollback_started" | "rollback_completed") {
            return None;
        }
        let what = given_up(state)?;
        let message = message.trim();
        let cause = self.newest_failure();
        let reason = match &cause {
            Some(task) => format!("{what}: {}", task.reason()),
            None if message.is_empty() => what.to_owned(),
            None => format!("{what}: {message}"),
        };
        Some(self.blame(cause, reason))
    }

    fn newest_failure(&self) -> Option<&'a Task> {
        let failed = self.all.iter().copied().filter(|task| task.has_failed());
        failed.max_by(|left, right| left.created_at.cmp(&right.created_at))
    }

    fn superseded(&self, rollout: &Rollout) -> Option<Culprit> {
        (Rollout::of(self.spec).template != rollout.template)
            .then(|| self.blame(None, "somebody changed the service before it was ready".to_owned()))
    }

    /// A replica that keeps failing, or fails and is not started again.
    fn exhausted(&self) -> Option<Culprit> {
        let mut replicas: BTreeMap<String, Vec<&Task>> = BTreeMap::new();
        for task in &self.current {
            replicas.entry(task.replica()).or_default().push(task);
        }
        replicas.into_values().find_map(|mut lives| {
            lives.sort_by(|left, right| left.created_at.cmp(&right.created_at));
            self.exhausted_replica(&lives)
        })
    }

    fn exhausted_replica(&self, lives: &[&'a Task]) -> Option<Culprit> {
        let last = lives.last()?;
        let healthy = if self.is_job { "complete" } else { "running" };
        if last.status.state == healthy {
            return None;
        }
        let failures: Vec<_> = lives.iter().filter(|task| task.has_failed()).collect();
        let rejected = lives.iter().filter(|task| task.status.state == "rejected").count();
        let (restarts, attempts) = self.restarts();
        let spent = match restarts {
            Restarts::Never => 1,
            Restarts::Always | Restarts::OnFailure => {
                let limit = attempts.map_or(CRASHES, |attempts| attempts + 1);
                if self.is_job { limit } else { limit.min(CRASHES) }
            }
        };
        let ended = !self.is_job && restarts != Restarts::Always && last.status.state == "complete";
        if ended {
            let reason = "it ended with success, and its restart policy does not start it again";
            return Some(self.blame(Some(last), reason.to_owned()));
        }
        if failures.len() < spent && rejected < REJECTIONS {
            return None;
        }
        let newest = failures.last()?;
        let times = if failures.len() > 1 { format!(" ({} times)", failures.len()) } else { String::new() };
        Some(self.blame(Some(newest), format!("{}{times}", newest.reason())))
    }

    fn restarts(&self) -> (Restarts, Option<usize>) {
        let policy = self.template.get("RestartPolicy");
        let condition = policy.and_then(|policy| policy.get("Condition")).and_then(Value::as_str);
        let attempts = policy.and_then(|policy| policy.get("MaxAttempts")).and_then(Value::as_u64);
        let restarts = match condition {
            Some("none") => Restarts::Never,
            Some("on-failure") => Restarts::OnFailure,
            _ => Restarts::Always,
        };
        (
            restarts,
            attempts.filter(|attempts| *attempts > 0).and_then(|attempts| usize::try_from(attempts).ok()),
        )
    }

    /// The tasks that no node takes now.
    fn homeless(&self) -> impl Iterator<Item = &'a Task> {
        let waiting =
            self.current.iter().copied().filter(|task| task.status.state == "pending" && task.is_wanted());
        waiting.filter(|task| task.status.err.contains("no suitable node"))
    }

    /// Who waits for a node, though that may still pass.
    fn waits_for_node(&self) -> Option<Culprit> {
        self.homeless().next().map(|task| self.blame(Some(task), task.status.err.clone()))
    }

    fn unschedulable(&self) -> Option<Culprit> {
        self.homeless().find_map(|task| {
            let passes = ["port already in use", "insufficient resources"]
                .iter()
                .any(|why| task.status.err.contains(why));
            let limit = if passes { OCCUPIED } else { UNSCHEDULABLE };
            self.patience.is_over(task, limit).then(|| self.blame(Some(task), task.status.err.clone()))
        })
    }

    fn blame(&self, task: Option<&Task>, reason: String) -> Culprit {
        let id = task.map_or_else(String::new, |task| task.id.clone());
        let name =
            task.map_or_else(|| self.name.to_owned(), |task| format!("{}.{}", self.name, task.replica()));
        Culprit { task: id, name, reason }
    }

    fn progress(&self, ready: u32, wanted: u32) -> (State, String) {
        if let Some(("updating" | "rollback_started", _)) = self.update {
            return (State::Progressing, self.waiting_for().unwrap_or_else(|| "updating".to_owned()));
        }
        if !self.old.is_empty() {
            return (State::Progressing, format!("{} of the version before left", self.old.len()));
        }
        if ready < wanted {
            return (State::Progressing, self.waiting_for().unwrap_or_else(|| "to be scheduled".to_owned()));
        }
        let message = match self.update {
            Some(("rollback_completed", _)) => "running what the engine rolled back to",
            _ => "running",
        };
        (State::Ready, message.to_owned())
    }

    /// What the replica waits for that is furthest behind.
    fn waiting_for(&self) -> Option<String> {
        let wanted = self.current.iter().filter(|task| task.is_wanted() && !task.has_ended());
        let waiting = wanted.filter(|task| task.status.state != "running" || !self.has_settled(task));
        let task = waiting.min_by_key(|task| stage(&task.status.state))?;
        let what = match stage(&task.status.state) {
            0 => "a node",
            1 => "the image, networks and mounts",
            2 if self.has_probe() => "the health check",
            2 => "the container to start",
            _ if self.is_job => "the process to end",
            _ => "the process to stay up",
        };
        let failures =
            self.current.iter().filter(|other| other.has_failed() && other.replica() == task.replica());
        let before = failures.max_by(|left, right| left.created_at.cmp(&right.created_at));
        let why = Some(task.status.err.as_str()).filter(|err| !err.is_empty());
        Some(match why.or(before.map(|before| before.reason())) {
            Some(why) => format!("{what} ({why})"),
            None => what.to_owned(),
        })
    }
}

/// How far a task is that will run.
fn stage(state: &str) -> u8 {
    match state {
        "new" | "allocated" | "pending" => 0,
        "assigned" | "accepted" | "preparing" | "ready" => 1,
        "starting" => 2,
        _ => 3,
    }
}

/// Whether the last change touched the ports. Tasks do not show theirs, so until the engine says that it updates them,
/// they are told by their age.
fn moved_ports(service: &Value) -> bool {
    service
        .get("PreviousSpec")
        .is_some_and(|previous| previous.get("EndpointSpec") != service.pointer("/Spec/EndpointSpec"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Restarts {
    Never,
    OnFailure,
    Always,
}

fn clamp(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
