//! Volumes, and what is mounted where.

use std::path::Path;

use rhumb_backend::fields::{Fields, leaves};
use rhumb_spec::model::{Config, Container, Mount, MountSource, Nfs, Volume};
use serde_json::Value;

use super::amounts::{bytes, octal};
use super::mount_options::{Unread, others, unread};
use super::{World, document_name, external, flag, list, scalar, text_pairs};
use crate::read::volume_parts;

/// The largest file beside a Compose file that becomes a config, in bytes.
const MAX_FILE: usize = 500_000;

/// Reads the volumes that have names.
pub(super) fn lift(world: &mut World<'_>) {
    for (name, node) in world.section("volumes") {
        let document = external::named(("volumes", &name, node), world);
        let path = format!("volume/{document}");
        world.entry(("volume", &name, node), Some(path), |fields, world| {
            let volume = volume(fields, (&name, &document), world);
            world.app.volumes.insert(document.clone(), volume);
        });
    }
}

fn volume(fields: &mut Fields<'_>, (name, document): (&str, &str), world: &mut World<'_>) -> Volume {
    if let Some(labels) = external::lift(fields, ("volume", name, document), world) {
        return Volume { external: true, labels, ..Volume::default() };
    }
    let mut volume = Volume::default();
    own_name(fields);
    let options = fields.take("driver_opts", text_pairs).unwrap_or_default();
    let driver =
        fields.take("driver", scalar).filter(|driver| !matches!(driver.as_str(), "" | "local" | "default"));
    volume.nfs = if driver.is_none() { nfs(&options) } else { None };
    if volume.nfs.is_none() {
        volume.options = options;
        volume.class = driver.or_else(|| (!volume.options.is_empty()).then(|| "local".to_owned()));
    }
    volume.labels = fields.take("labels", text_pairs).unwrap_or_default();
    volume
}

/// The name on the engine: releases name what is theirs.
pub(super) fn own_name(fields: &mut Fields<'_>) {
    fields.lose("name", "a release names what is its own");
}

fn nfs(options: &std::collections::BTreeMap<String, String>) -> Option<Nfs> {
    let kind = options.get("type").filter(|kind| kind.starts_with("nfs"))?;
    if options.keys().any(|key| !matches!(key.as_str(), "type" | "o" | "device")) {
        return None;
    }
    let mut rest: Vec<&str> = options.get("o").map(|text| text.split(',').collect()).unwrap_or_default();
    let server = rest.iter().find_map(|option| option.strip_prefix("addr="))?.to_owned();
    rest.retain(|option| !option.starts_with("addr="));
    if kind == "nfs4"
        && !rest.iter().any(|option| option.starts_with("nfsvers=") || option.starts_with("vers="))
    {
        rest.push("nfsvers=4");
    }
    let path = options.get("device")?.trim_start_matches(':').to_owned();
    Some(Nfs { server, path, options: (!rest.is_empty()).then(|| rest.join(",")) })
}

/// One entry of `volumes`.
#[derive(Default)]
struct Entry {
    kind: Option<String>,
    source: Option<String>,
    target: String,
    is_read_only: bool,
    sub_path: Option<String>,
    size: Option<rhumb_spec::Bytes>,
    mode: Option<String>,
    /// What is not read of it.
    others: Vec<Unread>,
}

