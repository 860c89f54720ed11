//! What each feature becomes on Kubernetes, and where that is documented.

use rhumb_backend::Mapping;
use rhumb_spec::Feature;

const DEPLOYMENT: &str = "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/";
const DAEMON_SET: &str = "https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/";
const STATEFUL_SET: &str = "https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/";
const JOB: &str = "https://kubernetes.io/docs/concepts/workloads/controllers/job/";
const CRON_JOB: &str = "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/";
const PODS: &str = "https://kubernetes.io/docs/concepts/workloads/pods/";
const INIT: &str = "https://kubernetes.io/docs/concepts/workloads/pods/init-containers/";
const LIFECYCLE: &str = "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/";
const HOOKS: &str = "https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/";
const COMMAND: &str =
    "https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/";
const IMAGES: &str = "https://kubernetes.io/docs/concepts/containers/images/";
const LABELS: &str = "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/";
const ANNOTATIONS: &str = "https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/";
const ENV: &str =
    "https://kubernetes.io/docs/tasks/inject-data-application/define-environment-variable-container/";
const CONFIG_MAP: &str = "https://kubernetes.io/docs/concepts/configuration/configmap/";
const SECRET: &str = "https://kubernetes.io/docs/concepts/configuration/secret/";
const DNS: &str = "https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/";
const PROBES: &str =
    "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/";
const RESOURCES: &str = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/";
const GPUS: &str = "https://kubernetes.io/docs/tasks/manage-gpus/scheduling-gpus/";
const SECURITY: &str = "https://kubernetes.io/docs/tasks/configure-pod-container/security-context/";
const SYSCTLS: &str = "https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/";
const SECCOMP: &str = "https://kubernetes.io/docs/tutorials/security/seccomp/";
const HOSTS: &str = "https://kubernetes.io/docs/tasks/network/customize-hosts-file-for-pods/";
const LOGGING: &str = "https://kubernetes.io/docs/concepts/cluster-administration/logging/";
const VOLUMES: &str = "https://kubernetes.io/docs/concepts/storage/volumes/";
const CLAIMS: &str = "https://kubernetes.io/docs/concepts/storage/persistent-volumes/";
const CLASSES: &str = "https://kubernetes.io/docs/concepts/storage/storage-classes/";
const SERVICE: &str = "https://kubernetes.io/docs/concepts/services-networking/service/";
const INGRESS: &str = "https://kubernetes.io/docs/concepts/services-networking/ingress/";
const GATEWAY: &str = "https://kubernetes.io/docs/concepts/services-networking/gateway/";
const POLICIES: &str = "https://kubernetes.io/docs/concepts/services-networking/network-policies/";
const AUTOSCALER: &str =
    "https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/";
const BUDGET: &str = "https://kubernetes.io/docs/tasks/run-application/configure-pdb/";
const NODES: &str = "https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/";
const SPREAD: &str = "https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/";
const TAINTS: &str = "https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/";
const ACCOUNTS: &str = "https://kubernetes.io/docs/concepts/security/service-accounts/";
const APPLY: &str = "https://kubernetes.io/docs/reference/using-api/server-side-apply/";

