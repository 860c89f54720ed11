//! What appears in the file systems of containers: the volumes of a pod, and where each container mounts them.

use rhumb_spec::model::{Mount, MountSource};
use rhumb_spec::{Bytes, Diagnostic, Feature};
use serde_json::{Value, json};

use super::body::Body;
use super::files::{FileKind, Held};
use super::pod::Pod;
use super::volume::{Placed, placed};
use super::{Context, Part, Report};
use crate::names;

/// The volumes of a pod, each under a name that follows from what it is and not from its place.
#[derive(Default)]
pub(super) struct Volumes {
    found: Vec<Volume>,
    /// Volumes whose claims the stateful set makes, and which are named there.
    pub(super) templates: Vec<String>,
}

struct Volume {
    name: String,
    /// What tells it from others of the pod: two folders in memory have equal sources and are two.
    identity: String,
    source: Value,
}

impl Volumes {
    pub(super) fn with_templates(templates: Vec<String>) -> Self {
        Self { found: Vec::new(), templates }
    }

    /// The name under which a pod has what this source describes wholly.
    fn named(&mut self, wanted: &str, source: Value) -> String {
        self.told_apart(wanted, source.to_string(), source)
    }

    /// The name under which a pod has the volume of this identity. Where another has the wanted name already, it ends
    /// in a hash.
    fn told_apart(&mut self, wanted: &str, identity: String, source: Value) -> String {
        if let Some(known) = self.found.iter().find(|known| known.identity == identity) {
            return known.name.clone();
        }
        let mut name = names::fit(&slug(wanted), names::LABEL_LIMIT);
        if self.templates.contains(&name) || self.found.iter().any(|known| known.name == name) {
            let hash = names::hash(identity.as_bytes());
            let kept = names::fit(&name, names::LABEL_LIMIT - 1 - names::HASH);
            name = format!("{kept}-{}", &hash[..names::HASH]);
        }
        self.found.push(Volume { name: name.clone(), identity, source });
        name
    }

    /// `spec.volumes`.
    pub(super) fn into_values(self) -> Vec<Value> {
        let value = |volume: Volume| {
            let mut body = Body::new();
            body.set("name", volume.name);
            for (key, value) in volume.source.as_object().into_iter().flatten() {
                body.set(key, value.clone());
            }
            body.into_value()
        };
        self.found.into_iter().map(value).collect()
    }
}

/// A DNS label out of any text.
fn slug(text: &str) -> String {
    let legal: String =
        text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let legal = legal.trim_matches('-');
    if legal.is_empty() { "volume".to_owned() } else { legal.to_owned() }
}

/// `volumeMounts` of a container. What it mounts is added to the pod.
pub(super) fn mounts(
    context: &Context<'_>,
    part: &Part<'_>,
    pod: &mut Pod,
    report: &mut Report,
) -> Vec<Value> {
    let mut found = Vec::new();
    for (target, mount) in &part.container.mounts {
        let path = part.at(&format!("mounts.{target}"));
        let name = volume_name(context, part, (target, mount, &path), pod, report);
        let Some(name) = name else { continue };
        let key = match &mount.source {
            MountSource::Config { key, .. } | MountSource::Secret { key, .. } => key.as_ref(),
            _ => None,
        };
        let mut body = Body::new();
        body.set("name", name)
            .set("mountPath", target.clone())
            .set_true("readOnly", mount.read_only)
            .set_some("subPath", key.or(mount.sub_path.as_ref()).cloned());
        found.push(body.into_value());
    }
    found
}

