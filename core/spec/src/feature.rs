//! What an app can ask of a platform, as a closed list.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! features {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// Something that an app can ask of a platform. Every backend answers for every one.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Feature {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $variant,)+
        }

        impl Feature {
            /// Every feature, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name that people write: `--accept-loss stop-signal`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What is asked for, in a sentence.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

features! {
    /// A number of interchangeable replicas.
    Replicated = "replicated",
    /// One replica on every node.
    Global = "global",
    /// Replicas with a stable name and storage each.
    Stateful = "stateful",
    /// A workload that runs to its end.
    Job = "job",
    /// Tries of a job after a failure.
    JobRetries = "job-retries",
    /// A time after which a job is ended.
    JobDeadline = "job-deadline",
    /// Replicas of a job at one time.
    JobParallelism = "job-parallelism",
    /// Successes that end a job.
    JobCompletions = "job-completions",
    /// A job that runs by the clock.
    Cron = "cron",
    /// The time zone of a schedule.
    CronTimeZone = "cron-time-zone",
    /// What happens when the run before has not ended.
    CronConcurrency = "cron-concurrency",
    /// A start that waits for other workloads.
    DependsOn = "depends-on",
    /// Several containers in one replica.
    Sidecars = "sidecars",
    /// Containers that end before the others start.
    InitContainers = "init-containers",
    /// Init containers that share an ephemeral folder with the main ones.
    InitSharedVolume = "init-shared-volume",
    /// Another command than the image's entry point.
    Command = "command",
    /// Other arguments than the image's.
    Args = "args",
    /// Credentials of the image's registry.
    PullSecret = "pull-secret",
    /// When an image is fetched again.
    PullPolicy = "pull-policy",
    /// When a container that ended is started again.
    RestartPolicy = "restart-policy",
    /// The delay, number and window of such starts.
    RestartLimits = "restart-limits",
    /// The folder a container starts in.
    WorkingDir = "working-dir",
    /// Commands run after the start and before the end.
    LifecycleHooks = "lifecycle-hooks",
    /// Labels of the user's own.
    Labels = "labels",
    /// Annotations of the user's own.
    Annotations = "annotations",
    /// Text in an environment variable.
    Env = "env",
    /// A secret's key in an environment variable.
    EnvSecret = "env-secret",
    /// A config's key in an environment variable.
    EnvConfig = "env-config",
    /// A sibling's address in an environment variable.
    EnvAddress = "env-address",
    /// The replica's number in an environment variable.
    EnvOrdinal = "env-ordinal",
    /// A whole config as variables.
    EnvFromConfig = "env-from-config",
    /// A whole secret as variables.
    EnvFromSecret = "env-from-secret",
    /// Siblings reached by their bare names.
    ShortNames = "short-names",
    /// A probe that runs a command.
    ProbeExec = "probe-exec",
    /// A probe that GETs a path.
    ProbeHttp = "probe-http",
    /// A probe that opens a connection.
    ProbeTcp = "probe-tcp",
    /// A probe that asks the gRPC health service.
    ProbeGrpc = "probe-grpc",
    /// A readiness probe.
    ReadinessProbe = "readiness-probe",
    /// A liveness probe.
    LivenessProbe = "liveness-probe",
    /// Readiness asked apart from liveness.
    ReadinessApart = "readiness-apart",
    /// A startup probe.
    StartupProbe = "startup-probe",
    /// Promised processor time.
    CpuReservation = "cpu-reservation",
    /// The most processor time.
    CpuLimit = "cpu-limit",
    /// Promised memory.
    MemoryReservation = "memory-reservation",
    /// The most memory.
    MemoryLimit = "memory-limit",
    /// Graphics processors.
    Gpu = "gpu",
    /// The user and group of the processes.
    User = "user",
    /// A root file system that cannot be written.
    ReadOnlyRoot = "read-only-root",
    /// Linux capabilities.
    Capabilities = "capabilities",
    /// Every right of the node's root.
    Privileged = "privileged",
    /// Kernel parameters.
    Sysctls = "sysctls",
    /// Kernel limits of processes.
    Ulimits = "ulimits",
    /// A seccomp profile.
    Seccomp = "seccomp",
    /// The first signal of a stop.
    StopSignal = "stop-signal",
    /// Time from the first signal to the kill.
    StopGrace = "stop-grace",
    /// A log driver and its options.
    Logging = "logging",
    /// Name servers, search domains and resolver options.
    Dns = "dns",
    /// Lines of the hosts file.
    ExtraHosts = "extra-hosts",
    /// The host name that containers see.
    Hostname = "hostname",
    /// A config's keys as files.
    ConfigFiles = "config-files",
    /// A secret's keys as files.
    SecretFiles = "secret-files",
    /// The permission bits of such files.
    FileMode = "file-mode",
    /// The owner and group of such files.
    FileOwner = "file-owner",
    /// A part of a source mounted instead of all of it.
    SubPath = "sub-path",
    /// An object that keeps its name when its content changes.
    StableName = "stable-name",
    /// Material that is made once and kept.
    GeneratedSecret = "generated-secret",
    /// Secret text composed of other material and of addresses.
    SecretTemplate = "secret-template",
    /// A config, secret, volume or network that exists already.
    External = "external",
    /// A folder that lives as long as the replica.
    EphemeralVolume = "ephemeral-volume",
    /// Memory that looks like a folder.
    Tmpfs = "tmpfs",
    /// Storage that outlives a container, with one writer.
    PersistentVolume = "persistent-volume",
    /// Storage that several nodes mount at one time.
    SharedVolume = "shared-volume",
    /// A storage class or volume driver.
    VolumeClass = "volume-class",
    /// The size of a volume.
    VolumeSize = "volume-size",
    /// A path of the node.
    HostPath = "host-path",
    /// A volume that an uninstall leaves.
    KeepVolume = "keep-volume",
    /// A port that siblings reach by the workload's name.
    ExposeInternal = "expose-internal",
    /// A UDP port that is exposed.
    ExposeUdp = "expose-udp",
    /// A port of the nodes, every node leading to every replica.
    ExposeNode = "expose-node",
    /// A port of the nodes, each leading to its own replicas.
    ExposeNodeLocal = "expose-node-local",
    /// A port at the platform's load balancer.
    ExposeLoadBalancer = "expose-loadbalancer",
    /// A name that resolves to the replicas' own addresses.
    DiscoveryDns = "discovery-dns",
    /// Further names on a network.
    NetworkAliases = "network-aliases",
    /// HTTP traffic by host and path.
    Route = "route",
    /// TLS towards the client of a route.
    RouteTls = "route-tls",
    /// Workloads kept apart by networks of their own.
    NetworkIsolation = "network-isolation",
    /// Encrypted traffic between nodes.
    NetworkEncryption = "network-encryption",
    /// A network with no way to the outside.
    NetworkInternal = "network-internal",
    /// A rolling update by surge and unavailable, or by parallelism.
    RollingUpdate = "rolling-update",
    /// Time between the batches of an update.
    UpdateDelay = "update-delay",
    /// Which replica goes first in an update.
    UpdateOrder = "update-order",
    /// Time over which a new replica must stay up, and the share that may fail.
    UpdateMonitor = "update-monitor",
    /// The old version comes back when the new one fails.
    RollbackOnFailure = "rollback-on-failure",
    /// An update that stops or goes on when the new version fails.
    FailureAction = "failure-action",
    /// How the platform's own rollback goes.
    RollbackConfig = "rollback-config",
    /// All old replicas stop before the new ones start.
    Recreate = "recreate",
    /// A whole second set, then the traffic is switched.
    BlueGreen = "blue-green",
    /// A second set takes a growing share of the traffic.
    Canary = "canary",
    /// Replicas that follow the load.
    Autoscale = "autoscale",
    /// Replicas that follow a metric of the user's own.
    AutoscaleCustom = "autoscale-custom",
    /// A bound on what planned maintenance takes away.
    DisruptionBudget = "disruption-budget",
    /// Demands on a node's attributes.
    NodeConstraint = "node-constraint",
    /// Even distribution over nodes, zones or labels.
    Spread = "spread",
    /// The most replicas on one node.
    MaxPerNode = "max-per-node",
    /// A place near another workload.
    Near = "near",
    /// A place away from another workload.
    Away = "away",
    /// Taints that do not keep replicas away.
    Tolerations = "tolerations",
    /// The nodes' operating system or processor.
    OsArch = "os-arch",
    /// A service account or role.
    Identity = "identity",
    /// A patch of what a workload becomes on one platform.
    PlatformPatch = "platform-patch",
    /// A platform's own document.
    Native = "native",
}

impl fmt::Display for Feature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl FromStr for Feature {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.iter().copied().find(|feature| feature.as_str() == text).ok_or_else(|| {
            let nearest = Self::ALL
                .iter()
                .map(|feature| (strsim::osa_distance(text, feature.as_str()), feature.as_str()))
                .min()
                .filter(|(distance, _)| *distance <= 3);
            match nearest {
                Some((_, name)) => format!("no feature is called `{text}`; did you mean `{name}`?"),
                None => format!("no feature is called `{text}`"),
            }
        })
    }
}
