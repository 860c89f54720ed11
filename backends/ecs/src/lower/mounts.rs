//! What appears in the file systems of containers: the volumes of a task, and where each container mounts them.

use std::collections::BTreeMap;

use rhumb_spec::model::{Container, Mount, MountSource};
use rhumb_spec::{Bytes, Diagnostic, Feature};
use serde_json::{Value, json};

use super::body::Body;
use super::environment::place;
use super::init::Content;
use super::task::Draft;
use super::{Context, Part, Report, exists, volume};
use crate::kind::Kind;
use crate::names;
use crate::secret_string::BASE64;

/// The size of memory that looks like a folder, in MiB, where neither the mount nor the container's limit says one.
const TMPFS: u64 = 64;

/// What a container mounts.
#[derive(Default)]
pub(super) struct Mounts {
    /// `mountPoints`.
    pub(super) points: Vec<Value>,
    /// `linuxParameters.tmpfs`.
    pub(super) tmpfs: Vec<Value>,
}

/// One mount of a container.
struct At<'a> {
    /// Where in the container.
    target: &'a str,
    mount: &'a Mount,
    /// Where in the app.
    path: String,
}

/// What a container mounts. The volumes are added to the task.
///
/// Source: Amazon ECS API reference, `MountPoint`, `Tmpfs` and `Volume`.
pub(super) fn mounts(
    context: &Context<'_>,
    part: &Part<'_>,
    draft: &mut Draft,
    report: &mut Report,
) -> Mounts {
    let mut found = Mounts::default();
    // Several files of one folder are on one volume, since only folders can be mounted.
    let mut folders: BTreeMap<String, String> = BTreeMap::new();
    for (target, mount) in &part.container.mounts {
        let at = At { target, mount, path: part.at(&format!("mounts.{target}")) };
        let volume = match &mount.source {
            MountSource::Config { .. } | MountSource::Secret { .. } => {
                files(context, &at, &mut folders, (draft, &mut found), report);
                continue;
            }
            MountSource::Tmpfs { size } => {
                found.tmpfs.push(tmpfs(part, &at, *size, report));
                continue;
            }
            MountSource::Volume { name } => volume::of_task(context, (name, mount, &at.path), draft, report),
            MountSource::Ephemeral { name, size } => ephemeral(part, &at, (name, *size), draft, report),
            MountSource::Host { path } => Some(host(&at, path, draft)),
        };
        if let Some(volume) = volume {
            found.points.push(point(&volume, target, mount.read_only));
        }
    }
    found
}

fn point(volume: &str, target: &str, read_only: bool) -> Value {
    let mut body = Body::new();
    body.set("sourceVolume", volume).set("containerPath", target).set_true("readOnly", read_only);
    body.into_value()
}

/// The keys of configs that mounts of a container name one by one.
pub(super) fn config_keys(container: &Container) -> impl Iterator<Item = (&str, &str)> {
    container.mounts.values().filter_map(|mount| match &mount.source {
        MountSource::Config { name, .. } => Some((name.as_str(), one_key(mount)?)),
        _ => None,
    })
}

/// The one key of a config or secret that a mount wants.
fn one_key(mount: &Mount) -> Option<&str> {
    match &mount.source {
        MountSource::Config { key, .. } | MountSource::Secret { key, .. } => {
            key.as_deref().or(mount.sub_path.as_deref())
        }
        _ => None,
    }
}

/// Has the files of a config or secret written: a folder of all keys at the target, or one file of that name.
fn files(
    context: &Context<'_>,
    at: &At<'_>,
    folders: &mut BTreeMap<String, String>,
    (draft, found): (&mut Draft, &mut Mounts),
    report: &mut Report,
) {
    let Some((folder, wanted)) = wanted(context, at, report) else { return };
    let volume = folders.entry(folder.clone()).or_insert_with(|| {
        let volume = draft.files.volume();
        draft.volumes.push(json!({ "name": volume }));
        found.points.push(point(&volume, &folder, true));
        volume
    });
    for (key, file) in wanted {
        if let Some(bytes) = content(context, at.mount, &key, draft) {
            draft.files.add(volume, &file, bytes, at.mount);
        }
    }
}

