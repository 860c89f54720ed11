//! Metronome: jobs, their schedules and their runs.
//!
//! Source: Metronome REST API, `/v1/jobs`.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode};
use indexmap::IndexMap;
use serde_json::{Value, json};

use super::clock::Clock;
use super::deployment::uuid_text;
use super::fate::{Fate, Rules, Subject};
use super::job_shape;
use super::options::Pace;
use super::request::{Answer, Answered, Request};

/// The jobs.
#[derive(Debug, Default)]
pub(super) struct Metronome {
    jobs: BTreeMap<String, Job>,
}

#[derive(Debug)]
struct Job {
    spec: Value,
    schedules: IndexMap<String, Value>,
    runs: IndexMap<String, Run>,
    succeeded: Vec<Value>,
    failed: Vec<Value>,
}

#[derive(Debug)]
struct Run {
    created_at: String,
    began: Instant,
    task_since: Instant,
    is_running: bool,
    fate: Option<Fate>,
    tasks: Vec<Value>,
    is_stopped: bool,
}

impl Metronome {
    /// Answers a call whose path begins after the version.
    pub(super) fn answer(&mut self, request: &Request, path: &[&str]) -> Answered {
        match (&request.method, path) {
            (&Method::GET, ["jobs"]) => {
                let jobs: Vec<Value> = self.jobs.values().map(|job| job.shown(request)).collect();
                Ok(Answer::ok(json!(jobs)))
            }
            (&Method::POST, ["jobs"]) => self.create(request, request.json()?, None),
            (&Method::POST, ["scheduled-jobs"]) => {
                let mut body = request.json()?;
                let schedules = body.as_object_mut().and_then(|body| body.remove("schedules"));
                self.create(request, body, schedules.as_ref())
            }
            (&Method::GET, ["jobs", id]) => Ok(Answer::ok(self.job(id)?.shown(request))),
            (&Method::PUT, ["jobs", id]) => self.update(request, id),
            (&Method::PUT, ["scheduled-jobs", id]) => self.update_with_schedules(request, id),
            (&Method::DELETE, ["jobs", id]) => self.delete(request, id),
            (_, ["jobs", id, "schedules", rest @ ..]) => self.job(id)?.schedules(request, rest),
            (_, ["jobs", id, "runs", rest @ ..]) => self.job(id)?.runs(request, id, rest),
            _ => Err(Answer::not_found("unknown path")),
        }
    }

    fn job(&mut self, id: &str) -> Result<&mut Job, Answer> {
        self.jobs.get_mut(id).ok_or_else(|| Answer::not_found(format!("Job '{id}' does not exist")))
    }

    fn create(&mut self, request: &Request, body: Value, schedules: Option<&Value>) -> Answered {
        job_shape::validate(&body)?;
        let id = body["id"].as_str().unwrap_or_default().to_owned();
        if self.jobs.contains_key(&id) {
            return Err(Answer::message(StatusCode::CONFLICT, "Job with this id already exists"));
        }
        let mut job = Job {
            spec: job_shape::complete(body),
            schedules: IndexMap::new(),
            runs: IndexMap::new(),
            succeeded: Vec::new(),
            failed: Vec::new(),
        };
        job.set_schedules(schedules)?;
        let shown = job.shown(request);
        self.jobs.insert(id, job);
        Ok(Answer::created(shown))
    }

    fn update(&mut self, request: &Request, id: &str) -> Answered {
        let mut body = request.json()?;
        body["id"] = json!(id);
        let job = self.job(id)?;
        job_shape::validate(&body)?;
        job.spec = job_shape::complete(body);
        Ok(Answer::ok(job.shown(request)))
    }

    fn update_with_schedules(&mut self, request: &Request, id: &str) -> Answered {
        let mut body = request.json()?;
        let schedules = body.as_object_mut().and_then(|body| body.remove("schedules"));
        body["id"] = json!(id);
        let job = self.job(id)?;
        job_shape::validate(&body)?;
        job.spec = job_shape::complete(body);
        job.set_schedules(schedules.as_ref())?;
        Ok(Answer::ok(job.shown(request)))
    }

    fn delete(&mut self, request: &Request, id: &str) -> Answered {
        let job = self.job(id)?;
        if !job.runs.is_empty() && !request.says("stopCurrentJobRuns") {
            let runs: Vec<&String> = job.runs.keys().collect();
            return Err(Answer::json(
                StatusCode::CONFLICT,
                json!({ "message": "There are active job runs. Override with stopCurrentJobRuns=true", "details": runs }),
            ));
        }
        let shown = job.shown(request);
        self.jobs.remove(id);
        Ok(Answer::ok(shown))
    }

    /// Lets time pass.
    pub(super) fn advance(&mut self, now: Instant, pace: &Pace, rules: &mut Rules) {
        for (id, job) in &mut self.jobs {
            job.advance(id, now, pace, rules);
        }
    }

