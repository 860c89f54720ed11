//! What is asked of things that run.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use rhumb_backend::{Error, ErrorKind, ObjectId, Receipt, Result, Scope, Task, TaskState};
use serde_json::{Value, json};

use crate::connect::{Call, Cluster, Selection};
use crate::pods::{self, Container, PodView};
use crate::workloads::{Member, Runner, find, runners};

/// Who sets a number of replicas. It is another manager than the one that applies, so that the number is nobody else's
/// to take away.
const SCALER: &str = "rhumb-scale";
/// Who asks for a restart.
const RESTARTER: &str = "rhumb-restart";
/// The annotation by which `kubectl rollout restart` makes another template of one that is else equal.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";
const MERGE_PATCH: &str = "application/merge-patch+json";

/// The pods of a workload, or of all: those that are there to stay first, the newest before older ones.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; what the API server answers.
pub(crate) async fn tasks(cluster: &Cluster, scope: &Scope, workload: Option<&str>) -> Result<Vec<Task>> {
    let found = find(cluster, scope, workload).await?;
    Ok(sorted(found.pods))
}

fn sorted(mut members: Vec<Member>) -> Vec<Task> {
    members.sort_by(|left, right| {
        let key = |member: &Member| {
            (member.workload.clone(), Reverse(member.pod.made()), member.pod.name().to_owned())
        };
        key(left).cmp(&key(right))
    });
    let mut makers: BTreeMap<String, String> = BTreeMap::new();
    let mut tasks: Vec<(Option<u32>, Task)> = Vec::new();
    for member in &members {
        let maker = member.pod.controller().map_or_else(String::new, |owner| owner.uid.clone());
        // A schedule goes on with another job, and a job tries again with another pod.
        let is_past = match makers.get(&member.workload) {
            None => false,
            Some(newest) => member.pod.has_ended() && (*newest != maker || member.pod.phase() == "Failed"),
        };
        makers.entry(member.workload.clone()).or_insert(maker);
        tasks.push((ordinal(&member.pod), task(member, is_past)));
    }
    let is_over = |task: &Task| matches!(task.desired, TaskState::Shutdown | TaskState::Failed);
    tasks.sort_by(|(ordinal, one), (other, two)| {
        (&one.workload, is_over(one), ordinal).cmp(&(&two.workload, is_over(two), other))
    });
    tasks.into_iter().map(|(_, task)| task).collect()
}

/// The place of a pod in its `StatefulSet`.
fn ordinal(pod: &Pod) -> Option<u32> {
    pod.controller().filter(|owner| owner.kind == "StatefulSet")?;
    pod.name().rsplit_once('-')?.1.parse().ok()
}

fn task(member: &Member, is_past: bool) -> Task {
    let pod = &member.pod;
    let statuses = pod.statuses();
    let main: Vec<_> = statuses.iter().filter(|container| !container.is_init).collect();
    let ended = statuses.iter().filter_map(Container::last_end).find(|end| end.exit_code != 0);
    let ended = ended.or_else(|| main.iter().find_map(|container| container.ended()));
    let restarts = pod.restarts();
    let word = pods::word(pod);
    Task {
        workload: member.workload.clone(),
        id: pod.uid().to_owned(),
        name: pod.name().to_owned(),
        image: images(pod),
        node: pod.node().map(ToOwned::to_owned),
        desired: desired(pod, is_past),
        state: state(pod, &word),
        detail: match restarts {
            0 => word,
            1 => format!("{word} (1 restart)"),
            _ => format!("{word} ({restarts} restarts)"),
        },
        since: since(pod).map(|time| time.to_string()),
        error: error(pod),
        exit_code: ended.map(|end| i64::from(end.exit_code)),
        ports: ports(pod),
    }
}

fn images(pod: &Pod) -> String {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let images: Vec<_> = containers.filter_map(|container| container.image.as_deref()).collect();
    images.iter().map(|image| image.split('@').next().unwrap_or(image)).collect::<Vec<_>>().join(", ")
}

fn desired(pod: &Pod, is_past: bool) -> TaskState {
    let runs_on = pod.controller().is_some_and(|owner| owner.kind != "Job");
    match pod.phase() {
        _ if pod.is_leaving() || is_past => TaskState::Shutdown,
        // What runs on is made anew when it ends.
        "Failed" | "Succeeded" if runs_on => TaskState::Shutdown,
        "Succeeded" => TaskState::Complete,
        _ => TaskState::Running,
    }
}

