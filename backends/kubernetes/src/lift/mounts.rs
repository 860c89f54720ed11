//! What appears in the containers' file systems: the volumes of a pod and where its containers mount them.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rhumb_spec::model::{Mount, MountSource, Nfs};
use serde_json::{Map, Value};

use super::container::bytes;
use super::world::{IsText, World};
use rhumb_backend::fields::{Fields, Item, small};

/// Permission bits of files where nothing is said: 0644.
const USUAL_MODE: u32 = 420;

/// Where a volume is mounted: which of the pod's containers, and its path there.
type Site = (usize, String);

/// The volumes of a pod, and the mounts of each of its containers.
pub(super) struct Volumes {
    items: Vec<Item>,
    mounts: Vec<Vec<Item>>,
    /// Containers that are kept as they are, whose volumes are so, too.
    whole: Vec<bool>,
}

/// How a container mounts a volume, where nothing is asked of it that has no neutral form.
struct Asked {
    read_only: bool,
    sub_path: Option<String>,
}

impl Volumes {
    /// Takes the volumes off a pod and the mounts off its containers. Those that are `whole` are kept as they are.
    pub(super) fn take(pod: &mut Fields<'_>, containers: &mut [Item], whole: Vec<bool>) -> Self {
        let items = pod.items("volumes", "name");
        let of = |container: &mut Item| {
            Fields::new(&mut container.map, "", pod.ledger()).items("volumeMounts", "mountPath")
        };
        Self { items, mounts: containers.iter_mut().map(of).collect(), whole }
    }

    /// Reads every volume with all its mounts, or leaves all of it. `claims` are the documents of the claims that each
    /// replica has for itself.
    ///
    /// Returns the mounts of each container.
    pub(super) fn read(
        self,
        pod: &mut Fields<'_>,
        containers: &mut [Item],
        claims: &BTreeMap<String, String>,
        world: &mut World,
    ) -> Vec<IndexMap<String, Mount>> {
        let mut read: BTreeMap<Site, Vec<(String, Mount)>> = BTreeMap::new();
        for volume in &self.items {
            let sites = self.sites(&volume.name());
            let is_whole = sites.iter().any(|((index, _), _)| self.is_whole(*index));
            match if is_whole { None } else { mounts_of(volume, &sites, world) } {
                Some(found) if !sites.is_empty() => read.extend(found),
                Some(_) => {
                    let fields = volume.map.values().map(rhumb_backend::fields::leaves).sum::<usize>() + 1;
                    pod.lost(&format!("volumes.{}", volume.name()), fields, "no container mounts it");
                }
                None => pod.put_whole_item("volumes", "name", volume.clone()),
            }
        }
        for (template, document) in claims {
            let mut sites = self.sites(template);
            sites.retain(|((index, _), _)| !self.is_whole(*index));
            let source = |_: &Asked| Some(MountSource::Volume { name: document.clone() });
            read.extend(all(&sites, source).unwrap_or_default());
        }
        let ledger = pod.ledger();
        let per_container = self.mounts.into_iter().enumerate().zip(containers);
        per_container
            .map(|((index, items), container)| {
                let mut fields = Fields::new(&mut container.map, "", ledger);
                let mut mounts = IndexMap::new();
                for item in items {
                    match read.remove(&(index, item.name())) {
                        Some(found) => mounts.extend(found),
                        None => fields.put_whole_item("volumeMounts", "mountPath", item),
                    }
                }
                mounts
            })
            .collect()
    }

    fn is_whole(&self, container: usize) -> bool {
        self.whole.get(container).copied().unwrap_or(false)
    }

    fn sites(&self, volume: &str) -> Vec<(Site, &Map<String, Value>)> {
        let is_of = |item: &&Item| item.map.get("name").and_then(Value::as_str) == Some(volume);
        let mut found = Vec::new();
        for (index, items) in self.mounts.iter().enumerate() {
            for item in items.iter().filter(is_of) {
                found.push(((index, item.name()), &item.map));
            }
        }
        found
    }
}

