//! What a release is on the swarm, and that upgrades touch nothing else than what changed.

use std::collections::BTreeMap;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::swarm::Docker;
use rhumb_integration::{ChartFolder, Rhumb, trial};

const APP: &str = "
kind: Workload
name: web
containers:
  web:
    image: rhumb-demo:1
    env: { COLOUR: '{{ values.web }}' }
    mounts: { /etc/app: { config: look } }
---
kind: Workload
name: api
containers: { api: { image: 'rhumb-demo:1', env: { COLOUR: '{{ values.api }}' }, mounts: { /run/db: { secret: db } } } }
---
kind: Config
name: look
data: { colour: '{{ values.look }}' }
---
kind: Secret
name: db
generate: { password: {} }
";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial::needs_swarm("docker_stack_shows_the_release", shows),
        trial::needs_swarm("an_upgrade_touches_what_changed_only", touches),
        trial::needs_swarm("scale_is_kept_by_the_next_upgrade", scale),
        trial::needs_swarm("a_foreign_service_is_refused", foreign),
    ]
}

fn chart() -> ChartFolder {
    ChartFolder::of(APP).with("values.yaml", "{ web: blue, api: blue, look: blue }\n")
}

fn shows() -> Result<(), Failed> {
    let engine = trial::engine()?;
    let rhumb = Rhumb::swarm(engine.host());
    let chart = chart();
    rhumb.succeed(&["install", "shown", chart.argument(), "--wait"])?;
    let docker = engine.docker();
    let stacks = docker.run(&["stack", "ls", "--format", "{{.Name}} {{.Services}}"])?;
    trial::require(stacks.lines().any(|line| line == "shown 2"), &stacks)?;
    let services = docker.run(&["stack", "services", "shown", "--format", "{{.Name}} {{.Replicas}}"])?;
    trial::require(services.contains("shown_web 1/1") && services.contains("shown_api 1/1"), &services)?;
    let tasks = docker.run(&["stack", "ps", "shown", "--format", "{{.Name}} {{.DesiredState}}"])?;
    trial::require(tasks.contains("shown_web.1 Running"), &tasks)?;
    let ps = rhumb.succeed(&["ps", "shown"])?;
    trial::require(ps.contains("web") && ps.contains("api"), &ps)?;
    let list = rhumb.succeed(&["list"])?;
    trial::require(list.contains("shown"), &list)?;
    let command = ["exec", "shown", "web", "--", "/demo", "get", "http://localhost:8080/version"];
    let said = rhumb.succeed(&command)?;
    trial::require(said.contains('1'), &said)?;
    let none = rhumb.command(&["exec", "shown", "web", "--", "/nothing"]).output()?;
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    trial::require(none.stdout.is_empty() && said.contains("no such file"), &said)?;
    rhumb.succeed(&["uninstall", "shown", "--wait"])?;
    trial::require_nothing_of(docker, "shown")
}

fn touches() -> Result<(), Failed> {
    let engine = trial::engine()?;
    let rhumb = Rhumb::swarm(engine.host());
    let chart = chart();
    rhumb.succeed(&["install", "touched", chart.argument(), "--wait"])?;
    let before = snapshot(engine.docker(), "touched")?;
    let noop = rhumb.json(&["upgrade", "touched", chart.argument(), "--wait"])?;
    trial::require(noop["plan"]["steps"].as_array().is_some_and(Vec::is_empty), &noop.to_string())?;
    trial::require(noop["revision"] == 2, &noop.to_string())?;
    let after = snapshot(engine.docker(), "touched")?;
    trial::require(before == after, &format!("a no-op upgrade wrote:\n{before:#?}\n{after:#?}"))?;

    rhumb.succeed(&["upgrade", "touched", chart.argument(), "--set", "api=green", "--wait"])?;
    let changed = differences(&after, &snapshot(engine.docker(), "touched")?);
    trial::require(changed == ["service touched_api"], &format!("changed: {changed:?}"))?;

    let rolled = snapshot(engine.docker(), "touched")?;
    rhumb.succeed(&["upgrade", "touched", chart.argument(), "--set", "api=green,look=green", "--wait"])?;
    let changed = differences(&rolled, &snapshot(engine.docker(), "touched")?);
    let only =
        changed.iter().all(|name| name == "service touched_web" || name.starts_with("config touched_look"));
    trial::require(only && changed.len() >= 2, &format!("changed: {changed:?}"))?;
    rhumb.succeed(&["uninstall", "touched", "--wait"])?;
    Ok(())
}

fn scale() -> Result<(), Failed> {
    let engine = trial::engine()?;
    let rhumb = Rhumb::swarm(engine.host());
    let chart = chart();
    rhumb.succeed(&["install", "scaled", chart.argument(), "--wait"])?;
    engine.docker().run(&["service", "scale", "-d", "scaled_web=2"])?;
    rhumb.succeed(&["upgrade", "scaled", chart.argument(), "--set", "web=green", "--wait"])?;
    let service = engine.docker().inspect("service", "scaled_web")?;
    trial::require(service["Spec"]["Mode"]["Replicated"]["Replicas"] == 2, &service.to_string())?;
    rhumb.succeed(&["uninstall", "scaled", "--wait"])?;
    Ok(())
}

fn foreign() -> Result<(), Failed> {
    let engine = trial::engine()?;
    let rhumb = Rhumb::swarm(engine.host());
    let chart = chart();
    let create = ["service", "create", "-q", "--detach", "--name", "taken_web", "rhumb-demo:1"];
    engine.docker().run(&create)?;
    let ended = rhumb.run(&["install", "taken", chart.argument(), "--wait"]);
    let removed = engine.docker().run(&["service", "rm", "taken_web"]);
    // FIXME: 5 is the code for what somebody else owns.
    ended.expect_code(3)?.expect_texts(&["taken_web is there already", "service/web", "--take-ownership"])?;
    removed?;
    let gone = rhumb.run(&["uninstall", "taken", "--wait", "--ignore-not-found"]);
    gone.expect_code(0)?;
    trial::require_nothing_of(engine.docker(), "taken")
}

/// Every object of the stack with its version, and so every write to one.
fn snapshot(docker: &Docker, stack: &str) -> Result<BTreeMap<String, String>, String> {
    let filter = format!("label=com.docker.stack.namespace={stack}");
    let mut found = BTreeMap::new();
    for kind in ["service", "config", "secret", "network"] {
        for id in docker.lines(&[kind, "ls", "-q", "--filter", &filter])? {
            let object = docker.inspect(kind, &id)?;
            let name = object["Spec"]["Name"].as_str().or(object["Name"].as_str()).unwrap_or(&id);
            found.insert(format!("{kind} {name}"), format!("{id} {}", object["Version"]));
        }
    }
    Ok(found)
}

fn differences(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let names = before.keys().chain(after.keys()).filter(|name| before.get(*name) != after.get(*name));
    let mut names: Vec<String> = names.cloned().collect();
    names.sort();
    names.dedup();
    names
}
