//! Why a replica failed, for people.

use std::time::Duration;

use rhumb_backend::Failure;

use super::constraint::Node;
use super::judge::Culprit;
use crate::connect::Engine;
use crate::logs;
use crate::task::Task;

const LINES: u64 = 15;

/// A node that is gone must not hold up the news.
const LOGS_TIMEOUT: Duration = Duration::from_secs(5);

/// Tells all that is known of a failure: the exit code, the node, the last lines, and what to do. `tasks` are those of
/// the service.
pub(super) async fn explain(engine: &Engine, culprit: &Culprit, tasks: &[&Task], nodes: &[Node]) -> Failure {
    let task = tasks.iter().copied().find(|task| task.id == culprit.task);
    let node = task.and_then(|task| nodes.iter().find(|node| node.id() == task.node_id));
    let exit_code = task.and_then(Task::exit_code);
    let lines = match task.filter(|task| !task.node_id.is_empty() && task.status.state != "rejected") {
        Some(task) => logs::tail(engine, &task.id, is_tty(task), LINES, LOGS_TIMEOUT).await,
        None => Vec::new(),
    };
    Failure {
        task: culprit.name.clone(),
        reason: culprit.reason.clone(),
        exit_code,
        node: node.map(|node| node.name().to_owned()),
        logs: lines,
        remedy: own_port(&culprit.reason, task, tasks)
            .or_else(|| remedy(&culprit.reason, exit_code))
            .map(ToOwned::to_owned),
    }
}

/// What to do about a port of the node that the service itself holds: its old task, or another replica.
fn own_port(reason: &str, task: Option<&Task>, tasks: &[&Task]) -> Option<&'static str> {
    let task = task.filter(|_| reason.contains("host-mode port already in use"))?;
    let mut holders = tasks.iter().filter(|other| other.id != task.id && other.status.state == "running");
    let first = holders.next()?;
    let is_old = |other: &Task| other.replica() == task.replica();
    Some(if is_old(first) || holders.any(|other| is_old(other)) {
        "its own old task holds the port until the new one runs: stop it first, with `maxSurge: 0` or \
         `strategy: recreate`"
    } else {
        "its other replicas hold the port, one on each node: ask for fewer replicas, or add nodes"
    })
}

fn is_tty(task: &Task) -> bool {
    task.spec.pointer("/ContainerSpec/TTY").and_then(serde_json::Value::as_bool).unwrap_or(false)
}

/// Source of the texts: swarmkit, `manager/scheduler/filter.go`; moby, `daemon`.
fn remedy(reason: &str, exit_code: Option<i64>) -> Option<&'static str> {
    let has = |text: &str| reason.contains(text);
    if has("No such image")
        || has("manifest unknown")
        || has("pull access denied")
        || has("not found: manifest")
    {
        return Some(
            "check the image's name and tag, and that every node may pull it (`docker login`, or a pull secret)",
        );
    }
    if has("port already in use") || has("port is already allocated") || has("address already in use") {
        return Some("choose another port, or remove what has it on the node");
    }
    if has("insufficient resources") {
        return Some("ask for less cpu or memory, or add nodes (`docker node ls`)");
    }
    if has("scheduling constraints not satisfied") || has("unsupported platform") {
        return Some(
            "label a node so that it fits (`docker node update --label-add`), or change the placement",
        );
    }
    if has("max replicas per node limit") {
        return Some("add nodes, or allow more replicas on one");
    }
    if has("no suitable node") {
        return Some("see what the nodes lack: `docker node ls`");
    }
    if has("unhealthy container") {
        return Some("the health check failed: see the probe's command, its timeout and its start period");
    }
    if has("executable file not found") || has("no such file or directory") {
        return Some("the command is not in the image, or the image is for another processor");
    }
    match exit_code {
        Some(137) => Some("it was killed: it may need more memory than its limit"),
        Some(126 | 127) => Some("its command cannot be run: see the workload's command and the image"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Task, own_port, remedy};

    #[test]
    fn who_holds_the_port_itself_is_told_so() {
        let task = |id: &str, slot: u64, state: &str| -> Task {
            serde_json::from_value(json!({ "ID": id, "Slot": slot, "Status": { "State": state } })).unwrap()
        };
        let new = task("new", 1, "pending");
        let check = |other: &Task, expect: Option<&str>| {
            let reason = "no suitable node (host-mode port already in use on 1 node)";
            let remedy = own_port(reason, Some(&new), &[other, &new]);
            assert_eq!(remedy.is_some(), expect.is_some(), "{remedy:?}");
            assert!(remedy.unwrap_or_default().contains(expect.unwrap_or_default()), "{remedy:?}");
        };
        check(&task("old", 1, "running"), Some("maxSurge: 0"));
        check(&task("old", 2, "running"), Some("fewer replicas"));
        check(&task("old", 1, "shutdown"), None);
        assert_eq!(own_port("No such image", Some(&new), &[&task("old", 1, "running"), &new]), None);
    }

    #[test]
    fn known_reasons_have_a_remedy() {
        let check = |reason: &str, code: Option<i64>, expect: &str| {
            assert!(remedy(reason, code).is_some_and(|text| text.contains(expect)), "{reason}");
        };
        check("No such image: nowhere:1", None, "docker login");
        check("no suitable node (host-mode port already in use on 1 node)", None, "another port");
        check("no suitable node (scheduling constraints not satisfied on 1 node)", None, "--label-add");
        check("task: non-zero exit (137)", Some(137), "memory");
        assert_eq!(remedy("task: non-zero exit (1)", Some(1)), None);
    }
}
