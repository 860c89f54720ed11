//! Storage that outlives a task: folders of an EFS file system, each behind an access point.

use std::collections::BTreeMap;

use rhumb_backend::{Object, ObjectId, Ownership, reference};
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Kind as Document, Mount, MountSource, Nfs, Volume};
use serde_json::{Value, json};

use super::body::Body;
use super::tags::{self, Tags};
use super::task::Draft;
use super::{Context, Report, exists, tagged};
use crate::kind::Kind;
use crate::names;

/// What a class or a volume's name begins with that is an id of EFS.
const FILE_SYSTEM: &str = "fs-";
const ACCESS_POINT: &str = "fsap-";

/// The longest name of a volume's folder. A path has 100 characters and four parts at most.
///
/// Source: Amazon EFS API reference, `RootDirectory.Path`.
const FOLDER_LIMIT: usize = 60;
const PATH_LIMIT: usize = 100;
const PARTS: usize = 4;

/// The access points of an app: one for each volume, and one for each part of it that is mounted.
///
/// The folder belongs to the user that a container of the volume names by its number, else everybody may write to it: who
/// an image's process is, only the image knows.
///
/// Source: Amazon EFS API reference, `CreateAccessPoint`.
pub(super) fn objects(context: &Context<'_>, report: &mut Report) -> Vec<Object> {
    let mut found = Vec::new();
    for (name, volume) in &context.app.volumes {
        let path = Document::Volume.path(name);
        tags::check(&volume.labels, &format!("{path}.labels"), report);
        if volume.nfs.is_some() {
            refuse_nfs(context, &path, report);
            continue;
        }
        let parts = parts(context, name);
        if volume.external {
            found.extend(external(context, name, volume));
        } else {
            let whole = (None, parts.whole);
            let pieces = parts.pieces.into_iter().map(|(sub, owner)| (Some(sub), owner));
            for (sub, owner) in std::iter::once(whole).chain(pieces) {
                found.push(access_point(context, (name, volume), sub.as_deref(), owner));
            }
        }
    }
    found
}

fn refuse_nfs(context: &Context<'_>, path: &str, report: &mut Report) {
    if context.facts.is_fargate() {
        report.refuse(
            Diagnostic::error(format!("{path}.nfs"), "tasks on Fargate mount no NFS server")
                .why("Fargate has no volume drivers, and of file systems it mounts EFS")
                .remedy("no `nfs`: the volume is then on the target's EFS file system; or a target whose launch type is EC2"),
        );
    }
}

/// Whose the folders of a volume are, by the part of it that is mounted.
#[derive(Default)]
struct Parts {
    whole: Option<u32>,
    pieces: BTreeMap<String, Option<u32>>,
}

fn parts(context: &Context<'_>, volume: &str) -> Parts {
    let mut found = Parts::default();
    for workload in context.app.workloads.values() {
        for container in workload.init_containers.values().chain(workload.containers.values()) {
            let user = container.security.user.as_deref().and_then(|user| user.parse().ok());
            for mount in container.mounts.values() {
                if !matches!(&mount.source, MountSource::Volume { name } if name == volume) {
                    continue;
                }
                let owner = match &mount.sub_path {
                    Some(sub) => found.pieces.entry(sub.clone()).or_default(),
                    None => &mut found.whole,
                };
                *owner = owner.or(user);
            }
        }
    }
    found
}

fn folder(context: &Context<'_>, volume: &str, sub: Option<&str>) -> String {
    let folder = names::native(context.scope, volume, FOLDER_LIMIT);
    match sub {
        Some(sub) => format!("/rhumb/{folder}/{}", sub.trim_matches('/')),
        None => format!("/rhumb/{folder}"),
    }
}

fn id(volume: &str, sub: Option<&str>) -> ObjectId {
    Kind::AccessPoint.id(&sub.map_or_else(|| volume.to_owned(), |sub| format!("{volume}/{sub}")))
}

fn file_system(context: &Context<'_>, volume: &Volume) -> String {
    let class = volume.class.as_deref().filter(|class| class.starts_with(FILE_SYSTEM));
    class.map(str::to_owned).or_else(|| context.facts.file_system.clone()).unwrap_or_default()
}

