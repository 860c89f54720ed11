//! Pods, and what their containers say of themselves.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition, PodStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::Value;

/// What [`Pod`] is asked here and everywhere.
pub(crate) trait PodView {
    /// Its name.
    fn name(&self) -> &str;
    /// Its id.
    fn uid(&self) -> &str;
    /// What the kubelet and the scheduler say.
    fn told(&self) -> Option<&PodStatus>;
    /// The object that made it and removes it.
    fn controller(&self) -> Option<&OwnerReference>;
    /// The value of a label.
    fn label(&self, key: &str) -> Option<&str>;
    /// Whether somebody has asked for its end.
    fn is_leaving(&self) -> bool;
    /// Whether its containers have ended and will not be started again.
    fn has_ended(&self) -> bool;
    /// Whether it takes traffic.
    fn is_ready(&self) -> bool;
    /// A condition.
    fn condition(&self, kind: &str) -> Option<&PodCondition>;
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    fn phase(&self) -> &str;
    /// Its node.
    fn node(&self) -> Option<&str>;
    /// Its containers' words: those of the ones that prepare it first.
    fn statuses(&self) -> Vec<Container<'_>>;
    /// When it was made.
    fn made(&self) -> Option<Timestamp>;
    /// How often its containers were started again.
    fn restarts(&self) -> i32;
}

/// A container of a pod, and what the kubelet says of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Container<'a> {
    /// What the kubelet says.
    pub(crate) status: &'a ContainerStatus,
    /// Whether it prepares the pod and ends before the others begin.
    pub(crate) is_init: bool,
}

impl<'a> Container<'a> {
    /// Why it is not there yet, and what the kubelet adds: `ImagePullBackOff`.
    pub(crate) fn waiting(&self) -> Option<(&'a str, &'a str)> {
        let waiting = self.status.state.as_ref()?.waiting.as_ref()?;
        Some((waiting.reason.as_deref().unwrap_or_default(), waiting.message.as_deref().unwrap_or_default()))
    }

    /// How it ended, where it has and does not run again yet.
    pub(crate) fn ended(&self) -> Option<Ended<'a>> {
        self.status.state.as_ref()?.terminated.as_ref().map(Ended::of)
    }

    /// How it ended last, whether it runs again or not.
    pub(crate) fn last_end(&self) -> Option<Ended<'a>> {
        self.ended().or_else(|| self.status.last_state.as_ref()?.terminated.as_ref().map(Ended::of))
    }

    /// Whether it runs.
    pub(crate) fn runs(&self) -> bool {
        self.status.state.as_ref().is_some_and(|state| state.running.is_some())
    }

    /// How often it has ended, where it is not running now; the end before counts, the one that is awaited does not.
    pub(crate) fn ends(&self) -> i32 {
        let is_down = self.ended().is_some() || (self.waiting().is_some() && self.last_end().is_some());
        self.status.restart_count + i32::from(is_down)
    }
}

/// How a container ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ended<'a> {
    /// `Completed`, `Error`, `OOMKilled`, `StartError`.
    pub(crate) reason: &'a str,
    /// What the runtime or the container itself adds.
    pub(crate) message: &'a str,
    /// The exit code of its process.
    pub(crate) exit_code: i32,
}

impl<'a> Ended<'a> {
    fn of(ended: &'a k8s_openapi::api::core::v1::ContainerStateTerminated) -> Self {
        Self {
            reason: ended.reason.as_deref().unwrap_or_default(),
            message: ended.message.as_deref().unwrap_or_default(),
            exit_code: ended.exit_code,
        }
    }

    /// What happened, for people: `it exited with code 1`.
    pub(crate) fn words(&self) -> String {
        let what = match (self.reason, self.exit_code) {
            ("OOMKilled", _) => {
                return "it was killed for using more memory than its limit (OOMKilled)".to_owned();
            }
            ("StartError" | "ContainerCannotRun", _) => "it could not be started".to_owned(),
            (_, 0) => "it ended with success, though it should run on".to_owned(),
            ("" | "Error", code) => format!("it exited with code {code}"),
            (reason, code) => format!("it exited with code {code} ({reason})"),
        };
        match self.message.trim() {
            "" => what,
            message => format!("{what}: {}", first_line(message)),
        }
    }
}

/// The first line of a text that may have many, cut where it is very long.
pub(crate) fn first_line(text: &str) -> String {
    const LONG: usize = 400;
    let line = text.trim().lines().next().unwrap_or_default();
    match line.char_indices().nth(LONG) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_owned(),
    }
}

