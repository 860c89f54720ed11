//! Mounts, and the files of configs and secrets.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rhumb_backend::Lifted;
use rhumb_spec::Bytes;
use rhumb_spec::model::{Access, Mount, MountSource, Nfs, Volume};
use serde_json::Value;

use super::fields::{Fields, not_carried};
use super::files::{external_config, external_secret, native_name};
use super::naming::{FilePlace, Names, document_name};
use crate::lower::unescape;
use crate::names::{self, FileKind};

/// Reads what is mounted, and adds the volumes to the app. `stack` is that of the service.
pub(super) fn mounts(spec: &mut Fields, stack: Option<&str>, lifted: &mut Lifted) -> IndexMap<String, Mount> {
    let path = spec.at("Mounts");
    let mut found = IndexMap::new();
    for (index, item) in spec.list("Mounts").into_iter().enumerate() {
        let mut fields = spec.item(item, format!("{path}.{index}"));
        let Some(target) = fields.text("Target").and_then(|target| unescape(&target)) else { continue };
        if let Some(mount) = mount(&mut fields, stack, lifted) {
            found.insert(target, mount);
        }
        fields.tell(&mut lifted.notes);
    }
    found
}

fn mount(fields: &mut Fields, stack: Option<&str>, lifted: &mut Lifted) -> Option<Mount> {
    let source = fields.text("Source");
    let plain = |source: MountSource, read_only: bool| Mount {
        source,
        read_only,
        sub_path: None,
        file_mode: None,
        user: None,
        group: None,
    };
    let read_only = fields.flag("ReadOnly");
    match (fields.text("Type").as_deref(), source.as_deref().map(unescape)) {
        (Some("bind"), Some(Some(path))) => Some(plain(MountSource::Host { path }, read_only)),
        (Some("tmpfs"), _) => {
            let mut options = fields.below("TmpfsOptions");
            let size = options.bytes("SizeBytes");
            let mode = options.small("Mode").filter(|mode| *mode > 0);
            options.tell(&mut lifted.notes);
            let file_mode = mode.map(|mode| format!("{mode:04o}"));
            Some(Mount { file_mode, ..plain(MountSource::Tmpfs { size }, read_only) })
        }
        (Some("volume"), None) => {
            fields.ignore(&["VolumeOptions"]);
            let name = format!("folder-{}", fields.at("").matches(char::is_numeric).collect::<String>());
            Some(plain(MountSource::Ephemeral { name, size: None::<Bytes> }, read_only))
        }
        (Some("volume"), Some(Some(source))) => {
            let (name, sub_path) = volume(fields, &source, stack, lifted);
            Some(Mount { sub_path, ..plain(MountSource::Volume { name }, read_only) })
        }
        (kind, _) => {
            let why = format!(
                "mounts of type `{}` with this source have no neutral form",
                kind.unwrap_or_default()
            );
            lifted.notes.push(not_carried(fields.at("").trim_end_matches('.'), why));
            None
        }
    }
}

/// Adds the volume of a mount to the app; returns its document's name and the folder in it that is mounted.
fn volume(
    fields: &mut Fields,
    source: &str,
    stack: Option<&str>,
    lifted: &mut Lifted,
) -> (String, Option<String>) {
    let mut options = fields.below("VolumeOptions");
    let sub_path = options.text("Subpath");
    let labels: BTreeMap<String, String> = options.map("Labels");
    let own = stack.and_then(|stack| source.strip_prefix(stack)?.strip_prefix('_'));
    let document = document_name(own.unwrap_or(source));
    let mut volume = match own {
        Some(_) => driven(&mut options.below("DriverConfig"), lifted),
        None => Volume { external: true, labels: native_name(source, &document), ..Volume::default() },
    };
    volume.labels.extend(labels.into_iter().filter(|(key, _)| !names::is_mark(key)).map(plain_pair));
    options.tell(&mut lifted.notes);
    lifted.app.volumes.insert(document.clone(), volume);
    (document, sub_path)
}

fn plain_pair((key, value): (String, String)) -> (String, String) {
    let value = unescape(&value).unwrap_or(value);
    (key, value)
}

/// A volume by its driver. NFS is shared by nodes; what other drivers do is not known.
fn driven(config: &mut Fields, lifted: &mut Lifted) -> Volume {
    let class = config.text("Name").filter(|name| name != "local");
    let mut options: BTreeMap<String, String> =
        config.map::<BTreeMap<String, String>>("Options").into_iter().map(plain_pair).collect();
    config.tell_rest(&mut lifted.notes);
    let nfs = if class.is_none() { nfs(&mut options) } else { None };
    let access = if nfs.is_some() { Access::Shared } else { Access::Single };
    Volume { class, options, nfs, access, ..Volume::default() }
}

