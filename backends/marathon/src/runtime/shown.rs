//! Tasks as people see them.

use rhumb_backend::{Task, TaskState};
use serde_json::Value;

use super::{Running, state};
use crate::document::{items, text};

/// The tasks of an app, and the one that failed last.
///
/// Source: Marathon REST API, `Task` and `TaskFailure`.
pub(crate) fn app_tasks(running: &Running) -> Vec<Task> {
    let app = &running.document;
    let mut all: Vec<&Value> = items(app, "/tasks").collect();
    all.sort_by_key(|task| (text(task, "/startedAt").unwrap_or("~"), text(task, "/id")));
    let mut tasks: Vec<Task> =
        all.iter().enumerate().map(|(place, task)| app_task(running, place + 1, task)).collect();
    let failed = app.get("lastTaskFailure").filter(|failure| failure.is_object());
    let is_listed = |id| all.iter().any(|task| text(task, "/id") == id);
    if let Some(failure) = failed.filter(|failure| !is_listed(text(failure, "/taskId"))) {
        tasks.push(past(running, failure));
    }
    tasks
}

fn image(document: &Value) -> String {
    let places = ["/container/docker/image", "/run/docker/image", "/run/ucr/image/id", "/cmd"];
    places.iter().find_map(|place| text(document, place)).unwrap_or_default().to_owned()
}

fn app_task(running: &Running, place: usize, task: &Value) -> Task {
    let of = |at| text(task, at).map(ToOwned::to_owned);
    let is_unhealthy =
        items(task, "/healthCheckResults").any(|result| result.get("alive") == Some(&Value::Bool(false)));
    let detail = of("/state").unwrap_or_default();
    let cause = items(task, "/healthCheckResults").find_map(|result| text(result, "/lastFailureCause"));
    Task {
        workload: running.workload.clone(),
        id: of("/id").unwrap_or_default(),
        name: format!("{}.{place}", running.name),
        image: image(&running.document),
        node: of("/host"),
        desired: TaskState::Running,
        state: state(&detail),
        error: is_unhealthy.then(|| cause.unwrap_or("it is not healthy by its checks").to_owned()),
        detail,
        since: of("/startedAt").or_else(|| of("/stagedAt")),
        exit_code: None,
        ports: ports(&running.document, task),
    }
}

/// `31756->80/tcp`.
fn ports(app: &Value, task: &Value) -> Vec<String> {
    let mapped: Vec<&Value> = items(app, "/container/portMappings").collect();
    let defined: Vec<&Value> = items(app, "/portDefinitions").collect();
    let ports = items(task, "/ports").filter_map(Value::as_u64).enumerate();
    ports
        .map(|(place, port)| {
            let inside = mapped.get(place).and_then(|mapping| mapping.get("containerPort")?.as_u64());
            let definition = mapped.get(place).or_else(|| defined.get(place));
            let protocol = definition.and_then(|port| text(port, "/protocol")).unwrap_or("tcp");
            format!("{port}->{}/{protocol}", inside.filter(|port| *port > 0).unwrap_or(port))
        })
        .collect()
}

fn past(running: &Running, failure: &Value) -> Task {
    let of = |at| text(failure, at).map(ToOwned::to_owned);
    let message = of("/message").filter(|message| !message.is_empty());
    Task {
        workload: running.workload.clone(),
        id: of("/taskId").unwrap_or_default(),
        name: format!("{}.failed", running.name),
        image: image(&running.document),
        node: of("/host"),
        desired: TaskState::Shutdown,
        state: state(text(failure, "/state").unwrap_or_default()),
        detail: of("/state").unwrap_or_default(),
        since: of("/timestamp"),
        exit_code: message.as_deref().and_then(crate::health::exit_code),
        error: message,
        ports: Vec::new(),
    }
}

/// The instances of a pod, and those that ended.
///
/// Source: Marathon REST API, `PodInstanceStatus` and `TerminationHistory`.
pub(crate) fn pod_tasks(running: &Running) -> Vec<Task> {
    let status = &running.document;
    let images: Vec<&str> =
        items(status, "/spec/containers").filter_map(|container| text(container, "/image/id")).collect();
    let images = images.join(", ");
    let of = |document: &Value, at| text(document, at).map(ToOwned::to_owned);
    let task = |(place, instance): (usize, &Value)| Task {
        workload: running.workload.clone(),
        id: of(instance, "/id").unwrap_or_default(),
        name: format!("{}.{}", running.name, place + 1),
        image: images.clone(),
        node: of(instance, "/agentHostname"),
        desired: TaskState::Running,
        state: state(text(instance, "/status").unwrap_or_default()),
        detail: of(instance, "/status").unwrap_or_default(),
        since: of(instance, "/statusSince"),
        error: of(instance, "/message"),
        exit_code: None,
        ports: items(instance, "/containers")
            .flat_map(|container| items(container, "/endpoints"))
            .filter_map(|endpoint| {
                Some(format!("{}->{}", endpoint.get("allocatedHostPort")?, text(endpoint, "/name")?))
            })
            .collect(),
    };
    let mut tasks: Vec<Task> = items(status, "/instances").enumerate().map(task).collect();
    let ended = items(status, "/terminationHistory").map(|ended| {
        let code = items(ended, "/containers")
            .filter_map(|container| container.pointer("/termination/exitCode")?.as_i64())
            .find(|code| *code != 0);
        Task {
            workload: running.workload.clone(),
            id: of(ended, "/instanceID").unwrap_or_default(),
            name: format!("{}.ended", running.name),
            image: images.clone(),
            node: None,
            desired: TaskState::Shutdown,
            state: if code.is_some() { TaskState::Failed } else { TaskState::Shutdown },
            detail: "TERMINAL".to_owned(),
            since: of(ended, "/terminatedAt"),
            error: of(ended, "/message"),
            exit_code: code,
            ports: Vec::new(),
        }
    });
    tasks.extend(ended);
    tasks
}

