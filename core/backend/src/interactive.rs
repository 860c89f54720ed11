//! Getting into things that run: a command in a container, a connection to a port.

use std::fmt;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

use crate::{Result, Scope};

/// Getting into things that run.
#[async_trait]
pub trait Interactive: Send + Sync {
    /// Runs a command beside what a container runs, and returns its exit code.
    ///
    /// # Errors
    /// `NotFound` for a workload, replica or container that is not there; what the platform answers.
    async fn exec(&self, scope: &Scope, place: &Place, exec: &Exec, streams: Streams) -> Result<i32>;

    /// Opens a connection to a port of a replica, by number.
    ///
    /// # Errors
    /// `NotFound` for a workload or replica that is not there; what the platform answers.
    async fn connect(&self, scope: &Scope, place: &Place, port: u16) -> Result<Box<dyn Duplex>>;
}

/// Which container is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The workload.
    pub workload: String,
    /// The replica, by the name or id that [`crate::Task`] has; none means one that is ready, else one that runs.
    pub task: Option<String>,
    /// The container, where a replica has several; none means the first.
    pub container: Option<String>,
}

/// A command, and how it is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exec {
    /// The command and its arguments.
    pub command: Vec<String>,
    /// It gets a terminal.
    pub tty: bool,
}

/// How large a terminal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalSize {
    /// Characters in a line.
    pub width: u16,
    /// Lines.
    pub height: u16,
}

/// What a command reads and writes. With a terminal, everything it prints comes over `stdout`.
pub struct Streams {
    /// What it reads; none means nothing.
    pub stdin: Option<Box<dyn AsyncRead + Send + Unpin>>,
    /// Where its output goes.
    pub stdout: Box<dyn AsyncWrite + Send + Unpin>,
    /// Where its errors go.
    pub stderr: Box<dyn AsyncWrite + Send + Unpin>,
    /// The terminal's size, at first and whenever it changes.
    pub resize: Option<mpsc::Receiver<TerminalSize>>,
}

impl fmt::Debug for Streams {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Streams").field("reads", &self.stdin.is_some()).finish_non_exhaustive()
    }
}

/// A connection.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}
