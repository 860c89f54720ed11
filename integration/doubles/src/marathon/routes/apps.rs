//! `/v2/apps`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::app_info::{self, Embeds};
use super::{others, selector};
use crate::marathon::app_shape;
use crate::marathon::deployment::Deployment;
use crate::marathon::path_id;
use crate::marathon::request::{Answer, Answered, Request};
use crate::marathon::spec::{Kind, Spec};
use crate::marathon::validate;
use crate::marathon::world::{Change, Lock, World};

/// Answers a call whose path begins after `/v2/apps`.
pub(super) fn answer(world: &mut World, request: &Request, path: &[&str]) -> Answered {
    match (&request.method, path) {
        (&Method::GET, []) => Ok(list(world, request)),
        (&Method::POST, []) => create(world, request),
        (&Method::PUT | &Method::PATCH, []) => update_many(world, request),
        (&Method::GET, [group @ .., "*"]) => Ok(list_group(world, request, &joined(group))),
        (&Method::POST, [id @ .., "restart"]) => restart(world, request, &joined(id)),
        (&Method::GET, [id @ .., "versions"]) => versions(world, &joined(id)),
        (&Method::GET, [id @ .., "versions", version]) => version_of(world, &joined(id), version),
        (_, [id @ .., "tasks"]) => others::app_tasks(world, request, &joined(id)),
        (&Method::DELETE, [id @ .., "tasks", task]) => others::kill_task(world, request, (&joined(id), task)),
        (&Method::GET, id) => get(world, request, &joined(id)),
        (&Method::PUT | &Method::PATCH, id) => update(world, request, &joined(id)),
        (&Method::DELETE, id) => delete(world, request, &joined(id)),
        _ => Err(Answer::wrong_method()),
    }
}

fn joined(names: &[&str]) -> String {
    format!("/{}", names.join("/"))
}

/// 404 for an app.
pub(super) fn unknown(id: &str) -> Answer {
    Answer::not_found(format!("App '{id}' does not exist"))
}

/// The app of an id.
pub(super) fn find(world: &World, id: &str) -> Result<Arc<Spec>, Answer> {
    world.specs.get(id).filter(|spec| spec.kind == Kind::App).cloned().ok_or_else(|| unknown(id))
}

/// Whether a request overrides locks.
pub(super) fn lock(request: &Request) -> Lock {
    if request.says("force") { Lock::Break } else { Lock::Respect }
}

/// What is answered to a change: the deployment's id and version.
pub(super) fn result(status: StatusCode, deployment: &Deployment) -> Answer {
    Answer::json(status, json!({ "deploymentId": deployment.id, "version": deployment.version }))
        .with("Marathon-Deployment-Id", &deployment.id)
}

fn list(world: &World, request: &Request) -> Answer {
    let embeds = app_info::embeds(request, &["counts", "deployments"]);
    let meets = |spec: &Spec| {
        let is_id = request.parameter("id").is_none_or(|part| spec.id.contains(part));
        let is_cmd = request
            .parameter("cmd")
            .is_none_or(|part| spec.body["cmd"].as_str().is_some_and(|cmd| cmd.contains(part)));
        let is_label =
            request.parameters("label").all(|selector| selector::matches(selector, &spec.body["labels"]));
        spec.kind == Kind::App && is_id && is_cmd && is_label
    };
    Answer::ok(json!({ "apps": shown(world, &embeds, meets) }))
}

fn shown(world: &World, embeds: &Embeds, meets: impl Fn(&Spec) -> bool) -> Vec<Value> {
    world.specs.values().filter(|spec| meets(spec)).map(|spec| app_info::show(world, spec, embeds)).collect()
}

fn list_group(world: &World, request: &Request, group: &str) -> Answer {
    let embeds = app_info::embeds(request, &["counts", "deployments"]);
    let apps = shown(world, &embeds, |spec| spec.kind == Kind::App && path_id::is_within(&spec.id, group));
    Answer::ok(json!({ "*": apps }))
}

fn get(world: &World, request: &Request, id: &str) -> Answered {
    let spec = find(world, id)?;
    let embeds = app_info::embeds(request, &["counts", "tasks", "lastTaskFailure", "deployments"]);
    Ok(Answer::ok(json!({ "app": app_info::show(world, &spec, &embeds) })))
}

/// The definition that a request asks for, found right.
///
/// # Errors
/// 422 with every finding.
pub(super) fn define(
    world: &World,
    id: &str,
    body: Value,
    taken: &mut BTreeSet<u64>,
) -> Result<Spec, Answer> {
    let network = world.options.network.as_deref();
    let mut body = app_shape::complete(body, id, network);
    validate::app(&body, id).into_answer()?;
    let before = world.specs.get(id).map(|spec| spec.service_ports()).unwrap_or_default();
    app_shape::assign_ports(&mut body, &before, || {
        let port = world.free_service_port(taken);
        taken.insert(port);
        port
    });
    let mut spec = match world.specs.get(id).filter(|spec| spec.kind == Kind::App) {
        Some(before) => (**before).clone(),
        None => Spec::new(Kind::App, id.to_owned(), Value::Null, String::new()),
    };
    residents_stay(&spec, &body)?;
    spec.body = body;
    Ok(spec)
}

/// What has persistent volumes keeps them and what its reservation is of.
fn residents_stay(before: &Spec, body: &Value) -> Result<(), Answer> {
    let volumes = before.resident_volumes();
    if volumes.is_empty() {
        return Ok(());
    }
    let after = Spec::new(Kind::App, before.id.clone(), body.clone(), String::new());
    let message = if after.resident_volumes() != volumes {
        "Persistent volumes can not be updated!"
    } else if after.resources() != before.resources() {
        "Resident Tasks may not change resource requirements!"
    } else {
        return Ok(());
    };
    let details = json!([{ "path": "/", "errors": [message] }]);
    let body = json!({ "message": "Object is not valid", "details": details });
    Err(Answer::json(StatusCode::UNPROCESSABLE_ENTITY, body))
}

