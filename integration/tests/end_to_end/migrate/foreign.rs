//! A stack of `docker stack deploy` moves to the cluster in one go: it is adopted, and its secrets go along.

use libtest_mimic::Failed;
use rhumb_integration::trial;
use serde_json::Value;

use super::ledger::Ledger;

const STACK: &str = "
version: '3.8'
services:
  web:
    image: rhumb-busybox:1
    command: [/bin/sh, -c, \"trap 'exit 0' TERM; echo written >/data/log; while :; do /bin/busybox sleep 0.2; done\"]
    configs: [{ source: look, target: /etc/app/look }]
    secrets: [key]
    volumes: ['data:/data']
  agent:
    image: rhumb-demo:1
    deploy: { mode: global }
  setup:
    image: rhumb-demo:1
    command: [job]
    deploy: { mode: replicated-job }
configs: { look: { file: ./look } }
secrets: { key: { file: ./key } }
volumes: { data: {} }
";
/// Somebody else's, who has begun to use the secret.
const OTHER: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: { name: other }
spec:
  replicas: 0
  selector: { matchLabels: { app: other } }
  template:
    metadata: { labels: { app: other } }
    spec: { containers: [{ name: other, image: 'rhumb-demo:1', envFrom: [{ secretRef: { name: key } }] }] }
";
const ENDS: [&str; 4] = ["--from", "swarm", "--to", "cluster"];

pub(super) fn moves() -> Result<(), Failed> {
    let ledger = Ledger::new("strange")?;
    deploy(&ledger)?;
    let tasks = tasks(&ledger)?;
    planned(&ledger)?;
    let chart = ledger.rhumb.home().join("chart").display().to_string();
    let there = [&["start"][..], &ENDS, &["--adopt", "--out", &chart]].concat();
    for line in ["adopting strange on swarm", "objects of swarm", "making strange on cluster"] {
        ledger.kill_at(&there, line)?;
    }
    trial::require(self::tasks(&ledger)? == tasks, "the adoption restarted something")?;
    let started = ledger.migrated(&there)?;
    trial::require(started["stage"] == "started", &started.to_string())?;
    trial::require(!started.to_string().contains("canary"), "the state holds a secret")?;
    let script = "/bin/busybox cat /run/secrets/key /etc/app/look /data/log";
    let seen = ledger.kubectl.exec(ledger.name, "web", &["/bin/sh", "-c", script])?;
    trial::require(seen.trim() == "canary\nblue\nwritten", &seen)?;
    let jobs = ledger.kubectl.list(ledger.name, "jobs", "app.kubernetes.io/name=setup")?;
    trial::require(jobs.is_empty(), "the job that was done ran again")?;
    ledger.migrate(&["verify"]).expect_code(0)?;
    // What others use by then stays, and is told.
    ledger.kubectl.feed(&["-n", ledger.name, "apply", "-f", "-"], OTHER)?;
    let aborted = ledger.migrated(&["abort"])?;
    let left = aborted["left"].as_array().map_or(0, Vec::len);
    let is_told =
        aborted["left"][0].as_str().is_some_and(|left| left.contains("key, which deployment/other"));
    trial::require(left == 1 && is_told, &aborted.to_string())?;
    ledger.kubectl.run(&["-n", ledger.name, "delete", "deployment/other", "secret/key"])?;
    ledger.require_not_in_cluster()?;
    trial::require(self::tasks(&ledger)?.len() == tasks.len(), "the stack is not back")?;
    trial::require(runs(&ledger)? == 1, "the job ran again")?;
    clear(&ledger)
}

fn deploy(ledger: &Ledger) -> Result<(), Failed> {
    clear(ledger)?;
    ledger.kubectl.create_namespace(ledger.name)?;
    for (name, text) in [("stack.yaml", STACK), ("look", "blue\n"), ("key", "canary\n")] {
        std::fs::write(ledger.rhumb.home().join(name), text)?;
    }
    let file = ledger.rhumb.home().join("stack.yaml").display().to_string();
    ledger.docker.run(&[
        "stack",
        "deploy",
        "--detach=true",
        "--resolve-image=never",
        "-c",
        &file,
        ledger.name,
    ])?;
    trial::eventually("the stack to run", || match (tasks(ledger)?.len(), runs(ledger)?) {
        (2, 1) => Ok(()),
        other => Err(format!("containers that run, and runs of the job: {other:?}")),
    })?;
    Ok(())
}

/// How often the job has run to its end.
fn runs(ledger: &Ledger) -> Result<usize, String> {
    let ended = ["service", "ps", "strange_setup", "--format", "{{.CurrentState}}"];
    Ok(ledger.docker.lines(&ended)?.iter().filter(|state| state.starts_with("Complete")).count())
}

/// The containers that run.
fn tasks(ledger: &Ledger) -> Result<Vec<String>, String> {
    let mut all = ledger.docker.containers("strange_web")?;
    all.extend(ledger.docker.containers("strange_agent")?);
    Ok(all)
}

/// A plan shows what would be adopted and what would move, and writes nothing.
fn planned(ledger: &Ledger) -> Result<(), Failed> {
    let plan = [&["plan"][..], &ENDS].concat();
    ledger.migrate(&plan).expect_code(4)?.expect_texts(&["no release `strange`", "--adopt"])?;
    let plan = ledger.migrated(&[&plan[..], &["--adopt"]].concat())?;
    let (adopts, external) = (&plan["adopts"], &plan["external"]);
    trial::require(adopts["replicas"] == 2 && external[0]["fate"] == "copied", &plan.to_string())?;
    trial::require(external[0]["from"][0] == "strange_key" && external[0]["to"] == "key", &plan.to_string())?;
    trial::require(plan["volumes"][0]["to"] == "data", &plan.to_string())?;
    let order = plan["order"].as_array().and_then(|order| order[0].as_str().map(str::to_owned));
    trial::require(order.is_some_and(|first| first.contains("adopt strange")), &plan.to_string())?;
    let spec = ledger.docker.inspect("service", "strange_web")?["Spec"]["Labels"].clone();
    let is_marked = spec.as_object().is_some_and(|all| all.keys().any(|key| key.starts_with("rhumb.dev")));
    trial::require(!is_marked && !std::path::Path::new("strange").exists(), "a plan wrote something")?;
    let list = ledger.rhumb.json(&["list", "-t", "swarm"])?;
    let names = |list: &Value| list.to_string().contains("strange");
    trial::require(!names(&list), &list.to_string())
}

fn clear(ledger: &Ledger) -> Result<(), Failed> {
    ledger.clear()?;
    // Networks that an uninstall has just removed are a failure of this one.
    let _ = ledger.docker.run(&["stack", "rm", ledger.name]);
    for kind in ["secret", "config"] {
        for left in ledger.docker.lines(&[kind, "ls", "-q", "--filter", "name=strange_"])? {
            ledger.docker.run(&[kind, "rm", &left])?;
        }
    }
    trial::eventually("removed volume", || ledger.docker.run(&["volume", "rm", "-f", "strange_data"]))?;
    Ok(())
}
