//! What each feature becomes on Docker Swarm, and where that is documented.

use rhumb_backend::Mapping;
use rhumb_spec::Feature;

const SERVICES: &str = "https://docs.docker.com/engine/swarm/services/";
const CREATE: &str = "https://docs.docker.com/reference/cli/docker/service/create/";
const HISTORY: &str = "https://docs.docker.com/reference/api/engine/version-history/";
const CONFIGS: &str = "https://docs.docker.com/engine/swarm/configs/";
const SECRETS: &str = "https://docs.docker.com/engine/swarm/secrets/";
const NETWORKING: &str = "https://docs.docker.com/engine/swarm/networking/";
const INGRESS: &str = "https://docs.docker.com/engine/swarm/ingress/";
const NODES: &str = "https://docs.docker.com/engine/swarm/manage-nodes/";
const DRAIN: &str = "https://docs.docker.com/engine/swarm/swarm-tutorial/drain-node/";
const VOLUMES: &str = "https://docs.docker.com/engine/storage/volumes/";
const TMPFS: &str = "https://docs.docker.com/engine/storage/tmpfs/";
const BIND: &str = "https://docs.docker.com/engine/storage/bind-mounts/";
const HEALTH: &str = "https://docs.docker.com/reference/dockerfile/#healthcheck";
const LOGGING: &str = "https://docs.docker.com/engine/logging/configure/";
const SECCOMP: &str = "https://docs.docker.com/engine/security/seccomp/";
const CRON_JOB: &str = "https://crazymax.dev/swarm-cronjob/";
const TRAEFIK: &str = "https://doc.traefik.io/traefik/providers/swarm/";
const STACKS: &str = "https://docs.docker.com/engine/swarm/stack-deploy/";

