//! Chronos: scheduled jobs by ISO 8601 intervals.
//!
//! Source: Chronos documentation, API.

use axum::http::{Method, StatusCode};
use indexmap::IndexMap;
use serde_json::{Value, json};

use super::request::{Answer, Answered, Request};

/// The jobs, by name.
#[derive(Debug, Default)]
pub(super) struct Chronos(IndexMap<String, Value>);

impl Chronos {
    /// Answers a call whose path begins after the version.
    pub(super) fn answer(&mut self, request: &Request, path: &[&str]) -> Answered {
        match (&request.method, path) {
            (&Method::GET, ["scheduler", "jobs"]) => {
                Ok(Answer::ok(json!(self.0.values().collect::<Vec<_>>())))
            }
            (&Method::GET, ["scheduler", "jobs", "search"]) => {
                let part = request.parameter("name").unwrap_or_default();
                let found: Vec<&Value> =
                    self.0.iter().filter(|(name, _)| name.contains(part)).map(|(_, job)| job).collect();
                Ok(Answer::ok(json!(found)))
            }
            (&Method::POST | &Method::PUT, ["scheduler", "iso8601"]) => self.put(request.json()?),
            (&Method::GET, ["scheduler", "job", name]) => {
                self.0.get(*name).cloned().map(Answer::ok).ok_or_else(|| unknown(name))
            }
            (&Method::PUT, ["scheduler", "job", name]) => {
                let job = self.0.get_mut(*name).ok_or_else(|| unknown(name))?;
                job["successCount"] = json!(job["successCount"].as_u64().unwrap_or(0) + 1);
                Ok(Answer::empty(StatusCode::NO_CONTENT))
            }
            (&Method::DELETE, ["scheduler", "job", name]) => {
                self.0.shift_remove(*name).ok_or_else(|| unknown(name))?;
                Ok(Answer::empty(StatusCode::NO_CONTENT))
            }
            _ => Err(Answer::not_found("unknown path")),
        }
    }

    fn put(&mut self, mut job: Value) -> Answered {
        let name = job["name"].as_str().unwrap_or_default().to_owned();
        let is_name = !name.is_empty()
            && name.chars().all(|letter| letter.is_alphanumeric() || "_-. #".contains(letter));
        if !is_name {
            return Err(Answer::message(StatusCode::BAD_REQUEST, "the job's name is invalid"));
        }
        let schedule = job["schedule"].as_str().unwrap_or_default();
        let is_schedule = schedule.starts_with('R') && schedule.split('/').count() == 3;
        if !is_schedule {
            return Err(Answer::message(StatusCode::BAD_REQUEST, "the schedule is no ISO 8601 repetition"));
        }
        let before = self.0.get(&name);
        for count in ["successCount", "errorCount"] {
            job[count] = json!(before.and_then(|before| before[count].as_u64()).unwrap_or(0));
        }
        let defaults = json!({ "disabled": false, "retries": 2, "cpus": 0.1, "mem": 128, "disk": 256, "epsilon": "PT60S",
                               "shell": true, "concurrent": false, "owner": "", "scheduleTimeZone": "" });
        for (key, value) in defaults.as_object().into_iter().flatten() {
            if job.get(key).is_none() {
                job[key] = value.clone();
            }
        }
        self.0.insert(name, job);
        Ok(Answer::empty(StatusCode::NO_CONTENT))
    }

    /// Every name.
    pub(super) fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

fn unknown(name: &str) -> Answer {
    Answer::message(StatusCode::BAD_REQUEST, format!("requirement failed: Job '{name}' not found"))
}