    /// Starts what is scheduled, as its hour would: the number of runs.
    pub(super) fn strike(&mut self, id: &str) -> Option<usize> {
        let job = self.jobs.get_mut(id)?;
        let due: Vec<Value> =
            job.schedules.values().filter(|schedule| schedule["enabled"] == json!(true)).cloned().collect();
        let mut started = 0;
        for schedule in due {
            if schedule["concurrencyPolicy"] == json!("ALLOW") || job.runs.is_empty() {
                job.start(id);
                started += 1;
            }
        }
        Some(started)
    }

    /// A job with its schedules and its history.
    pub(super) fn whole(&self, id: &str) -> Option<Value> {
        let job = self.jobs.get(id)?;
        let mut whole = job.spec.clone();
        whole["schedules"] = json!(job.schedules.values().collect::<Vec<_>>());
        whole["history"] = job.history();
        Some(whole)
    }

    /// Every id.
    pub(super) fn ids(&self) -> Vec<&str> {
        self.jobs.keys().map(String::as_str).collect()
    }
}

impl Job {
    fn shown(&self, request: &Request) -> Value {
        let mut shown = self.spec.clone();
        let id = self.spec["id"].as_str().unwrap_or_default();
        for embed in request.parameters("embed") {
            match embed {
                "activeRuns" => {
                    let runs = self.runs.iter().map(|(run_id, run)| run.shown(id, run_id));
                    shown["activeRuns"] = Value::Array(runs.collect());
                }
                "schedules" => shown["schedules"] = json!(self.schedules.values().collect::<Vec<_>>()),
                "history" => shown["history"] = self.history(),
                "historySummary" => {
                    let mut summary = self.history();
                    if let Some(summary) = summary.as_object_mut() {
                        summary.retain(|name, _| !name.ends_with("FinishedRuns"));
                    }
                    shown["historySummary"] = summary;
                }
                _ => {}
            }
        }
        shown
    }

    fn history(&self) -> Value {
        let last = |runs: &[Value]| runs.first().map_or(Value::Null, |run| run["finishedAt"].clone());
        json!({
            "successCount": self.succeeded.len(), "failureCount": self.failed.len(),
            "lastSuccessAt": last(&self.succeeded), "lastFailureAt": last(&self.failed),
            "successfulFinishedRuns": self.succeeded, "failedFinishedRuns": self.failed,
        })
    }

    fn set_schedules(&mut self, schedules: Option<&Value>) -> Result<(), Answer> {
        self.schedules.clear();
        for schedule in schedules.and_then(Value::as_array).into_iter().flatten() {
            let schedule = job_shape::schedule(schedule.clone())?;
            self.schedules.insert(schedule["id"].as_str().unwrap_or_default().to_owned(), schedule);
        }
        Ok(())
    }

    fn schedules(&mut self, request: &Request, path: &[&str]) -> Answered {
        let unknown = |id: &str| Answer::not_found(format!("Schedule '{id}' does not exist"));
        match (&request.method, path) {
            (&Method::GET, []) => Ok(Answer::ok(json!(self.schedules.values().collect::<Vec<_>>()))),
            (&Method::POST, []) => {
                let schedule = job_shape::schedule(request.json()?)?;
                let id = schedule["id"].as_str().unwrap_or_default().to_owned();
                if self.schedules.contains_key(&id) {
                    let message = format!("A schedule with id {id} already exists");
                    return Err(Answer::message(StatusCode::CONFLICT, message));
                }
                self.schedules.insert(id, schedule.clone());
                Ok(Answer::created(schedule))
            }
            (&Method::GET, [id]) => {
                self.schedules.get(*id).cloned().map(Answer::ok).ok_or_else(|| unknown(id))
            }
            (&Method::PUT, [id]) => {
                let mut body = request.json()?;
                body["id"] = json!(id);
                let schedule = job_shape::schedule(body)?;
                *self.schedules.get_mut(*id).ok_or_else(|| unknown(id))? = schedule.clone();
                Ok(Answer::ok(schedule))
            }
            (&Method::DELETE, [id]) => {
                self.schedules.shift_remove(*id).ok_or_else(|| unknown(id))?;
                Ok(Answer::empty(StatusCode::OK))
            }
            _ => Err(Answer::wrong_method()),
        }
    }

