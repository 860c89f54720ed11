//! A workload's task definition.

use std::collections::BTreeMap;

use rhumb_backend::{After, Object};
use rhumb_spec::{Bytes, Diagnostic, Feature};
use serde_json::{Map, Value, json};

use super::body::Body;
use super::files::{HeldConfig, HeldSecret};
use super::tags::{self, Tags};
use super::{Context, Report, Role, Site, container, exists, init, placement, resources};
use crate::connect::NetworkMode;
use crate::kind::Kind;
use crate::names;

/// The most containers of a task, and the most bytes of its definition.
///
/// Source: Amazon ECS developer guide, "Amazon ECS service quotas".
const CONTAINERS: usize = 10;
const BYTES: usize = 64 * 1024;

/// What a task on Fargate has on its disk, and what it can have, in GiB.
///
/// Source: Amazon ECS API reference, `EphemeralStorage`.
const DISK: u64 = 20;
const LARGEST_DISK: u64 = 200;
/// The largest EBS volume, in GiB. Source: Amazon EBS user guide, "General Purpose SSD volumes", gp3.
const LARGEST_VOLUME: u64 = 16_384;

/// A task definition on its way, as far as containers add to it.
#[derive(Default)]
pub(super) struct Draft {
    /// What must be there before a task is run.
    after: Vec<After>,
    pub(super) volumes: Vec<Value>,
    /// Files to write before the containers start.
    pub(super) files: init::Files,
    ephemeral: BTreeMap<String, (Bytes, String)>,
    /// Checksums of what keeps its name, as labels.
    labels: Map<String, Value>,
}

impl Draft {
    pub(super) fn wait_for(&mut self, after: After) {
        if !self.after.contains(&after) {
            self.after.push(after);
        }
    }

    pub(super) fn uses_config(&mut self, name: &str, held: &HeldConfig) {
        self.checksum("config", name, held.checksum.as_deref());
    }

    pub(super) fn uses_secret(&mut self, name: &str, held: &HeldSecret) {
        self.wait_for(exists(held.id.clone()));
        self.checksum("secret", name, held.checksum.as_deref());
    }

    fn checksum(&mut self, word: &str, name: &str, checksum: Option<&str>) {
        if let Some(checksum) = checksum {
            self.labels.insert(format!("{}{word}/{name}", names::CHECKSUM), checksum.into());
        }
    }

    /// A folder of the task's own, whose containers share it by name.
    pub(super) fn ephemeral(&mut self, volume: &str, size: Option<Bytes>, path: &str) {
        if !self.volumes.iter().any(|known| known["name"] == volume) {
            self.volumes.push(json!({ "name": volume }));
        }
        if let Some(size) = size {
            self.ephemeral.entry(volume.to_owned()).or_insert_with(|| (size, path.to_owned()));
        }
    }
}

/// A task definition and what is said of its tasks when they are run.
pub(super) struct Definition {
    pub(super) object: Object,
    /// `volumeConfigurations` of the service or run.
    pub(super) volumes: Vec<Value>,
}

/// The task definition of a workload, named by its content.
///
/// Source: Amazon ECS API reference, `RegisterTaskDefinition`.
pub(super) fn definition(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Definition {
    let mut draft = Draft::default();
    draft.wait_for(exists(Kind::LogGroup.id(&context.scope.release)));
    let containers = containers(context, site, &mut draft, report);
    let disk = disk(context, site, &mut draft, report);
    let facts = context.facts;
    let mut body = Body::new();
    body.set("family", names::native(context.scope, site.name, names::NAME_LIMIT))
        .set_some("taskRoleArn", role(context, site))
        .set_some("executionRoleArn", facts.execution_role.clone())
        .set("networkMode", mode(facts.network()))
        .set("containerDefinitions", containers)
        .set_filled("volumes", draft.volumes)
        .set("requiresCompatibilities", json!([if facts.is_fargate() { "FARGATE" } else { "EC2" }]));
    require_role(context, body.get("containerDefinitions"), report);
    resources::set_task(context, site, &mut body, report);
    body.set_some("ephemeralStorage", disk.size.map(|gib| json!({ "sizeInGiB": gib })))
        .set_some("runtimePlatform", placement::platform(site, report));
    tags::check(&site.workload.labels, &site.at("labels"), report);
    let id = Kind::TaskDefinition.id(site.name);
    let object = Object { after: draft.after, ..Object::new(id, body.into_value()) };
    Definition { object, volumes: disk.volumes }
}

/// Without a role of the agent's own nothing is read for a task, and on Fargate nothing is logged.
///
/// Source: Amazon ECS developer guide, "Amazon ECS task execution IAM role".
fn require_role(context: &Context<'_>, containers: Option<&Value>, report: &mut Report) {
    let has = |field: &str| {
        let mut containers = containers.and_then(Value::as_array).into_iter().flatten();
        containers.any(|container| container.get(field).is_some())
    };
    let is_needed = context.facts.is_fargate() || has("secrets") || has("repositoryCredentials");
    if is_needed && context.facts.execution_role.is_none() {
        report.refuse(
            Diagnostic::error("", "the target has no execution role")
                .why("by it ECS reads configs, secrets and private images for a task, and writes logs on Fargate")
                .remedy("the target's setting `executionRole`, with the role's name or ARN"),
        );
    }
}

/// The role that containers act as: the workload's identity, else the target's own.
pub(super) fn role(context: &Context<'_>, site: &Site<'_>) -> Option<String> {
    let own = site.workload.identity.as_ref().map(|identity| names::role_arn(context.facts, &identity.name));
    own.or_else(|| context.facts.task_role.clone())
}

/// Names a task definition by its content, once nothing more is changed in it, and marks it.
pub(super) fn seal(
    context: &Context<'_>,
    site: &Site<'_>,
    mut object: Object,
    report: &mut Report,
) -> Object {
    let text = object.body.to_string();
    if text.len() > BYTES {
        report.refuse(
            Diagnostic::error(
                &site.path,
                format!("its task definition has {} KiB", text.len().div_ceil(1024)),
            )
            .why("ECS takes 64 KiB at most, and commands, variables and labels are part of it")
            .remedy("fewer variables, or files of a config in their place"),
        );
    }
    let hash = names::content_hash(&object.body);
    Tags::of(context.scope, &object.id)
        .with(names::WORKLOAD, site.name)
        .with(names::GENERATION, &hash)
        .below(&site.workload.labels)
        .put(Kind::TaskDefinition, &mut object.body);
    object.generation = Some(hash);
    object
}

const fn mode(mode: NetworkMode) -> &'static str {
    match mode {
        NetworkMode::Awsvpc => "awsvpc",
        NetworkMode::Bridge => "bridge",
        NetworkMode::Host => "host",
    }
}

