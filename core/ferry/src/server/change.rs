//! What is made, linked, set and removed at once.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{
    AtFlags, Dir, FileType, Gid, Mode, OFlags, Uid, chmodat, chownat, linkat, makedev, mkdirat, mknodat,
    openat, statat, symlinkat, syncfs, unlinkat, utimensat,
};
use rustix::io::Errno;

use super::root::{Root, file_type};
use super::upload::{Staged, Upload, dress, times};
use crate::{Entry, Kind, Metadata, STAGING, TreePath};

/// Makes something, in the place of whatever has its name. A folder that is there stays.
pub(super) fn put(root: &Root, entry: &Entry, content: &[u8]) -> io::Result<()> {
    let (path, metadata) = (&entry.path, &entry.metadata);
    let node = |file_type, major, minor| node(root, entry, file_type, makedev(major, minor));
    match &entry.kind {
        Kind::File { .. } => {
            let upload = Upload::whole(root, path.clone(), content)?;
            upload.commit(root, content.len() as u64, metadata)
        }
        Kind::Directory => folder(root, path),
        Kind::Symlink { target } => {
            let staged = Staged::new(root, path)?;
            staged.clear()?;
            let (place, name) = staged.place();
            symlinkat(OsStr::from_bytes(target), place, name)?;
            dress_unopened(place, name.as_ref(), metadata, FileType::Symlink)?;
            staged.publish(root, path)
        }
        Kind::Fifo => node(FileType::Fifo, 0, 0),
        Kind::CharacterDevice { major, minor } => node(FileType::CharacterDevice, *major, *minor),
        Kind::BlockDevice { major, minor } => node(FileType::BlockDevice, *major, *minor),
        Kind::Socket => Err(io::Error::new(io::ErrorKind::InvalidInput, "a socket cannot be made")),
    }
}

/// Nobody but the owner enters it until its metadata is set, which is when all in it is there.
fn folder(root: &Root, path: &TreePath) -> io::Result<()> {
    let spot = root.spot(path)?;
    match mkdirat(&spot.folder, &spot.name, Mode::RWXU) {
        Err(Errno::EXIST) if file_type(&spot.stat()?) == FileType::Directory => Ok(()),
        other => Ok(other?),
    }
}

fn node(root: &Root, entry: &Entry, file_type: FileType, device: u64) -> io::Result<()> {
    let staged = Staged::new(root, &entry.path)?;
    staged.clear()?;
    let (place, name) = staged.place();
    mknodat(place, name, file_type, Mode::RUSR | Mode::WUSR, device)?;
    dress_unopened(place, name.as_ref(), &entry.metadata, file_type)?;
    staged.publish(root, &entry.path)
}

/// What is not opened has no attributes of its own. A link has no mode, and following it would change something else.
fn dress_unopened(folder: &OwnedFd, name: &OsStr, metadata: &Metadata, kind: FileType) -> io::Result<()> {
    let (uid, gid) = (Uid::from_raw(metadata.uid), Gid::from_raw(metadata.gid));
    chownat(folder, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
    if kind != FileType::Symlink {
        chmodat(folder, name, Mode::from_raw_mode(metadata.mode & 0o7777), AtFlags::empty())?;
    }
    Ok(utimensat(folder, name, &times(metadata), AtFlags::SYMLINK_NOFOLLOW)?)
}

/// Gives a file another name, in the place of whatever has it.
pub(super) fn link(root: &Root, path: &TreePath, target: &TreePath) -> io::Result<()> {
    let (target, staged) = (root.spot(target)?, Staged::new(root, path)?);
    staged.clear()?;
    let (place, name) = staged.place();
    linkat(&target.folder, &target.name, place, name, AtFlags::empty())?;
    staged.publish(root, path)
}

/// Sets what is known of something beside its content.
pub(super) fn set(root: &Root, path: &TreePath, metadata: &Metadata) -> io::Result<()> {
    if path.is_root() {
        return dress(&File::from(root.here()?), metadata);
    }
    let spot = root.spot(path)?;
    let kind = file_type(&spot.stat()?);
    if !matches!(kind, FileType::RegularFile | FileType::Directory) {
        return dress_unopened(&spot.folder, &spot.name, metadata, kind);
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    dress(&File::from(openat(&spot.folder, &spot.name, flags, Mode::empty())?), metadata)
}

/// Removes something. What is gone already is removed.
pub(super) fn remove(root: &Root, path: &TreePath) -> io::Result<()> {
    let spot = match root.spot(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    discard(&spot.folder, &spot.name)
}

fn discard(folder: &OwnedFd, name: &OsStr) -> io::Result<()> {
    let stat = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(()),
        other => other?,
    };
    let is_folder = file_type(&stat) == FileType::Directory;
    let flags = if is_folder { AtFlags::REMOVEDIR } else { AtFlags::empty() };
    match unlinkat(folder, name, flags) {
        Err(Errno::NOENT) | Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Removes what unfinished writing left.
pub(super) fn sweep(root: &Root) -> io::Result<()> {
    let here = root.here()?;
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let staging = match openat(&here, STAGING, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(()),
        other => other?,
    };
    for found in Dir::read_from(&staging)? {
        let found = found?;
        let name = found.file_name();
        if name != c"." && name != c".." {
            discard(&staging, OsStr::from_bytes(name.to_bytes()))?;
        }
    }
    discard(&here, OsStr::new(STAGING))
}

/// Everything is on the disk.
pub(super) fn flush(root: &Root) -> io::Result<()> {
    Ok(syncfs(root.here()?)?)
}
