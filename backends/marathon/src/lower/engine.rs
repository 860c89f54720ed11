//! Which of Mesos' containerizers runs a workload.

use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Mode, MountSource, Workload};

use super::{Part, Report};

/// Which of Mesos' containerizers runs a workload.
///
/// The Docker Engine takes every option of `docker run` as a parameter; the Universal Container Runtime has files of
/// secrets, registry credentials of the secret store, graphics processors, several networks and pods. A workload that
/// needs something of both is refused.
///
/// Source: DC/OS documentation, "Mesos containerizers", the table of supported features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    /// `container.type: DOCKER`.
    Docker,
    /// `container.type: MESOS`, because of what is at this path.
    Universal { because: String },
}

impl Engine {
    /// The containerizer that has what a workload needs.
    pub(super) fn of(workload: &Workload, path: &str, parts: &[Part<'_>]) -> Self {
        let universal = |because: String| Self::Universal { because };
        if super::workload::is_pod(workload) && !matches!(workload.mode, Mode::Job | Mode::Cron) {
            let because = if parts.len() > 1 { "containers" } else { "on.marathon.Pod" };
            return universal(format!("{path}.{because}"));
        }
        for part in parts {
            let is_file = |source: &MountSource| {
                matches!(source, MountSource::Config { .. } | MountSource::Secret { .. })
            };
            if let Some((at, _)) = part.container.mounts.iter().find(|(_, mount)| is_file(&mount.source)) {
                return universal(part.at(&format!("mounts.{at}")));
            }
            if part.container.resources.gpu.is_some() {
                return universal(part.at("resources.gpu"));
            }
        }
        if workload.pull_secret.is_some() {
            return universal(format!("{path}.pullSecret"));
        }
        if workload.networks.len() > 1 {
            return universal(format!("{path}.networks"));
        }
        Self::Docker
    }

    pub(super) fn is_docker(&self) -> bool {
        *self == Self::Docker
    }

    /// The word in `container.type`.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Docker => "DOCKER",
            Self::Universal { .. } => "MESOS",
        }
    }

    /// Refuses what only the Docker Engine takes where the workload cannot run there.
    pub(super) fn need_docker(&self, path: String, what: &str, report: &mut Report) -> bool {
        let Self::Universal { because } = self else { return true };
        let what = format!("the Universal Container Runtime of Mesos has no {what}");
        report.refuse(
            Diagnostic::error(path, what)
                .why(format!(
                    "only the Docker Engine takes it, and {because} needs the Universal Container Runtime"
                ))
                .remedy("one of the two, or two workloads"),
        );
        false
    }
}
