//! Which types a request's and an answer's body are of.
//!
//! Source: Marathon REST API, the bodies that its RAML names for each path.

use axum::http::Method;
use serde_json::{Value, json};

use super::types::Types;
use crate::marathon::request::{Answer, Content, Request};

impl Types {
    /// What the published type of a request's body does not take of it.
    pub(in crate::marathon) fn check_request(&self, request: &Request) -> Vec<String> {
        let Ok(mut body) = serde_json::from_slice::<Value>(&request.body) else { return Vec::new() };
        let path = marathon_path(request);
        let name = match (&request.method, path.as_slice()) {
            (&Method::POST, ["v2", "apps"]) => "app.App",
            (&Method::PUT | &Method::PATCH, ["v2", "apps"]) => "app.App[]",
            (&Method::PUT | &Method::PATCH, ["v2", "apps", id @ ..]) => {
                // The path names it.
                body["id"] = json!(format!("/{}", id.join("/")));
                "app.App"
            }
            (&Method::POST | &Method::PUT, ["v2", "groups", ..]) => {
                if body.get("id").is_none() {
                    body["id"] = json!("/");
                }
                "group.GroupUpdate"
            }
            (&Method::POST | &Method::PUT, ["v2", "pods", ..]) => "pod.Pod",
            (&Method::POST, ["v2", "tasks", "delete"]) => "deleteTasks.DeleteTasks",
            _ => return Vec::new(),
        };
        told("request", request, self.check(name, &body))
    }

    /// What the published type of an answer's body does not take of it.
    pub(in crate::marathon) fn check_answer(&self, request: &Request, answer: &Answer) -> Vec<String> {
        let Content::Json(body) = &answer.content else { return Vec::new() };
        let path = marathon_path(request);
        if !matches!(path.as_slice(), ["v2", ..]) {
            return Vec::new();
        }
        if !answer.status.is_success() {
            // Errors hold more than the type says: what is locked, and paths of details.
            let found =
                if body["message"].is_string() { vec![] } else { vec!["/message: is missing".to_owned()] };
            return told("answer", request, found);
        }
        let body = named_as_published(body.clone());
        let Some(name) = answer_type(&request.method, &path, &body) else { return Vec::new() };
        // One app is in a field of its own, and so are those of a group.
        let part = match name {
            "app.AppInfo[]" => &body["*"],
            "app.AppInfo" if request.method == Method::GET => &body["app"],
            _ => &body,
        };
        told("answer", request, self.check(name, part))
    }
}

/// The type of what a path answers; none where the reference names none.
fn answer_type(method: &Method, path: &[&str], body: &Value) -> Option<&'static str> {
    if body.get("deploymentId").is_some() {
        return Some("deploymentResult.DeploymentResult");
    }
    Some(match (method, path) {
        (_, ["v2", "tasks", ..] | ["v2", "apps", .., "tasks"]) => "task.TaskList",
        (_, ["v2", "apps", .., "tasks", _]) => "task.TaskSingle",
        (&Method::GET, ["v2", "apps", .., "versions"]) => "app.VersionList",
        (&Method::GET, ["v2", "apps", .., "versions", _]) => "app.App",
        (&Method::GET, ["v2", "apps", .., "*"]) => "app.AppInfo[]",
        (&Method::GET, ["v2", "apps"]) => "app.AppList",
        (_, ["v2", "apps", ..]) => "app.AppInfo",
        (&Method::GET, ["v2", "groups", .., "versions"]) => return None,
        (&Method::GET, ["v2", "groups", ..]) => "group.GroupInfo",
        (_, ["v2", "groups", ..]) => "deploymentSteps.DeploymentSteps",
        (_, ["v2", "deployments"]) => "deploymentEventsInfo.DeploymentStepInfo[]",
        (_, ["v2", "queue"]) => "queue.Queue",
        (_, ["v2", "info"]) => "info.MarathonInfo",
        (&Method::GET, ["v2", "leader"]) => "info.LeaderInfo",
        (_, ["v2", "pods", rest @ ..]) => return pod_type(method, rest),
        _ => return None,
    })
}

fn told(what: &str, request: &Request, found: Vec<String>) -> Vec<String> {
    let call = format!("{} /{}", request.method, request.path.join("/"));
    found.into_iter().map(|text| format!("{what} of {call}: {text}")).collect()
}

fn pod_type(method: &Method, rest: &[&str]) -> Option<&'static str> {
    let all = rest.join("/");
    Some(match (method, all.split_once("::")) {
        (&Method::GET, None) if all.is_empty() => "pod.Pod[]",
        (&Method::GET | &Method::POST | &Method::PUT, None) => "pod.Pod",
        (&Method::GET, Some(("", "status"))) => "podStatus.PodStatus[]",
        (&Method::GET, Some((_, "status"))) => "podStatus.PodStatus",
        (&Method::GET, Some((_, what))) if what.starts_with("versions/") => "pod.Pod",
        (&Method::DELETE, Some((_, "instances"))) => "instance.Instance[]",
        (&Method::DELETE, Some(_)) => "instance.Instance",
        _ => return None,
    })
}

/// The path as Marathon itself sees it.
fn marathon_path(request: &Request) -> Vec<&str> {
    let segments = request.segments();
    match segments.as_slice() {
        ["service", "marathon", rest @ ..] | ["marathon", rest @ ..] => rest.to_vec(),
        _ => segments,
    }
}

/// The published type calls `tasksStats` what the server and every client call `taskStats`.
fn named_as_published(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            if let Some(stats) = fields.remove("taskStats") {
                fields.insert("tasksStats".to_owned(), stats);
            }
            for (_, inner) in fields.iter_mut() {
                *inner = named_as_published(inner.take());
            }
        }
        Value::Array(members) => {
            for inner in members {
                *inner = named_as_published(inner.take());
            }
        }
        _ => {}
    }
    value
}
