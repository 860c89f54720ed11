//! A Compose file, deployed as a stack: the services are those that a release would make, field by field.

use libtest_mimic::{Failed, Trial};
use rhumb_integration::swarm::Docker;
use rhumb_integration::{ChartFolder, Rhumb, trial};
use serde_json::{Value, json};

use super::{chart, exported};

/// A chart that says everything that Compose has words for.
const EVERYTHING: &str = r"
kind: Workload
name: web
replicas: 2
labels: { team: web }
annotations: { note: 'costs $5' }
dns: { servers: [192.0.2.1], search: [example.test] }
extraHosts: { old: 192.0.2.7 }
containers:
  web:
    image: rhumb-demo:1
    env: { PRICE: '$5 and ${HOME}', FLAG: 'yes', NUMBER: '1_000' }
    ports: { http: 8080 }
    probes: { ready: { exec: [/demo, check], period: 90s, timeout: 1500ms, failures: 2 } }
    resources: { cpu: 50m, memory: 24Mi, limits: { cpu: 1500m, memory: 48Mi } }
    security:
      user: '1000'
      readOnlyRoot: true
      capabilities: { add: [NET_ADMIN], drop: [ALL] }
      sysctls: { net.core.somaxconn: '128' }
      ulimits: { nofile: { soft: 1024, hard: 2048 } }
    stop: { signal: SIGINT, grace: 20s }
    logging: { driver: json-file, options: { max-size: 1m } }
    mounts:
      /etc/look: { config: look }
      /run/db: { secret: db, mode: '0400' }
      /data: { volume: data }
      /tmp: { tmpfs: true, size: 1Mi }
networks: { back: { aliases: [www] } }
expose: { http: { port: 38080, as: node, traffic: local } }
placement: { nodes: [{ key: role, values: [manager] }], spread: [{ over: zone }], maxPerNode: 3 }
restart: { policy: onFailure, delay: 7s, maxAttempts: 3, window: 60s }
update: { maxSurge: 1, maxUnavailable: 0, onFailure: rollback, monitor: 10s, delay: 2s }
---
kind: Workload
name: everywhere
mode: global
containers: { all: { image: 'rhumb-demo:1' } }
---
kind: Workload
name: once
mode: job
job: { completions: 2, parallelism: 2, retries: 1 }
containers: { once: { image: 'rhumb-demo:1', args: [exit, '0'] } }
---
kind: Network
name: back
internal: true
labels: { zone: back }
---
kind: Config
name: look
data: { colour: 'blue: $1' }
---
kind: Secret
name: db
generate: { password: {} }
---
kind: Volume
name: data
labels: { kind: data }
";

pub(super) fn trials() -> Vec<Trial> {
    vec![trial::needs_swarm("docker_stack_deploys_what_a_release_would_make", stacks)]
}

fn stacks() -> Result<(), Failed> {
    let everything = ChartFolder::of(EVERYTHING);
    let charts = ["web", "redis", "postgres", "sock-shop"].map(chart);
    let all = charts.iter().map(String::as_str).chain([everything.argument()]);
    for (number, chart) in all.enumerate() {
        stack(chart, &format!("left{number}"))?;
    }
    Ok(())
}

/// A stack of the exported file has the services that a release would make, field by field.
fn stack(chart: &str, name: &str) -> Result<(), String> {
    let engine = trial::engine().map_err(|error| error.to_string())?;
    let rhumb = Rhumb::swarm(engine.host());
    let place = tempfile::tempdir().map_err(|error| error.to_string())?;
    let out =
        exported(&rhumb, &["compose", "--live", "--resolve-image", "never", "--name", name, chart], &place)?;
    let file = out.join("compose.yaml").to_string_lossy().into_owned();
    let docker = engine.docker();
    docker.run(&["stack", "config", "-c", &file])?;
    docker.run(&["stack", "deploy", "--detach", "--resolve-image", "never", "-c", &file, name])?;
    let wanted = rhumb.json(&["template", name, chart, "--live", "--resolve-image", "never"])?;
    let compared = services(docker, &wanted);
    docker.run(&["stack", "rm", name])?;
    trial::eventually("end of the stack", || {
        let left =
            docker.run(&["ps", "-aq", "--filter", &format!("label=com.docker.stack.namespace={name}")])?;
        if left.is_empty() { Ok(()) } else { Err(left) }
    })?;
    let volumes = docker.run(&[
        "volume",
        "ls",
        "-q",
        "--filter",
        &format!("label=com.docker.stack.namespace={name}"),
    ])?;
    for volume in volumes.lines() {
        docker.run(&["volume", "rm", volume])?;
    }
    compared
}