type Sites<'a> = [(Site, &'a Map<String, Value>)];
type Found = Vec<(Site, Vec<(String, Mount)>)>;

fn mounts_of(volume: &Item, sites: &Sites<'_>, world: &mut World) -> Option<Found> {
    let mut kinds = volume.map.iter();
    let (kind, of) = kinds.next().filter(|_| volume.map.len() == 1)?;
    let empty = Map::new();
    let of = if of.is_null() { &empty } else { of.as_object()? };
    let text = |key: &str| of.get(key).and_then(Value::as_str);
    let is_only = |keys: &[&str]| of.keys().all(|key| keys.contains(&key.as_str()));
    match kind.as_str() {
        "configMap" if is_plain(of, &["name", "items", "defaultMode"]) => {
            let name = world.config(text("name")?)?;
            files(of, sites, |key| match key {
                Some(key) if !world.config_has(&name, key, IsText::No) => None,
                key => Some(MountSource::Config { name: name.clone(), key: key.map(str::to_owned) }),
            })
        }
        "secret" if is_plain(of, &["secretName", "items", "defaultMode"]) => {
            let name = world.secret(text("secretName")?)?;
            files(of, sites, |key| match key {
                Some(key) if !world.secret_has(&name, key) => None,
                key => Some(MountSource::Secret { name: name.clone(), key: key.map(str::to_owned) }),
            })
        }
        "emptyDir" if is_only(&["medium", "sizeLimit"]) => {
            let size = of.get("sizeLimit").map_or(Some(None), |size| bytes(size).map(Some))?;
            match text("medium").unwrap_or_default() {
                "" => all(sites, |_| Some(MountSource::Ephemeral { name: volume.name(), size })),
                // Memory is each mount's own; one that containers share has no neutral form.
                "Memory" if sites.len() <= 1 => {
                    all(sites, |asked| asked.sub_path.is_none().then_some(MountSource::Tmpfs { size }))
                }
                _ => None,
            }
        }
        "persistentVolumeClaim" if is_only(&["claimName", "readOnly"]) => {
            let name = world.volume(text("claimName")?)?;
            let is_read_only = of.get("readOnly") == Some(&Value::Bool(true));
            let mut found = all(sites, |_| Some(MountSource::Volume { name: name.clone() }))?;
            let mounts = found.iter_mut().flat_map(|(_, mounts)| mounts.iter_mut());
            mounts.for_each(|(_, mount)| mount.read_only |= is_read_only);
            Some(found)
        }
        "nfs" if is_only(&["server", "path", "readOnly"]) => {
            let nfs =
                Nfs { server: text("server")?.to_owned(), path: text("path")?.to_owned(), options: None };
            let is_read_only = of.get("readOnly") == Some(&Value::Bool(true));
            let name = world.nfs(&volume.name(), nfs).filter(|_| !is_read_only)?;
            all(sites, |_| Some(MountSource::Volume { name: name.clone() }))
        }
        "hostPath" if is_only(&["path", "type"]) && text("type").unwrap_or_default().is_empty() => {
            let path = text("path").filter(|path| is_absolute(path))?;
            all(sites, |_| Some(MountSource::Host { path: path.to_owned() }))
        }
        _ => None,
    }
}

/// Whether a source has these fields only, beside `optional: false`.
fn is_plain(of: &Map<String, Value>, keys: &[&str]) -> bool {
    of.iter().all(|(key, value)| {
        keys.contains(&key.as_str()) || (key == "optional" && *value == Value::Bool(false))
    })
}

