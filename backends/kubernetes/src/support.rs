//! What Kubernetes makes of each feature.

use rhumb_backend::Support;
use rhumb_spec::Feature;

use crate::facts::KubernetesFacts;

const NATIVE: Support = Support::Native;

const fn emulated(loss: &'static str) -> Support {
    Support::Emulated { loss }
}

const fn unsupported(why: &'static str, instead: &'static str) -> Support {
    Support::Unsupported { why, instead }
}

/// Native where the cluster serves this API version, and not at all elsewhere.
fn with(api: &str, facts: &KubernetesFacts, why: &'static str, instead: &'static str) -> Support {
    if facts.serves(api) { NATIVE } else { unsupported(why, instead) }
}

/// What Kubernetes makes of a feature, on a cluster that the facts describe.
///
/// Sources, where an arm names no other: the Kubernetes API reference, and its documentation under "Workloads",
/// "Services, Load Balancing, and Networking", "Storage", "Configuration" and "Scheduling".
#[expect(
    clippy::too_many_lines,
    clippy::match_same_arms,
    reason = "flat mapping table, in the order of subjects"
)]
pub fn support(feature: Feature, facts: &KubernetesFacts) -> Support {
    match feature {
        // Deployment, DaemonSet, StatefulSet with a headless Service and claim templates.
        Feature::Replicated | Feature::Global | Feature::Stateful => {
            with("apps/v1", facts, "the cluster does not serve apps/v1", "Kubernetes 1.9 or later")
        }
        Feature::Job
        | Feature::JobRetries
        | Feature::JobDeadline
        | Feature::JobParallelism
        | Feature::JobCompletions
        | Feature::Cron
        | Feature::CronTimeZone
        | Feature::CronConcurrency => {
            with("batch/v1", facts, "the cluster does not serve batch/v1", "Kubernetes 1.21 or later")
        }
        Feature::DependsOn => NATIVE,
        Feature::Sidecars | Feature::InitContainers | Feature::InitSharedVolume => NATIVE,
        Feature::Command | Feature::Args | Feature::WorkingDir => NATIVE,
        Feature::PullSecret | Feature::PullPolicy => NATIVE,
        Feature::RestartPolicy => NATIVE,
        // "Pod Lifecycle", "Container restarts".
        Feature::RestartLimits => unsupported(
            "the kubelet starts containers again without end, after a pause of its own that grows from 10 s to 5 min",
            "no limits; for a job, `job.retries`",
        ),
        Feature::LifecycleHooks | Feature::Labels | Feature::Annotations => NATIVE,
        Feature::Env
        | Feature::EnvSecret
        | Feature::EnvConfig
        | Feature::EnvAddress
        | Feature::EnvFromConfig
        | Feature::EnvFromSecret => NATIVE,
        // "Stateful Sets", "Pod index label".
        Feature::EnvOrdinal => NATIVE,
        Feature::ShortNames => NATIVE,
        Feature::ProbeExec | Feature::ProbeHttp | Feature::ProbeTcp | Feature::ProbeGrpc => NATIVE,
        Feature::ReadinessProbe
        | Feature::LivenessProbe
        | Feature::ReadinessApart
        | Feature::StartupProbe => NATIVE,
        Feature::CpuReservation | Feature::CpuLimit | Feature::MemoryReservation | Feature::MemoryLimit => {
            NATIVE
        }
        Feature::Gpu => NATIVE,
        Feature::User | Feature::ReadOnlyRoot | Feature::Capabilities | Feature::Privileged => NATIVE,
        Feature::Sysctls | Feature::Seccomp => NATIVE,
        Feature::Ulimits => unsupported(
            "a pod has no kernel limits of its own",
            "the container runtime's own defaults on the nodes, or `ulimit` in the container's command",
        ),
        // "Feature Gates": ContainerStopSignals is alpha, and off, in 1.36.
        Feature::StopSignal => emulated(
            "one other than SIGTERM is sent by a command before the stop, to the container's first process, whose end it waits \
             for, which needs /bin/sh in the image; SIGTERM follows when the time of grace is over",
        ),
        Feature::StopGrace => NATIVE,
        Feature::Logging => unsupported(
            "where the output of containers goes is the cluster's matter",
            "no `logging`, and a collector on the nodes",
        ),
        Feature::Dns | Feature::ExtraHosts | Feature::Hostname => NATIVE,
        Feature::ConfigFiles | Feature::SecretFiles | Feature::FileMode | Feature::SubPath => NATIVE,
        // "Configure a Security Context for a Pod": fsGroup; files of ConfigMaps and Secrets belong to root.
        Feature::FileOwner => emulated(
            "the files belong to root and to the group, which may read them whatever their mode says; the group is the \
             pod's `fsGroup`, so it gets the files of all of its volumes",
        ),
        Feature::StableName | Feature::GeneratedSecret | Feature::SecretTemplate | Feature::External => {
            NATIVE
        }
        Feature::EphemeralVolume | Feature::Tmpfs => NATIVE,
        Feature::PersistentVolume
        | Feature::SharedVolume
        | Feature::VolumeClass
        | Feature::VolumeSize
        | Feature::KeepVolume => NATIVE,
        Feature::HostPath => NATIVE,
        Feature::ExposeInternal
        | Feature::ExposeUdp
        | Feature::ExposeNode
        | Feature::ExposeNodeLocal
        | Feature::ExposeLoadBalancer
        | Feature::DiscoveryDns
        | Feature::NetworkAliases => NATIVE,
        Feature::Route | Feature::RouteTls if facts.serves("gateway.networking.k8s.io/v1") => NATIVE,
        Feature::Route | Feature::RouteTls => with(
            "networking.k8s.io/v1",
            facts,
            "the cluster serves neither networking.k8s.io/v1 nor the Gateway API",
            "Kubernetes 1.19 or later, or `expose` with `as: node` or `as: loadbalancer`",
        ),
        Feature::NetworkIsolation | Feature::NetworkInternal => with(
            "networking.k8s.io/v1",
            facts,
            "the cluster does not serve networking.k8s.io/v1",
            "Kubernetes 1.19 or later, or no networks",
        ),
        Feature::NetworkEncryption => unsupported(
            "a NetworkPolicy says who may talk and not how",
            "the encryption of the cluster's network plugin or a service mesh",
        ),
        Feature::RollingUpdate => NATIVE,
        // DeploymentSpec.minReadySeconds.
        Feature::UpdateDelay => emulated(
            "a new replica must have been ready for so long before the next one is replaced (`minReadySeconds`)",
        ),
        Feature::UpdateOrder => emulated("`maxSurge` and `maxUnavailable`, of which one is 0"),
        Feature::UpdateMonitor => {
            emulated("a new replica counts once it has been ready for so long (`minReadySeconds`)")
        }
        // The release engine brings back the revision before.
        Feature::RollbackOnFailure => NATIVE,
        Feature::FailureAction => {
            emulated("an update whose replicas fail stays where it is until somebody acts")
        }
        Feature::RollbackConfig => {
            emulated("a rollback is an update to the revision before, and goes as updates go")
        }
        Feature::Recreate => NATIVE,
        Feature::BlueGreen => unsupported(
            "a Deployment has one set of replicas, which it replaces step by step",
            "`strategy: rolling` with `maxSurge: 100%` and `maxUnavailable: 0`",
        ),
        Feature::Canary => unsupported(
            "services of Kubernetes have no weights",
            "`strategy: rolling` with `maxSurge: 1`, `maxUnavailable: 0`, `monitor` and `onFailure: rollback`",
        ),
        Feature::Autoscale | Feature::AutoscaleCustom => with(
            "autoscaling/v2",
            facts,
            "the cluster does not serve autoscaling/v2",
            "Kubernetes 1.23 or later, or a fixed number in `replicas`",
        ),
        Feature::DisruptionBudget => with(
            "policy/v1",
            facts,
            "the cluster does not serve policy/v1",
            "Kubernetes 1.21 or later, or no `disruption`",
        ),
        Feature::NodeConstraint | Feature::Spread | Feature::MaxPerNode | Feature::Near | Feature::Away => {
            NATIVE
        }
        Feature::Tolerations | Feature::OsArch | Feature::Identity => NATIVE,
        Feature::PlatformPatch | Feature::Native => NATIVE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_cluster_does_not_serve_is_refused() {
        for (api, feature) in [
            ("apps/v1", Feature::Stateful),
            ("batch/v1", Feature::Cron),
            ("networking.k8s.io/v1", Feature::Route),
            ("networking.k8s.io/v1", Feature::NetworkIsolation),
            ("autoscaling/v2", Feature::Autoscale),
            ("policy/v1", Feature::DisruptionBudget),
        ] {
            let mut facts = KubernetesFacts::default();
            assert_eq!(support(feature, &facts), Support::Native, "{feature}");
            facts.apis.remove(api);
            assert!(matches!(support(feature, &facts), Support::Unsupported { .. }), "{feature}");
        }
    }

    #[test]
    fn a_route_needs_one_of_two_apis() {
        let mut facts = KubernetesFacts::default();
        facts.apis.remove("networking.k8s.io/v1");
        facts.apis.insert("gateway.networking.k8s.io/v1".to_owned());
        assert_eq!(support(Feature::Route, &facts), Support::Native);
    }
}
