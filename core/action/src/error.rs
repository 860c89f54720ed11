//! Why a verb did not do what it was asked.

use std::path::Path;
use std::time::Duration;

use rhumb_backend::{Error, ObjectHealth};
use rhumb_release::{Holder, Status};
use rhumb_spec::Diagnostic;

use crate::Deployed;

/// The result of a verb.
pub type ActionResult<T> = Result<T, ActionError>;

/// Why a verb did not do what it was asked. No variant holds secret values.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ActionError {
    /// What a user wrote is wrong; every finding at once, warnings among them.
    #[error("{}", first_lines(.0))]
    Diagnostics(Vec<Diagnostic>),
    /// What a platform did.
    #[error("{0}")]
    Backend(#[from] Error),
    /// Somebody else is changing the release.
    #[error("release `{release}` is being changed by {holder}")]
    Busy {
        /// The release.
        release: String,
        /// Who is changing it, with which command, since when.
        holder: Box<Holder>,
    },
    /// There is no such release.
    #[error("there is no release `{release}` in namespace `{namespace}` on target `{target}`")]
    NotFound {
        /// The name that was asked for.
        release: String,
        /// Where it was looked for.
        namespace: String,
        /// On which target.
        target: String,
        /// Releases there with names that are close.
        nearest: Vec<String>,
    },
    /// The release has no such revision, or it is not kept any more.
    #[error("release `{release}` has no revision {revision}; it has {}", numbers(.kept))]
    NoRevision {
        /// The release.
        release: String,
        /// The revision that was asked for.
        revision: u64,
        /// Those that are kept.
        kept: Vec<u64>,
    },
    /// There is nothing to go back to.
    #[error("no earlier revision of `{release}` {}", if *.oldest == 1 { "was ever deployed" } else { "that was deployed is kept" })]
    NothingBefore {
        /// The release.
        release: String,
        /// Its oldest revision that is kept.
        oldest: u64,
        /// Its latest revision.
        revision: u64,
        /// That revision's status.
        status: Status,
    },
    /// An install of a release that is there.
    #[error(
        "release `{release}` exists already (revision {revision} is {status}); change it with `rhumb upgrade`"
    )]
    AlreadyExists {
        /// The release.
        release: String,
        /// Its latest revision.
        revision: u64,
        /// That revision's status.
        status: Status,
    },
    /// Rollouts failed.
    #[error("{}", health_lines(.0))]
    WaitFailed(Vec<ObjectHealth>),
    /// Time ran out.
    #[error("not ready after {} s: {}", .after.as_secs(), health_lines(.waiting))]
    TimedOut {
        /// How long it took.
        after: Duration,
        /// What was still being waited for.
        waiting: Vec<ObjectHealth>,
    },
    /// The user ended it.
    #[error("the command was interrupted")]
    Cancelled,
    /// Somebody else took the release over, because this command gave no sign of life for too long.
    #[error("the lease on release `{release}` was lost: {why}")]
    LostLease {
        /// The release.
        release: String,
        /// What was found.
        why: String,
    },
    /// A revision was recorded, and then something failed.
    #[error("{0}")]
    Failed(Box<FailedDeployment>),
    /// A file or folder that the user named cannot be read or written.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A one-off job or a test ended without success.
    #[error("{name} failed: {why}")]
    JobFailed {
        /// The job.
        name: String,
        /// The exit code of its process, where the platform tells.
        exit_code: Option<i64>,
        /// The platform's reason.
        why: String,
    },
    /// The platform cannot do this.
    #[error("{what} is not possible on {platform}")]
    Unsupported {
        /// What was asked for.
        what: String,
        /// The platform.
        platform: String,
    },
}

/// What is known of a deployment that failed after its revision was recorded.
#[derive(Debug, thiserror::Error)]
#[error("{cause}")]
pub struct FailedDeployment {
    /// The release.
    pub release: String,
    /// The revision that failed.
    pub revision: u64,
    /// Why.
    #[source]
    pub cause: ActionError,
    /// What its record says of it then: `failed`, or `uninstalling` for a removal that did not come to its end.
    pub status: Status,
    /// Why that is not recorded, so that the revision stands as unfinished until the next command settles it; none when
    /// it is recorded.
    pub unrecorded: Option<String>,
    /// What became of it, when it was to be taken back.
    pub taken_back: Option<TakenBack>,
    /// What the user can do next.
    pub next: String,
}

/// What became of a failed deployment that was to be taken back.
#[derive(Debug)]
pub enum TakenBack {
    /// An earlier revision is back, as this new one.
    RolledBack(Box<Deployed>),
    /// Everything was removed.
    Removed,
    /// That failed too.
    Failed(Box<ActionError>),
}

impl ActionError {
    /// The error at the bottom: for a deployment that failed, why it did.
    pub fn root(&self) -> &Self {
        match self {
            Self::Failed(failed) => failed.cause.root(),
            other => other,
        }
    }

    /// A file that cannot be read or written.
    pub(crate) fn file(path: &Path, error: &std::io::Error) -> Self {
        Self::File { path: path.display().to_string(), why: error.to_string() }
    }

    /// One diagnostic as an error.
    pub fn of(diagnostic: Diagnostic) -> Self {
        Self::Diagnostics(vec![diagnostic])
    }
}

fn first_lines(diagnostics: &[Diagnostic]) -> String {
    let texts: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
    texts.join("\n")
}

fn numbers(kept: &[u64]) -> String {
    if kept.is_empty() {
        return "none".to_owned();
    }
    kept.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")
}

fn health_lines(objects: &[ObjectHealth]) -> String {
    objects.iter().map(health_line).collect::<Vec<_>>().join("; ")
}

fn health_line(health: &ObjectHealth) -> String {
    let name = health.workload.as_deref().unwrap_or(health.id.as_str());
    let counts = match (&health.workload, health.wanted) {
        (None, 0) => format!("{name}: not ready"),
        _ => format!("{name}: {} of {} ready", health.ready, health.wanted),
    };
    match &health.failure {
        Some(failure) => {
            let told = failure.reason.contains("exit code");
            let exit = failure.exit_code.filter(|_| !told).map(|code| format!(" (exit code {code})"));
            let exit = exit.unwrap_or_default();
            format!("{counts}, {}: {}{exit}", failure.task, failure.reason)
        }
        None if health.message.is_empty() => counts,
        None => format!("{counts}, {}", health.message),
    }
}
