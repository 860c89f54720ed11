//! One container of a task definition.

use rhumb_backend::fields::Fields;
use rhumb_backend::reference;
use rhumb_spec::Duration;
use rhumb_spec::model::{Capabilities, Container, Gpu, Logging, Resources, Security, Ulimit};
use serde_json::Value;

use super::naming::PortNames;
use super::ports::{self, NetworkMode, Published};
use super::values::{self, flag, number, plain, plains, positive};
use super::world::World;
use super::{defaults, environment, health};

/// Whether a container ends before the others start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It does.
    Init,
    /// It is one of the others.
    Main,
}

/// Reads a container, all but its mounts. What cannot be carried stays in the fields.
///
/// Source: Amazon ECS API reference, `ContainerDefinition`.
pub(super) fn container(
    fields: &mut Fields<'_>,
    (role, mode): (Role, NetworkMode),
    (names, published): (&mut PortNames, &mut Vec<Published>),
    world: &mut World,
) -> Container {
    defaults::container(fields);
    let image = fields.take("image", plain).unwrap_or_default();
    let ports = ports::ports(fields, mode, names, published);
    let mut container = Container {
        image,
        command: texts(fields, "entryPoint"),
        args: texts(fields, "command"),
        working_dir: fields.take("workingDirectory", |value| {
            value.as_str().filter(|at| at.starts_with('/')).map(str::to_owned)
        }),
        env: environment::variables(fields, world),
        ports,
        resources: resources(fields),
        security: security(fields),
        logging: logging(fields),
        ..Container::default()
    };
    container.stop.grace = fields.take("stopTimeout", number).map(Duration::from_secs);
    if role == Role::Main {
        container.probes = health::probes(fields, &mut container.ports, names);
    }
    container
}

/// A command. Some tools write it as one text, which runs in a shell.
fn texts(fields: &mut Fields<'_>, key: &str) -> Vec<String> {
    fields.take(key, plains).unwrap_or_default()
}

fn resources(fields: &mut Fields<'_>) -> Resources {
    let mut found = Resources { cpu: amount(fields, "cpu").map(values::cpu), ..Resources::default() };
    if found
        .cpu
        .is_some_and(|cpu| values::units(cpu) == fields.get("cpu").and_then(number).unwrap_or_default())
    {
        fields.take_whole("cpu");
    }
    found.limits.memory =
        fields.take("memory", |value| number(value).filter(|amount| *amount > 0)).map(values::mebibytes);
    found.memory = fields
        .take("memoryReservation", |value| number(value).filter(|amount| *amount > 0))
        .map(values::mebibytes);
    let demands = fields.get("resourceRequirements").and_then(Value::as_array);
    let is_only = demands.is_some_and(|demands| demands.len() == 1);
    found.gpu = demands.into_iter().flatten().find_map(gpu);
    if is_only && found.gpu.is_some() {
        fields.take_whole("resourceRequirements");
    }
    found
}

/// The graphics processors that one of a container's demands on devices asks for.
///
/// Source: Amazon ECS API reference, `ResourceRequirement`.
fn gpu(demand: &Value) -> Option<Gpu> {
    let is_gpu = demand.get("type")?.as_str()?.eq_ignore_ascii_case("GPU") && demand.as_object()?.len() == 2;
    is_gpu.then(|| positive(demand.get("value")?)).flatten().map(|count| Gpu { count, resource: None })
}

fn amount(fields: &Fields<'_>, key: &str) -> Option<u64> {
    fields.get(key).and_then(number).filter(|amount| *amount > 0)
}

fn security(fields: &mut Fields<'_>) -> Security {
    let mut found = Security {
        read_only_root: fields.take("readonlyRootFilesystem", flag).unwrap_or(false),
        privileged: fields.take("privileged", flag).unwrap_or(false),
        ..Security::default()
    };
    if let Some(user) = values::text(fields, "user") {
        let (user, group) = match user.split_once(':') {
            Some((user, group)) => (user.to_owned(), Some(group.to_owned())),
            None => (user, None),
        };
        found.user = Some(user).filter(|user| !user.is_empty());
        found.group = group.filter(|group| !group.is_empty());
    }
    if let Some(mut capabilities) = fields.descended(&["linuxParameters", "capabilities"]) {
        found.capabilities =
            Capabilities { add: names(&mut capabilities, "add"), drop: names(&mut capabilities, "drop") };
    }
    for item in fields.items("ulimits", "name") {
        let limit = |key: &str| item.map.get(key).and_then(Value::as_i64);
        match (limit("softLimit"), limit("hardLimit")) {
            (Some(soft), Some(hard)) if item.map.len() == 2 => {
                found.ulimits.insert(item.name(), Ulimit { soft, hard });
            }
            _ => fields.put_whole_item("ulimits", "name", item),
        }
    }
    for item in fields.items("systemControls", "namespace") {
        match item.map.get("value").and_then(plain) {
            Some(value) if item.map.len() == 1 => {
                found.sysctls.insert(item.name(), value);
            }
            _ => fields.put_whole_item("systemControls", "namespace", item),
        }
    }
    found
}

fn names(capabilities: &mut Fields<'_>, key: &str) -> Vec<String> {
    let plain = |name: String| name.to_uppercase().trim_start_matches("CAP_").to_owned();
    capabilities.texts(key).into_iter().map(plain).collect()
}

/// Where the output goes. The log group of a release of ours is its own; another one of CloudWatch is of this account
/// only, and stays.
fn logging(fields: &mut Fields<'_>) -> Option<Logging> {
    let log = fields.get("logConfiguration")?;
    let driver = log.get("logDriver").and_then(Value::as_str)?.to_owned();
    let group = log.pointer("/options/awslogs-group").and_then(Value::as_str).unwrap_or_default();
    let is_of_template = log.pointer("/options/awslogs-group").and_then(reference::parse).is_some();
    if driver == "awslogs" && (group.starts_with("/rhumb/") || is_of_template) {
        fields.own(&["logConfiguration"], "it is the log group of a release");
        return None;
    }
    if ["awslogs", "awsfirelens"].contains(&driver.as_str()) {
        return None;
    }
    fields.take("logConfiguration", |log| {
        let log = log.as_object()?;
        let is_plain = log.keys().all(|key| ["logDriver", "options"].contains(&key.as_str()));
        let options = match log.get("options") {
            Some(options) => {
                let pairs =
                    options.as_object()?.iter().map(|(key, value)| Some((key.clone(), plain(value)?)));
                pairs.collect::<Option<_>>()?
            }
            None => std::collections::BTreeMap::new(),
        };
        is_plain.then_some(Logging { driver, options })
    })
}
