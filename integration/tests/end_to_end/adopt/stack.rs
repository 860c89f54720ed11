//! A stack of `docker stack deploy`, adopted.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::swarm::Docker;
use rhumb_integration::{Rhumb, trial};
use serde_json::Value;
use tempfile::TempDir;

use super::{change, is_empty};

/// What no chart says in the same words: an order of updates, a signal, labels of both kinds, an alias, a config and a
/// secret under names of their own.
const STACK: &str = "
version: '3.8'
services:
  web:
    image: rhumb-demo:1
    environment: { COLOUR: blue }
    configs: [{ source: look, target: /etc/app/colour }]
    secrets: [key]
    stop_signal: SIGTERM
    labels: { inside: 'yes' }
    networks: { back: { aliases: [front] } }
    deploy: { replicas: 2, labels: { team: web }, update_config: { parallelism: 1, order: start-first } }
  api:
    image: rhumb-demo:1
    environment: { COLOUR: blue }
    networks: [back]
    deploy: { endpoint_mode: dnsrr }
networks: { back: {} }
configs: { look: { file: ./look } }
secrets: { key: { file: ./key } }
";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial::needs_swarm("a_stack_is_adopted_in_place", in_place),
        trial::needs_swarm("a_stack_is_adopted_under_another_name", under_another_name),
        trial::needs_swarm("an_adoption_that_was_killed_is_made_again", killed),
    ]
}

/// A stack that runs, and a folder for its chart.
struct Bench {
    folder: TempDir,
    docker: &'static Docker,
    rhumb: Rhumb,
    stack: &'static str,
}

impl Bench {
    fn new(stack: &'static str) -> Result<Self, Failed> {
        let engine = trial::engine()?;
        let (folder, docker) = (tempfile::tempdir()?, engine.docker());
        for (name, text) in [("stack.yaml", STACK), ("look", "blue\n"), ("key", "canary\n")] {
            std::fs::write(folder.path().join(name), text)?;
        }
        let file = folder.path().join("stack.yaml").display().to_string();
        docker.run(&["stack", "deploy", "--detach=true", "--resolve-image=never", "-c", &file, stack])?;
        let bench = Self { folder, docker, rhumb: Rhumb::swarm(engine.host()), stack };
        trial::eventually("the stack to run", || {
            let running = bench.docker.lines(&["stack", "ps", stack, "--format", "{{.CurrentState}}"])?;
            let count = running.iter().filter(|state| state.starts_with("Running")).count();
            if count == 3 { Ok(()) } else { Err(running.join(", ")) }
        })?;
        Ok(bench)
    }

    fn chart(&self) -> String {
        self.folder.path().join("chart").display().to_string()
    }

    /// Every task that the service ever had: one that restarted has more.
    fn tasks(&self, service: &str) -> Result<Vec<String>, String> {
        let name = format!("{}_{service}", self.stack);
        let mut tasks = self.docker.lines(&["service", "ps", "-q", "--no-trunc", &name])?;
        tasks.sort();
        Ok(tasks)
    }

    fn all_tasks(&self) -> Result<[Vec<String>; 2], String> {
        Ok([self.tasks("web")?, self.tasks("api")?])
    }

    /// What a service asks for, without what says nothing.
    fn spec(&self, service: &str) -> Result<Value, String> {
        let service = self.docker.inspect("service", &format!("{}_{service}", self.stack))?;
        Ok(said(&service["Spec"]).unwrap_or_default())
    }

    /// Nothing is left but the secret, which the chart takes for somebody else's.
    fn clean(&self, release: &str) -> Result<(), Failed> {
        self.rhumb.succeed(&["uninstall", release, "--wait"])?;
        self.docker.run(&["secret", "rm", &format!("{}_key", self.stack)])?;
        trial::require_nothing_of(self.docker, self.stack)?;
        trial::require_nothing_of(self.docker, release)
    }
}

