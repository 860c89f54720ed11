//! The `deploy` section, and what older files have in its place.

use rhumb_backend::fields::{Fields, leaves};
use rhumb_spec::MilliCpu;
use rhumb_spec::model::{
    ConstraintOp, Container, Discovery, Gpu, Job, Mode, NodeConstraint, OnFailure, Restart, RestartPolicy,
    Rollback, Spread, Strategy, Update, UpdateOrder, Workload,
};
use serde_json::{Value, json};

use super::amounts::{bytes, cpus, duration, percent, whole};
use super::{cron, labels, list, route, scalar};

/// Reads how many replicas there are, where they go and how they change.
pub(super) fn lift(
    fields: &mut Fields<'_>,
    (container, workload): (&mut Container, &mut Workload),
    patch: &mut Value,
    traefik: &mut route::Labels,
) {
    older(fields, (container, workload), patch);
    let Some(mut deploy) = fields.below("deploy") else { return };
    mode(&mut deploy, workload);
    resources(&mut deploy, container, patch);
    if let Some(restart) = deploy.below("restart_policy") {
        restart_policy(restart, workload);
    }
    if workload.mode == Mode::Job {
        deploy.lose("update_config", "a job has no versions that replace each other");
        deploy.lose("rollback_config", "a job has no versions that replace each other");
    }
    if let Some(update) = deploy.below("update_config") {
        update_config(update, workload);
    }
    if let Some(rollback) = deploy.below("rollback_config") {
        rollback_config(rollback, workload);
    }
    placement(&mut deploy, workload);
    labels::lift(&mut deploy, workload, traefik);
    cron::lift(&mut deploy, workload);
    settle(&mut deploy, "nothing in an app is for it");
    fields.take("deploy", |left| left.as_object().is_some_and(serde_json::Map::is_empty).then_some(()));
}

/// Takes mappings with nothing left in them, and loses the rest.
fn settle(fields: &mut Fields<'_>, why: &str) {
    for key in fields.keys() {
        let is_empty =
            fields.get(&key).is_some_and(|left| left.as_object().is_some_and(serde_json::Map::is_empty));
        if is_empty {
            fields.take_whole(&key);
        } else {
            fields.lose(&key, why);
        }
    }
}

fn mode(deploy: &mut Fields<'_>, workload: &mut Workload) {
    let mode = deploy.take("mode", scalar);
    let replicas = deploy.take("replicas", whole);
    match mode.as_deref() {
        Some("global") => workload.mode = Mode::Global,
        Some("replicated-job") => {
            workload.mode = Mode::Job;
            let count = replicas.unwrap_or(1);
            let many = (count > 1).then_some(count);
            workload.job = Some(Job { completions: many, parallelism: many, ..Job::default() });
            workload.replicas = None;
        }
        Some("global-job") => {
            workload.mode = Mode::Job;
            deploy.lost("mode", 1, "a job does not run on every node: it runs once");
        }
        _ => {}
    }
    match workload.mode {
        Mode::Replicated => workload.replicas = replicas.or(workload.replicas),
        Mode::Job if mode.as_deref() == Some("replicated-job") => workload.replicas = None,
        _ => {
            workload.replicas = None;
            if replicas.is_some() {
                deploy.lost("replicas", 1, "a job and a service on every node have no number of replicas");
            }
        }
    }
    if deploy.text_at("endpoint_mode") == Some("dnsrr") {
        workload.discovery = Discovery::Dns;
    }
    deploy.take_whole("endpoint_mode");
}

fn resources(deploy: &mut Fields<'_>, container: &mut Container, patch: &mut Value) {
    let Some(mut all) = deploy.below("resources") else { return };
    if let Some(mut limits) = all.below("limits") {
        container.resources.limits.cpu = limits.take("cpus", cpus).filter(|cpu| cpu.0 > 0);
        container.resources.limits.memory = limits.take("memory", bytes).filter(|size| size.0 > 0);
        pids(&mut limits, "pids", patch);
        settle(&mut limits, "no limit of an app is for it");
    }
    if let Some(mut promised) = all.below("reservations") {
        container.resources.cpu = promised.take("cpus", cpus).filter(|cpu| cpu.0 > 0);
        container.resources.memory = promised.take("memory", bytes).filter(|size| size.0 > 0);
        let device = promised.take("devices", devices);
        let found = device.or_else(|| promised.take("generic_resources", generic));
        container.resources.gpu = found.or_else(|| container.resources.gpu.take());
        promised.lose("devices", NO_NUMBER);
        promised
            .lose("generic_resources", "of what nodes have of their own, an app knows graphics processors");
        settle(&mut promised, "no promise of an app is for it");
    }
    settle(&mut all, "no resource of an app is for it");
}

