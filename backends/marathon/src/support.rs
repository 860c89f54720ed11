//! What Marathon makes of each feature.

use rhumb_backend::Support;
use rhumb_spec::Feature;

use crate::facts::{MarathonFacts, Naming};

const NATIVE: Support = Support::Native;

const fn emulated(loss: &'static str) -> Support {
    Support::Emulated { loss }
}

const fn unsupported(why: &'static str, instead: &'static str) -> Support {
    Support::Unsupported { why, instead }
}

/// An answer that holds where something is there.
fn where_there(is_there: bool, answer: Support, why: &'static str, instead: &'static str) -> Support {
    if is_there { answer } else { unsupported(why, instead) }
}

/// What needs the secret store.
fn with_store(facts: &MarathonFacts, answer: Support) -> Support {
    where_there(
        facts.secrets,
        answer,
        "this cluster has no secret store, or Marathon's feature `secrets` is off",
        "a DC/OS with the secret store; a config as variables (`envFrom`); or an image with the file inside",
    )
}

/// What needs Metronome.
fn with_jobs(facts: &MarathonFacts, answer: Support) -> Support {
    where_there(
        facts.metronome,
        answer,
        "Marathon starts anew whatever ends, and Metronome is not there to run jobs",
        "Metronome (the setting `metronome` of the target says where it is), or a replicated workload that waits when it is done",
    )
}

/// What needs something that starts jobs by the clock.
fn with_schedules(facts: &MarathonFacts, answer: Support) -> Support {
    where_there(
        facts.metronome || facts.chronos,
        answer,
        "Marathon starts nothing by the clock, and neither Metronome nor Chronos is there",
        "Metronome (the setting `metronome` of the target says where it is), or a scheduler inside a replicated workload",
    )
}

/// What needs virtual addresses.
fn with_vips(facts: &MarathonFacts, answer: Support) -> Support {
    where_there(
        facts.naming == Naming::Vip,
        answer,
        "names of Mesos-DNS are made of workload, release and namespace, and nothing can be added to them",
        "the whole name, by `env` with `address`; or a DC/OS with virtual addresses (`naming: vip` of the target)",
    )
}

