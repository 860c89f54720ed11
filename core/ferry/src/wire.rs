//! Frames: a message, and a body of raw bytes.
//!
//! `[length of the message, 4 bytes][length of the body, 4 bytes][message][body]`, both lengths big-endian. The message is in
//! postcard's encoding. No length above a bound is believed, so nobody makes the other side reserve memory.

use std::io;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The longest message and the longest body.
pub(crate) const LIMIT: usize = 1 << 20;

/// A connection that carries frames.
pub(crate) struct Wire<S> {
    stream: S,
    patience: Duration,
}

/// Why no frame came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The connection.
    #[error("the connection is lost: {0}")]
    Connection(#[from] io::Error),
    /// Whoever is at the other end.
    #[error("it does not keep to the protocol: {0}")]
    Nonsense(String),
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Frames over a stream. When nothing comes or goes for this long, it counts as lost.
    pub(crate) fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience }
    }

    /// Sends a frame. It may wait in a buffer until [`Self::flush`].
    pub(crate) async fn send(&mut self, message: &impl Serialize, body: &[u8]) -> Result<(), Broken> {
        let message = postcard::to_stdvec(message).map_err(|error| Broken::Nonsense(error.to_string()))?;
        let mut frame = Vec::with_capacity(8 + message.len() + body.len());
        for part in [&*message, body] {
            frame.extend_from_slice(&length(part)?.to_be_bytes());
        }
        frame.extend_from_slice(&message);
        frame.extend_from_slice(body);
        Ok(patient(self.patience, self.stream.write_all(&frame)).await?)
    }

    /// Everything sent goes out.
    pub(crate) async fn flush(&mut self) -> Result<(), Broken> {
        Ok(patient(self.patience, self.stream.flush()).await?)
    }

    /// The next frame; none when the other side is done.
    pub(crate) async fn receive<M: DeserializeOwned>(&mut self) -> Result<Option<(M, Vec<u8>)>, Broken> {
        let (mut message, mut body) = ([0; 4], [0; 4]);
        match patient(self.patience, self.stream.read_exact(&mut message[..1])).await {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        };
        patient(self.patience, self.stream.read_exact(&mut message[1..])).await?;
        patient(self.patience, self.stream.read_exact(&mut body)).await?;
        let (message, body) = (believed(u32::from_be_bytes(message))?, believed(u32::from_be_bytes(body))?);
        let message = self.bytes(message).await?;
        let body = self.bytes(body).await?;
        let message = postcard::from_bytes(&message)
            .map_err(|error| Broken::Nonsense(format!("no message: {error}")))?;
        Ok(Some((message, body)))
    }

    async fn bytes(&mut self, length: usize) -> Result<Vec<u8>, Broken> {
        let mut bytes = vec![0; length];
        patient(self.patience, self.stream.read_exact(&mut bytes)).await?;
        Ok(bytes)
    }

    /// Ends the connection in good order, as far as the other side still listens.
    pub(crate) async fn close(mut self) {
        let _ = tokio::time::timeout(Duration::from_secs(2), self.stream.shutdown()).await;
    }
}

fn believed(length: u32) -> Result<usize, Broken> {
    let believed = usize::try_from(length).ok().filter(|length| *length <= LIMIT);
    believed.ok_or_else(|| Broken::Nonsense(format!("a frame of {length} bytes")))
}

fn length(part: &[u8]) -> Result<u32, Broken> {
    let fits = u32::try_from(part.len()).ok().filter(|_| part.len() <= LIMIT);
    fits.ok_or_else(|| Broken::Nonsense(format!("a frame of {} bytes", part.len())))
}

async fn patient<T>(patience: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let silence =
        || io::Error::new(io::ErrorKind::TimedOut, format!("nothing moved for {} s", patience.as_secs()));
    tokio::time::timeout(patience, work).await.unwrap_or_else(|_| Err(silence()))
}