/// Graphics processors of a known number, and no other device.
fn gpus(value: &Value) -> Option<Gpu> {
    let [one] = value.as_array()?.as_slice() else { return None };
    let is_gpu = one
        .get("capabilities")
        .is_none_or(|named| list(named).is_some_and(|named| named.iter().any(|name| name == "gpu")));
    let is_plain =
        one.as_object()?.keys().all(|key| matches!(key.as_str(), "capabilities" | "count" | "driver"));
    let count = one.get("count").map_or(Some(1), whole).filter(|count| *count > 0)?;
    (is_gpu && is_plain).then_some(Gpu { count, resource: None })
}

/// Devices of a promise: a graphics processor is one by its capabilities.
fn devices(value: &Value) -> Option<Gpu> {
    value.as_array()?.first()?.get("capabilities").and_then(|_| gpus(value))
}

/// The one generic resource that is a graphics processor by its name.
fn generic(value: &Value) -> Option<Gpu> {
    let [one] = value.as_array()?.as_slice() else { return None };
    let discrete = one.get("discrete_resource_spec")?;
    let kind =
        discrete.get("kind").and_then(scalar).filter(|kind| kind.to_ascii_lowercase().contains("gpu"))?;
    let count = discrete.get("value").and_then(whole).filter(|count| *count > 0)?;
    Some(Gpu { count, resource: Some(kind).filter(|kind| kind != SWARM_GPU) })
}

/// What nodes call their graphics processors in Docker's documentation.
const SWARM_GPU: &str = "NVIDIA-GPU";
/// Why a number of graphics processors is not carried.
const NO_NUMBER: &str =
    "a workload asks for a number of graphics processors; how many `all` are, only a node knows";

fn pids(fields: &mut Fields<'_>, key: &str, patch: &mut Value) {
    if let Some(count) = fields.take(key, whole) {
        patch["TaskTemplate"]["Resources"]["Limits"]["Pids"] = json!(count);
        fields.kept(key, &json!(count), "a patch under on.swarm.Service keeps it");
    }
}

fn restart_policy(mut fields: Fields<'_>, workload: &mut Workload) {
    let policy = match fields.take("condition", scalar).as_deref() {
        Some("none") => RestartPolicy::Never,
        Some("on-failure") => RestartPolicy::OnFailure,
        _ => RestartPolicy::Always,
    };
    let found = Restart {
        policy,
        delay: fields.take("delay", duration),
        max_attempts: fields.take("max_attempts", whole).filter(|count| *count > 0),
        window: fields.take("window", duration).filter(|time| !time.is_zero()),
    };
    settle(&mut fields, "no restart policy of an app has it");
    if workload.mode == Mode::Job {
        let job = workload.job.get_or_insert_default();
        job.retries = found.max_attempts.filter(|_| policy != RestartPolicy::Never);
    } else {
        workload.restart = (found != Restart::default()).then_some(found);
    }
}

fn order(value: &Value) -> Option<UpdateOrder> {
    match value.as_str()? {
        "start-first" => Some(UpdateOrder::StartFirst),
        "stop-first" => Some(UpdateOrder::StopFirst),
        _ => None,
    }
}

/// A number of replicas at one time; 0 means all of them, which an app does not say in numbers.
fn parallelism(fields: &mut Fields<'_>) -> Option<u32> {
    let found = fields.take("parallelism", |value| whole(value).filter(|count| *count > 0));
    if found.is_none() {
        fields.lose("parallelism", "all replicas at one time is `strategy: recreate` in an app");
    }
    found
}

/// Whether all replicas stop before their successors start.
fn is_all_at_once(fields: &Fields<'_>) -> bool {
    let is_all = fields.get("parallelism").and_then(whole) == Some(0);
    is_all && matches!(fields.text_at("order"), None | Some("stop-first"))
}

fn update_config(mut fields: Fields<'_>, workload: &mut Workload) {
    let mut strategy = Strategy::default();
    if is_all_at_once(&fields) {
        strategy = Strategy::Recreate;
        fields.take_whole("parallelism");
        fields.take_whole("order");
    }
    let found = Update {
        strategy,
        parallelism: parallelism(&mut fields),
        delay: fields.take("delay", duration),
        order: fields.take("order", order),
        on_failure: fields.take("failure_action", |value| match value.as_str()? {
            "pause" => Some(OnFailure::Pause),
            "continue" => Some(OnFailure::Continue),
            "rollback" => Some(OnFailure::Rollback),
            _ => None,
        }),
        monitor: fields.take("monitor", duration),
        max_failure_percent: fields.take("max_failure_ratio", percent),
        ..Update::default()
    };
    settle(&mut fields, "no update of an app has it");
    workload.update = Some(found).filter(|found| *found != Update::default());
}

