//! The volumes of a task definition, and where containers mount them.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::fields::{Fields, Item};
use rhumb_backend::reference;
use rhumb_spec::model::{Container, Mount, MountSource, Nfs, Volume};
use serde_json::{Map, Value};

use super::naming::document_name;
use super::storage;
use super::values::{flag, mebibytes, number};
use super::world::World;
use super::written::Written;
use crate::lower::volume::in_task;

/// The volumes of a task definition while its containers are read.
pub(super) struct Volumes {
    sources: BTreeMap<String, Found>,
    items: Vec<Item>,
    written: Written,
    /// Those that a mount which stays needs.
    needed: BTreeSet<String>,
}

impl Volumes {
    /// Takes the volumes that have a neutral form.
    ///
    /// Source: Amazon ECS API reference, `Volume`.
    pub(super) fn take(fields: &mut Fields<'_>, written: Written, world: &mut World) -> Self {
        let items = fields.items("volumes", "name");
        let mut sources = BTreeMap::new();
        for item in &items {
            sources.extend(source(item, world).map(|source| (item.name(), source)));
        }
        Self { sources, items, written, needed: BTreeSet::new() }
    }

    /// Reads the mounts of a container. Those of volumes without a neutral form stay.
    ///
    /// Source: Amazon ECS API reference, `MountPoint` and `Tmpfs`.
    pub(super) fn mounts(&mut self, container: &mut Fields<'_>, into: &mut Container, world: &mut World) {
        for mut item in container.items("mountPoints", "containerPath") {
            let path = item.name();
            let volume = item.map.get("sourceVolume").and_then(Value::as_str).map(str::to_owned);
            if let Some(mounts) = volume.as_ref().and_then(|volume| self.written.mounts(volume, &path, world))
            {
                into.mounts.extend(mounts);
                continue;
            }
            let source = volume.as_ref().and_then(|volume| self.sources.get(volume)).cloned();
            let read_only = item.map.get("readOnly").map_or(Some(false), flag);
            match (source, read_only) {
                (Some(source), Some(read_only))
                    if path.starts_with('/') && !into.mounts.contains_key(&path) =>
                {
                    let sub_path = source.part.clone();
                    into.mounts.insert(path, Mount { sub_path, ..mount(source.source, read_only) });
                    item.map.shift_remove("sourceVolume");
                    item.map.shift_remove("readOnly");
                    container.put_item("mountPoints", "containerPath", item);
                }
                _ => {
                    self.needed.extend(volume);
                    container.put_whole_item("mountPoints", "containerPath", item);
                }
            }
        }
        let Some(mut linux) = container.below("linuxParameters") else { return };
        for item in linux.items("tmpfs", "containerPath") {
            let path = item.name();
            let size = item.map.get("size").and_then(number).filter(|size| *size > 0);
            let options = options(item.map.get("mountOptions"));
            let is_free = path.starts_with('/') && !into.mounts.contains_key(&path);
            let is_plain = item.map.keys().all(|key| ["size", "mountOptions"].contains(&key.as_str()));
            match size.zip(options).filter(|_| is_plain && is_free) {
                Some((size, (read_only, file_mode))) => {
                    let source = MountSource::Tmpfs { size: Some(mebibytes(size)) };
                    into.mounts.insert(path, Mount { file_mode, ..mount(source, read_only) });
                }
                None => linux.put_whole_item("tmpfs", "containerPath", item),
            }
        }
    }

    /// Puts back the volumes that were not read, and those that a mount which stays needs.
    pub(super) fn put_back(self, fields: &mut Fields<'_>) {
        for item in self.items {
            let name = item.name();
            if self.written.has(&name) && !self.needed.contains(&name) {
                continue;
            }
            match self.sources.get(&name).filter(|_| !self.needed.contains(&name)) {
                Some(found) => {
                    let mut item = Item { key: found.name.clone().into(), map: item.map };
                    found.read.iter().for_each(|field| remove(&mut item.map, field));
                    fields.put_item("volumes", "name", item);
                }
                None => fields.put_whole_item("volumes", "name", item),
            }
        }
    }
}

fn mount(source: MountSource, read_only: bool) -> Mount {
    Mount { source, read_only, sub_path: None, file_mode: None, user: None, group: None }
}

/// Whether memory that looks like a folder is read-only, and its mode; none where something else is said of it.
fn options(written: Option<&Value>) -> Option<(bool, Option<String>)> {
    let (mut read_only, mut mode) = (false, None);
    for option in written.and_then(Value::as_array).into_iter().flatten() {
        match (option.as_str()?, option.as_str()?.strip_prefix("mode=")) {
            (_, Some(bits)) => mode = Some(bits.to_owned()),
            ("ro", None) => read_only = true,
            _ => return None,
        }
    }
    Some((read_only, mode))
}