/// What a feature becomes on Swarm. Fields are those of the Engine API's `ServiceSpec`.
#[expect(
    clippy::too_many_lines,
    clippy::match_same_arms,
    reason = "flat mapping table, in the order of subjects"
)]
pub const fn mapping(feature: Feature) -> Mapping {
    let (becomes, sources): (&'static str, &'static [&'static str]) = match feature {
        Feature::Replicated => ("a service, `Mode.Replicated`", &[SERVICES]),
        Feature::Global => ("a service, `Mode.Global`", &[SERVICES]),
        Feature::Stateful => (
            "a service and a volume for each ordinal, pinned by `Placement.Constraints`",
            &[SERVICES, VOLUMES],
        ),
        Feature::Job => ("a service, `Mode.ReplicatedJob`", &[CREATE]),
        Feature::JobRetries => ("`RestartPolicy.MaxAttempts`", &[CREATE]),
        Feature::JobDeadline => ("", &[CREATE]),
        Feature::JobParallelism => ("`Mode.ReplicatedJob.MaxConcurrent`", &[CREATE]),
        Feature::JobCompletions => ("`Mode.ReplicatedJob.TotalCompletions`", &[CREATE]),
        Feature::Cron | Feature::CronTimeZone | Feature::CronConcurrency => {
            ("labels of the service that swarm-cronjob reads", &[CRON_JOB])
        }
        Feature::DependsOn => {
            ("the order in which the release applies services and waits for them", &[STACKS])
        }
        Feature::Sidecars | Feature::InitSharedVolume => ("", &[SERVICES]),
        Feature::InitContainers => ("a job before the service, `Mode.ReplicatedJob`", &[CREATE]),
        Feature::Command => ("`ContainerSpec.Command`", &[CREATE]),
        Feature::Args => ("`ContainerSpec.Args`", &[CREATE]),
        Feature::PullSecret => ("the header `X-Registry-Auth` of each create and update", &[CREATE]),
        Feature::PullPolicy => ("a tag that is resolved to a digest, or not", &[SERVICES]),
        Feature::RestartPolicy => ("`RestartPolicy.Condition`", &[CREATE]),
        Feature::RestartLimits => ("`RestartPolicy.Delay`, `MaxAttempts` and `Window`", &[CREATE]),
        Feature::WorkingDir => ("`ContainerSpec.Dir`", &[CREATE]),
        Feature::LifecycleHooks => ("", &[CREATE]),
        Feature::Labels => ("`Labels` of the service and of its containers", &[CREATE]),
        Feature::Annotations => ("`Labels` of the service", &[CREATE]),
        Feature::Env => ("`ContainerSpec.Env`", &[CREATE]),
        Feature::EnvSecret | Feature::EnvFromSecret => {
            ("a secret's file, read by the container's entry point", &[SECRETS])
        }
        Feature::EnvConfig | Feature::EnvFromConfig => ("`ContainerSpec.Env` with the text", &[CREATE]),
        Feature::EnvAddress => {
            ("`ContainerSpec.Env` with the other service's name on the network", &[NETWORKING])
        }
        Feature::EnvOrdinal => ("`ContainerSpec.Env` with `{{.Task.Slot}}`", &[CREATE]),
        Feature::ShortNames => ("`Networks[].Aliases`", &[NETWORKING]),
        Feature::ProbeExec | Feature::ProbeHttp | Feature::ProbeTcp | Feature::ProbeGrpc => {
            ("`ContainerSpec.Healthcheck.Test`", &[HEALTH])
        }
        Feature::ReadinessProbe | Feature::LivenessProbe | Feature::ReadinessApart => {
            ("the one `ContainerSpec.Healthcheck`", &[HEALTH])
        }
        Feature::StartupProbe => ("`ContainerSpec.Healthcheck.StartPeriod`", &[HEALTH]),
        Feature::CpuReservation => ("`Resources.Reservations.NanoCPUs`", &[SERVICES]),
        Feature::CpuLimit => ("`Resources.Limits.NanoCPUs`", &[SERVICES]),
        Feature::MemoryReservation => ("`Resources.Reservations.MemoryBytes`", &[SERVICES]),
        Feature::MemoryLimit => ("`Resources.Limits.MemoryBytes`", &[SERVICES]),
        Feature::Gpu => ("`Resources.Reservations.GenericResources`", &[CREATE]),
        Feature::User => ("`ContainerSpec.User`", &[CREATE]),
        Feature::ReadOnlyRoot => ("`ContainerSpec.ReadOnly`", &[CREATE]),
        Feature::Capabilities => ("`ContainerSpec.CapabilityAdd` and `CapabilityDrop`", &[CREATE, HISTORY]),
        Feature::Privileged => ("", &[CREATE]),
        Feature::Sysctls => ("`ContainerSpec.Sysctls`", &[CREATE, HISTORY]),
        Feature::Ulimits => ("`ContainerSpec.Ulimits`", &[CREATE, HISTORY]),
        Feature::Seccomp => ("`ContainerSpec.Privileges.Seccomp`", &[SECCOMP, HISTORY]),
        Feature::StopSignal => ("`ContainerSpec.StopSignal`", &[CREATE]),
        Feature::StopGrace => ("`ContainerSpec.StopGracePeriod`", &[CREATE]),
        Feature::Logging => ("`LogDriver`", &[LOGGING]),
        Feature::Dns => ("`ContainerSpec.DNSConfig`", &[CREATE]),
        Feature::ExtraHosts => ("`ContainerSpec.Hosts`", &[CREATE]),
        Feature::Hostname => ("`ContainerSpec.Hostname`", &[CREATE]),
        Feature::ConfigFiles => ("a config, `ContainerSpec.Configs`", &[CONFIGS]),
        Feature::SecretFiles => ("a secret, `ContainerSpec.Secrets`", &[SECRETS]),
        Feature::FileMode => ("`File.Mode` of the reference", &[CONFIGS, SECRETS]),
        Feature::FileOwner => ("`File.UID` and `File.GID` of the reference", &[CONFIGS, SECRETS]),
        Feature::SubPath => {
            ("one config or secret for the file, or `VolumeOptions.Subpath`", &[CONFIGS, VOLUMES])
        }
        Feature::StableName => {
            ("a config or secret whose name ends in a hash, and its file's name", &[CONFIGS, SECRETS])
        }
        Feature::GeneratedSecret | Feature::SecretTemplate => {
            ("a secret whose content is made once", &[SECRETS])
        }
        Feature::External => ("a reference to the object of that name", &[CONFIGS, SECRETS, VOLUMES]),
        Feature::EphemeralVolume => ("a mount of type `volume` with no source", &[VOLUMES]),
        Feature::Tmpfs => ("a mount of type `tmpfs`", &[TMPFS]),
        Feature::PersistentVolume => {
            ("a mount of type `volume`, and `Placement.Constraints` on its node", &[VOLUMES, SERVICES])
        }
        Feature::SharedVolume => ("a mount of type `volume` with `DriverConfig`", &[VOLUMES]),
        Feature::VolumeClass => ("`VolumeOptions.DriverConfig.Name`", &[VOLUMES]),
        Feature::VolumeSize => ("an option of the volume's driver", &[VOLUMES]),
        Feature::HostPath => ("a mount of type `bind`", &[BIND]),
        Feature::KeepVolume => ("a volume that an uninstall leaves", &[VOLUMES]),
        Feature::ExposeInternal => ("the service's name on the overlay network", &[NETWORKING]),
        Feature::ExposeUdp => ("`EndpointSpec.Ports[].Protocol: udp`", &[INGRESS]),
        Feature::ExposeNode | Feature::ExposeLoadBalancer => {
            ("`EndpointSpec.Ports[]` with `PublishMode: ingress`", &[INGRESS])
        }
        Feature::ExposeNodeLocal => ("`EndpointSpec.Ports[]` with `PublishMode: host`", &[INGRESS]),
        Feature::DiscoveryDns => ("`EndpointSpec.Mode: dnsrr`", &[NETWORKING]),
        Feature::NetworkAliases => ("`Networks[].Aliases`", &[NETWORKING]),
        Feature::Route | Feature::RouteTls => ("labels of the service that Traefik reads", &[TRAEFIK]),
        Feature::NetworkIsolation => ("an overlay network", &[NETWORKING]),
        Feature::NetworkEncryption => ("an overlay network with the option `encrypted`", &[NETWORKING]),
        Feature::NetworkInternal => ("an overlay network with `Internal`", &[NETWORKING]),
        Feature::RollingUpdate => ("`UpdateConfig.Parallelism`", &[SERVICES]),
        Feature::UpdateDelay => ("`UpdateConfig.Delay`", &[SERVICES]),
        Feature::UpdateOrder => ("`UpdateConfig.Order`", &[SERVICES]),
        Feature::UpdateMonitor => ("`UpdateConfig.Monitor` and `MaxFailureRatio`", &[SERVICES]),
        Feature::RollbackOnFailure | Feature::FailureAction => ("`UpdateConfig.FailureAction`", &[SERVICES]),
        Feature::RollbackConfig => ("`RollbackConfig`", &[SERVICES]),
        Feature::Recreate => ("`UpdateConfig` with `Parallelism: 0` and `Order: stop-first`", &[SERVICES]),
        Feature::BlueGreen | Feature::Canary => ("", &[SERVICES]),
        Feature::Autoscale | Feature::AutoscaleCustom => ("", &[SERVICES]),
        Feature::DisruptionBudget => ("", &[DRAIN]),
        Feature::NodeConstraint => ("`Placement.Constraints`", &[SERVICES]),
        Feature::Spread => ("`Placement.Preferences[].Spread`", &[SERVICES]),
        Feature::MaxPerNode => ("`Placement.MaxReplicas`", &[CREATE, HISTORY]),
        Feature::Near => ("", &[SERVICES]),
        Feature::Away => ("`Placement.MaxReplicas: 1`", &[CREATE]),
        Feature::Tolerations => ("", &[NODES]),
        Feature::OsArch => ("`Placement.Platforms`", &[SERVICES]),
        Feature::Identity => ("", &[CREATE]),
        Feature::PlatformPatch | Feature::Native => ("the specification as it is written", &[SERVICES]),
    };
    Mapping::new(becomes, sources)
}
