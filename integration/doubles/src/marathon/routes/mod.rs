//! The paths of the API.

mod app_info;
mod apps;
mod groups;
mod mesos;
mod others;
mod pods;
mod selector;

use axum::http::StatusCode;
use serde_json::json;

use super::options::Part;
use super::request::{Answer, Answered, Request};
use super::world::World;

/// Answers a call, whichever server it is for.
///
/// All of them are behind one address, at their own paths and at those that DC/OS gives them.
pub(super) fn answer(world: &mut World, request: &Request) -> Answered {
    let segments = request.segments();
    let path = match segments.as_slice() {
        ["service", "marathon" | "metronome" | "chronos", rest @ ..] | ["marathon", rest @ ..] => rest,
        all => all,
    };
    match path {
        ["v2", "apps", rest @ ..] => apps::answer(world, request, rest),
        ["v2", "groups", rest @ ..] => groups::answer(world, request, rest),
        ["v2", "pods", rest @ ..] => pods::answer(world, request, rest),
        ["v2", "deployments", rest @ ..] => others::deployments(world, request, rest),
        ["v2", "queue", rest @ ..] => others::queue(world, request, rest),
        ["v2", "tasks", rest @ ..] => others::tasks(world, request, rest),
        ["v2", "info"] => Ok(others::info(world, request)),
        ["v2", "leader"] => Ok(others::leader(request)),
        ["v2", "plugins"] => Ok(Answer::ok(json!({ "plugins": [] }))),
        ["ping"] => Ok(Answer::text("pong\n")),
        ["metrics"] => Ok(Answer::ok(json!({ "start": "", "end": "", "counters": {}, "gauges": {} }))),
        ["mesos" | "agent" | "slave" | "slaves", ..] => mesos::answer(world, request, path),
        _ => beside(world, request, path),
    }
}

/// Answers a call for what may be there beside Marathon.
fn beside(world: &mut World, request: &Request, path: &[&str]) -> Answered {
    let (part, name) = match path {
        ["v1", "scheduler", ..] => (Part::Chronos, "Chronos"),
        ["v0" | "v1", ..] => (Part::Metronome, "Metronome"),
        ["secrets", "v1", "secret", _, ..] => (Part::Secrets, "the secret store"),
        _ => return Err(Answer::message(StatusCode::NOT_FOUND, "HTTP 404 Not Found")),
    };
    if !world.options.has(part) {
        return Err(Answer::message(StatusCode::NOT_FOUND, format!("{name} is not there")));
    }
    match part {
        Part::Chronos => world.chronos.answer(request, &path[1..]),
        Part::Metronome => world.metronome.answer(request, &path[1..]),
        _ => world.secrets.answer(request, &path[4..].join("/")),
    }
}