fn state(pod: &Pod, word: &str) -> TaskState {
    let is_broken =
        ["BackOff", "Err", "Error", "InvalidImageName", "OOMKilled"].iter().any(|part| word.contains(part));
    match pod.phase() {
        "Succeeded" => TaskState::Complete,
        "Failed" => TaskState::Failed,
        _ if pod.is_leaving() => TaskState::Shutdown,
        _ if is_broken => TaskState::Failed,
        _ if pod.node().is_none() => TaskState::Pending,
        "Running" if pod.is_ready() => TaskState::Running,
        _ => TaskState::Starting,
    }
}

/// When it came to be as it is.
fn since(pod: &Pod) -> Option<Timestamp> {
    let ended = pod.statuses().into_iter().filter_map(|container| {
        let ended = container.status.state.as_ref()?.terminated.as_ref()?;
        ended.finished_at.as_ref().map(|time| time.0)
    });
    let ended = ended.max();
    let ready =
        pod.condition("Ready").and_then(|ready| ready.last_transition_time.as_ref()).map(|time| time.0);
    ended.or(ready).or_else(|| pod.made())
}

fn error(pod: &Pod) -> Option<String> {
    let told = pod.told()?;
    let whole = told.message.as_deref().filter(|message| !message.is_empty());
    let unscheduled = pod
        .condition("PodScheduled")
        .filter(|condition| condition.status == "False")
        .and_then(|condition| condition.message.as_deref());
    let statuses = pod.statuses();
    let waiting =
        statuses.iter().find_map(|container| container.waiting().filter(|(_, message)| !message.is_empty()));
    let crashed = statuses.iter().filter_map(Container::last_end).find(|end| end.exit_code != 0);
    let text = whole.or(unscheduled).or(waiting.map(|(_, message)| message));
    text.map(pods::first_line).or_else(|| Some(crashed?.words()))
}

fn ports(pod: &Pod) -> Vec<String> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let ports = containers.flat_map(|container| container.ports.iter().flatten());
    ports
        .filter_map(|port| {
            let protocol = port.protocol.as_deref().unwrap_or("TCP").to_lowercase();
            Some(format!("{}->{}/{protocol}", port.host_port?, port.container_port))
        })
        .collect()
}

/// Sets the number of replicas.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; `Unsupported` for what has no number, or whose number an
/// autoscaler sets.
pub(crate) async fn scale(
    cluster: &Cluster,
    scope: &Scope,
    workload: &str,
    replicas: u32,
) -> Result<Vec<Receipt>> {
    let found = runners(cluster, scope, Some(workload)).await?;
    if let Some(fixed) = found.iter().find(|runner| !matches!(runner.kind.word, "deployment" | "statefulset"))
    {
        let why = format!(
            "only a replicated or stateful workload has a number of replicas, and this is a {}",
            fixed.kind.kind
        );
        return Err(Error::new(ErrorKind::Unsupported, "scale the workload", why).with("workload", workload));
    }
    autoscaled(cluster, scope, &found, replicas).await?;
    let mut receipts = Vec::new();
    for runner in &found {
        let path = format!("{}/scale", runner.path(scope));
        let body = json!({ "spec": { "replicas": replicas } });
        let call = Call::patch("scale the workload", path, MERGE_PATCH, &body).query("fieldManager", SCALER);
        let about = |error: Error| error.with("workload", workload);
        let _: Value = cluster.json(call).await.map_err(about)?;
        let read = Call::get(format!("read the {}", runner.kind.word), runner.path(scope));
        let object: Value = cluster.json(read).await.map_err(about)?;
        receipts.push(receipt(runner, &object));
    }
    Ok(receipts)
}