impl PodView for Pod {
    fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    fn told(&self) -> Option<&PodStatus> {
        self.status.as_ref()
    }

    fn controller(&self) -> Option<&OwnerReference> {
        self.metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.metadata.labels.as_ref()?.get(key).map(String::as_str)
    }

    fn is_leaving(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    fn has_ended(&self) -> bool {
        matches!(self.phase(), "Succeeded" | "Failed")
    }

    fn is_ready(&self) -> bool {
        self.condition("Ready").is_some_and(|condition| condition.status == "True")
    }

    fn condition(&self, kind: &str) -> Option<&PodCondition> {
        self.told()?.conditions.iter().flatten().find(|condition| condition.type_ == kind)
    }

    fn phase(&self) -> &str {
        self.told().and_then(|status| status.phase.as_deref()).unwrap_or("Pending")
    }

    fn node(&self) -> Option<&str> {
        self.spec.as_ref()?.node_name.as_deref().filter(|node| !node.is_empty())
    }

    fn statuses(&self) -> Vec<Container<'_>> {
        let Some(status) = self.told() else { return Vec::new() };
        let init = status.init_container_statuses.iter().flatten();
        let main = status.container_statuses.iter().flatten();
        init.map(|status| Container { status, is_init: true })
            .chain(main.map(|status| Container { status, is_init: false }))
            .collect()
    }

    fn made(&self) -> Option<Timestamp> {
        self.metadata.creation_timestamp.as_ref().map(|time| time.0)
    }

    fn restarts(&self) -> i32 {
        self.statuses().iter().map(|container| container.status.restart_count).sum()
    }
}

/// The one word for where a pod is that `kubectl get pods` has in its column STATUS.
///
/// Source: kubernetes, `pkg/printers/internalversion/printers.go`.
pub(crate) fn word(pod: &Pod) -> String {
    let own = pod.told().and_then(|status| status.reason.as_deref()).filter(|reason| !reason.is_empty());
    if pod.is_leaving() {
        return if own == Some("NodeLost") { "Unknown".to_owned() } else { "Terminating".to_owned() };
    }
    preparing(pod).or_else(|| troubled(pod)).unwrap_or_else(|| own.unwrap_or(pod.phase()).to_owned())
}

/// The word while containers that prepare the pod have not ended.
fn preparing(pod: &Pod) -> Option<String> {
    let statuses = pod.statuses();
    let init: Vec<_> = statuses.iter().filter(|container| container.is_init).collect();
    let all = init.len();
    let is_done = |container: &Container<'_>| match container.ended() {
        Some(ended) => ended.exit_code == 0,
        None => container.status.started == Some(true) && is_sidecar(pod, &container.status.name),
    };
    let (at, container) = init.into_iter().enumerate().find(|(_, container)| !is_done(container))?;
    if let Some(ended) = container.ended() {
        return Some(match ended.reason {
            "" => format!("Init:ExitCode:{}", ended.exit_code),
            reason => format!("Init:{reason}"),
        });
    }
    match container.waiting() {
        Some((reason, _)) if !matches!(reason, "" | "PodInitializing") => Some(format!("Init:{reason}")),
        _ if pod.node().is_none() => None,
        _ => Some(format!("Init:{at}/{all}")),
    }
}

/// Whether a container that begins before the others goes on beside them.
pub(crate) fn is_sidecar(pod: &Pod, name: &str) -> bool {
    let init = pod.spec.iter().flat_map(|spec| spec.init_containers.iter().flatten());
    init.into_iter()
        .any(|container| container.name == name && container.restart_policy.as_deref() == Some("Always"))
}

fn troubled(pod: &Pod) -> Option<String> {
    let statuses = pod.statuses();
    let mut main = statuses.iter().filter(|container| !container.is_init);
    main.find_map(|container| match (container.waiting(), container.ended()) {
        (Some((reason, _)), _) if !reason.is_empty() => Some(reason.to_owned()),
        (_, Some(ended)) if !ended.reason.is_empty() => Some(ended.reason.to_owned()),
        (_, Some(ended)) => Some(format!("ExitCode:{}", ended.exit_code)),
        _ => None,
    })
}

/// What a workload finds its pods by, as a query takes it; none where it selects by nothing.
///
/// Source: Kubernetes API reference, `LabelSelector`.
pub(crate) fn selector(object: &Value) -> Option<String> {
    let selector = object.pointer("/spec/selector")?;
    // A ReplicationController's selector is nothing but labels.
    let labels = if selector.get("matchLabels").is_some() || selector.get("matchExpressions").is_some() {
        selector.get("matchLabels")
    } else {
        Some(selector)
    };
    let mut parts: Vec<String> = labels
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    let expressions = selector.get("matchExpressions").and_then(Value::as_array);
    parts.extend(expressions.into_iter().flatten().filter_map(expression));
    (!parts.is_empty()).then(|| parts.join(","))
}

