//! Access points of EFS, as volumes.

use rhumb_backend::{Fate, Ownership};
use rhumb_spec::model::{Access, Kind as Word, Volume};

use super::document::Document;
use super::labels;
use super::naming::document_name;
use super::world::World;

/// Reads an access point: a volume, or a part of one.
///
/// Source: Amazon EFS API reference, `CreateAccessPoint`.
pub(super) fn access_point(mut document: Document, world: &mut World) {
    let id = document.id.clone();
    let (name, part) = match id.name().split_once('/') {
        Some((name, part)) => (name.to_owned(), Some(part.to_owned())),
        None => (id.name().to_owned(), None),
    };
    let root = document.text_at("/RootDirectory/Path").unwrap_or_default().to_owned();
    let is_ours = root.starts_with("/rhumb/") || document.ownership == Ownership::External;
    if document_name(&name) != name {
        return document.finish_whole("its name can be none of a volume", Fate::Lost, world);
    }
    let ownership = document.ownership;
    world.folders.insert(id, (name.clone(), part.clone()));
    let mut fields = document.fields();
    fields.lose("FileSystemId", "a target says it: its setting `fileSystem`");
    fields.own(&["RootDirectory", "PosixUser"], "a release says it of its folders");
    if part.is_some() {
        labels::lost(&mut fields);
        return document.finish(&Word::Volume.path(&name), world);
    }
    let external = ownership == Ownership::External || !is_ours;
    let labels = if external { std::collections::BTreeMap::new() } else { labels::plain(&mut fields) };
    let volume = Volume {
        external,
        access: if external && !is_ours { Access::Shared } else { Access::Single },
        keep: (ownership == Ownership::Owned && !external).then_some(false),
        labels,
        ..Volume::default()
    };
    fields.own(&["Tags"], "a release says it of its volumes");
    world.app.volumes.insert(name.clone(), volume);
    document.finish(&Word::Volume.path(&name), world);
}

/// The volume of an access point or file system that is there, and is named by its id, which begins so.
pub(super) fn by_id(start: &str, id: &str, world: &mut World) -> Option<String> {
    if !id.starts_with(start) || document_name(id) != id {
        return None;
    }
    let volume = Volume { external: true, access: Access::Shared, ..Volume::default() };
    world.app.volumes.entry(id.to_owned()).or_insert(volume);
    Some(id.to_owned())
}