fn services(docker: &Docker, wanted: &Value) -> Result<(), String> {
    let objects = wanted["objects"].as_array().ok_or("no objects")?;
    let is_service = |object: &&Value| object["id"].as_str().is_some_and(|id| id.starts_with("service/"));
    let mut wrong = Vec::new();
    for object in objects.iter().filter(is_service) {
        let name = object["body"]["Name"].as_str().ok_or("a service has a name")?;
        let live = docker.inspect("service", name)?;
        same(&plain(&object["body"]), &plain(&live["Spec"]), name, &mut wrong);
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n")) }
}

/// Lists in which the order says nothing.
const SETS: [&str; 7] = ["Env", "Aliases", "Secrets", "Configs", "Mounts", "CapabilityAdd", "CapabilityDrop"];

/// A spec without ids, our marks, names that follow content, what says nothing, and the names of ports, for which Compose
/// has no words, as is told.
fn plain(spec: &Value) -> Value {
    match spec {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, _)| !is_no_part(key));
            let plain = kept.map(|(key, value)| (key.clone(), field(key, value)));
            Value::Object(plain.filter(|(key, value)| !says_nothing(key, value)).collect())
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}

fn field(key: &str, value: &Value) -> Value {
    let mut value = plain(value);
    let left_out = match key {
        "Networks" => "Target",
        "Ports" => "Name",
        _ => "",
    };
    for item in value.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        item.remove(left_out);
    }
    // The CLI writes images as people know them.
    if let Some(image) = value.as_str().filter(|_| key == "Image") {
        let image = image.strip_prefix("docker.io/").unwrap_or(image);
        return image.strip_prefix("library/").unwrap_or(image).into();
    }
    if let Some(items) = value.as_array_mut().filter(|_| SETS.contains(&key)) {
        items.sort_by_key(Value::to_string);
    }
    value
}

fn is_no_part(key: &str) -> bool {
    let names = ["ConfigID", "ConfigName", "SecretID", "SecretName", "Runtime", "ForceUpdate"];
    names.contains(&key) || key.starts_with("rhumb.dev/") || key.starts_with("com.docker.stack.")
}

fn says_nothing(key: &str, value: &Value) -> bool {
    let is_empty = match value {
        Value::Object(map) => map.is_empty() && key != "Global",
        Value::Array(items) => items.is_empty(),
        Value::Null => true,
        Value::Bool(value) => !value,
        _ => false,
    };
    is_empty || key == "Isolation" && value == "default"
}

/// What the engine writes where nothing is said.
///
/// Source: Engine API, `ServiceSpec`.
fn default_at(path: &str) -> Option<Value> {
    let config = json!({ "Parallelism": 1, "FailureAction": "pause", "Monitor": 5_000_000_000_u64, "MaxFailureRatio": 0, "Order": "stop-first" });
    let restart = json!({ "Condition": "any", "Delay": 5_000_000_000_u64, "MaxAttempts": 0 });
    let (parent, field) = path.rsplit_once('.').unwrap_or(("", path));
    match (parent.rsplit('.').next().unwrap_or_default(), field) {
        ("UpdateConfig" | "RollbackConfig", field) => config.get(field).cloned(),
        ("RestartPolicy", field) => restart.get(field).cloned(),
        (_, "UpdateConfig" | "RollbackConfig") => Some(config),
        (_, "RestartPolicy") => Some(restart),
        (_, "StopGracePeriod") => Some(10_000_000_000_u64.into()),
        (_, "EndpointSpec") => Some(json!({ "Mode": "vip" })),
        _ => None,
    }
}

/// Whether two specs are the same, but for defaults.
fn same(want: &Value, live: &Value, path: &str, wrong: &mut Vec<String>) {
    let (Value::Object(wants), Value::Object(lives)) = (want, live) else {
        if want != live && !is_same_list(want, live, path, wrong) {
            wrong.push(format!("{path}: a release has {want}, and the stack {live}"));
        }
        return;
    };
    let keys: std::collections::BTreeSet<&String> = wants.keys().chain(lives.keys()).collect();
    for key in keys {
        let path = format!("{path}.{key}");
        match (wants.get(key), lives.get(key)) {
            (Some(want), Some(live)) => same(want, live, &path, wrong),
            (Some(left), None) | (None, Some(left)) => {
                if default_at(&path).as_ref() != Some(left) {
                    wrong.push(format!("{path}: only one of them has {left}"));
                }
            }
            (None, None) => {}
        }
    }
}

fn is_same_list(want: &Value, live: &Value, path: &str, wrong: &mut Vec<String>) -> bool {
    let (Value::Array(wants), Value::Array(lives)) = (want, live) else { return false };
    if wants.len() != lives.len() || !wants.iter().all(Value::is_object) {
        return false;
    }
    for (at, (want, live)) in wants.iter().zip(lives).enumerate() {
        same(want, live, &format!("{path}.{at}"), wrong);
    }
    true
}
