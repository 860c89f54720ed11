//! Charts that are made of Compose files, on the real Swarm and the real cluster.

use std::path::Path;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::{Rhumb, trial};

const FILE: &str = "
services:
  web:
    image: rhumb-demo:1
    environment: { DATABASE: 'http://db:8080' }
    depends_on: { db: { condition: service_started } }
    stop_grace_period: 2s
    init: true
  db:
    image: rhumb-demo:1
    tmpfs: ['/cache:size=1m']
    configs: [{ source: look, target: /etc/look }]
    secrets: [password]
configs: { look: { content: blue } }
secrets: { password: { environment: HOME } }
";

pub(super) fn trials() -> Vec<Trial> {
    vec![trial::needs_swarm("a_compose_file_runs_on_swarm", on_swarm)]
}

fn on_swarm() -> Result<(), Failed> {
    let engine = trial::engine()?;
    let rhumb = Rhumb::swarm(engine.host());
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(Path::new(&path("compose.yaml")), FILE)?;
    let (file, chart, secrets) = (path("compose.yaml"), path("chart"), path("chart/secrets.values.yaml"));
    rhumb.succeed(&["import", "compose", &file, "--out", &chart])?;
    rhumb.succeed(&["install", "composed", &chart, "-f", &secrets, "--wait"])?;
    let docker = engine.docker();
    let services = docker.run(&["stack", "services", "composed", "--format", "{{.Name}} {{.Replicas}}"])?;
    trial::require(services.contains("composed_web 1/1") && services.contains("composed_db 1/1"), &services)?;
    let init = docker.run(&[
        "service",
        "inspect",
        "composed_web",
        "--format",
        "{{.Spec.TaskTemplate.ContainerSpec.Init}}",
    ])?;
    trial::require(init.trim() == "true", &init)?;
    let again = rhumb.json(&["upgrade", "composed", &chart, "-f", &secrets, "--wait"])?;
    trial::require(again["plan"]["steps"].as_array().is_some_and(Vec::is_empty), &again.to_string())?;
    rhumb.succeed(&["uninstall", "composed", "--wait"])?;
    trial::require_nothing_of(docker, "composed")
}