/// Reads the mounts of a volume whose source is the same for all.
fn all(sites: &Sites<'_>, source: impl Fn(&Asked) -> Option<MountSource>) -> Option<Found> {
    let mount = |((index, path), fields): &(Site, &Map<String, Value>)| {
        let asked = asked(path, fields)?;
        let source = source(&asked)?;
        let mount = Mount { read_only: asked.read_only, sub_path: asked.sub_path, ..bare(source) };
        Some(((*index, path.clone()), vec![(path.clone(), mount)]))
    };
    sites.iter().map(mount).collect()
}

/// Reads the mounts of a config map or secret: the whole of it, or one file for each key that is picked.
fn files(
    of: &Map<String, Value>,
    sites: &Sites<'_>,
    mut source: impl FnMut(Option<&str>) -> Option<MountSource>,
) -> Option<Found> {
    let mode = match of.get("defaultMode") {
        Some(mode) => Some(small(mode)?).filter(|mode| *mode != USUAL_MODE).map(octal),
        None => None,
    };
    let items = match of.get("items") {
        Some(items) => Some(picked(items)?),
        None => None,
    };
    let mut found = Vec::new();
    for ((index, path), fields) in sites {
        let asked = asked(path, fields)?;
        let mut mounts = Vec::new();
        let mut add = |at: String, key: Option<&str>, own_mode: Option<String>| {
            let file_mode = own_mode.or_else(|| mode.clone());
            mounts.push((at, Mount { file_mode, ..bare(source(key)?) }));
            Some(())
        };
        match (&items, &asked.sub_path) {
            (None, None) => add(path.clone(), None, None)?,
            (None, Some(key)) => add(path.clone(), Some(key), None)?,
            (Some(items), Some(file)) => {
                let item = items.iter().find(|item| item.path == *file)?;
                add(path.clone(), Some(&item.key), item.mode.clone())?;
            }
            (Some(items), None) => {
                for item in items {
                    let at = format!("{}/{}", path.trim_end_matches('/'), item.path);
                    add(at, Some(&item.key), item.mode.clone())?;
                }
            }
        }
        found.push(((*index, path.clone()), mounts));
    }
    Some(found)
}

/// A key that is picked of a config map or secret, and its file.
struct Picked {
    key: String,
    path: String,
    mode: Option<String>,
}

fn picked(items: &Value) -> Option<Vec<Picked>> {
    let read = |item: &Value| {
        let item = item.as_object()?;
        let text = |key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
        let path =
            text("path").filter(|path| !path.split('/').any(|part| matches!(part, "" | "." | "..")))?;
        let mode = match item.get("mode") {
            Some(mode) => Some(octal(small(mode)?)),
            None => None,
        };
        let known = ["key", "path", "mode"];
        item.keys().all(|key| known.contains(&key.as_str())).then_some(Picked {
            key: text("key")?,
            path,
            mode,
        })
    };
    items.as_array()?.iter().map(read).collect()
}

fn octal(mode: u32) -> String {
    format!("{mode:04o}")
}

fn bare(source: MountSource) -> Mount {
    Mount { source, read_only: false, sub_path: None, file_mode: None, user: None, group: None }
}

fn asked(path: &str, fields: &Map<String, Value>) -> Option<Asked> {
    if !is_absolute(path) || path.trim_matches('/').is_empty() {
        return None;
    }
    let mut asked = Asked { read_only: false, sub_path: None };
    for (key, value) in fields {
        match key.as_str() {
            "name" => {}
            "readOnly" => asked.read_only = value.as_bool()?,
            "subPath" => {
                let path = value.as_str().filter(|path| !path.split('/').any(|part| part == ".."))?;
                asked.sub_path =
                    Some(path.to_owned()).filter(|path| !path.is_empty() && !path.starts_with('/'));
                if !path.is_empty() && asked.sub_path.is_none() {
                    return None;
                }
            }
            "mountPropagation" if value == "None" => {}
            "recursiveReadOnly" if value == "Disabled" => {}
            _ => return None,
        }
    }
    Some(asked)
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') && !path.split('/').any(|part| part == "..")
}