fn create(world: &mut World, request: &Request) -> Answered {
    let body = request.json()?;
    let id = path_id::absolute(text_id(&body)?, "/");
    let spec = define(world, &id, body, &mut BTreeSet::new())?;
    if world.specs.contains_key(&id) {
        return Err(Answer::message(StatusCode::CONFLICT, format!("An app with id [{id}] already exists.")));
    }
    let deployment = world.deploy(Change::of(BTreeMap::from([(id.clone(), Some(spec))]), lock(request)))?;
    let spec = find(world, &id)?;
    let shown = app_info::show(world, &spec, &Embeds::from(["counts", "deployments", "tasks"]));
    world.events.tell(
        "api_post_event",
        json!({ "clientIp": "127.0.0.1", "uri": "/v2/apps", "appDefinition": shown }),
    );
    Ok(Answer::created(shown)
        .with("Marathon-Deployment-Id", &deployment.id)
        .with("Location", format!("/v2/apps{id}")))
}

fn text_id(body: &Value) -> Result<&str, Answer> {
    body["id"].as_str().ok_or_else(|| {
        let details = json!([{ "path": "/id", "errors": ["error.expected.jsstring"] }]);
        Answer::json(StatusCode::BAD_REQUEST, json!({ "message": "Invalid JSON", "details": details }))
    })
}

/// What an update makes of what is there: fields that it leaves out stay, unless the whole is replaced.
fn merged(world: &World, request: &Request, id: &str, update: Value) -> Result<Value, Answer> {
    let before = world.specs.get(id).filter(|spec| spec.kind == Kind::App);
    // A version alone means to go back to it.
    let is_alone =
        update.as_object().is_some_and(|fields| fields.keys().all(|name| name == "id" || name == "version"));
    if let (true, Some(version)) = (is_alone, update["version"].as_str()) {
        return at_version(world, id, version).map(|spec| spec.body.clone());
    }
    let is_whole = request.method == Method::PUT && request.parameter("partialUpdate") == Some("false");
    let Some(before) = before.filter(|_| !is_whole) else { return Ok(update) };
    let mut body = before.body.clone();
    for (name, value) in update.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        match name.as_str() {
            "uris" => body["fetch"] = Value::Null,
            "ports" => body["portDefinitions"] = Value::Null,
            "ipAddress" => body["networks"] = Value::Null,
            _ => {}
        }
        body[name.as_str()] = value.clone();
    }
    // A command takes the place of arguments, and the other way round.
    if let Some(fields) = body.as_object_mut() {
        let is_given = |name: &str| update.get(name).is_some_and(|value| !value.is_null());
        if is_given("cmd") && !is_given("args") {
            fields.remove("args");
        } else if is_given("args") && !is_given("cmd") {
            fields.remove("cmd");
        }
    }
    Ok(body)
}

fn update(world: &mut World, request: &Request, id: &str) -> Answered {
    let is_new = find(world, id).is_err();
    if is_new && request.method == Method::PATCH {
        return Err(unknown(id));
    }
    if is_new && world.specs.contains_key(id) {
        return Err(Answer::message(StatusCode::CONFLICT, format!("A pod with id [{id}] already exists.")));
    }
    let body = merged(world, request, id, request.json()?)?;
    let spec = define(world, id, body, &mut BTreeSet::new())?;
    let deployment =
        world.deploy(Change::of(BTreeMap::from([(id.to_owned(), Some(spec))]), lock(request)))?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(result(status, &deployment))
}

fn update_many(world: &mut World, request: &Request) -> Answered {
    let bodies = request.json()?;
    let mut wanted = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for body in bodies.as_array().into_iter().flatten() {
        let id = path_id::absolute(text_id(body)?, "/");
        if request.method == Method::PATCH {
            find(world, &id)?;
        }
        let body = merged(world, request, &id, body.clone())?;
        let spec = define(world, &id, body, &mut taken)?;
        wanted.insert(id, Some(spec));
    }
    let deployment = world.deploy(Change::of(wanted, lock(request)))?;
    Ok(result(StatusCode::OK, &deployment))
}

fn delete(world: &mut World, request: &Request, id: &str) -> Answered {
    find(world, id)?;
    let deployment = world.deploy(Change::of(BTreeMap::from([(id.to_owned(), None)]), lock(request)))?;
    Ok(result(StatusCode::OK, &deployment))
}

fn restart(world: &mut World, request: &Request, id: &str) -> Answered {
    let spec = find(world, id)?;
    let mut change = Change::of(BTreeMap::from([(id.to_owned(), Some((*spec).clone()))]), lock(request));
    change.restarts.insert(id.to_owned());
    let deployment = world.deploy(change)?;
    Ok(result(StatusCode::OK, &deployment))
}

fn versions(world: &World, id: &str) -> Answered {
    find(world, id)?;
    let all = world.versions.get(id).into_iter().flatten().rev().map(|spec| spec.version.as_str());
    Ok(Answer::ok(json!({ "versions": all.collect::<Vec<_>>() })))
}

fn at_version(world: &World, id: &str, version: &str) -> Result<Arc<Spec>, Answer> {
    let mut all = world.versions.get(id).into_iter().flatten();
    all.find(|spec| spec.version == version)
        .cloned()
        .ok_or_else(|| Answer::not_found(format!("App '{id}' does not exist in version {version}")))
}

fn version_of(world: &World, id: &str, version: &str) -> Answered {
    find(world, id)?;
    Ok(Answer::ok(at_version(world, id, version)?.shown()))
}
