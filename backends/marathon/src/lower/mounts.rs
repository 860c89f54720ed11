//! What appears in a container's file system.

use rhumb_spec::model::{Access, Kind as Document, Mount, MountSource, Volume};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Value, json};

use super::driver::{Storage, external, storage};
use super::environment::Used;
use super::files::File;
use super::{Context, Part, Report, Site};
use crate::kind::Kind;

/// The size of a volume that names none, in MiB: a persistent volume of Mesos always has one.
const SIZE: u64 = 1024;
/// Where the sandbox of a task is in a container that has an image.
///
/// Source: Marathon documentation, "Persistent volumes", "Stateful applications using local persistent volumes".
pub(crate) const SANDBOX: &str = "/mnt/mesos/sandbox";

/// The volumes of a workload.
#[derive(Default)]
pub(super) struct Volumes {
    /// `container.volumes` of an app, or `volumes` of a pod.
    pub(super) list: Vec<Value>,
    /// One of them is a volume that has one user: a task of its own agent, or of one driver.
    pub(super) is_resident: bool,
    /// One of them is a persistent volume of an agent.
    pub(super) is_local: bool,
}

/// `container.volumes` of an app.
///
/// A persistent volume of Mesos has a name in the sandbox; a second entry brings it to its path. Folders that live as long as
/// the replica are folders of the sandbox.
///
/// Source: Marathon REST API, `AppVolume`; Marathon documentation, "Persistent volumes", the configuration with two
/// volumes.
pub(super) fn volumes(
    context: &Context<'_>,
    (site, part): (&Site<'_>, &Part<'_>),
    used: &mut Used,
    report: &mut Report,
) -> Volumes {
    let mut found = Volumes::default();
    refuse_same_folders(context, part, report);
    for (at, mount) in &part.container.mounts {
        let path = part.at(&format!("mounts.{at}"));
        let mode = if mount.read_only { "RO" } else { "RW" };
        match &mount.source {
            MountSource::Config { .. } | MountSource::Secret { .. } => {
                for (file_at, file) in files(context, (at, mount), &path, report) {
                    found.list.push(json!({ "containerPath": file_at, "secret": used.add(file) }));
                }
            }
            MountSource::Volume { name } => {
                let place = Place { at, mount, mode, path: &path };
                volume(context, site, (name, &place), (&mut found, report));
            }
            MountSource::Ephemeral { name, .. } => {
                let folder = below(name, mount);
                found.list.push(json!({ "containerPath": at, "hostPath": folder, "mode": mode }));
            }
            MountSource::Tmpfs { size } if !site.engine.is_docker() => {
                let text = "the Universal Container Runtime has no memory that looks like a folder: it is one of the sandbox, on disk";
                report.lose(Feature::Tmpfs, path, text);
                if size.is_some() {
                    report.lose(
                        Feature::Tmpfs,
                        part.at(&format!("mounts.{at}.size")),
                        "a folder of the sandbox has no size of its own",
                    );
                }
                let folder = format!("tmpfs{}", at.replace('/', "-"));
                found.list.push(json!({ "containerPath": at, "hostPath": folder, "mode": mode }));
            }
            // An option of the Docker Engine, see [`super::driver::parameters`].
            MountSource::Tmpfs { .. } => {}
            MountSource::Host { path } => {
                found.list.push(json!({ "containerPath": at, "hostPath": below(path, mount), "mode": mode }));
            }
        }
    }
    found
}

/// Refuses a folder that lives as long as the replica and has the name of a volume: both would be one folder of the sandbox.
pub(super) fn refuse_same_folders(context: &Context<'_>, part: &Part<'_>, report: &mut Report) {
    for (at, mount) in &part.container.mounts {
        let MountSource::Ephemeral { name, .. } = &mount.source else { continue };
        let is_local = |other: &Mount| {
            let MountSource::Volume { name: of } = &other.source else { return false };
            let document = context.app.volumes.get(of).filter(|_| of == name);
            document.is_some_and(|document| matches!(storage(document), Storage::Local { .. }))
        };
        if part.container.mounts.values().any(is_local) {
            report.refuse(
                Diagnostic::error(
                    part.at(&format!("mounts.{at}")),
                    format!("the folder `{name}` has the name of a volume of the same workload"),
                )
                .why("both are folders of the task's sandbox, under their names")
                .remedy("another name for the folder"),
            );
        }
    }
}

/// Where a volume is mounted.
struct Place<'a> {
    at: &'a str,
    mount: &'a Mount,
    mode: &'static str,
    /// The mount's path in the app.
    path: &'a str,
}

fn below(folder: &str, mount: &Mount) -> String {
    match &mount.sub_path {
        Some(sub) => format!("{}/{}", folder.trim_end_matches('/'), sub.trim_start_matches('/')),
        None => folder.to_owned(),
    }
}

/// The files of a config or secret that a mount brings, each with where it is in the container.
pub(super) fn files<'a>(
    context: &'a Context<'_>,
    (at, mount): (&str, &Mount),
    path: &str,
    report: &mut Report,
) -> Vec<(String, &'a File)> {
    let (kind, name, key) = match &mount.source {
        MountSource::Config { name, key } => (Kind::Config, name, key),
        MountSource::Secret { name, key } => (Kind::Secret, name, key),
        _ => return Vec::new(),
    };
    // A part of all files is one of them, at the path itself.
    let key = key.as_ref().or(mount.sub_path.as_ref());
    if let Some(key) = key {
        let file = context.files.find(kind, name, key);
        if file.is_none() {
            report.refuse(
                Diagnostic::error(path, format!("{} has no key `{key}`", document(kind, name)))
                    .why("on Marathon a file of a secret is one entry of the secret store")
                    .remedy("`key` with a key that it has"),
            );
        }
        return file.map(|file| (at.to_owned(), file)).into_iter().collect();
    }
    let all = context.files.of(kind, name);
    let is_external = match kind {
        Kind::Config => context.app.configs.get(name).is_some_and(|config| config.external),
        _ => context.app.secrets.get(name).is_some_and(|secret| secret.external),
    };
    if is_external {
        report.refuse(
            Diagnostic::error(path, format!("the keys of {} are not known here", document(kind, name)))
                .why("an entry of the secret store holds one value under one path")
                .remedy("a mount for each, with `key`"),
        );
    }
    all.iter().map(|(key, file)| (format!("{}/{key}", at.trim_end_matches('/')), file)).collect()
}

