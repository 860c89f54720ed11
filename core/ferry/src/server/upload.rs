//! A file that is being written.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use rustix::fs::{
    AtFlags, FallocateFlags, FlockOperation, Gid, Mode, OFlags, Timespec, Timestamps, Uid, fallocate, fchmod,
    fchown, flock, fsync, ftruncate, futimens, renameat, unlinkat,
};
use sha2::{Digest as _, Sha256};

use super::attributes;
use super::root::{Root, regular_file};
use crate::message::Onto;
use crate::{Metadata, TreePath};

const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// Half a minute in all.
const LOCK_ATTEMPTS: u32 = 600;

/// A file that is being written.
pub(super) struct Upload {
    pub(super) path: TreePath,
    pub(super) file: File,
    staged: Option<Staged>,
}

/// Where something lies until it is whole.
pub(super) struct Staged {
    folder: OwnedFd,
    name: String,
}

impl Staged {
    /// The place for what belongs to a path. It is the same each time, so that an attempt that was cut off is gone on with.
    pub(super) fn new(root: &Root, path: &TreePath) -> io::Result<Self> {
        let name = Sha256::digest(path.as_bytes()).iter().fold(String::new(), |mut text, byte| {
            use std::fmt::Write as _;
            let _ = write!(text, "{byte:02x}");
            text
        });
        Ok(Self { folder: root.staging()?, name })
    }

    /// The folder, and the name in it.
    pub(super) fn place(&self) -> (&OwnedFd, &str) {
        (&self.folder, &self.name)
    }

    fn open(&self) -> io::Result<File> {
        regular_file(&self.folder, self.name.as_ref(), OFlags::RDWR | OFlags::CREATE)
    }

    /// Nothing is there any more.
    pub(super) fn clear(&self) -> io::Result<()> {
        match unlinkat(&self.folder, self.name.as_str(), AtFlags::empty()) {
            Err(rustix::io::Errno::NOENT) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts it in its place, at once or not at all.
    pub(super) fn publish(&self, root: &Root, path: &TreePath) -> io::Result<()> {
        let spot = root.spot(path)?;
        renameat(&self.folder, self.name.as_str(), &spot.folder, &spot.name)?;
        // Two names of one file are left as they are by a rename.
        self.clear()
    }
}

impl Upload {
    pub(super) fn begin(root: &Root, path: TreePath, onto: Onto) -> io::Result<Self> {
        if onto == Onto::Existing {
            let file = root.file(&path, OFlags::RDWR)?;
            lock(&file)?;
            return Ok(Self { path, file, staged: None });
        }
        let staged = Staged::new(root, &path)?;
        let file = staged.open()?;
        lock(&file)?;
        Ok(Self { path, file, staged: Some(staged) })
    }

    /// A new file with this content, aside.
    pub(super) fn whole(root: &Root, path: TreePath, content: &[u8]) -> io::Result<Self> {
        let staged = Staged::new(root, &path)?;
        staged.clear()?;
        let file = staged.open()?;
        file.write_all_at(content, 0)?;
        Ok(Self { path, file, staged: Some(staged) })
    }

    pub(super) fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    pub(super) fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_all_at(data, offset)
    }

    /// Zeros take no space: behind the end the file only grows, before it a hole is made where the file system can.
    pub(super) fn zeros(&self, offset: u64, length: u64) -> io::Result<()> {
        let end = offset.checked_add(length).ok_or(rustix::io::Errno::FBIG)?;
        let old = self.length()?;
        let within = end.min(old).saturating_sub(offset);
        if within > 0 {
            let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            if fallocate(&self.file, flags, offset, within).is_err() {
                self.write_zeros(offset, within)?;
            }
        }
        if end > old {
            ftruncate(&self.file, end)?;
        }
        Ok(())
    }

    fn write_zeros(&self, mut offset: u64, length: u64) -> io::Result<()> {
        let zeros = vec![0; 64 * 1024];
        let end = offset + length;
        while offset < end {
            let piece = usize::try_from(end - offset).unwrap_or(zeros.len()).min(zeros.len());
            self.file.write_all_at(&zeros[..piece], offset)?;
            offset += piece as u64;
        }
        Ok(())
    }

    /// Gives it its size and the rest, and puts it in its place, all of it on the disk before.
    pub(super) fn commit(&self, root: &Root, size: u64, metadata: &Metadata) -> io::Result<()> {
        if self.length()? != size {
            ftruncate(&self.file, size)?;
        }
        dress(&self.file, metadata)?;
        fsync(&self.file)?;
        match &self.staged {
            Some(staged) => staged.publish(root, &self.path),
            None => Ok(()),
        }
    }
}

/// Waits until nobody else writes the file: a copier that died may have left something on the way. The lock goes with the file.
fn lock(file: &File) -> io::Result<()> {
    for _ in 0..LOCK_ATTEMPTS {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(LOCK_PAUSE),
            other => return Ok(other?),
        }
    }
    Err(io::Error::new(io::ErrorKind::ResourceBusy, "another copier still writes it"))
}

/// Gives an open file or folder its metadata. The owner comes first, which takes set-user-id bits and capabilities away; the time
/// comes last.
pub(super) fn dress(file: &File, metadata: &Metadata) -> io::Result<()> {
    fchown(file, Some(Uid::from_raw(metadata.uid)), Some(Gid::from_raw(metadata.gid)))?;
    fchmod(file, Mode::from_raw_mode(metadata.mode & 0o7777))?;
    attributes::set(file, &metadata.attributes)?;
    Ok(futimens(file, &times(metadata))?)
}

/// Only the time of the content is set: that of the last reading stays as it is.
pub(super) fn times(metadata: &Metadata) -> Timestamps {
    let kept = Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT };
    let modified = metadata.modified;
    Timestamps {
        last_access: kept,
        last_modification: Timespec {
            tv_sec: modified.seconds,
            tv_nsec: i64::from(modified.nanoseconds.min(999_999_999)),
        },
    }
}
