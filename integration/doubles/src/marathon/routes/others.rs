//! Deployments, the queue, tasks, and what Marathon says of itself.

use std::collections::BTreeMap;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::app_info;
use super::apps::{find, lock, result};
use crate::marathon::deployment::Deployment;
use crate::marathon::instance::{Instance, Phase};
use crate::marathon::options::Part;
use crate::marathon::request::{Answer, Answered, Content, Request};
use crate::marathon::spec::{Kind, texts};
use crate::marathon::world::{Change, Waiting, World, unknown_deployment};

/// Mesos' reasons to decline an offer, in the order in which Marathon finds them.
const REASONS: [&str; 10] = [
    "UnfulfilledRole",
    "UnfulfilledConstraint",
    "NoCorrespondingReservationFound",
    "AgentMaintenance",
    "InsufficientCpus",
    "InsufficientMemory",
    "InsufficientDisk",
    "InsufficientGpus",
    "InsufficientPorts",
    "DeclinedScarceResources",
];

/// `/v2/deployments`.
pub(super) fn deployments(world: &mut World, request: &Request, path: &[&str]) -> Answered {
    match (&request.method, path) {
        (&Method::GET, []) => {
            let readiness = |id: &str| app_info::readiness(world, id);
            let all: Vec<Value> = world.deployments.values().map(|one| one.shown(readiness)).collect();
            Ok(Answer::ok(json!(all)))
        }
        (&Method::DELETE, [id]) if request.says("force") => {
            world.cancel(id).ok_or_else(|| unknown_deployment(id))?;
            Ok(Answer::empty(StatusCode::ACCEPTED))
        }
        (&Method::DELETE, [id]) => {
            let reverted: Deployment = world.revert(id)?;
            Ok(result(StatusCode::OK, &reverted))
        }
        _ => Err(Answer::wrong_method()),
    }
}

/// `/v2/queue`.
pub(super) fn queue(world: &mut World, request: &Request, path: &[&str]) -> Answered {
    match (&request.method, path) {
        (&Method::GET, []) => {
            let with_offers = request.parameters("embed").any(|embed| embed == "lastUnusedOffers");
            let all: Vec<Value> = world
                .queue
                .values()
                .map(|waiting| {
                    let mut shown = shown(world, waiting);
                    if with_offers {
                        shown["lastUnusedOffers"] = json!([]);
                    }
                    shown
                })
                .collect();
            Ok(Answer::ok(json!({ "queue": all })))
        }
        (&Method::DELETE, [id @ .., "delay"]) => {
            let id = format!("/{}", id.join("/"));
            let is_known = world.queue.contains_key(&id);
            world.backoffs.remove(&id);
            if is_known {
                Ok(Answer::empty(StatusCode::NO_CONTENT))
            } else {
                Err(Answer::not_found(format!("Application {id} not found in tasks queue.")))
            }
        }
        _ => Err(Answer::wrong_method()),
    }
}