fn volume_name(
    context: &Context<'_>,
    part: &Part<'_>,
    (target, mount, path): (&str, &Mount, &str),
    pod: &mut Pod,
    report: &mut Report,
) -> Option<String> {
    Some(match &mount.source {
        MountSource::Config { name, .. } => {
            let held = context.files.find(FileKind::ConfigMap, name)?;
            let source = files(("configMap", "name"), held, (mount, path), pod, report);
            pod.volumes.named(&format!("config-{name}"), source)
        }
        MountSource::Secret { name, .. } => {
            let held = context.files.find(FileKind::Secret, name)?;
            let source = files(("secret", "secretName"), held, (mount, path), pod, report);
            pod.volumes.named(&format!("secret-{name}"), source)
        }
        MountSource::Volume { name } => match placed(context, part.site, name)? {
            Placed::Template => name.clone(),
            Placed::Claim(id, claim) => {
                pod.needs(id);
                pod.volumes.named(name, json!({ "persistentVolumeClaim": { "claimName": claim } }))
            }
            Placed::Nfs(nfs) => {
                pod.volumes.named(name, json!({ "nfs": { "server": nfs.server, "path": nfs.path } }))
            }
        },
        MountSource::Ephemeral { name, .. } => {
            let source = empty_dir(None, shared_size(part, name));
            pod.volumes.told_apart(name, format!("ephemeral/{name}"), source)
        }
        MountSource::Tmpfs { size } => {
            tell_of_mode(mount, path, report);
            let identity = format!("memory/{}{target}", part.name);
            pod.volumes.told_apart(&format!("memory{target}"), identity, empty_dir(Some("Memory"), *size))
        }
        MountSource::Host { path } => {
            pod.volumes.named(&format!("host{path}"), json!({ "hostPath": { "path": path } }))
        }
    })
}

/// The volume of a config or secret. Its mode is one for all of its files.
fn files(
    (kind, key): (&str, &str),
    held: &Held,
    (mount, path): (&Mount, &str),
    pod: &mut Pod,
    report: &mut Report,
) -> Value {
    pod.uses(held);
    pod.give_files(mount, path, report);
    let mut body = Body::new();
    body.set(key, held.name.clone()).set_some("defaultMode", mode(mount, path, report));
    json!({ kind: body.into_value() })
}

/// Permission bits, which are a decimal number in JSON.
///
/// Source: Kubernetes API reference, `ConfigMapVolumeSource.defaultMode`: from 0 to 0777.
fn mode(mount: &Mount, path: &str, report: &mut Report) -> Option<u32> {
    let text = mount.file_mode.as_deref()?;
    let bits = u32::from_str_radix(text, 8).ok()?;
    if bits > 0o777 {
        report.refuse(
            Diagnostic::error(
                format!("{path}.mode"),
                format!("files of a pod cannot have the mode `{text}`"),
            )
            .why("Kubernetes sets the bits of owner, group and others, and no sticky or set-id bit")
            .remedy(format!("`\"{:04o}\"`", bits & 0o777)),
        );
    }
    Some(bits)
}

/// Memory is made with mode 1777, so every user of the pod's containers may write there.
fn tell_of_mode(mount: &Mount, path: &str, report: &mut Report) {
    let bits = mount.file_mode.as_deref().and_then(|text| u32::from_str_radix(text, 8).ok());
    if bits.is_some_and(|bits| bits & 0o777 != 0o777) {
        let text = "memory of a pod has the mode 1777: every user of its containers may write there";
        report.lose(Feature::Tmpfs, format!("{path}.mode"), text);
    }
}

/// The size of an ephemeral folder, which may stand at any of its mounts.
fn shared_size(part: &Part<'_>, name: &str) -> Option<Bytes> {
    let workload = part.site.workload;
    let containers = workload.init_containers.values().chain(workload.containers.values());
    let mut mounts = containers.flat_map(|container| container.mounts.values());
    mounts.find_map(|mount| match &mount.source {
        MountSource::Ephemeral { name: found, size } if found == name => *size,
        _ => None,
    })
}

fn empty_dir(medium: Option<&str>, size: Option<Bytes>) -> Value {
    let mut body = Body::new();
    body.set_some("medium", medium).set_some("sizeLimit", size.map(|size| size.to_string()));
    json!({ "emptyDir": body.into_value() })
}

/// The volumes of a workload that its stateful set makes claims for, in the order in which they are mounted.
pub(super) fn templates(context: &Context<'_>, site: &super::Site<'_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for part in site.parts() {
        for mount in part.container.mounts.values() {
            if let MountSource::Volume { name } = &mount.source
                && matches!(placed(context, site, name), Some(Placed::Template))
                && !found.contains(name)
            {
                found.push(name.clone());
            }
        }
    }
    found
}