fn document(kind: Kind, name: &str) -> String {
    if kind == Kind::Config { Document::Config.path(name) } else { Document::Secret.path(name) }
}

fn volume(
    context: &Context<'_>,
    site: &Site<'_>,
    (name, place): (&str, &Place<'_>),
    (found, report): (&mut Volumes, &mut Report),
) {
    let Some(document) = context.app.volumes.get(name) else { return };
    lose_labels(name, document, report);
    match storage(document) {
        Storage::Local { kind } => {
            found.is_resident = true;
            found.is_local = true;
            refuse_local(context, site, (name, document), place.path, report);
            let about = persistent(document, (kind, written(context, site, name)), report);
            found.list.push(json!({ "containerPath": name, "persistent": about, "mode": "RW" }));
            let folder = below(name, place.mount);
            if place.at == format!("{SANDBOX}/{folder}") && place.mode == "RW" {
                // It is there already.
                return;
            }
            found.list.push(json!({ "containerPath": place.at, "hostPath": folder, "mode": place.mode }));
        }
        // The Docker Engine's own option, see [`super::driver::parameters`].
        Storage::Options { .. } if site.engine.is_docker() => {}
        Storage::Driver { driver } => {
            found.is_resident |= document.access == Access::Single;
            let external = external(context, (name, document), driver, &[]);
            found.list.push(json!({ "containerPath": place.at, "external": external, "mode": place.mode }));
            refuse_sub_path(place, report);
        }
        Storage::Options { driver, options } => {
            found.is_resident |= document.access == Access::Single;
            let external = external(context, (name, document), driver, &options);
            found.list.push(json!({ "containerPath": place.at, "external": external, "mode": place.mode }));
            refuse_sub_path(place, report);
        }
    }
}

fn lose_labels(name: &str, document: &Volume, report: &mut Report) {
    if !document.labels.is_empty() {
        let text = "volumes of Mesos bear no labels";
        report.lose(Feature::Labels, format!("{}.labels", Document::Volume.path(name)), text);
    }
}

/// The volume that the user wrote, where each replica of a set has one of its own.
pub(super) fn written<'a>(context: &Context<'_>, site: &Site<'_>, name: &'a str) -> &'a str {
    let suffix = format!("-{}", site.name);
    let is_ordinal = context.checked.ordinal(site.name).is_some();
    let of_set = name.strip_suffix(&suffix).filter(|_| is_ordinal);
    of_set.filter(|of_set| context.checked.source().volumes.contains_key(*of_set)).unwrap_or(name)
}

/// `persistent` of a volume: its kind of disk and its size in MiB.
pub(super) fn persistent(document: &Volume, (kind, name): (&str, &str), report: &mut Report) -> Value {
    let at = |field: &str| format!("{}{field}", Document::Volume.path(name));
    if document.size.is_none() {
        let text = format!("no size is named: it is {SIZE} MiB");
        report.lose(Feature::PersistentVolume, at(""), text);
    }
    let text = "Marathon removes the volume and its data with its app, as at an uninstall";
    report.lose(Feature::PersistentVolume, at(""), text);
    for name in document.options.keys() {
        let text = "a persistent volume of Mesos takes no options";
        report.lose(Feature::VolumeClass, at(&format!(".options.{name}")), text);
    }
    let size = document.size.map_or(SIZE, rhumb_spec::Bytes::as_mib_rounded_up);
    json!({ "type": kind, "size": size })
}

/// Refuses what a persistent volume of an agent cannot be: shared by replicas, workloads or jobs, or there already.
pub(super) fn refuse_local(
    context: &Context<'_>,
    site: &Site<'_>,
    (name, document): (&str, &Volume),
    path: &str,
    report: &mut Report,
) {
    let users = context.app.workloads.iter().filter(|(_, workload)| {
        let mounts = workload.containers.values().flat_map(|container| container.mounts.values());
        mounts
            .into_iter()
            .any(|mount| matches!(&mount.source, MountSource::Volume { name: of } if of == name))
    });
    let what = if document.external {
        "a persistent volume of Mesos cannot be there before its app"
    } else if document.access == Access::Shared {
        "a persistent volume of Mesos is on one agent"
    } else if site.replicas() > 1 {
        "each replica would have a volume of its own"
    } else if users.count() > 1 {
        "each workload would have a volume of its own"
    } else {
        return;
    };
    report.refuse(
        Diagnostic::error(path, what)
            .why("Mesos makes a persistent volume for one task on one agent, and gives it to no other")
            .remedy("`class` with a volume driver of the agents or `nfs` in the volume; `mode: stateful` for one each"),
    );
}

fn refuse_sub_path(place: &Place<'_>, report: &mut Report) {
    if place.mount.sub_path.is_some() {
        report.refuse(
            Diagnostic::error(format!("{}.subPath", place.path), "an external volume is mounted as a whole")
                .why("Marathon names the volume and where it goes, and no folder in it")
                .remedy("no `subPath`"),
        );
    }
}
