//! Volumes: claims, templates of claims, and directories of NFS servers.

use std::collections::BTreeMap;

use rhumb_backend::{Object, ObjectId, Ownership};
use rhumb_spec::model::{Access, Kind, Mode, MountSource, Nfs, Volume, Workload};
use rhumb_spec::{Bytes, Feature};
use serde_json::{Map, Value, json};

use super::body::Body;
use super::files::external;
use super::native::Natives;
use super::{Context, Report, Site, labels};
use crate::names;

/// What a claim asks for where the app says nothing: the API has no claim without a size.
pub const DEFAULT_SIZE: Bytes = Bytes(1 << 30);

/// Where a workload's volume is.
pub(super) enum Placed<'a> {
    /// A claim of its own, of this name.
    Claim(ObjectId, &'a str),
    /// A claim for each replica, made by the stateful set.
    Template,
    /// A directory that pods mount by themselves.
    Nfs(&'a Nfs),
}

/// Where a volume is for a workload; none where the app does not have it.
pub(super) fn placed<'a>(context: &'a Context<'_>, site: &Site<'_>, name: &'a str) -> Option<Placed<'a>> {
    let volume = context.app.volumes.get(name)?;
    if is_template(site.workload, volume) {
        return Some(Placed::Template);
    }
    Some(match inline(volume) {
        Some(nfs) => Placed::Nfs(nfs),
        None => Placed::Claim(claim_id(name), name),
    })
}

fn claim_id(name: &str) -> ObjectId {
    ObjectId::new("persistentvolumeclaim", name)
}

/// Whether each replica has a volume of its own.
fn is_template(workload: &Workload, volume: &Volume) -> bool {
    workload.mode == Mode::Stateful
        && volume.access == Access::Single
        && !volume.external
        && volume.nfs.is_none()
}

/// The directory that pods mount by themselves. One with mount options needs a volume object, which alone has them.
fn inline(volume: &Volume) -> Option<&Nfs> {
    volume.nfs.as_ref().filter(|nfs| nfs.options.is_none())
}

/// The claims of an app, and the volumes of NFS servers that they are bound to.
pub(super) fn objects(context: &Context<'_>, natives: &Natives, report: &mut Report) -> Vec<Object> {
    let mut objects = Vec::new();
    for (name, volume) in &context.app.volumes {
        let path = Kind::Volume.path(name);
        labels::check(&volume.labels, &format!("{path}.labels"), report);
        if volume.external {
            let kind = ("v1", "PersistentVolumeClaim");
            objects.push(external(context.scope, &claim_id(name), kind, name));
            continue;
        }
        tell_of_options(volume, &path, report);
        let users = users(context, name);
        let is_only_template =
            !users.is_empty() && users.iter().all(|workload| is_template(workload, volume));
        if is_only_template {
            tell_of_template(volume, &path, report);
        } else if let Some(nfs) = volume.nfs.as_ref().filter(|nfs| nfs.options.is_some()) {
            objects.extend(nfs_volume(context, (name, volume), nfs));
        } else if inline(volume).is_none() {
            objects.push(claim(context, (name, volume), natives));
        }
        if volume.nfs.is_none() {
            tell_of_class(context, volume, natives, (&path, report));
        }
        tell_of_shared_directory(&users, volume, &path, report);
    }
    objects
}

fn users<'a>(context: &'a Context<'_>, name: &str) -> Vec<&'a Workload> {
    let mounts = |workload: &Workload| {
        let containers = workload.containers.values().chain(workload.init_containers.values());
        let mut mounts = containers.flat_map(|container| container.mounts.values());
        mounts.any(|mount| matches!(&mount.source, MountSource::Volume { name: found } if found == name))
    };
    context.app.workloads.values().filter(|workload| mounts(workload)).collect()
}

/// Source: Kubernetes API reference, `PersistentVolumeClaim`.
fn claim(context: &Context<'_>, (name, volume): (&str, &Volume), natives: &Natives) -> Object {
    let after = volume.class.as_deref().and_then(|class| natives.named("storageclass", class));
    let mut object = kept(context, (name, volume), claim_spec(volume));
    object.after.extend(after);
    object
}

/// The claim with a volume's labels, which an uninstall leaves where it is to be kept.
fn kept(context: &Context<'_>, (name, volume): (&str, &Volume), spec: Value) -> Object {
    let metadata = labels::metadata(context, (name, name), &volume.labels, keeping(volume));
    let mut body = Body::document("v1", "PersistentVolumeClaim", metadata);
    body.set("spec", spec);
    Object { ownership: ownership(volume), ..Object::new(claim_id(name), body.into_value()) }
}

fn keeping(volume: &Volume) -> Map<String, Value> {
    let mut annotations = Map::new();
    if volume.is_kept() {
        annotations.insert(names::UNINSTALL.to_owned(), "keep".into());
    }
    annotations
}

const fn ownership(volume: &Volume) -> Ownership {
    if matches!(volume.keep, Some(false)) { Ownership::Owned } else { Ownership::Kept }
}

fn claim_spec(volume: &Volume) -> Value {
    let mut body = Body::new();
    body.set("accessModes", vec![access_mode(volume)])
        .set_some("storageClassName", volume.class.clone())
        .set("resources", requests(volume));
    body.into_value()
}

const fn access_mode(volume: &Volume) -> &'static str {
    match volume.access {
        Access::Single => "ReadWriteOnce",
        Access::Shared => "ReadWriteMany",
    }
}

