//! The harness itself: what it starts works, and what it stops is gone.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed};
use rhumb_integration::swarm::{Engine, ThreeManagers};
use rhumb_integration::trial;

fn main() -> ExitCode {
    let trials = vec![
        trial::needs_swarm("engine_runs_a_service_and_leaves_nothing", one_engine),
        trial::needs_swarm("three_managers_survive_the_leader", three_managers),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn one_engine() -> Result<(), Failed> {
    let engine = Engine::start_own()?;
    let docker = engine.docker();
    let publish = "mode=host,published=18080,target=8080";
    docker.run(&["service", "create", "-q", "--name", "demo", "--publish", publish, "rhumb-demo:1"])?;
    let url = format!("http://{}:18080/version", engine.address());
    let page = trial::fetch(&url)?;
    if page != "1" {
        return Err(format!("{url} answers {page:?}").into());
    }
    let socket = engine.host().trim_start_matches("unix://").to_owned();
    drop(engine);
    if std::path::Path::new(&socket).exists() {
        return Err(format!("{socket} is still there").into());
    }
    Ok(())
}

fn three_managers() -> Result<(), Failed> {
    let swarm = ThreeManagers::start()?;
    let create =
        ["service", "create", "-q", "--detach", "--name", "demo", "--mode", "global", "rhumb-demo:1"];
    swarm.docker(2).run(&create)?;
    swarm.lose_node(1)?;
    trial::eventually("another leader", || {
        let nodes = swarm.docker(2).run(&["node", "ls", "--format", "{{.Hostname}} {{.ManagerStatus}}"])?;
        if nodes.lines().any(|line| line.ends_with("Leader") && !line.starts_with("node1")) {
            Ok(())
        } else {
            Err(nodes)
        }
    })?;
    swarm.return_node(1)?;
    trial::eventually("three ready managers", || {
        let nodes = swarm.docker(2).run(&["node", "ls", "--format", "{{.Status}} {{.ManagerStatus}}"])?;
        let ready = |line: &&str| matches!(*line, "Ready Reachable" | "Ready Leader");
        if nodes.lines().filter(ready).count() == 3 { Ok(()) } else { Err(nodes) }
    })?;
    Ok(())
}
