//! What each feature becomes on Marathon and what runs beside it, and where that is documented.

use rhumb_backend::Mapping;
use rhumb_spec::Feature;

const BASICS: &str = "https://mesosphere.github.io/marathon/docs/application-basics.html";
const GROUPS: &str = "https://mesosphere.github.io/marathon/docs/application-groups.html";
const BACKOFF: &str = "https://mesosphere.github.io/marathon/docs/configure-task-handling.html";
const FLAGS: &str = "https://mesosphere.github.io/marathon/docs/command-line-flags.html";
const CONSTRAINTS: &str = "https://mesosphere.github.io/marathon/docs/constraints.html";
const DEPLOYMENTS: &str = "https://mesosphere.github.io/marathon/docs/deployments.html";
const DISCOVERY: &str = "https://mesosphere.github.io/marathon/docs/service-discovery-load-balancing.html";
const DOCKER: &str = "https://mesosphere.github.io/marathon/docs/native-docker.html";
const ENVIRONMENT: &str = "https://mesosphere.github.io/marathon/docs/task-environment-vars.html";
const EXTERNAL: &str = "https://mesosphere.github.io/marathon/docs/external-volumes.html";
const GPUS: &str = "https://mesosphere.github.io/marathon/docs/preferential-gpu-scheduling.html";
const HEALTH: &str = "https://mesosphere.github.io/marathon/docs/health-checks.html";
const LIMITS: &str = "https://mesosphere.github.io/marathon/docs/resource-limits.html";
const MAINTENANCE: &str = "https://mesosphere.github.io/marathon/docs/maintenance-mode.html";
const NETWORKING: &str = "https://mesosphere.github.io/marathon/docs/networking.html";
const PERSISTENT: &str = "https://mesosphere.github.io/marathon/docs/persistent-volumes.html";
const PODS: &str = "https://mesosphere.github.io/marathon/docs/pods.html";
const PORTS: &str = "https://mesosphere.github.io/marathon/docs/ports.html";
const READINESS: &str = "https://mesosphere.github.io/marathon/docs/readiness-checks.html";
const REGISTRY: &str = "https://mesosphere.github.io/marathon/docs/native-docker-private-registry.html";
const SECCOMP: &str = "https://mesosphere.github.io/marathon/docs/seccomp.html";
const SECRETS: &str = "https://mesosphere.github.io/marathon/docs/secrets.html";
const UNREACHABLE: &str = "https://mesosphere.github.io/marathon/docs/unreachable.html";
const METRONOME: &str = "https://github.com/dcos/metronome";
const BALANCER: &str = "https://github.com/d2iq-archive/marathon-lb";

