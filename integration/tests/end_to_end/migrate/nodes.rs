//! Volumes of several nodes of a swarm move to a cluster, and back to other nodes.

use libtest_mimic::Failed;
use rhumb_integration::swarm::ThreeManagers;
use rhumb_integration::{ChartFolder, Rhumb, ferry, trial};
use serde_json::json;

const APP: &str = "
kind: Volume
name: data
---
kind: Volume
name: notes
---
kind: Workload
name: db
update: { strategy: recreate }
placement: { nodes: [{ key: hostname, values: ['{{ values.db }}'] }] }
containers: { db: { image: 'rhumb-demo:1', mounts: { /data: { volume: data } }, stop: { grace: 1s } } }
---
kind: Workload
name: log
update: { strategy: recreate }
placement: { nodes: [{ key: hostname, values: ['{{ values.log }}'] }] }
containers: { log: { image: 'rhumb-demo:1', mounts: { /data: { volume: notes } }, stop: { grace: 1s } } }
";

const NAME: &str = "scattered";

/// The losses of a swarm that the cluster does not have.
const LOST: &str = "persistent-volume,recreate";

pub(crate) fn volumes_of_several_nodes(swarm: &ThreeManagers) -> Result<(), Failed> {
    let cluster = trial::cluster()?;
    let image = ferry::image_on_kubernetes(cluster)?;
    for node in 1..=3 {
        ferry::image_on_swarm(swarm.docker(node).host())?;
    }
    let targets = json!({
        "swarm": { "backend": "swarm", "host": swarm.docker(2).host() },
        "cluster": { "backend": "kubernetes", "kubeconfig": cluster.kubeconfig(), "namespace": NAME },
    });
    let rhumb = Rhumb::targets(&targets, Vec::new());
    cluster.kubectl().create_namespace(NAME)?;
    let chart = ChartFolder::of(APP).with("values.yaml", "db: node2\nlog: node3\n");
    rhumb.succeed(&["install", NAME, chart.argument(), "-t", "swarm", "--wait"])?;
    for (workload, node) in [("db", 2), ("log", 3)] {
        run_on(swarm, workload, node, &format!("echo '{workload} was here' >/data/file"))?;
    }
    go(&rhumb, &image, ["swarm", "cluster"], &["--set", "db=node1,log=node1"])?;
    for workload in ["db", "log"] {
        let seen = cluster.kubectl().exec(NAME, workload, &["cat", "/data/file"])?;
        require_kept(workload, &seen)?;
    }
    // What stayed on node 2 is written over; node 1 has nothing yet.
    let back = ["--set", "db=node2,log=node1", "--accept-loss", LOST, "--overwrite"];
    go(&rhumb, &image, ["cluster", "swarm"], &back)?;
    for (workload, node) in [("db", 2), ("log", 1)] {
        require_kept(workload, &run_on(swarm, workload, node, "cat /data/file")?)?;
    }
    rhumb.succeed(&["uninstall", NAME, "-t", "swarm", "--wait"])?;
    cluster.kubectl().delete_namespace(NAME)?;
    Ok(())
}

/// From the first to the second, to the end.
fn go(rhumb: &Rhumb, image: &str, [from, to]: [&str; 2], arguments: &[&str]) -> Result<(), Failed> {
    let start = ["migrate", "start", NAME, "--from", from, "--to", to, "--helper-image", image];
    rhumb.succeed(&[&start, arguments].concat())?;
    for stage in ["verify", "cutover", "finish"] {
        rhumb.succeed(&["migrate", stage, NAME])?;
    }
    Ok(())
}

/// Runs a script in the replica on this node, where alone it may be.
fn run_on(swarm: &ThreeManagers, workload: &str, node: u32, script: &str) -> Result<String, String> {
    let docker = swarm.docker(node);
    let containers = docker.containers(&format!("{NAME}_{workload}"))?;
    let container = containers.first().ok_or_else(|| format!("{workload} does not run on node{node}"))?;
    docker.exec(container, &["sh", "-c", script])
}

fn require_kept(workload: &str, seen: &str) -> Result<(), Failed> {
    trial::require(seen.trim() == format!("{workload} was here"), &format!("{workload} has {seen:?}"))
}
