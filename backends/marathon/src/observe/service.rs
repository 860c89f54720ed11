//! Apps and pods.

use futures_util::future::{try_join, try_join_all};
use rhumb_backend::{Live, ObjectId, Result, Scope};
use serde::Deserialize;
use serde_json::Value;

use super::{Found, id_of, list, native};
use crate::connect::{Call, Server};
use crate::document::{count, is_after, text};
use crate::kind::Kind;
use crate::names;
use crate::normalize;

#[derive(Deserialize)]
struct Apps {
    apps: Vec<Value>,
}

#[derive(Deserialize)]
struct OneApp {
    app: Value,
}

/// Everything that is said of an app beside what it is wanted to be.
///
/// Source: Marathon REST API, `GET /v2/apps`, `embed`.
pub(crate) const EVERYTHING: [&str; 6] = [
    "apps.tasks",
    "apps.counts",
    "apps.deployments",
    "apps.readiness",
    "apps.lastTaskFailure",
    "apps.taskStats",
];
/// What is asked of an app that is looked at before a plan.
const LOOKED: [&str; 3] = ["apps.counts", "apps.deployments", "apps.lastTaskFailure"];

/// The apps and pods of the release's group, and those that are wanted elsewhere.
pub(super) async fn services(server: &Server, scope: &Scope, ids: &[ObjectId]) -> Result<Vec<Live>> {
    let group = format!("{}/", names::group(scope));
    let (apps, pods) = try_join(apps(server, &group, &LOOKED), pods(server, &group)).await?;
    let is_elsewhere = |id: &&ObjectId| {
        native(scope, id).is_some_and(|native| native.starts_with('/') && !native.starts_with(&group))
    };
    let elsewhere = ids.iter().filter(is_elsewhere).map(|id| one_service(server, scope, id));
    let mut found: Vec<Live> = try_join_all(elsewhere).await?.into_iter().flatten().collect();
    let app = |document: &Value| live(scope, Kind::App, document, ids);
    let pod = |document: &Value| live(scope, Kind::Pod, document, ids);
    found.extend(apps.iter().filter_map(app));
    found.extend(pods.iter().filter_map(pod));
    Ok(found)
}

/// The apps below a group, with these things that are said of each.
///
/// # Errors
/// What Marathon answers.
pub(crate) async fn apps(server: &Server, group: &str, embeds: &[&'static str]) -> Result<Vec<Value>> {
    let mut call = Call::get("list the apps", "/v2/apps").query("id", group);
    for embed in embeds {
        call = call.query("embed", *embed);
    }
    let found = server.json::<Apps>(call).await?;
    Ok(found.apps.into_iter().filter(|app| is_below(app, group)).collect())
}

/// The pods below a group. A Marathon that knows no pods has none.
///
/// # Errors
/// What Marathon answers.
pub(crate) async fn pods(server: &Server, group: &str) -> Result<Vec<Value>> {
    let found = list(server, Call::get("list the pods", "/v2/pods")).await?;
    Ok(found.into_iter().filter(|pod| is_below(pod, group)).collect())
}

/// One app or pod, with its deployments where it is an app.
///
/// # Errors
/// What Marathon answers.
pub(crate) async fn one_service(server: &Server, scope: &Scope, id: &ObjectId) -> Result<Option<Live>> {
    let (Some(kind), Some(native)) = (Kind::of(id), native(scope, id)) else { return Ok(None) };
    let found = document(server, kind, &native).await?;
    Ok(found.and_then(|document| live(scope, kind, &document, std::slice::from_ref(id))))
}

/// An app or pod as Marathon returns it.
///
/// # Errors
/// What Marathon answers.
pub(crate) async fn document(server: &Server, kind: Kind, native: &str) -> Result<Option<Value>> {
    match kind {
        Kind::App => {
            let call = Call::get("read the app", format!("/v2/apps{native}"));
            let call = call.query("embed", "app.deployments").query("embed", "app.counts");
            Ok(server.find::<OneApp>(call).await?.map(|found| found.app))
        }
        _ => server.find(Call::get("read the pod", format!("/v2/pods{native}"))).await,
    }
}

fn is_below(document: &Value, group: &str) -> bool {
    document.get("id").and_then(Value::as_str).is_some_and(|id| id.starts_with(group))
}

fn live(scope: &Scope, kind: Kind, document: &Value, ids: &[ObjectId]) -> Option<Live> {
    let native = document.get("id")?.as_str()?;
    let id = id_of(scope, kind, document, native, ids)?;
    let mut live = Found { scope, id, native, document }.live(normalize::document(document));
    live.outputs.extend(held_back(document).map(|why| (Live::GIVEN_UP.to_owned(), why)));
    Some(live)
}

/// Why an app is not whole although nothing is the matter with its definition: its last task failed, and Marathon waits
/// longer and longer before the next.
fn held_back(app: &Value) -> Option<String> {
    let failure = app.get("lastTaskFailure").filter(|failure| failure.is_object())?;
    let defined = text(app, "/versionInfo/lastConfigChangeAt").or_else(|| text(app, "/version"))?;
    let is_old = text(failure, "/version").is_some_and(|version| is_after(defined, version));
    let is_whole = count(app, "/tasksRunning") >= count(app, "/instances");
    let message = || text(failure, "/message").unwrap_or("a task failed").to_owned();
    (!is_old && !is_whole).then(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_failed_and_is_not_whole_is_held_back() {
        let app = |running: u32, version: &str| {
            json!({
                "instances": 2, "tasksRunning": running, "version": "2026-01-02T00:00:00Z",
                "lastTaskFailure": { "version": version, "message": "Command exited with status 1" },
            })
        };
        let now = "2026-01-02T00:00:00Z";
        assert_eq!(held_back(&app(1, now)).as_deref(), Some("Command exited with status 1"));
        assert_eq!(held_back(&app(2, now)), None, "it runs by now");
        assert_eq!(held_back(&app(1, "2026-01-01T00:00:00Z")), None, "another definition failed");
        assert_eq!(held_back(&json!({ "instances": 1, "version": now })), None, "nothing failed");
    }
}
