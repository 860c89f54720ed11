//! Why a replica failed, for people.

use std::time::Duration;

use rhumb_backend::Failure;

use super::symptom::Printed;
use super::verdict::Culprit;
use crate::connect::Cluster;
use crate::logs;

const LINES: u32 = 10;

/// A node that is gone must not hold up the news.
const LOGS_TIMEOUT: Duration = Duration::from_secs(5);

/// What is known of a failure without asking again.
pub(super) fn told(culprit: &Culprit) -> Failure {
    Failure {
        task: culprit.name.clone(),
        reason: culprit.reason.clone(),
        exit_code: culprit.exit_code,
        node: culprit.node.clone(),
        logs: Vec::new(),
        remedy: culprit
            .remedy
            .clone()
            .or_else(|| remedy(&culprit.reason, culprit.exit_code).map(str::to_owned)),
    }
}

/// The last lines that the culprit printed.
pub(super) async fn last_lines(cluster: &Cluster, culprit: &Culprit) -> Vec<String> {
    let source = match culprit.printed {
        Printed::Nowhere => return Vec::new(),
        Printed::Now => logs::Instance::Current,
        Printed::Before => logs::Instance::Previous,
    };
    let tail = logs::Tail {
        namespace: &culprit.namespace,
        pod: &culprit.name,
        container: culprit.container.as_deref(),
        instance: source,
        lines: LINES,
    };
    match tokio::time::timeout(LOGS_TIMEOUT, logs::tail(cluster, &tail)).await {
        Ok(Ok(lines)) => lines,
        Ok(Err(error)) => {
            tracing::debug!(pod = culprit.name, %error, "no log");
            Vec::new()
        }
        Err(_) => Vec::new(),
    }
}

/// What a reason means for who reads it: parts of it, and what to do.
///
/// Source of the texts: kubernetes, `pkg/kubelet` and `pkg/scheduler/framework`.
const REMEDIES: &[(&[&str], &str)] = &[
    (
        &["ErrImageNeverPull"],
        "bring the image to the node, or change the pull policy: `IfNotPresent` pulls what is missing",
    ),
    (
        &["denied", "unauthorized", "authentication required", "authorization failed"],
        "check that the nodes may pull the image: a `pullSecret` in the workload, with credentials of its registry",
    ),
    (
        &["ErrImagePull", "ImagePullBackOff", "InvalidImageName"],
        "check the image's name and tag, and that the nodes reach its registry",
    ),
    (&["OOMKilled"], "raise the memory limit, or see why it needs so much"),
    (
        &["couldn't find key", "CreateContainerConfigError"],
        "check that the config or secret is there and has this key: `kubectl describe pod`",
    ),
    (
        &["executable file not found", "no such file or directory", "exec format error"],
        "the command is not in the image, or the image is for another processor",
    ),
    (&["Insufficient"], "ask for less, or add nodes (`kubectl top nodes`, `kubectl describe nodes`)"),
    (
        &["unbound immediate PersistentVolumeClaims", "persistentvolumeclaim"],
        "see why the claim has no volume: `kubectl describe pvc`; the class of storage may have none of this size or mode",
    ),
    (
        &["didn't match Pod's node affinity/selector", "node affinity"],
        "label a node so that it fits (`kubectl label node`), or change the placement",
    ),
    (&["untolerated taint"], "let the workload tolerate the taint (`placement`), or take the taint away"),
    (
        &["didn't have free ports"],
        "choose another port of the node, or ask for fewer replicas: one can have it on each node",
    ),
    (
        &["exceeded quota"],
        "ask for less, or for a higher quota: `kubectl describe resourcequota` shows what is used",
    ),
    (&["violates PodSecurity"], "give the containers the security context that the namespace asks for"),
    (&["serviceaccount"], "make the service account, or name one that is there (`identity`)"),
    (&["admission webhook"], "change what it objects to, or ask who runs it"),
    (&["FailedMount"], "check that what is mounted is there: `kubectl describe pod`"),
    (&["probe:"], "see the probe's path, port and timeouts, and what the process prints: `rhumb logs`"),
    (&["DeadlineExceeded"], "give the job more time, or see what it waits for: `rhumb logs`"),
    (&["ended with success, though it should run on"], "run it as a job, or see why its process ends"),
];

fn remedy(reason: &str, exit_code: Option<i64>) -> Option<&'static str> {
    let known = REMEDIES.iter().find(|(parts, _)| parts.iter().any(|part| reason.contains(part)));
    match (known, exit_code) {
        (Some((_, remedy)), _) => Some(remedy),
        (None, Some(137)) => Some("it was killed: it may need more memory, or its liveness probe fails"),
        (None, Some(126 | 127)) => {
            Some("its command cannot be run: see the workload's command and the image")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::remedy;

    #[test]
    fn known_reasons_have_a_remedy() {
        let check = |reason: &str, code: Option<i64>, expect: &str| {
            assert!(remedy(reason, code).is_some_and(|text| text.contains(expect)), "{reason}");
        };
        check("ErrImagePull: pull access denied", None, "pullSecret");
        check("ImagePullBackOff: nowhere:1: not found", None, "name and tag");
        check("no node takes it: 0/1 nodes are available: 1 Insufficient cpu.", None, "ask for less");
        check("its pods cannot be made: exceeded quota: small", None, "describe resourcequota");
        check("it exited with code 127", Some(127), "command");
        check("readiness probe: HTTP 503", None, "probe's path");
        assert_eq!(remedy("it exited with code 1", Some(1)), None);
    }
}
