//! `/v2/pods`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::apps::lock;
use crate::marathon::clock::Clock;
use crate::marathon::instance::{Instance, Phase};
use crate::marathon::path_id;
use crate::marathon::pod_shape;
use crate::marathon::request::{Answer, Answered, Request};
use crate::marathon::spec::{Kind, Spec};
use crate::marathon::validate;
use crate::marathon::world::{Change, World};

/// Answers a call whose path begins after `/v2/pods`.
pub(super) fn answer(world: &mut World, request: &Request, path: &[&str]) -> Answered {
    let all = path.join("/");
    let (id, what) = match all.split_once("::") {
        Some((id, what)) => (id.to_owned(), Some(what.to_owned())),
        None => (all, None),
    };
    let id = format!("/{id}");
    match (&request.method, id.as_str(), what.as_deref()) {
        (&Method::HEAD, "/", None) => Ok(Answer::empty(StatusCode::OK)),
        (&Method::GET, "/", None) => {
            let shown: Vec<Value> = pods(world).map(|spec| spec.shown()).collect();
            Ok(Answer::ok(json!(shown)))
        }
        (&Method::POST, "/", None) => create(world, request),
        (&Method::GET, "/", Some("status")) => {
            let all: Vec<Value> = pods(world).map(|spec| status(world, spec)).collect();
            Ok(Answer::ok(json!(all)))
        }
        (&Method::GET, id, None) => Ok(Answer::ok(find(world, id)?.shown())),
        (&Method::PUT, id, None) => update(world, request, id),
        (&Method::DELETE, id, None) => delete(world, request, id),
        (&Method::GET, id, Some("status")) => {
            let spec = find(world, id)?;
            Ok(Answer::ok(status(world, &spec)))
        }
        (&Method::GET, id, Some("versions")) => {
            find(world, id)?;
            let all = world.versions.get(id).into_iter().flatten().rev().map(|spec| spec.version.as_str());
            Ok(Answer::ok(json!(all.collect::<Vec<_>>())))
        }
        (&Method::GET, id, Some(what)) if what.starts_with("versions/") => {
            let version = what.trim_start_matches("versions/");
            let mut all = world.versions.get(id).into_iter().flatten();
            let found = all.find(|spec| spec.version == version).ok_or_else(|| unknown(id))?;
            Ok(Answer::ok(found.shown()))
        }
        (&Method::DELETE, id, Some(what)) if what.starts_with("instances") => {
            kill(world, request, (id, what))
        }
        _ => Err(Answer::wrong_method()),
    }
}

fn pods(world: &World) -> impl Iterator<Item = &Arc<Spec>> {
    world.specs.values().filter(|spec| spec.kind == Kind::Pod)
}

fn unknown(id: &str) -> Answer {
    Answer::not_found(format!("Pod '{id}' does not exist"))
}

fn find(world: &World, id: &str) -> Result<Arc<Spec>, Answer> {
    world.specs.get(id).filter(|spec| spec.kind == Kind::Pod).cloned().ok_or_else(|| unknown(id))
}

fn define(world: &World, id: &str, body: Value) -> Result<Spec, Answer> {
    let body = pod_shape::complete(body, id, world.options.network.as_deref());
    validate::pod(&body, id).into_answer()?;
    let mut spec = match world.specs.get(id) {
        Some(before) => (**before).clone(),
        None => Spec::new(Kind::Pod, id.to_owned(), Value::Null, String::new()),
    };
    spec.body = body;
    Ok(spec)
}

fn create(world: &mut World, request: &Request) -> Answered {
    let body = request.json()?;
    let id = path_id::absolute(body["id"].as_str().unwrap_or_default(), "/");
    let spec = define(world, &id, body)?;
    if world.specs.contains_key(&id) {
        return Err(Answer::message(StatusCode::CONFLICT, format!("A pod with id [{id}] already exists.")));
    }
    let deployment = world.deploy(Change::of(BTreeMap::from([(id.clone(), Some(spec))]), lock(request)))?;
    let shown = find(world, &id)?.shown();
    world
        .events
        .tell("pod_created_event", json!({ "clientIp": "127.0.0.1", "uri": format!("/v2/pods{id}") }));
    Ok(Answer::created(shown)
        .with("Marathon-Deployment-Id", &deployment.id)
        .with("Location", format!("/v2/pods{id}")))
}

