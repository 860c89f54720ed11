//! The container that writes files before the others start, read back as the mounts that it writes for.

use std::collections::BTreeMap;

use rhumb_backend::fields::{Fields, Item, leaves};
use rhumb_backend::{Fate, Rest};
use rhumb_spec::model::{Mount, MountSource};
use serde_json::Value;

use super::stores::Held;
use super::world::World;
use crate::lower::init;
use crate::secret_string::BASE64;

/// A file that the container writes.
#[derive(Clone, Debug, Default)]
struct File {
    name: String,
    /// The place that it is read from; none for an empty one.
    place: Option<String>,
    mode: Option<String>,
    owner: Option<String>,
}

/// The files of each volume that the container writes to.
#[derive(Debug, Default)]
pub(super) struct Written(BTreeMap<String, Vec<File>>);

impl Written {
    /// Takes the container out of the others, where a release of ours put it there.
    pub(super) fn take(fields: &Fields<'_>, items: &mut Vec<Item>) -> Self {
        let Some(at) = items.iter().position(|item| item.name() == init::NAME) else {
            return Self::default();
        };
        let Some(found) = read(&items[at]) else { return Self::default() };
        let item = items.remove(at);
        let rest = Rest {
            path: format!("containerDefinitions.{}", init::NAME),
            fields: item.map.values().map(leaves).sum::<usize>() + 1,
            fate: Fate::Own,
            why: "a release has it write the files that containers mount".to_owned(),
        };
        fields.ledger().borrow_mut().push(rest);
        found
    }

    /// Whether a volume holds files that the container writes.
    pub(super) fn has(&self, volume: &str) -> bool {
        self.0.contains_key(volume)
    }

    /// What is mounted where a volume is, by path. None where something in it is not among the documents.
    pub(super) fn mounts(
        &self,
        volume: &str,
        folder: &str,
        world: &mut World,
    ) -> Option<Vec<(String, Mount)>> {
        let files = self.0.get(volume)?;
        let held: Vec<Option<Held>> = files.iter().map(|file| held(file, world)).collect();
        let is_known = files.iter().zip(&held).all(|(file, held)| held.is_some() || file.place.is_none());
        if !is_known {
            return None;
        }
        if let Some(mount) = whole(files, &held, world) {
            return Some(vec![(folder.to_owned(), mount)]);
        }
        let mut found = Vec::new();
        for (file, held) in files.iter().zip(held) {
            let path = format!("{}/{}", folder.trim_end_matches('/'), file.name);
            let Held { is_secret, name, key } = held?;
            let key = Some(key);
            let source =
                if is_secret { MountSource::Secret { name, key } } else { MountSource::Config { name, key } };
            found.push((path, mount(source, file)));
        }
        Some(found)
    }
}

fn held(file: &File, world: &World) -> Option<Held> {
    let held = world.stores.place(file.place.as_ref()?)?;
    let key = held.key.strip_suffix(BASE64).filter(|_| held.is_secret).unwrap_or(&held.key).to_owned();
    Some(Held { key, ..held })
}

fn mount(source: MountSource, file: &File) -> Mount {
    let (user, group) = match file.owner.as_deref().map(|owner| owner.split_once(':').unwrap_or((owner, "")))
    {
        Some((user, group)) => (user.parse().ok(), group.parse().ok()),
        None => (None, None),
    };
    Mount { source, read_only: false, sub_path: None, file_mode: file.mode.clone(), user, group }
}

/// The one mount that writes all of these files: every key of a config or secret, in one mode and of one owner. An empty
/// file is a key of it that no parameter holds.
fn whole(files: &[File], held: &[Option<Held>], world: &mut World) -> Option<Mount> {
    let first = held.iter().flatten().next()?.clone();
    let is_same = |held: &&Held| held.is_secret == first.is_secret && held.name == first.name;
    if !held.iter().flatten().all(|held| is_same(&held)) {
        return None;
    }
    let is_by_key =
        |(file, held): (&File, &Option<Held>)| held.as_ref().is_none_or(|held| held.key == file.name);
    let is_alike = |file: &File| file.mode == files[0].mode && file.owner == files[0].owner;
    if !files.iter().zip(held).all(is_by_key) || !files.iter().all(is_alike) {
        return None;
    }
    let keys: Vec<String> = if first.is_secret {
        world.app.secrets.get(&first.name)?.keys().map(str::to_owned).collect()
    } else {
        let config = world.app.configs.get(&first.name).filter(|config| !config.external)?;
        config.data.keys().chain(config.binary.keys()).cloned().collect()
    };
    if !keys.iter().all(|key| files.iter().any(|file| file.name == *key)) {
        return None;
    }
    let (name, key) = (first.name.clone(), None);
    if first.is_secret {
        return held.iter().all(Option::is_some).then(|| mount(MountSource::Secret { name, key }, &files[0]));
    }
    let config = world.app.configs.get_mut(&first.name)?;
    for (file, held) in files.iter().zip(held) {
        if held.is_none() {
            config.data.entry(file.name.clone()).or_default();
        }
    }
    Some(mount(MountSource::Config { name, key }, &files[0]))
}

/// Reads the script that [`init`] writes: a line for each file, and those for its owner and mode behind it.
fn read(item: &Item) -> Option<Written> {
    let script = item.map.get("command")?.as_array()?.first()?.as_str()?;
    let places: BTreeMap<&str, &str> = item
        .map
        .get("secrets")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|secret| Some((secret.get("name")?.as_str()?, secret.get("valueFrom")?.as_str()?)))
        .collect();
    let mut found = Written::default();
    let mut at: Option<(String, String)> = None;
    for line in script.lines() {
        if let Some((command, word)) = line.split_once(" > ") {
            let (volume, name) = path(word)?;
            let variable = command.split_once('$').map(|(_, rest)| rest.split('"').next().unwrap_or(rest));
            let place = match variable {
                Some(variable) => Some((*places.get(variable)?).to_owned()),
                None => None,
            };
            let file = File { name: name.clone(), place, ..File::default() };
            found.0.entry(volume.clone()).or_default().push(file);
            at = Some((volume, name));
            continue;
        }
        let (volume, name) = at.as_ref()?;
        let file = found.0.get_mut(volume)?.iter_mut().rev().find(|file| file.name == *name)?;
        let mut words = line.split(' ');
        match (words.next()?, words.next()?) {
            ("chown", owner) => file.owner = Some(owner.to_owned()),
            ("chmod", mode) => file.mode = Some(mode.to_owned()),
            _ => return None,
        }
    }
    Some(found)
}

/// The volume and the file of a path that the script writes to.
fn path(word: &str) -> Option<(String, String)> {
    let plain = super::health::words(word)?.into_iter().next()?;
    let (volume, name) = plain.strip_prefix(init::ROOT)?.strip_prefix('/')?.split_once('/')?;
    Some((volume.to_owned(), name.to_owned()))
}
