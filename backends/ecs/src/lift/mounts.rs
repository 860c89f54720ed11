//! The volumes of a task definition, and where containers mount them.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::fields::{Fields, Item};
use rhumb_backend::reference;
use rhumb_spec::model::{Container, Mount, MountSource};
use serde_json::{Map, Value};

use super::values::{flag, mebibytes, number};
use super::world::World;
use crate::kind::Kind;

/// The volumes of a task definition while its containers are read.
pub(super) struct Volumes {
    sources: BTreeMap<String, MountSource>,
    items: Vec<Item>,
    /// Those that a mount which stays needs.
    needed: BTreeSet<String>,
}

impl Volumes {
    /// Takes the volumes that have a neutral form.
    ///
    /// Source: Amazon ECS API reference, `Volume`.
    pub(super) fn take(fields: &mut Fields<'_>, world: &World) -> Self {
        let items = fields.items("volumes", "name");
        let of = |item: &Item| Some((item.name(), source(item, world)?));
        let sources = items.iter().filter_map(of).collect();
        Self { sources, items, needed: BTreeSet::new() }
    }

    /// Reads the mounts of a container. Those of volumes without a neutral form stay.
    ///
    /// Source: Amazon ECS API reference, `MountPoint` and `Tmpfs`.
    pub(super) fn mounts(&mut self, container: &mut Fields<'_>, into: &mut Container) {
        for mut item in container.items("mountPoints", "containerPath") {
            let path = item.name();
            let volume = item.map.get("sourceVolume").and_then(Value::as_str).map(str::to_owned);
            let source = volume.as_ref().and_then(|volume| self.sources.get(volume)).cloned();
            let read_only = item.map.get("readOnly").map_or(Some(false), flag);
            match (source, read_only) {
                (Some(source), Some(read_only))
                    if path.starts_with('/') && !into.mounts.contains_key(&path) =>
                {
                    into.mounts.insert(path, mount(source, read_only));
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
            let is_plain = item.map.len() == 1 && path.starts_with('/') && !into.mounts.contains_key(&path);
            match size.filter(|_| is_plain) {
                Some(size) => {
                    let source = MountSource::Tmpfs { size: Some(mebibytes(size)) };
                    into.mounts.insert(path, mount(source, false));
                }
                None => linux.put_whole_item("tmpfs", "containerPath", item),
            }
        }
    }

    /// Puts back the volumes that were not read, and those that a mount which stays needs.
    pub(super) fn put_back(self, fields: &mut Fields<'_>) {
        for item in self.items {
            let is_read = self.sources.contains_key(&item.name());
            if !is_read || self.needed.contains(&item.name()) {
                fields.put_whole_item("volumes", "name", item);
            }
        }
    }
}

fn mount(source: MountSource, read_only: bool) -> Mount {
    Mount { source, read_only, sub_path: None, file_mode: None, user: None, group: None }
}

fn source(item: &Item, world: &World) -> Option<MountSource> {
    let text = |map: &Map<String, Value>, key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
    if item.map.is_empty() {
        return Some(MountSource::Ephemeral { name: super::naming::document_name(&item.name()), size: None });
    }
    let (kind, of) = item.map.iter().next().filter(|_| item.map.len() == 1)?;
    let of = of.as_object()?;
    match kind.as_str() {
        "host" if of.len() == 1 => {
            Some(MountSource::Host { path: text(of, "sourcePath").filter(|path| path.starts_with('/'))? })
        }
        "efsVolumeConfiguration" => {
            let point = of.get("authorizationConfig")?.get("accessPointId")?;
            let (id, _) =
                reference::parse(point).filter(|(id, _)| Kind::of(id) == Some(Kind::AccessPoint))?;
            Some(MountSource::Volume { name: world.volumes.get(id.name())?.clone() })
        }
        _ => None,
    }
}