fn access_point(
    context: &Context<'_>,
    (name, volume): (&str, &Volume),
    sub: Option<&str>,
    owner: Option<u32>,
) -> Object {
    let id = id(name, sub);
    let path = folder(context, name, sub);
    let (user, permissions) = owner.map_or((0, "0777"), |owner| (owner, "0755"));
    let creation = json!({ "OwnerUid": user, "OwnerGid": user, "Permissions": permissions });
    // The token is what makes a repeated call give back the same access point.
    let token = names::hash(path.as_bytes());
    let mut body = Body::new();
    body.set("ClientToken", &token[..32])
        .set("FileSystemId", file_system(context, volume))
        .set("RootDirectory", json!({ "Path": path, "CreationInfo": creation }));
    let mut tags = Tags::of(context.scope, &id);
    if volume.is_kept() {
        tags = tags.with(names::UNINSTALL, "keep");
    }
    let object = tagged(id, body, &tags.below(&volume.labels));
    let ownership = if volume.is_kept() { Ownership::Kept } else { Ownership::Owned };
    Object { ownership, ..object }
}

/// A volume that exists already: an access point with this name as its tag `Name`. One whose name is the id of an access
/// point, or of a whole file system, is there.
fn external(context: &Context<'_>, name: &str, volume: &Volume) -> Option<Object> {
    if name.starts_with(ACCESS_POINT) || name.starts_with(FILE_SYSTEM) {
        return None;
    }
    let body = json!({
        "FileSystemId": file_system(context, volume),
        "Tags": [{ "Key": "Name", "Value": name }],
    });
    Some(Object { ownership: Ownership::External, ..Object::new(id(name, None), body) })
}

/// The name of the volume in a task, to which it is added.
///
/// Source: Amazon ECS API reference, `EFSVolumeConfiguration` and `DockerVolumeConfiguration`.
pub(super) fn of_task(
    context: &Context<'_>,
    (name, mount, path): (&str, &Mount, &str),
    draft: &mut Draft,
    report: &mut Report,
) -> Option<String> {
    let volume = context.app.volumes.get(name)?;
    let sub = mount.sub_path.as_deref();
    let task_name = in_task(name, sub);
    if draft.volumes.iter().any(|known| known["name"] == task_name) {
        return Some(task_name);
    }
    let is_file_system = volume.external && name.starts_with(FILE_SYSTEM);
    if sub.is_some() && !is_file_system && (volume.nfs.is_some() || volume.external) {
        report.refuse(
            Diagnostic::error(format!("{path}.subPath"), "this volume is mounted as a whole")
                .why("a part of a volume is an access point of its own, which is made for volumes of the release on EFS")
                .remedy("no `subPath`"),
        );
        return None;
    }
    let (field, source) = match &volume.nfs {
        Some(nfs) => ("dockerVolumeConfiguration", of_nfs(nfs)),
        None if is_file_system => ("efsVolumeConfiguration", whole(name, sub)),
        None => ("efsVolumeConfiguration", efs(context, (name, volume), sub, draft)),
    };
    let folder = folder(context, name, sub);
    if !is_file_system && (folder.len() > PATH_LIMIT || folder.matches('/').count() > PARTS) {
        report.refuse(
            Diagnostic::error(format!("{path}.subPath"), format!("`{folder}` is too deep or too long"))
                .why("a path of an access point has four parts and 100 characters at most")
                .remedy("a shorter path"),
        );
    }
    draft.volumes.push(json!({ "name": task_name, field: source }));
    Some(task_name)
}

fn efs(
    context: &Context<'_>,
    (name, volume): (&str, &Volume),
    sub: Option<&str>,
    draft: &mut Draft,
) -> Value {
    let point = if volume.external && name.starts_with(ACCESS_POINT) {
        Value::from(name)
    } else {
        let id = id(name, sub);
        draft.wait_for(exists(id.clone()));
        reference::reference(&id, "id")
    };
    json!({
        "fileSystemId": file_system(context, volume),
        "transitEncryption": "ENABLED",
        "authorizationConfig": { "accessPointId": point },
    })
}

/// A file system that is there, or a folder of it.
fn whole(name: &str, sub: Option<&str>) -> Value {
    let mut body = Body::new();
    body.set("fileSystemId", name)
        .set_some("rootDirectory", sub.map(|sub| format!("/{}", sub.trim_matches('/'))));
    body.into_value()
}

/// On container instances Docker itself mounts an NFS server.
fn of_nfs(nfs: &Nfs) -> Value {
    let options = nfs.options.as_ref().map_or_else(String::new, |options| format!(",{options}"));
    let options = format!("addr={}{options}", nfs.server);
    json!({
        "scope": "task",
        "driver": "local",
        "driverOpts": { "type": "nfs", "device": format!(":{}", nfs.path), "o": options },
    })
}

/// What a volume, or a part of it, is called in a task definition.
pub(crate) fn in_task(name: &str, sub: Option<&str>) -> String {
    sub.map_or_else(|| format!("volume-{name}"), |sub| format!("volume-{name}-{}", slug(sub)))
}

fn slug(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}
