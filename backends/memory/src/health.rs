//! How far rollouts are, by what their workloads ask for.

use rhumb_backend::{Failure, Health, Live, ObjectHealth, Receipt, Scope, State as Progress};
use rhumb_spec::model::{OnFailure, Workload};
use serde_json::Value;

use crate::behaviour::{Behaviour, replicas};
use crate::lift::workload_of;
use crate::runtime::log_lines;
use crate::state::{State, Stored};

/// The health of each receipt's rollout. Asking counts: what is slow gets ready by it, and what failed may be rolled
/// back by it.
pub(crate) fn health(state: &mut State, scope: &Scope, receipts: &[Receipt]) -> Health {
    receipts.iter().map(|receipt| of_receipt(state, scope, receipt)).collect()
}

fn of_receipt(state: &mut State, scope: &Scope, receipt: &Receipt) -> ObjectHealth {
    let stored = state.objects.get_mut(&receipt.native).filter(|stored| stored.owner.as_ref() == Some(scope));
    let Some(stored) = stored else {
        return result(receipt, Progress::Failed, Counts::default(), "it is gone");
    };
    let asked = receipt.rollout.get("rollout").and_then(Value::as_u64);
    if asked.is_some() && asked == stored.rolled_back {
        let mut health = result(receipt, Progress::Failed, Counts::default(), "rolled back");
        let reason = "the target rolled it back to the spec before it, as the update failed".to_owned();
        health.failure =
            Some(Failure { task: format!("{}.1", receipt.native), reason, ..Failure::default() });
        return health;
    }
    if asked.is_some_and(|asked| asked != stored.rollout) {
        return result(receipt, Progress::Progressing, Counts::default(), "another rollout is under way");
    }
    let Some(workload) = workload_of(&stored.object) else {
        return result(receipt, Progress::Ready, Counts::default(), "it is there");
    };
    if matches!(Behaviour::of(&workload), Ok(Behaviour::Slow(_))) {
        stored.asked += 1;
    }
    let health = judge(receipt, stored, &workload);
    if health.state == Progress::Failed && asks_for_rollback(&workload) {
        state.roll_back(&receipt.native);
    }
    health
}

fn asks_for_rollback(workload: &Workload) -> bool {
    workload.update.as_ref().is_some_and(|update| update.on_failure == Some(OnFailure::Rollback))
}

#[derive(Clone, Copy, Default)]
struct Counts {
    ready: u32,
    wanted: u32,
}

fn judge(receipt: &Receipt, stored: &Stored, workload: &Workload) -> ObjectHealth {
    let wanted = replicas(workload);
    let (none, all) = (Counts { ready: 0, wanted }, Counts { ready: wanted, wanted });
    let behaviour = Behaviour::of(workload).unwrap_or_default();
    if wanted == 0 {
        return result(receipt, Progress::Ready, all, "nothing is to run");
    }
    match behaviour {
        Behaviour::Ready => result(receipt, Progress::Ready, all, "ready"),
        Behaviour::Slow(times) if stored.asked >= times => result(receipt, Progress::Ready, all, "ready"),
        Behaviour::Slow(_) => result(receipt, Progress::Progressing, none, "starting"),
        Behaviour::NeverReady => result(receipt, Progress::Progressing, none, "running, not ready"),
        Behaviour::Crash(_) | Behaviour::Unpullable | Behaviour::Unschedulable => {
            let mut health = result(receipt, Progress::Failed, none, "failed");
            health.failure = failure(stored, workload, behaviour);
            health
        }
    }
}

/// Why the first replica fails, when it does.
pub(crate) fn failure(stored: &Stored, workload: &Workload, behaviour: Behaviour) -> Option<Failure> {
    let image = workload.containers.values().next().map_or("", |container| container.image.as_str());
    let (reason, exit_code, remedy) = match behaviour {
        Behaviour::Ready | Behaviour::NeverReady | Behaviour::Slow(_) => return None,
        Behaviour::Crash(code) => (format!("it ended with exit code {code}"), Some(code), None),
        Behaviour::Unpullable => {
            (format!("No such image: {image}"), None, Some("the name of an image that is there"))
        }
        Behaviour::Unschedulable => ("no suitable node".to_owned(), None, Some("fewer demands on the node")),
    };
    let task = format!("{}.1", stored.object.id.name());
    let logs = log_lines(&task, workload, behaviour).into_iter().map(|(_, text)| text).collect();
    Some(Failure {
        task,
        reason,
        exit_code,
        node: exit_code.map(|_| crate::runtime::NODE.to_owned()),
        logs,
        remedy: remedy.map(str::to_owned),
    })
}

/// What became of a job that is there; none while it runs.
pub(crate) fn job(stored: &Stored) -> Option<&'static str> {
    match Behaviour::of(&workload_of(&stored.object)?).unwrap_or_default() {
        Behaviour::Ready => Some(Live::JOB_SUCCEEDED),
        Behaviour::Slow(times) => (stored.asked >= times).then_some(Live::JOB_SUCCEEDED),
        Behaviour::Crash(_) => Some(Live::JOB_FAILED),
        Behaviour::NeverReady | Behaviour::Unpullable | Behaviour::Unschedulable => None,
    }
}

fn result(receipt: &Receipt, state: Progress, counts: Counts, message: &str) -> ObjectHealth {
    ObjectHealth {
        id: receipt.id.clone(),
        workload: receipt.workload.clone(),
        state,
        ready: counts.ready,
        wanted: counts.wanted,
        message: message.to_owned(),
        failure: None,
    }
}
