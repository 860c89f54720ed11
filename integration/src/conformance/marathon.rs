//! What Marathon must show of each feature.

use rhumb_spec::Feature;

use super::Shows;

/// What must be read back of a feature, and how its case is written for Marathon.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Expectation {
    /// Values that must be read back.
    pub(super) reads: &'static [Read],
    /// Another way to show it than the case's; none means as the case says.
    pub(super) shows: Option<Shows>,
    /// Texts of the case's app that stand for something else here, and what.
    pub(super) instead: &'static [(&'static str, &'static str)],
}

/// A value that is read back: the object as `kind/name`, the JSON pointer, and the value as JSON. `"db*"` is any text that
/// begins so.
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

/// What must be seen of a feature.
#[expect(clippy::too_many_lines, clippy::match_same_arms, reason = "flat table, in the order of the cases")]
pub(super) fn expectation(feature: Feature) -> Expectation {
    match feature {
        Feature::Replicated => Expectation::reads(&[("app/web", "/instances", "2")]),
        // The double has three agents.
        Feature::Global => Expectation::reads(&[
            ("app/web", "/instances", "3"),
            ("app/web", "/constraints/0", r#"["hostname","UNIQUE"]"#),
        ]),
        Feature::Stateful => Expectation::reads(&[
            ("app/db-1", "/upgradeStrategy/maximumOverCapacity", "0"),
            ("app/db-1", "/unreachableStrategy", r#""disabled""#),
        ]),
        Feature::Job => Expectation::reads(&[("job/task", "/run/args", r#"["job"]"#)]),
        // A job of Metronome has no volumes that stay.
        Feature::JobRetries => Expectation::reads(&[("job/task", "/run/restart/policy", r#""ON_FAILURE""#)])
            .instead(&[
                ("    mounts: { /data: { volume: data } }\n", ""),
                ("---\nkind: Volume\nname: data\n", ""),
            ]),
        Feature::JobDeadline => {
            Expectation::reads(&[("job/task", "/run/restart/activeDeadlineSeconds", "60")])
        }
        Feature::Cron => Expectation::reads(&[("job/night", "/schedules/0/cron", r#""0 3 * * *""#)]),
        Feature::CronTimeZone => {
            Expectation::reads(&[("job/night", "/schedules/0/timezone", r#""Europe/Berlin""#)])
        }
        Feature::CronConcurrency => {
            Expectation::reads(&[("job/night", "/schedules/0/concurrencyPolicy", r#""FORBID""#)])
        }
        Feature::Sidecars => Expectation::reads(&[("pod/web", "/containers/1/name", r#""proxy""#)]),
        Feature::InitContainers => Expectation::reads(&[("job/web-init-prepare", "/run/args", r#"["job"]"#)]),
        Feature::Command => Expectation::reads(&[(
            "app/web",
            "/container/docker/parameters/0",
            r#"{"key":"entrypoint","value":"/demo"}"#,
        )]),
        Feature::Args => Expectation::reads(&[("app/web", "/args", r#"["serve"]"#)]),
        Feature::PullSecret => {
            Expectation::reads(&[("app/web", "/container/docker/pullConfig/secret", r#""registry*""#)])
        }
        Feature::PullPolicy => {
            Expectation::reads(&[("app/web", "/container/docker/forcePullImage", "false")])
        }
        Feature::RestartLimits => Expectation::reads(&[("app/web", "/backoffSeconds", "1")]),
        Feature::Labels => Expectation::reads(&[("app/web", "/labels/team", r#""blue""#)]),
        Feature::Annotations => {
            Expectation::reads(&[("app/web", "/labels/example.com~1contact", r#""blue""#)])
        }
        Feature::StopGrace => Expectation::reads(&[("app/web", "/taskKillGracePeriodSeconds", "3")]),
        Feature::Env => Expectation::reads(&[("app/web", "/env/COLOUR", r#""blue""#)]),
        Feature::EnvSecret => Expectation::reads(&[
            ("app/web", "/env/PASSWORD/secret", r#""db.password""#),
            ("app/web", "/secrets/db.password/source", r#""default/c-env-secret/db__password-*""#),
        ]),
        Feature::EnvConfig => Expectation::reads(&[("app/web", "/env/COLOUR", r#""blue""#)]),
        Feature::EnvAddress => Expectation::reads(&[("app/web", "/env/API", r#""http://api*""#)]),
        Feature::EnvOrdinal => Expectation::reads(&[("app/db-1", "/env/NUMBER", r#""1""#)]),
        Feature::EnvFromConfig => Expectation::reads(&[("app/web", "/env/APP_COLOUR", r#""blue""#)]),
        Feature::EnvFromSecret => {
            Expectation::reads(&[("app/web", "/env/PASSWORD/secret", r#""db.PASSWORD""#)])
        }
        Feature::ProbeExec
        | Feature::ReadinessProbe
        | Feature::LivenessProbe
        | Feature::ReadinessApart
        | Feature::StartupProbe => {
            Expectation::reads(&[("app/web", "/healthChecks/0/protocol", r#""COMMAND""#)])
        }
        Feature::ProbeHttp => Expectation::reads(&[("app/web", "/readinessChecks/0/path", r#""/healthz""#)]),
        Feature::ProbeTcp => Expectation::reads(&[("app/web", "/healthChecks/0/protocol", r#""MESOS_TCP""#)]),
        // Nothing of the image is run, so its health is the double's word.
        Feature::ProbeGrpc => NOTHING.shows(Shows::Ready),
        Feature::CpuReservation => Expectation::reads(&[("app/web", "/cpus", "0.01")]),
        Feature::CpuLimit => Expectation::reads(&[("app/web", "/cpus", "0.5")]),
        Feature::MemoryReservation => Expectation::reads(&[("app/web", "/mem", "16")]),
        Feature::MemoryLimit => Expectation::reads(&[("app/web", "/mem", "64")]),
        Feature::Gpu => Expectation::reads(&[("app/web", "/gpus", "1")])
            .instead(&[("count: 1, resource: NVIDIA-GPU", "count: 1")])
            .shows(Shows::Ready),
        Feature::Privileged => Expectation::reads(&[("app/web", "/container/docker/privileged", "true")]),
        Feature::SecretFiles => Expectation::reads(&[
            ("app/web", "/container/type", r#""MESOS""#),
            ("app/web", "/container/volumes/0/containerPath", r#""/run/db/password""#),
        ]),
        Feature::ConfigFiles => {
            Expectation::reads(&[("app/web", "/container/volumes/0/containerPath", r#""/etc/app/colour""#)])
        }
        Feature::External => NOTHING,
        Feature::SharedVolume => Expectation::reads(&[(
            "app/web",
            "/container/docker/parameters/0/value",
            r#""type=volume,src=c-shared-volume-data*""#,
        )])
        .shows(Shows::Ready),
        Feature::VolumeClass => Expectation::reads(&[(
            "app/web",
            "/container/docker/parameters/0/value",
            r#""type=volume,src=c-volume-class-data*""#,
        )]),
        Feature::VolumeSize => {
            Expectation::reads(&[("app/web", "/container/volumes/0/persistent/size", "1024")])
        }
        Feature::HostPath => {
            Expectation::reads(&[("app/web", "/container/volumes/0/hostPath", r#""/proc/sys/kernel""#)])
        }
        Feature::ExposeNode | Feature::ExposeLoadBalancer => {
            Expectation::reads(&[("app/web", "/labels/HAPROXY_0_GROUP", r#""external""#)])
        }
        Feature::ExposeNodeLocal => {
            Expectation::reads(&[("app/web", "/container/portMappings/0/hostPort", "30081")])
        }
        Feature::ExposeUdp => {
            Expectation::reads(&[("app/web", "/container/portMappings/0/protocol", r#""udp""#)])
        }
        Feature::Route | Feature::RouteTls => {
            Expectation::reads(&[("app/web", "/labels/HAPROXY_0_VHOST", r#""web.example""#)])
        }
        Feature::NetworkIsolation => Expectation::reads(&[("app/api", "/networks/0/name", r#""back""#)]),
        Feature::RollingUpdate => Expectation::reads(&[
            ("app/web", "/upgradeStrategy/minimumHealthCapacity", "1"),
            ("app/web", "/upgradeStrategy/maximumOverCapacity", "0.5"),
        ]),
        Feature::Recreate => Expectation::reads(&[
            ("app/web", "/upgradeStrategy/minimumHealthCapacity", "0"),
            ("app/web", "/upgradeStrategy/maximumOverCapacity", "0"),
        ]),
        // The agents of the double have an attribute `rack`.
        Feature::NodeConstraint => {
            Expectation::reads(&[("app/web", "/constraints/0", r#"["rack","LIKE","r1"]"#)])
                .instead(&[("key: role, values: [manager]", "key: rack, values: [r1]")])
        }
        Feature::Spread => Expectation::reads(&[("app/web", "/constraints/0/1", r#""GROUP_BY""#)]),
        Feature::MaxPerNode => {
            Expectation::reads(&[("app/web", "/constraints/0", r#"["hostname","MAX_PER","1"]"#)])
        }
        Feature::PlatformPatch => Expectation::reads(&[("app/web", "/labels/patched", r#""yes""#)]),
        Feature::Native => Expectation::reads(&[("app/extra", "/cmd", r#""sleep 1000""#)]),
        Feature::JobParallelism
        | Feature::JobCompletions
        | Feature::DependsOn
        | Feature::InitSharedVolume
        | Feature::RestartPolicy
        | Feature::WorkingDir
        | Feature::LifecycleHooks
        | Feature::StopSignal
        | Feature::Logging
        | Feature::Dns
        | Feature::ExtraHosts
        | Feature::Hostname
        | Feature::ShortNames
        | Feature::User
        | Feature::ReadOnlyRoot
        | Feature::Capabilities
        | Feature::Sysctls
        | Feature::Ulimits
        | Feature::Seccomp
        | Feature::FileMode
        | Feature::FileOwner
        | Feature::SubPath
        | Feature::StableName
        | Feature::GeneratedSecret
        | Feature::SecretTemplate
        | Feature::EphemeralVolume
        | Feature::Tmpfs
        | Feature::PersistentVolume
        | Feature::KeepVolume
        | Feature::ExposeInternal
        | Feature::DiscoveryDns
        | Feature::NetworkAliases
        | Feature::NetworkEncryption
        | Feature::NetworkInternal
        | Feature::UpdateDelay
        | Feature::UpdateOrder
        | Feature::UpdateMonitor
        | Feature::RollbackOnFailure
        | Feature::FailureAction
        | Feature::RollbackConfig
        | Feature::BlueGreen
        | Feature::Canary
        | Feature::Autoscale
        | Feature::AutoscaleCustom
        | Feature::DisruptionBudget
        | Feature::Near
        | Feature::Away
        | Feature::Tolerations
        | Feature::OsArch
        | Feature::Identity => NOTHING,
    }
}
