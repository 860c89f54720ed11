//! What appears in a container's file system: volumes, folders, memory, host paths, and the files of configs and
//! secrets.

use rhumb_backend::ObjectId;
use rhumb_spec::model::{Access, Mount, MountSource, Volume};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Map, Value, json};

use super::body::{Body, text_map};
use super::files::File;
use super::template::literal;
use super::{Context, Report, Site};
use crate::names::{self, FileKind};

/// The mounts and files of one container.
#[derive(Default)]
pub(super) struct Mounted {
    /// `ContainerSpec.Mounts`.
    pub(super) mounts: Vec<Value>,
    /// `ContainerSpec.Configs`.
    pub(super) configs: Vec<Value>,
    /// `ContainerSpec.Secrets`.
    pub(super) secrets: Vec<Value>,
}

/// Turns the mounts of a container into those of a task.
pub(super) fn mounted(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Mounted {
    let mut out = Mounted::default();
    for (target, mount) in &site.container.mounts {
        let path = site.in_container(&format!("mounts.{target}"));
        match &mount.source {
            MountSource::Config { name, key } => {
                let files = files(context, (FileKind::Config, name, key.as_deref()), target, mount);
                out.configs
                    .extend(files.map(|(file, target)| file_reference("Config", file, &target, mount)));
            }
            MountSource::Secret { name, key } => {
                let files = files(context, (FileKind::Secret, name, key.as_deref()), target, mount);
                out.secrets
                    .extend(files.map(|(file, target)| file_reference("Secret", file, &target, mount)));
            }
            MountSource::Volume { name } => {
                out.mounts.extend(volume(context, name, target, (mount, &path), report));
            }
            MountSource::Ephemeral { size, .. } => {
                if size.is_some() {
                    let text = "nothing holds an ephemeral folder to its size";
                    report.lose(Feature::EphemeralVolume, format!("{path}.size"), text);
                }
                refuse_sub_path(mount, &path, report);
                out.mounts.push(plain("volume", None, target, mount).into_value());
            }
            MountSource::Tmpfs { size } => {
                refuse_sub_path(mount, &path, report);
                out.mounts.push(tmpfs(target, mount, size.map(rhumb_spec::Bytes::get)));
            }
            MountSource::Host { path: host } => out.mounts.push(bind(host, target, mount)),
        }
    }
    refuse_shared_ephemerals(site, report);
    out
}

/// The files that a mount of a config or secret puts into a container, and where.
fn files<'a>(
    context: &'a Context<'_>,
    (kind, name, key): (FileKind, &str, Option<&str>),
    target: &str,
    mount: &Mount,
) -> impl Iterator<Item = (&'a File, String)> {
    let one = key.or(mount.sub_path.as_deref()).map(str::to_owned);
    let folder = target.trim_end_matches('/').to_owned();
    let target = target.to_owned();
    context.files.of(kind, name).iter().filter_map(move |(key, file)| match &one {
        Some(one) if one == key => Some((file, target.clone())),
        Some(_) => None,
        None => Some((file, format!("{folder}/{key}"))),
    })
}

/// Source: Engine API, `ContainerSpec.Configs` and `ContainerSpec.Secrets`; a mode is a number there.
fn file_reference(kind: &str, file: &File, target: &str, mount: &Mount) -> Value {
    // The engine puts files of secrets without a folder here, and shows them so.
    let target = if kind == "Secret" { secret_target(target) } else { target };
    let mode = mount.file_mode.as_deref().and_then(octal).unwrap_or(0o444);
    let owner = |id: Option<u32>| id.unwrap_or(0).to_string();
    let place = json!({ "Name": target, "UID": owner(mount.user), "GID": owner(mount.group), "Mode": mode });
    let mut body = Body::new();
    body.set("File", place);
    body.set(&format!("{kind}ID"), file.reference()).set(&format!("{kind}Name"), file.name.clone());
    body.into_value()
}

/// A path in the folder of secrets as the docker CLI writes it.
fn secret_target(target: &str) -> &str {
    target.strip_prefix("/run/secrets/").filter(|name| !name.contains('/')).unwrap_or(target)
}

fn octal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.trim_start_matches("0o"), 8).ok()
}

fn plain(kind: &str, source: Option<&str>, target: &str, mount: &Mount) -> Body {
    let mut body = Body::new();
    body.set("Type", kind);
    body.set_some("Source", source.map(|source| literal(source).into_owned()));
    body.set("Target", literal(target).into_owned());
    if mount.read_only {
        body.set("ReadOnly", true);
    }
    body
}

fn tmpfs(target: &str, mount: &Mount, size: Option<u64>) -> Value {
    let mut options = Body::new();
    options.set_some("SizeBytes", size).set_some("Mode", mount.file_mode.as_deref().and_then(octal));
    let mut body = plain("tmpfs", None, target, mount);
    body.set_filled("TmpfsOptions", options.into_value());
    body.into_value()
}

fn bind(host: &str, target: &str, mount: &Mount) -> Value {
    let source = match &mount.sub_path {
        Some(below) => format!("{}/{below}", host.trim_end_matches('/')),
        None => host.to_owned(),
    };
    plain("bind", Some(&source), target, mount).into_value()
}