/// Reads `volumes` and `tmpfs`.
pub(super) fn mounts(
    fields: &mut Fields<'_>,
    (service, container): (&str, &mut Container),
    world: &mut World<'_>,
) {
    let items = match fields.take_whole("volumes") {
        Some(Value::Array(items)) => items,
        Some(other) => vec![other],
        None => Vec::new(),
    };
    for (index, item) in items.iter().enumerate() {
        let at = format!("volumes.{index}");
        match entry(item).and_then(|entry| mount(entry, (service, &at), container, world)) {
            Ok(others) => {
                for Unread { path, fields: count, why } in others {
                    fields.lost(&format!("{at}.{path}"), count, why);
                }
            }
            Err(why) => fields.lost(&at, leaves(item), &why),
        }
    }
    for (index, text) in fields.take("tmpfs", list).unwrap_or_default().iter().enumerate() {
        match tmpfs(text, container) {
            Ok(left) if left.is_empty() => {}
            Ok(left) => {
                let why = format!("memory as a folder has no option {}", left.join(", "));
                fields.lost(&format!("tmpfs.{index}"), 1, &why);
            }
            Err(why) => fields.lost(&format!("tmpfs.{index}"), 1, &why),
        }
    }
    if let Some(size) = fields.take("shm_size", bytes).filter(|size| size.0 > 0) {
        let mount = plain(MountSource::Tmpfs { size: Some(size) });
        container.mounts.insert("/dev/shm".to_owned(), mount);
    }
}

fn plain(source: MountSource) -> Mount {
    Mount { source, read_only: false, sub_path: None, file_mode: None, user: None, group: None }
}

fn entry(item: &Value) -> Result<Entry, String> {
    let Some(map) = item.as_object() else {
        return short(&scalar(item).ok_or("it is no volume")?);
    };
    let text = |pointer: &str| item.pointer(pointer).and_then(scalar);
    Ok(Entry {
        kind: text("/type"),
        source: text("/source"),
        target: text("/target").ok_or("`target` is missing")?,
        is_read_only: item.get("read_only").and_then(flag).unwrap_or(false),
        sub_path: text("/volume/subpath"),
        size: item.pointer("/tmpfs/size").and_then(bytes),
        mode: text("/tmpfs/mode"),
        others: map.iter().flat_map(|(key, value)| others(key, value)).collect(),
    })
}

fn short(text: &str) -> Result<Entry, String> {
    let found = volume_parts(text);
    let (source, target, options) = match found.as_slice() {
        [target] => (None, *target, ""),
        [source, target] => (Some(*source), *target, ""),
        [source, target, options] => (Some(*source), *target, *options),
        _ => return Err("it has more than three parts".to_owned()),
    };
    if source == Some("") {
        return Err("its source is empty: a variable in it is not set".to_owned());
    }
    let is_path =
        source.is_some_and(|source| source.starts_with(['.', '/', '~', '\\']) || source.contains(":\\"));
    let kind = if is_path { "bind" } else { "volume" };
    Ok(Entry {
        kind: Some(kind.to_owned()),
        source: source.map(str::to_owned),
        target: target.to_owned(),
        is_read_only: options.split(',').any(|option| option == "ro"),
        others: options
            .split(',')
            .filter(|option| !matches!(*option, "" | "ro" | "rw"))
            .map(unread)
            .collect(),
        ..Entry::default()
    })
}

fn mount(
    entry: Entry,
    (service, at): (&str, &str),
    container: &mut Container,
    world: &mut World<'_>,
) -> Result<Vec<Unread>, String> {
    let target = target(&entry.target)?;
    let source = match (entry.kind.as_deref().unwrap_or("volume"), entry.source.as_deref()) {
        ("volume", None) => MountSource::Ephemeral { name: document_name(&target), size: None },
        ("volume", Some(name)) => MountSource::Volume {
            name: world
                .known("volumes", name)
                .ok_or_else(|| format!("there is no volume `{name}` below `volumes`"))?,
        },
        ("bind", Some(path)) => bound(path, (service, at, &target), world)?,
        ("tmpfs", _) => MountSource::Tmpfs { size: entry.size.filter(|size| size.0 > 0) },
        (kind, _) => return Err(format!("an app has no mount of the type `{kind}`")),
    };
    let is_file = matches!(source, MountSource::Config { .. });
    let is_tmpfs = matches!(source, MountSource::Tmpfs { .. });
    let mode = entry.mode.filter(|_| is_tmpfs).map(|mode| octal(&mode));
    let new = Mount {
        source,
        read_only: entry.is_read_only && !is_file,
        sub_path: entry.sub_path,
        file_mode: mode,
        user: None,
        group: None,
    };
    if container.mounts.insert(target.clone(), new).is_some() {
        return Err(format!("something else is mounted at {target}, too"));
    }
    Ok(entry.others)
}

