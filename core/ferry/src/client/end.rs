//! One end of a copy.

use std::fmt;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Options;
use super::session::Session;
use crate::{Error, Result, Tree};

/// A connection.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// How a helper is reached. Several connections are open at one time.
#[async_trait]
pub trait Dial: Send + Sync {
    /// Opens one more connection.
    ///
    /// # Errors
    /// When nobody answers. It is tried again a few times.
    async fn dial(&self) -> io::Result<Box<dyn Connection>>;
}

/// One end of a copy: a helper and a volume that it has.
#[derive(Clone)]
pub struct End {
    dial: Arc<dyn Dial>,
    helper: String,
    volume: String,
}

impl fmt::Debug for End {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("End")
            .field("helper", &self.helper)
            .field("volume", &self.volume)
            .finish_non_exhaustive()
    }
}

impl End {
    /// The volume of this name at a helper. The helper's name is for errors.
    pub fn new(helper: impl Into<String>, volume: impl Into<String>, dial: Arc<dyn Dial>) -> Self {
        Self { dial, helper: helper.into(), volume: volume.into() }
    }

    /// The volume.
    pub fn volume(&self) -> &str {
        &self.volume
    }

    pub(super) fn tree(&self) -> Tree {
        Tree::Volume(self.volume.clone())
    }

    /// One more connection, tried as often as the options say.
    pub(super) async fn session(&self, options: &Options) -> Result<Session> {
        let mut attempt = 1;
        loop {
            match self.open(options).await {
                Err(error) if error.is_lost() && attempt < options.attempts => {
                    tokio::time::sleep(options.pause * attempt).await;
                    attempt += 1;
                }
                done => return done,
            }
        }
    }

    async fn open(&self, options: &Options) -> Result<Session> {
        let lost = |source| Error::Lost { helper: self.helper.clone(), source };
        let silent = || lost(io::Error::new(io::ErrorKind::TimedOut, "no connection in time"));
        let dialled = tokio::time::timeout(options.patience, self.dial.dial()).await;
        let stream = dialled.map_err(|_| silent())?.map_err(lost)?;
        Session::open(&self.helper, stream, options.patience).await
    }
}
