//! From the swarm to the cluster and back, with everything that was written.

use std::time::Duration;

use libtest_mimic::Failed;
use rhumb_integration::trial;

use super::ledger::{LOST_ON_SWARM, Ledger, OUTER, acknowledged, written};

const HASH: &str =
    "/bin/busybox sha256sum /data/still; /bin/busybox stat -c '%f %u %g %s %Y' /data /data/still";
const THERE: [&str; 4] = ["--from", "swarm", "--to", "cluster"];
const BACK: [&str; 4] = ["--from", "cluster", "--to", "swarm"];

pub(super) fn there_and_back() -> Result<(), Failed> {
    let ledger = Ledger::new("moves")?;
    ledger.install()?;
    let password = ledger.exec_on_swarm(&[
        "/bin/sh",
        "-c",
        "/bin/busybox cat /proc/1/environ | /bin/busybox tr '\\0' '\\n' | /bin/busybox grep ^PASSWORD=",
    ])?;
    there(&ledger, password.trim())?;
    back(&ledger, password.trim())?;
    ledger.clear()
}

fn there(ledger: &Ledger, password: &str) -> Result<(), Failed> {
    let plan = ledger.migrated(&[&["plan"][..], &THERE].concat())?;
    trial::require(
        plan["volumes"][0]["to"] == "data-db-0" && plan["losses"] == serde_json::json!([]),
        &plan.to_string(),
    )?;
    trial::require(plan["secrets"] == serde_json::json!(["db.password", "db.url"]), &plan.to_string())?;
    ledger.require_not_in_cluster()?;
    another_is_there(ledger)?;
    let follower = ledger.follow("swarm");
    std::thread::sleep(Duration::from_secs(1));
    let started = ledger.migrated(&[&["start"][..], &THERE].concat())?;
    let acknowledged = acknowledged(follower)?;
    trial::require(
        started["stage"] == "started" && started["volumes"][0]["last"]["digest"].is_string(),
        &started.to_string(),
    )?;
    trial::require(!started.to_string().contains(password), "the state holds a secret")?;
    // The source rests, so its log is what was written before the stop: the destination's begins with it.
    let stopped = ledger.volume_on_swarm("/bin/busybox cat /data/log")?;
    written(&stopped, acknowledged)?;
    let now = ledger.in_cluster()?;
    written(&now, acknowledged)?;
    trial::require(now.starts_with(&stopped), "the destination's log does not begin with the source's")?;
    let (here, there) = (
        ledger.volume_on_swarm(HASH)?,
        ledger.kubectl.exec(ledger.name, "db-0", &["/bin/busybox", "sh", "-c", HASH])?,
    );
    trial::require(still(&here) == still(&there), &format!("{here}\n---\n{there}"))?;
    let environment = ledger.kubectl.exec(ledger.name, "db-0", &["/bin/busybox", "env"])?;
    trial::require(environment.lines().any(|line| line == password), "the password is another")?;
    ledger.require_outer_in_cluster()?;
    trial::require(!started.to_string().contains(OUTER), "the state holds a secret")?;
    close(ledger)?;
    ledger.require_not_on_swarm()?;
    let volumes =
        ledger.docker.lines(&["volume", "ls", "-q", "--filter", &format!("name={}", ledger.name)])?;
    trial::require(volumes.is_empty(), &format!("{volumes:?}"))
}

/// What is at the destination already and holds something else is left alone, and told.
fn another_is_there(ledger: &Ledger) -> Result<(), Failed> {
    let config = "--from-literal=hints=turn right";
    ledger.kubectl.run(&["-n", ledger.name, "create", "configmap", "hints", config])?;
    let plan = ledger.migrated(&[&["plan"][..], &THERE].concat())?;
    let fates: Vec<&str> = plan["external"]
        .as_array()
        .map_or(Vec::new(), |all| all.iter().filter_map(|one| one["fate"].as_str()).collect());
    trial::require(fates == ["other", "copied"], &plan.to_string())?;
    let refused = ledger.migrate(&[&["start"][..], &THERE].concat()).expect_code(3)?;
    refused.expect_texts(&["hints is on cluster already", "--keep-external config/hints"])?;
    let kept = ledger.kubectl.get(ledger.name, "configmap", "hints")?;
    trial::require(kept["data"]["hints"] == "turn right", &kept.to_string())?;
    ledger.kubectl.run(&["-n", ledger.name, "delete", "configmap", "hints"])?;
    Ok(())
}

