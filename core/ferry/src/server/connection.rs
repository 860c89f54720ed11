//! One connection, question by question.

use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

use rustix::fs::{OFlags, fdatasync};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use super::list::Listing;
use super::read::{Next, digests, next};
use super::root::{Root, stamp};
use super::upload::Upload;
use super::{Mounted, change};
use crate::message::{Onto, Reply, Request, VERSION, WINDOW};
use crate::wire::{Broken, Wire};
use crate::{Access, Reason, Refusal, STAGING, Tree, TreePath};

/// One connection.
pub(super) struct Conversation<S> {
    wire: Wire<S>,
    mounted: Arc<Mounted>,
    upload: Option<Begun>,
}

/// A file that is being written, and what went wrong with it.
struct Begun {
    upload: Arc<Upload>,
    root: Arc<Root>,
    failed: Option<Refusal>,
}

type Answer<T = Reply> = Result<T, Refusal>;

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Conversation<S> {
    pub(super) fn new(stream: S, mounted: Arc<Mounted>) -> Self {
        Self { wire: Wire::new(stream, mounted.idle), mounted, upload: None }
    }

    /// Answers until the connection ends. Whoever sends nonsense is hung up on.
    pub(super) async fn run(mut self) {
        while let Ok(Some((request, body))) = self.wire.receive::<Request>().await {
            if self.answer(request, body).await.is_err() {
                break;
            }
        }
        self.wire.close().await;
    }

    async fn answer(&mut self, request: Request, body: Vec<u8>) -> Result<(), Broken> {
        let answer = match request {
            Request::Write { .. } | Request::Zeros { .. } => return self.write(request, body).await,
            Request::List { tree } => self.list(tree).await?,
            Request::Read { tree, path, offset, length } => self.read((tree, path), offset, length).await?,
            Request::Begin { volume, path, onto } => self.begin(&volume, path, onto).await,
            Request::DigestBegun { .. } | Request::Check | Request::Commit { .. } => {
                self.begun(request).await
            }
            other => self.at_once(other, body).await,
        };
        self.wire.send(&answer.unwrap_or_else(Reply::Refused), &[]).await?;
        self.wire.flush().await
    }

    /// What is one call of the operating system, or a few.
    async fn at_once(&self, request: Request, body: Vec<u8>) -> Answer {
        match request {
            Request::Hello { .. } => Ok(Reply::Hello { version: VERSION }),
            Request::Digest { tree, path, block, blocks } => {
                let root = self.root(&tree)?;
                work(path, move |path| digests(&root.file(path, OFlags::RDONLY)?, block, blocks))
                    .await
                    .map(Reply::Digests)
            }
            Request::Put { volume, entry } => {
                let root = self.writable(&volume, &entry.path)?;
                done(entry.path.clone(), move |_| change::put(&root, &entry, &body)).await
            }
            Request::Link { volume, path, target } => {
                let root = self.writable(&volume, &path)?;
                done(path, move |path| change::link(&root, path, &target)).await
            }
            Request::Set { volume, path, metadata } => {
                let root = self.writable(&volume, &path)?;
                done(path, move |path| change::set(&root, path, &metadata)).await
            }
            Request::Remove { volume, path } => {
                let root = self.writable(&volume, &path)?;
                done(path, move |path| change::remove(&root, path)).await
            }
            Request::Sweep { volume } => {
                let root = self.writable(&volume, &TreePath::root())?;
                done(TreePath::root(), move |_| change::sweep(&root)).await
            }
            Request::Flush { volume } => {
                let root = self.writable(&volume, &TreePath::root())?;
                done(TreePath::root(), move |_| change::flush(&root)).await
            }
            _ => Err(refuse(&TreePath::root(), Reason::Invalid, "it is no question for now")),
        }
    }

    fn root(&self, tree: &Tree) -> Answer<Root> {
        let path = match tree {
            Tree::Secrets => self.mounted.secrets.clone(),
            Tree::Volume(name) => {
                let name = TreePath::new(name.as_bytes()).ok().filter(|name| name.parts().count() == 1);
                let name = name
                    .ok_or_else(|| refuse(&TreePath::root(), Reason::Invalid, "no volume has such a name"))?;
                self.mounted.volumes.join(std::ffi::OsStr::from_bytes(name.as_bytes()))
            }
        };
        Root::open(&path).map_err(|error| Refusal::of(&TreePath::root(), &error))
    }

    /// A volume that may be written to, but for the folder in which unfinished files lie.
    fn writable(&self, volume: &str, path: &TreePath) -> Answer<Root> {
        if self.mounted.access == Access::ReadOnly {
            return Err(refuse(path, Reason::ReadOnly, "this helper only reads"));
        }
        if path.parts().next() == Some(STAGING.as_bytes()) {
            return Err(refuse(path, Reason::Invalid, "this folder is the helper's own"));
        }
        self.root(&Tree::Volume(volume.to_owned()))
    }

    async fn list(&mut self, tree: Tree) -> Result<Answer, Broken> {
        let root = match self.root(&tree) {
            Ok(root) => root,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (send, mut entries) = mpsc::channel(2);
        let listing = tokio::task::spawn_blocking(move || Listing::new(&root, send).run());
        while let Some(batch) = entries.recv().await {
            self.wire.send(&Reply::Entries(batch), &[]).await?;
        }
        Ok(joined(listing.await).map(|unreadable| Reply::End { unreadable }))
    }

    async fn read(&mut self, of: (Tree, TreePath), offset: u64, length: u64) -> Result<Answer, Broken> {
        let (tree, path) = of;
        let opened = match self.root(&tree) {
            Ok(root) => work(path.clone(), move |path| Reader::open(&root, path, offset, length)).await,
            Err(refusal) => Err(refusal),
        };
        let mut reader = match opened {
            Ok(reader) => reader,
            Err(refusal) => return Ok(Err(refusal)),
        };
        loop {
            let (returned, piece) = match work(path.clone(), move |_| reader.step()).await {
                Ok(piece) => piece,
                Err(refusal) => return Ok(Err(refusal)),
            };
            reader = returned;
            match piece {
                (offset, Next::Data(data)) => self.wire.send(&Reply::Data { offset }, &data).await?,
                (offset, Next::Zeros(length)) => {
                    self.wire.send(&Reply::Zeros { offset, length }, &[]).await?;
                }
                (_, Next::End) => return Ok(work(path, move |_| reader.end()).await),
            }
        }
    }

    async fn begin(&mut self, volume: &str, path: TreePath, onto: Onto) -> Answer {
        self.upload = None;
        let root = Arc::new(self.writable(volume, &path)?);
        let (begun, length) = work(path, move |path| {
            let upload = Upload::begin(&root, path.clone(), onto)?;
            let length = upload.length()?;
            Ok((Begun { upload: Arc::new(upload), root, failed: None }, length))
        })
        .await?;
        self.upload = Some(begun);
        Ok(Reply::Begun { length })
    }

    /// Nobody is answered; what goes wrong is told when it is asked for, and all that follows until then is in vain.
    async fn write(&mut self, request: Request, body: Vec<u8>) -> Result<(), Broken> {
        let Some(begun) = &mut self.upload else {
            return Err(Broken::Nonsense("content for no file".to_owned()));
        };
        if begun.failed.is_none() {
            let upload = Arc::clone(&begun.upload);
            let written = work(upload.path.clone(), move |_| match request {
                Request::Write { offset } => upload.write(offset, &body),
                Request::Zeros { offset, length } => upload.zeros(offset, length),
                _ => Ok(()),
            });
            begun.failed = written.await.err();
        }
        Ok(())
    }

    /// What is asked of a file that is being written. After a failure it is given up.
    async fn begun(&mut self, request: Request) -> Answer {
        let Some(Begun { upload, root, failed }) = self.upload.take() else {
            return Err(refuse(&TreePath::root(), Reason::Invalid, "no file is being written"));
        };
        if let Some(refusal) = failed {
            return Err(refusal);
        }
        let (path, at) = (upload.path.clone(), Arc::clone(&upload));
        let reply = match request {
            Request::DigestBegun { block, blocks } => {
                work(path, move |_| digests(&at.file, block, blocks)).await.map(Reply::Digests)?
            }
            Request::Commit { size, metadata } => {
                let root = Arc::clone(&root);
                return done(path, move |_| at.commit(&root, size, &metadata)).await;
            }
            _ => done(path, move |_| Ok(fdatasync(&at.file)?)).await?,
        };
        self.upload = Some(Begun { upload, root, failed: None });
        Ok(reply)
    }
}

/// A file that is being read.
struct Reader {
    file: File,
    before: crate::Stamp,
    at: u64,
    end: u64,
}

impl Reader {
    fn open(root: &Root, path: &TreePath, offset: u64, length: u64) -> io::Result<Self> {
        let file = root.file(path, OFlags::RDONLY)?;
        let end = offset.saturating_add(length.min(WINDOW)).min(i64::MAX as u64);
        Ok(Self { before: stamp(&file)?, file, at: offset, end })
    }

    fn step(mut self) -> io::Result<(Self, (u64, Next))> {
        let offset = self.at;
        if offset >= self.end {
            return Ok((self, (offset, Next::End)));
        }
        let piece = next(&self.file, offset, self.end - offset)?;
        self.at += match &piece {
            Next::Data(data) => data.len() as u64,
            Next::Zeros(length) => *length,
            Next::End => 0,
        };
        Ok((self, (offset, piece)))
    }

    fn end(&self) -> io::Result<Reply> {
        Ok(Reply::Read { before: self.before, after: stamp(&self.file)? })
    }
}

/// Does something that may wait for a disk.
async fn work<T: Send + 'static>(
    path: TreePath,
    action: impl FnOnce(&TreePath) -> io::Result<T> + Send + 'static,
) -> Answer<T> {
    joined(
        tokio::task::spawn_blocking(move || action(&path).map_err(|error| Refusal::of(&path, &error))).await,
    )
}

async fn done(path: TreePath, action: impl FnOnce(&TreePath) -> io::Result<()> + Send + 'static) -> Answer {
    work(path, action).await.map(|()| Reply::Done)
}

fn joined<T>(joined: Result<Answer<T>, tokio::task::JoinError>) -> Answer<T> {
    joined.unwrap_or_else(|_| Err(refuse(&TreePath::root(), Reason::Other, "the helper failed at it")))
}

fn refuse(path: &TreePath, reason: Reason, message: &str) -> Refusal {
    Refusal { path: path.clone(), reason, message: message.to_owned() }
}