/// An autoscaler would set the number back at its next look, except where nothing is to run: that, it leaves alone.
async fn autoscaled(cluster: &Cluster, scope: &Scope, runners: &[Runner], replicas: u32) -> Result<()> {
    let path = format!("/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers", scope.namespace);
    let listed = cluster.list(Call::get("list the autoscalers", path), &Selection::default()).await;
    let scalers = match listed {
        Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::NotFound) => Vec::new(),
        other => other?,
    };
    let text =
        |scaler: &Value, at: &str| scaler.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
    for runner in runners {
        let sets = |scaler: &&Value| {
            text(scaler, "/spec/scaleTargetRef/kind") == runner.kind.kind
                && text(scaler, "/spec/scaleTargetRef/name") == runner.name
        };
        let Some(scaler) = scalers.iter().find(sets) else { continue };
        let rests = runner.object.pointer("/spec/replicas") == Some(&json!(0));
        if replicas == 0 || rests {
            continue;
        }
        let bound = |at: &str| scaler.pointer(at).and_then(Value::as_u64).unwrap_or(1);
        let why = format!(
            "the autoscaler {} sets its number, between {} and {}, and would set it back",
            text(scaler, "/metadata/name"),
            bound("/spec/minReplicas"),
            bound("/spec/maxReplicas"),
        );
        return Err(Error::new(ErrorKind::Unsupported, "scale the workload", why)
            .with("workload", &runner.workload)
            .remedy("change the autoscaler's bounds in the chart's values, and upgrade; or scale it to 0, which rests both"));
    }
    Ok(())
}

/// Replaces every pod by an equal one, as `kubectl rollout restart` does. The mark is on the pods' template, under a
/// manager of its own: an upgrade neither shows nor removes it.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; `Unsupported` for what ends by itself.
pub(crate) async fn restart(cluster: &Cluster, scope: &Scope, workload: &str) -> Result<Vec<Receipt>> {
    let found = runners(cluster, scope, Some(workload)).await?;
    if let Some(fixed) =
        found.iter().find(|runner| !matches!(runner.kind.word, "deployment" | "statefulset" | "daemonset"))
    {
        let why = format!("a {} is not replaced by an equal one", fixed.kind.kind);
        return Err(Error::new(ErrorKind::Unsupported, "restart the workload", why)
            .with("workload", workload)
            .remedy("`rhumb run` runs something like it once more"));
    }
    let annotations = json!({ RESTARTED: Timestamp::now().to_string() });
    let body = json!({ "spec": { "template": { "metadata": { "annotations": annotations } } } });
    let mut receipts = Vec::new();
    for runner in &found {
        let call = Call::patch("restart the workload", runner.path(scope), MERGE_PATCH, &body)
            .query("fieldManager", RESTARTER);
        let object: Value = cluster.json(call).await.map_err(|error| error.with("workload", workload))?;
        receipts.push(receipt(runner, &object));
    }
    Ok(receipts)
}

/// The rollout that an object has now.
fn receipt(runner: &Runner, object: &Value) -> Receipt {
    let id = ObjectId::new(runner.kind.word, &runner.name);
    Receipt {
        native: id.to_string(),
        id,
        workload: Some(runner.workload.clone()),
        outputs: BTreeMap::new(),
        rollout: json!({
            "generation": object.pointer("/metadata/generation"),
            "uid": object.pointer("/metadata/uid"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pods::tests::{container, pod};

    fn member(name: &str, made: &str, status: &Value) -> Member {
        let mut pod = pod(status);
        pod.metadata.name = Some(name.to_owned());
        pod.metadata.creation_timestamp = serde_json::from_value(json!(made)).unwrap();
        Member { workload: "web".to_owned(), pod }
    }

    #[test]
    fn the_newest_pod_of_a_job_is_what_became_of_it() {
        let ended = |phase: &str, code: i32| {
            let state = json!({ "terminated": { "exitCode": code, "reason": if code == 0 { "Completed" } else { "Error" } } });
            json!({ "phase": phase, "containerStatuses": [container(0, &state, &json!({}))] })
        };
        let tasks = sorted(vec![
            member("once-1", "2026-01-01T00:00:00Z", &ended("Failed", 3)),
            member("once-2", "2026-01-01T00:01:00Z", &ended("Succeeded", 0)),
        ]);
        let shown: Vec<_> =
            tasks.iter().map(|task| (task.name.as_str(), task.desired, task.exit_code)).collect();
        assert_eq!(
            shown,
            [("once-2", TaskState::Complete, Some(0)), ("once-1", TaskState::Shutdown, Some(3))]
        );
    }

    #[test]
    fn a_crash_loop_is_told_with_its_restarts() {
        let last = json!({ "terminated": { "exitCode": 1, "reason": "Error" } });
        let state = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
        let status = json!({ "containerStatuses": [container(4, &state, &last)] });
        let task = sorted(vec![member("web-1", "2026-01-01T00:00:00Z", &status)]).remove(0);
        assert_eq!(task.detail, "CrashLoopBackOff (4 restarts)");
        assert_eq!((task.state, task.desired), (TaskState::Failed, TaskState::Running));
        assert_eq!(task.error.as_deref(), Some("it exited with code 1"));
    }
}
