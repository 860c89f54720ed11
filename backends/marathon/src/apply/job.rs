//! Jobs of Metronome.

use rhumb_backend::{Action, Error, ErrorKind, Live, Receipt, Result, Retry};
use serde_json::{Map, Value};

use super::{Work, gone_meanwhile};
use crate::connect::{Call, Service};
use crate::document::{items, label, text};
use crate::names;
use crate::observe::{job_live, one_job};
use crate::rollout::Rollout;

impl Work<'_> {
    pub(super) async fn job(&self) -> Result<Receipt> {
        let native = self.native()?;
        match self.step.action {
            Action::Create => self.create_job(&native).await,
            Action::Update => self.update_job(&native).await,
            Action::Replace => {
                if self.is_old(&native).await? {
                    self.remove_job(&native).await?;
                }
                self.create_job(&native).await
            }
            Action::Delete | Action::Collect => {
                self.remove_job(&native).await?;
                Ok(self.gone(&native, &Rollout::default()))
            }
            Action::Await => self.look_at_job(&native).await,
        }
    }

    /// Whether the job that is there is the one to be made anew, and not what an answer that got lost has made: a job
    /// that ran another content, or one that failed.
    async fn is_old(&self, native: &str) -> Result<bool> {
        let Some(there) = one_job(self.server, native).await? else { return Ok(false) };
        let is_same = self.step.object.once.as_deref() == label(&there, names::GENERATION);
        let failed = crate::observe::job_state(&there) == Some(Live::JOB_FAILED);
        Ok(!is_same || failed)
    }

    async fn create_job(&self, native: &str) -> Result<Receipt> {
        let (body, schedules) = parts(&self.step.object.body);
        let call = Call::post(self.kind.writing(), "/v1/jobs", body).of(Service::Metronome);
        if let Err(error) = self.server.send(call).await {
            if error.kind != ErrorKind::AlreadyExists {
                return Err(error);
            }
            let there = one_job(self.server, native).await?;
            // Its schedules may not have been made before the answer got lost.
            let there = there.map(|there| with_schedules(there, &schedules));
            let live = there.and_then(|there| job_live(self.scope, &there, &self.step.id));
            self.recognised(live, error)?;
        }
        self.settle(native, &schedules).await
    }

    async fn update_job(&self, native: &str) -> Result<Receipt> {
        let (body, schedules) = parts(&self.step.object.body);
        let call = Call::put(self.kind.writing(), format!("/v1/jobs/{native}"), body).of(Service::Metronome);
        self.server.send(call).await.map_err(|error| match error.kind {
            ErrorKind::NotFound => error.retry(Retry::AfterRead),
            _ => error,
        })?;
        self.settle(native, &schedules).await
    }

    /// Makes the schedules what they are wanted to be, and starts what runs once and never ran.
    async fn settle(&self, native: &str, schedules: &[Value]) -> Result<Receipt> {
        let there = one_job(self.server, native).await?.ok_or_else(|| gone_meanwhile(self.kind))?;
        for schedule in schedules {
            self.put_schedule(native, &there, schedule).await?;
        }
        let is_wanted = |old: &&Value| schedules.iter().any(|new| new.get("id") == old.get("id"));
        for old in items(&there, "/schedules").filter(|old| !is_wanted(old)) {
            let id = text(old, "/id").unwrap_or_default();
            let call = Call::delete("remove the schedule", format!("/v1/jobs/{native}/schedules/{id}"));
            match self.server.send(call.of(Service::Metronome)).await {
                Err(error) if error.kind != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        if self.step.object.once.is_none() {
            return Ok(self.receipt(native, &Rollout::default()));
        }
        let run = match run_of(&there) {
            Some(run) => run,
            None => self.start(native).await?,
        };
        Ok(self.receipt(native, &Rollout { run: Some(run), ..Rollout::default() }))
    }

    async fn put_schedule(&self, native: &str, there: &Value, schedule: &Value) -> Result<()> {
        let id = text(schedule, "/id").unwrap_or_default();
        let old = items(there, "/schedules").find(|old| text(old, "/id") == Some(id));
        let call = match old {
            Some(old) if is_same(old, schedule) => return Ok(()),
            Some(_) => {
                let path = format!("/v1/jobs/{native}/schedules/{id}");
                Call::put("change the schedule", path, schedule.clone())
            }
            None => Call::post("make the schedule", format!("/v1/jobs/{native}/schedules"), schedule.clone()),
        };
        match self.server.send(call.of(Service::Metronome)).await {
            // A repeated call whose first answer got lost.
            Err(error) if error.kind == ErrorKind::AlreadyExists => Ok(()),
            other => other.map(drop),
        }
    }

    async fn start(&self, native: &str) -> Result<String> {
        let path = format!("/v1/jobs/{native}/runs");
        let call = Call::post("start the job", path, Value::Object(Map::new())).of(Service::Metronome);
        let run: Value = self.server.json(call).await?;
        text(&run, "/id").map(ToOwned::to_owned).ok_or_else(|| {
            Error::new(ErrorKind::Platform, "start the job", "Metronome does not tell the run's id")
        })
    }

    async fn remove_job(&self, native: &str) -> Result<()> {
        let call = Call::delete(self.kind.removing(), format!("/v1/jobs/{native}")).of(Service::Metronome);
        // Else a job that runs could not be removed.
        match self.server.send(call.query("stopCurrentJobRuns", "true")).await {
            Err(error) if error.kind != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    async fn look_at_job(&self, native: &str) -> Result<Receipt> {
        let there = one_job(self.server, native).await?.ok_or_else(|| gone_meanwhile(self.kind))?;
        let is_scheduled = items(&there, "/schedules").next().is_some();
        let run = if is_scheduled { None } else { run_of(&there) };
        Ok(self.receipt(native, &Rollout { run, ..Rollout::default() }))
    }
}

/// The job without its schedules, which are made by calls of their own, and these.
fn parts(body: &Value) -> (Value, Vec<Value>) {
    let mut body = body.clone();
    let schedules = body.as_object_mut().and_then(|body| body.shift_remove("schedules"));
    let schedules = schedules.and_then(|schedules| schedules.as_array().cloned()).unwrap_or_default();
    (body, schedules)
}

fn with_schedules(mut there: Value, schedules: &[Value]) -> Value {
    if let Some(there) = there.as_object_mut().filter(|_| !schedules.is_empty()) {
        there.insert("schedules".to_owned(), Value::Array(schedules.to_vec()));
    }
    there
}

/// Whether a schedule that is there says what the wanted one says.
fn is_same(old: &Value, new: &Value) -> bool {
    let new = new.as_object().into_iter().flatten();
    new.into_iter().all(|(key, value)| old.get(key) == Some(value))
}

/// The run of a job that runs once: one that is under way, else the last that ended.
fn run_of(job: &Value) -> Option<String> {
    let active = items(job, "/activeRuns").find_map(|run| text(run, "/id"));
    let ended = || {
        let runs =
            items(job, "/history/successfulFinishedRuns").chain(items(job, "/history/failedFinishedRuns"));
        runs.max_by_key(|run| text(run, "/finishedAt").unwrap_or_default().to_owned())
            .and_then(|run| text(run, "/id"))
    };
    active.or_else(ended).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_run_that_is_under_way_goes_before_those_that_ended() {
        let history = json!({
            "successfulFinishedRuns": [{ "id": "a", "finishedAt": "2026-01-01T00:00:00Z" }],
            "failedFinishedRuns": [{ "id": "b", "finishedAt": "2026-01-02T00:00:00Z" }],
        });
        assert_eq!(run_of(&json!({ "history": history })).as_deref(), Some("b"));
        assert_eq!(
            run_of(&json!({ "history": history, "activeRuns": [{ "id": "c" }] })).as_deref(),
            Some("c")
        );
        assert_eq!(run_of(&json!({})), None);
    }

    #[test]
    fn schedules_go_their_own_way() {
        let (body, schedules) =
            parts(&json!({ "id": "a", "schedules": [{ "id": "x", "cron": "0 0 * * *" }] }));
        assert_eq!(body, json!({ "id": "a" }));
        assert!(is_same(&json!({ "id": "x", "cron": "0 0 * * *", "nextRunAt": "…" }), &schedules[0]));
        assert!(!is_same(&json!({ "id": "x", "cron": "1 0 * * *" }), &schedules[0]));
    }
}