/// The NFS server of a local volume's options.
fn nfs(options: &mut BTreeMap<String, String>) -> Option<Nfs> {
    if options.get("type").is_none_or(|kind| kind != "nfs") {
        return None;
    }
    let path = options.get("device")?.strip_prefix(':')?.to_owned();
    let (mut server, mut rest) = (None, Vec::new());
    for option in options.get("o")?.split(',') {
        match option.strip_prefix("addr=") {
            Some(address) => server = Some(address.to_owned()),
            None => rest.push(option),
        }
    }
    let server = server?;
    let given = (!rest.is_empty()).then(|| rest.join(","));
    for key in ["type", "device", "o"] {
        options.remove(key);
    }
    Some(Nfs { server, path, options: given })
}

/// A file of a config or secret in a container.
struct File {
    place: FilePlace,
    target: String,
    mode: u32,
    owner: (Option<u32>, Option<u32>),
}

/// Reads the files of configs or secrets. Where every key of a document is below one folder under its own name, the
/// document is mounted as a whole.
pub(super) fn files(
    kind: FileKind,
    (items, spec): (Vec<(usize, Value)>, &Fields),
    names: &Names,
    lifted: &mut Lifted,
) -> IndexMap<String, Mount> {
    let path = spec.at(match kind {
        FileKind::Config => "Configs",
        FileKind::Secret => "Secrets",
    });
    let mut files = Vec::new();
    for (index, item) in items {
        let fields = spec.item(item, format!("{path}.{index}"));
        files.extend(file(kind, fields, names, lifted));
    }
    let mut mounts = IndexMap::new();
    while !files.is_empty() {
        let first = files.remove(0);
        let keys = keys_of(kind, &first.place.document, lifted);
        let mut siblings: Vec<File> = Vec::new();
        if let Some(folder) = folder_of(&first) {
            let (same, others) = files.into_iter().partition(|file| is_sibling(file, &first, folder));
            (siblings, files) = (same, others);
        }
        let is_whole = folder_of(&first).is_some() && !keys.is_empty() && siblings.len() + 1 == keys.len();
        if is_whole {
            let folder = folder_of(&first).unwrap_or("/").to_owned();
            mounts.insert(
                if folder.is_empty() { "/".to_owned() } else { folder },
                mount_of(kind, &first, None),
            );
            continue;
        }
        for file in std::iter::once(first).chain(siblings) {
            let mount = mount_of(kind, &file, Some(file.place.key.clone()));
            mounts.insert(file.target, mount);
        }
    }
    mounts
}

fn keys_of(kind: FileKind, document: &str, lifted: &Lifted) -> Vec<String> {
    match kind {
        FileKind::Config => match lifted.app.configs.get(document).filter(|config| !config.external) {
            Some(config) => config.data.keys().chain(config.binary.keys()).cloned().collect(),
            None => Vec::new(),
        },
        FileKind::Secret => match lifted.app.secrets.get(document).filter(|secret| !secret.external) {
            Some(secret) => {
                let private = secret.generate.values().filter_map(|how| how.private_key.clone());
                secret.keys().map(str::to_owned).chain(private).collect()
            }
            None => Vec::new(),
        },
    }
}

/// The folder that a file is in under its key's name.
fn folder_of(file: &File) -> Option<&str> {
    file.target.strip_suffix(&file.place.key)?.strip_suffix('/')
}

fn is_sibling(file: &File, first: &File, folder: &str) -> bool {
    file.place.document == first.place.document
        && folder_of(file) == Some(folder)
        && (file.mode, file.owner) == (first.mode, first.owner)
}

fn mount_of(kind: FileKind, file: &File, key: Option<String>) -> Mount {
    let name = file.place.document.clone();
    let source = match kind {
        FileKind::Config => MountSource::Config { name, key },
        FileKind::Secret => MountSource::Secret { name, key },
    };
    let file_mode = (file.mode != 0o444).then(|| format!("{:04o}", file.mode));
    Mount { source, read_only: false, sub_path: None, file_mode, user: file.owner.0, group: file.owner.1 }
}

fn file(kind: FileKind, mut fields: Fields, names: &Names, lifted: &mut Lifted) -> Option<File> {
    let (word, folder) = match kind {
        FileKind::Config => ("Config", ""),
        FileKind::Secret => ("Secret", "/run/secrets"),
    };
    fields.ignore(&[&format!("{word}ID")]);
    let native = fields.text(&format!("{word}Name"))?;
    if !names.has_file(kind, &native) {
        match kind {
            FileKind::Config => external_config(&native, names, lifted),
            FileKind::Secret => external_secret(&native, names, lifted),
        }
    }
    let mut at = fields.below("File");
    let target = at.text("Name")?;
    let target = if target.starts_with('/') { target } else { format!("{folder}/{target}") };
    let owner = |id: Option<String>| id.and_then(|id| id.parse().ok()).filter(|id| *id != 0);
    let owner = (owner(at.text("UID")), owner(at.text("GID")));
    let mode = at.small("Mode").unwrap_or(0o444);
    at.tell(&mut lifted.notes);
    fields.tell(&mut lifted.notes);
    Some(File { place: names.file(kind, &native), target, mode, owner })
}