/// What a feature becomes on Kubernetes.
#[expect(clippy::too_many_lines, reason = "flat mapping table, in the order of subjects")]
pub const fn mapping(feature: Feature) -> Mapping {
    let (becomes, sources): (&'static str, &'static [&'static str]) = match feature {
        Feature::Replicated => ("a Deployment, `spec.replicas`", &[DEPLOYMENT]),
        Feature::Global => ("a DaemonSet", &[DAEMON_SET]),
        Feature::Stateful => ("a StatefulSet, a headless Service, `volumeClaimTemplates`", &[STATEFUL_SET]),
        Feature::Job => ("a Job", &[JOB]),
        Feature::JobRetries => ("`backoffLimit` of the Job", &[JOB]),
        Feature::JobDeadline => ("`activeDeadlineSeconds` of the Job", &[JOB]),
        Feature::JobParallelism => ("`parallelism` of the Job", &[JOB]),
        Feature::JobCompletions => ("`completions` of the Job", &[JOB]),
        Feature::Cron => ("a CronJob, `schedule`", &[CRON_JOB]),
        Feature::CronTimeZone => ("`timeZone` of the CronJob", &[CRON_JOB]),
        Feature::CronConcurrency => ("`concurrencyPolicy` of the CronJob", &[CRON_JOB]),
        Feature::DependsOn => ("the order in which the release applies objects and waits for them", &[PODS]),
        Feature::Sidecars => ("`containers` of one pod", &[PODS]),
        Feature::InitContainers | Feature::InitSharedVolume => ("`initContainers` of the pod", &[INIT]),
        Feature::Command => ("`command` of the container", &[COMMAND]),
        Feature::Args => ("`args` of the container", &[COMMAND]),
        Feature::PullSecret => {
            ("`imagePullSecrets` of the pod, a Secret of type dockerconfigjson", &[IMAGES])
        }
        Feature::PullPolicy => ("`imagePullPolicy` of the container", &[IMAGES]),
        Feature::RestartPolicy => ("`restartPolicy` of the pod", &[LIFECYCLE]),
        Feature::RestartLimits => ("", &[LIFECYCLE]),
        Feature::WorkingDir => ("`workingDir` of the container", &[COMMAND]),
        Feature::LifecycleHooks => {
            ("`lifecycle.postStart` and `lifecycle.preStop` of the container", &[HOOKS])
        }
        Feature::Labels => ("`metadata.labels`", &[LABELS]),
        Feature::Annotations => ("`metadata.annotations`", &[ANNOTATIONS]),
        Feature::Env => ("`env` of the container", &[ENV]),
        Feature::EnvSecret => ("`env[].valueFrom.secretKeyRef`", &[SECRET]),
        Feature::EnvConfig => ("`env[].valueFrom.configMapKeyRef`", &[CONFIG_MAP]),
        Feature::EnvAddress => ("`env[].value` with the DNS name and port of the other's Service", &[DNS]),
        Feature::EnvOrdinal => {
            ("`env[].valueFrom.fieldRef` on the label `apps.kubernetes.io/pod-index`", &[STATEFUL_SET])
        }
        Feature::EnvFromConfig => ("`envFrom[].configMapRef`", &[CONFIG_MAP]),
        Feature::EnvFromSecret => ("`envFrom[].secretRef`", &[SECRET]),
        Feature::ShortNames => ("the Service's own name in the namespace", &[DNS]),
        Feature::ProbeExec => ("`exec` of a probe", &[PROBES]),
        Feature::ProbeHttp => ("`httpGet` of a probe", &[PROBES]),
        Feature::ProbeTcp => ("`tcpSocket` of a probe", &[PROBES]),
        Feature::ProbeGrpc => ("`grpc` of a probe", &[PROBES]),
        Feature::ReadinessProbe | Feature::ReadinessApart => ("`readinessProbe` of the container", &[PROBES]),
        Feature::LivenessProbe => ("`livenessProbe` of the container", &[PROBES]),
        Feature::StartupProbe => ("`startupProbe` of the container", &[PROBES]),
        Feature::CpuReservation => ("`resources.requests.cpu` of the container", &[RESOURCES]),
        Feature::CpuLimit => ("`resources.limits.cpu` of the container", &[RESOURCES]),
        Feature::MemoryReservation => ("`resources.requests.memory` of the container", &[RESOURCES]),
        Feature::MemoryLimit => ("`resources.limits.memory` of the container", &[RESOURCES]),
        Feature::Gpu => ("`resources.limits` with the device plugin's resource", &[GPUS]),
        Feature::User => ("`securityContext.runAsUser` and `runAsGroup`", &[SECURITY]),
        Feature::ReadOnlyRoot => ("`securityContext.readOnlyRootFilesystem`", &[SECURITY]),
        Feature::Capabilities => ("`securityContext.capabilities`", &[SECURITY]),
        Feature::Privileged => ("`securityContext.privileged`", &[SECURITY]),
        Feature::Sysctls => ("`securityContext.sysctls` of the pod", &[SYSCTLS]),
        Feature::Ulimits => ("", &[SECURITY]),
        Feature::Seccomp => ("`securityContext.seccompProfile`", &[SECCOMP]),
        Feature::StopSignal => ("a command in `lifecycle.preStop`", &[HOOKS, LIFECYCLE]),
        Feature::StopGrace => ("`terminationGracePeriodSeconds` of the pod", &[LIFECYCLE]),
        Feature::Logging => ("", &[LOGGING]),
        Feature::Dns => ("`dnsConfig` and `dnsPolicy` of the pod", &[DNS]),
        Feature::ExtraHosts => ("`hostAliases` of the pod", &[HOSTS]),
        Feature::Hostname => ("`hostname` of the pod", &[DNS]),
        Feature::ConfigFiles => ("a ConfigMap, mounted as a volume", &[CONFIG_MAP]),
        Feature::SecretFiles => ("a Secret, mounted as a volume", &[SECRET]),
        Feature::FileMode => ("`defaultMode` of the volume", &[VOLUMES]),
        Feature::FileOwner => ("`securityContext.fsGroup` of the pod", &[SECURITY]),
        Feature::SubPath => ("`volumeMounts[].subPath`", &[VOLUMES]),
        Feature::StableName => (
            "a ConfigMap or Secret of that name, and its checksum in the pods' annotations",
            &[CONFIG_MAP, SECRET],
        ),
        Feature::GeneratedSecret | Feature::SecretTemplate => {
            ("a Secret whose content is made once", &[SECRET])
        }
        Feature::External => ("a reference to the object of that name", &[CONFIG_MAP, SECRET, CLAIMS]),
        Feature::EphemeralVolume => ("a volume of type `emptyDir`", &[VOLUMES]),
        Feature::Tmpfs => ("a volume of type `emptyDir` with `medium: Memory`", &[VOLUMES]),
        Feature::PersistentVolume => ("a PersistentVolumeClaim, `ReadWriteOnce`", &[CLAIMS]),
        Feature::SharedVolume => ("a PersistentVolumeClaim, `ReadWriteMany`", &[CLAIMS]),
        Feature::VolumeClass => ("`storageClassName` of the claim", &[CLASSES]),
        Feature::VolumeSize => ("`resources.requests.storage` of the claim", &[CLAIMS]),
        Feature::HostPath => ("a volume of type `hostPath`", &[VOLUMES]),
        Feature::KeepVolume => ("a claim that an uninstall leaves", &[CLAIMS]),
        Feature::ExposeInternal => ("a Service of type ClusterIP", &[SERVICE]),
        Feature::ExposeUdp => ("`protocol: UDP` of the Service's port", &[SERVICE]),
        Feature::ExposeNode => ("a Service of type NodePort", &[SERVICE]),
        Feature::ExposeNodeLocal => {
            let what = "a Service of type NodePort with `externalTrafficPolicy: Local`, or `hostPort` where the number is none of a NodePort's";
            (what, &[SERVICE, PODS])
        }
        Feature::ExposeLoadBalancer => ("a Service of type LoadBalancer", &[SERVICE]),
        Feature::DiscoveryDns => ("a headless Service (`clusterIP: None`)", &[SERVICE, DNS]),
        Feature::NetworkAliases => ("a further Service of that name", &[SERVICE]),
        Feature::Route => {
            ("an Ingress, or an HTTPRoute where the Gateway API is chosen", &[INGRESS, GATEWAY])
        }
        Feature::RouteTls => ("`tls` of the Ingress, or the Gateway's listener", &[INGRESS, GATEWAY]),
        Feature::NetworkIsolation => ("a NetworkPolicy for the pods of the network", &[POLICIES]),
        Feature::NetworkEncryption => ("", &[POLICIES]),
        Feature::NetworkInternal => ("a NetworkPolicy with egress to the network's pods only", &[POLICIES]),
        Feature::RollingUpdate => ("`strategy.rollingUpdate`, or `updateStrategy`", &[DEPLOYMENT]),
        Feature::UpdateDelay | Feature::UpdateMonitor => ("`minReadySeconds`", &[DEPLOYMENT]),
        Feature::UpdateOrder => ("`maxSurge` and `maxUnavailable`", &[DEPLOYMENT]),
        Feature::RollbackOnFailure => {
            ("the release's own rollback, once `progressDeadlineSeconds` is over", &[DEPLOYMENT])
        }
        Feature::FailureAction => ("a Deployment that stays where it is", &[DEPLOYMENT]),
        Feature::RollbackConfig => ("an update to the stored objects of the revision before", &[DEPLOYMENT]),
        Feature::Recreate => ("`strategy.type: Recreate`", &[DEPLOYMENT]),
        Feature::BlueGreen | Feature::Canary => ("", &[DEPLOYMENT]),
        Feature::Autoscale => ("a HorizontalPodAutoscaler on cpu and memory", &[AUTOSCALER]),
        Feature::AutoscaleCustom => ("a HorizontalPodAutoscaler on a metric of type Pods", &[AUTOSCALER]),
        Feature::DisruptionBudget => ("a PodDisruptionBudget", &[BUDGET]),
        Feature::NodeConstraint => ("`nodeSelector` or `affinity.nodeAffinity`", &[NODES]),
        Feature::Spread => ("`topologySpreadConstraints`", &[SPREAD]),
        Feature::MaxPerNode => {
            ("`affinity.podAntiAffinity`, or `topologySpreadConstraints` over host names", &[NODES, SPREAD])
        }
        Feature::Near => ("`affinity.podAffinity`", &[NODES]),
        Feature::Away => ("`affinity.podAntiAffinity`", &[NODES]),
        Feature::Tolerations => ("`tolerations`", &[TAINTS]),
        Feature::OsArch => ("`nodeSelector` on `kubernetes.io/os` and `kubernetes.io/arch`", &[NODES]),
        Feature::Identity => ("`serviceAccountName`", &[ACCOUNTS]),
        Feature::PlatformPatch | Feature::Native => {
            ("the manifest as it is written, by server-side apply", &[APPLY])
        }
    };
    Mapping::new(becomes, sources)
}