/// The containers: the one that writes files, then those that end before the others start, one after another, then the
/// others.
///
/// Source: Amazon ECS API reference, `ContainerDependency`.
fn containers(context: &Context<'_>, site: &Site<'_>, draft: &mut Draft, report: &mut Report) -> Vec<Value> {
    let mut found: Vec<(String, Role, Value)> = Vec::new();
    for part in site.parts() {
        found.push((part.name.to_owned(), part.role, container::container(context, &part, draft, report)));
    }
    let mut bodies = Vec::new();
    let mut before = None;
    let labels = Value::Object(draft.labels.clone());
    if draft.files.is_empty() {
        label(&mut found, &draft.labels);
    } else {
        bodies.push(draft.files.container(context, site.name, labels));
        before = Some(init::NAME.to_owned());
    }
    for (name, role, mut body) in found {
        if let Some(before) = &before {
            body["dependsOn"] = json!([{ "containerName": before, "condition": "SUCCESS" }]);
        }
        if role == Role::Init {
            before = Some(name);
        }
        bodies.push(body);
    }
    if bodies.len() > CONTAINERS {
        report.refuse(
            Diagnostic::error(
                site.at("containers"),
                format!("a task cannot have {} containers", bodies.len()),
            )
            .why(format!("ECS takes {CONTAINERS} at most, the one that writes files among them"))
            .remedy("several workloads"),
        );
    }
    bodies
}

/// Puts checksums on the first container, where none writes files.
fn label(containers: &mut [(String, Role, Value)], labels: &Map<String, Value>) {
    let Some((_, _, body)) = containers.first_mut().filter(|_| !labels.is_empty()) else { return };
    let mut own = body.get("dockerLabels").and_then(Value::as_object).cloned().unwrap_or_default();
    own.extend(labels.clone());
    body["dockerLabels"] = own.into();
}

/// What ephemeral folders want of a task's disk.
#[derive(Default)]
struct Disk {
    /// `ephemeralStorage`, in GiB.
    size: Option<u64>,
    /// `volumeConfigurations`.
    volumes: Vec<Value>,
}

/// The disk that holds all ephemeral folders with a size. Where that is more than Fargate has, the largest folder is an
/// EBS volume, which lives as long as its task.
///
/// Source: Amazon ECS API reference, `EphemeralStorage` and `ServiceManagedEBSVolumeConfiguration`.
fn disk(context: &Context<'_>, site: &Site<'_>, draft: &mut Draft, report: &mut Report) -> Disk {
    if !context.facts.is_fargate() {
        for (_, path) in draft.ephemeral.values() {
            let text = "the container instance's disk is shared, and holds no folder to a size";
            report.lose(Feature::EphemeralVolume, path, text);
        }
        return Disk::default();
    }
    let folders = draft.ephemeral.iter().map(|(name, (size, path))| (name, size.as_gib_rounded_up(), path));
    let total: u64 = draft.ephemeral.values().map(|(size, _)| size.get()).sum();
    let gib = Bytes(total).as_gib_rounded_up();
    if gib <= LARGEST_DISK {
        return Disk { size: (gib > DISK).then_some(gib), ..Disk::default() };
    }
    let Some((name, largest, path)) = folders.max_by_key(|(_, size, _)| *size) else {
        return Disk::default();
    };
    let rest = gib.saturating_sub(largest);
    let role = context.facts.infrastructure_role.clone();
    let (true, true, true, Some(role)) =
        (rest <= LARGEST_DISK, largest <= LARGEST_VOLUME, site.workload.cron.is_none(), role)
    else {
        report.refuse(too_large(path, gib));
        return Disk::default();
    };
    let name = name.clone();
    for volume in draft.volumes.iter_mut().filter(|volume| volume["name"] == name.as_str()) {
        volume["configuredAtLaunch"] = true.into();
    }
    let managed =
        json!({ "volumeType": "gp3", "sizeInGiB": largest, "filesystemType": "xfs", "roleArn": role });
    let volumes = vec![json!({ "name": name, "managedEBSVolume": managed })];
    Disk { size: (rest > DISK).then_some(rest), volumes }
}

fn too_large(path: &str, gib: u64) -> Diagnostic {
    Diagnostic::error(path, format!("ephemeral folders of {gib} GiB are more than a task of Fargate holds"))
        .why(format!("its disk has {LARGEST_DISK} GiB at most; beyond, ECS makes an EBS volume of up to {LARGEST_VOLUME} GiB for the largest folder of a service or job, by a role that the target must name"))
        .remedy("less, a volume, or the target's setting `infrastructureRole`")
}