fn volume(
    context: &Context<'_>,
    name: &str,
    target: &str,
    (mount, path): (&Mount, &str),
    report: &mut Report,
) -> Option<Value> {
    let volume = context.app.volumes.get(name)?;
    if volume.external {
        if is_local(volume) {
            report.lose(Feature::External, path, format!(
                "no manager knows on which node the volume {name} is; a node without it makes an empty one, so say the node in `placement.nodes`"
            ));
        }
        let body = plain("volume", Some(names::external_name(name, &volume.labels)), target, mount);
        return Some(with_options(context, body, Body::new(), (mount, path), report));
    }
    if volume.access == Access::Shared && is_local(volume) {
        report.refuse(local_but_shared(name, path));
    }
    if volume.keep == Some(false) {
        report.lose(Feature::PersistentVolume, format!("volume/{name}.keep"), format!(
            "an uninstall leaves the volume, which only its own node can remove: `docker volume rm {}` there",
            names::volume_name(context.scope, name)
        ));
    }
    let source = names::volume_name(context.scope, name);
    let mut labels = text_map(&volume.labels);
    labels.extend(names::marks(context.scope, &ObjectId::new("volume", name)));
    let mut options = Body::new();
    options.set("Labels", escaped(labels)).set_some("DriverConfig", driver(volume));
    Some(with_options(context, plain("volume", Some(&source), target, mount), options, (mount, path), report))
}

fn with_options(
    context: &Context<'_>,
    mut body: Body,
    mut options: Body,
    (mount, path): (&Mount, &str),
    report: &mut Report,
) -> Value {
    if let Some(below) = &mount.sub_path {
        options.set("Subpath", below.clone());
        if !context.facts.speaks(45) {
            report.refuse(sub_path_of_volume(path));
        }
    }
    body.set_filled("VolumeOptions", options.into_value());
    body.into_value()
}

fn escaped(labels: Map<String, Value>) -> Map<String, Value> {
    let escape =
        |value: Value| value.as_str().map_or(value.clone(), |text| literal(text).into_owned().into());
    labels.into_iter().map(|(key, value)| (key, escape(value))).collect()
}

/// The volume driver and its options; none for the engine's own with none.
///
/// Source: docs.docker.com, "Volumes", "Create a service which creates an NFS volume".
fn driver(volume: &Volume) -> Option<Value> {
    let mut options: Map<String, Value> = Map::new();
    if let Some(nfs) = &volume.nfs {
        let given = nfs.options.as_deref().map(|given| format!(",{given}")).unwrap_or_default();
        options.insert("type".to_owned(), "nfs".into());
        options.insert("o".to_owned(), format!("addr={}{given}", nfs.server).into());
        options.insert("device".to_owned(), format!(":{}", nfs.path).into());
    }
    options.extend(text_map(&volume.options));
    let class = volume.class.as_deref();
    if class.is_none() && options.is_empty() {
        return None;
    }
    let mut body = Body::new();
    body.set("Name", class.unwrap_or("local")).set_filled("Options", escaped(options));
    Some(body.into_value())
}

/// Whether the data lie on the one node where the volume is made.
pub(super) fn is_local(volume: &Volume) -> bool {
    let kind = volume.options.get("type").map(String::as_str);
    volume.nfs.is_none() && lies_on_a_node(volume.class.as_deref(), kind)
}

/// The same of a mount of a service.
pub(crate) fn is_local_driver(mount: &Value) -> bool {
    let driver = &mount["VolumeOptions"]["DriverConfig"];
    let name = driver["Name"].as_str().filter(|name| !name.is_empty());
    lies_on_a_node(name, driver["Options"]["type"].as_str())
}

fn lies_on_a_node(driver: Option<&str>, kind: Option<&str>) -> bool {
    let is_remote = kind.is_some_and(|kind| matches!(kind, "nfs" | "nfs4" | "cifs" | "ceph" | "glusterfs"));
    driver.is_none_or(|driver| driver == "local") && !is_remote
}

fn local_but_shared(name: &str, path: &str) -> Diagnostic {
    Diagnostic::error(path, format!("several nodes cannot share the volume {name}"))
        .why("the engine's own volumes lie on one node each")
        .remedy("`nfs` or a driver of the swarm in the volume's `class`; or `access: single`")
}

fn sub_path_of_volume(path: &str) -> Diagnostic {
    Diagnostic::error(format!("{path}.subPath"), "this engine mounts whole volumes only")
        .why("it knows sub-paths of volumes from API 1.45 (Docker 26) on")
        .remedy("a newer engine, or a volume of its own")
}

fn refuse_sub_path(mount: &Mount, path: &str, report: &mut Report) {
    if mount.sub_path.is_some() {
        report.refuse(
            Diagnostic::error(format!("{path}.subPath"), "an empty folder has no sub-path to mount")
                .why("Swarm makes ephemeral folders and memory empty, with each task")
                .remedy("the whole folder"),
        );
    }
}

/// One ephemeral folder at two paths would be two folders: anonymous volumes have no name to share.
fn refuse_shared_ephemerals(site: &Site<'_>, report: &mut Report) {
    let mut seen = Vec::new();
    for (target, mount) in &site.container.mounts {
        let MountSource::Ephemeral { name, .. } = &mount.source else { continue };
        if seen.contains(&name) {
            let path = site.in_container(&format!("mounts.{target}"));
            report.refuse(
                Diagnostic::error(path, format!("the ephemeral folder {name} is mounted at two paths"))
                    .why("an ephemeral folder is an anonymous volume on Swarm, one for each mount")
                    .remedy("one path, and a symbolic link to it"),
            );
        }
        seen.push(name);
    }
}