/// What Marathon makes of a feature, beside what the facts say is there.
///
/// Sources, where an arm names no other: Marathon REST API (`docs/docs/rest-api` of github.com/mesosphere/marathon); DC/OS
/// documentation, "Deploying services and pods"; docs.docker.com, `docker container run`.
#[expect(
    clippy::too_many_lines,
    clippy::match_same_arms,
    reason = "flat mapping table, in the order of subjects"
)]
pub fn support(feature: Feature, facts: &MarathonFacts) -> Support {
    match feature {
        Feature::Replicated => NATIVE,
        Feature::Global => emulated(
            "as many replicas as agents were counted, each on its own; an agent that comes later waits for an upgrade",
        ),
        Feature::Stateful => emulated(
            "one app for each replica, with a volume of its own on the agent that first ran it; it waits for that agent \
             and moves to no other",
        ),
        Feature::Job => with_jobs(facts, NATIVE),
        // Metronome REST API, `restart`.
        // Chronos documentation, "Job configuration", `retries`.
        Feature::JobRetries if facts.chronos && !facts.metronome => NATIVE,
        Feature::JobRetries => {
            with_jobs(facts, emulated("a failed run is started again for a time, and tries are not counted"))
        }
        Feature::JobDeadline => with_jobs(
            facts,
            emulated("a run that failed is not started again after it; one that goes on is not ended"),
        ),
        Feature::JobParallelism | Feature::JobCompletions => unsupported(
            "a run of Metronome is one task",
            "a workload for each part, or one job that does all of it",
        ),
        Feature::Cron if facts.metronome => NATIVE,
        Feature::Cron => with_schedules(
            facts,
            emulated("Chronos starts it by an interval from a first time on, which some schedules are not"),
        ),
        Feature::CronTimeZone => with_schedules(facts, NATIVE),
        Feature::CronConcurrency => with_schedules(
            facts,
            emulated(
                "a run can be left out while another goes on (`forbid`); none is ended for the next one",
            ),
        ),
        Feature::DependsOn => NATIVE,
        Feature::Sidecars => NATIVE,
        Feature::InitContainers => emulated(
            "a job of Metronome before the app, once for each content and not before each replica; on any agent, with \
             the same networks",
        ),
        Feature::InitSharedVolume => unsupported(
            "a job before the app shares no sandbox with it, so no ephemeral folder either",
            "the work done by the main container's own command",
        ),
        // Marathon has no field for it; `docker run --entrypoint`, or `cmd`, which a shell starts.
        Feature::Command => emulated(
            "an option of the Docker Engine; where a workload needs the Universal Container Runtime, /bin/sh of the \
             image starts it",
        ),
        Feature::Args => NATIVE,
        Feature::PullSecret => with_store(facts, NATIVE),
        Feature::PullPolicy => NATIVE,
        Feature::RestartPolicy => emulated("Marathon starts anew whatever ends, also without failure"),
        Feature::RestartLimits => emulated("the delay before a start; attempts are not counted"),
        Feature::WorkingDir => NATIVE,
        Feature::LifecycleHooks => unsupported(
            "Marathon runs nothing after a start or before a stop",
            "an entry point that does the first, and handles the stop signal for the second",
        ),
        Feature::Labels => NATIVE,
        Feature::Annotations => emulated("they are labels, since Marathon has no other notes"),
        Feature::Env => NATIVE,
        Feature::EnvSecret | Feature::EnvFromSecret => with_store(facts, NATIVE),
        Feature::EnvConfig | Feature::EnvFromConfig => {
            emulated("the text is copied into the app, which a change of the config rolls")
        }
        Feature::EnvAddress => NATIVE,
        Feature::EnvOrdinal => emulated("the number is text in the app of each replica"),
        Feature::ShortNames => with_vips(
            facts,
            emulated(
                "a search domain of the resolver completes bare names, at the ports that siblings expose",
            ),
        ),
        Feature::ProbeExec | Feature::ProbeHttp | Feature::ProbeTcp => NATIVE,
        Feature::ProbeGrpc => emulated("the command `grpc_health_probe`, which must be in the container"),
        Feature::ReadinessProbe => emulated(
            "HTTP is asked of a new replica until it answers once, and not later; other questions are the health check, \
             which replaces what does not answer",
        ),
        Feature::LivenessProbe => NATIVE,
        Feature::ReadinessApart => emulated(
            "apart where readiness is asked over HTTP of an app; else one check for both, which asks what `ready` asks \
             and has the greater number of failures",
        ),
        Feature::StartupProbe => emulated("the time in which failures of the health check do not count"),
        Feature::CpuReservation | Feature::MemoryReservation => NATIVE,
        Feature::CpuLimit if facts.speaks(1, 10) => NATIVE,
        Feature::CpuLimit => emulated("agents hold a task to what it is promised, where they do at all"),
        Feature::MemoryLimit if facts.speaks(1, 10) => NATIVE,
        Feature::MemoryLimit => emulated("all of it is promised: a task of this Marathon has one amount"),
        Feature::Gpu => where_there(
            facts.gpus,
            NATIVE,
            "Marathon's feature `gpu_resources` is off",
            "`--enable_features gpu_resources` of Marathon, and agents that offer them",
        ),
        Feature::User
        | Feature::ReadOnlyRoot
        | Feature::Capabilities
        | Feature::Privileged
        | Feature::Sysctls
        | Feature::Ulimits
        | Feature::Seccomp => NATIVE,
        Feature::StopSignal => emulated(
            "an option of the Docker Engine; the Universal Container Runtime, where a workload needs it, sends SIGTERM",
        ),
        Feature::StopGrace | Feature::Logging | Feature::Dns | Feature::ExtraHosts | Feature::Hostname => {
            NATIVE
        }
        Feature::ConfigFiles => with_store(
            facts,
            emulated(
                "files of the secret store, for which the workload runs in the Universal Container Runtime",
            ),
        ),
        Feature::SecretFiles => with_store(facts, NATIVE),
        Feature::FileMode => emulated("the agent writes the files of the secret store, with its own mode"),
        Feature::FileOwner => emulated("the agent writes the files of the secret store, with its own owner"),
        Feature::SubPath => {
            emulated("one file of a config or secret, or a folder joined to a path of the sandbox or agent")
        }
        Feature::StableName => emulated(
            "the name in the secret store ends in a hash of the content all the same; files keep their names",
        ),
        Feature::GeneratedSecret | Feature::SecretTemplate => with_store(facts, NATIVE),
        Feature::External => NATIVE,
        Feature::EphemeralVolume => {
            emulated("a folder of the task's sandbox, which the agent keeps for a while after its end")
        }
        Feature::Tmpfs => emulated(
            "an option of the Docker Engine; where a workload needs the Universal Container Runtime, a folder of the \
             sandbox, on disk",
        ),
        Feature::PersistentVolume => emulated(
            "a volume on the agent that first ran the task, which waits for that agent; or of a driver by `class` and `nfs`",
        ),
        Feature::SharedVolume => where_there(
            facts.external_volumes,
            emulated(
                "every agent mounts it by the volume's `nfs` or the driver in its `class`, and needs that driver",
            ),
            "Marathon's feature `external_volumes` is off",
            "`--enable_features external_volumes` of Marathon, or a host path that all agents share",
        ),
        Feature::VolumeClass => where_there(
            facts.external_volumes,
            NATIVE,
            "Marathon's feature `external_volumes` is off",
            "a volume without `class`, or `--enable_features external_volumes` of Marathon",
        ),
        Feature::VolumeSize => NATIVE,
        Feature::HostPath => NATIVE,
        Feature::KeepVolume => unsupported(
            "Marathon removes a persistent volume with its app",
            "a volume with a `class` of a driver or `nfs`, which nothing removes, without `keep`",
        ),
        Feature::ExposeInternal | Feature::ExposeUdp => NATIVE,
        Feature::ExposeNode => emulated("marathon-lb opens the port on the agents that it runs on"),
        Feature::ExposeNodeLocal => NATIVE,
        Feature::ExposeLoadBalancer => emulated(
            "marathon-lb opens the port on the agents that it runs on, for a load balancer of yours to lead to",
        ),
        Feature::DiscoveryDns => where_there(
            facts.network.is_some(),
            NATIVE,
            "workloads have no addresses of their own on the bridge of their agent",
            "`network` of the target with the agents' virtual network, or virtual addresses",
        ),
        Feature::NetworkAliases => with_vips(facts, emulated("further virtual addresses, on every network")),
        Feature::Route => emulated("labels of the app, by which marathon-lb leads to it"),
        Feature::RouteTls => emulated(
            "marathon-lb shows the certificates that it was started with, and sends plain HTTP on to HTTPS",
        ),
        Feature::NetworkIsolation => where_there(
            facts.network.is_some(),
            emulated("Marathon makes no networks: workloads join those of the agents that are called so"),
            "workloads share the bridge of their agent",
            "`network` of the target with the agents' virtual network, or no Network document",
        ),
        Feature::NetworkEncryption | Feature::NetworkInternal => unsupported(
            "networks are set up on the agents, and Marathon only joins them by name",
            "a network that is set up so on the agents, with `external: true`",
        ),
        Feature::RollingUpdate => NATIVE,
        Feature::UpdateDelay => unsupported(
            "a deployment goes on as soon as the new replicas are healthy",
            "a health check, or a readiness probe over HTTP that says yes after that time",
        ),
        Feature::UpdateOrder => {
            emulated("the shares of replicas that may be missing or be there beside the others")
        }
        Feature::UpdateMonitor => unsupported(
            "a new replica counts as soon as it is healthy",
            "a health check, or a readiness probe over HTTP that says yes after that time",
        ),
        // The release engine brings back the revision before.
        Feature::RollbackOnFailure => NATIVE,
        Feature::FailureAction => {
            emulated("a deployment goes on until it succeeds or somebody takes it back")
        }
        Feature::RollbackConfig => {
            emulated("a rollback is a deployment of the revision before, and goes as deployments go")
        }
        Feature::Recreate => {
            emulated("all replicas stop at once, and the new ones start (both shares are 0)")
        }
        Feature::BlueGreen => unsupported(
            "an app has one version at a time, whose replicas a deployment replaces",
            "`strategy: rolling` with `maxSurge: 100%` and `maxUnavailable: 0`",
        ),
        Feature::Canary => unsupported(
            "virtual addresses and marathon-lb have no weights for versions",
            "`strategy: rolling` with `maxSurge: 1`, `maxUnavailable: 0` and `onFailure: rollback`",
        ),
        Feature::Autoscale | Feature::AutoscaleCustom => {
            unsupported("Marathon changes no number of instances by itself", "a fixed number in `replicas`")
        }
        Feature::DisruptionBudget => unsupported(
            "draining an agent of Mesos waits for no app",
            "enough `replicas`, spread over agents, and agents drained one at a time",
        ),
        Feature::NodeConstraint | Feature::Spread | Feature::MaxPerNode => NATIVE,
        Feature::Near => unsupported(
            "Marathon places no app by where another is",
            "the same `placement.nodes` on both workloads, by an attribute of the agents; or one workload with both containers",
        ),
        Feature::Away => emulated(
            "replicas of one workload are kept apart; apart from another workload they are only by `placement.nodes`",
        ),
        Feature::Tolerations => {
            unsupported("agents of Mesos have no taints", "`placement.nodes` on attributes of the agents")
        }
        Feature::OsArch => {
            emulated("agents are Linux; anything else must be in their attributes `os` and `arch`")
        }
        Feature::Identity => unsupported(
            "apps of Marathon have no identity",
            "a secret with the credentials of a service account",
        ),
        Feature::PlatformPatch | Feature::Native => NATIVE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(feature: Feature, facts: &MarathonFacts) -> bool {
        matches!(support(feature, facts), Support::Unsupported { .. })
    }

    #[test]
    fn what_is_not_there_is_refused() {
        let full = MarathonFacts::default();
        let no_jobs = MarathonFacts { metronome: false, ..full.clone() };
        let bridge = MarathonFacts { network: None, ..full.clone() };
        let dns = MarathonFacts { naming: Naming::MesosDns, ..full.clone() };
        let no_store = MarathonFacts { secrets: false, ..full.clone() };
        let no_drivers = MarathonFacts { external_volumes: false, ..full.clone() };
        for (feature, lacking) in [
            (Feature::Job, &no_jobs),
            (Feature::JobRetries, &no_jobs),
            (Feature::Cron, &no_jobs),
            (Feature::EnvSecret, &no_store),
            (Feature::SecretFiles, &no_store),
            (Feature::ConfigFiles, &no_store),
            (Feature::PullSecret, &no_store),
            (Feature::GeneratedSecret, &no_store),
            (Feature::ShortNames, &dns),
            (Feature::NetworkAliases, &dns),
            (Feature::DiscoveryDns, &bridge),
            (Feature::NetworkIsolation, &bridge),
            (Feature::SharedVolume, &no_drivers),
            (Feature::VolumeClass, &no_drivers),
        ] {
            assert!(is_refused(feature, lacking), "{feature}");
            assert!(!is_refused(feature, &full), "{feature}");
        }
    }

    #[test]
    fn chronos_takes_schedules_where_only_that_is_there() {
        let facts = MarathonFacts { metronome: false, chronos: true, ..MarathonFacts::default() };
        assert!(matches!(support(Feature::Cron, &facts), Support::Emulated { .. }));
        assert!(is_refused(Feature::Job, &facts));
        assert_eq!(support(Feature::Cron, &MarathonFacts::default()), Support::Native);
    }

    #[test]
    fn limits_came_with_a_version() {
        let old = MarathonFacts { version: "1.9.139".to_owned(), ..MarathonFacts::default() };
        assert!(matches!(support(Feature::MemoryLimit, &old), Support::Emulated { .. }));
        assert_eq!(support(Feature::MemoryLimit, &MarathonFacts::default()), Support::Native);
    }
}
