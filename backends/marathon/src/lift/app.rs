//! Apps of one container.

use rhumb_backend::fields::Fields;
use rhumb_spec::model::{Container, PullPolicy, Workload};
use rhumb_spec::{Diagnostic, Duration};
use serde_json::{Value, json};

use super::document::Document;
use super::placement::Constraint;
use super::rollout::Backoff;
use super::volumes::About;
use super::{
    World, environment, files, health, members, native, network, parameters, placement, ports, resources,
};
use super::{rollout, route, volumes};
use crate::lower::engine;

/// What Marathon writes into an app by itself.
const WRITTEN: &[&str] = &[
    "version",
    "versionInfo",
    "tasksStaged",
    "tasksRunning",
    "tasksHealthy",
    "tasksUnhealthy",
    "deployments",
    "readinessCheckResults",
    "tasks",
    "lastTaskFailure",
    "tasksStats",
    "taskStats",
    "taskRateLimit",
];

/// Reads an app.
pub(super) fn lift(mut document: Document, world: &mut World) {
    document.fields().own(WRITTEN, "Marathon writes it");
    let whole = document.whole.clone();
    let image =
        whole.pointer("/container/docker/image").and_then(Value::as_str).filter(|image| !image.is_empty());
    let name = world.workloads.get(document.native()).cloned();
    let (Some(image), Some(name)) = (image, name) else {
        return native::pass(document, "App", native::NO_IMAGE, world);
    };
    let mut workload = Workload::default();
    let mut container = Container { image: image.to_owned(), ..Container::default() };
    read(&mut document.fields(), (&name, &whole), (&mut container, &mut workload), world);
    workload.containers.insert(name.clone(), container);
    finish(&mut document.fields(), &mut workload);
    world.add(&name, workload, (document, "App"));
}

fn read(
    fields: &mut Fields<'_>,
    (name, whole): (&str, &Value),
    (container, workload): (&mut Container, &mut Workload),
    world: &mut World,
) {
    network::modernize(fields);
    let id = whole.get("id").and_then(Value::as_str).unwrap_or_default();
    fields.take_whole("id");
    workload.replicas = fields.small("instances");
    let mut used = Vec::new();
    if let Some(mut docker) = fields.descended(&["container", "docker"]) {
        image(&mut docker, (container, workload), (whole, &mut used, world));
    }
    start(fields, container);
    resources::promised(fields, container);
    resources::limits(fields, container);
    let at = network::lift(fields, workload, world);
    reached(fields, (name, id, at), (container, workload), world);
    checks(fields, container);
    environment::lift(fields, "env", whole, (container, &mut used, world));
    let has_files = fields.get("fetch").is_some();
    let about = About { whole, workload: name, has_files };
    let is_local = fields
        .below("container")
        .is_some_and(|mut below| volumes::lift(&mut below, &about, (container, &mut used, world)));
    resources::disk(fields, container);
    constraints(fields, (name, workload));
    rollout::upgrade(fields, "upgradeStrategy", is_local, workload);
    let backoff = Backoff { delay: "backoffSeconds", factor: "backoffFactor", most: "maxLaunchDelaySeconds" };
    rollout::backoff(fields, &backoff, workload);
    rollout::unreachable(fields, is_local);
    container.stop.grace = fields.take("taskKillGracePeriodSeconds", Value::as_u64).map(Duration::from_secs);
    dependencies(fields, name, workload, world);
    labels(fields, workload);
    files::take_used(fields, &used);
    fields.own(&["residency"], "Marathon ignores it since 1.10");
    for (key, default) in [("executor", json!("")), ("requirePorts", json!(false)), ("tty", json!(false))] {
        fields.default(key, &default);
    }
}

/// Reads what the image is and what its engine is told.
fn image(
    docker: &mut Fields<'_>,
    (container, workload): (&mut Container, &mut Workload),
    (whole, used, world): (&Value, &mut Vec<String>, &mut World),
) {
    docker.take_whole("image");
    docker.default("forcePullImage", &json!(false));
    if docker.flag("forcePullImage") == Some(true) {
        container.pull = Some(PullPolicy::Always);
    }
    docker.default("privileged", &json!(false));
    container.security.privileged = docker.flag("privileged").unwrap_or(false);
    let id = whole.get("id").and_then(Value::as_str).unwrap_or_default();
    parameters::lift(docker, id, (container, workload), world);
    pull_secret(docker, workload, (whole, used, world));
}

/// Reads `pullConfig`.
pub(super) fn pull_secret(
    image: &mut Fields<'_>,
    workload: &mut Workload,
    (whole, used, world): (&Value, &mut Vec<String>, &mut World),
) {
    let entry = image.get("pullConfig").and_then(|config| config.get("secret")).and_then(Value::as_str);
    if let Some(entry) = entry.map(str::to_owned)
        && let Some(secret) = files::pull_secret(whole, &entry, world)
    {
        workload.pull_secret = Some(secret);
        used.push(entry);
        image.take_whole("pullConfig");
    }
}

/// Reads `cmd` and `args`.
pub(super) fn start(fields: &mut Fields<'_>, container: &mut Container) {
    if container.command.is_empty()
        && fields.get("args").is_none()
        && let Some(line) = fields.text("cmd")
    {
        container.command = ["/bin/sh", "-c", &line].map(str::to_owned).to_vec();
        return;
    }
    container.args = fields.texts("args");
}

