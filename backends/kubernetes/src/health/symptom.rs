//! What keeps a pod from being ready, and whether that may pass.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;

use super::patience::Patience;
use crate::pods::{Container, Ended, PodView, first_line, is_sidecar};

/// So many ends of one container are a crash loop.
const CRASHES: i32 = 3;

/// A container that is held back for longer than this was started in vain before we looked. The kubelet waits for
/// 10 s after the second crash.
const HELD_BACK: Duration = Duration::from_secs(15);

/// A registry may be away for a moment.
const PULL: Duration = Duration::from_secs(20);

/// What a container refers to may be made a moment later.
const CREATE: Duration = Duration::from_secs(5);

/// A pod that ends may give back what this one needs, and a node may become ready.
const UNSCHEDULABLE: Duration = Duration::from_secs(15);

/// Volumes are made and bound by others, who take their time.
const UNBOUND: Duration = Duration::from_mins(1);

/// Events are asked for only when something takes longer than is usual.
const SLOW: Duration = Duration::from_secs(3);

/// Whether a pod's containers are meant to run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Runs {
    /// They are, and are started again for ever.
    On,
    /// They end, and the job that made the pod counts how often they fail.
    ToTheEnd,
}

/// Where the output of a container is that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Printed {
    /// Nowhere: it never ran.
    Nowhere,
    /// In what is read of it now.
    Now,
    /// In what it was before it was started again.
    Before,
}

/// What keeps a pod from being ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Symptom {
    /// How far the pod is: the lower, the further behind.
    pub(super) stage: u8,
    /// It will not pass by itself.
    pub(super) is_final: bool,
    /// What it is, in a few words.
    pub(super) reason: String,
    /// The container that it shows in.
    pub(super) container: Option<String>,
    /// The exit code of the container's process.
    pub(super) exit_code: Option<i64>,
    /// Where the container's output is that tells more.
    pub(super) printed: Printed,
    /// The pod's events may tell more.
    pub(super) ask_events: bool,
}

impl Symptom {
    fn passing(stage: u8, reason: impl Into<String>) -> Self {
        Self {
            stage,
            is_final: false,
            reason: reason.into(),
            container: None,
            exit_code: None,
            printed: Printed::Nowhere,
            ask_events: false,
        }
    }

    fn of(mut self, container: &Container<'_>, end: Option<Ended<'_>>) -> Self {
        self.container = Some(container.status.name.clone());
        self.exit_code = end.map(|end| i64::from(end.exit_code));
        self.printed = match end {
            Some(end) if matches!(end.reason, "StartError" | "ContainerCannotRun") => Printed::Nowhere,
            Some(_) if container.runs() => Printed::Before,
            Some(_) => Printed::Now,
            None => Printed::Nowhere,
        };
        self
    }

    fn ends_if(mut self, is_final: bool) -> Self {
        self.is_final = is_final;
        self
    }
}

/// What keeps a pod from being ready; none when nothing does, or when it is on its way out.
pub(super) fn symptom(pod: &Pod, runs: Runs, patience: &Patience) -> Option<Symptom> {
    if pod.is_leaving() || pod.is_ready() || pod.phase() == "Succeeded" {
        return None;
    }
    if let Some(reason) = pod.told().and_then(|status| status.reason.as_deref()) {
        let message = pod.told().and_then(|status| status.message.as_deref()).unwrap_or_default();
        return Some(Symptom::passing(0, joined(reason, message)));
    }
    if pod.node().is_none() {
        return Some(homeless(pod, patience));
    }
    let statuses = pod.statuses();
    let case = Case { pod, runs, patience };
    let found: Vec<_> = statuses.iter().filter_map(|container| case.container(container)).collect();
    let worst = found.into_iter().min_by_key(|symptom| (!symptom.is_final, symptom.stage));
    Some(worst.unwrap_or_else(|| case.slow(Symptom::passing(1, "its node has not begun with it"), "begin")))
}

fn joined(reason: &str, message: &str) -> String {
    match first_line(message) {
        message if message.is_empty() => reason.to_owned(),
        message => format!("{reason}: {message}"),
    }
}

/// A pod that no node has taken yet.
fn homeless(pod: &Pod, patience: &Patience) -> Symptom {
    let Some(condition) = pod.condition("PodScheduled").filter(|condition| condition.status == "False")
    else {
        return Symptom::passing(0, "a node is looked for");
    };
    let message = first_line(condition.message.as_deref().unwrap_or_default());
    if condition.reason.as_deref() != Some("Unschedulable") {
        return Symptom::passing(0, joined(condition.reason.as_deref().unwrap_or("it waits"), &message));
    }
    let passes = ["unbound immediate PersistentVolumeClaims", "persistentvolumeclaim", "waiting for"];
    let limit = if passes.iter().any(|text| message.contains(text)) { UNBOUND } else { UNSCHEDULABLE };
    let since = condition.last_transition_time.as_ref().map(|time| time.0);
    let is_over = patience.is_over(pod.uid(), "Unschedulable", since, limit);
    let mut symptom = Symptom::passing(0, format!("no node takes it: {message}")).ends_if(is_over);
    symptom.ask_events = is_over;
    symptom
}

