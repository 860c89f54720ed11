//! What a release is in the cluster, for those who look with kubectl.

use std::collections::BTreeMap;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::kubernetes::Kubectl;
use rhumb_integration::{ChartFolder, Platform, trial};

const APP: &str = "
kind: Workload
name: web
replicas: 2
containers:
  web:
    image: rhumb-demo:1
    env: { COLOUR: '{{ values.web }}' }
    ports: { http: 8080 }
    probes: { ready: { http: /healthz, port: http, period: 1s } }
    resources: { cpu: '0.01', memory: 0.03125Gi, limits: { memory: 65536Ki } }
    security: { user: '1000', readOnlyRoot: true }
    mounts: { /etc/app: { config: look } }
expose: { http: { port: 80 } }
---
kind: Workload
name: api
containers: { api: { image: 'rhumb-demo:1', env: { COLOUR: '{{ values.api }}' }, mounts: { /run/db: { secret: db } } } }
---
kind: Workload
name: db
mode: stateful
containers: { db: { image: 'rhumb-demo:1', mounts: { /data: { volume: data } } } }
---
kind: Volume
name: data
size: 10Mi
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
        trial::needs_cluster("kubernetes::kubectl_shows_the_release", shows),
        trial::needs_cluster("kubernetes::an_upgrade_touches_what_changed_only", touches),
        trial::needs_cluster("kubernetes::kubectl_finds_no_difference", no_difference),
        trial::needs_cluster("kubernetes::a_scale_of_somebody_is_kept", scale),
        trial::needs_cluster("kubernetes::drift_is_put_back_and_foreign_fields_stay", drift),
        trial::needs_cluster("kubernetes::a_foreign_object_is_refused_and_taken_over", foreign),
        trial::needs_cluster("kubernetes::what_cannot_change_is_replaced_only_when_told", replaced),
        trial::needs_cluster("kubernetes::volumes_keep_their_data", data),
        trial::needs_cluster("kubernetes::a_namespace_is_made_on_request", namespace),
        trial::needs_cluster("kubernetes::a_port_of_the_node_leads_to_its_replica", host_port),
    ]
}

fn chart() -> ChartFolder {
    ChartFolder::of(APP).with("values.yaml", "{ web: blue, api: blue, look: blue }\n")
}

fn shows() -> Result<(), Failed> {
    let place = Platform::Kubernetes.place("shows")?;
    let (rhumb, kubectl, chart) = (place.rhumb(), trial::cluster()?.kubectl(), chart());
    rhumb.succeed(&["install", "shown", chart.argument(), "--wait"])?;
    let all = kubectl.run(&[
        "-n",
        "shows",
        "get",
        "all",
        "-l",
        "app.kubernetes.io/instance=shown",
        "-o",
        "name",
    ])?;
    for name in
        ["deployment.apps/web", "deployment.apps/api", "statefulset.apps/db", "service/web", "service/db"]
    {
        trial::require(all.lines().any(|line| line == name), &format!("{name} is not in:\n{all}"))?;
    }
    let page = kubectl.exec("shows", "api", &["/demo", "get", "http://web/version"])?;
    trial::require(page.contains('1'), &page)?;
    let pods = kubectl.run(&["-n", "shows", "get", "pods", "-o", "wide"])?;
    let ps = rhumb.succeed(&["ps", "shown"])?;
    trial::require(ps.matches("web").count() >= 2 && ps.contains("db-0"), &format!("{ps}\n{pods}"))?;
    trial::require(rhumb.succeed(&["list"])?.contains("shown"), "list does not show it")?;
    let logs = rhumb.succeed(&["logs", "shown", "web"])?;
    trial::require(!logs.trim().is_empty(), "there are no logs")?;
    rhumb.succeed(&["uninstall", "shown", "--wait"])?;
    // A volume stays unless the chart says otherwise.
    kubectl.require_nothing_in("shows", &["PersistentVolumeClaim/data-db-0".to_owned()])?;
    Ok(())
}

