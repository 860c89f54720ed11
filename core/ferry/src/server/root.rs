//! A folder that nothing leads out of.
//!
//! Every path is walked part by part from the folder's own descriptor, and no symbolic link is followed on the way or at its
//! end. So neither a path nor a link in the volume reaches anything outside of it, whoever changes the volume meanwhile.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, mkdirat, openat, readlinkat, statat};

use super::attributes;
use crate::{Entry, Kind, Metadata, STAGING, Stamp, Time, TreePath};

/// A folder that nothing leads out of.
#[derive(Debug)]
pub(super) struct Root(OwnedFd);

/// Where something is: the folder that holds it, and its name there.
pub(super) struct Spot {
    pub(super) folder: OwnedFd,
    pub(super) name: OsString,
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Root {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(rustix::fs::open(path, flags, Mode::empty())?))
    }

    /// A folder, to look into.
    pub(super) fn folder(&self, path: &TreePath) -> io::Result<OwnedFd> {
        let mut folder = openat(&self.0, c".", FOLDER, Mode::empty())?;
        for part in path.parts() {
            folder = openat(&folder, OsStr::from_bytes(part), FOLDER, Mode::empty())?;
        }
        Ok(folder)
    }

    /// Where something is; the root is nowhere.
    pub(super) fn spot(&self, path: &TreePath) -> io::Result<Spot> {
        let Some((parent, name)) = path.split() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is the volume itself"));
        };
        Ok(Spot { folder: self.folder(&parent)?, name: OsString::from_vec(name.to_vec()) })
    }

    /// A regular file. Nothing else is opened: a pipe would wait, and a device do whatever it does.
    pub(super) fn file(&self, path: &TreePath, flags: OFlags) -> io::Result<File> {
        self.spot(path)?.file(flags)
    }

    /// The folder for what is not whole yet. It is made when it is first needed.
    pub(super) fn staging(&self) -> io::Result<OwnedFd> {
        match mkdirat(&self.0, STAGING, Mode::RWXU) {
            Err(rustix::io::Errno::EXIST) | Ok(()) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(openat(&self.0, STAGING, FOLDER, Mode::empty())?)
    }

    /// Where something of this name lies in the root folder itself.
    pub(super) fn here(&self) -> io::Result<OwnedFd> {
        self.folder(&TreePath::root())
    }

    /// What is at a path.
    pub(super) fn entry(&self, path: &TreePath) -> io::Result<Entry> {
        if path.is_root() {
            return describe(path, &self.0, OsStr::new("."));
        }
        let spot = self.spot(path)?;
        describe(path, &spot.folder, &spot.name)
    }
}

impl Spot {
    pub(super) fn stat(&self) -> io::Result<Stat> {
        Ok(statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW)?)
    }

    pub(super) fn file(&self, flags: OFlags) -> io::Result<File> {
        regular_file(&self.folder, &self.name, flags)
    }
}

/// A regular file in a folder.
pub(super) fn regular_file(folder: &OwnedFd, name: &OsStr, flags: OFlags) -> io::Result<File> {
    let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match openat(folder, name, flags, Mode::RUSR | Mode::WUSR) {
        // A link, or a pipe that nobody reads: it is no file any more.
        Err(rustix::io::Errno::LOOP | rustix::io::Errno::NXIO | rustix::io::Errno::ISDIR) => {
            return Err(no_file());
        }
        other => File::from(other?),
    };
    if is_file(&fstat(&file)?) { Ok(file) } else { Err(no_file()) }
}

fn no_file() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "it is no file any more")
}

pub(super) fn file_type(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

fn is_file(stat: &Stat) -> bool {
    file_type(stat) == FileType::RegularFile
}

/// By what a change of a file is noticed.
pub(super) fn stamp(file: &File) -> io::Result<Stamp> {
    let stat = fstat(file)?;
    Ok(Stamp { size: u64::try_from(stat.st_size).unwrap_or_default(), modified: modified(&stat) })
}

fn modified(stat: &Stat) -> Time {
    Time { seconds: stat.st_mtime, nanoseconds: u32::try_from(stat.st_mtime_nsec).unwrap_or_default() }
}

/// What something in a folder is.
pub(super) fn describe(path: &TreePath, folder: &OwnedFd, name: &OsStr) -> io::Result<Entry> {
    let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let (major, minor) = (rustix::fs::major(stat.st_rdev), rustix::fs::minor(stat.st_rdev));
    let kind = match file_type(&stat) {
        FileType::RegularFile => Kind::File { size: u64::try_from(stat.st_size).unwrap_or_default() },
        FileType::Directory => Kind::Directory,
        FileType::Symlink => Kind::Symlink { target: readlinkat(folder, name, Vec::new())?.into_bytes() },
        FileType::Fifo => Kind::Fifo,
        FileType::CharacterDevice => Kind::CharacterDevice { major, minor },
        FileType::BlockDevice => Kind::BlockDevice { major, minor },
        _ => Kind::Socket,
    };
    let is_link = matches!(kind, Kind::Symlink { .. });
    let has_attributes = matches!(kind, Kind::File { .. } | Kind::Directory);
    let attributes = if has_attributes {
        attributes::of(folder.as_fd(), name)?
    } else {
        std::collections::BTreeMap::new()
    };
    let metadata = Metadata {
        mode: if is_link { 0 } else { stat.st_mode & 0o7777 },
        uid: stat.st_uid,
        gid: stat.st_gid,
        modified: modified(&stat),
        attributes,
    };
    let inode = if kind != Kind::Directory && stat.st_nlink > 1 { stat.st_ino } else { 0 };
    Ok(Entry { path: path.clone(), kind, metadata, inode })
}
