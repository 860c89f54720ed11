//! What Swarm makes of each feature.

use rhumb_backend::Support;
use rhumb_spec::Feature;

use crate::facts::SwarmFacts;

const NATIVE: Support = Support::Native;

const fn emulated(loss: &'static str) -> Support {
    Support::Emulated { loss }
}

const fn unsupported(why: &'static str, instead: &'static str) -> Support {
    Support::Unsupported { why, instead }
}

/// Native from this minor version of API 1 on, and not at all before.
fn since(minor: u32, facts: &SwarmFacts, why: &'static str, instead: &'static str) -> Support {
    if facts.speaks(minor) { NATIVE } else { unsupported(why, instead) }
}

/// What Swarm makes of a feature, on an engine and beside the helpers that the facts name.
///
/// Sources, where an arm names no other: the Engine API reference, `ServiceCreate` and its version history;
/// docs.docker.com, "Deploy services to a swarm".
#[expect(
    clippy::too_many_lines,
    clippy::match_same_arms,
    reason = "flat mapping table, in the order of subjects"
)]
pub fn support(feature: Feature, facts: &SwarmFacts) -> Support {
    match feature {
        Feature::Replicated | Feature::Global => NATIVE,
        Feature::Stateful => emulated(
            "one service for each replica, each with a volume of its own and pinned to the node that has it; no \
             replica moves to another node by itself",
        ),
        // API 1.41 added the modes ReplicatedJob and GlobalJob.
        Feature::Job | Feature::JobParallelism | Feature::JobCompletions | Feature::JobRetries => {
            since(41, facts, "the engine knows jobs from API 1.41 (Docker 20.10) on", "a newer engine")
        }
        Feature::JobDeadline => unsupported(
            "Swarm ends no job by the clock",
            "`timeout` in the job's own command, or no deadline",
        ),
        // github.com/crazy-max/swarm-cronjob, "Service labels".
        Feature::Cron if facts.cronjob => emulated(
            "swarm-cronjob starts it by labels; a run that has not ended is ended by the next one unless \
             `concurrency: forbid` is set, an upgrade that changes it ends a run, and past runs leave no record but \
             the service's tasks",
        ),
        Feature::CronTimeZone if facts.cronjob => {
            emulated("handed to swarm-cronjob in the schedule, as `CRON_TZ=`")
        }
        Feature::CronConcurrency if facts.cronjob => {
            emulated("swarm-cronjob can leave a run out or replace it")
        }
        Feature::Cron | Feature::CronTimeZone | Feature::CronConcurrency => unsupported(
            "Swarm starts nothing by the clock, and swarm-cronjob does not run in this swarm",
            "swarm-cronjob (deploy its service first), or a scheduler inside a replicated workload",
        ),
        Feature::DependsOn => NATIVE,
        Feature::Sidecars => unsupported(
            "a task of Swarm is one container",
            "a workload of its own for each container; they reach each other by name",
        ),
        Feature::InitContainers => emulated(
            "a job of its own before the service, once for each content and not before each replica; on any node, \
             with the same networks and volumes",
        ),
        Feature::InitSharedVolume => unsupported(
            "a job before the service shares no task with it, so no ephemeral folder either",
            "a volume, or the work done by the main container's own command",
        ),
        Feature::Command | Feature::Args | Feature::WorkingDir => NATIVE,
        // Engine API, ServiceCreate, header X-Registry-Auth.
        Feature::PullSecret => NATIVE,
        Feature::PullPolicy => emulated(
            "every node asks the registry at each start of a task and goes on with what it has when that fails; \
             tags are resolved to digests by `--resolve-image`",
        ),
        Feature::RestartPolicy | Feature::RestartLimits => NATIVE,
        Feature::LifecycleHooks => unsupported(
            "Swarm runs nothing after a start or before a stop",
            "an entry point that does the first, and handles the stop signal for the second",
        ),
        Feature::Labels | Feature::Annotations | Feature::Env => NATIVE,
        Feature::EnvSecret | Feature::EnvFromSecret => emulated(
            "the secret is a file, which /bin/sh exports in front of the command, or whose path NAME_FILE holds",
        ),
        Feature::EnvConfig | Feature::EnvFromConfig => {
            emulated("the text is copied into the service, which a change of the config rolls")
        }
        Feature::EnvAddress | Feature::ShortNames => NATIVE,
        // docs.docker.com, "Create services using templates"; slots count from 1, so lowering subtracts.
        Feature::EnvOrdinal => NATIVE,
        Feature::ProbeExec => NATIVE,
        Feature::ProbeHttp => {
            emulated("a command in the container, which needs /bin/sh and either curl or wget there")
        }
        Feature::ProbeTcp => {
            emulated("a command in the container, which needs /bin/sh and either nc or bash there")
        }
        Feature::ProbeGrpc => emulated("the command `grpc_health_probe`, which must be in the container"),
        Feature::ReadinessProbe => emulated(
            "the one health check: a task takes traffic once it is healthy, and is replaced when it is not",
        ),
        Feature::LivenessProbe => emulated(
            "the one health check: a task is replaced when it is unhealthy, and takes no traffic before",
        ),
        Feature::ReadinessApart => emulated(
            "one check for both: it asks what `ready` asks, and a task is replaced after the greater number of \
             failures",
        ),
        Feature::StartupProbe => emulated("the time in which failures of the one health check do not count"),
        Feature::CpuReservation | Feature::CpuLimit | Feature::MemoryReservation | Feature::MemoryLimit => {
            NATIVE
        }
        // Resources.Reservations.GenericResources.
        Feature::Gpu => NATIVE,
        Feature::User | Feature::ReadOnlyRoot => NATIVE,
        Feature::Capabilities => {
            since(41, facts, "services take capabilities from API 1.41 (Docker 20.10) on", "a newer engine")
        }
        Feature::Privileged => unsupported(
            "a service has no privileged mode",
            "`security.capabilities.add` with the capabilities that it needs",
        ),
        Feature::Sysctls => {
            since(40, facts, "services take sysctls from API 1.40 (Docker 19.03) on", "a newer engine")
        }
        Feature::Ulimits => {
            since(41, facts, "services take ulimits from API 1.41 (Docker 20.10) on", "a newer engine")
        }
        Feature::Seccomp => since(
            46,
            facts,
            "services take a seccomp profile from API 1.46 (Docker 27) on",
            "the engine's own `seccomp-profile` in daemon.json on the nodes",
        ),
        Feature::StopSignal | Feature::StopGrace | Feature::Logging => NATIVE,
        Feature::Dns | Feature::ExtraHosts | Feature::Hostname => NATIVE,
        // docs.docker.com, "Store configuration data using Docker Configs", "Manage sensitive data with Docker secrets".
        Feature::ConfigFiles | Feature::SecretFiles | Feature::FileMode | Feature::FileOwner => NATIVE,
        Feature::SubPath => emulated(
            "one file of a config or secret, or a folder joined to a host path; a folder of a volume from API 1.45 \
             (Docker 26) on",
        ),
        Feature::StableName => emulated(
            "the object's name ends in a hash of its content all the same, since configs and secrets of Swarm never \
             change; the files keep their names",
        ),
        Feature::GeneratedSecret | Feature::SecretTemplate | Feature::External => NATIVE,
        // A mount of type volume without a source; a mount of type tmpfs.
        Feature::EphemeralVolume | Feature::Tmpfs => NATIVE,
        // docs.docker.com, "Deploy services to a swarm", "Data volumes": a local volume is on one node.
        Feature::PersistentVolume => emulated(
            "a local volume of one node, to which its workloads are pinned; it is not moved when the node is lost. \
             With `nfs` or a driver in `class` nothing is pinned",
        ),
        Feature::SharedVolume => emulated(
            "every node mounts it by the volume's `nfs` or the driver in its `class`, and needs that driver",
        ),
        Feature::VolumeClass => NATIVE,
        Feature::VolumeSize => {
            emulated("nothing holds a volume to its size; a driver may take it among its options")
        }
        Feature::HostPath => NATIVE,
        Feature::KeepVolume => NATIVE,
        // docs.docker.com, "Manage swarm service networks": every port of a task is open on its overlay networks.
        Feature::ExposeInternal | Feature::ExposeUdp => NATIVE,
        Feature::ExposeNode | Feature::ExposeNodeLocal => NATIVE,
        Feature::ExposeLoadBalancer => {
            emulated("a port of every node (ingress), for a load balancer of yours to lead to")
        }
        Feature::DiscoveryDns | Feature::NetworkAliases => NATIVE,
        // doc.traefik.io, "Docker Swarm provider" and "Routers".
        Feature::Route if facts.traefik.is_some() => {
            emulated("labels on the service, by which the Traefik of this swarm leads to it")
        }
        Feature::RouteTls if facts.traefik.is_some() => {
            emulated("Traefik's own certificate or its certificate resolver; it reads no secret of Swarm")
        }
        Feature::Route | Feature::RouteTls => unsupported(
            "Swarm has no HTTP router, and no Traefik runs in this swarm",
            "Traefik with its Swarm provider (deploy it first), or `expose` with `as: node`",
        ),
        // Engine API, NetworkCreate.
        Feature::NetworkIsolation | Feature::NetworkEncryption | Feature::NetworkInternal => NATIVE,
        Feature::RollingUpdate | Feature::UpdateDelay | Feature::UpdateOrder | Feature::UpdateMonitor => {
            NATIVE
        }
        Feature::RollbackOnFailure | Feature::FailureAction | Feature::RollbackConfig => NATIVE,
        Feature::Recreate => emulated("an update of all tasks at once, old ones stopped first"),
        Feature::BlueGreen => unsupported(
            "a service has one version at a time, and moving its name to a second one restarts both",
            "`strategy: rolling` with `order: startFirst`",
        ),
        Feature::Canary => unsupported(
            "Swarm's load balancing has no weights",
            "`strategy: rolling` with `parallelism: 1`, `monitor` and `onFailure: rollback`",
        ),
        Feature::Autoscale | Feature::AutoscaleCustom => {
            unsupported("Swarm changes no replica count by itself", "a fixed number in `replicas`")
        }
        Feature::DisruptionBudget => unsupported(
            "draining a node of Swarm waits for nobody",
            "enough `replicas`, spread over nodes, and nodes drained one at a time",
        ),
        Feature::NodeConstraint | Feature::Spread => NATIVE,
        Feature::MaxPerNode => since(
            40,
            facts,
            "the engine limits replicas per node from API 1.40 (Docker 19.03) on",
            "a newer engine",
        ),
        Feature::Near => unsupported(
            "Swarm places no task by where another is",
            "the same `placement.nodes` on both workloads, by a label that the nodes bear",
        ),
        Feature::Away => emulated(
            "replicas of one workload are kept apart, one on each node; apart from another workload they are only by \
             `placement.nodes`",
        ),
        Feature::Tolerations => {
            unsupported("nodes of Swarm have no taints", "`placement.nodes` on node labels")
        }
        Feature::OsArch => NATIVE,
        Feature::Identity => unsupported(
            "services have no identity",
            "a secret with credentials, or the identity of the nodes",
        ),
        Feature::PlatformPatch | Feature::Native => NATIVE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(version: &str) -> SwarmFacts {
        SwarmFacts { api_version: version.to_owned(), ..SwarmFacts::default() }
    }

    #[test]
    fn older_engines_lack_what_came_later() {
        let is_refused =
            |feature, version: &str| matches!(support(feature, &api(version)), Support::Unsupported { .. });
        for (feature, minor) in [
            (Feature::Job, 41),
            (Feature::Ulimits, 41),
            (Feature::Capabilities, 41),
            (Feature::Sysctls, 40),
            (Feature::MaxPerNode, 40),
            (Feature::Seccomp, 46),
        ] {
            assert!(is_refused(feature, &format!("1.{}", minor - 1)), "{feature}");
            assert_eq!(support(feature, &api(&format!("1.{minor}"))), Support::Native, "{feature}");
        }
    }

    #[test]
    fn helpers_must_run_in_the_swarm() {
        let bare = SwarmFacts { traefik: None, cronjob: false, ..SwarmFacts::default() };
        for feature in [Feature::Route, Feature::RouteTls, Feature::Cron, Feature::CronTimeZone] {
            assert!(matches!(support(feature, &bare), Support::Unsupported { .. }), "{feature}");
            assert!(
                matches!(support(feature, &SwarmFacts::default()), Support::Emulated { .. }),
                "{feature}"
            );
        }
    }
}
