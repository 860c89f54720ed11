//! Jobs of Metronome that run once.

use rhumb_backend::Failure;
use serde_json::Value;

use super::failure::exit_code;
use super::verdict::{Culprit, Verdict};
use crate::document::{items, text};
use crate::rollout::Rollout;

/// How far a job is: that of the run which the receipt names, else of the last one. A job with schedules is as ready as it
/// can be once it is there.
///
/// Source: Metronome API, `JobRun` and `JobHistory`.
pub(super) fn job(job: &Value, rollout: &Rollout) -> Verdict {
    if items(job, "/schedules").next().is_some() {
        return Verdict::ready("its schedules are there");
    }
    let is_ours = |run: &&Value| rollout.run.is_none() || text(run, "/id") == rollout.run.as_deref();
    if let Some(run) = items(job, "/activeRuns").find(is_ours) {
        return active(run).counts(0, 1);
    }
    if items(job, "/history/successfulFinishedRuns").any(|run| is_ours(&run)) {
        return Verdict::ready("it has succeeded").counts(1, 1);
    }
    if let Some(run) = items(job, "/history/failedFinishedRuns").find(is_ours) {
        let when = text(run, "/finishedAt").map(|when| format!(" at {when}")).unwrap_or_default();
        let failure = failure(run, &format!("its run ended without success{when}"));
        return Verdict::failed("the job failed").counts(0, 1).because(Some(failure));
    }
    match &rollout.run {
        // The history keeps only so many runs, and a run that just ended is for a moment in no list.
        Some(run) => Verdict::progressing(format!("Metronome does not list its run {run} yet")).counts(0, 1),
        None => Verdict::progressing("it has not run yet").counts(0, 1),
    }
}

fn active(run: &Value) -> Verdict {
    match text(run, "/status") {
        Some("FAILED") => Verdict::failed("the job failed").because(Some(failure(run, "its run failed"))),
        Some("SUCCESS") => Verdict::progressing("its run has just succeeded"),
        Some("ACTIVE") => Verdict::progressing("it runs"),
        Some(status) => Verdict::progressing(format!("its run is {}", status.to_ascii_lowercase())),
        None => Verdict::progressing("it starts"),
    }
}

fn failure(run: &Value, reason: &str) -> Culprit {
    let task = items(run, "/tasks").last();
    let of = |at| task.and_then(|task| text(task, at)).map(ToOwned::to_owned);
    let message = of("/message");
    let failure = Failure {
        task: of("/id").or_else(|| text(run, "/id").map(ToOwned::to_owned)).unwrap_or_default(),
        exit_code: message.as_deref().and_then(exit_code),
        reason: message.map_or_else(|| reason.to_owned(), |message| format!("{reason}: {message}")),
        ..Failure::default()
    };
    Culprit { failure, agent: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhumb_backend::State;
    use serde_json::json;

    #[expect(clippy::needless_pass_by_value, reason = "the callers write literals")]
    fn check(document: Value, run: Option<&str>, expect: State) {
        let rollout = Rollout { run: run.map(ToOwned::to_owned), ..Rollout::default() };
        assert_eq!(job(&document, &rollout).state, expect, "{document}");
    }

    #[test]
    fn a_job_is_as_far_as_its_own_run() {
        let history = json!({
            "successfulFinishedRuns": [{ "id": "good" }],
            "failedFinishedRuns": [{ "id": "bad" }],
        });
        check(json!({ "schedules": [{}] }), None, State::Ready);
        check(json!({ "activeRuns": [{ "id": "a", "status": "ACTIVE" }] }), Some("a"), State::Progressing);
        check(json!({ "history": history }), Some("good"), State::Ready);
        check(json!({ "history": history }), Some("bad"), State::Failed);
        check(json!({ "history": history }), Some("other"), State::Progressing);
        check(json!({}), None, State::Progressing);
    }
}
