//! The pod of a workload of several containers.

use rhumb_backend::ObjectId;
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Mount, MountSource};
use serde_json::{Map, Value, json};

use super::body::{Body, text_map};
use super::driver::{self, Storage};
use super::environment::{self, Used};
use super::mounts::{self, Volumes};
use super::{Context, Part, Report, Site};
use super::{app, container, health, network, placement, ports, resources, rollout};
use crate::names;

/// The body of a pod.
///
/// Source: Marathon REST API, `Pod`.
pub(super) fn body(
    context: &Context<'_>,
    site: &Site<'_>,
    id: &ObjectId,
    (used, report): (&mut Used, &mut Report),
) -> Map<String, Value> {
    let mut volumes = Volumes::default();
    let mut containers = Vec::new();
    for part in &site.parts {
        containers.push(of_container(context, (site, part), &mut volumes, (used, report)));
    }
    let mut labels = text_map(&site.workload.labels);
    labels.extend(text_map(&site.workload.annotations));
    labels.extend(names::marks(context.scope, id, None));
    let mut body = Body::new();
    body.set("id", names::native(context.scope, site.name))
        .set("labels", labels)
        .set("containers", containers)
        .set_filled("secrets", used.secrets.clone())
        .set_filled("volumes", volumes.list)
        .set("networks", network::networks(context, site))
        .set("scaling", json!({ "kind": "fixed", "instances": app::instances(context, site) }));
    let mut scheduling = Body::new();
    if let Some(delay) = rollout::backoff(site, report) {
        scheduling.set("backoff", json!({ "backoff": delay, "backoffFactor": 1 }));
    }
    scheduling.set_some("upgrade", rollout::upgrade(site, volumes.is_resident, report));
    let constraints: Vec<Value> =
        placement::constraints(context, site, report).iter().map(constraint).collect();
    if !constraints.is_empty() {
        scheduling.set("placement", json!({ "constraints": constraints }));
    }
    if volumes.is_local {
        scheduling.extend(rollout::resident());
    }
    body.set_filled("scheduling", scheduling.into_value());
    rollout::lose_amounts(site, report);
    body.into_map()
}

fn constraint(found: &placement::Constraint) -> Value {
    let mut body = Body::new();
    body.set("fieldName", found.field.clone()).set("operator", found.operator);
    body.set_some("value", found.value.clone());
    body.into_value()
}

/// A container of a pod.
///
/// Source: Marathon REST API, `PodContainer`.
fn of_container(
    context: &Context<'_>,
    (site, part): (&Site<'_>, &Part<'_>),
    volumes: &mut Volumes,
    (used, report): (&mut Used, &mut Report),
) -> Value {
    container::refuse_options(site, part, report);
    let resources = resources::resources(context, part, report);
    let asked = health::asked(part, false);
    let mut image = Body::new();
    image
        .set("kind", "DOCKER")
        .set("id", part.container.image.clone())
        .set_some("pullConfig", container::pull_config(context, site, used, report))
        .set_some("forcePull", container::force_pull(part, report));
    let mut body = Body::new();
    body.set("name", part.name)
        .set_some("exec", container::exec(part))
        .set("resources", resources.promised.into_map())
        .set_some("resourceLimits", resources.limits)
        .set_filled("endpoints", ports::endpoints(context, site, part, report))
        .set_some("linuxInfo", app::seccomp(part))
        .set("image", image.into_value())
        .set_filled("environment", environment::variables(context, (site, part), used, report))
        .set_some("user", container::agent_user(part, report))
        .set_some("healthCheck", health::health_check(part, &asked, report))
        .set_filled("volumeMounts", volume_mounts(context, (site, part), volumes, (used, report)));
    let grace = part.container.stop.grace;
    if let Some(seconds) = rollout::grace(part.at("stop.grace"), grace, report) {
        body.set("lifecycle", json!({ "killGracePeriodSeconds": seconds }));
    }
    body.into_value()
}

