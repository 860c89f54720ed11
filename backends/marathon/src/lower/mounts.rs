//! What appears in a container's file system.

use rhumb_spec::model::{Access, Kind as Document, Mount, MountSource, Volume};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Map, Value, json};

use super::body::Body;
use super::container::Parameters;
use super::environment::Used;
use super::files::File;
use super::{Context, Part, Report, Site};
use crate::kind::Kind;

/// The size of a volume that names none, in MiB: a persistent volume of Mesos always has one.
const SIZE: u64 = 1024;
/// The provider of external volumes.
const PROVIDER: &str = "dvdi";
/// The option that names the driver of an external volume.
pub(crate) const DRIVER: &str = "dvdi/driver";

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
            // An option of the Docker Engine, see [`parameters`].
            MountSource::Tmpfs { .. } => {}
            MountSource::Host { path } => {
                found.list.push(json!({ "containerPath": at, "hostPath": below(path, mount), "mode": mode }));
            }
        }
    }
    found
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

/// What a volume document is on Marathon.
pub(super) enum Storage<'a> {
    /// A persistent volume of an agent.
    Local { kind: &'a str },
    /// A volume of a driver.
    Driver { driver: &'a str },
    /// A directory of an NFS server, or a driver with options, which the Docker Engine mounts.
    Options { driver: &'a str, options: Vec<(String, String)> },
}

/// What a volume document is.
pub(super) fn storage(volume: &Volume) -> Storage<'_> {
    if let Some(nfs) = &volume.nfs {
        let address = format!("addr={}", nfs.server);
        let all = nfs.options.as_ref().map_or(address.clone(), |options| format!("{address},{options}"));
        let options = [("type", "nfs".to_owned()), ("o", all), ("device", format!(":{}", nfs.path))];
        let options = options.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        return Storage::Options { driver: volume.class.as_deref().unwrap_or("local"), options };
    }
    match volume.class.as_deref() {
        None => Storage::Local { kind: "root" },
        Some(kind @ ("root" | "path" | "mount")) => Storage::Local { kind },
        Some(driver) if volume.options.is_empty() => Storage::Driver { driver },
        Some(driver) => {
            let options = volume.options.iter().map(|(key, value)| (key.clone(), value.clone()));
            Storage::Options { driver, options: options.collect() }
        }
    }
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
            found.list.push(json!({ "containerPath": place.at, "hostPath": folder, "mode": place.mode }));
        }
        // The Docker Engine's own option, see [`parameters`].
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

/// `external` of a volume: the release's own is called `<namespace>-<release>-<volume>`.
///
/// Source: Marathon REST API, `DVDIExternalVolumeInfo`; sizes count in GiB.
fn external(
    context: &Context<'_>,
    (name, document): (&str, &Volume),
    driver: &str,
    options: &[(String, String)],
) -> Value {
    let mut all = Map::new();
    all.insert(DRIVER.to_owned(), driver.into());
    all.extend(options.iter().map(|(key, value)| (format!("dvdi/{key}"), value.clone().into())));
    let mut body = Body::new();
    body.set_some("size", document.size.map(rhumb_spec::Bytes::as_gib_rounded_up));
    body.set("name", native_name(context, name, document)).set("provider", PROVIDER).set("options", all);
    if document.access == Access::Shared {
        body.set("shared", true);
    }
    body.into_value()
}

fn native_name(context: &Context<'_>, name: &str, document: &Volume) -> String {
    if document.external {
        return name.to_owned();
    }
    format!("{}-{name}", context.scope.stack())
}

/// The mounts that the Docker Engine makes itself: memory, and volumes with options of a driver.
///
/// Source: docs.docker.com, `docker container run`, `--tmpfs`, `--mount`; "Volumes", options of drivers.
pub(super) fn parameters(context: &Context<'_>, part: &Part<'_>, to: &mut Parameters) {
    for (at, mount) in &part.container.mounts {
        match &mount.source {
            MountSource::Tmpfs { size } => {
                to.add("tmpfs", tmpfs(at, mount, size.map(rhumb_spec::Bytes::get)));
            }
            MountSource::Volume { name } => {
                let Some(document) = context.app.volumes.get(name) else { continue };
                if let Storage::Options { driver, options } = storage(document) {
                    let source = native_name(context, name, document);
                    to.add("mount", option((at, mount), &source, driver, &options));
                }
            }
            _ => {}
        }
    }
}

fn tmpfs(at: &str, mount: &Mount, size: Option<u64>) -> String {
    let mut options: Vec<String> = Vec::new();
    options.extend(mount.read_only.then(|| "ro".to_owned()));
    options.extend(size.map(|size| format!("size={size}")));
    options.extend(mount.file_mode.as_ref().map(|mode| format!("mode={mode}")));
    if options.is_empty() { at.to_owned() } else { format!("{at}:{}", options.join(",")) }
}

fn option((at, mount): (&str, &Mount), source: &str, driver: &str, options: &[(String, String)]) -> String {
    let mut fields = vec!["type=volume".to_owned(), format!("src={source}"), format!("dst={at}")];
    fields.push(format!("volume-driver={driver}"));
    fields.extend(options.iter().map(|(key, value)| csv(&format!("volume-opt={key}={value}"))));
    fields.extend(mount.sub_path.as_ref().map(|sub| format!("volume-subpath={sub}")));
    fields.extend(mount.read_only.then(|| "readonly".to_owned()));
    fields.join(",")
}

/// A field with a comma in it stands in quotes, as `--mount` reads CSV.
fn csv(field: &str) -> String {
    if field.contains(',') { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
}
