//! What is asked of things that run.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::{Receipt, Result, Scope};

/// What is asked of things that run: their replicas, their output, their number.
#[async_trait]
pub trait Runtime: Send + Sync {
    /// The replicas of a workload, or of all; the newest of each slot first, past ones after it.
    ///
    /// # Errors
    /// `NotFound` for a workload that the release does not have.
    async fn tasks(&self, scope: &Scope, workload: Option<&str>) -> Result<Vec<Task>>;

    /// Sends the lines of a workload, or of all, to `lines` until there are no more (with `follow`: until the
    /// receiver is dropped).
    ///
    /// # Errors
    /// `NotFound` for a workload that the release does not have; `Unsupported` where the log driver keeps nothing.
    async fn logs(&self, scope: &Scope, query: &LogQuery, lines: mpsc::Sender<LogLine>) -> Result<()>;

    /// Sets the number of replicas. It stays until the chart's own number changes.
    ///
    /// # Errors
    /// `Unsupported` for modes that have no number.
    async fn scale(&self, scope: &Scope, workload: &str, replicas: u32) -> Result<Vec<Receipt>>;

    /// Replaces every replica by an equal one, as an update would.
    async fn restart(&self, scope: &Scope, workload: &str) -> Result<Vec<Receipt>>;

    /// Ends one replica that runs, as a failure would. What takes its place is the platform's own work.
    ///
    /// # Errors
    /// `NotFound` when none of its replicas runs; `Unsupported` where no single replica can be ended from here, with the
    /// reason.
    async fn kill(&self, scope: &Scope, workload: &str) -> Result<Killed>;

    /// Where a port of a workload may be reached from outside of the platform, the likeliest first. None of them is tried;
    /// nothing stands there for a port that only siblings reach.
    ///
    /// # Errors
    /// `NotFound` for a workload that the release does not have; what the platform answers.
    async fn entrances(&self, scope: &Scope, workload: &str, port: PortOf<'_>) -> Result<Vec<Entrance>> {
        let _ = (scope, workload, port);
        Ok(Vec::new())
    }
}

/// A port of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortOf<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its number inside of the container.
    pub number: u16,
}

/// A place outside of the platform that leads to a workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entrance {
    /// A name or an address.
    pub host: String,
    /// The port there.
    pub port: u16,
    /// What leads on from there, in the platform's words: `the node port of node1`.
    pub via: String,
}

/// A replica that was ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Killed {
    /// Its id, as [`Task`] has it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How it was ended, in the platform's words: `its pod was deleted without grace`.
    pub how: String,
}

/// A replica, now or in the past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// The workload that it belongs to.
    pub workload: String,
    /// The platform's id.
    pub id: String,
    /// A name that people recognise: `web.1`.
    pub name: String,
    /// The image that it runs.
    pub image: String,
    /// The node that it is on.
    pub node: Option<String>,
    /// Where it should be.
    pub desired: TaskState,
    /// Where it is.
    pub state: TaskState,
    /// The platform's own word for where it is.
    pub detail: String,
    /// When it came to be there, in RFC 3339.
    pub since: Option<String>,
    /// What went wrong.
    pub error: Option<String>,
    /// The exit code of its process.
    pub exit_code: Option<i64>,
    /// Ports of the node that lead to it: `8080->80/tcp`.
    pub ports: Vec<String>,
}

/// Where a replica is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TaskState {
    /// It waits for a node, an image or a volume.
    Pending,
    /// It is on its way up.
    Starting,
    /// It runs.
    Running,
    /// It ended with success.
    Complete,
    /// It ended without.
    Failed,
    /// It was stopped.
    Shutdown,
}

/// Which lines are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// One workload, or all.
    pub workload: Option<String>,
    /// Go on as new lines come.
    pub follow: bool,
    /// The last so many of each replica; none means all.
    pub tail: Option<u64>,
    /// From this time on, in seconds since 1970.
    pub since: Option<i64>,
}

/// One line that a replica printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogLine {
    /// The workload.
    pub workload: String,
    /// The replica: `web.1`.
    pub task: String,
    /// The time, in RFC 3339, where the platform has it.
    pub time: Option<String>,
    /// Where it was printed.
    pub stream: LogStream,
    /// The line, without its end.
    pub text: String,
}

/// Where a line was printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LogStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}