    fn runs(&mut self, request: &Request, id: &str, path: &[&str]) -> Answered {
        let unknown = |run: &str| Answer::not_found(format!("Job Run '{run}' does not exist"));
        match (&request.method, path) {
            (&Method::GET, []) => {
                let runs: Vec<Value> = self.runs.iter().map(|(run_id, run)| run.shown(id, run_id)).collect();
                Ok(Answer::ok(json!(runs)))
            }
            (&Method::POST, []) => Ok(Answer::created(self.start(id))),
            (&Method::GET, [run]) => {
                self.runs.get(*run).map(|found| Answer::ok(found.shown(id, run))).ok_or_else(|| unknown(run))
            }
            (&Method::POST, [run, "actions", "stop"]) => {
                self.runs.get_mut(*run).ok_or_else(|| unknown(run))?.is_stopped = true;
                Ok(Answer::empty(StatusCode::OK))
            }
            _ => Err(Answer::wrong_method()),
        }
    }

    fn start(&mut self, id: &str) -> Value {
        let now = Instant::now();
        let run = Run {
            created_at: Clock::now(),
            began: now,
            task_since: now,
            is_running: false,
            fate: None,
            tasks: Vec::new(),
            is_stopped: false,
        };
        let run_id = uuid_text();
        let shown = run.shown(id, &run_id);
        self.runs.insert(run_id, run);
        shown
    }

    fn advance(&mut self, id: &str, now: Instant, pace: &Pace, rules: &mut Rules) {
        let spec = &self.spec;
        let restart = &spec["run"]["restart"];
        let deadline = restart["activeDeadlineSeconds"].as_u64();
        let mut ended: Vec<(String, bool)> = Vec::new();
        for (run_id, run) in &mut self.runs {
            let is_late = deadline.is_some_and(|seconds| {
                now.saturating_duration_since(run.began) > Duration::from_secs(seconds)
            });
            if run.is_stopped || is_late {
                ended.push((run_id.clone(), false));
                continue;
            }
            match run.advance(id, spec, now, (pace, &mut *rules)) {
                Some(true) => ended.push((run_id.clone(), true)),
                Some(false) if restart["policy"] != json!("ON_FAILURE") => {
                    ended.push((run_id.clone(), false));
                }
                _ => {}
            }
        }
        for (run_id, is_success) in ended {
            let Some(run) = self.runs.shift_remove(&run_id) else { continue };
            let tasks: Vec<&Value> = run.tasks.iter().map(|task| &task["id"]).collect();
            let entry = json!({ "id": run_id, "createdAt": run.created_at, "finishedAt": Clock::now(), "tasks": tasks });
            let history = if is_success { &mut self.succeeded } else { &mut self.failed };
            history.insert(0, entry);
            history.truncate(10);
        }
    }
}

impl Run {
    fn shown(&self, job: &str, id: &str) -> Value {
        let status = match (self.tasks.is_empty(), self.is_running) {
            (true, _) => "INITIAL",
            (_, true) => "ACTIVE",
            _ => "STARTING",
        };
        json!({ "id": id, "jobId": job, "status": status, "createdAt": self.created_at, "completedAt": null,
                "tasks": self.tasks })
    }

    /// Goes on; whether a task of it ended well or not, if one ended.
    fn advance(
        &mut self,
        id: &str,
        spec: &Value,
        now: Instant,
        (pace, rules): (&Pace, &mut Rules),
    ) -> Option<bool> {
        if self.fate.is_none() {
            let subject = subject(id, spec);
            if rules.unplaceable(&subject).is_some() {
                return None;
            }
            self.fate = Some(rules.fate(&subject));
            self.task_since = now;
            self.is_running = false;
            let task = format!("{}_{}.instance-{}._app.1", id.replace('.', "_"), uuid_text(), uuid_text());
            self.tasks.push(json!({ "id": task, "startedAt": Clock::now(), "status": "TASK_STAGING" }));
            return None;
        }
        let age = now.saturating_duration_since(self.task_since);
        let ended = match self.fate.as_ref()? {
            Fate::NeverStarts => None,
            Fate::CannotStart { .. } => (age >= pace.start).then_some(false),
            Fate::Exits { after_ms, code } => {
                let end = pace.start + Duration::from_millis(*after_ms);
                (age >= end).then_some(*code == 0)
            }
            _ => (age >= pace.start + pace.job).then_some(true),
        };
        let task = self.tasks.last_mut()?;
        if let Some(is_success) = ended {
            task["status"] = json!(if is_success { "TASK_FINISHED" } else { "TASK_FAILED" });
            task["completedAt"] = json!(Clock::now());
            self.fate = None;
        } else if age >= pace.start {
            task["status"] = json!("TASK_RUNNING");
            self.is_running = true;
        }
        ended
    }
}

fn subject<'a>(id: &'a str, spec: &Value) -> Subject<'a> {
    let run = &spec["run"];
    let images = [&run["docker"]["image"], &run["ucr"]["image"]["id"]];
    let command = run["cmd"].as_str().map(str::to_owned);
    Subject {
        id,
        images: images.into_iter().filter_map(|image| image.as_str().map(str::to_owned)).collect(),
        command: command.unwrap_or_else(|| super::spec::texts(&run["args"]).join(" ")),
    }
}