fn requests(volume: &Volume) -> Value {
    json!({ "requests": { "storage": volume.size.unwrap_or(DEFAULT_SIZE).to_string() } })
}

/// The template of a stateful set's claims. It never changes, so no label of the user's is in it.
///
/// Source: Kubernetes documentation, "Stateful Sets", "Volume Claim Templates".
pub(super) fn template(context: &Context<'_>, name: &str) -> Option<Value> {
    let volume = context.app.volumes.get(name)?;
    Some(json!({ "metadata": { "name": name }, "spec": claim_spec(volume) }))
}

/// The volume of an NFS server with mount options, and the claim that is bound to it. The volume lies outside of
/// every namespace, so its name holds the release's.
///
/// Source: Kubernetes documentation, "Persistent Volumes", "Mount Options" and "Reserving a `PersistentVolume`".
fn nfs_volume(context: &Context<'_>, (name, volume): (&str, &Volume), nfs: &Nfs) -> [Object; 2] {
    let native = format!("{}-{}-{name}", context.scope.namespace, context.scope.release);
    let native = names::fit(&native, names::NAME_LIMIT);
    let mut annotations = keeping(volume);
    annotations.insert(names::NAMESPACE.to_owned(), context.scope.namespace.clone().into());
    let mut metadata = labels::metadata(context, (&native, name), &volume.labels, annotations);
    if let Some(fields) = metadata.as_object_mut() {
        fields.shift_remove("namespace");
    }
    let options: Vec<&str> =
        nfs.options.iter().flat_map(|options| options.split(',')).map(str::trim).collect();
    let mut spec = Body::new();
    spec.set("capacity", requests(volume)["requests"].clone())
        .set("accessModes", vec![access_mode(volume)])
        .set("persistentVolumeReclaimPolicy", "Retain")
        .set("claimRef", json!({ "namespace": context.scope.namespace, "name": name }))
        .set("mountOptions", options)
        .set("nfs", json!({ "server": nfs.server, "path": nfs.path }));
    let mut body = Body::document("v1", "PersistentVolume", metadata);
    body.set("spec", spec.into_value());
    let id = ObjectId::new("persistentvolume", &native);
    let object = Object { ownership: ownership(volume), ..Object::new(id.clone(), body.into_value()) };
    let mut spec = Body::new();
    spec.set("accessModes", vec![access_mode(volume)])
        .set("storageClassName", "")
        .set("volumeName", native)
        .set("resources", requests(volume));
    let mut claim = kept(context, (name, volume), spec.into_value());
    claim.after.push(super::pod::exists(id));
    [object, claim]
}

/// What becomes of a stateful workload's claims when the workload goes; none where they stay.
///
/// Source: Kubernetes documentation, "Stateful Sets", "`PersistentVolumeClaim` retention".
pub(super) fn retention(context: &Context<'_>, templates: &[String], report: &mut Report) -> Option<Value> {
    let volumes: BTreeMap<&String, &Volume> =
        templates.iter().filter_map(|name| context.app.volumes.get_key_value(name)).collect();
    let unkept: Vec<&String> =
        volumes.iter().filter(|(_, volume)| !volume.is_kept()).map(|(name, _)| *name).collect();
    if unkept.len() == volumes.len() {
        return (!volumes.is_empty()).then(|| json!({ "whenDeleted": "Delete" }));
    }
    for name in unkept {
        let text = "an uninstall leaves it, because a stateful set keeps all of its volumes or none and others are kept";
        report.lose(Feature::PersistentVolume, format!("{}.keep", Kind::Volume.path(name)), text);
    }
    None
}

fn tell_of_options(volume: &Volume, path: &str, report: &mut Report) {
    if !volume.options.is_empty() {
        let text = "options belong to the storage class, and a claim has none: they are left out";
        report.lose(Feature::VolumeClass, format!("{path}.options"), text);
    }
}

fn tell_of_template(volume: &Volume, path: &str, report: &mut Report) {
    if !volume.labels.is_empty() {
        let text = "the claims of a stateful set's replicas bear none of them: their template never changes";
        report.lose(Feature::Labels, format!("{path}.labels"), text);
    }
}

fn tell_of_class(
    context: &Context<'_>,
    volume: &Volume,
    natives: &Natives,
    (path, report): (&str, &mut Report),
) {
    let Some(classes) = &context.facts.storage_classes else { return };
    let known = classes.names.iter().cloned().collect::<Vec<_>>().join(", ");
    let known = if known.is_empty() { "it has none".to_owned() } else { format!("it has: {known}") };
    match &volume.class {
        Some(class) if !classes.names.contains(class) && natives.named("storageclass", class).is_none() => {
            report.lose(Feature::VolumeClass, format!("{path}.class"), format!(
                "the cluster has no storage class `{class}` ({known}), so the claim waits until somebody makes a \
                 volume of this class for it"
            ));
        }
        None if classes.default.is_none() => report.lose(Feature::PersistentVolume, path, format!(
            "no storage class of the cluster is the default one ({known}), so the claim waits until somebody makes a \
             volume for it"
        )),
        _ => {}
    }
}

fn tell_of_shared_directory(users: &[&Workload], volume: &Volume, path: &str, report: &mut Report) {
    let is_shared = volume.access == Access::Single
        && volume.nfs.is_some()
        && users.iter().any(|user| user.mode == Mode::Stateful && user.replicas.unwrap_or(1) > 1);
    if is_shared {
        let text = "all replicas have the one directory of the server";
        report.lose(Feature::PersistentVolume, format!("{path}.nfs"), text);
    }
}
