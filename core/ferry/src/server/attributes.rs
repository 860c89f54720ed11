//! Extended attributes.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt as _;

use rustix::buffer::spare_capacity;
use rustix::fs::{Mode, OFlags, XattrFlags, fgetxattr, flistxattr, fremovexattr, fsetxattr, openat};
use rustix::io::Errno;

use crate::message::ATTRIBUTES;

/// Which are copied: people's own, access control lists, and what a program may do. Others are made by the system that
/// mounts the volume, such as security labels, and mean nothing on another.
fn is_copied(name: &[u8]) -> bool {
    name.starts_with(b"user.")
        || name == b"system.posix_acl_access"
        || name == b"system.posix_acl_default"
        || name == b"security.capability"
}

/// The attributes of a file or folder. What cannot be opened to be read shows none.
pub(super) fn of(folder: BorrowedFd<'_>, name: &OsStr) -> io::Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match openat(folder, name, flags, Mode::empty()) {
        Ok(file) => of_open(&file),
        Err(Errno::ACCESS | Errno::PERM | Errno::LOOP | Errno::NXIO) => Ok(BTreeMap::new()),
        Err(error) => Err(error.into()),
    }
}

fn of_open(file: &impl AsFd) -> io::Result<BTreeMap<Vec<u8>, Vec<u8>>> {
    let mut names = Vec::with_capacity(64 * 1024);
    match flistxattr(file, spare_capacity(&mut names)) {
        // The file system has none.
        Err(Errno::OPNOTSUPP) => return Ok(BTreeMap::new()),
        other => other?,
    };
    let mut attributes = BTreeMap::new();
    let mut room = ATTRIBUTES;
    for name in names.split(|byte| *byte == 0).filter(|name| is_copied(name)) {
        let mut value = Vec::with_capacity(64 * 1024);
        match fgetxattr(file, OsStr::from_bytes(name), spare_capacity(&mut value)) {
            Err(Errno::NODATA | Errno::OPNOTSUPP) => continue,
            other => other?,
        };
        room = room.checked_sub(name.len() + value.len()).ok_or_else(|| {
            io::Error::other(format!("its extended attributes are larger than {ATTRIBUTES} bytes"))
        })?;
        value.shrink_to_fit();
        attributes.insert(name.to_vec(), value);
    }
    Ok(attributes)
}

/// Gives an open file or folder exactly these attributes.
pub(super) fn set(file: &impl AsFd, want: &BTreeMap<Vec<u8>, Vec<u8>>) -> io::Result<()> {
    let have = of_open(file)?;
    for name in have.keys().filter(|name| !want.contains_key(*name)) {
        match fremovexattr(file, OsStr::from_bytes(name)) {
            Err(Errno::NODATA) | Ok(()) => {}
            Err(error) => return Err(error.into()),
        }
    }
    for (name, value) in want.iter().filter(|(name, value)| have.get(*name) != Some(value)) {
        if !is_copied(name) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "an extended attribute that is not copied",
            ));
        }
        fsetxattr(file, OsStr::from_bytes(name), value, XattrFlags::empty())?;
    }
    Ok(())
}