/// Reads ports, who reaches them, and the routes that lead to them.
fn reached(
    fields: &mut Fields<'_>,
    (name, id, at): (&str, &str, network::At),
    (container, workload): (&mut Container, &mut Workload),
    world: &mut World,
) {
    let names =
        fields.below("container").map(|below| ports::names(below.get("portMappings"))).unwrap_or_default();
    let balanced = route::balanced(fields, names.len());
    if at == network::At::Container {
        let about = ports::About { id, names: &names, balanced: &balanced };
        if let Some(mut below) = fields.below("container") {
            ports::mappings(&mut below, &about, (container, workload));
        }
        fields.own(&["portDefinitions", "ports"], "those of the mappings, written once more");
    } else if fields.get("portDefinitions").is_some() {
        world.notes.push(
            Diagnostic::warning(
                format!("workload/{name}.ports"),
                "it listens on its agent's network, and its ports stay as they are for Marathon only",
            )
            .why("the ports are the agent's, of which the app has no word: on other platforms nothing leads to it, and its checks are left out")
            .remedy("`ports` and `expose` in the chart, with the ports on which the container listens there"),
        );
    }
    route::lift(fields, (name, &names), (container, workload), world);
}

/// Reads the first health check that has a word, and the readiness check. A list of more than one, or one of which
/// something is not said, stays.
fn checks(fields: &mut Fields<'_>, container: &mut Container) {
    let names: Vec<Option<String>> = container.ports.keys().cloned().map(Some).collect();
    let checks = fields.get("healthChecks").and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some(read) = checks.iter().find_map(|check| health::of_app(check, &names, container)) {
        container.probes.live = Some(read.probe);
        if read.is_whole && checks.len() == 1 {
            fields.take_whole("healthChecks");
        }
    }
    if let Some([check]) = fields.get("readinessChecks").and_then(Value::as_array).map(Vec::as_slice)
        && let Some(read) = health::readiness(check, container)
    {
        container.probes.ready = Some(read.probe);
        if read.is_whole {
            fields.take_whole("readinessChecks");
        }
    }
}

/// Reads `constraints`. They stay as a whole, too, where one of them has no word.
fn constraints(fields: &mut Fields<'_>, (name, workload): (&str, &mut Workload)) {
    let list = |value: &Value| -> Option<Vec<Constraint>> {
        let one = |item: &Value| match rhumb_backend::fields::texts(item)?.as_slice() {
            [field, operator] => Some((field.clone(), operator.clone(), None)),
            [field, operator, value] => Some((field.clone(), operator.clone(), Some(value.clone()))),
            _ => None,
        };
        value.as_array()?.iter().map(one).collect()
    };
    let Some(found) = fields.get("constraints").and_then(list) else { return };
    let (placement, is_whole) = placement::read(&found, name);
    workload.placement = placement;
    if is_whole {
        fields.take_whole("constraints");
    }
}

/// Reads `dependencies`. Those on what is not there stay.
fn dependencies(fields: &mut Fields<'_>, name: &str, workload: &mut Workload, world: &World) {
    let Some(others) = fields.get("dependencies").and_then(rhumb_backend::fields::texts) else { return };
    let ids = world.workloads.pairs();
    let mut left = Vec::new();
    for other in others {
        let found = members(&ids, &other);
        if found.is_empty() {
            left.push(Value::from(other));
        }
        for member in found.into_iter().filter(|member| member != name) {
            if !workload.depends_on.contains(&member) {
                workload.depends_on.push(member);
            }
        }
    }
    fields.take_whole("dependencies");
    if !left.is_empty() {
        fields.put("dependencies", left.into());
    }
}

/// Reads labels that are text. Those that not every platform takes as labels are annotations, which are labels here again.
pub(super) fn labels(fields: &mut Fields<'_>, workload: &mut Workload) {
    let Some(mut labels) = fields.below("labels") else { return };
    for key in labels.keys().into_iter().filter(|key| !key.is_empty()) {
        if let Some(value) = labels.text(&key) {
            workload.label(key, value);
        }
    }
}

/// Reads what depends on the whole workload: the containerizer, and what goes with it.
fn finish(fields: &mut Fields<'_>, workload: &mut Workload) {
    let said = fields.below("container").and_then(|container| container.text_at("type").map(str::to_owned));
    let said = said.unwrap_or_else(|| "DOCKER".to_owned());
    if said == "MESOS"
        && let Some((name, mut container)) = workload.containers.shift_remove_index(0)
    {
        if let Some(mut below) = fields.below("container") {
            take_seccomp(&mut below, &mut container);
        }
        container.security.user = fields.take("user", user);
        environment::take_search(&mut container, workload);
        workload.containers.insert(name, container);
    }
    if engine(workload) == said
        && let Some(mut container) = fields.below("container")
    {
        container.take_whole("type");
    }
}

/// A user by name: a number would be refused where agents know users by name.
pub(super) fn user(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|user| !user.is_empty() && !user.bytes().all(|byte| byte.is_ascii_digit()))
        .map(str::to_owned)
}

/// Reads the profile of `linuxInfo`.
pub(super) fn take_seccomp(fields: &mut Fields<'_>, container: &mut Container) {
    let Some(mut info) = fields.below("linuxInfo") else { return };
    let profile = |value: &Value| {
        let name = value.get("profileName").and_then(Value::as_str);
        let is_unconfined = value.get("unconfined").and_then(Value::as_bool).unwrap_or(false);
        match (name, is_unconfined) {
            (Some(name), false) if !matches!(name, "default" | "unconfined") => Some(name.to_owned()),
            (None, true) => Some("unconfined".to_owned()),
            _ => None,
        }
    };
    container.security.seccomp = info.take("seccomp", profile);
}
