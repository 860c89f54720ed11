//! `/_double/…`: how tests of other processes tell the double what to do, and ask it what it saw.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::fate::Rule;
use super::fault::FaultRule;
use super::request::{Answer, Answered, Request};
use super::server::Shared;

/// Answers a call whose path begins after `/_double`.
pub(super) fn answer(shared: &Shared, request: &Request, path: &[&str]) -> Answered {
    match (&request.method, path) {
        (&Method::POST, ["rules"]) => {
            shared.world().rules.tell(read::<Rule>(request)?);
            Ok(done())
        }
        (&Method::DELETE, ["rules"]) => {
            shared.world().rules.forget();
            Ok(done())
        }
        (&Method::POST, ["faults"]) => {
            shared.faults().add(read::<FaultRule>(request)?);
            Ok(done())
        }
        (&Method::DELETE, ["faults"]) => {
            shared.faults().clear();
            Ok(done())
        }
        (&Method::POST, ["latency"]) => {
            let milliseconds = request.json()?["milliseconds"].as_u64().unwrap_or(0);
            shared.faults().latency = Duration::from_millis(milliseconds);
            Ok(done())
        }
        (&Method::GET, ["counts"]) => Ok(Answer::ok(json!(shared.faults().counts))),
        (&Method::DELETE, ["counts"]) => {
            shared.faults().counts.clear();
            Ok(done())
        }
        (&Method::GET, ["violations"]) => Ok(Answer::ok(json!(shared.violations()))),
        (&Method::GET, ["state"]) => Ok(Answer::ok(state(shared))),
        (&Method::POST, ["strike", job]) => {
            let started = shared.world().metronome.strike(job);
            started
                .map(|count| Answer::ok(json!({ "started": count })))
                .ok_or_else(|| Answer::not_found("no such job"))
        }
        _ => Err(Answer::not_found("unknown path")),
    }
}

fn done() -> Answer {
    Answer::empty(StatusCode::NO_CONTENT)
}

fn read<T: serde::de::DeserializeOwned>(request: &Request) -> Result<T, Answer> {
    serde_json::from_value(request.json()?)
        .map_err(|error| Answer::message(StatusCode::BAD_REQUEST, error.to_string()))
}

/// What there is, by names.
pub(super) fn state(shared: &Shared) -> Value {
    let world = shared.world();
    let volumes: Vec<&String> = world.volumes.values().flatten().flat_map(|one| &one.volumes).collect();
    json!({
        "specs": world.specs.keys().collect::<Vec<_>>(),
        "groups": world.groups.keys().filter(|id| *id != "/").collect::<Vec<_>>(),
        "instances": world.instances.values().map(|one| json!({ "id": one.id, "spec": one.spec.id })).collect::<Vec<_>>(),
        "deployments": world.deployments.keys().collect::<Vec<_>>(),
        "jobs": world.metronome.ids(),
        "chronos": world.chronos.names(),
        "secrets": world.secrets.paths(),
        "volumes": volumes,
    })
}
