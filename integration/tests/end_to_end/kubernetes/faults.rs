//! An API server that answers badly, breaks off, or goes away in the middle of a command.

use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::kubernetes::{Fault, Faults, FaultyServer};
use rhumb_integration::{ChartFolder, Ended, Platform, Rhumb, trial};

const APP: &str = "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', env: { COLOUR: '{{ values.colour }}' }, mounts: { /etc/app: { config: look } } } }
---
kind: Workload
name: api
dependsOn: [web]
containers: { api: { image: 'rhumb-demo:1', ports: { http: 8080 }, mounts: { /run/db: { secret: db } } } }
expose: { http: { port: 80 } }
---
kind: Config
name: look
data: { colour: '{{ values.colour }}' }
---
kind: Secret
name: db
generate: { password: {} }
";

const WRITES: &[&str] = &["PATCH", "POST", "PUT"];
const ALL: &[&str] = &["GET", "PATCH", "POST", "PUT", "DELETE"];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial::needs_cluster("kubernetes::too_many_requests_are_tried_again", || {
            faults("f-many", Fault::TooMany)
        }),
        trial::needs_cluster("kubernetes::internal_errors_are_tried_again", || {
            faults("f-error", Fault::Internal)
        }),
        trial::needs_cluster("kubernetes::closed_connections_are_tried_again", || {
            faults("f-close", Fault::Closed)
        }),
        trial::needs_cluster("kubernetes::lost_answers_make_nothing_twice", || {
            faults("f-lost", Fault::AnswerLost)
        }),
        trial::needs_cluster("kubernetes::a_server_that_never_answers_well_is_told", hopeless),
        trial::needs_cluster_alone("kubernetes::the_server_restarts_during_an_upgrade", restart),
    ]
}

fn chart() -> ChartFolder {
    ChartFolder::of(APP).with("values.yaml", "colour: blue\n")
}

/// Every third write meets the fault, and the commands succeed all the same.
fn faults(namespace: &str, fault: Fault) -> Result<(), Failed> {
    let place = Platform::Kubernetes.place(namespace)?;
    let kubectl = trial::cluster()?.kubectl();
    let chart = chart();
    let at = (0..400).filter(|number| number % 3 == 1).collect();
    let server = FaultyServer::start(kubectl, namespace, Faults { fault, methods: WRITES, at })?;
    let rhumb = Rhumb::kubernetes(&server.kubeconfig(), namespace);
    rhumb.succeed(&["install", "shop", chart.argument(), "--wait"])?;
    rhumb.succeed(&["upgrade", "shop", chart.argument(), "--set", "colour=red", "--wait"])?;
    trial::require(server.met() > 2, "hardly a request met the fault")?;
    let direct = place.rhumb();
    trial::require_whole_history(&direct.json(&["history", "shop"])?, 2)?;
    let plan = direct.json(&["upgrade", "shop", chart.argument(), "--set", "colour=red", "--dry-run"])?;
    trial::require(plan["plan"]["steps"] == serde_json::json!([]), &plan["plan"].to_string())?;
    let deployments = kubectl.list(namespace, "deployments", "app.kubernetes.io/instance=shop")?;
    trial::require(deployments.len() == 2, &format!("{} deployments", deployments.len()))?;
    rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    place.require_nothing_of("shop")
}

/// A server that goes on failing ends the command with an error, and the next command goes on.
fn hopeless() -> Result<(), Failed> {
    for (name, fault, after) in [("f-dead-1", Fault::Internal, 6), ("f-dead-2", Fault::Closed, 9)] {
        let place = Platform::Kubernetes.place(name)?;
        let kubectl = trial::cluster()?.kubectl();
        let chart = chart();
        let faults = Faults { fault, methods: ALL, at: (after..4000).collect() };
        let server = FaultyServer::start(kubectl, name, faults)?;
        let rhumb = Rhumb::kubernetes(&server.kubeconfig(), name);
        let ended = rhumb.run(&["install", "shop", chart.argument(), "--wait", "--timeout", "15s"]);
        trial::require(ended.code.is_some_and(|code| code != 0), &ended.to_string())?;
        ended.expect_texts(&["error"])?;
        let direct = place.rhumb();
        direct.succeed(&["upgrade", "--install", "shop", chart.argument(), "--wait"])?;
        trial::require_whole_history(&direct.json(&["history", "shop"])?, 1)?;
        direct.succeed(&["uninstall", "shop", "--wait"])?;
        place.require_nothing_of("shop")?;
    }
    Ok(())
}

/// The API server is killed and started again while an upgrade is under way.
fn restart() -> Result<(), Failed> {
    let cluster = trial::cluster()?;
    if !cluster.is_controlled() {
        return trial::skip("the cluster that the environment names is not ours to change");
    }
    let place = Platform::Kubernetes.place("f-restart")?;
    let rhumb = place.rhumb();
    let chart = chart();
    rhumb.succeed(&["install", "shop", chart.argument(), "--wait"])?;
    let upgrade = ["upgrade", "shop", chart.argument(), "--set", "colour=red", "--wait", "--timeout", "2m"];
    let child = rhumb.spawn(&upgrade);
    std::thread::sleep(Duration::from_millis(300));
    let killed = cluster.control(&["apiserver", "kill"]);
    std::thread::sleep(Duration::from_secs(1));
    let started = cluster.control(&["apiserver", "start"]);
    let output = child.wait_with_output();
    killed.and(started)?;
    let ended = Ended::new(&upgrade, &output?);
    if ended.code != Some(0) {
        // The lease may have been lost in the time; then the next command goes on.
        ended.expect_texts(&["error"])?;
        rhumb.succeed(&["upgrade", "shop", chart.argument(), "--set", "colour=red", "--wait"])?;
    }
    trial::require_whole_history(&rhumb.json(&["history", "shop"])?, 2)?;
    rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    place.require_nothing_of("shop")
}
