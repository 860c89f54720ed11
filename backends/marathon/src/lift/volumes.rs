//! Volumes of apps and jobs.

use rhumb_backend::fields::{Fields, Item};
use rhumb_spec::Bytes;
use rhumb_spec::model::{Access, Container, Mount, MountSource, Volume};
use serde_json::{Value, json};

use super::naming::document_name;
use super::parameters::{own_volume, plain};
use super::{World, files};
use crate::kind::Kind;
use crate::lower::{DRIVER, SANDBOX};

/// The list's key.
const LIST: &str = "volumes";
/// What tells its items apart.
const BY: &str = "containerPath";

/// What volumes are read for.
pub(super) struct About<'a> {
    pub(super) whole: &'a Value,
    /// The name of the workload.
    pub(super) workload: &'a str,
    /// Something is fetched into the sandbox, so that a path of it may be that.
    pub(super) has_files: bool,
}

/// Reads `volumes`, and says whether one of them is a persistent volume of an agent.
pub(super) fn lift(
    fields: &mut Fields<'_>,
    about: &About<'_>,
    (container, used, world): (&mut Container, &mut Vec<String>, &mut World),
) -> bool {
    let mut items = fields.items(LIST, BY);
    let local = locals(&mut items, about, world);
    let is_local = !local.is_empty();
    for mut item in items {
        let at = item.name();
        if let Some(local) = local.iter().find(|local| local.folder == at || local.at == at) {
            container.mounts.insert(local.at.clone(), local.mount.clone());
            fields.put_item(LIST, BY, item);
            continue;
        }
        let mount = at.starts_with('/').then(|| {
            let mut volume = fields.of_item(LIST, &mut item);
            mount(&mut volume, about, (used, world))
        });
        match mount.flatten().filter(|_| !container.mounts.contains_key(&at)) {
            Some(mount) => {
                container.mounts.insert(at, mount);
                fields.put_item(LIST, BY, item);
            }
            None => fields.put_whole_item(LIST, BY, item),
        }
    }
    is_local
}

/// A persistent volume, and where it is mounted.
struct Local {
    /// Its name in the sandbox.
    folder: String,
    at: String,
    mount: Mount,
}

/// Reads persistent volumes, each with the entry that brings it to its path, and takes both.
fn locals(items: &mut [Item], about: &About<'_>, world: &mut World) -> Vec<Local> {
    let mut found = Vec::new();
    let persistent: Vec<(usize, String, Volume)> = items.iter().enumerate().filter_map(local).collect();
    for (index, folder, volume) in persistent {
        let is_of = |item: &Item| {
            let path = item.map.get("hostPath").and_then(Value::as_str)?;
            let rest = path.strip_prefix(folder.as_str())?;
            (rest.is_empty() || rest.starts_with('/')).then(|| rest.trim_start_matches('/').to_owned())
        };
        let Some(other) = items.iter().position(|item| is_of(item).is_some() && item.name().starts_with('/'))
        else {
            found.extend(in_sandbox((index, folder, volume), items, about, world));
            continue;
        };
        let sub_path = is_of(&items[other]).filter(|sub| !sub.is_empty());
        let at = items[other].name();
        let wanted = if document_name(&folder) == folder {
            folder.clone()
        } else {
            format!("{}-{folder}", about.workload)
        };
        let name = world.volumes.add(&format!("{} {folder}", about.workload), &wanted);
        world.app.volumes.insert(name.clone(), volume);
        let mut mount = Mount { sub_path, ..plain(MountSource::Volume { name: name.clone() }) };
        mount.read_only = is_read_only(items[other].map.get("mode"));
        for index in [index, other] {
            for key in ["persistent", "mode", "hostPath"] {
                items[index].map.shift_remove(key);
            }
        }
        found.push(Local { folder, at, mount });
    }
    found
}

/// A persistent volume that nothing brings to another path: it is in the sandbox, under its name.
fn in_sandbox(
    (index, folder, volume): (usize, String, Volume),
    items: &mut [Item],
    about: &About<'_>,
    world: &mut World,
) -> Option<Local> {
    let is_writable = !is_read_only(items[index].map.get("mode"));
    if !is_writable || document_name(&folder) != folder {
        return None;
    }
    let name = world.volumes.add(&format!("{} {folder}", about.workload), &folder);
    world.app.volumes.insert(name.clone(), volume);
    for key in ["persistent", "mode"] {
        items[index].map.shift_remove(key);
    }
    let at = format!("{SANDBOX}/{folder}");
    Some(Local { folder, at, mount: plain(MountSource::Volume { name }) })
}

