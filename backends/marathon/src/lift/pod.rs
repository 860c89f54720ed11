//! Pods.

use rhumb_backend::fields::{Fields, Item};
use rhumb_spec::model::{Container, Mount, MountSource, PullPolicy, Volume, Workload};
use rhumb_spec::{Bytes, Duration};
use serde_json::{Value, json};

use super::document::Document;
use super::parameters::plain;
use super::rollout::Backoff;
use super::{World, app, environment, files, health, native, network, placement, ports, resources, rollout};
use crate::kind::Kind;

/// Why a pod is passed through of which not every container has an image.
const NO_IMAGE: &str =
    "one of its containers runs on the agent without an image, for which the app has no word";

/// A volume of a pod: what is mounted by its name.
enum Source {
    Mount(MountSource),
    /// A mount of one file.
    Entry {
        kind: Kind,
        document: String,
        key: String,
    },
}

/// Reads a pod. One of a single container says that it is a pod by its patch.
pub(super) fn lift(mut document: Document, world: &mut World) {
    document.fields().own(&["version", "status", "statusSince"], "Marathon writes it");
    let whole = document.whole.clone();
    let containers = whole.get("containers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let has_images = containers.iter().all(|container| container.pointer("/image/id").is_some());
    let name = world.workloads.get(document.native()).cloned();
    let Some(name) = name.filter(|_| has_images && !containers.is_empty()) else {
        return native::pass(document, "Pod", NO_IMAGE, world);
    };
    let is_one = containers.len() == 1;
    let mut workload = read(&mut document.fields(), (&name, &whole), world);
    if is_one {
        workload.on.entry("marathon".to_owned()).or_default().insert("Pod".to_owned(), json!({}));
    }
    world.add(&name, workload, (document, "Pod"));
}

fn read(fields: &mut Fields<'_>, (name, whole): (&str, &Value), world: &mut World) -> Workload {
    let mut workload = Workload::default();
    let mut used = Vec::new();
    let id = whole.get("id").and_then(Value::as_str).unwrap_or_default();
    fields.take_whole("id");
    network::lift(fields, &mut workload, world);
    scaling(fields, &mut workload);
    let volumes = volumes(fields, whole, name, (&mut used, world));
    let mut is_local = false;
    for mut item in fields.items("containers", "name") {
        let part = item.name();
        let mut below = fields.of_item("containers", &mut item);
        let mut container = Container::default();
        is_local |= of_container(
            &mut below,
            (id, whole, &volumes),
            (&mut container, &mut workload),
            (&mut used, world),
        );
        environment::take_search(&mut container, &mut workload);
        workload.containers.insert(part, container);
        fields.put_item("containers", "name", item);
    }
    shared_variables(fields, whole, &mut workload, (&mut used, world));
    scheduling(fields, (name, is_local), &mut workload);
    app::labels(fields, &mut workload);
    files::take_used(fields, &used);
    workload
}

fn scaling(fields: &mut Fields<'_>, workload: &mut Workload) {
    let Some(mut scaling) = fields.below("scaling") else { return };
    if scaling.text_at("kind") == Some("fixed") {
        workload.replicas = scaling.small("instances");
        scaling.take_whole("kind");
    }
}

fn scheduling(fields: &mut Fields<'_>, (name, is_local): (&str, bool), workload: &mut Workload) {
    let Some(mut scheduling) = fields.below("scheduling") else { return };
    rollout::upgrade(&mut scheduling, "upgrade", is_local, workload);
    rollout::unreachable(&mut scheduling, is_local);
    if let Some(mut backoff) = scheduling.below("backoff") {
        let names = Backoff { delay: "backoff", factor: "backoffFactor", most: "maxLaunchDelay" };
        rollout::backoff(&mut backoff, &names, workload);
    }
    let Some(mut place) = scheduling.below("placement") else { return };
    let list = |value: &Value| -> Option<Vec<placement::Constraint>> {
        let text = |item: &Value, key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
        let one =
            |item: &Value| Some((text(item, "fieldName")?, text(item, "operator")?, text(item, "value")));
        value.as_array()?.iter().map(one).collect()
    };
    let Some(found) = place.get("constraints").and_then(list) else { return };
    let (found, is_whole) = placement::read(&found, name);
    workload.placement = found;
    if is_whole {
        place.take_whole("constraints");
    }
}

/// Reads the pod's volumes, by their names. What has no word stays.
fn volumes(
    fields: &mut Fields<'_>,
    whole: &Value,
    workload: &str,
    (used, world): (&mut Vec<String>, &mut World),
) -> Vec<(String, Source, bool)> {
    let mut found = Vec::new();
    let unread = mounted_elsewhere(whole);
    for mut item in fields.items("volumes", "name") {
        let name = item.name();
        let is_read = !unread.contains(&name);
        let read = is_read.then(|| source(&mut item, (whole, workload), (used, world))).flatten();
        match read {
            Some((source, is_local)) => {
                found.push((name, source, is_local));
                fields.put_item("volumes", "name", item);
            }
            None => fields.put_whole_item("volumes", "name", item),
        }
    }
    found
}

/// The volumes that a container mounts in its sandbox: such mounts stay as they are, so their volumes do, too.
fn mounted_elsewhere(whole: &Value) -> Vec<String> {
    let containers = whole.get("containers").and_then(Value::as_array).into_iter().flatten();
    let mounts = containers.filter_map(|container| container.get("volumeMounts")?.as_array()).flatten();
    let text = |mount: &Value, key: &str| mount.get(key).and_then(Value::as_str).map(str::to_owned);
    let elsewhere =
        mounts.filter(|mount| !text(mount, "mountPath").is_some_and(|path| path.starts_with('/')));
    elsewhere.filter_map(|mount| text(mount, "name")).collect()
}

fn source(
    item: &mut Item,
    (whole, workload): (&Value, &str),
    (used, world): (&mut Vec<String>, &mut World),
) -> Option<(Source, bool)> {
    let name = item.name();
    let text = |key: &str| item.map.get(key).and_then(Value::as_str).map(str::to_owned);
    if item.map.is_empty() {
        return Some((Source::Mount(MountSource::Ephemeral { name, size: None }), false));
    }
    if let Some(path) = text("host").filter(|path| path.starts_with('/')) {
        item.map.shift_remove("host");
        return Some((Source::Mount(MountSource::Host { path }), false));
    }
    if let Some(entry) = text("secret") {
        let place = files::place(whole, &entry, world)?;
        used.push(entry);
        item.map.shift_remove("secret");
        return Some((Source::Entry { kind: place.kind, document: place.document, key: place.key }, false));
    }
    let persistent = item.map.get("persistent")?.as_object()?;
    let size = persistent.get("size").and_then(Value::as_u64)?;
    let kind = persistent.get("type").and_then(Value::as_str);
    if persistent.keys().any(|key| !matches!(key.as_str(), "size" | "type")) {
        return None;
    }
    let class = kind.filter(|kind| *kind != "root").map(str::to_owned);
    let volume = Volume { size: Some(Bytes(size << 20)), class, ..Volume::default() };
    item.map.shift_remove("persistent");
    let document = world.volumes.add(&format!("{workload} {name}"), &name);
    world.app.volumes.insert(document.clone(), volume);
    Some((Source::Mount(MountSource::Volume { name: document }), true))
}

/// Reads a container, and says whether it mounts a persistent volume of the agent.
fn of_container(
    fields: &mut Fields<'_>,
    (id, whole, volumes): (&str, &Value, &[(String, Source, bool)]),
    (container, workload): (&mut Container, &mut Workload),
    (used, world): (&mut Vec<String>, &mut World),
) -> bool {
    if let Some(mut image) = fields.below("image") {
        container.image = image.text("id").unwrap_or_default();
        image.take("kind", |value| (value.as_str() == Some("DOCKER")).then_some(()));
        image.default("forcePull", &json!(false));
        container.pull = (image.flag("forcePull") == Some(true)).then_some(PullPolicy::Always);
        app::pull_secret(&mut image, workload, (whole, used, world));
    }
    exec(fields, container);
    if let Some(mut promised) = fields.below("resources") {
        resources::promised(&mut promised, container);
    }
    resources::limits(fields, container);
    ports::endpoints(fields, id, (container, workload));
    app::take_seccomp(fields, container);
    container.security.user = fields.take("user", app::user);
    environment::lift(fields, "environment", whole, (container, used, world));
    if let Some(read) = fields.get("healthCheck").cloned().and_then(|check| health::of_pod(&check, container))
    {
        container.probes.live = Some(read.probe);
        if read.is_whole {
            fields.take_whole("healthCheck");
        }
    }
    if let Some(mut lifecycle) = fields.below("lifecycle") {
        let seconds =
            |value: &Value| value.as_f64().filter(|seconds| seconds.fract() == 0.0 && *seconds >= 0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is whole and not negative"
        )]
        let grace = lifecycle
            .take("killGracePeriodSeconds", seconds)
            .map(|seconds| Duration::from_secs(seconds as u64));
        container.stop.grace = grace;
    }
    fields.default("tty", &json!(false));
    mounts(fields, volumes, container)
}

