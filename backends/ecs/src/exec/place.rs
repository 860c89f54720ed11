//! Which container of which task is meant.

use std::cmp::Reverse;

use rhumb_backend::{Error, ErrorKind, Place, Result, Scope};
use serde_json::Value;

use crate::connect::Account;
use crate::members::{Member, is_running, members};
use crate::observe::last_segment;
use crate::pages::{items, text};

/// The managed agent that ECS Exec needs.
const AGENT: &str = "ExecuteCommandAgent";

/// A container that a session can be begun with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The task's ARN.
    pub(super) task: String,
    pub(super) container: String,
    /// The name by which Systems Manager knows it: `ecs:<cluster>_<task>_<runtime id>`.
    pub(super) session: String,
    workload: String,
}

impl Target {
    #[cfg(test)]
    pub(super) fn of_test() -> Self {
        Self {
            task: "arn:aws:ecs:eu-west-1:1:task/shop/a".to_owned(),
            container: "web".to_owned(),
            session: "ecs:shop_a_r".to_owned(),
            workload: "web".to_owned(),
        }
    }

    /// An error with what it is about.
    pub(super) fn about(&self, error: Error) -> Error {
        error
            .with("workload", &self.workload)
            .with("task", last_segment(&self.task))
            .with("container", &self.container)
    }
}

/// The container that is meant, of a task that runs: of the one that is named, else of one that is healthy, else of any.
pub(super) async fn find(account: &Account, scope: &Scope, place: &Place) -> Result<Target> {
    let mut candidates = Vec::new();
    for member in members(account, scope, Some(&place.workload)).await? {
        for task in member.tasks(account).await? {
            candidates.push((member.clone(), task));
        }
    }
    choose(&candidates, place)
}

fn choose(candidates: &[(Member, Value)], place: &Place) -> Result<Target> {
    let arn = |task: &Value| text(task, "taskArn").unwrap_or_default().to_owned();
    let is_meant = |member: &Member, task: &Value| match &place.task {
        None => true,
        Some(named) => *named == member.task_name(&arn(task)) || named == last_segment(&arn(task)),
    };
    let running = candidates.iter().filter(|(member, task)| is_running(task) && is_meant(member, task));
    let health = |task: &Value| text(task, "healthStatus") == Some("HEALTHY");
    let chosen = running.max_by_key(|(_, task)| (health(task), Reverse(arn(task))));
    let Some((member, task)) = chosen else { return Err(absent(candidates, place)) };
    let container = container(member, task, place)?;
    enabled(member, task, container)?;
    let name = text(container, "name").unwrap_or_default().to_owned();
    let runtime = text(container, "runtimeId").unwrap_or_default();
    let cluster = text(task, "clusterArn").map(last_segment).unwrap_or_default();
    Ok(Target {
        session: format!("ecs:{cluster}_{}_{runtime}", last_segment(&arn(task))),
        task: arn(task),
        container: name,
        workload: member.workload.clone(),
    })
}

fn absent(candidates: &[(Member, Value)], place: &Place) -> Error {
    let running: Vec<String> = candidates
        .iter()
        .filter(|(_, task)| is_running(task))
        .map(|(member, task)| member.task_name(text(task, "taskArn").unwrap_or_default()))
        .collect();
    let error = match &place.task {
        None => Error::new(ErrorKind::NotFound, "find a task", "none of the workload runs"),
        Some(named) => {
            Error::new(ErrorKind::NotFound, "find the task", "none of this name runs").with("task", named)
        }
    };
    error.with("workload", &place.workload).remedy(if running.is_empty() {
        "see `rhumb ps -a` for what became of its tasks".to_owned()
    } else {
        format!("one of {}", running.join(", "))
    })
}

/// The container that is named, else the first of the app's own.
fn container<'t>(member: &Member, task: &'t Value, place: &Place) -> Result<&'t Value> {
    let own: Vec<&str> = member.main_containers().filter_map(|container| text(container, "name")).collect();
    let wanted = place.container.as_deref().or_else(|| own.first().copied());
    let found =
        items(task, "containers").find(|container| wanted.is_some() && text(container, "name") == wanted);
    found.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "find the container", "the task has none of this name")
            .with("workload", &member.workload)
            .with("container", wanted.unwrap_or_default())
            .remedy(format!("one of {}", own.join(", ")))
    })
}

