//! What needs several nodes: spread, pinning, drain, and the loss of the leader in the middle of an upgrade.

use std::collections::BTreeMap;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::swarm::{Docker, ThreeManagers};
use rhumb_integration::{ChartFolder, Ended, Rhumb, trial};

use crate::migrate::volumes_of_several_nodes;

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial::needs_swarm("three_managers", three_managers)]
}

/// One swarm for all of it: making three engines takes longer than using them.
fn three_managers() -> Result<(), Failed> {
    let swarm = ThreeManagers::start()?;
    let docker = swarm.docker(2).clone();
    let rhumb = Rhumb::swarm(docker.host());
    spread(&rhumb, &docker).map_err(|error| named("spread", &error))?;
    most_per_node(&rhumb, &docker).map_err(|error| named("max per node", &error))?;
    across_nodes(&rhumb, &swarm).map_err(|error| named("traffic across nodes", &error))?;
    pinned(&rhumb, &swarm).map_err(|error| named("pinning", &error))?;
    // The part that needs a cluster, too.
    if trial::can_have_cluster() {
        volumes_of_several_nodes(&swarm).map_err(|error| named("moving", &error))?;
    }
    drain(&rhumb, &docker).map_err(|error| named("drain", &error))?;
    lose_the_leader(&rhumb, &swarm).map_err(|error| named("loss of the leader", &error))
}

fn named(part: &str, error: &Failed) -> Failed {
    format!("{part}: {}", error.message().unwrap_or_default()).into()
}

/// Running replicas of a service by node.
fn by_node(docker: &Docker, service: &str) -> Result<BTreeMap<String, u32>, String> {
    let format = "{{.Node}} {{.CurrentState}}";
    let mut count = BTreeMap::new();
    for line in
        docker.lines(&["service", "ps", "--filter", "desired-state=running", "--format", format, service])?
    {
        if let Some((node, state)) = line.split_once(' ') {
            *count.entry(node.to_owned()).or_default() += u32::from(state.starts_with("Running"));
        }
    }
    Ok(count)
}

fn spread(rhumb: &Rhumb, docker: &Docker) -> Result<(), Failed> {
    for (node, zone) in [("node1", "a"), ("node2", "a"), ("node3", "b")] {
        docker.run(&["node", "update", "--label-add", &format!("zone={zone}"), node])?;
    }
    let chart = ChartFolder::of(
        "
kind: Workload
name: web
replicas: 4
placement: { spread: [{ over: zone }] }
containers: { web: { image: 'rhumb-demo:1' } }
",
    );
    rhumb.succeed(&["install", "spread", chart.argument(), "--wait"])?;
    let nodes = by_node(docker, "spread_web")?;
    trial::require(nodes.get("node3") == Some(&2), &format!("two of four belong in zone b: {nodes:?}"))?;
    rhumb.succeed(&["uninstall", "spread", "--wait"])?;
    Ok(())
}

fn most_per_node(rhumb: &Rhumb, docker: &Docker) -> Result<(), Failed> {
    let app = "
kind: Workload
name: web
replicas: {{ values.replicas }}
placement: { maxPerNode: 1 }
containers: { web: { image: 'rhumb-demo:1' } }
";
    let chart = ChartFolder::of(app).with("values.yaml", "replicas: 3\n");
    rhumb.succeed(&["install", "single", chart.argument(), "--wait"])?;
    let nodes = by_node(docker, "single_web")?;
    trial::require(nodes.len() == 3 && nodes.values().all(|count| *count == 1), &format!("{nodes:?}"))?;
    // A fourth finds no node; the wait says so instead of running out of time in silence.
    let ended = rhumb.run(&[
        "upgrade",
        "single",
        chart.argument(),
        "--set",
        "replicas=4",
        "--wait",
        "--timeout",
        "40s",
    ]);
    ended.expect_code(6)?.expect_texts(&["no suitable node", "3 of 4"])?;
    rhumb.succeed(&["uninstall", "single", "--wait"])?;
    Ok(())
}

fn across_nodes(rhumb: &Rhumb, swarm: &ThreeManagers) -> Result<(), Failed> {
    let chart = ChartFolder::of(
        "
kind: Workload
name: api
discovery: dns
placement: { nodes: [{ key: hostname, values: [node3] }] }
containers: { api: { image: 'rhumb-demo:1', ports: { http: 8080 } } }
expose: { http: { port: 8080 } }
---
kind: Workload
name: web
dependsOn: [api]
placement: { nodes: [{ key: hostname, values: [node1] }] }
containers: { web: { image: 'rhumb-demo:1' } }
",
    );
    rhumb.succeed(&["install", "across", chart.argument(), "--wait"])?;
    let docker = swarm.docker(1);
    let container = docker.containers("across_web")?;
    let container = container.first().ok_or("web does not run on node1")?;
    trial::eventually("answer from the other node", || {
        docker.exec(container, &["/demo", "get", "http://api:8080/version"])
    })?;
    rhumb.succeed(&["uninstall", "across", "--wait"])?;
    Ok(())
}

