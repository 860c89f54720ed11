//! The command is killed in the middle of every stage; then it goes on, or is given up.

use libtest_mimic::Failed;
use rhumb_integration::trial;

use super::ledger::{Ledger, written};

const THERE: [&str; 5] = ["start", "--from", "swarm", "--to", "cluster"];

/// Killed again and again on the way there, through the cutover, and on the way to the end.
pub(super) fn goes_on() -> Result<(), Failed> {
    let ledger = Ledger::new("goes-on")?;
    ledger.install()?;
    let begun = written(&ledger.on_swarm()?, 3)?;
    for line in [
        "reading the secrets",
        "making hints on cluster",
        "making outer on cluster",
        "making goes-on on cluster",
        "created statefulset",
        "starting helpers",
        "while the source runs",
        "stopping goes-on",
        "and comparing",
        "starting goes-on",
        "waiting for db",
    ] {
        ledger.kill_at(&THERE, line)?;
    }
    let started = ledger.migrated(&THERE)?;
    trial::require(started["stage"] == "started", &started.to_string())?;
    ledger.require_outer_in_cluster()?;
    written(&ledger.in_cluster()?, begun)?;
    ledger.migrate(&["verify"]).expect_code(0)?;
    ledger.kill_at(&["cutover", "--route", "exec /bin/sleep 1"], "running exec")?;
    let status = ledger.migrated(&["status"])?;
    trial::require(status["stage"] == "cuttingOver", &status.to_string())?;
    ledger.migrate(&["cutover", "--route", "true"]).expect_code(0)?;
    let reached = written(&ledger.in_cluster()?, begun)?;
    ledger.kill_at(&["finish"], "removing goes-on")?;
    ledger.migrate(&["finish", "--delete-source-volumes"]).expect_code(0)?;
    ledger.require_not_on_swarm()?;
    written(&ledger.in_cluster()?, reached)?;
    ledger.clear()
}

/// Given up from every stage, and killed while it is.
pub(super) fn is_given_up() -> Result<(), Failed> {
    let ledger = Ledger::new("given-up")?;
    ledger.install()?;
    // What was made beside the release goes, too.
    ledger.kill_at(&THERE, "making given-up on cluster")?;
    back_on_swarm(&ledger, 3)?;
    // What nobody looked into yet is known to be the migration's own.
    ledger.kill_at(&THERE, "starting helpers")?;
    back_on_swarm(&ledger, 3)?;
    // While the source runs, it never stops.
    ledger.kill_at(&THERE, "while the source runs")?;
    let tasks = ledger.docker.containers("given-up_db-0")?;
    ledger.kill_at(&["abort"], "removing given-up")?;
    back_on_swarm(&ledger, 3)?;
    trial::require(ledger.docker.containers("given-up_db-0")? == tasks, "the source was stopped")?;
    // After the stop, it comes back.
    let begun = written(&ledger.on_swarm()?, 3)?;
    ledger.kill_at(&THERE, "and comparing")?;
    ledger.kill_at(&["abort"], "bringing given-up back")?;
    back_on_swarm(&ledger, begun)?;
    after_the_cutover(&ledger, begun)?;
    ledger.clear()
}

/// A helper is lost on the way there; what was written at the destination comes back, too.
fn after_the_cutover(ledger: &Ledger, begun: usize) -> Result<(), Failed> {
    let begun = written(&ledger.on_swarm()?, begun)?;
    let said = ledger.lose_helper_at(&THERE, "while the source runs")?;
    trial::require(said.contains("going on with new helpers"), &said)?;
    ledger.migrate(&["cutover"]).expect_code(0)?;
    let there = written(
        &trial::eventually("more records", || {
            ledger.in_cluster().and_then(|log| written(&log, begun + 5).map(|_| log))
        })?,
        begun,
    )?;
    for line in ["stopping given-up", "back, and comparing"] {
        ledger.kill_at(&["abort"], line)?;
    }
    ledger
        .migrate(&["abort", "--discard-destination-writes"])
        .expect_code(3)?
        .expect_texts(&["a part of them"])?;
    ledger.kill_at(&["abort"], "bringing given-up back")?;
    back_on_swarm(ledger, there)
}

/// Gives it up to the end; the source runs as it did, and nothing is left at the destination.
fn back_on_swarm(ledger: &Ledger, least: usize) -> Result<(), Failed> {
    let aborted = ledger.migrated(&["abort"])?;
    trial::require(
        aborted["stage"] == "aborted" && aborted["left"] == serde_json::json!([]),
        &aborted.to_string(),
    )?;
    ledger.require_not_in_cluster()?;
    let log = trial::eventually("the writer", || ledger.on_swarm())?;
    written(&log, least)?;
    ledger.migrate(&["abort"]).expect_code(0)?;
    let helpers =
        ledger.docker.lines(&["service", "ls", "-q", "--filter", "label=rhumb.dev/helper-of=given-up"])?;
    trial::require(helpers.is_empty(), &format!("{helpers:?}"))
}