fn update(world: &mut World, request: &Request, id: &str) -> Answered {
    find(world, id)?;
    let body = request.json()?;
    let named = path_id::absolute(body["id"].as_str().unwrap_or_default(), "/");
    if named != id {
        let message = format!("'{id}' does not match definition's id ('{named}')");
        return Err(Answer::message(StatusCode::BAD_REQUEST, message));
    }
    let spec = define(world, id, body)?;
    let deployment =
        world.deploy(Change::of(BTreeMap::from([(id.to_owned(), Some(spec))]), lock(request)))?;
    world
        .events
        .tell("pod_updated_event", json!({ "clientIp": "127.0.0.1", "uri": format!("/v2/pods{id}") }));
    Ok(Answer::ok(find(world, id)?.shown()).with("Marathon-Deployment-Id", &deployment.id))
}

fn delete(world: &mut World, request: &Request, id: &str) -> Answered {
    find(world, id)?;
    let deployment = world.deploy(Change::of(BTreeMap::from([(id.to_owned(), None)]), lock(request)))?;
    world
        .events
        .tell("pod_deleted_event", json!({ "clientIp": "127.0.0.1", "uri": format!("/v2/pods{id}") }));
    Ok(Answer::empty(StatusCode::ACCEPTED).with("Marathon-Deployment-Id", &deployment.id))
}

/// How a pod and each of its instances are.
pub(super) fn status(world: &World, spec: &Spec) -> Value {
    let now = Clock::now();
    let instances: Vec<&Instance> = world.instances_of(&spec.id).collect();
    let ready = instances.iter().filter(|instance| instance.is_ready()).count();
    let is_stable = ready >= spec.instances();
    let mut status = json!({
        "id": spec.id, "spec": spec.shown(), "status": if is_stable { "STABLE" } else { "DEGRADED" },
        "statusSince": spec.version, "lastUpdated": now, "lastChanged": spec.version,
        "instances": instances.iter().map(|instance| instance.pod_instance(&now)).collect::<Vec<_>>(),
        "terminationHistory": world.terminations.get(&spec.id).cloned().unwrap_or_default(),
    });
    if !is_stable {
        status["message"] = json!(format!("{ready} of {} instances are stable", spec.instances()));
    }
    status
}

fn kill(world: &mut World, request: &Request, (id, what): (&str, &str)) -> Answered {
    find(world, id)?;
    let single = what.strip_prefix("instances/").map(str::to_owned);
    let wanted = match &single {
        Some(instance) => vec![instance.clone()],
        None => crate::marathon::spec::texts(&request.json()?),
    };
    let mut killed = Vec::new();
    for instance in world.instances.values_mut() {
        if instance.spec.id == id && wanted.contains(&instance.id) {
            instance.kill();
            killed.push(shown_instance(instance));
        }
    }
    match (single, killed.pop()) {
        (Some(_), Some(one)) => Ok(Answer::ok(one)),
        (Some(instance), None) => Err(Answer::not_found(format!("instance {instance} does not exist"))),
        (None, last) => {
            killed.extend(last);
            Ok(Answer::ok(json!(killed)))
        }
    }
}

fn shown_instance(instance: &Instance) -> Value {
    let condition = match instance.phase {
        Phase::Staging => "Staging",
        Phase::Running => "Running",
        Phase::Killing => "Killing",
    };
    json!({
        "instanceId": instance.id,
        "state": { "condition": condition, "since": instance.staged_at, "goal": "Stopped" },
        "agentInfo": { "host": instance.agent.host, "agentId": instance.agent.id, "attributes": [] },
        "runSpecVersion": instance.spec.version,
        "unreachableStrategy": instance.spec.body["scheduling"]["unreachableStrategy"],
    })
}
