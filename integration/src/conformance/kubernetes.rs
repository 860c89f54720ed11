//! What Kubernetes must show of each case.

use rhumb_spec::Feature;

use super::Shows;

/// What kubectl must read back and how pods show a feature, where that is not what the case says of all platforms.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Expectation {
    /// Values that must be read back.
    pub(super) reads: &'static [Read],
    /// How pods show it; none means as the case says.
    pub(super) shows: Option<Shows>,
    /// Texts of the case's app that stand for something else here, and what.
    pub(super) instead: &'static [(&'static str, &'static str)],
}

/// A value that is read back: the object as `kind/name`, the JSON pointer, and the value as JSON. The name may be that
/// of the document that a content-named object was made for. `"db-*"` is any text that begins so.
pub(super) type Read = (&'static str, &'static str, &'static str);

impl Expectation {
    const fn reads(reads: &'static [Read]) -> Self {
        Self { reads, shows: None, instead: &[] }
    }

    const fn shows(mut self, shows: Shows) -> Self {
        self.shows = Some(shows);
        self
    }

    const fn instead(mut self, instead: &'static [(&'static str, &'static str)]) -> Self {
        self.instead = instead;
        self
    }
}

const NOTHING: Expectation = Expectation::reads(&[]);
const READY: Expectation = Expectation::reads(&[("deployment/web", "/status/readyReplicas", "1")]);
const ROUTER: Shows = Shows::Accepted("no router runs in the cluster");
const NO_POLICIES: Shows = Shows::Accepted("no policy engine runs in the cluster");

/// What must be seen of a feature.
#[expect(clippy::too_many_lines, reason = "flat table, in the order of the cases")]
pub(super) fn expectation(feature: Feature) -> Expectation {
    match feature {
        Feature::Replicated => Expectation::reads(&[("deployment/web", "/spec/replicas", "2")]),
        Feature::Global => Expectation::reads(&[("daemonset/web", "/status/numberReady", "1")]),
        Feature::Stateful => Expectation::reads(&[("statefulset/db", "/status/readyReplicas", "2")]),
        Feature::Job => Expectation::reads(&[("job/task", "/status/succeeded", "1")]),
        Feature::JobRetries => Expectation::reads(&[
            ("job/task", "/spec/backoffLimit", "3"),
            ("job/task", "/status/failed", "1"),
        ]),
        Feature::JobDeadline => Expectation::reads(&[("job/task", "/spec/activeDeadlineSeconds", "60")]),
        Feature::JobParallelism => Expectation::reads(&[("job/task", "/spec/parallelism", "2")]),
        Feature::JobCompletions => Expectation::reads(&[("job/task", "/status/succeeded", "3")]),
        Feature::Cron => Expectation::reads(&[("cronjob/night", "/spec/schedule", r#""0 3 * * *""#)]),
        Feature::CronTimeZone => {
            Expectation::reads(&[("cronjob/night", "/spec/timeZone", r#""Europe/Berlin""#)])
        }
        Feature::CronConcurrency => {
            Expectation::reads(&[("cronjob/night", "/spec/concurrencyPolicy", r#""Forbid""#)])
        }
        Feature::Command => Expectation::reads(&[(
            "deployment/web",
            "/spec/template/spec/containers/0/command",
            r#"["/demo","serve"]"#,
        )]),
        Feature::Args => {
            Expectation::reads(&[("deployment/web", "/spec/template/spec/containers/0/args", r#"["serve"]"#)])
        }
        Feature::PullSecret => Expectation::reads(&[
            ("deployment/web", "/spec/template/spec/imagePullSecrets/0/name", r#""registry-*""#),
            ("secret/registry", "/type", r#""kubernetes.io/dockerconfigjson""#),
        ]),
        Feature::PullPolicy => Expectation::reads(&[(
            "deployment/web",
            "/spec/template/spec/containers/0/imagePullPolicy",
            r#""IfNotPresent""#,
        )]),
        Feature::LifecycleHooks => Expectation::reads(&[(
            "deployment/web",
            "/spec/template/spec/containers/0/lifecycle/preStop/exec/command",
            r#"["sleep","1"]"#,
        )]),
        Feature::Labels => Expectation::reads(&[
            ("deployment/web", "/metadata/labels/team", r#""blue""#),
            ("deployment/web", "/spec/template/metadata/labels/team", r#""blue""#),
        ]),
        Feature::Annotations => Expectation::reads(&[(
            "deployment/web",
            "/metadata/annotations/example.com~1contact",
            r#""blue""#,
        )]),
        Feature::StopGrace => Expectation::reads(&[(
            "deployment/web",
            "/spec/template/spec/terminationGracePeriodSeconds",
            "3",
        )]),
        Feature::ProbeExec
        | Feature::ProbeHttp
        | Feature::ProbeTcp
        | Feature::ReadinessProbe
        | Feature::LivenessProbe
        | Feature::ReadinessApart
        | Feature::StartupProbe
        | Feature::DependsOn
        | Feature::Sidecars
        | Feature::InitContainers
        | Feature::InitSharedVolume
        | Feature::RestartPolicy
        | Feature::OsArch => READY,
        Feature::ProbeGrpc => Expectation::reads(&[(
            "deployment/web",
            "/spec/template/spec/containers/0/readinessProbe/grpc/port",
            "8080",
        )]),
        Feature::CpuReservation => Expectation::reads(&[(
            "deployment/web",
            "/spec/template/spec/containers/0/resources/requests/cpu",
            r#""10m""#,
        )]),
        Feature::CpuLimit => Expectation::reads(&[(
            "deployment/web",
            "/spec/template/spec/containers/0/resources/limits/cpu",
            r#""500m""#,
        )]),
        Feature::MemoryReservation => Expectation::reads(&[(
            "deployment/web",
            "/spec/template/spec/containers/0/resources/requests/memory",
            r#""16Mi""#,
        )]),
        Feature::MemoryLimit => Expectation::reads(&[(
            "deployment/web",
            "/spec/template/spec/containers/0/resources/limits/memory",
            r#""64Mi""#,
        )]),
        Feature::Gpu => Expectation::reads(&[(
            "deployment/web",
            "/spec/template/spec/containers/0/resources/limits/nvidia.com~1gpu",
            r#""1""#,
        )])
        .instead(&[("count: 1, resource: NVIDIA-GPU", "count: 1")])
        .shows(Shows::Unready("no node has a graphics processor")),
        Feature::Privileged => Expectation::reads(&[(
            "deployment/web",
            "/spec/template/spec/containers/0/securityContext/privileged",
            "true",
        )]),
        // The kubelet lets pods set only what is the pod's own; the length of a queue is not among that.
        Feature::Sysctls => NOTHING
            .instead(&[("net.core.somaxconn: '512'", "net.ipv4.ip_unprivileged_port_start: '81'")])
            .shows(Shows::Exec("web", &["cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"], "81")),
        // The cluster's own domains come first.
        Feature::Dns => NOTHING.shows(Shows::Exec("web", &["cat", "/etc/resolv.conf"], "corp.example")),
        // Files of a mount are links to where the current ones are.
        Feature::FileMode => {
            NOTHING.shows(Shows::Exec("web", &["stat", "-L", "-c", "%a", "/etc/app/colour"], "440"))
        }
        Feature::FileOwner => {
            NOTHING.shows(Shows::Exec("web", &["stat", "-L", "-c", "%g", "/etc/app/colour"], "1001"))
        }
        Feature::SecretTemplate => NOTHING.shows(Shows::Exec(
            "db",
            &["cat", "/run/db/url"],
            "postgres://app:material-of-password@db",
        )),
        Feature::StableName => Expectation::reads(&[("configmap/look", "/data/colour", r#""blue""#)]),
        Feature::ConfigFiles => Expectation::reads(&[("configmap/look", "/immutable", "true")]),
        Feature::SecretFiles => Expectation::reads(&[("secret/db", "/immutable", "true")]),
        Feature::PersistentVolume => {
            Expectation::reads(&[("persistentvolumeclaim/data", "/status/phase", r#""Bound""#)])
        }
        Feature::VolumeClass => {
            Expectation::reads(&[("persistentvolumeclaim/data", "/spec/storageClassName", r#""standard""#)])
                .instead(&[
                    ("class: local", "class: standard"),
                    ("options: { type: tmpfs, device: tmpfs, o: size=1m }", ""),
                ])
                .shows(Shows::Exec("web", &["sh", "-c", "echo kept >/data/x && cat /data/x"], "kept"))
        }
        Feature::VolumeSize => Expectation::reads(&[(
            "persistentvolumeclaim/data",
            "/spec/resources/requests/storage",
            r#""1Gi""#,
        )])
        .shows(Shows::Accepted("the node's own folders have no bound")),
        Feature::ExposeInternal => Expectation::reads(&[("service/web", "/spec/type", r#""ClusterIP""#)])
            .shows(Shows::Exec("web", &["/demo", "get", "http://web:8080/version"], "1")),
        Feature::ExposeUdp => Expectation::reads(&[("service/web", "/spec/ports/0/protocol", r#""UDP""#)])
            .shows(Shows::Accepted("the demo server answers no UDP")),
        Feature::ExposeNode => Expectation::reads(&[("service/web", "/spec/ports/0/nodePort", "30080")])
            .shows(Shows::Answers(30080)),
        Feature::ExposeNodeLocal => {
            Expectation::reads(&[("service/web", "/spec/externalTrafficPolicy", r#""Local""#)])
        }
        Feature::ExposeLoadBalancer => {
            Expectation::reads(&[("service/web", "/spec/type", r#""LoadBalancer""#)])
                .shows(Shows::Unready("no cloud gives it an address"))
        }
        Feature::DiscoveryDns => Expectation::reads(&[("service/web", "/spec/clusterIP", r#""None""#)]),
        Feature::Route => {
            Expectation::reads(&[("ingress/web", "/spec/rules/0/host", r#""web.example""#)]).shows(ROUTER)
        }
        Feature::RouteTls => {
            Expectation::reads(&[("ingress/web", "/spec/tls/0/hosts", r#"["web.example"]"#)]).shows(ROUTER)
        }
        Feature::NetworkIsolation => {
            Expectation::reads(&[("networkpolicy/back", "/spec/policyTypes/0", r#""Ingress""#)])
                .shows(NO_POLICIES)
        }
        Feature::NetworkInternal => {
            Expectation::reads(&[("networkpolicy/back", "/spec/policyTypes/1", r#""Egress""#)])
                .shows(NO_POLICIES)
        }
        Feature::RollingUpdate => Expectation::reads(&[
            ("deployment/web", "/spec/strategy/rollingUpdate/maxSurge", "1"),
            ("deployment/web", "/spec/strategy/rollingUpdate/maxUnavailable", "0"),
        ]),
        Feature::UpdateDelay => Expectation::reads(&[("deployment/web", "/spec/minReadySeconds", "1")]),
        Feature::UpdateMonitor => Expectation::reads(&[("deployment/web", "/spec/minReadySeconds", "2")]),
        Feature::Recreate => {
            Expectation::reads(&[("deployment/web", "/spec/strategy/type", r#""Recreate""#)])
        }
        Feature::Autoscale | Feature::AutoscaleCustom => {
            Expectation::reads(&[("horizontalpodautoscaler/web", "/spec/maxReplicas", "3")])
        }
        Feature::DisruptionBudget => {
            Expectation::reads(&[("poddisruptionbudget/web", "/spec/minAvailable", "1")])
        }
        Feature::NodeConstraint => {
            READY.instead(&[("key: role, values: [manager]", "key: kubernetes.io/os, values: [linux]")])
        }
        Feature::Near | Feature::Away => READY.shows(Shows::Ready),
        Feature::Tolerations => Expectation::reads(&[(
            "deployment/web",
            "/spec/template/spec/tolerations/0/key",
            r#""dedicated""#,
        )]),
        Feature::Identity => {
            Expectation::reads(&[("deployment/web", "/spec/template/spec/serviceAccountName", r#""web""#)])
        }
        Feature::PlatformPatch => {
            Expectation::reads(&[("deployment/web", "/metadata/labels/patched", r#""yes""#)])
        }
        Feature::Native => Expectation::reads(&[("configmap/extra", "/data/colour", r#""blue""#)]),
        Feature::RestartLimits
        | Feature::WorkingDir
        | Feature::StopSignal
        | Feature::Logging
        | Feature::Env
        | Feature::EnvSecret
        | Feature::EnvConfig
        | Feature::EnvAddress
        | Feature::EnvOrdinal
        | Feature::EnvFromConfig
        | Feature::EnvFromSecret
        | Feature::ShortNames
        | Feature::User
        | Feature::ReadOnlyRoot
        | Feature::Capabilities
        | Feature::Ulimits
        | Feature::Seccomp
        | Feature::ExtraHosts
        | Feature::Hostname
        | Feature::SubPath
        | Feature::GeneratedSecret
        | Feature::External
        | Feature::EphemeralVolume
        | Feature::Tmpfs
        | Feature::SharedVolume
        | Feature::Spread
        | Feature::MaxPerNode
        | Feature::HostPath
        | Feature::KeepVolume
        | Feature::NetworkAliases
        | Feature::NetworkEncryption
        | Feature::UpdateOrder
        | Feature::RollbackOnFailure
        | Feature::FailureAction
        | Feature::RollbackConfig
        | Feature::BlueGreen
        | Feature::Canary => NOTHING,
    }
}
