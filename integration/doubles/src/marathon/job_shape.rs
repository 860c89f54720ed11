//! Metronome's jobs and schedules as it keeps them, and what it refuses.
//!
//! Source: Metronome REST API, the JSON schemas of jobs and schedules.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::clock::Clock;
use super::request::Answer;
use crate::pattern::pattern;

const ID: &str = r"^([a-z0-9]+(-[a-z0-9]+)*)(\.([a-z0-9]+(-[a-z0-9]+)*))*$";
const JOB: [&str; 5] = ["id", "description", "labels", "run", "dependencies"];
const RUN: [&str; 21] = [
    "args",
    "artifacts",
    "cmd",
    "cpus",
    "gpus",
    "disk",
    "mem",
    "docker",
    "ucr",
    "env",
    "maxLaunchDelay",
    "placement",
    "user",
    "restart",
    "volumes",
    "secrets",
    "networks",
    "taskKillGracePeriodSeconds",
    "executor",
    "tty",
    "gpu",
];

fn invalid(path: &str, error: &str) -> Answer {
    Answer::json(
        StatusCode::UNPROCESSABLE_ENTITY,
        json!({ "message": "Object is not valid", "details": [{ "path": path, "errors": [error] }] }),
    )
}

/// Refuses what the schema does not take.
///
/// # Errors
/// 422 with the first finding.
pub(super) fn validate(job: &Value) -> Result<(), Answer> {
    let unknown = |fields: &Value, known: &[&str]| {
        let names = fields.as_object().into_iter().flat_map(Map::keys);
        names.into_iter().find(|name| !known.contains(&name.as_str())).cloned()
    };
    let is_id = pattern(ID).is_some_and(|id| job["id"].as_str().is_some_and(|text| id.is_match(text)));
    if !is_id {
        return Err(invalid("/id", "must match the pattern of job ids"));
    }
    if let Some(name) = unknown(job, &JOB) {
        return Err(invalid("/", &format!("Additional properties are not allowed but found '{name}'.")));
    }
    let run = &job["run"];
    if !run.is_object() {
        return Err(invalid("/run", "Property run missing."));
    }
    if let Some(name) = unknown(run, &RUN) {
        return Err(invalid("/run", &format!("Additional properties are not allowed but found '{name}'.")));
    }
    for (name, least) in [("cpus", 0.01), ("mem", 32.0), ("disk", 0.0)] {
        match run[name].as_f64() {
            None => return Err(invalid("/run", &format!("Property {name} missing."))),
            Some(number) if number < least => {
                return Err(invalid(
                    &format!("/run/{name}"),
                    &format!("{number} is smaller than required minimum {least}."),
                ));
            }
            Some(_) => {}
        }
    }
    if run.get("cmd").is_some() && run.get("args").is_some() {
        return Err(invalid("/run", "Cmd or args can be specified, not both"));
    }
    if run.get("docker").is_some() && run.get("ucr").is_some() {
        return Err(invalid("/run", "Either Docker or UCR should be provided, but not both"));
    }
    let has_image = run.get("docker").is_some() || run.get("ucr").is_some();
    if run.get("cmd").is_none() && run.get("args").is_none() && !has_image {
        return Err(invalid("/run", "Cmd, args or a docker image needs to be specified"));
    }
    Ok(())
}

/// A job with every default.
pub(super) fn complete(mut job: Value) -> Value {
    fill(&mut job, &json!({ "labels": {} }));
    fill(
        &mut job["run"],
        &json!({
            "artifacts": [], "env": {}, "gpus": 0, "maxLaunchDelay": 3600, "networks": [], "placement": { "constraints": [] },
            "restart": { "policy": "NEVER" }, "secrets": {}, "volumes": [],
        }),
    );
    if job["run"].get("docker").is_some() {
        let defaults = json!({ "forcePullImage": false, "privileged": false, "parameters": [] });
        fill(&mut job["run"]["docker"], &defaults);
    }
    job
}

/// A schedule with every default.
///
/// # Errors
/// 422 with the first finding.
pub(super) fn schedule(mut schedule: Value) -> Result<Value, Answer> {
    let id = schedule["id"].as_str().unwrap_or_default();
    if id.is_empty() || !pattern(ID).is_some_and(|held| held.is_match(id)) {
        return Err(invalid("/id", "must match the pattern of schedule ids"));
    }
    let cron = schedule["cron"].as_str().unwrap_or_default();
    if cron.split_whitespace().count() != 5 {
        return Err(invalid("/cron", "is no cron expression of five fields"));
    }
    let policy = schedule["concurrencyPolicy"].as_str().unwrap_or("ALLOW");
    if !["ALLOW", "FORBID"].contains(&policy) {
        return Err(invalid("/concurrencyPolicy", "Allowed values: ALLOW, FORBID"));
    }
    let zone = schedule["timezone"].as_str().unwrap_or("UTC");
    if jiff::tz::TimeZone::get(zone).is_err() {
        return Err(invalid("/timezone", "No time zone found with this id"));
    }
    let defaults = json!({ "timezone": "UTC", "startingDeadlineSeconds": 900, "concurrencyPolicy": "ALLOW", "enabled": true });
    fill(&mut schedule, &defaults);
    schedule["nextRunAt"] = json!(Clock::now());
    Ok(schedule)
}

fn fill(value: &mut Value, defaults: &Value) {
    let (Some(fields), Some(defaults)) = (value.as_object_mut(), defaults.as_object()) else { return };
    for (name, default) in defaults {
        fields.entry(name).or_insert_with(|| default.clone());
    }
}
