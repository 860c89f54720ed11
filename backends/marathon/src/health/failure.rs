//! Why a task failed, in words that say what to do.

use rhumb_backend::Failure;
use serde_json::Value;

use super::verdict::Culprit;
use crate::document::text;

/// What Marathon says of the task that failed last.
///
/// Source: Marathon REST API, `TaskFailure`.
pub(super) fn failed_task(failure: &Value) -> Culprit {
    let of = |at| text(failure, at).filter(|text| !text.is_empty());
    let message = of("/message").unwrap_or_default();
    let state = of("/state").unwrap_or("TASK_FAILED");
    let reason = if message.is_empty() { state.to_owned() } else { format!("{state}: {message}") };
    Culprit {
        failure: Failure {
            task: of("/taskId").unwrap_or_default().to_owned(),
            exit_code: exit_code(message),
            node: of("/host").map(ToOwned::to_owned),
            remedy: remedy(&reason).map(ToOwned::to_owned),
            logs: Vec::new(),
            reason,
        },
        agent: of("/slaveId").map(ToOwned::to_owned),
    }
}

/// The exit code in a message of Mesos' executors.
///
/// Source: Mesos, command and docker executor: "Command exited with status 1", "Container exited with status 137".
pub(crate) fn exit_code(message: &str) -> Option<i64> {
    let (_, rest) = message.split_once("exited with status ")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Whether a failure will come again however often it is tried.
///
/// Source: Mesos, docker containerizer and image provisioner: their messages for images that cannot be had.
pub(super) fn is_hopeless(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    let signs = [
        "failed to run 'docker",
        "docker pull",
        "pull access denied",
        "manifest unknown",
        "no such image",
        "repository does not exist",
        "failed to parse docker image",
        "unexpected www-authenticate",
        "unable to find secret",
        "secret not found",
    ];
    signs.iter().any(|sign| reason.contains(sign))
}

fn remedy(reason: &str) -> Option<&'static str> {
    let lower = reason.to_ascii_lowercase();
    let has = |signs: &[&str]| signs.iter().any(|sign| lower.contains(sign));
    if has(&["secret"]) && has(&["not found", "unable to find"]) {
        return Some("see whether the secret is in the store, and whether Marathon may read it there");
    }
    if is_hopeless(reason) {
        return Some("see whether the image's name is right, and whether the agents may pull it");
    }
    if has(&["memory limit exceeded", "oom", "status 137"]) {
        return Some("give it more memory, or have it use less");
    }
    if has(&["health check failed", "failed health check", "unhealthy"]) {
        return Some(
            "see whether the check asks the right port and path, and whether it leaves time to start",
        );
    }
    if has(&["status 127", "status 126", "executable file not found"]) {
        return Some("see whether the command is in the image and may be run");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_exit_code_is_read_off_the_message() {
        assert_eq!(exit_code("Command exited with status 3"), Some(3));
        assert_eq!(exit_code("Container exited with status 137: OOM"), Some(137));
        assert_eq!(exit_code("Command terminated with signal Killed"), None);
    }

    #[test]
    fn what_failed_is_told_with_what_to_do() {
        let told = failed_task(&json!({
            "appId": "/a", "host": "n1", "slaveId": "s1", "state": "TASK_FAILED", "taskId": "t1",
            "message": "Failed to launch container: Failed to run 'docker -H unix:///x pull nope': exited with status 1",
        }));
        assert_eq!(told.failure.node.as_deref(), Some("n1"));
        assert!(is_hopeless(&told.failure.reason));
        assert!(told.failure.remedy.unwrap().contains("image"));
        let told = failed_task(&json!({ "message": "Container exited with status 137" }));
        assert!(told.failure.remedy.unwrap().contains("memory"));
        assert!(!is_hopeless(&told.failure.reason));
    }
}