struct Case<'a> {
    pod: &'a Pod,
    runs: Runs,
    patience: &'a Patience,
}

impl Case<'_> {
    fn container(&self, container: &Container<'_>) -> Option<Symptom> {
        if let Some((reason, message)) = container.waiting() {
            return Some(self.waiting(container, reason, message));
        }
        if let Some(ended) = container.ended() {
            return self.ended(container, ended);
        }
        let is_preparing = container.is_init && !is_sidecar(self.pod, &container.status.name);
        if is_preparing && container.runs() {
            let text = format!("its container {} prepares it", container.status.name);
            return Some(Symptom::passing(2, text).of(container, None));
        }
        (!container.status.ready && container.runs()).then(|| self.unready(container))
    }

    fn ended(&self, container: &Container<'_>, ended: Ended<'_>) -> Option<Symptom> {
        let is_preparing = container.is_init && !is_sidecar(self.pod, &container.status.name);
        if ended.exit_code == 0 && (is_preparing || self.runs == Runs::ToTheEnd) {
            return None;
        }
        let is_final = self.runs == Runs::On && container.ends() >= CRASHES;
        let symptom = Symptom::passing(2, crash(container, ended)).of(container, Some(ended));
        Some(self.or_killed(symptom.ends_if(is_final), container))
    }

    fn waiting(&self, container: &Container<'_>, reason: &str, message: &str) -> Symptom {
        let end = container.last_end();
        let text = joined(reason, message);
        match reason {
            "CrashLoopBackOff" => {
                let looping = container.ends() >= CRASHES || self.is_over("CrashLoopBackOff", HELD_BACK);
                let text = end.map_or(text, |end| crash(container, end));
                let symptom = Symptom::passing(2, text).of(container, end);
                self.or_killed(symptom.ends_if(self.runs == Runs::On && looping), container)
            }
            "InvalidImageName" | "ErrImageNeverPull" => {
                Symptom::passing(1, text).of(container, None).ends_if(true)
            }
            "ErrImagePull" | "ImagePullBackOff" | "ImageInspectError" | "RegistryUnavailable" => {
                let is_final = is_refused(message) || self.is_over("image", PULL);
                Symptom::passing(1, text).of(container, None).ends_if(is_final)
            }
            "CreateContainerConfigError"
            | "CreateContainerError"
            | "RunContainerError"
            | "StartError"
            | "PostStartHookError"
            | "PreCreateHookError"
            | "PreStartHookError" => {
                let is_final = self.is_over("create", CREATE);
                Symptom::passing(1, text).of(container, end).ends_if(is_final)
            }
            "" | "ContainerCreating" | "PodInitializing" => {
                let making = Symptom::passing(1, "its containers, images and volumes are made ready");
                self.slow(making, "making")
            }
            _ => Symptom::passing(1, text).of(container, None),
        }
    }

    /// A container that runs, and has not passed the probe that makes it ready.
    fn unready(&self, container: &Container<'_>) -> Symptom {
        let before = container.last_end().filter(|_| container.status.restart_count > 0);
        let text = match (before, container.status.started) {
            (Some(end), _) => format!("{}, and was started again", crash(container, end)),
            (None, Some(false)) => "it has not passed its startup probe".to_owned(),
            (None, _) => "it has not passed its readiness probe".to_owned(),
        };
        self.slow(Symptom::passing(3, text).of(container, before), "unready")
    }

    /// Whether a probe had the container killed is in the pod's events only: its status has the exit code alone.
    fn or_killed(&self, mut symptom: Symptom, container: &Container<'_>) -> Symptom {
        let containers = self.pod.spec.iter().flat_map(|spec| &spec.containers);
        let mut probed =
            containers.filter(|spec| spec.liveness_probe.is_some() || spec.startup_probe.is_some());
        symptom.ask_events = symptom.is_final && probed.any(|spec| spec.name == container.status.name);
        symptom
    }

    fn slow(&self, mut symptom: Symptom, what: &str) -> Symptom {
        symptom.ask_events = self.is_over(what, SLOW);
        symptom
    }

    fn is_over(&self, what: &str, limit: Duration) -> bool {
        self.patience.is_over(self.pod.uid(), what, None, limit)
    }
}

fn crash(container: &Container<'_>, end: Ended<'_>) -> String {
    match container.ends().max(container.status.restart_count) {
        0 | 1 => end.words(),
        times => format!("{} ({times} times)", end.words()),
    }
}

