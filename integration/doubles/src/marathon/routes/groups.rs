//! `/v2/groups`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::app_info::{self, Embeds};
use super::apps::{define, lock, result};
use super::pods;
use crate::marathon::deployment::{Changes, Deployment};
use crate::marathon::path_id;
use crate::marathon::request::{Answer, Answered, Request};
use crate::marathon::spec::{Kind, Spec, list, texts};
use crate::marathon::world::{Change, Group, World};

/// Answers a call whose path begins after `/v2/groups`.
pub(super) fn answer(world: &mut World, request: &Request, path: &[&str]) -> Answered {
    match (&request.method, path) {
        (&Method::GET, [id @ .., "versions"]) => {
            let group = find(world, &joined(id))?;
            Ok(Answer::ok(json!([group.version])))
        }
        (&Method::GET, id) => {
            let id = joined(id);
            find(world, &id)?;
            Ok(Answer::ok(show(world, &id, &Shown::of(request))))
        }
        (&Method::POST, id) => create(world, request, &joined(id)),
        (&Method::PUT, id) => update(world, request, &joined(id)),
        (&Method::DELETE, id) => delete(world, request, &joined(id)),
        (&Method::PATCH, [id]) => patch(world, request, &joined(&[id])),
        _ => Err(Answer::wrong_method()),
    }
}

fn joined(names: &[&str]) -> String {
    format!("/{}", names.join("/"))
}

fn find(world: &World, id: &str) -> Result<Group, Answer> {
    world.groups.get(id).cloned().ok_or_else(|| Answer::not_found(format!("Group '{id}' does not exist")))
}

/// What of a group is shown.
struct Shown {
    apps: Option<Embeds>,
    pods: Option<()>,
    groups: Option<()>,
}

impl Shown {
    fn of(request: &Request) -> Self {
        let embeds: Vec<&str> = request.parameters("embed").collect();
        let asks = |part: &str| embeds.is_empty() || embeds.iter().any(|embed| embed.starts_with(part));
        Self {
            apps: asks("group.apps").then(|| app_info::embeds(request, &[])),
            pods: asks("group.pods").then_some(()),
            groups: asks("group.groups").then_some(()),
        }
    }
}

fn show(world: &World, id: &str, shown: &Shown) -> Value {
    let group = world.groups.get(id).cloned().unwrap_or_default();
    let children = |kind: Kind| {
        world.specs.values().filter(move |spec| spec.kind == kind && path_id::parent(&spec.id) == id)
    };
    let mut info = json!({ "id": id, "dependencies": group.dependencies, "version": group.version });
    if let Some(embeds) = &shown.apps {
        let apps: Vec<Value> = children(Kind::App).map(|spec| app_info::show(world, spec, embeds)).collect();
        info["apps"] = json!(apps);
    }
    if shown.pods.is_some() {
        info["pods"] = json!(children(Kind::Pod).map(|spec| pods::status(world, spec)).collect::<Vec<_>>());
    }
    if shown.groups.is_some() {
        let below = world.groups.keys().filter(|other| *other != "/" && path_id::parent(other) == id);
        info["groups"] = json!(below.map(|other| show(world, other, shown)).collect::<Vec<_>>());
    }
    if let Some(enforce) = group.enforce_role {
        info["enforceRole"] = json!(enforce);
    }
    info
}

/// What a group's document wants.
#[derive(Default)]
struct Wanted {
    specs: BTreeMap<String, Option<Spec>>,
    groups: BTreeMap<String, Option<Group>>,
    ports: BTreeSet<u64>,
}

impl Wanted {
    /// Reads a group's document. Apps and groups that it leaves out go, unless it has no such field at all.
    fn read(&mut self, world: &World, body: &Value, parent: &str) -> Result<(), Answer> {
        let id = path_id::absolute(body["id"].as_str().unwrap_or_default(), parent);
        let dependencies =
            texts(&body["dependencies"]).iter().map(|other| path_id::absolute(other, &id)).collect();
        let group = Group { dependencies, enforce_role: body["enforceRole"].as_bool(), ..Group::default() };
        self.groups.insert(id.clone(), Some(group));
        if body["apps"].is_array() {
            for spec in
                world.specs.values().filter(|spec| spec.kind == Kind::App && path_id::parent(&spec.id) == id)
            {
                self.specs.insert(spec.id.clone(), None);
            }
            for app in list(&body["apps"]) {
                self.app(world, app, &id)?;
            }
        }
        if body["groups"].is_array() {
            for spec in world
                .specs
                .values()
                .filter(|spec| path_id::is_within(&spec.id, &id) && path_id::parent(&spec.id) != id)
            {
                self.specs.insert(spec.id.clone(), None);
            }
            for other in world.groups.keys().filter(|other| path_id::is_within(other, &id)) {
                self.groups.insert(other.clone(), None);
            }
            for group in list(&body["groups"]) {
                // What is named again keeps its pods, which no document of a group can hold.
                let inner = path_id::absolute(group["id"].as_str().unwrap_or_default(), &id);
                for pod in world.specs.values().filter(|spec| spec.kind == Kind::Pod) {
                    if path_id::is_within(&pod.id, &inner) {
                        self.specs.remove(&pod.id);
                    }
                }
                self.read(world, group, &id)?;
            }
        }
        Ok(())
    }

