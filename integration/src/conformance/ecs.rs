//! What ECS must show of each case.

use rhumb_spec::Feature;

/// What must be read back of a case from the account, and the case's app as it is written for ECS.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Expectation {
    /// Values that must be read back.
    pub(super) reads: &'static [Read],
    /// Texts of the case's app that stand for something else here, and what.
    pub(super) instead: &'static [(&'static str, &'static str)],
}

/// A value that is read back: the object as `kind/name`, the JSON pointer or `tag:` and a tag's key, and the value as JSON. `"db-*"` is any text that
/// begins so.
pub(super) type Read = (&'static str, &'static str, &'static str);

const fn reads(reads: &'static [Read]) -> Expectation {
    Expectation { reads, instead: &[] }
}

impl Expectation {
    const fn instead(mut self, instead: &'static [(&'static str, &'static str)]) -> Self {
        self.instead = instead;
        self
    }
}

const WEB: &str = "task-definition/web";

/// What must be seen of a feature. What is refused has nothing to be seen.
#[expect(clippy::match_same_arms, reason = "a flat table, in the order of the cases")]
pub(super) fn expectation(feature: Feature) -> Expectation {
    match feature {
        Feature::Replicated => {
            reads(&[("service/web", "/desiredCount", "2"), ("service/web", "/runningCount", "2")])
        }
        Feature::Global => reads(&[
            ("service/web", "/schedulingStrategy", r#""DAEMON""#),
            ("service/web", "/runningCount", "3"),
        ]),
        Feature::Stateful => reads(&[
            ("service/db-0", "/runningCount", "1"),
            ("service/db-1", "/runningCount", "1"),
            ("access-point/data-db-1", "/FileSystemId", r#""fs-*""#),
        ]),
        Feature::Job => reads(&[("task/task", "/containers/0/exitCode", "0")]),
        Feature::JobParallelism | Feature::JobCompletions => {
            reads(&[("task/task", "/lastStatus", r#""STOPPED""#)])
        }
        Feature::Cron => reads(&[
            ("schedule/night", "/ScheduleExpression", r#""cron(0 3 * * ? *)""#),
            ("schedule/night", "/Target/EcsParameters/TaskDefinitionArn", r#""arn:aws:ecs:*""#),
        ]),
        Feature::CronTimeZone => {
            reads(&[("schedule/night", "/ScheduleExpressionTimezone", r#""Europe/Berlin""#)])
        }
        Feature::DependsOn => {
            reads(&[("service/db", "/runningCount", "1"), ("service/web", "/runningCount", "1")])
                .instead(SLOWER)
        }
        Feature::Sidecars => reads(&[(WEB, "/containerDefinitions/1/name", r#""proxy""#)]),
        Feature::InitContainers | Feature::InitSharedVolume => {
            reads(&[(WEB, "/containerDefinitions/1/dependsOn/0/condition", r#""SUCCESS""#)])
        }
        Feature::Command => reads(&[(WEB, "/containerDefinitions/0/entryPoint", r#"["/demo","serve"]"#)]),
        Feature::Args => reads(&[(WEB, "/containerDefinitions/0/command", r#"["serve"]"#)]),
        Feature::PullSecret => reads(&[(
            WEB,
            "/containerDefinitions/0/repositoryCredentials/credentialsParameter",
            r#""arn:aws:secretsmanager:*""#,
        )])
        .instead(&[("rhumb-demo:1", "registry.example/rhumb-demo:1")]),
        Feature::WorkingDir => reads(&[(WEB, "/containerDefinitions/0/workingDirectory", r#""/tmp""#)]),
        Feature::Labels => reads(&[("service/web", "tag:team", r#""blue""#)]),
        Feature::StopGrace => reads(&[(WEB, "/containerDefinitions/0/stopTimeout", "3")]),
        Feature::Logging => {
            reads(&[(WEB, "/containerDefinitions/0/logConfiguration/options/splunk-url", r#""https://*""#)])
                .instead(&[("driver: json-file, options: { max-size: 1m }", SPLUNK)])
        }
        Feature::Env | Feature::EnvConfig => {
            reads(&[(WEB, "/containerDefinitions/0/environment/0/value", r#""blue""#)])
        }
        Feature::EnvFromConfig => {
            reads(&[(WEB, "/containerDefinitions/0/environment/0/name", r#""APP_COLOUR""#)])
        }
        Feature::EnvSecret | Feature::EnvFromSecret => {
            reads(&[(WEB, "/containerDefinitions/0/secrets/0/valueFrom", r#""arn:aws:secretsmanager:*""#)])
        }
        Feature::EnvAddress => {
            reads(&[(WEB, "/containerDefinitions/0/environment/0/value", r#""http://*""#)])
        }
        Feature::EnvOrdinal => {
            reads(&[("task-definition/db-1", "/containerDefinitions/0/environment/0/value", r#""1""#)])
        }
        Feature::ShortNames => {
            reads(&[("service/web", "/deployments/0/serviceConnectConfiguration/enabled", "true")])
        }
        Feature::ProbeExec
        | Feature::ProbeHttp
        | Feature::ProbeTcp
        | Feature::ReadinessProbe
        | Feature::LivenessProbe
        | Feature::ReadinessApart
        | Feature::StartupProbe
        | Feature::ProbeGrpc => reads(&[("task/web", "/healthStatus", r#""HEALTHY""#)]).instead(SLOWER),
        Feature::CpuReservation => reads(&[(WEB, "/containerDefinitions/0/cpu", "11")]),
        Feature::CpuLimit => reads(&[("service/web", "/runningCount", "1")]),
        Feature::MemoryReservation => reads(&[(WEB, "/containerDefinitions/0/memoryReservation", "16")]),
        Feature::MemoryLimit => reads(&[(WEB, "/containerDefinitions/0/memory", "64")]),
        Feature::Gpu => reads(&[(WEB, "/containerDefinitions/0/resourceRequirements/0/type", r#""GPU""#)])
            .instead(&[("count: 1, resource: NVIDIA-GPU", "count: 1")]),
        Feature::User => reads(&[(WEB, "/containerDefinitions/0/user", r#""1000:1001""#)]),
        Feature::ReadOnlyRoot => reads(&[(WEB, "/containerDefinitions/0/readonlyRootFilesystem", "true")]),
        Feature::Capabilities => {
            reads(&[(WEB, "/containerDefinitions/0/linuxParameters/capabilities/add/0", r#""SYS_PTRACE""#)])
                .instead(&[
                    ("add: [NET_BIND_SERVICE]", "add: [SYS_PTRACE]"),
                    ("drop: [ALL]", "drop: [MKNOD]"),
                ])
        }
        Feature::Privileged => reads(&[(WEB, "/containerDefinitions/0/privileged", "true")]),
        Feature::Sysctls => {
            reads(&[(WEB, "/containerDefinitions/0/systemControls/0/namespace", r#""net.core.somaxconn""#)])
        }
        Feature::Ulimits => reads(&[(WEB, "/containerDefinitions/0/ulimits/0/softLimit", "1234")]),
        Feature::ConfigFiles | Feature::FileMode | Feature::FileOwner | Feature::SubPath => {
            reads(&[(WEB, "/containerDefinitions/0/secrets/0/valueFrom", r#""arn:aws:ssm:*""#)])
        }
        Feature::StableName => reads(&[("parameter/look/colour", "/Name", r#""*/look/colour""#)]),
        Feature::SecretFiles | Feature::GeneratedSecret | Feature::SecretTemplate => {
            reads(&[("secret/db", "/Name", r#""rhumb/default/*""#)])
        }
        Feature::External => {
            reads(&[(WEB, "/containerDefinitions/0/secrets/0/valueFrom", r#""arn:aws:ssm:*""#)])
        }
        Feature::EphemeralVolume => reads(&[(WEB, "/volumes/0/name", r#""*scratch""#)]),
        Feature::Tmpfs => {
            reads(&[(WEB, "/containerDefinitions/0/linuxParameters/tmpfs/0/containerPath", r#""/memory""#)])
        }
        Feature::PersistentVolume | Feature::VolumeSize | Feature::KeepVolume => {
            reads(&[("access-point/data", "/FileSystemId", r#""fs-*""#)])
        }
        Feature::SharedVolume => reads(&[("access-point/data", "/FileSystemId", r#""fs-*""#)])
            .instead(&[("nfs: { server: 192.0.2.7, path: /export/data, options: 'nolock,soft' }", "")]),
        Feature::VolumeClass => reads(&[("access-point/data", "/FileSystemId", r#""fs-*""#)]).instead(&[
            ("class: local", "class: efs"),
            ("options: { type: tmpfs, device: tmpfs, o: size=1m }", ""),
        ]),
        Feature::HostPath => reads(&[(WEB, "/volumes/0/host/sourcePath", r#""/proc/sys/kernel""#)]),
        Feature::ExposeInternal | Feature::ExposeUdp | Feature::DiscoveryDns => {
            reads(&[("discovery/web", "/Arn", r#""arn:aws:servicediscovery:*""#)])
        }
        Feature::ExposeNode | Feature::ExposeNodeLocal | Feature::ExposeLoadBalancer => {
            reads(&[("listener/web-http", "/Protocol", r#""TCP""#)])
        }
        Feature::Route | Feature::RouteTls => {
            reads(&[("listener-rule/web-0", "/Actions/0/Type", r#""forward""#)])
        }
        Feature::NetworkIsolation => reads(&[("security-group/back", "/VpcId", r#""vpc-*""#)]),
        Feature::RollingUpdate => reads(&[
            ("service/web", "/deploymentConfiguration/maximumPercent", "150"),
            ("service/web", "/deploymentConfiguration/minimumHealthyPercent", "100"),
        ]),
        Feature::UpdateOrder => {
            reads(&[("service/web", "/deploymentConfiguration/minimumHealthyPercent", "100")])
        }
        Feature::RollbackOnFailure => {
            reads(&[("service/web", "/deploymentConfiguration/deploymentCircuitBreaker/rollback", "true")])
        }
        Feature::FailureAction => {
            reads(&[("service/web", "/deploymentConfiguration/deploymentCircuitBreaker/enable", "false")])
        }
        Feature::Recreate => reads(&[("service/web", "/deploymentConfiguration/minimumHealthyPercent", "0")]),
        Feature::BlueGreen => {
            reads(&[("service/web", "/deploymentConfiguration/strategy", r#""BLUE_GREEN""#)]).instead(SHIFTED)
        }
        Feature::Canary => {
            reads(&[("service/web", "/deploymentConfiguration/strategy", r#""CANARY""#)]).instead(SHIFTED)
        }
        Feature::Autoscale | Feature::AutoscaleCustom => reads(&[
            ("scalable-target/web", "/MaxCapacity", "3"),
            ("scaling-policy/web", "/PolicyType", r#""Target*""#),
        ]),
        Feature::DisruptionBudget => {
            reads(&[("service/web", "/deploymentConfiguration/minimumHealthyPercent", "50")])
        }
        Feature::NodeConstraint => reads(&[("service/web", "/placementConstraints/0/type", r#""memberOf""#)])
            .instead(&[("key: role, values: [manager]", "key: zone, values: [us-east-1a]")]),
        Feature::MaxPerNode | Feature::Away => {
            reads(&[("service/web", "/placementConstraints/0/type", r#""distinctInstance""#)])
        }
        Feature::OsArch => reads(&[(WEB, "/runtimePlatform/operatingSystemFamily", r#""LINUX""#)]),
        Feature::Identity => reads(&[(WEB, "/taskRoleArn", r#""arn:aws:iam::*""#)]),
        Feature::PlatformPatch => reads(&[(WEB, "/containerDefinitions/0/interactive", "true")]),
        Feature::Native => reads(&[("parameter/extra", "/Type", r#""String""#)]),
        Feature::RestartPolicy => reads(&[("service/web", "/runningCount", "1")])
            .instead(&[("policy: onFailure", "policy: always")]),
        Feature::Annotations => {
            reads(&[(WEB, "/containerDefinitions/0/dockerLabels/example.com~1contact", r#""blue""#)])
        }
        Feature::Dns
        | Feature::ExtraHosts
        | Feature::Hostname
        | Feature::PullPolicy
        | Feature::Spread
        | Feature::Near => reads(&[("service/web", "/runningCount", "1")]),
        Feature::JobRetries
        | Feature::JobDeadline
        | Feature::CronConcurrency
        | Feature::RestartLimits
        | Feature::LifecycleHooks
        | Feature::Seccomp
        | Feature::StopSignal
        | Feature::NetworkAliases
        | Feature::NetworkEncryption
        | Feature::NetworkInternal
        | Feature::UpdateDelay
        | Feature::UpdateMonitor
        | Feature::RollbackConfig
        | Feature::Tolerations => Expectation::default(),
    }
}

/// ECS asks every five seconds at most.
const SLOWER: &[(&str, &str)] =
    &[("period: 1s", "period: 5s"), ("period: 2s", "period: 5s"), ("failures: 20", "failures: 10")];

/// ECS shifts only traffic that something leads to the workload, and in one first share.
const SHIFTED: &[(&str, &str)] = &[
    ("steps: [10, 50]", "steps: [10]"),
    (
        "containers: { web: { image: 'rhumb-demo:1', env: { REVISION: '[revision]' } } }",
        "containers: { web: { image: 'rhumb-demo:1', env: { REVISION: '[revision]' }, ports: { http: 8080 } } }
expose: { http: { port: 8080 } }
---
kind: Route
name: web
host: web.example
paths: { /: { workload: web, port: http } }",
    ),
];

const SPLUNK: &str = "driver: splunk, options: { splunk-url: 'https://logs.example', splunk-token: none }";