fn expression(expression: &Value) -> Option<String> {
    let key = expression.get("key")?.as_str()?;
    let values = expression.get("values").and_then(Value::as_array).into_iter().flatten();
    let values = values.filter_map(Value::as_str).collect::<Vec<_>>().join(",");
    match expression.get("operator")?.as_str()? {
        "In" => Some(format!("{key} in ({values})")),
        "NotIn" => Some(format!("{key} notin ({values})")),
        "Exists" => Some(key.to_owned()),
        "DoesNotExist" => Some(format!("!{key}")),
        _ => None,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A pod `web-1` on node `a` with one container `web` in this state.
    pub(crate) fn pod(status: &Value) -> Pod {
        let mut whole = json!({
            "metadata": { "name": "web-1", "uid": "p1", "creationTimestamp": "2026-01-01T00:00:00Z" },
            "spec": { "nodeName": "a", "containers": [{ "name": "web" }] },
            "status": { "phase": "Running" },
        });
        for (key, value) in status.as_object().unwrap() {
            whole["status"][key] = value.clone();
        }
        serde_json::from_value(whole).unwrap()
    }

    /// The status of the container `web`.
    pub(crate) fn container(restarts: i32, state: &Value, last: &Value) -> Value {
        json!({
            "name": "web", "image": "web:1", "imageID": "", "ready": false, "restartCount": restarts,
            "state": state, "lastState": last,
        })
    }

    #[test]
    fn the_word_is_that_of_kubectl() {
        let check = |status: Value, expect: &str| assert_eq!(word(&pod(&status)), expect);
        let none = json!({});
        check(json!({ "phase": "Pending" }), "Pending");
        check(json!({ "containerStatuses": [container(0, &json!({ "running": {} }), &none)] }), "Running");
        let crash = container(3, &json!({ "waiting": { "reason": "CrashLoopBackOff" } }), &none);
        check(json!({ "containerStatuses": [crash] }), "CrashLoopBackOff");
        let ended = container(0, &json!({ "terminated": { "exitCode": 3 } }), &none);
        check(json!({ "phase": "Failed", "containerStatuses": [ended.clone()] }), "ExitCode:3");
        check(json!({ "initContainerStatuses": [ended] }), "Init:ExitCode:3");
        check(json!({ "phase": "Failed", "reason": "Evicted" }), "Evicted");
        let init = container(0, &json!({ "running": {} }), &none);
        check(json!({ "phase": "Pending", "initContainerStatuses": [init] }), "Init:0/1");
    }

    #[test]
    fn ends_are_counted_with_the_one_just_now() {
        let ends = |restarts, state: Value, last: Value| {
            pod(&json!({ "containerStatuses": [container(restarts, &state, &last)] })).statuses()[0].ends()
        };
        let over = json!({ "terminated": { "exitCode": 1 } });
        assert_eq!(ends(0, json!({ "waiting": { "reason": "ContainerCreating" } }), json!({})), 0);
        assert_eq!(ends(0, over.clone(), json!({})), 1);
        assert_eq!(ends(1, json!({ "waiting": { "reason": "CrashLoopBackOff" } }), over.clone()), 2);
        assert_eq!(ends(1, json!({ "running": {} }), over), 1);
    }

    #[test]
    fn selectors_are_written_as_queries() {
        let check = |spec: Value, expect: Option<&str>| {
            assert_eq!(selector(&json!({ "spec": { "selector": spec } })).as_deref(), expect);
        };
        check(json!({ "matchLabels": { "a": "b", "c": "d" } }), Some("a=b,c=d"));
        check(json!({ "app": "old" }), Some("app=old"));
        let expressions = json!([{ "key": "a", "operator": "In", "values": ["b", "c"] }, { "key": "d", "operator": "Exists" }]);
        check(json!({ "matchExpressions": expressions }), Some("a in (b,c),d"));
        check(json!({}), None);
    }

    #[test]
    fn an_end_is_told_in_words() {
        let words = |reason, message, exit_code| Ended { reason, message, exit_code }.words();
        assert_eq!(words("Error", "", 2), "it exited with code 2");
        assert!(words("OOMKilled", "", 137).contains("more memory"));
        assert_eq!(
            words("StartError", "exec: not found\nmore", 128),
            "it could not be started: exec: not found"
        );
        assert!(words("Completed", "", 0).contains("should run on"));
    }
}
