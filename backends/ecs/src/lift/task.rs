//! A task definition, as the containers of a workload.

use rhumb_backend::fields::{Fields, Item};
use rhumb_spec::model::{Identity, Mode, Workload};
use serde_json::{Value, json};

use super::container::{self, Role};
use super::mounts::Volumes;
use super::naming::{PortNames, document_name};
use super::placement;
use super::ports::{NetworkMode, Published};
use super::size;
use super::world::World;
use super::written::Written;
use super::{defaults, labels};
use crate::lower::init;
use crate::marks::Tags;
use crate::names;

/// Reads a task definition into a workload that has its mode already. Returns the ports of its containers.
///
/// Source: Amazon ECS API reference, `RegisterTaskDefinition`.
pub(super) fn definition(
    fields: &mut Fields<'_>,
    whole: &Value,
    workload: &mut Workload,
    world: &mut World,
) -> Vec<Published> {
    fields.own(&["family"], "a release names what it makes");
    labels::tags(fields, workload);
    identity(fields, whole, workload);
    placement::platform(fields, workload);
    placement::constraints(fields, workload);
    let published = containers(fields, whole, workload, world);
    size::task(fields, whole, workload);
    defaults::task(fields);
    published
}

/// Reads the role that containers act as. Its name is the identity's on other platforms, and the role of an account
/// stays for ECS, unless a release named it.
fn identity(fields: &mut Fields<'_>, whole: &Value, workload: &mut Workload) {
    let Some(role) = fields.text_at("taskRoleArn").filter(|role| !role.is_empty()).map(str::to_owned) else {
        return;
    };
    let name = role.rsplit('/').next().unwrap_or(&role);
    if name.contains(['$', ':']) {
        return;
    }
    // A role in a folder is found by its ARN only.
    let is_plain = !role.starts_with("arn:") || role.ends_with(&format!(":role/{name}"));
    let of_release = is_plain && Tags::of(whole).get(names::OBJECT).is_some();
    let known = if of_release || !role.starts_with("arn:") { name.to_owned() } else { document_name(name) };
    if known == name && (of_release || role == name) {
        fields.take_whole("taskRoleArn");
    }
    workload.identity = Some(Identity { name: known });
}

fn containers(
    fields: &mut Fields<'_>,
    whole: &Value,
    workload: &mut Workload,
    world: &mut World,
) -> Vec<Published> {
    let mode = NetworkMode::of(whole);
    let mut items = fields.items("containerDefinitions", "name");
    rename(fields, &mut items);
    let written = Written::take(fields, &mut items);
    let ends = ends_before(&items);
    workload.pull_secret = registry(fields, &mut items, world);
    let mut volumes = Volumes::take(fields, written, world);
    let mut names = PortNames::default();
    let mut published = Vec::new();
    let is_job = matches!(workload.mode, Mode::Job | Mode::Cron);
    // The last to end is the one that the others wait for.
    items.sort_by_key(|item| ends.iter().position(|end| *end == item.name()).unwrap_or(usize::MAX));
    labels::of_containers(fields, &mut items, workload);
    placement::naming(fields, &mut items, workload);
    for mut item in items {
        let name = item.name();
        let role = if ends.contains(&name) { Role::Init } else { Role::Main };
        let is_first = workload.containers.is_empty();
        let mut reading = fields.of_item("containerDefinitions", &mut item);
        waits(&mut reading, &ends);
        if role == Role::Init || (is_job && !is_first) {
            reading.take("essential", |value| (*value == json!(false)).then_some(()));
        }
        let first = published.len();
        let mut read = container::container(&mut reading, (role, mode), (&mut names, &mut published), world);
        published[first..].iter_mut().for_each(|port| port.container.clone_from(&name));
        volumes.mounts(&mut reading, &mut read, world);
        let into = if role == Role::Init { &mut workload.init_containers } else { &mut workload.containers };
        into.insert(name, read);
        fields.put_item("containerDefinitions", "name", item);
    }
    volumes.put_back(fields);
    if is_job {
        // Nobody asks whether a job is ready.
        let asked = workload.containers.values_mut().filter(|container| container.probes.live.is_some());
        asked.for_each(|container| container.probes.ready = None);
    }
    published
}