/// What stands still, without the folder's own time, which a write to the log may not change.
fn still(told: &str) -> Vec<&str> {
    told.lines().collect()
}

fn back(ledger: &Ledger, password: &str) -> Result<(), Failed> {
    let refused = ledger.migrate(&[&["start"][..], &BACK].concat()).expect_code(3)?;
    refused.expect_texts(&["--accept-loss stateful", "--accept-loss volume-size"])?;
    ledger.require_not_on_swarm()?;
    let follower = ledger.follow("cluster");
    std::thread::sleep(Duration::from_secs(1));
    let before = written(&ledger.in_cluster()?, 1)?;
    changed_meanwhile(ledger)?;
    ledger.migrated(&[&["start"][..], &BACK, &["--accept-loss", LOST_ON_SWARM]].concat())?;
    let acknowledged = acknowledged(follower)?.max(before);
    written(&trial::eventually("the log", || ledger.on_swarm())?, acknowledged)?;
    let script = "/bin/busybox cat /proc/1/environ | /bin/busybox tr '\\0' '\\n'";
    let environment = ledger.exec_on_swarm(&["/bin/sh", "-c", script])?;
    trial::require(environment.lines().any(|line| line == password), "the password is another")?;
    close(ledger)?;
    // What was brought there and is not the release's own stays, whoever uses it by now.
    ledger.kubectl.run(&["-n", ledger.name, "delete", "secret/outer", "configmap/hints"])?;
    ledger.require_not_in_cluster()
}

/// A secret that the swarm has still is compared by a helper that sees it; one that is another stops a start.
fn changed_meanwhile(ledger: &Ledger) -> Result<(), Failed> {
    let name = format!("outer-{}.token", ledger.name);
    let plan = ledger.migrated(&[&["plan"][..], &BACK].concat())?;
    trial::require(plan["external"].to_string().contains("comparedLater"), &plan.to_string())?;
    ledger.docker.run(&["secret", "rm", &name])?;
    ledger.docker_made("secret", &name, "another")?;
    let start = [&["start"][..], &BACK, &["--accept-loss", LOST_ON_SWARM]].concat();
    let refused = ledger.migrate(&start).expect_code(3)?;
    let refused =
        refused.expect_texts(&[&format!("{name} is on swarm already"), "--keep-external secret/outer"])?;
    trial::require(!refused.all().contains("another-") && !refused.all().contains(OUTER), &refused.all())?;
    ledger.docker.run(&["secret", "rm", &name])?;
    Ok(())
}

/// Looks at both sides, leads traffic, and removes the source.
fn close(ledger: &Ledger) -> Result<(), Failed> {
    ledger.migrate(&["finish"]).expect_code(3)?.expect_texts(&["rhumb migrate cutover"])?;
    ledger.migrate(&["verify", "--check", "exit 4"]).expect_code(6)?.expect_texts(&["failed with 4"])?;
    let check = "test \"$RHUMB_RELEASE $RHUMB_STAGE\" = 'moves started'";
    ledger
        .migrate(&["verify", "--check", check])
        .expect_code(0)?
        .expect_texts(&["Both sides are in order"])?;
    ledger.migrate(&["cutover", "--route", "exit 1"]).expect_code(1)?.expect_texts(&["it ended with 1"])?;
    ledger.migrate(&["cutover", "--route", "true"]).expect_code(0)?;
    let finished = ledger.migrated(&["finish", "--delete-source-volumes"])?;
    trial::require(
        finished["stage"] == "finished" && finished["left"] == serde_json::json!([]),
        &finished.to_string(),
    )?;
    ledger.migrate(&["abort"]).expect_code(3)?.expect_texts(&["its source is gone"])?;
    Ok(())
}
