//! Why a task stopped, and what can be done about it.

use serde_json::Value;

use crate::pages::{items, text};

/// Whether a task that has stopped failed, and was not stopped because it was not wanted any more.
///
/// Source: Amazon ECS developer guide, "Amazon ECS stopped task error messages".
pub(crate) fn has_failed(task: &Value) -> bool {
    let reason = text(task, "stoppedReason").unwrap_or_default();
    match text(task, "stopCode") {
        Some("TaskFailedToStart" | "EssentialContainerExited") => true,
        Some("UserInitiated") => false,
        _ => reason.contains("health check") || reason.contains("Essential container"),
    }
}

/// Why a task stopped: in the words of the container that stopped it, or of ECS.
pub(crate) fn of_task(task: &Value) -> String {
    let stopped = text(task, "stoppedReason").unwrap_or_default();
    match (culprit(task).and_then(|container| text(container, "reason")), stopped) {
        (Some(reason), "") => reason.to_owned(),
        (Some(reason), stopped) if !stopped.contains(reason) && !is_general(stopped) => {
            format!("{stopped}: {reason}")
        }
        (Some(reason), stopped) if is_general(stopped) => reason.to_owned(),
        (_, "") => "the task stopped".to_owned(),
        (_, stopped) => match exit_code(task).filter(|_| is_general(stopped)) {
            Some(code) => format!("{stopped} (exit code {code})"),
            None => stopped.to_owned(),
        },
    }
}

fn is_general(reason: &str) -> bool {
    reason.starts_with("Essential container in task exited") || reason.starts_with("Task failed to start")
}

/// The container that stopped a task: one that says why, then one that ended without success.
pub(crate) fn culprit(task: &Value) -> Option<&Value> {
    let ended =
        |container: &&Value| container.get("exitCode").and_then(Value::as_i64).is_some_and(|code| code != 0);
    let told = |container: &&Value| text(container, "reason").is_some_and(|reason| !reason.is_empty());
    let containers = || items(task, "containers");
    containers().find(told).or_else(|| containers().find(ended)).or_else(|| containers().next())
}

/// The exit code of that container.
pub(crate) fn exit_code(task: &Value) -> Option<i64> {
    culprit(task)?.get("exitCode").and_then(Value::as_i64)
}

/// Whether an event tells of what no waiting will change.
///
/// Source: Amazon ECS developer guide, "Amazon ECS service event messages".
pub(crate) fn is_hopeless(event: &str) -> bool {
    const HOPELESS: [&str; 4] = [
        "unable to assume the role",
        "missing an attribute required by your task",
        "is not authorized to perform",
        "No Container Instances were found in your cluster",
    ];
    HOPELESS.iter().any(|text| event.contains(text))
}

/// What can be done.
///
/// Source: Amazon ECS developer guide, "Amazon ECS stopped task error messages" and "Viewing Amazon ECS service event
/// messages".
pub(crate) fn remedy(reason: &str, exit_code: Option<i64>) -> Option<&'static str> {
    const KNOWN: [(&str, &str); 15] = [
        (
            "CannotPullContainerError: inspect image has been retried",
            "the tasks cannot reach the registry: a route to it (NAT, VPC endpoints), or `assignPublicIp` in the target",
        ),
        (
            "CannotPull",
            "check the image's name and tag, that the execution role may pull it, and that the subnets reach the registry",
        ),
        (
            "pull command failed",
            "check that the subnets reach the registry, and that the execution role may pull the image",
        ),
        ("OutOfMemory", "the container needs more memory than its limit: raise `resources.limits.memory`"),
        (
            "ResourceInitializationError: unable to pull secrets",
            "the execution role must be allowed to read the secrets and parameters, and the subnets must reach them",
        ),
        (
            "failed to invoke EFS",
            "the security groups must let the tasks reach the file system on port 2049, in each subnet",
        ),
        (
            "ResourceInitializationError",
            "what a task is given before it starts could not be set up: see the execution role, the subnets and the security groups",
        ),
        (
            "CannotStartContainerError",
            "the command is not in the image, or the image is for another processor",
        ),
        ("CannotCreateContainerError", "what the container asks of its host is not there"),
        (
            "container health checks",
            "the health check failed: see the probe's command, its timeout and its start period",
        ),
        (
            "ELB health checks",
            "the load balancer's check failed: see the readiness probe's path and port, and the security groups",
        ),
        ("unable to assume the role", "the role must exist and trust `ecs-tasks.amazonaws.com`"),
        ("insufficient", "ask for less cpu or memory, or add container instances"),
        ("missing an attribute", "give the container instances the attribute, or change the placement"),
        ("No Container Instances", "add container instances to the cluster, or use Fargate"),
    ];
    let known = KNOWN.iter().find(|(text, _)| reason.contains(text)).map(|(_, remedy)| *remedy);
    known.or(match exit_code {
        Some(137) => Some("it was killed: it may need more memory than its limit"),
        Some(126 | 127) => Some("its command cannot be run: see the workload's command and the image"),
        Some(139) => Some("it crashed: the image may be for another processor"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_containers_own_words_are_told() {
        let check = |task: Value, expect: &str| assert_eq!(of_task(&task), expect);
        let essential = "Essential container in task exited";
        check(
            json!({ "stoppedReason": essential, "containers": [
                { "name": "files", "exitCode": 0 },
                { "name": "web", "exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage" },
            ] }),
            "OutOfMemoryError: Container killed due to memory usage",
        );
        check(
            json!({ "stoppedReason": essential, "containers": [{ "exitCode": 0 }, { "exitCode": 3 }] }),
            "Essential container in task exited (exit code 3)",
        );
        check(
            json!({ "stoppedReason": "CannotPullContainerError: no such image", "containers": [{ "reason": "CannotPullContainerError: no such image" }] }),
            "CannotPullContainerError: no such image",
        );
        check(
            json!({ "stoppedReason": "Task failed container health checks" }),
            "Task failed container health checks",
        );
    }

    #[test]
    fn what_is_stopped_on_purpose_has_not_failed() {
        let check = |code: &str, reason: &str, expect: bool| {
            assert_eq!(has_failed(&json!({ "stopCode": code, "stoppedReason": reason })), expect, "{reason}");
        };
        check("EssentialContainerExited", "Essential container in task exited", true);
        check("TaskFailedToStart", "CannotPullContainerError: x", true);
        check("ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/1)", false);
        check("ServiceSchedulerInitiated", "Task failed ELB health checks in (target-group arn:x)", true);
        check("UserInitiated", "Essential container is not liked", false);
    }

    #[test]
    fn known_reasons_have_a_remedy() {
        let check = |reason: &str, code: Option<i64>, expect: &str| {
            assert!(remedy(reason, code).is_some_and(|text| text.contains(expect)), "{reason}");
        };
        check("CannotPullContainerError: pull image manifest has been retried", None, "execution role");
        check("ResourceInitializationError: failed to invoke EFS utils commands", None, "2049");
        check("Essential container in task exited", Some(127), "command");
        assert_eq!(remedy("Essential container in task exited", Some(1)), None);
    }
}