/// The folder that is mounted, and its files by key.
fn wanted(
    context: &Context<'_>,
    at: &At<'_>,
    report: &mut Report,
) -> Option<(String, Vec<(String, String)>)> {
    if let Some(key) = one_key(at.mount) {
        let (folder, file) = at.target.trim_end_matches('/').rsplit_once('/')?;
        if folder.is_empty() {
            report.refuse(
                Diagnostic::error(&at.path, "a single file cannot lie in the root folder")
                    .why("ECS mounts folders, and the folder of this one is the whole file system")
                    .remedy("a path in a folder of its own"),
            );
            return None;
        }
        let feature = match at.mount.source {
            MountSource::Secret { .. } => Feature::SecretFiles,
            _ => Feature::ConfigFiles,
        };
        let text = format!("ECS mounts folders: what the image has in {folder} is not seen");
        report.lose(feature, &at.path, text);
        return Some((folder.to_owned(), vec![(key.to_owned(), file.to_owned())]));
    }
    let (word, name, keys) = match &at.mount.source {
        MountSource::Config { name, .. } => {
            let held = context.files.config(name).filter(|held| !held.external);
            ("config", name, held.map(|held| held.keys.clone()))
        }
        MountSource::Secret { name, .. } => {
            let held = context.files.secret(name).filter(|held| !held.external);
            ("secret", name, held.map(|held| held.keys.clone()))
        }
        _ => return None,
    };
    let Some(keys) = keys else {
        report.refuse(
            Diagnostic::error(&at.path, format!("the keys of the {word} `{name}` are not known"))
                .why("it exists already, and each file is written by name")
                .remedy("`key`, with one mount for each file"),
        );
        return None;
    };
    Some((at.target.to_owned(), keys.into_iter().map(|key| (key.clone(), key)).collect()))
}

fn content(context: &Context<'_>, mount: &Mount, key: &str, draft: &mut Draft) -> Option<Content> {
    match &mount.source {
        MountSource::Config { name, .. } => {
            let held = context.files.config(name)?;
            if held.external {
                draft.wait_for(exists(Kind::Parameter.id(&format!("{name}/{key}"))));
                let parameter = names::external_parameter(name, key);
                return Some(Content::Plain(names::parameter_arn(context.facts, &parameter)));
            }
            draft.uses_config(name, held);
            let Some((id, parameter)) = &held.entries.get(key)?.parameter else {
                return Some(Content::Empty);
            };
            draft.wait_for(exists(id.clone()));
            Some(Content::Base64(names::parameter_arn(context.facts, parameter)))
        }
        MountSource::Secret { name, .. } => {
            let held = context.files.secret(name)?;
            draft.uses_secret(name, held);
            if held.external {
                return Some(Content::Plain(place(held, key)));
            }
            Some(Content::Base64(place(held, &format!("{key}{BASE64}"))))
        }
        _ => None,
    }
}

/// Memory that looks like a folder. ECS wants a size: where the app says none it is half of the container's limit, as
/// Linux would have it.
fn tmpfs(part: &Part<'_>, at: &At<'_>, size: Option<Bytes>, report: &mut Report) -> Value {
    let limit = part.container.resources.limits.memory;
    let mib = size.map_or_else(
        || (limit.map_or(TMPFS, |limit| limit.as_mib_rounded_up() / 2)).max(1),
        Bytes::as_mib_rounded_up,
    );
    if size.is_none() {
        report.lose(Feature::Tmpfs, &at.path, format!("ECS wants a size: {mib} MiB"));
    }
    let mode = at.mount.file_mode.as_ref().map(|mode| format!("mode={mode}"));
    let read_only = at.mount.read_only.then(|| "ro".to_owned());
    let mut body = Body::new();
    body.set("containerPath", at.target)
        .set("size", mib)
        .set_filled("mountOptions", read_only.into_iter().chain(mode).collect::<Vec<_>>());
    body.into_value()
}

/// A folder of the task's own. A container that runs as somebody else than root could not write to it by itself.
fn ephemeral(
    part: &Part<'_>,
    at: &At<'_>,
    (name, size): (&str, Option<Bytes>),
    draft: &mut Draft,
    report: &mut Report,
) -> Option<String> {
    if at.mount.sub_path.is_some() {
        report.refuse(
            Diagnostic::error(format!("{}.subPath", at.path), "ECS mounts a volume of a task as a whole")
                .why("a mount point has a volume and a path, and no part of the volume")
                .remedy("an ephemeral folder of another name for each part"),
        );
        return None;
    }
    let volume = format!("ephemeral-{name}");
    draft.ephemeral(&volume, size, &at.path);
    let user = part.container.security.user.as_deref();
    if !at.mount.read_only && user.is_some_and(|user| user != "root" && user != "0") {
        draft.files.open(&volume);
    }
    Some(volume)
}

fn host(at: &At<'_>, path: &str, draft: &mut Draft) -> String {
    let source = match &at.mount.sub_path {
        Some(sub) => format!("{}/{sub}", path.trim_end_matches('/')),
        None => path.to_owned(),
    };
    let source = json!({ "sourcePath": source });
    let known = draft.volumes.iter().find(|volume| volume.get("host") == Some(&source));
    if let Some(known) = known.and_then(|volume| volume["name"].as_str()) {
        return known.to_owned();
    }
    let count = draft.volumes.iter().filter(|volume| volume.get("host").is_some()).count();
    let name = format!("host-{count}");
    draft.volumes.push(json!({ "name": name, "host": source }));
    name
}