fn volume_mounts(
    context: &Context<'_>,
    (site, part): (&Site<'_>, &Part<'_>),
    volumes: &mut Volumes,
    (used, report): (&mut Used, &mut Report),
) -> Vec<Value> {
    let mut found = Vec::new();
    mounts::refuse_same_folders(context, part, report);
    for (at, mount) in &part.container.mounts {
        let path = part.at(&format!("mounts.{at}"));
        if matches!(mount.source, MountSource::Config { .. } | MountSource::Secret { .. }) {
            for (file_at, file) in mounts::files(context, (at, mount), &path, report) {
                let name = volume_name(&file.name);
                add(volumes, &json!({ "name": name, "secret": used.add(file) }));
                found.push(json!({ "name": name, "mountPath": file_at, "readOnly": true }));
            }
            continue;
        }
        if let Some(name) = volume(context, (site, part), (at, mount), (volumes, report)) {
            let mut body = Body::new();
            body.set("name", name).set("mountPath", at.clone());
            if mount.read_only {
                body.set("readOnly", true);
            }
            found.push(body.into_value());
        }
    }
    found
}

/// Adds the volume of a mount to the pod's, and returns its name.
fn volume(
    context: &Context<'_>,
    (site, part): (&Site<'_>, &Part<'_>),
    (at, mount): (&str, &Mount),
    (volumes, report): (&mut Volumes, &mut Report),
) -> Option<String> {
    let path = part.at(&format!("mounts.{at}"));
    let (name, body) = match &mount.source {
        MountSource::Ephemeral { name, .. } => (volume_name(name), json!({})),
        MountSource::Tmpfs { .. } => {
            let text = "pods have no memory that looks like a folder: it is one of the sandbox, on disk";
            report.lose(rhumb_spec::Feature::Tmpfs, path.clone(), text);
            (volume_name(&format!("tmpfs-{}{at}", part.name)), json!({}))
        }
        MountSource::Host { path } => (volume_name(&format!("host{path}")), json!({ "host": path })),
        MountSource::Volume { name } => {
            let document = context.app.volumes.get(name)?;
            let Storage::Local { kind } = driver::storage(document) else {
                report.refuse(
                    Diagnostic::error(path, "a pod mounts no volume of a driver or an NFS server")
                        .why("the volumes of pods are persistent ones of the agent, folders and secrets")
                        .remedy("a workload of one container, or a volume without `class` and `nfs`"),
                );
                return None;
            };
            (volumes.is_resident, volumes.is_local) = (true, true);
            mounts::refuse_local(context, site, (name, document), &path, report);
            (
                volume_name(name),
                json!({ "persistent": mounts::persistent(document, (kind, mounts::written(context, site, name)), report) }),
            )
        }
        MountSource::Config { .. } | MountSource::Secret { .. } => return None,
    };
    if mount.sub_path.is_some() {
        report.refuse(
            Diagnostic::error(format!("{path}.subPath"), "a pod mounts volumes as a whole")
                .why("a mount of a pod has a volume and a path, and no folder of the volume")
                .remedy("no `subPath`"),
        );
    }
    let mut whole = json!({ "name": name });
    if let (Some(whole), Value::Object(body)) = (whole.as_object_mut(), body) {
        whole.extend(body);
    }
    add(volumes, &whole);
    Some(name)
}

fn add(volumes: &mut Volumes, volume: &Value) {
    if !volumes.list.contains(volume) {
        volumes.list.push(volume.clone());
    }
}

/// A name as volumes of pods have it: lowercase letters, digits and dashes, up to 63.
///
/// Source: Marathon REST API, `Name`.
fn volume_name(text: &str) -> String {
    let plain = |character: char| {
        if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' }
    };
    let name: String = text.chars().map(plain).collect();
    names::fit(name.trim_matches('-'), names::SEGMENT_LIMIT)
}