/// A persistent volume of which all is said.
fn local((index, item): (usize, &Item)) -> Option<(usize, String, Volume)> {
    let persistent = item.map.get("persistent")?.as_object()?;
    let is_plain = persistent.iter().all(|(key, value)| match key.as_str() {
        "size" | "type" => true,
        "constraints" => value.as_array().is_some_and(Vec::is_empty),
        _ => false,
    });
    let size = persistent.get("size").and_then(Value::as_u64)?;
    let class =
        persistent.get("type").and_then(Value::as_str).filter(|kind| *kind != "root").map(str::to_owned);
    let volume = Volume { size: Some(Bytes(size << 20)), class, ..Volume::default() };
    (is_plain && item.map.len() == 2).then(|| (index, item.name(), volume))
}

fn is_read_only(mode: Option<&Value>) -> bool {
    mode.and_then(Value::as_str).is_some_and(|mode| mode.eq_ignore_ascii_case("RO"))
}

fn mount(
    volume: &mut Fields<'_>,
    about: &About<'_>,
    (used, world): (&mut Vec<String>, &mut World),
) -> Option<Mount> {
    let source = if let Some(entry) = volume.text_at("secret").map(str::to_owned) {
        let place = match files::place(about.whole, &entry, world) {
            Some(place) => {
                used.push(entry);
                volume.take_whole("secret");
                place
            }
            None => files::elsewhere(about.whole, &entry, world)?,
        };
        match place.kind {
            Kind::Config => MountSource::Config { name: place.document, key: Some(place.key) },
            _ => MountSource::Secret { name: place.document, key: Some(place.key) },
        }
    } else if let Some(path) = volume.text_at("hostPath").map(str::to_owned) {
        let is_folder = !about.has_files && document_name(&path) == path;
        let source = if path.starts_with('/') {
            MountSource::Host { path }
        } else if is_folder {
            MountSource::Ephemeral { name: path, size: None }
        } else {
            return None;
        };
        volume.take_whole("hostPath");
        source
    } else {
        external(volume, about, world)?
    };
    let mode = volume.get("mode").cloned();
    volume.take("mode", |value| matches!(value.as_str(), Some("RO" | "RW" | "ro" | "rw")).then_some(()));
    Some(Mount { read_only: is_read_only(mode.as_ref()), ..plain(source) })
}

/// A volume of a driver. The name stays where it is no release's.
fn external(volume: &mut Fields<'_>, about: &About<'_>, world: &mut World) -> Option<MountSource> {
    let said = volume.get("external")?.clone();
    let text = |key: &str| said.get(key).and_then(Value::as_str);
    let mut options = said.get("options")?.as_object()?.clone();
    let driver = options.shift_remove(DRIVER)?.as_str()?.to_owned();
    let is_known = |key: &String| matches!(key.as_str(), "name" | "provider" | "options" | "size" | "shared");
    if text("provider") != Some("dvdi") || !said.as_object()?.keys().all(is_known) {
        return None;
    }
    let option = |(key, value): (&String, &Value)| {
        Some((key.strip_prefix("dvdi/")?.to_owned(), value.as_str()?.to_owned()))
    };
    let options: Option<_> = options.iter().map(option).collect();
    let document = Volume {
        class: Some(driver),
        options: options?,
        size: said.get("size").and_then(Value::as_u64).map(|size| Bytes(size << 30)),
        access: if said.get("shared") == Some(&json!(true)) { Access::Shared } else { Access::Single },
        ..Volume::default()
    };
    let id = about.whole.get("id").and_then(Value::as_str).unwrap_or_default();
    let source = text("name").unwrap_or_default();
    let own = own_volume(id, source);
    volume.take_whole("external");
    if own.is_none() && !source.is_empty() {
        volume.put("external", json!({ "name": source }));
    }
    let name = world.volumes.add(&format!("driver {source}"), own.as_deref().unwrap_or(source));
    world.app.volumes.insert(name.clone(), document);
    Some(MountSource::Volume { name })
}