/// A volume that has a neutral form.
#[derive(Clone, Debug)]
struct Found {
    source: MountSource,
    /// The part of the source that is mounted.
    part: Option<String>,
    /// What it is called when it is lowered again.
    name: String,
    /// The fields that say it.
    read: &'static [&'static str],
}

fn remove(map: &mut Map<String, Value>, path: &str) {
    match path.split_once('.') {
        None => drop(map.shift_remove(path)),
        Some((first, rest)) => {
            if let Some(below) = map.get_mut(first).and_then(Value::as_object_mut) {
                remove(below, rest);
            }
        }
    }
}

/// What a volume of EFS says; the last of it is not read where the file system is another than the target's.
const READ: [&str; 3] = [
    "efsVolumeConfiguration.transitEncryption",
    "efsVolumeConfiguration.authorizationConfig.accessPointId",
    "efsVolumeConfiguration.fileSystemId",
];

fn source(item: &Item, world: &mut World) -> Option<Found> {
    let text = |map: &Map<String, Value>, key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
    if item.map.is_empty() {
        let name = document_name(item.name().trim_start_matches("ephemeral-"));
        let source = MountSource::Ephemeral { name: name.clone(), size: None };
        return Some(Found { source, part: None, name: format!("ephemeral-{name}"), read: &[] });
    }
    let (kind, of) = item.map.iter().next().filter(|_| item.map.len() == 1)?;
    let of = of.as_object()?;
    match kind.as_str() {
        "host" if of.len() == 1 => {
            let path = text(of, "sourcePath").filter(|path| path.starts_with('/'))?;
            let source = MountSource::Host { path };
            Some(Found { source, part: None, name: item.name(), read: &["host"] })
        }
        "efsVolumeConfiguration" => {
            let Some(point) = of.get("authorizationConfig").and_then(|of| of.get("accessPointId")) else {
                return file_system(of, world);
            };
            // A release's own folders are on the file system of its target; another stays where it is.
            let (volume, part, read) = match reference::parse(point) {
                Some((id, _)) => {
                    let (volume, part) = world.folders.get(&id).cloned()?;
                    (volume, part, &READ[..])
                }
                None => (storage::by_id("fsap-", point.as_str()?, world)?, None, &READ[..2]),
            };
            let name = in_task(&volume, part.as_deref());
            Some(Found { source: MountSource::Volume { name: volume }, part, name, read })
        }
        "dockerVolumeConfiguration" => nfs(item, of, world),
        _ => None,
    }
}

/// A file system as a whole, or a folder of it.
fn file_system(of: &Map<String, Value>, world: &mut World) -> Option<Found> {
    const READ: [&str; 2] = ["efsVolumeConfiguration.fileSystemId", "efsVolumeConfiguration.rootDirectory"];
    let volume = storage::by_id("fs-", of.get("fileSystemId")?.as_str()?, world)?;
    let folder = match of.get("rootDirectory") {
        Some(folder) => folder.as_str()?.trim_matches('/').to_owned(),
        None => String::new(),
    };
    let is_legal = |part: &str| !part.is_empty() && part != "." && part != "..";
    let part = Some(folder).filter(|folder| !folder.is_empty());
    if !part.as_ref().is_none_or(|part| part.split('/').all(is_legal)) {
        return None;
    }
    let name = in_task(&volume, part.as_deref());
    Some(Found { source: MountSource::Volume { name: volume }, part, name, read: &READ })
}

/// A directory of an NFS server, which Docker mounts.
fn nfs(item: &Item, of: &Map<String, Value>, world: &mut World) -> Option<Found> {
    let options = of.get("driverOpts")?.as_object()?;
    let text = |key: &str| options.get(key).and_then(Value::as_str);
    let is_local = of.get("driver").and_then(Value::as_str) == Some("local") && text("type") == Some("nfs");
    let (address, rest) = text("o")?.strip_prefix("addr=").map(|o| o.split_once(',').unwrap_or((o, "")))?;
    let path = text("device")?.strip_prefix(':')?;
    if !is_local || !path.starts_with('/') || address.is_empty() {
        return None;
    }
    let name = document_name(item.name().trim_start_matches("volume-"));
    let options = Some(rest.to_owned()).filter(|rest| !rest.is_empty());
    let nfs = Nfs { server: address.to_owned(), path: path.to_owned(), options };
    world.app.volumes.entry(name.clone()).or_insert(Volume { nfs: Some(nfs), ..Volume::default() });
    let source = MountSource::Volume { name: name.clone() };
    Some(Found { source, part: None, name: format!("volume-{name}"), read: &["dockerVolumeConfiguration"] })
}
