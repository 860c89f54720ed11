//! One connection to a helper, as the copier uses it.

use std::io;
use std::time::Duration;

use super::Connection;
use crate::message::{BLOCK, Digest, PIECE, Reply, Request, VERSION, WINDOW, WINDOW_BLOCKS};
use crate::wire::{Broken, Wire};
use crate::{Entry, Error, Result, Stamp, Tree, TreePath};

/// One connection to a helper. After an error other than a refusal it is of no use.
pub(super) struct Session {
    helper: String,
    wire: Wire<Box<dyn Connection>>,
}

/// A piece of a file's content.
pub(super) enum Piece {
    /// Bytes at an offset.
    Data(u64, Vec<u8>),
    /// So many zeros at an offset.
    Zeros(u64, u64),
    /// No more; what the file was before and after.
    End(Stamp, Stamp),
}

/// How far reading is.
pub(super) struct Reading {
    at: u64,
    end: u64,
}

impl Session {
    pub(super) async fn open(helper: &str, stream: Box<dyn Connection>, patience: Duration) -> Result<Self> {
        let mut session = Self { helper: helper.to_owned(), wire: Wire::new(stream, patience) };
        match session.ask(&Request::Hello { version: VERSION }, &[]).await? {
            Reply::Hello { version: VERSION } => Ok(session),
            Reply::Hello { version } => Err(session.nonsense(format!(
                "it speaks version {version} of the protocol and this program version {VERSION}: use the helper image that \
                 belongs to this program"
            ))),
            _ => Err(session.unexpected()),
        }
    }

    /// Asks, and returns the one answer that is no refusal.
    pub(super) async fn ask(&mut self, request: &Request, body: &[u8]) -> Result<Reply> {
        self.tell(request, body).await?;
        self.flush().await?;
        let (reply, body) = self.reply().await?;
        if body.is_empty() { Ok(reply) } else { Err(self.unexpected()) }
    }

    /// Asks for something to be done.
    pub(super) async fn order(&mut self, request: &Request, body: &[u8]) -> Result<()> {
        match self.ask(request, body).await? {
            Reply::Done => Ok(()),
            _ => Err(self.unexpected()),
        }
    }

    /// Says something that has no answer, or whose answer comes later.
    pub(super) async fn tell(&mut self, request: &Request, body: &[u8]) -> Result<()> {
        let sent = self.wire.send(request, body).await;
        sent.map_err(|broken| self.broken(broken))
    }

    async fn flush(&mut self) -> Result<()> {
        let flushed = self.wire.flush().await;
        flushed.map_err(|broken| self.broken(broken))
    }

    async fn reply(&mut self) -> Result<(Reply, Vec<u8>)> {
        match self.wire.receive().await {
            Ok(Some((Reply::Refused(refusal), _))) => {
                Err(Error::Refused { helper: self.helper.clone(), refusal })
            }
            Ok(Some(answer)) => Ok(answer),
            Ok(None) => Err(self.broken(io::Error::from(io::ErrorKind::UnexpectedEof).into())),
            Err(broken) => Err(self.broken(broken)),
        }
    }

    /// Hands over everything in a tree; returns what the helper could not list.
    pub(super) async fn list(
        &mut self,
        tree: Tree,
        mut take: impl FnMut(Entry) -> Result<(), String>,
    ) -> Result<Vec<TreePath>> {
        self.tell(&Request::List { tree }, &[]).await?;
        self.flush().await?;
        loop {
            match self.reply().await?.0 {
                Reply::Entries(entries) => {
                    for entry in entries {
                        take(entry).map_err(|what| self.nonsense(what))?;
                    }
                }
                Reply::End { unreadable } => return Ok(unreadable),
                _ => return Err(self.unexpected()),
            }
        }
    }

    /// Asks for a part of a file, of at most a window.
    pub(super) async fn read(
        &mut self,
        tree: Tree,
        path: &TreePath,
        offset: u64,
        length: u64,
    ) -> Result<Reading> {
        let length = length.min(WINDOW);
        self.tell(&Request::Read { tree, path: path.clone(), offset, length }, &[]).await?;
        self.flush().await?;
        Ok(Reading { at: offset, end: offset + length })
    }

    /// The next piece. Pieces come one after the other and never pass what was asked for.
    pub(super) async fn next(&mut self, reading: &mut Reading) -> Result<Piece> {
        let (reply, body) = self.reply().await?;
        let (piece, offset, length) = match reply {
            Reply::Read { before, after } => return Ok(Piece::End(before, after)),
            Reply::Zeros { offset, length } => (Piece::Zeros(offset, length), offset, length),
            Reply::Data { offset } if body.len() <= PIECE => {
                let length = body.len() as u64;
                (Piece::Data(offset, body), offset, length)
            }
            _ => return Err(self.unexpected()),
        };
        if offset != reading.at || length == 0 || length > reading.end - reading.at {
            return Err(self.nonsense("content that was not asked for".to_owned()));
        }
        reading.at += length;
        Ok(piece)
    }

    /// The hashes of some blocks of a file.
    pub(super) async fn digest(&mut self, tree: Tree, path: &TreePath, block: u64) -> Result<Vec<Digest>> {
        let request = Request::Digest { tree, path: path.clone(), block, blocks: WINDOW_BLOCKS };
        self.digests(&request).await
    }

    /// The hashes of some blocks of what is being written.
    pub(super) async fn digest_begun(&mut self, block: u64) -> Result<Vec<Digest>> {
        self.digests(&Request::DigestBegun { block, blocks: WINDOW_BLOCKS }).await
    }

    async fn digests(&mut self, request: &Request) -> Result<Vec<Digest>> {
        match self.ask(request, &[]).await? {
            Reply::Digests(digests) if digests.len() <= WINDOW_BLOCKS as usize => Ok(digests),
            _ => Err(self.unexpected()),
        }
    }

    /// A small file as a whole; what it was before and after. A larger one is cut off after a block.
    pub(super) async fn read_whole(
        &mut self,
        tree: Tree,
        path: &TreePath,
    ) -> Result<(Vec<u8>, Stamp, Stamp)> {
        let mut reading = self.read(tree, path, 0, BLOCK).await?;
        let mut content = Vec::new();
        loop {
            match self.next(&mut reading).await? {
                Piece::Data(_, data) => content.extend_from_slice(&data),
                // No more than the block that was asked for.
                Piece::Zeros(_, length) => {
                    content.resize(content.len() + usize::try_from(length).unwrap_or_default(), 0);
                }
                Piece::End(before, after) => return Ok((content, before, after)),
            }
        }
    }

    pub(super) async fn close(self) {
        self.wire.close().await;
    }

    fn broken(&self, broken: Broken) -> Error {
        match broken {
            Broken::Connection(source) => Error::Lost { helper: self.helper.clone(), source },
            Broken::Nonsense(what) => self.nonsense(what),
        }
    }

    pub(super) fn nonsense(&self, what: String) -> Error {
        Error::Protocol { helper: self.helper.clone(), what }
    }

    pub(super) fn unexpected(&self) -> Error {
        self.nonsense("it answers something else than what was asked".to_owned())
    }
}