/// Whether a registry's answer will be the same the next time.
///
/// Source: containerd, `core/remotes/docker`; Docker registry API, error codes.
fn is_refused(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    [
        "not found",
        "manifest unknown",
        "denied",
        "unauthorized",
        "authorization failed",
        "authentication required",
        "does not exist",
        "no match for platform",
        "invalid reference format",
    ]
    .iter()
    .any(|text| message.contains(text))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::pods::tests::{container, pod};

    fn of(status: &Value, runs: Runs) -> Option<Symptom> {
        symptom(&pod(status), runs, &Patience::default())
    }

    fn waiting(restarts: i32, reason: &str, message: &str, last: &Value) -> Value {
        let state = json!({ "waiting": { "reason": reason, "message": message } });
        json!({ "containerStatuses": [container(restarts, &state, last)] })
    }

    fn check(status: &Value, is_final: bool, reason: &str) -> Symptom {
        let found = of(status, Runs::On).unwrap();
        assert_eq!(found.is_final, is_final, "{found:?}");
        assert!(found.reason.contains(reason), "{found:?}");
        found
    }

    #[test]
    fn one_crash_may_recover_and_three_do_not() {
        let last = json!({ "terminated": { "exitCode": 3, "reason": "Error" } });
        check(&waiting(1, "CrashLoopBackOff", "back-off 10s", &last), false, "exited with code 3 (2 times)");
        let third = check(&waiting(2, "CrashLoopBackOff", "back-off 20s", &last), true, "(3 times)");
        assert_eq!((third.exit_code, third.container.as_deref()), (Some(3), Some("web")));
        assert_eq!(third.printed, Printed::Now);
        let job = of(&waiting(5, "CrashLoopBackOff", "", &last), Runs::ToTheEnd).unwrap();
        assert!(!job.is_final, "a job counts its own failures");
    }

    #[test]
    fn what_killed_it_is_told() {
        let last = json!({ "terminated": { "exitCode": 137, "reason": "OOMKilled" } });
        check(&waiting(2, "CrashLoopBackOff", "", &last), true, "OOMKilled");
    }

    #[test]
    fn a_registry_that_says_no_is_believed_at_once() {
        let none = json!({});
        check(&waiting(0, "ErrImagePull", "nowhere:1: not found", &none), true, "ErrImagePull: nowhere:1");
        check(&waiting(0, "ImagePullBackOff", "dial tcp: i/o timeout", &none), false, "timeout");
        check(&waiting(0, "InvalidImageName", "UPPER", &none), true, "UPPER");
        check(&waiting(0, "ErrImageNeverPull", "", &none), true, "ErrImageNeverPull");
    }

    #[test]
    fn what_is_missing_may_be_made_a_moment_later() {
        let status = waiting(0, "CreateContainerConfigError", "couldn't find key url in Secret", &json!({}));
        check(&status, false, "key url");
        let patience = Patience::default();
        let pod = pod(&status);
        assert!(!symptom(&pod, Runs::On, &patience).unwrap().is_final);
    }

    #[test]
    fn no_node_takes_it() {
        let at = |time: &str, message: &str| {
            let condition = json!({ "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
                "message": message, "lastTransitionTime": time });
            let mut homeless = pod(&json!({ "phase": "Pending", "conditions": [condition] }));
            homeless.spec.as_mut().unwrap().node_name = None;
            symptom(&homeless, Runs::On, &Patience::default()).unwrap()
        };
        let now = jiff::Timestamp::now().to_string();
        let minute = (jiff::Timestamp::now() - jiff::SignedDuration::from_secs(40)).to_string();
        assert!(!at(&now, "0/1 nodes are available: 1 Insufficient cpu.").is_final);
        let over = at(&minute, "0/1 nodes are available: 1 Insufficient cpu.");
        assert!(over.is_final && over.ask_events && over.reason.contains("Insufficient cpu"));
        let unbound = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.";
        assert!(!at(&minute, unbound).is_final, "volumes take longer");
    }

    #[test]
    fn what_runs_and_is_not_ready_waits_for_its_probe() {
        let running = |restarts, last: &Value| {
            let mut status = container(restarts, &json!({ "running": {} }), last);
            status["started"] = json!(true);
            json!({ "containerStatuses": [status] })
        };
        check(&running(0, &json!({})), false, "readiness probe");
        let last = json!({ "terminated": { "exitCode": 1 } });
        check(&running(1, &last), false, "exited with code 1, and was started again");
    }

    #[test]
    fn containers_that_prepare_it_come_first() {
        let init = container(
            2,
            &json!({ "waiting": { "reason": "CrashLoopBackOff" } }),
            &json!({ "terminated": { "exitCode": 1 } }),
        );
        let main = container(0, &json!({ "waiting": { "reason": "PodInitializing" } }), &json!({}));
        check(&json!({ "initContainerStatuses": [init], "containerStatuses": [main] }), true, "3 times");
    }

    #[test]
    fn what_is_ready_or_leaves_has_none() {
        let ready = json!({ "conditions": [{ "type": "Ready", "status": "True" }] });
        assert_eq!(of(&ready, Runs::On), None);
        let mut leaving = pod(&json!({}));
        leaving.metadata.deletion_timestamp = leaving.metadata.creation_timestamp.clone();
        assert_eq!(symptom(&leaving, Runs::On, &Patience::default()), None);
    }
}