fn touches() -> Result<(), Failed> {
    let place = Platform::Kubernetes.place("touches")?;
    let (rhumb, kubectl, chart) = (place.rhumb(), trial::cluster()?.kubectl(), chart());
    rhumb.succeed(&["install", "touched", chart.argument(), "--wait"])?;
    let before = snapshot(kubectl, "touches")?;
    let noop = rhumb.json(&["upgrade", "touched", chart.argument(), "--wait"])?;
    trial::require(noop["plan"]["steps"].as_array().is_some_and(Vec::is_empty), &noop["plan"].to_string())?;
    let after = snapshot(kubectl, "touches")?;
    trial::require(before == after, &format!("a no-op upgrade wrote:\n{before:#?}\n{after:#?}"))?;
    rhumb.succeed(&["upgrade", "touched", chart.argument(), "--set", "api=green", "--wait"])?;
    let changed = differences(&after, &snapshot(kubectl, "touches")?);
    trial::require(changed == ["Deployment/api"], &format!("changed: {changed:?}"))?;
    let rolled = snapshot(kubectl, "touches")?;
    rhumb.succeed(&["upgrade", "touched", chart.argument(), "--set", "api=green,look=green", "--wait"])?;
    let changed = differences(&rolled, &snapshot(kubectl, "touches")?);
    let only = changed.iter().all(|name| name == "Deployment/web" || name.starts_with("ConfigMap/look-"));
    trial::require(only && changed.len() >= 2, &format!("changed: {changed:?}"))?;
    rhumb.succeed(&["rollback", "touched", "1", "--wait"])?;
    let web = kubectl.get("touches", "deployment", "web")?;
    trial::require(web["status"]["availableReplicas"] == 2, &web["status"].to_string())?;
    Ok(())
}

/// Every object of ours with its generation, and with its version where it has none, and so every write to one.
fn snapshot(kubectl: &Kubectl, namespace: &str) -> Result<BTreeMap<String, String>, String> {
    const KINDS: &str = "deployments,statefulsets,services,configmaps,secrets,persistentvolumeclaims";
    let found = kubectl.list(namespace, KINDS, "app.kubernetes.io/managed-by=rhumb")?;
    let entry = |object: &serde_json::Value| {
        let metadata = &object["metadata"];
        let version = if metadata["generation"].is_null() {
            &metadata["resourceVersion"]
        } else {
            &metadata["generation"]
        };
        let kind = object["kind"].as_str().unwrap_or_default();
        (format!("{kind}/{}", metadata["name"].as_str().unwrap_or_default()), version.to_string())
    };
    Ok(found.iter().map(entry).collect())
}

