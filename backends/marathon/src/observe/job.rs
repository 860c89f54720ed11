//! Jobs of Metronome and of Chronos.

use rhumb_backend::{Live, ObjectId, Result, Scope};
use serde_json::Value;

use super::{Found, id_of, list};
use crate::connect::{Call, Server, Service};
use crate::document::{count, is_after, is_ours, items, label, text};
use crate::kind::Kind;
use crate::{names, normalize};

/// What is said of a job beside what it is wanted to be.
///
/// Source: Metronome API, `GET /v1/jobs`, `embed`.
const EMBEDS: [&str; 3] = ["activeRuns", "schedules", "historySummary"];

/// The release's jobs of Metronome.
pub(super) async fn metronome(server: &Server, scope: &Scope, ids: &[ObjectId]) -> Result<Vec<Live>> {
    if !server.has(&Service::Metronome)? {
        return Ok(Vec::new());
    }
    let jobs = jobs(server, scope).await?;
    Ok(jobs.iter().filter_map(|job| live(scope, job, ids)).collect())
}

/// Metronome's jobs that bear the release's marks, or whose ids begin as those of the release do.
///
/// # Errors
/// What Metronome answers. One that is not there has no jobs.
pub(crate) async fn jobs(server: &Server, scope: &Scope) -> Result<Vec<Value>> {
    let mut call = Call::get("list the jobs", "/v1/jobs").of(Service::Metronome);
    for embed in EMBEDS {
        call = call.query("embed", embed);
    }
    let prefix = names::job(scope, "");
    let jobs = list(server, call).await?;
    let is_wanted =
        |job: &Value| is_ours(scope, job) || text(job, "/id").is_some_and(|id| id.starts_with(&prefix));
    Ok(jobs.into_iter().filter(is_wanted).collect())
}

/// One job of Metronome, with its runs.
///
/// # Errors
/// What Metronome answers.
pub(crate) async fn one_job(server: &Server, native: &str) -> Result<Option<Value>> {
    let mut call = Call::get("read the job", format!("/v1/jobs/{native}")).of(Service::Metronome);
    for embed in ["activeRuns", "schedules", "history"] {
        call = call.query("embed", embed);
    }
    server.find(call).await
}

/// A job as an object, where it is a wanted one or bears the release's marks.
pub(crate) fn job_live(scope: &Scope, job: &Value, id: &ObjectId) -> Option<Live> {
    live(scope, job, std::slice::from_ref(id))
}

/// A job that runs once has its content's hash as a label; what became of it is told by its runs.
fn live(scope: &Scope, job: &Value, ids: &[ObjectId]) -> Option<Live> {
    let native = job.get("id")?.as_str()?;
    let id = id_of(scope, Kind::Job, job, native, ids)?;
    let mut live = Found { scope, id, native, document: job }.live(normalize::document(job));
    if items(job, "/schedules").next().is_none() {
        live.object.once = label(job, names::GENERATION).map(ToOwned::to_owned);
        if let Some(state) = job_state(job) {
            live.outputs.insert(Live::JOB.to_owned(), state.to_owned());
        }
    }
    Some(live)
}

/// What became of a job that runs once: by its last run that ended, unless one is under way.
///
/// Source: Metronome API, `JobHistorySummary`.
pub(crate) fn job_state(job: &Value) -> Option<&'static str> {
    if items(job, "/activeRuns").next().is_some() {
        return None;
    }
    let summary = job.get("historySummary").or_else(|| job.get("history"))?;
    let moment = |at| text(summary, at).filter(|moment| !moment.is_empty());
    match (moment("/lastSuccessAt"), moment("/lastFailureAt")) {
        (Some(success), Some(failure)) if is_after(failure, success) => Some(Live::JOB_FAILED),
        (Some(_), _) => Some(Live::JOB_SUCCEEDED),
        (None, Some(_)) => Some(Live::JOB_FAILED),
        (None, None) if count(summary, "/successCount") > 0 => Some(Live::JOB_SUCCEEDED),
        (None, None) if count(summary, "/failureCount") > 0 => Some(Live::JOB_FAILED),
        (None, None) => None,
    }
}

/// The release's jobs of Chronos.
pub(super) async fn chronos(server: &Server, scope: &Scope, ids: &[ObjectId]) -> Result<Vec<Live>> {
    if !server.has(&Service::Chronos)? {
        return Ok(Vec::new());
    }
    let jobs = chronos_jobs(server, scope).await?;
    Ok(jobs.iter().filter_map(|job| chronos_live(scope, job, ids)).collect())
}

/// Chronos' jobs whose names begin as those of the release do. Chronos may not give back the labels of a job.
///
/// # Errors
/// What Chronos answers.
async fn chronos_jobs(server: &Server, scope: &Scope) -> Result<Vec<Value>> {
    let call = Call::get("list the scheduled jobs", "/v1/scheduler/jobs").of(Service::Chronos);
    let prefix = names::job(scope, "");
    let jobs = list(server, call).await?;
    Ok(jobs
        .into_iter()
        .filter(|job| text(job, "/name").is_some_and(|name| name.starts_with(&prefix)))
        .collect())
}

fn chronos_live(scope: &Scope, job: &Value, ids: &[ObjectId]) -> Option<Live> {
    let native = job.get("name")?.as_str()?;
    let name = native.strip_prefix(&names::job(scope, ""))?;
    let wanted = id_of(scope, Kind::Chronos, job, native, ids);
    let id = wanted.unwrap_or_else(|| Kind::Chronos.id(name));
    let mut live = Found { scope, id, native, document: job }.live(normalize::document(job));
    live.foreign = None;
    live.object.workload = Some(name.to_owned());
    Some(live)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_last_run_that_ended_decides() {
        let check = |job: Value, expect: Option<&str>| assert_eq!(job_state(&job), expect, "{job}");
        check(json!({}), None);
        check(json!({ "historySummary": { "successCount": 0, "failureCount": 0 } }), None);
        check(
            json!({ "historySummary": { "lastSuccessAt": "2026-01-01T00:00:00Z", "lastFailureAt": "2026-01-02T00:00:00Z" } }),
            Some(Live::JOB_FAILED),
        );
        check(
            json!({ "historySummary": { "lastSuccessAt": "2026-01-03T00:00:00Z", "lastFailureAt": "2026-01-02T00:00:00Z" } }),
            Some(Live::JOB_SUCCEEDED),
        );
        check(
            json!({ "activeRuns": [{}], "historySummary": { "lastFailureAt": "2026-01-02T00:00:00Z" } }),
            None,
        );
    }

    #[test]
    fn a_job_that_runs_once_tells_what_it_ran() {
        let scope = Scope::new("default", "shop");
        let job = json!({
            "id": "default.shop.init",
            "labels": {
                "rhumb.dev/namespace": "default", "rhumb.dev/release": "shop", "rhumb.dev/object": "job/init",
                "rhumb.dev/generation": "abc", "rhumb.dev/workload": "init",
            },
            "run": { "cpus": 1.0, "secrets": { "s": { "source": "default/shop/db-1" } } },
            "schedules": [],
            "historySummary": { "successCount": 1, "failureCount": 0 },
        });
        let live = live(&scope, &job, &[]).unwrap();
        assert_eq!(live.object.once.as_deref(), Some("abc"));
        assert_eq!(live.outputs.get(Live::JOB).map(String::as_str), Some(Live::JOB_SUCCEEDED));
        assert_eq!(live.holds, ["default/shop/db-1".to_owned()].into());
        assert_eq!((live.foreign.as_deref(), live.object.workload.as_deref()), (None, Some("init")));
    }
}