/// The runs of a job that are under way, and how its last ones ended.
///
/// Source: Metronome API, `JobRun`, `JobHistory`.
pub(crate) fn job_tasks(running: &Running) -> Vec<Task> {
    let job = &running.document;
    let task = |run: &Value, status: &str, since: &str| Task {
        workload: running.workload.clone(),
        id: text(run, "/id").unwrap_or_default().to_owned(),
        name: format!("{}.{}", running.name, text(run, "/id").unwrap_or_default()),
        image: image(job),
        node: None,
        desired: TaskState::Complete,
        state: state(status),
        detail: status.to_owned(),
        since: text(run, since).map(ToOwned::to_owned),
        error: items(run, "/tasks").find_map(|task| text(task, "/message")).map(ToOwned::to_owned),
        exit_code: None,
        ports: Vec::new(),
    };
    let active = items(job, "/activeRuns");
    let mut tasks: Vec<Task> =
        active.map(|run| task(run, text(run, "/status").unwrap_or("ACTIVE"), "/createdAt")).collect();
    let ended = |list, word| items(job, list).map(move |run| (run, word));
    let ended = ended("/history/successfulFinishedRuns", "SUCCESS")
        .chain(ended("/history/failedFinishedRuns", "FAILED"));
    tasks.extend(ended.map(|(run, word)| task(run, word, "/finishedAt")));
    tasks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;
    use serde_json::json;

    fn running(kind: Kind, document: Value) -> Running {
        let (name, native) = ("web".to_owned(), "/default/shop/web".to_owned());
        Running { kind, native, workload: name.clone(), name, document }
    }

    #[test]
    fn tasks_have_names_ports_and_the_one_that_failed() {
        let app = running(
            Kind::App,
            json!({
                "container": { "docker": { "image": "nginx:1" }, "portMappings": [{ "containerPort": 80, "protocol": "tcp" }] },
                "tasks": [{ "id": "t1", "host": "n1", "state": "TASK_RUNNING", "ports": [31_000], "startedAt": "2026-01-01T00:00:00Z" }],
                "lastTaskFailure": { "taskId": "t0", "state": "TASK_FAILED", "message": "Command exited with status 2" },
            }),
        );
        let tasks = app_tasks(&app);
        assert_eq!((tasks[0].name.as_str(), tasks[0].ports[0].as_str()), ("web.1", "31000->80/tcp"));
        assert_eq!((tasks[0].image.as_str(), tasks[0].state), ("nginx:1", TaskState::Running));
        assert_eq!((tasks[1].id.as_str(), tasks[1].exit_code), ("t0", Some(2)));
    }

    #[test]
    fn instances_of_a_pod_and_runs_of_a_job_are_tasks() {
        let pod = running(
            Kind::Pod,
            json!({
                "spec": { "containers": [{ "image": { "id": "a" } }, { "image": { "id": "b" } }] },
                "instances": [{ "id": "i", "status": "STABLE", "agentHostname": "n1" }],
                "terminationHistory": [{ "instanceID": "o", "containers": [{ "termination": { "exitCode": 3 } }] }],
            }),
        );
        let tasks = pod_tasks(&pod);
        assert_eq!((tasks[0].image.as_str(), tasks[0].state), ("a, b", TaskState::Running));
        assert_eq!((tasks[1].state, tasks[1].exit_code), (TaskState::Failed, Some(3)));
        let job = running(
            Kind::Job,
            json!({
                "activeRuns": [{ "id": "r2", "status": "ACTIVE" }],
                "history": { "failedFinishedRuns": [{ "id": "r1" }] },
            }),
        );
        let states: Vec<TaskState> = job_tasks(&job).into_iter().map(|task| task.state).collect();
        assert_eq!(states, [TaskState::Running, TaskState::Failed]);
    }
}
