//! What is read of Mesos itself: its agents and the files of a task's sandbox.
//!
//! Source: Mesos documentation, HTTP endpoints `/slaves`, `/state` and `/files/read`.

use serde_json::{Value, json};

use crate::marathon::instance::Instance;
use crate::marathon::options::Agent;
use crate::marathon::request::{Answer, Answered, Request};
use crate::marathon::world::World;

/// Answers a call to the master or to an agent, directly or as DC/OS forwards it.
pub(super) fn answer(world: &World, request: &Request, path: &[&str]) -> Answered {
    match path {
        ["mesos", "slaves"] | ["mesos", "master", "slaves"] | ["slaves"] => {
            let agents: Vec<Value> = world.options.agents.iter().map(|agent| slave(agent, request)).collect();
            Ok(Answer::ok(json!({ "slaves": agents, "recovered_slaves": [] })))
        }
        ["agent" | "slave", id, "slave(1)", "state"] | ["agent" | "slave", id, "state"] => {
            Ok(state(world, id))
        }
        ["agent" | "slave", _, "slave(1)", "files", "read"] | ["agent" | "slave", _, "files", "read"] => {
            read(world, request)
        }
        _ => Err(Answer::not_found("unknown path")),
    }
}

fn slave(agent: &Agent, request: &Request) -> Value {
    let host = request.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost:5051");
    json!({
        "id": agent.id, "hostname": agent.host, "active": true, "pid": format!("slave(1)@{host}"),
        "attributes": agent.attributes, "resources": { "cpus": agent.cpus, "mem": agent.mem, "gpus": agent.gpus },
    })
}

fn directory(instance: &Instance) -> String {
    format!("/var/lib/mesos/slave/slaves/{}/executors/{}/runs/latest", instance.agent.id, instance.task_id())
}

fn state(world: &World, agent: &str) -> Answer {
    let there = world.instances.values().filter(|instance| instance.agent.id == agent);
    let executors: Vec<Value> = there
        .map(|instance| {
            let id = instance.task_id();
            let task = json!({ "id": id, "state": instance.mesos_state() });
            json!({ "id": id, "directory": directory(instance), "tasks": [task], "completed_tasks": [] })
        })
        .collect();
    let framework = json!({ "name": "marathon", "executors": executors, "completed_executors": [] });
    Answer::ok(json!({ "id": agent, "frameworks": [framework], "completed_frameworks": [] }))
}

/// A part of a file: every task prints one line that names it.
fn read(world: &World, request: &Request) -> Answered {
    let path = request.parameter("path").unwrap_or_default();
    let found = world.instances.values().find(|instance| path.starts_with(&directory(instance)));
    let instance = found.ok_or_else(|| Answer::not_found("Failed to find path"))?;
    let text = match path.rsplit('/').next() {
        Some("stdout") => format!("{} says hello\n", instance.task_id()),
        _ => String::new(),
    };
    let offset = request.parameter("offset").and_then(|offset| offset.parse::<i64>().ok()).unwrap_or(0);
    let Ok(offset) = usize::try_from(offset) else {
        return Ok(Answer::ok(json!({ "data": "", "offset": text.len() })));
    };
    let length = request.parameter("length").and_then(|length| length.parse().ok()).unwrap_or(usize::MAX);
    let data: String = text.chars().skip(offset).take(length).collect();
    Ok(Answer::ok(json!({ "data": data, "offset": offset })))
}