/// What a feature becomes on Marathon. Fields are those of an app, where no pod or job is named.
#[expect(
    clippy::too_many_lines,
    clippy::match_same_arms,
    reason = "flat mapping table, in the order of subjects"
)]
pub const fn mapping(feature: Feature) -> Mapping {
    let (becomes, sources): (&'static str, &'static [&'static str]) = match feature {
        Feature::Replicated => ("an app, `instances`", &[BASICS]),
        Feature::Global => {
            ("`instances` as there are agents, and the constraint `hostname UNIQUE`", &[CONSTRAINTS])
        }
        Feature::Stateful => ("an app with a persistent volume for each ordinal", &[PERSISTENT, UNREACHABLE]),
        Feature::Job => ("a job of Metronome, or of Chronos", &[METRONOME]),
        Feature::JobRetries => ("`run.restart` of the job", &[METRONOME]),
        Feature::JobDeadline => ("`run.restart.activeDeadlineSeconds` of the job", &[METRONOME]),
        Feature::JobParallelism | Feature::JobCompletions => ("", &[METRONOME]),
        Feature::Cron => ("a schedule of the job, `cron`", &[METRONOME]),
        Feature::CronTimeZone => ("`timezone` of the schedule", &[METRONOME]),
        Feature::CronConcurrency => ("`concurrencyPolicy` of the schedule", &[METRONOME]),
        Feature::DependsOn => ("`dependencies`, and the order in which the release applies apps", &[GROUPS]),
        Feature::Sidecars => ("a pod, `containers`", &[PODS]),
        Feature::InitContainers => ("a job of Metronome before the app", &[METRONOME]),
        Feature::InitSharedVolume => ("", &[PODS]),
        Feature::Command => ("`container.docker.parameters` with `entrypoint`, or `cmd`", &[DOCKER]),
        Feature::Args => ("`args`", &[DOCKER]),
        Feature::PullSecret => ("`container.docker.pullConfig`", &[REGISTRY]),
        Feature::PullPolicy => ("`container.docker.forcePullImage`", &[DOCKER]),
        Feature::RestartPolicy => ("what Marathon does when a task ends", &[BACKOFF]),
        Feature::RestartLimits => ("`backoffSeconds`", &[BACKOFF]),
        Feature::WorkingDir => ("`container.docker.parameters` with `workdir`", &[DOCKER]),
        Feature::LifecycleHooks => ("", &[BASICS]),
        Feature::Labels | Feature::Annotations => ("`labels`", &[BASICS]),
        Feature::Env => ("`env`", &[BASICS, ENVIRONMENT]),
        Feature::EnvSecret | Feature::EnvFromSecret => ("`env` with `secret`, and `secrets`", &[SECRETS]),
        Feature::EnvConfig | Feature::EnvFromConfig => ("`env` with the text", &[BASICS]),
        Feature::EnvAddress => ("`env` with the other's virtual address or name", &[DISCOVERY]),
        Feature::EnvOrdinal => ("`env` of each ordinal's app", &[BASICS]),
        Feature::ShortNames => (
            "`container.docker.parameters` with `dns-search`, or the variable `LOCALDOMAIN`",
            &[DOCKER, DISCOVERY],
        ),
        Feature::ProbeExec => ("`healthChecks[]` of protocol COMMAND", &[HEALTH]),
        Feature::ProbeHttp => ("`healthChecks[]` of protocol MESOS_HTTP", &[HEALTH]),
        Feature::ProbeTcp => ("`healthChecks[]` of protocol MESOS_TCP", &[HEALTH]),
        Feature::ProbeGrpc => ("`healthChecks[]` of protocol COMMAND with `grpc_health_probe`", &[HEALTH]),
        Feature::ReadinessProbe | Feature::ReadinessApart => {
            ("`readinessChecks[]`, or `healthChecks[]`", &[READINESS, HEALTH])
        }
        Feature::LivenessProbe => ("`healthChecks[]`", &[HEALTH]),
        Feature::StartupProbe => ("`healthChecks[].gracePeriodSeconds`", &[HEALTH]),
        Feature::CpuReservation => ("`cpus`", &[BASICS]),
        Feature::CpuLimit => ("`resourceLimits.cpus`", &[LIMITS]),
        Feature::MemoryReservation => ("`mem`", &[BASICS]),
        Feature::MemoryLimit => ("`resourceLimits.mem`", &[LIMITS]),
        Feature::Gpu => ("`gpus`", &[GPUS, FLAGS]),
        Feature::User => ("`user`, or `container.docker.parameters` with `user`", &[DOCKER]),
        Feature::ReadOnlyRoot => ("`container.docker.parameters` with `read-only`", &[DOCKER]),
        Feature::Capabilities => ("`container.docker.parameters` with `cap-add` and `cap-drop`", &[DOCKER]),
        Feature::Privileged => ("`container.docker.privileged`", &[DOCKER]),
        Feature::Sysctls => ("`container.docker.parameters` with `sysctl`", &[DOCKER]),
        Feature::Ulimits => ("`container.docker.parameters` with `ulimit`", &[DOCKER]),
        Feature::Seccomp => ("`container.docker.parameters` with `security-opt`", &[DOCKER, SECCOMP]),
        Feature::StopSignal => ("`container.docker.parameters` with `stop-signal`", &[DOCKER]),
        Feature::StopGrace => ("`taskKillGracePeriodSeconds`", &[BASICS]),
        Feature::Logging => ("`container.docker.parameters` with `log-driver` and `log-opt`", &[DOCKER]),
        Feature::Dns => ("`container.docker.parameters` with `dns`", &[DOCKER]),
        Feature::ExtraHosts => ("`container.docker.parameters` with `add-host`", &[DOCKER]),
        Feature::Hostname => ("`container.docker.parameters` with `hostname`", &[DOCKER]),
        Feature::ConfigFiles | Feature::SecretFiles => {
            ("`container.volumes[]` with `secret`, and `secrets`", &[SECRETS])
        }
        Feature::FileMode | Feature::FileOwner => ("what the agent gives the files of secrets", &[SECRETS]),
        Feature::SubPath => ("a volume of the one file, or of the joined path", &[SECRETS]),
        Feature::StableName => ("a secret whose name ends in a hash", &[SECRETS]),
        Feature::GeneratedSecret | Feature::SecretTemplate => {
            ("a secret whose content is made once", &[SECRETS])
        }
        Feature::External => {
            ("a reference to the secret, volume or network of that name", &[SECRETS, EXTERNAL, NETWORKING])
        }
        Feature::EphemeralVolume => ("a folder of the task's sandbox, `container.volumes[]`", &[DOCKER]),
        Feature::Tmpfs => ("`container.docker.parameters` with `tmpfs`", &[DOCKER]),
        Feature::PersistentVolume => ("`container.volumes[].persistent`, and `residency`", &[PERSISTENT]),
        Feature::SharedVolume => ("`container.volumes[].external`", &[EXTERNAL]),
        Feature::VolumeClass => ("`container.volumes[].external` with the driver's name", &[EXTERNAL]),
        Feature::VolumeSize => ("`container.volumes[].persistent.size`", &[PERSISTENT]),
        Feature::HostPath => ("`container.volumes[].hostPath`", &[DOCKER]),
        Feature::KeepVolume => ("", &[PERSISTENT]),
        Feature::ExposeInternal => {
            ("the labels `VIP_0` and on of the port, or the name in Mesos-DNS", &[DISCOVERY, PORTS])
        }
        Feature::ExposeUdp => ("`portMappings[].protocol: udp`", &[PORTS]),
        Feature::ExposeNode | Feature::ExposeLoadBalancer => {
            ("`servicePort`, and labels that marathon-lb reads", &[BALANCER, PORTS])
        }
        Feature::ExposeNodeLocal => ("`portMappings[].hostPort`", &[PORTS]),
        Feature::DiscoveryDns => ("the name in Mesos-DNS on the container network", &[DISCOVERY, NETWORKING]),
        Feature::NetworkAliases => ("further labels `VIP_1` and on", &[DISCOVERY]),
        Feature::Route => {
            ("the labels `HAPROXY_0_VHOST` and `HAPROXY_0_PATH`, which marathon-lb reads", &[BALANCER])
        }
        Feature::RouteTls => ("labels that marathon-lb reads", &[BALANCER]),
        Feature::NetworkIsolation => ("`networks[]` of mode container", &[NETWORKING]),
        Feature::NetworkEncryption | Feature::NetworkInternal => ("", &[NETWORKING]),
        Feature::RollingUpdate | Feature::UpdateOrder => {
            ("`upgradeStrategy.minimumHealthCapacity` and `maximumOverCapacity`", &[DEPLOYMENTS])
        }
        Feature::UpdateDelay | Feature::UpdateMonitor => ("", &[DEPLOYMENTS]),
        Feature::RollbackOnFailure | Feature::FailureAction => {
            ("the release's own rollback of the deployment", &[DEPLOYMENTS])
        }
        Feature::RollbackConfig => ("a deployment of the revision before", &[DEPLOYMENTS]),
        Feature::Recreate => ("`upgradeStrategy` with both shares 0", &[DEPLOYMENTS]),
        Feature::BlueGreen | Feature::Canary => ("", &[DEPLOYMENTS]),
        Feature::Autoscale | Feature::AutoscaleCustom => ("", &[BASICS]),
        Feature::DisruptionBudget => ("", &[MAINTENANCE]),
        Feature::NodeConstraint => ("`constraints` with IS, LIKE and UNLIKE", &[CONSTRAINTS]),
        Feature::Spread => ("`constraints` with GROUP_BY", &[CONSTRAINTS]),
        Feature::MaxPerNode => ("`constraints` with MAX_PER", &[CONSTRAINTS]),
        Feature::Near | Feature::Tolerations => ("", &[CONSTRAINTS]),
        Feature::Away => ("`constraints` with `hostname UNIQUE`", &[CONSTRAINTS]),
        Feature::OsArch => ("`constraints` on the attributes `os` and `arch`", &[CONSTRAINTS]),
        Feature::Identity => ("", &[SECRETS]),
        Feature::PlatformPatch | Feature::Native => ("the app or pod as it is written", &[BASICS, PODS]),
    };
    Mapping::new(becomes, sources)
}