/// Whether the task lets anybody in.
///
/// Source: Amazon ECS developer guide, "Monitor Amazon ECS containers with ECS Exec".
fn enabled(member: &Member, task: &Value, container: &Value) -> Result<()> {
    let refused = |why: &str, remedy: &str| {
        Error::new(ErrorKind::Unsupported, "get into the task", why)
            .with("workload", &member.workload)
            .with("task", last_segment(text(task, "taskArn").unwrap_or_default()))
            .remedy(remedy)
    };
    if task.get("enableExecuteCommand") != Some(&Value::Bool(true)) {
        return Err(refused(
            "it was started without ECS Exec, which needs a role of its own",
            "`taskRole` in the target's settings or `identity` of the workload, a role with the `ssmmessages` rights; then \
             `rhumb upgrade`",
        ));
    }
    let agent = items(container, "managedAgents").find(|agent| text(agent, "name") == Some(AGENT));
    match agent.and_then(|agent| text(agent, "lastStatus")) {
        Some("PENDING") => Err(refused("its agent is not up yet", "try again in a moment")),
        Some("STOPPED") => Err(refused(
            "its agent has stopped",
            "see that the task role has the `ssmmessages` rights and the subnets reach Systems Manager; then `rhumb restart`",
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn candidate(id: &str, health: &str, exec: bool) -> (Member, Value) {
        let member = Member {
            workload: "web".to_owned(),
            family: "default-shop-web".to_owned(),
            definition: json!({ "containerDefinitions": [
                { "name": "rhumb-files", "essential": false }, { "name": "web" }, { "name": "side" },
            ] }),
            service: None,
        };
        let task = json!({
            "taskArn": format!("arn:aws:ecs:eu-west-1:1:task/shop/{id}"),
            "clusterArn": "arn:aws:ecs:eu-west-1:1:cluster/shop",
            "lastStatus": "RUNNING", "desiredStatus": "RUNNING", "healthStatus": health, "enableExecuteCommand": exec,
            "containers": [
                { "name": "side", "runtimeId": "r-side" },
                { "name": "web", "runtimeId": "r-web", "managedAgents": [
                    { "name": "ExecuteCommandAgent", "lastStatus": if id == "c" { "STOPPED" } else { "RUNNING" } },
                ] },
            ],
        });
        (member, task)
    }

    fn place(task: Option<&str>, container: Option<&str>) -> Place {
        Place {
            workload: "web".to_owned(),
            task: task.map(str::to_owned),
            container: container.map(str::to_owned),
        }
    }

    #[test]
    fn one_that_is_healthy_is_taken_and_the_first_container_of_the_apps_own() {
        let candidates = [candidate("a", "UNKNOWN", true), candidate("b", "HEALTHY", true)];
        assert_eq!(choose(&candidates, &place(None, None)).unwrap().session, "ecs:shop_b_r-web");
        assert_eq!(
            choose(&candidates, &place(Some("web.a"), Some("side"))).unwrap().session,
            "ecs:shop_a_r-side"
        );
        let error = choose(&candidates, &place(Some("web.x"), None)).unwrap_err();
        assert_eq!((error.kind, error.remedy.as_deref()), (ErrorKind::NotFound, Some("one of web.a, web.b")));
        let error = choose(&candidates, &place(None, Some("db"))).unwrap_err();
        assert_eq!((error.kind, error.remedy.as_deref()), (ErrorKind::NotFound, Some("one of web, side")));
    }

    #[test]
    fn a_task_that_lets_nobody_in_is_told() {
        let error = choose(&[candidate("a", "HEALTHY", false)], &place(None, None)).unwrap_err();
        assert!(error.kind == ErrorKind::Unsupported && error.remedy.unwrap().contains("taskRole"));
        let error = choose(&[candidate("c", "HEALTHY", true)], &place(None, None)).unwrap_err();
        assert!(error.message.contains("agent has stopped"), "{error}");
    }
}
