//! Updates that the engine paused for a fault of its own.

use std::time::Duration;

use rhumb_backend::{Receipt, Result};
use serde_json::Value;

use super::Patience;
use crate::connect::{Call, Engine};
use crate::kind::Kind;
use crate::rollout::Rollout;
use crate::task::{self, Task};

/// So many times the engine may fail by itself in one update. A fault that shows more often does not pass.
const FAULTS: usize = 3;

/// The paused update goes on with the replicas that it had begun with, and while it does, the engine takes another with
/// the same spec for the same and begins none.
const REST: Duration = Duration::from_secs(1);

/// Lets the engine go on with an update that it paused because it failed to start a container by its own fault, and
/// tells the fault. An update with the very spec that is there does that, and replaces no task of that spec. It is sent
/// once nothing of the paused one is under way.
///
/// # Errors
/// What the engine answers; `Conflict` when the service changed meanwhile.
pub(crate) async fn resume(
    engine: &Engine,
    patience: &Patience,
    receipt: &Receipt,
) -> Result<Option<String>> {
    if Kind::of(&receipt.id) != Some(Kind::Service) {
        return Ok(None);
    }
    let path = format!("{}/{}", Kind::Service.path(), receipt.native);
    let service: Value = engine.json(Call::get(Kind::Service.reading(), path.clone())).await?;
    let (Some(spec), Some(version)) = (service.get("Spec"), service.pointer("/Version/Index")) else {
        return Ok(None);
    };
    let is_paused = service.pointer("/UpdateStatus/State").is_some_and(|state| state == "paused");
    if !is_paused || Rollout::of(spec) != Rollout::parse(&receipt.rollout)? {
        return Ok(None);
    }
    let tasks = task::list(engine, &[receipt.native.as_str()]).await?;
    let template = spec.get("TaskTemplate").unwrap_or(&Value::Null);
    let Some(fault) = fault(tasks.iter().filter(|task| task.is_of(template))) else { return Ok(None) };
    let rests = |task: &Task| task.status.state == "running" && patience.is_over(task, REST);
    if tasks.iter().filter(|task| task.is_wanted()).all(rests) {
        let call = Call::post(Kind::Service.updating(), format!("{path}/update"), spec.clone());
        engine.send(call.query("version", version.to_string())).await?;
    }
    Ok(Some(fault))
}

/// The engine's own fault, where that is all that failed.
fn fault<'a>(tasks: impl Iterator<Item = &'a Task>) -> Option<String> {
    let failed: Vec<_> = tasks.filter(|task| task.has_failed()).collect();
    let is_own = (1..=FAULTS).contains(&failed.len()) && failed.iter().all(|task| passes(&task.status.err));
    is_own.then(|| failed.first().map(|task| task.status.err.clone())).flatten()
}

/// Whether the engine failed to start a container by a fault of its own that passes.
///
/// Source: moby, `daemon/container_operations_unix.go`: the memory in which configs and secrets are handed to a container
/// is made read-only at once, which the kernel refuses while a process that was just begun still holds a file open
/// (<https://github.com/moby/moby/issues/48783>: about one start in a hundred).
fn passes(error: &str) -> bool {
    error.contains("unable to remount dir as readonly") && error.contains("device or resource busy")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{FAULTS, Task, fault};

    const BUSY: &str = "starting container failed: unable to remount dir as readonly: mount tmpfs:/var/lib/docker/\
                        containers/02e6/mounts/secrets, flags: 0x21, data: uid=0,gid=0: device or resource busy";

    fn task(state: &str, err: &str) -> Task {
        serde_json::from_value(json!({ "ID": "a", "Status": { "State": state, "Err": err } })).unwrap()
    }

    #[test]
    fn only_the_engines_own_faults_pass() {
        let (busy, runs) = (task("failed", BUSY), task("running", ""));
        let of = |tasks: &[&Task]| fault(tasks.iter().copied());
        assert_eq!(of(&[&runs, &busy]).as_deref(), Some(BUSY));
        assert_eq!(of(&[&runs]), None, "somebody else paused it");
        for err in ["task: non-zero exit (1)", "No such image: nowhere:1", "device or resource busy"] {
            assert_eq!(of(&[&busy, &task("rejected", err)]), None, "{err}");
        }
        assert!(of(&[&busy; FAULTS]).is_some());
        assert_eq!(of(&[&busy; FAULTS + 1]), None, "it does not pass");
    }
}