fn differences(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<String> {
    let mut names: Vec<String> = before
        .keys()
        .chain(after.keys())
        .filter(|name| before.get(*name) != after.get(*name))
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    names
}

fn no_difference() -> Result<(), Failed> {
    let place = Platform::Kubernetes.place("same")?;
    let (rhumb, kubectl, chart) = (place.rhumb(), trial::cluster()?.kubectl(), chart());
    rhumb.succeed(&["install", "same", chart.argument(), "--wait"])?;
    let manifest = rhumb.succeed(&["get", "manifest", "same"])?;
    let diff = ["-n", "same", "diff", "--server-side", "--field-manager=rhumb", "-f", "-"];
    let said = kubectl.feed(&diff, &manifest)?;
    trial::require(said.is_empty(), &said)?;
    let rendered = rhumb.succeed(&["template", "same", chart.argument(), "--live"])?;
    let said = kubectl.feed(&diff, &rendered)?;
    trial::require(said.is_empty(), &said)
}

fn scale() -> Result<(), Failed> {
    let place = Platform::Kubernetes.place("scaled")?;
    let (rhumb, kubectl, chart) = (place.rhumb(), trial::cluster()?.kubectl(), chart());
    rhumb.succeed(&["install", "scaled", chart.argument(), "--wait"])?;
    kubectl.run(&["-n", "scaled", "scale", "deployment", "web", "--replicas=3"])?;
    rhumb.succeed(&["upgrade", "scaled", chart.argument(), "--set", "web=green", "--wait"])?;
    let web = kubectl.get("scaled", "deployment", "web")?;
    trial::require(web["spec"]["replicas"] == 3, &web["spec"].to_string())?;
    rhumb.succeed(&["scale", "scaled", "web=1"])?;
    rhumb.succeed(&["upgrade", "scaled", chart.argument(), "--set", "web=red", "--wait"])?;
    let web = kubectl.get("scaled", "deployment", "web")?;
    trial::require(web["spec"]["replicas"] == 1, &web["spec"].to_string())
}

fn drift() -> Result<(), Failed> {
    let place = Platform::Kubernetes.place("drift")?;
    let (rhumb, kubectl, chart) = (place.rhumb(), trial::cluster()?.kubectl(), chart());
    rhumb.succeed(&["install", "drift", chart.argument(), "--wait"])?;
    kubectl.run(&["-n", "drift", "set", "env", "deployment/api", "COLOUR=pink", "EXTRA=mine"])?;
    kubectl.run(&["-n", "drift", "label", "deployment/api", "team=blue"])?;
    let diff = rhumb.run(&["diff", "drift", chart.argument()]);
    diff.expect_texts(&["COLOUR", "drift"])?;
    rhumb.succeed(&["upgrade", "drift", chart.argument(), "--wait"])?;
    let env = "jsonpath={.spec.template.spec.containers[0].env[*].name}={.spec.template.spec.containers[0].env[*].value}";
    let env = kubectl.run(&["-n", "drift", "get", "deployment", "api", "-o", env])?;
    trial::require(env.contains("blue") && env.contains("EXTRA"), &env)?;
    let api = kubectl.get("drift", "deployment", "api")?;
    trial::require(api["metadata"]["labels"]["team"] == "blue", &api["metadata"].to_string())?;
    // A field that somebody else set first is theirs, and is named with its owner.
    let named =
        chart.with("templates/app.yaml", &APP.replace("name: api\n", "name: api\nlabels: { team: red }\n"));
    let ended = rhumb.run(&["upgrade", "drift", named.argument(), "--wait"]);
    trial::require(ended.code != Some(0), &ended.to_string())?;
    ended.expect_texts(&["team", "kubectl-label", "--force-conflicts"])?;
    rhumb.succeed(&["upgrade", "drift", named.argument(), "--wait", "--force-conflicts"])?;
    let api = kubectl.get("drift", "deployment", "api")?;
    trial::require(api["metadata"]["labels"]["team"] == "red", &api["metadata"].to_string())
}

fn foreign() -> Result<(), Failed> {
    let place = Platform::Kubernetes.place("foreign")?;
    let (rhumb, kubectl, chart) = (place.rhumb(), trial::cluster()?.kubectl(), chart());
    kubectl.run(&["-n", "foreign", "create", "service", "clusterip", "web", "--tcp=81:8080"])?;
    let ended = rhumb.run(&["install", "taken", chart.argument(), "--wait"]);
    trial::require(ended.code != Some(0), &ended.to_string())?;
    ended.expect_texts(&["web is there already", "service/web", "--take-ownership"])?;
    let deployments = kubectl.run(&["-n", "foreign", "get", "deployments", "-o", "name"])?;
    trial::require(deployments.is_empty(), &deployments)?;
    rhumb.succeed(&["upgrade", "--install", "taken", chart.argument(), "--wait", "--take-ownership"])?;
    let service = kubectl.get("foreign", "service", "web")?;
    trial::require(
        service["metadata"]["labels"]["app.kubernetes.io/instance"] == "taken",
        &service.to_string(),
    )?;
    let page = kubectl.exec("foreign", "api", &["/demo", "get", "http://web/version"])?;
    trial::require(page.contains('1'), &page)
}

fn replaced() -> Result<(), Failed> {
    let place = Platform::Kubernetes.place("replaced")?;
    let (rhumb, kubectl, chart) = (place.rhumb(), trial::cluster()?.kubectl(), chart());
    rhumb.succeed(&["install", "r", chart.argument(), "--wait"])?;
    let before = kubectl.get("replaced", "statefulset", "db")?;
    let larger = chart.with("templates/app.yaml", &APP.replace("size: 10Mi", "size: 20Mi"));
    let ended = rhumb.run(&["upgrade", "r", larger.argument(), "--set", "web=green", "--wait"]);
    trial::require(ended.code != Some(0), &ended.to_string())?;
    ended.expect_texts(&["statefulset/db", "--replace statefulset/db"])?;
    let web = kubectl.get("replaced", "deployment", "web")?;
    trial::require(web["metadata"]["generation"] == 1, "something was touched before the refusal")?;
    let replace = ["upgrade", "r", larger.argument(), "--wait", "--replace", "statefulset/db"];
    rhumb.succeed(&replace)?;
    let after = kubectl.get("replaced", "statefulset", "db")?;
    trial::require(before["metadata"]["uid"] != after["metadata"]["uid"], "it was not replaced")?;
    trial::require(after["status"]["readyReplicas"] == 1, &after["status"].to_string())
}

fn data() -> Result<(), Failed> {
    let place = Platform::Kubernetes.place("data")?;
    let (rhumb, kubectl, chart) = (place.rhumb(), trial::cluster()?.kubectl(), chart());
    rhumb.succeed(&["install", "d", chart.argument(), "--wait"])?;
    kubectl.exec("data", "db-0", &["sh", "-c", "echo precious >/data/x"])?;
    rhumb.succeed(&["restart", "d", "db", "--wait"])?;
    let read = || kubectl.exec("data", "db-0", &["cat", "/data/x"]);
    let kept = trial::eventually("data after a restart", read)?;
    trial::require(kept == "precious", &kept)?;
    rhumb.succeed(&["uninstall", "d", "--wait"])?;
    rhumb.succeed(&["install", "d", chart.argument(), "--wait"])?;
    let kept = trial::eventually("data after a new install", read)?;
    trial::require(kept == "precious", &kept)
}

fn namespace() -> Result<(), Failed> {
    let place = Platform::Kubernetes.place("namespaces")?;
    let (rhumb, kubectl, chart) = (place.rhumb(), trial::cluster()?.kubectl(), chart());
    let install = ["install", "n", chart.argument(), "--namespace", "made-on-request", "--wait"];
    let ended = rhumb.run(&install);
    trial::require(ended.code != Some(0), &ended.to_string())?;
    ended.expect_texts(&["made-on-request", "--create-namespace"])?;
    rhumb.succeed(&[&install[..], &["--create-namespace"]].concat())?;
    let gone = rhumb.succeed(&["uninstall", "n", "--namespace", "made-on-request", "--wait"]);
    kubectl.delete_namespace("made-on-request")?;
    gone?;
    Ok(())
}

/// A port that no service could have, with one node for the replicas: an update finds it free.
fn host_port() -> Result<(), Failed> {
    const EDGE: &str = "
kind: Workload
name: edge
containers:
  edge: { image: 'rhumb-demo:1', env: { COLOUR: '{{ values.colour }}' }, ports: { http: 8080 }, probes: { ready: { http: /healthz, port: http, period: 1s } } }
expose: { http: { port: 8077, as: node, traffic: local } }
";
    let place = Platform::Kubernetes.place("edges")?;
    let (rhumb, kubectl) = (place.rhumb(), trial::cluster()?.kubectl());
    let chart = ChartFolder::of(EDGE).with("values.yaml", "colour: blue\n");
    rhumb.succeed(&["install", "edge", chart.argument(), "--wait"])?;
    let query = ["-n", "edges", "get", "pods", "-o", "jsonpath={.items[0].status.hostIP}"];
    let address = format!("http://{}:8077/version", kubectl.run(&query)?.trim());
    trial::require(trial::get(&address)?.contains('1'), &address)?;
    rhumb.succeed(&["upgrade", "edge", chart.argument(), "--set", "colour=green", "--wait"])?;
    trial::get(&address)?;
    rhumb.succeed(&["uninstall", "edge", "--wait"])?;
    Ok(())
}