fn shown(world: &World, waiting: &Waiting) -> Value {
    let now = std::time::Instant::now();
    let left = world.backoffs.get(&waiting.spec.id).map_or(0.0, |backoff| {
        let scale = world.options.pace.second.as_secs_f64().max(0.001);
        backoff.until.saturating_duration_since(now).as_secs_f64() / scale
    });
    let steps: Vec<Value> = REASONS
        .iter()
        .map(|reason| {
            let declined = waiting.reasons.get(*reason).copied().unwrap_or(0);
            json!({ "reason": reason, "declined": declined, "processed": waiting.offers })
        })
        .collect();
    let agents = world.options.agents.len();
    let last: Vec<Value> = REASONS
        .iter()
        .map(|reason| {
            let declined = if waiting.reasons.contains_key(*reason) { agents } else { 0 };
            json!({ "reason": reason, "declined": declined, "processed": agents })
        })
        .collect();
    let mut summary = json!({
        "processedOffersCount": waiting.offers, "unusedOffersCount": waiting.offers,
        "rejectSummaryLastOffers": last, "rejectSummaryLaunchAttempt": steps,
    });
    if let Some(at) = &waiting.last_offer_at {
        summary["lastUnusedOfferAt"] = json!(at);
    }
    let key = if waiting.spec.kind == Kind::App { "app" } else { "pod" };
    json!({
        key: waiting.spec.shown(), "count": waiting.count, "role": "*", "since": waiting.since,
        "delay": { "timeLeftSeconds": whole_seconds(left), "overdue": left <= 0.0 },
        "processedOffersSummary": summary,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "delays are short and not negative"
)]
fn whole_seconds(seconds: f64) -> u64 {
    seconds.ceil() as u64
}

/// `/v2/tasks`.
pub(super) fn tasks(world: &mut World, request: &Request, path: &[&str]) -> Answered {
    match (&request.method, path) {
        (&Method::GET, []) => {
            let wanted: Vec<&str> =
                request.parameters("status").chain(request.parameters("status[]")).collect();
            let meets = |phase: Phase| {
                wanted.is_empty()
                    || wanted.contains(&"staging") && phase == Phase::Staging
                    || wanted.contains(&"running") && phase == Phase::Running
            };
            let apps = world.instances.values().filter(|one| one.spec.kind == Kind::App && meets(one.phase));
            Ok(Answer::ok(json!({ "tasks": apps.map(Instance::task).collect::<Vec<_>>() })))
        }
        (&Method::POST, ["delete"]) => {
            let ids = texts(&request.json()?["ids"]);
            let unknown = ids.iter().find(|id| !world.instances.values().any(|one| one.task_id() == **id));
            if let Some(id) = unknown {
                return Err(Answer::message(StatusCode::BAD_REQUEST, format!("Invalid task id '{id}'.")));
            }
            kill(world, request, |id, _| ids.iter().any(|wanted| wanted == id))
        }
        _ => Err(Answer::wrong_method()),
    }
}

/// `/v2/apps/{id}/tasks`.
pub(super) fn app_tasks(world: &mut World, request: &Request, id: &str) -> Answered {
    find(world, id)?;
    match request.method {
        Method::GET => {
            let tasks: Vec<Value> = world.instances_of(id).map(Instance::task).collect();
            Ok(Answer::ok(json!({ "tasks": tasks })))
        }
        Method::DELETE => kill(world, request, |_, app| app == id),
        _ => Err(Answer::wrong_method()),
    }
}

/// `DELETE /v2/apps/{id}/tasks/{task}`.
pub(super) fn kill_task(world: &mut World, request: &Request, (id, task): (&str, &str)) -> Answered {
    find(world, id)?;
    if !world.instances_of(id).any(|one| one.task_id() == task) {
        return Err(Answer::not_found(format!("Task '{task}' does not exist")));
    }
    let mut answer = kill(world, request, |other, _| other == task)?;
    if let Content::Json(body) = &mut answer.content
        && let Some(first) = body.get("tasks").and_then(|tasks| tasks.get(0)).cloned()
    {
        *body = json!({ "task": first });
    }
    Ok(answer)
}

/// Kills tasks; with `scale=true` as a deployment to as many fewer instances.
fn kill(world: &mut World, request: &Request, is_meant: impl Fn(&str, &str) -> bool) -> Answered {
    let host = request.parameter("host");
    let meant: Vec<String> = world
        .instances
        .values()
        .filter(|one| {
            is_meant(&one.task_id(), &one.spec.id) && host.is_none_or(|host| one.agent.host == host)
        })
        .map(|one| one.id.clone())
        .collect();
    let mut tasks = Vec::new();
    let mut fewer: BTreeMap<String, usize> = BTreeMap::new();
    for id in &meant {
        if let Some(instance) = world.instances.get_mut(id) {
            tasks.push(instance.task());
            *fewer.entry(instance.spec.id.clone()).or_default() += 1;
        }
    }
    let mut deployment = None;
    if request.says("scale") {
        let specs = fewer.iter().filter_map(|(id, count)| Some((world.specs.get(id)?, count)));
        let wanted = specs
            .map(|(spec, count)| {
                (spec.id.clone(), Some(spec.scaled(spec.instances().saturating_sub(*count))))
            })
            .collect();
        deployment = Some(world.deploy(Change::of(wanted, lock(request)))?);
    }
    for id in &meant {
        if let Some(instance) = world.instances.get_mut(id) {
            instance.kill();
            if request.says("wipe") {
                let app = instance.spec.id.clone();
                if let Some(all) = world.volumes.get_mut(&app) {
                    all.retain(|reservation| reservation.held_by.as_ref() != Some(id));
                }
            }
        }
    }
    Ok(deployment.map_or_else(
        || Answer::ok(json!({ "tasks": tasks })),
        |deployment| result(StatusCode::OK, &deployment),
    ))
}

/// `/v2/info`.
pub(super) fn info(world: &World, request: &Request) -> Answer {
    let host = request.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost:8080");
    let features = [
        (Part::Secrets, "secrets"),
        (Part::ExternalVolumes, "external_volumes"),
        (Part::Gpus, "gpu_resources"),
    ];
    let features: Vec<&str> =
        features.into_iter().filter(|(part, _)| world.options.has(*part)).map(|(_, name)| name).collect();
    let mut config = json!({
        "access_control_allow_origin": [], "checkpoint": true, "decline_offer_duration": 300_000, "executor": "//cmd",
        "failover_timeout": 604_800, "features": features, "framework_name": "marathon", "ha": true,
        "hostname": "localhost", "launch_token": 100, "launch_token_refresh_interval": 30_000,
        "leader_proxy_connection_timeout_ms": 5000, "leader_proxy_read_timeout_ms": 10_000, "local_port_max": 20_000,
        "local_port_min": 10_000, "master": "zk://localhost:2181/mesos", "max_instances_per_offer": 100,
        "mesos_bridge_name": "mesos-bridge", "mesos_leader_ui_url": format!("http://{host}/mesos"),
        "mesos_role": "slave_public", "mesos_user": "root", "min_revive_offers_interval": 5000,
        "offer_matching_timeout": 3000, "on_elected_prepare_timeout": 180_000, "reconciliation_initial_delay": 15_000,
        "reconciliation_interval": 600_000, "scale_apps_initial_delay": 15_000, "scale_apps_interval": 300_000,
        "store_cache": true, "task_launch_confirm_timeout": 300_000, "task_launch_timeout": 300_000,
        "task_lost_expunge_initial_delay": 300_000, "task_lost_expunge_interval": 30_000,
        "task_reservation_timeout": 20_000, "webui_url": null,
    });
    if let Some(network) = &world.options.network {
        config["default_network_name"] = json!(network);
    }
    Answer::ok(json!({
        "name": "marathon", "version": world.options.version, "buildref": "unknown", "elected": true, "leader": host,
        "frameworkId": "8ad0ce2e-0b1f-4a2f-a1f2-0d3a6a3d7c21-0001", "marathon_config": config,
        "zookeeper_config": {
            "zk": "zk://localhost:2181/marathon", "zk_compression": true, "zk_compression_threshold": 65_536,
            "zk_connection_timeout": 10_000, "zk_max_node_size": 1_024_000, "zk_max_versions": 50,
            "zk_session_timeout": 10_000, "zk_timeout": 10_000,
        },
        "http_config": { "http_port": 8080, "https_port": 8443 },
    }))
}

/// `/v2/leader`.
pub(super) fn leader(request: &Request) -> Answer {
    let host = request.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost:8080");
    match request.method {
        Method::DELETE => Answer::ok(json!({ "message": "Leadership abdicated" })),
        _ => Answer::ok(json!({ "leader": host })),
    }
}