/// Reads `exec`.
fn exec(fields: &mut Fields<'_>, container: &mut Container) {
    let Some(exec) = fields.get("exec") else { return };
    let is_override = exec.get("overrideEntrypoint").and_then(Value::as_bool);
    let only = |keys: &[&str], value: &Value| {
        value.as_object().is_some_and(|map| map.keys().all(|key| keys.contains(&key.as_str())))
    };
    let Some(command) = exec.get("command") else { return };
    let is_known = only(&["command", "overrideEntrypoint"], exec) && only(&["argv", "shell"], command);
    let argv = command.get("argv").and_then(rhumb_backend::fields::texts);
    let shell = command.get("shell").and_then(Value::as_str);
    match (argv, shell, is_override) {
        (Some(argv), None, Some(true)) if is_known => container.command = argv,
        (Some(argv), None, _) if is_known => container.args = argv,
        (None, Some(script), _) if is_known => {
            container.command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        }
        _ => return,
    }
    fields.take_whole("exec");
}

fn mounts(fields: &mut Fields<'_>, volumes: &[(String, Source, bool)], container: &mut Container) -> bool {
    let mut is_any_local = false;
    for mut item in fields.items("volumeMounts", "mountPath") {
        let at = item.name();
        let name = item.map.get("name").and_then(Value::as_str).unwrap_or_default();
        let source = volumes.iter().find(|(volume, ..)| volume == name);
        let Some((_, source, is_local)) = source.filter(|_| at.starts_with('/')) else {
            fields.put_whole_item("volumeMounts", "mountPath", item);
            continue;
        };
        is_any_local |= is_local;
        let mut mount = match source {
            Source::Mount(source) => plain(source.clone()),
            Source::Entry { kind: Kind::Config, document, key } => {
                plain(MountSource::Config { name: document.clone(), key: Some(key.clone()) })
            }
            Source::Entry { document, key, .. } => {
                plain(MountSource::Secret { name: document.clone(), key: Some(key.clone()) })
            }
        };
        let is_read_only = item.map.shift_remove("readOnly") == Some(Value::Bool(true));
        item.map.shift_remove("name");
        let is_file = matches!(mount.source, MountSource::Config { .. } | MountSource::Secret { .. });
        mount = Mount { read_only: is_read_only && !is_file, ..mount };
        container.mounts.insert(at, mount);
        fields.put_item("volumeMounts", "mountPath", item);
    }
    is_any_local
}

/// Variables of the whole pod are variables of each container that has none of the name.
fn shared_variables(
    fields: &mut Fields<'_>,
    whole: &Value,
    workload: &mut Workload,
    (used, world): (&mut Vec<String>, &mut World),
) {
    let mut shared = Container::default();
    environment::lift(fields, "environment", whole, (&mut shared, used, world));
    for container in workload.containers.values_mut() {
        for (name, value) in &shared.env {
            container.env.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
}