/// The one pull secret that all containers of a task have their registries' credentials from.
fn registry(fields: &Fields<'_>, items: &mut [Item], world: &World) -> Option<String> {
    let of = |item: &Item| {
        let place = item.map.get("repositoryCredentials")?.get("credentialsParameter")?.as_str()?;
        world.stores.pull(place)
    };
    let secret = items.first().and_then(of)?;
    if !items.iter().all(|item| of(item).as_ref() == Some(&secret)) {
        return None;
    }
    for item in items.iter_mut() {
        fields.of_item("containerDefinitions", item).take_whole("repositoryCredentials");
    }
    Some(secret)
}

/// Gives containers names that the app can have, wherever they are named in the definition.
fn rename(fields: &Fields<'_>, items: &mut [Item]) {
    let names: Vec<(String, String)> =
        items.iter().map(|item| (item.name(), document_name(&item.name()))).collect();
    for (at, (own, name)) in names.iter().enumerate().filter(|(_, (own, name))| own != name) {
        if names.iter().enumerate().any(|(other, (_, wanted))| other != at && wanted == name) {
            continue;
        }
        let path = format!("containerDefinitions.{own}.name");
        fields.lost(&path, 1, &format!("the container is called {name}: names in a chart are labels of DNS"));
        items[at].key = name.clone().into();
        for item in items.iter_mut() {
            item.map.values_mut().for_each(|value| renamed(value, own, name));
        }
    }
}

/// Renames a container where others of its task name it: in dependencies, links and volumes.
fn renamed(value: &mut Value, own: &str, name: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| renamed(item, own, name)),
        Value::Object(map) => {
            for key in ["containerName", "sourceContainer"] {
                if map.get(key).and_then(Value::as_str) == Some(own) {
                    map.insert(key.to_owned(), name.into());
                }
            }
        }
        _ => {}
    }
}

/// The containers that end before the others start: those without which a task goes on, and whose end all the others
/// wait for. Of one that may fail (`COMPLETE`) the condition stays, which is possible where none waits for the next.
fn ends_before(items: &[Item]) -> Vec<String> {
    let waits_for = |item: &Item, name: &str| ["SUCCESS", "COMPLETE"].contains(&condition(item, name));
    let is_candidate = |item: &&Item| {
        let name = item.name();
        item.map.get("essential") == Some(&json!(false)) && items.iter().any(|other| waits_for(other, &name))
    };
    let candidates: Vec<String> = items.iter().filter(is_candidate).map(Item::name).collect();
    let (init, main): (Vec<&Item>, Vec<&Item>) =
        items.iter().partition(|item| candidates.contains(&item.name()));
    let is_first = |name: &String| {
        main.iter().all(|item| waits_for(item, name)) || init.iter().any(|item| waits_for(item, name))
    };
    let may_fail = |name: &String| items.iter().any(|item| condition(item, name) == "COMPLETE");
    let (mut last, mut found): (Vec<String>, Vec<String>) =
        candidates.into_iter().filter(|name| !main.is_empty() && is_first(name)).partition(may_fail);
    let is_waited_for = |name: &String| init.iter().any(|item| waits_for(item, name));
    last.retain(|name| !is_waited_for(name));
    last.truncate(1);
    found.extend(last);
    found
}

/// What a container waits for of another; nothing where it does not wait.
fn condition<'i>(item: &'i Item, name: &str) -> &'i str {
    let dependencies = item.map.get("dependsOn").and_then(Value::as_array);
    let text = |on: &'i Value, key: &str| on.get(key).and_then(Value::as_str).unwrap_or_default();
    let on = dependencies.into_iter().flatten().find(|on| text(on, "containerName") == name);
    on.map(|on| text(on, "condition")).unwrap_or_default()
}

/// Takes that a container waits for those that end before it starts.
fn waits(container: &mut Fields<'_>, ends: &[String]) {
    for item in container.items("dependsOn", "containerName") {
        let is_success = item.map.get("condition").and_then(Value::as_str) == Some("SUCCESS");
        let is_read = ends.contains(&item.name()) || item.name() == init::NAME;
        if !(is_success && is_read) {
            container.put_whole_item("dependsOn", "containerName", item);
        }
    }
}