/// The path of a mount as the app takes it.
pub(super) fn target(text: &str) -> Result<String, String> {
    if !text.starts_with('/') || text.split('/').any(|part| part == "..") {
        return Err(format!("`{}` is not an absolute path without `..`", text.escape_debug()));
    }
    match text.trim_end_matches('/') {
        "" => Err("nothing can be mounted over the root".to_owned()),
        path => Ok(path.to_owned()),
    }
}

/// What a path of the machine becomes: a small text file a config, anything else a path of the node.
fn bound(
    path: &str,
    (service, at, target): (&str, &str, &str),
    world: &mut World<'_>,
) -> Result<MountSource, String> {
    let folder = &world.project.folder;
    let whole = world.project.located(path)?;
    let is_below = folder.has_root() && whole.starts_with(folder);
    let is_beside = !path.starts_with(['/', '~']) || is_below;
    if is_beside
        && world.project.reader.is_file(&whole)
        && let Ok(bytes) = world.project.reader.read(&whole)
        && bytes.len() <= MAX_FILE
        && let Ok(text) = String::from_utf8(bytes)
    {
        let key = file_key(&whole);
        let name = world.named("configs", &format!("{service}-{key}"));
        let data = std::iter::once((key.clone(), text)).collect();
        world.app.configs.insert(name.clone(), Config { data, ..Config::default() });
        let what =
            format!("{path} is a config now: what changes in the file beside the Compose file is not seen");
        world.warn(format!("service/{service}.{at}"), what, "keep it in the chart; a Secret if it holds one");
        return Ok(MountSource::Config { name, key: Some(key) });
    }
    let shown = whole.display().to_string();
    if !shown.starts_with('/') {
        return Err(format!("`{path}` is no absolute path and no file beside the Compose file"));
    }
    if is_beside || path.starts_with('~') {
        let what = format!("{target} is the path {shown} of whichever node the container is on");
        world.warn(format!("service/{service}.{at}"), what, "build it into the image, or a Volume or Config");
    }
    Ok(MountSource::Host { path: shown })
}

/// The key of a file.
pub(super) fn file_key(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    key(&name)
}

/// A name as a key of a config or secret.
pub(super) fn key(name: &str) -> String {
    let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let found: String = name.chars().map(|c| if is_good(c) { c } else { '-' }).take(200).collect();
    if found.trim_matches('.').is_empty() { "content".to_owned() } else { found }
}

/// Mounts memory as a folder. Returns the options that no mount of an app has.
fn tmpfs(text: &str, container: &mut Container) -> Result<Vec<String>, String> {
    let (path, options) = text.split_once(':').unwrap_or((text, ""));
    let target = target(path)?;
    let mut mount = plain(MountSource::Tmpfs { size: None });
    let mut left = Vec::new();
    for option in options.split(',') {
        match option.split_once('=') {
            Some(("size", "0")) => {}
            Some(("size", size)) if bytes(&size.into()).is_some() => {
                mount.source = MountSource::Tmpfs { size: bytes(&size.into()) };
            }
            // In text, permission bits are octal with and without a leading zero.
            Some(("mode", mode)) if mode.bytes().all(|digit| matches!(digit, b'0'..=b'7')) => {
                mount.file_mode = Some(format!("{:0>4}", mode.trim_start_matches('0')));
            }
            None if option == "ro" => mount.read_only = true,
            None if matches!(option, "" | "rw" | "noexec" | "nosuid" | "nodev") => {}
            _ => left.push(format!("`{}`", option.escape_debug())),
        }
    }
    container.mounts.insert(target, mount);
    Ok(left)
}