fn rollback_config(mut fields: Fields<'_>, workload: &mut Workload) {
    let found = Rollback {
        parallelism: parallelism(&mut fields),
        delay: fields.take("delay", duration),
        order: fields.take("order", order),
        monitor: fields.take("monitor", duration),
        max_failure_percent: fields.take("max_failure_ratio", percent),
    };
    settle(&mut fields, "no rollback of an app has it");
    workload.update.get_or_insert_default().rollback = Some(found);
}

fn placement(deploy: &mut Fields<'_>, workload: &mut Workload) {
    let Some(mut fields) = deploy.below("placement") else { return };
    workload.placement.max_per_node = fields.take("max_replicas_per_node", whole).filter(|count| *count > 0);
    for (index, text) in fields.take("constraints", list).unwrap_or_default().iter().enumerate() {
        if constraint(text, workload).is_none() {
            let why = "a constraint of an app is on a node's name, role, label, system or processor";
            fields.lost(&format!("constraints.{index}"), 1, why);
        }
    }
    if let Some(Value::Array(items)) = fields.take_whole("preferences") {
        for (index, item) in items.iter().enumerate() {
            let over =
                item.get("spread").and_then(Value::as_str).and_then(|over| over.strip_prefix("node.labels."));
            if let Some(over) = over {
                workload.placement.spread.push(Spread { over: over.to_owned(), max_skew: None });
            } else {
                let why = "replicas of an app spread over the values of a node's label";
                fields.lost(&format!("preferences.{index}"), leaves(item), why);
            }
        }
    }
    settle(&mut fields, "no placement of an app has it");
}

fn constraint(text: &str, workload: &mut Workload) -> Option<()> {
    let (op, at) = match (text.find("=="), text.find("!=")) {
        (Some(at), _) => (ConstraintOp::In, at),
        (None, Some(at)) => (ConstraintOp::NotIn, at),
        (None, None) => return None,
    };
    let (key, value) = (text[..at].trim(), text[at + 2..].trim());
    let placement = &mut workload.placement;
    let key = match (key, op) {
        ("node.platform.os", ConstraintOp::In) => {
            placement.os = Some(value.to_owned());
            return Some(());
        }
        ("node.platform.arch", ConstraintOp::In) => {
            placement.arch = Some(value.replace("x86_64", "amd64").replace("aarch64", "arm64"));
            return Some(());
        }
        ("node.role", _) => "role",
        ("node.hostname", _) => "hostname",
        (other, _) => other.strip_prefix("node.labels.")?,
    };
    placement.nodes.push(NodeConstraint { key: key.to_owned(), op, values: vec![value.to_owned()] });
    Some(())
}

/// Reads a limit of processors as a share of a period, in microseconds; Docker takes a period of a tenth of a second.
fn quota(fields: &mut Fields<'_>, container: &mut Container) {
    let number = |value: &Value| whole(value).filter(|number| *number > 0);
    let Some(quota) = fields.get("cpu_quota").and_then(number) else { return };
    let period = fields.get("cpu_period").and_then(number).unwrap_or(100_000);
    if container.resources.limits.cpu.is_none() {
        fields.take_whole("cpu_quota");
        fields.take_whole("cpu_period");
        let thousandths = (u64::from(quota) * 1000).div_ceil(u64::from(period));
        container.resources.limits.cpu = Some(MilliCpu(thousandths));
    }
}

/// Reads what stood beside `deploy` before it was there, and may still.
fn older(fields: &mut Fields<'_>, (container, workload): (&mut Container, &mut Workload), patch: &mut Value) {
    if workload.mode != Mode::Job {
        workload.replicas = fields.take("scale", whole);
    }
    let resources = &mut container.resources;
    resources.limits.cpu = fields.take("cpus", cpus).filter(|cpu| cpu.0 > 0);
    resources.limits.memory = fields.take("mem_limit", bytes).filter(|size| size.0 > 0);
    resources.memory = fields.take("mem_reservation", bytes).filter(|size| size.0 > 0);
    resources.gpu = fields.take("gpus", gpus);
    fields.lose("gpus", NO_NUMBER);
    quota(fields, container);
    pids(fields, "pids_limit", patch);
    let platform = fields.take("platform", scalar).filter(|platform| !platform.is_empty());
    let Some(platform) = platform else { return };
    let mut parts = platform.split('/');
    let (os, arch) = (parts.next().unwrap_or_default(), parts.next());
    if matches!(os, "linux" | "windows") {
        workload.placement.os = Some(os.to_owned());
        workload.placement.arch = arch.map(str::to_owned);
    } else {
        fields.lost("platform", 1, "no node has this platform: it asks for a runtime of its own");
    }
}