    fn app(&mut self, world: &World, app: &Value, group: &str) -> Result<(), Answer> {
        let id = path_id::absolute(app["id"].as_str().unwrap_or_default(), group);
        if path_id::parent(&id) != group {
            let error = format!("identifier {id} is not child of {group}. Hint: use relative paths.");
            let details = json!([{ "path": "/apps/id", "errors": [error] }]);
            let body = json!({ "message": "Object is not valid", "details": details });
            return Err(Answer::json(StatusCode::UNPROCESSABLE_ENTITY, body));
        }
        let spec = define(world, &id, app.clone(), &mut self.ports)?;
        self.specs.insert(id, Some(spec));
        Ok(())
    }
}

fn change(world: &World, request: &Request, body: &Value, parent: &str) -> Result<Change, Answer> {
    let mut wanted = Wanted::default();
    wanted.read(world, body, parent)?;
    Ok(Change { wanted: wanted.specs, restarts: BTreeSet::new(), lock: lock(request), groups: wanted.groups })
}

fn create(world: &mut World, request: &Request, at: &str) -> Answered {
    let body = request.json()?;
    let id = path_id::absolute(body["id"].as_str().unwrap_or_default(), at);
    if world.groups.contains_key(&id) {
        let message = format!("Group {id} is already created. Use PUT to change this group.");
        return Err(Answer::message(StatusCode::CONFLICT, message));
    }
    let problems = path_id::problems(&id);
    if !problems.is_empty() {
        let details = json!([{ "path": "/id", "errors": problems }]);
        let body = json!({ "message": "Object is not valid", "details": details });
        return Err(Answer::json(StatusCode::UNPROCESSABLE_ENTITY, body));
    }
    let change = change(world, request, &body, at)?;
    let deployment = world.deploy(change)?;
    Ok(result(StatusCode::CREATED, &deployment).with("Location", format!("/v2/groups{id}")))
}

fn update(world: &mut World, request: &Request, at: &str) -> Answered {
    let mut body = request.json()?;
    let change = if let Some(factor) = body["scaleBy"].as_f64() {
        scaled(world, request, at, factor)?
    } else {
        if body.get("id").is_none() || at != "/" {
            body["id"] = json!(at);
        }
        change(world, request, &body, "/")?
    };
    if request.says("dryRun") {
        return Ok(Answer::ok(json!({ "steps": dry_run(world, &change) })));
    }
    let deployment = world.deploy(change)?;
    Ok(result(StatusCode::OK, &deployment))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "numbers of instances are small and not negative"
)]
fn scaled(world: &World, request: &Request, group: &str, factor: f64) -> Result<Change, Answer> {
    find(world, group)?;
    let within = world.specs.values().filter(|spec| path_id::is_within(&spec.id, group));
    let wanted = within
        .map(|spec| (spec.id.clone(), Some(spec.scaled((spec.instances() as f64 * factor).ceil() as usize))))
        .collect();
    Ok(Change::of(wanted, lock(request)))
}

/// The steps that a change would take.
fn dry_run(world: &World, change: &Change) -> Vec<Value> {
    let mut original = Changes::new();
    let mut target = Changes::new();
    for (id, wanted) in &change.wanted {
        let before = world.specs.get(id);
        let next = wanted.as_ref().map(|spec| {
            let mut next = spec.clone();
            let is_config = before.is_none_or(|before| !before.is_scaling_of(&next));
            if is_config {
                "next".clone_into(&mut next.configured_at);
            }
            Arc::new(next)
        });
        let is_same = matches!((before, &next), (Some(before), Some(next)) if before.body == next.body);
        if !is_same {
            original.insert(id.clone(), before.cloned());
            target.insert(id.clone(), next);
        }
    }
    Deployment::plan(original, target, String::new()).shown_steps()
}

fn delete(world: &mut World, request: &Request, id: &str) -> Answered {
    find(world, id)?;
    let within = world.specs.keys().filter(|other| path_id::is_within(other, id));
    let wanted = within.map(|other| (other.clone(), None)).collect();
    let mut change = Change::of(wanted, lock(request));
    if id != "/" {
        change.groups.insert(id.to_owned(), None);
    }
    let deployment = world.deploy(change)?;
    Ok(result(StatusCode::OK, &deployment))
}

fn patch(world: &mut World, request: &Request, id: &str) -> Answered {
    find(world, id)?;
    let body = request.json()?;
    if let Some(group) = world.groups.get_mut(id) {
        group.enforce_role = body["enforceRole"].as_bool();
    }
    Ok(Answer::empty(StatusCode::OK))
}
