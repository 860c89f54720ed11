//! What is no plain set of replicas: one on each node, by the clock, to its end, after the load.

use libtest_mimic::Failed;
use rhumb_integration::{ChartFolder, trial};
use serde_json::Value;

use super::ledger::Ledger;

const APP: &str = "
kind: Workload
name: agent
mode: global
containers: { agent: { image: 'rhumb-demo:1' } }
---
kind: Workload
name: tidy
mode: cron
cron: { schedule: '0 3 29 2 *' }
containers: { tidy: { image: 'rhumb-demo:1', args: [job] } }
---
kind: Workload
name: setup
mode: job
containers: { setup: { image: 'rhumb-demo:1', args: [job] } }
---
kind: Workload
name: web
autoscale: { min: 1, max: 3, cpu: 80 }
containers: { web: { image: 'rhumb-demo:1', resources: { cpu: 10m } } }
";
const OUT: [&str; 4] = ["--from", "cluster", "--to", "swarm"];
const HOME: [&str; 4] = ["--from", "swarm", "--to", "cluster"];
/// A service by whose image schedules are taken for possible. It never starts anything here.
const CLOCK: &str = "clock-of-modes";

pub(super) fn rest_and_wake() -> Result<(), Failed> {
    let ledger = Ledger::new("modes")?;
    let _ = ledger.docker.run(&["service", "rm", CLOCK]);
    let clock = ["service", "create", "--detach", "--no-resolve-image", "--replicas", "0", "--name", CLOCK];
    ledger.docker.run(&[&clock[..], &["crazymax/swarm-cronjob:1.14"]].concat())?;
    let chart = ChartFolder::of(APP);
    ledger.rhumb.succeed(&["install", ledger.name, chart.argument(), "-t", "cluster", "--wait"])?;
    let job = job(&ledger)?;
    refused(&ledger)?;
    let start = [&["start"][..], &OUT, &["--accept-loss", "autoscale,cron"]].concat();
    ledger.migrated(&start)?;
    rests_in_cluster(&ledger)?;
    runs_on_swarm(&ledger)?;
    ledger.migrated(&["abort"])?;
    ledger.require_not_on_swarm()?;
    trial::require(self::job(&ledger)? == job, "the job ran again")?;
    runs_in_cluster(&ledger)?;
    ledger.migrated(&start)?;
    ledger.migrate(&["cutover"]).expect_code(0)?;
    ledger.migrate(&["finish"]).expect_code(0)?;
    ledger.require_not_in_cluster()?;
    home(&ledger)?;
    ledger.docker.run(&["service", "rm", CLOCK])?;
    ledger.clear()
}

/// The same the other way: what was done on the swarm, or before that in the cluster, does not run again.
fn home(ledger: &Ledger) -> Result<(), Failed> {
    ledger.migrated(&[&["start"][..], &HOME].concat())?;
    trial::require(ledger.docker.containers("modes_agent")?.is_empty(), "the agent still runs")?;
    runs_in_cluster(ledger)?;
    let jobs = ledger.kubectl.list(ledger.name, "jobs", "app.kubernetes.io/name=setup")?;
    trial::require(jobs.is_empty(), "the job ran again")?;
    ledger.migrated(&["abort"])?;
    runs_on_swarm(ledger)?;
    ledger.require_not_in_cluster()
}

/// What the swarm cannot do stops a plan and a start.
fn refused(ledger: &Ledger) -> Result<(), Failed> {
    for verb in ["plan", "start"] {
        let refused = ledger.migrate(&[&[verb][..], &OUT].concat()).expect_code(3)?;
        refused.expect_texts(&["autoscale"])?;
    }
    ledger.require_not_on_swarm()
}

fn job(ledger: &Ledger) -> Result<Vec<Value>, String> {
    let jobs = ledger.kubectl.list(ledger.name, "jobs", "app.kubernetes.io/name=setup")?;
    Ok(jobs.iter().map(|job| job["metadata"]["uid"].clone()).collect())
}

fn rests_in_cluster(ledger: &Ledger) -> Result<(), Failed> {
    let get = |kind: &str, name: &str| ledger.kubectl.get(ledger.name, kind, name);
    trial::require(get("cronjob", "tidy")?["spec"]["suspend"] == true, "the schedule goes on")?;
    trial::require(get("daemonset", "agent")?["status"]["desiredNumberScheduled"] == 0, "the agent runs")?;
    trial::require(get("deployment", "web")?["spec"]["replicas"] == 0, "web runs")?;
    trial::require(get("horizontalpodautoscaler", "web").is_err(), "something scales web")?;
    trial::require(job(ledger)?.len() == 1, "the job that is done is gone")
}

fn runs_in_cluster(ledger: &Ledger) -> Result<(), Failed> {
    let get = |kind: &str, name: &str| ledger.kubectl.get(ledger.name, kind, name);
    trial::require(get("cronjob", "tidy")?["spec"]["suspend"] != true, "the schedule rests")?;
    trial::require(get("horizontalpodautoscaler", "web")?["spec"]["maxReplicas"] == 3, "nothing scales web")?;
    for (kind, name, ready) in [("daemonset", "agent", "numberReady"), ("deployment", "web", "readyReplicas")]
    {
        let found = get(kind, name)?;
        trial::require(found["status"][ready] == 1, &found.to_string())?;
    }
    Ok(())
}

fn runs_on_swarm(ledger: &Ledger) -> Result<(), Failed> {
    for service in ["modes_agent", "modes_web"] {
        let count = ledger.docker.containers(service)?.len();
        trial::require(count == 1, &format!("{count} containers of {service}"))?;
    }
    let labels = &ledger.docker.inspect("service", "modes_tidy")?["Spec"]["Labels"];
    trial::require(labels["swarm.cronjob.enable"] == "true", &labels.to_string())?;
    let jobs = ledger.docker.lines(&["service", "ps", "-q", "modes_setup"]).unwrap_or_default();
    trial::require(jobs.is_empty(), "the job ran again")
}
