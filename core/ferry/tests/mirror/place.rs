//! A helper over a folder, reached without a network; and a witness that looks at folders without its help.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use rhumb_ferry::Access;
use rhumb_ferry::server::{Mounted, converse};
use rhumb_ferry::{Connection, Dial, End, Options};
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

/// A volume in a folder.
pub(crate) struct Place {
    folder: TempDir,
    pub(crate) mounted: Arc<Mounted>,
    open: Arc<AtomicI64>,
}

impl Place {
    pub(crate) fn new(access: Access) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["volumes/data", "secrets"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let mounted = Mounted {
            volumes: folder.path().join("volumes"),
            secrets: folder.path().join("secrets"),
            access,
            idle: Duration::from_secs(20),
        };
        Self { folder, mounted: Arc::new(mounted), open: Arc::default() }
    }

    pub(crate) fn volume(&self) -> PathBuf {
        self.folder.path().join("volumes/data")
    }

    pub(crate) fn secrets(&self) -> PathBuf {
        self.folder.path().join("secrets")
    }

    /// Returns when the helper has noticed that nobody is connected any more.
    pub(crate) async fn rest(&self) {
        while self.open.load(Ordering::Acquire) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) fn end(&self) -> End {
        self.fragile(i64::MAX)
    }

    /// An end whose connections break, once, after so many bytes of either direction.
    pub(crate) fn fragile(&self, bytes: i64) -> End {
        let left = Arc::new(AtomicI64::new(bytes));
        let dial = Local { mounted: Arc::clone(&self.mounted), open: Arc::clone(&self.open), left };
        End::new("test", "data", Arc::new(dial))
    }
}

/// A pair of ends, the source of which can only be read.
pub(crate) fn pair() -> (Place, Place) {
    (Place::new(Access::ReadOnly), Place::new(Access::ReadWrite))
}

/// Without long waits.
pub(crate) fn options() -> Options {
    Options { patience: Duration::from_secs(10), pause: Duration::from_millis(1), ..Options::default() }
}

struct Local {
    mounted: Arc<Mounted>,
    open: Arc<AtomicI64>,
    left: Arc<AtomicI64>,
}

#[async_trait::async_trait]
impl Dial for Local {
    async fn dial(&self) -> io::Result<Box<dyn Connection>> {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let (mounted, open) = (Arc::clone(&self.mounted), Arc::clone(&self.open));
        open.fetch_add(1, Ordering::AcqRel);
        tokio::spawn(async move {
            converse(far, mounted).await;
            open.fetch_sub(1, Ordering::AcqRel);
        });
        Ok(Box::new(Fragile { stream: near, left: Arc::clone(&self.left) }))
    }
}

/// A connection that breaks after so many bytes. All that are open then break; new ones hold.
struct Fragile {
    stream: DuplexStream,
    left: Arc<AtomicI64>,
}

impl Fragile {
    fn spend(&self, bytes: usize) -> io::Result<()> {
        let bytes = i64::try_from(bytes).unwrap();
        let before = self.left.fetch_sub(bytes, Ordering::Relaxed);
        if before >= 0 && before < bytes {
            self.left.store(i64::MAX / 2, Ordering::Relaxed);
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for Fragile {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, into);
        if polled.is_ready() {
            self.spend(into.filled().len() - before)?;
        }
        polled
    }
}

impl AsyncWrite for Fragile {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, from);
        if let Poll::Ready(Ok(written)) = polled {
            self.spend(written)?;
        }
        polled
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// What somebody who shares no code with the copier sees in a folder.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    kind: String,
    content: Vec<u8>,
    owner: (u32, u32, u32),
    modified: (i64, i64),
    first_name: Option<PathBuf>,
}

/// Everything in a folder but sockets.
pub(crate) fn seen(folder: &Path) -> BTreeMap<PathBuf, Seen> {
    let (mut all, mut names) = (BTreeMap::new(), BTreeMap::new());
    look(folder, folder, &mut all, &mut names);
    all
}

fn look(root: &Path, at: &Path, all: &mut BTreeMap<PathBuf, Seen>, names: &mut BTreeMap<u64, PathBuf>) {
    let about = std::fs::symlink_metadata(at).unwrap();
    let kind = about.file_type();
    if kind.is_socket() {
        return;
    }
    let path = at.strip_prefix(root).unwrap().to_owned();
    let is_shared = !kind.is_dir() && about.nlink() > 1;
    let first_name = is_shared.then(|| names.entry(about.ino()).or_insert_with(|| path.clone()).clone());
    let (word, content) = if kind.is_symlink() {
        ("link", std::fs::read_link(at).unwrap().as_os_str().as_bytes().to_vec())
    } else if kind.is_file() {
        ("file", std::fs::read(at).unwrap())
    } else if kind.is_dir() {
        ("folder", Vec::new())
    } else if kind.is_fifo() {
        ("pipe", Vec::new())
    } else {
        ("device", about.rdev().to_be_bytes().to_vec())
    };
    let mode = if kind.is_symlink() { 0 } else { about.mode() & 0o7777 };
    let seen = Seen {
        kind: word.to_owned(),
        content,
        owner: (about.uid(), about.gid(), mode),
        modified: (about.mtime(), about.mtime_nsec()),
        first_name,
    };
    all.insert(path, seen);
    if kind.is_dir() {
        let mut inner: Vec<PathBuf> =
            std::fs::read_dir(at).unwrap().map(|found| found.unwrap().path()).collect();
        inner.sort();
        for path in inner {
            look(root, &path, all, names);
        }
    }
}