/// What a document says: nothing where there are only nulls, `false` and empty mappings.
fn said(document: &Value) -> Option<Value> {
    match document {
        Value::Null | Value::Bool(false) => None,
        Value::Object(map) => {
            let fields = map.iter().filter_map(|(name, value)| Some((name.clone(), said(value)?)));
            let fields: serde_json::Map<String, Value> = fields.collect();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
        other => Some(other.clone()),
    }
}

fn in_place() -> Result<(), Failed> {
    let bench = Bench::new("taken-in")?;
    let (rhumb, chart) = (&bench.rhumb, bench.chart());
    let (tasks, web) = (bench.all_tasks()?, bench.spec("web")?);
    let shown = rhumb.succeed(&["adopt", "taken-in", "--out", &chart, "--dry-run"])?;
    trial::require(shown.contains("would be adopted, with 3 replicas"), &shown)?;
    trial::require(bench.spec("web")? == web, "a dry run wrote")?;
    let said = rhumb.succeed(&["adopt", "taken-in", &chart])?;
    trial::require(said.contains("nothing was restarted"), &said)?;
    trial::require(bench.all_tasks()? == tasks, "tasks were restarted")?;
    is_empty(&rhumb.json(&["diff", "taken-in", &chart])?)?;
    let status = rhumb.json(&["status", "taken-in"])?;
    trial::require(status["recorded"]["status"] == "deployed", &status.to_string())?;
    trial::require(status["drift"].as_array().is_none_or(Vec::is_empty), &status.to_string())?;

    let adopted = bench.spec("web")?;
    change(&chart, "COLOUR: blue", "COLOUR: green", "web")?;
    rhumb.succeed(&["upgrade", "taken-in", &chart, "--wait", "--timeout", "60s"])?;
    trial::require(bench.tasks("web")? != tasks[0], "the upgrade did not reach web")?;
    trial::require(bench.tasks("api")? == tasks[1], "the upgrade restarted api")?;
    let changed = bench.spec("web")?;
    let signal = &changed["TaskTemplate"]["ContainerSpec"]["StopSignal"];
    trial::require(signal == "SIGTERM", "what the chart did not change is gone")?;
    rhumb.succeed(&["rollback", "taken-in", "1", "--wait", "--timeout", "60s"])?;
    trial::require(bench.spec("web")? == adopted, "the rollback did not bring back what was adopted")?;
    trial::require(bench.tasks("api")? == tasks[1], "the rollback restarted api")?;
    let history = rhumb.json(&["history", "taken-in"])?;
    trial::require(history.as_array().is_some_and(|all| all.len() == 3), &history.to_string())?;
    bench.clean("taken-in")
}

fn under_another_name() -> Result<(), Failed> {
    let bench = Bench::new("legacy")?;
    let (rhumb, chart, tasks) = (&bench.rhumb, bench.chart(), bench.all_tasks()?);
    rhumb.succeed(&["adopt", "renamed", "--stack", "legacy", "--out", &chart])?;
    trial::require(bench.all_tasks()? == tasks, "tasks were restarted")?;
    is_empty(&rhumb.json(&["diff", "renamed", &chart])?)?;
    let stacks = bench.docker.run(&["stack", "ls", "--format", "{{.Name}} {{.Services}}"])?;
    trial::require(stacks.lines().any(|line| line == "legacy 2"), &stacks)?;
    let other = bench.folder.path().join("other").display().to_string();
    let again = rhumb.run(&["adopt", "second", "--stack", "legacy", "--out", &other]);
    again.expect_code(3)?.expect_texts(&["belongs to the release renamed"])?;
    bench.clean("renamed")
}

fn killed() -> Result<(), Failed> {
    let bench = Bench::new("halved")?;
    let (rhumb, chart, tasks) = (&bench.rhumb, bench.chart(), bench.all_tasks()?);
    rhumb.succeed(&["import", "swarm", "--stack", "halved", "--out", &chart])?;
    for moment in [150, 300, 450] {
        let mut child = rhumb.spawn(&["adopt", "halved", &chart]);
        std::thread::sleep(Duration::from_millis(moment));
        // One that has ended already is as good.
        let _ = child.kill();
        child.wait()?;
    }
    // Where the last one was quick enough, this one says that the release is there.
    let ended = rhumb.run(&["adopt", "halved", &chart]);
    let status = rhumb.json(&["status", "halved"])?;
    trial::require(status["recorded"]["status"] == "deployed", &format!("{status}\n{}", ended.all()))?;
    trial::require(bench.all_tasks()? == tasks, "tasks were restarted")?;
    is_empty(&rhumb.json(&["diff", "halved", &chart])?)?;
    bench.clean("halved")
}