fn pinned(rhumb: &Rhumb, swarm: &ThreeManagers) -> Result<(), Failed> {
    let app = "
kind: Workload
name: db
containers: { db: { image: 'rhumb-demo:1', env: { COLOUR: '{{ values.colour }}' }, mounts: { /data: { volume: data } } } }
---
kind: Volume
name: data
";
    let chart = ChartFolder::of(app).with("values.yaml", "colour: blue\n");
    rhumb.succeed(&["install", "pinned", chart.argument(), "--wait"])?;
    let before = by_node(swarm.docker(2), "pinned_db")?;
    let node: u32 =
        before.keys().next().and_then(|name| name.strip_prefix("node")?.parse().ok()).ok_or("no node")?;
    let docker = swarm.docker(node);
    let first = |docker: &Docker| -> Result<String, String> {
        docker
            .containers("pinned_db")?
            .into_iter()
            .next()
            .ok_or_else(|| "the database does not run there".to_owned())
    };
    docker.exec(&first(docker)?, &["sh", "-c", "echo kept >/data/file"])?;
    for colour in ["red", "green", "white"] {
        let set = format!("colour={colour}");
        rhumb.succeed(&["upgrade", "pinned", chart.argument(), "--set", &set, "--wait"])?;
        let now = by_node(swarm.docker(2), "pinned_db")?;
        trial::require(now == before, &format!("it was on {before:?} and is on {now:?}"))?;
    }
    let data = docker.exec(&first(docker)?, &["cat", "/data/file"])?;
    trial::require(data == "kept", &data)?;
    rhumb.succeed(&["uninstall", "pinned", "--wait"])?;
    let volumes = docker.run(&["volume", "ls", "--format", "{{.Name}}"])?;
    trial::require(
        volumes.contains("pinned_data"),
        &format!("data are kept unless the chart says otherwise: {volumes}"),
    )
}

fn drain(rhumb: &Rhumb, docker: &Docker) -> Result<(), Failed> {
    let chart = ChartFolder::of(
        "
kind: Workload
name: web
replicas: 3
placement: { spread: [{ over: hostname }] }
containers: { web: { image: 'rhumb-demo:1', env: { COLOUR: '{{ values.colour }}' } } }
",
    )
    .with("values.yaml", "colour: blue\n");
    rhumb.succeed(&["install", "drained", chart.argument(), "--wait"])?;
    docker.run(&["node", "update", "--availability", "drain", "node3"])?;
    trial::eventually("three replicas on two nodes", || {
        let nodes = by_node(docker, "drained_web")?;
        let moved = !nodes.contains_key("node3") && nodes.values().sum::<u32>() == 3;
        if moved { Ok(()) } else { Err(format!("{nodes:?}")) }
    })?;
    rhumb.succeed(&["upgrade", "drained", chart.argument(), "--set", "colour=red", "--wait"])?;
    let status = rhumb.json(&["status", "drained"])?;
    trial::require(status["health"][0]["state"] == "ready", &status.to_string())?;
    docker.run(&["node", "update", "--availability", "active", "node3"])?;
    rhumb.succeed(&["uninstall", "drained", "--wait"])?;
    Ok(())
}

fn lose_the_leader(rhumb: &Rhumb, swarm: &ThreeManagers) -> Result<(), Failed> {
    let app = "
kind: Workload
name: web
replicas: 3
update: { maxSurge: 0, maxUnavailable: 1, delay: 2s }
containers: { web: { image: 'rhumb-demo:1', env: { COLOUR: '{{ values.colour }}' } } }
---
kind: Workload
name: api
dependsOn: [web]
replicas: 2
containers: { api: { image: 'rhumb-demo:1', env: { COLOUR: '{{ values.colour }}' } } }
";
    let chart = ChartFolder::of(app).with("values.yaml", "colour: blue\n");
    rhumb.succeed(&["install", "leaderless", chart.argument(), "--wait"])?;
    let docker = swarm.docker(2);
    let leader = docker.lines(&["node", "ls", "--format", "{{.ManagerStatus}} {{.Hostname}}"])?;
    let leader: u32 = leader
        .iter()
        .find_map(|line| line.strip_prefix("Leader node")?.parse().ok())
        .ok_or_else(|| format!("no leader: {leader:?}"))?;
    // The one whose engine the command talks to must outlive the other.
    let other = if leader == 2 { 3 } else { 2 };
    let rhumb_there = Rhumb::swarm(swarm.docker(other).host());
    let arguments =
        ["upgrade", "leaderless", chart.argument(), "--set", "colour=red", "--wait", "--timeout", "3m"];
    let upgrade = rhumb_there.spawn(&arguments);
    std::thread::sleep(Duration::from_millis(1500));
    let lost = swarm.lose_node(leader);
    let ended = Ended::new(&arguments, &upgrade.wait_with_output()?);
    lost?;
    // It may end well or tell that it did not; the next command must do.
    trial::require(ended.code.is_some_and(|code| [0, 1, 6, 7].contains(&code)), &ended.to_string())?;
    let next =
        ["upgrade", "leaderless", chart.argument(), "--set", "colour=green", "--wait", "--timeout", "3m"];
    trial::eventually("upgrade without the leader", || rhumb_there.succeed(&next))?;
    let history = rhumb_there.json(&["history", "leaderless"])?;
    trial::require_whole_history(&history, 2)?;
    let service = swarm.docker(other).inspect("service", "leaderless_api")?;
    let env = service["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"].to_string();
    trial::require(env.contains("COLOUR=green"), &env)?;
    swarm.return_node(leader)?;
    rhumb_there.succeed(&["uninstall", "leaderless", "--wait"])?;
    Ok(())
}
