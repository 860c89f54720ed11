//! What ECS makes of each feature.

use rhumb_backend::Support;
use rhumb_spec::Feature;

use crate::connect::NetworkMode;
use crate::facts::EcsFacts;

const NATIVE: Support = Support::Native;

const fn emulated(loss: &'static str) -> Support {
    Support::Emulated { loss }
}

const fn unsupported(why: &'static str, instead: &'static str) -> Support {
    Support::Unsupported { why, instead }
}

/// Native on container instances of the account, and not at all on Fargate.
fn on_ec2(facts: &EcsFacts, why: &'static str, instead: &'static str) -> Support {
    if facts.is_fargate() { unsupported(why, instead) } else { NATIVE }
}

/// What the containers of a task can be told only where it has no address of its own.
fn on_bridge(facts: &EcsFacts, why: &'static str, instead: &'static str) -> Support {
    if facts.network() == NetworkMode::Bridge { NATIVE } else { unsupported(why, instead) }
}

/// Where the facts lack what a feature rests on, what is missing; else what ECS makes of it.
fn with(is_there: bool, support: Support, why: &'static str, instead: &'static str) -> Support {
    if is_there { support } else { unsupported(why, instead) }
}

const NO_NAMESPACE: &str = "names are kept in a Cloud Map namespace, and the target has none";
const SET_NAMESPACE: &str = "the target's setting `discoveryNamespace`, with the namespace's name or id";
const NO_FILE_SYSTEM: &str = "what outlives a task lies on an EFS file system, and the target has none";
const SET_FILE_SYSTEM: &str = "the target's setting `fileSystem`, with its id";
const NO_BALANCER: &str = "the target has no network load balancer";
const SET_BALANCER: &str = "the target's setting `networkLoadBalancer`, with its name or ARN";

/// What ECS makes of a feature, with what the facts say runs tasks and is there for them.
///
/// Sources, where an arm names no other: the Amazon ECS API reference, `RegisterTaskDefinition` and `CreateService`; the
/// Amazon ECS developer guide, "Amazon ECS task definition parameters for Fargate" and "… for Amazon EC2".
#[expect(
    clippy::too_many_lines,
    clippy::match_same_arms,
    reason = "flat mapping table, in the order of subjects"
)]
pub fn support(feature: Feature, facts: &EcsFacts) -> Support {
    let is_fargate = facts.is_fargate();
    let has_address = facts.network() == NetworkMode::Awsvpc;
    let has_names = facts.discovery.is_some();
    match feature {
        Feature::Replicated => NATIVE,
        Feature::Global => on_ec2(
            facts,
            "Fargate has no nodes that a task could be on each of",
            "`mode: replicated`, or a target whose launch type is EC2",
        ),
        Feature::Stateful => emulated(
            "one service for each replica, each with a folder of its own on the EFS file system; all of them answer to \
             the set's name, and none to a name of its own",
        ),
        Feature::Job => NATIVE,
        Feature::JobRetries => unsupported(
            "RunTask starts a task once, whatever becomes of it",
            "tries in the job's own command, or another run with `rhumb upgrade`",
        ),
        Feature::JobDeadline => {
            unsupported("ECS ends no task by the clock", "`timeout` in the job's own command, or no deadline")
        }
        // RunTask.count.
        Feature::JobParallelism => emulated("all tasks of a job start at one time"),
        Feature::JobCompletions => emulated("so many tasks start, and each must succeed"),
        Feature::Cron => with(
            facts.scheduler_role.is_some(),
            NATIVE,
            "EventBridge Scheduler runs tasks by a role, and the target has none",
            "the target's setting `schedulerRole`, with the role's name or ARN",
        ),
        Feature::CronTimeZone => NATIVE,
        Feature::CronConcurrency => unsupported(
            "EventBridge Scheduler does not know of runs that have not ended",
            "`concurrency: allow` and a lock in the job itself",
        ),
        Feature::DependsOn | Feature::Sidecars => NATIVE,
        // ContainerDefinition.dependsOn with the condition SUCCESS.
        Feature::InitContainers | Feature::InitSharedVolume => NATIVE,
        Feature::Command | Feature::Args | Feature::WorkingDir => NATIVE,
        // ContainerDefinition.repositoryCredentials.
        Feature::PullSecret => NATIVE,
        Feature::PullPolicy => emulated(
            "Fargate fetches an image at each start; on EC2 the agent's ECS_IMAGE_PULL_BEHAVIOR says when, for all \
             tasks of a node",
        ),
        Feature::RestartPolicy => emulated(
            "a service starts another task for each that ended, whatever its exit code; a job's task is started once",
        ),
        Feature::RestartLimits => unsupported(
            "ECS starts tasks again without end, after a pause of its own that grows",
            "no limits; the circuit breaker of `update.onFailure` ends an update that does not come up",
        ),
        Feature::LifecycleHooks => unsupported(
            "ECS runs nothing after a start or before a stop",
            "an entry point that does the first, and handles the stop signal for the second",
        ),
        // Tags, and labels of the containers.
        Feature::Labels | Feature::Annotations | Feature::Env => NATIVE,
        // ContainerDefinition.secrets.
        Feature::EnvSecret | Feature::EnvFromSecret => NATIVE,
        Feature::EnvConfig | Feature::EnvFromConfig => {
            emulated("the text is copied into the task definition, which a change of the config renews")
        }
        Feature::EnvAddress if !has_names => unsupported(NO_NAMESPACE, SET_NAMESPACE),
        Feature::EnvAddress => with(
            has_address,
            NATIVE,
            "tasks without an address of their own have SRV records only, which are no host and port",
            "the target's setting `networkMode: awsvpc`, or `shortNames: true` and the bare name as text",
        ),
        Feature::EnvOrdinal => emulated("written into each replica's own task definition"),
        Feature::ShortNames if !has_names => unsupported(NO_NAMESPACE, SET_NAMESPACE),
        // Amazon ECS developer guide, "Use Service Connect to connect Amazon ECS services with short names".
        Feature::ShortNames => with(
            facts.network() != NetworkMode::Host,
            emulated(
                "Service Connect: a proxy beside each task of a service, TCP only; jobs have no bare names, and tasks \
                 that run already do not find services that come later",
            ),
            "Service Connect does not work in network mode `host`",
            "the target's setting `networkMode: awsvpc`",
        ),
        Feature::ProbeExec => NATIVE,
        Feature::ProbeHttp => emulated(
            "a load balancer asks where one leads to the port; else a command in the container, which needs /bin/sh and \
             either curl or wget there",
        ),
        Feature::ProbeTcp => emulated(
            "a load balancer asks where one leads to the port; else a command in the container, which needs /bin/sh and \
             either nc or bash there",
        ),
        Feature::ProbeGrpc => emulated("the command `grpc_health_probe`, which must be in the container"),
        Feature::ReadinessProbe => emulated(
            "asked by the load balancer that leads to the port, else by the container's one health check; a task that \
             fails either is replaced",
        ),
        Feature::LivenessProbe => emulated("the one health check: the whole task is replaced when it fails"),
        Feature::ReadinessApart => emulated(
            "apart only where a load balancer leads to the port; else one check for both: it asks what `ready` asks, and \
             a task is replaced after the greater number of failures",
        ),
        Feature::StartupProbe => {
            emulated("the time in which failures of the one health check do not count, 5 minutes at most")
        }
        Feature::CpuReservation => NATIVE,
        Feature::CpuLimit => emulated("the whole task has the limit, which its containers share"),
        Feature::MemoryReservation | Feature::MemoryLimit => NATIVE,
        Feature::Gpu => on_ec2(
            facts,
            "Fargate has no graphics processors",
            "a target whose launch type is EC2, with instances that have them",
        ),
        Feature::User | Feature::ReadOnlyRoot => NATIVE,
        // KernelCapabilities: on Fargate only SYS_PTRACE is added; lowering says which cannot be.
        Feature::Capabilities => NATIVE,
        Feature::Privileged => on_ec2(
            facts,
            "containers on Fargate have none of the host's rights",
            "a target whose launch type is EC2",
        ),
        Feature::Sysctls => NATIVE,
        // On Fargate only `nofile`; lowering says which cannot be.
        Feature::Ulimits => NATIVE,
        Feature::Seccomp => unsupported(
            "a task definition names no seccomp profile",
            "no `seccomp`: Docker's default profile applies",
        ),
        Feature::StopSignal => unsupported(
            "ECS sends the image's own STOPSIGNAL",
            "`STOPSIGNAL` in the image's Dockerfile, or an entry point that handles SIGTERM",
        ),
        Feature::StopGrace | Feature::Logging => NATIVE,
        Feature::Dns => on_bridge(
            facts,
            "a task with an address of its own resolves names as its network does",
            "the DHCP options of the VPC, or a target on EC2 with `networkMode: bridge`",
        ),
        Feature::ExtraHosts => on_bridge(
            facts,
            "the hosts file of a task is its network's matter unless it is on a bridge",
            "a record in Route 53, or a target on EC2 with `networkMode: bridge`",
        ),
        Feature::Hostname => on_bridge(
            facts,
            "the host name of a task follows from its address unless it is on a bridge",
            "no `hostname`, or a target on EC2 with `networkMode: bridge`",
        ),
        Feature::ConfigFiles => emulated(
            "a container that ends before the others start writes them from SSM parameters; 6 KiB a file at most, and a \
             single file takes the place of its whole folder",
        ),
        Feature::SecretFiles => emulated(
            "a container that ends before the others start writes them from Secrets Manager onto the task's own disk; a \
             single file takes the place of its whole folder",
        ),
        Feature::FileMode | Feature::FileOwner => emulated("set by the container that writes the files"),
        Feature::SubPath => emulated(
            "of a config or secret, written by the container that writes the files; of a volume on EFS, an access point \
             of its own",
        ),
        Feature::StableName => NATIVE,
        Feature::GeneratedSecret | Feature::SecretTemplate | Feature::External => NATIVE,
        Feature::EphemeralVolume => NATIVE,
        // LinuxParameters.tmpfs.
        Feature::Tmpfs => NATIVE,
        Feature::PersistentVolume | Feature::SharedVolume => {
            with(facts.file_system.is_some(), NATIVE, NO_FILE_SYSTEM, SET_FILE_SYSTEM)
        }
        Feature::VolumeClass => emulated(
            "every volume is a folder of the target's EFS file system, or of the one whose id (`fs-…`) the class is",
        ),
        Feature::VolumeSize => emulated("EFS grows with what is written, and holds nothing to a size"),
        Feature::HostPath => on_ec2(
            facts,
            "tasks on Fargate have no host file system",
            "an ephemeral volume, or a target whose launch type is EC2",
        ),
        Feature::KeepVolume => NATIVE,
        Feature::ExposeInternal if !has_names => unsupported(NO_NAMESPACE, SET_NAMESPACE),
        Feature::ExposeInternal if !has_address => emulated(
            "SRV records in Cloud Map, as tasks without an address of their own have no fixed port; clients must ask for \
             them",
        ),
        Feature::ExposeInternal => NATIVE,
        Feature::ExposeUdp => NATIVE,
        Feature::ExposeNode if !has_address => {
            emulated("only nodes that run a replica answer, each with its own")
        }
        Feature::ExposeNodeLocal if !has_address => NATIVE,
        Feature::ExposeNode | Feature::ExposeNodeLocal => with(
            facts.network_load_balancer.is_some(),
            emulated(
                "a port of the target's network load balancer: tasks with an address of their own take no port of a node",
            ),
            "tasks with an address of their own take no port of a node, and the target has no network load balancer",
            SET_BALANCER,
        ),
        Feature::ExposeLoadBalancer => {
            with(facts.network_load_balancer.is_some(), NATIVE, NO_BALANCER, SET_BALANCER)
        }
        Feature::DiscoveryDns => NATIVE,
        Feature::NetworkAliases => unsupported(
            "a service is in one place of the Cloud Map namespace, under one name",
            "the workload's own name",
        ),
        // Elastic Load Balancing, "Listener rules for your Application Load Balancer".
        Feature::Route => with(
            facts.load_balancer.is_some(),
            NATIVE,
            "the target has no application load balancer",
            "the target's setting `loadBalancer`, with its name or ARN",
        ),
        Feature::RouteTls => emulated("the certificates of the load balancer's HTTPS listener"),
        Feature::NetworkIsolation => with(
            has_address,
            emulated(
                "a security group whose members reach each other; tasks that a load balancer or a file system must reach \
                 are in the target's own groups, too",
            ),
            "only tasks with an address of their own have security groups",
            "the target's setting `networkMode: awsvpc`",
        ),
        // Amazon EC2 user guide, "Encryption in transit".
        Feature::NetworkEncryption => unsupported(
            "traffic in a VPC is encrypted only between certain instance types, which is nothing that a task can ask for",
            "TLS between the workloads",
        ),
        Feature::NetworkInternal => unsupported(
            "the way to the outside is the subnets' matter",
            "a target whose subnets have no route to the internet",
        ),
        Feature::RollingUpdate => NATIVE,
        Feature::UpdateDelay => {
            unsupported("ECS goes on as soon as new tasks are healthy", "a probe with a longer `delay`")
        }
        Feature::UpdateOrder => NATIVE,
        Feature::UpdateMonitor => unsupported(
            "the circuit breaker counts tasks that do not come up, and its threshold is ECS's own",
            "probes that say when a task is good, and `onFailure: rollback`",
        ),
        // DeploymentCircuitBreaker.
        Feature::RollbackOnFailure | Feature::FailureAction => NATIVE,
        Feature::RollbackConfig => {
            unsupported("the circuit breaker rolls back in the way of an update", "no `rollback`")
        }
        Feature::Recreate => emulated(
            "nothing need stay and nothing is beyond the wanted number; ECS does not wait for the last old task before \
             the first new one",
        ),
        // DeploymentConfiguration.strategy.
        Feature::BlueGreen | Feature::Canary => with(
            facts.infrastructure_role.is_some(),
            NATIVE,
            "ECS shifts traffic between two sets of tasks by a role of its own, and the target has none",
            "the target's setting `infrastructureRole`, with the role's name or ARN; or `strategy: rolling`",
        ),
        // Application Auto Scaling, "Target tracking scaling policies".
        Feature::Autoscale => NATIVE,
        Feature::AutoscaleCustom => emulated(
            "a CloudWatch metric with the dimensions ClusterName and ServiceName; its namespace is what stands before the \
             last slash of its name, else `ECS/ContainerInsights`",
        ),
        Feature::DisruptionBudget => {
            emulated("the percentage of tasks that an update or a draining node must leave")
        }
        Feature::NodeConstraint => on_ec2(
            facts,
            "Fargate has no nodes to choose from",
            "`placement.arch` and `placement.os`, or a target whose launch type is EC2",
        ),
        Feature::Spread if is_fargate => {
            emulated("Fargate spreads the tasks of a service over the zones of its subnets by itself")
        }
        Feature::Spread => NATIVE,
        Feature::MaxPerNode | Feature::Near | Feature::Away => on_ec2(
            facts,
            "Fargate has no nodes to place tasks on",
            "no such rule: tasks of Fargate share no machine; or a target whose launch type is EC2",
        ),
        Feature::Tolerations => {
            unsupported("container instances have no taints", "`placement.nodes` on their attributes")
        }
        // RegisterTaskDefinition.runtimePlatform.
        Feature::OsArch => NATIVE,
        // RegisterTaskDefinition.taskRoleArn.
        Feature::Identity => NATIVE,
        Feature::PlatformPatch | Feature::Native => NATIVE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::LaunchType;

    fn is_refused(feature: Feature, facts: &EcsFacts) -> bool {
        matches!(support(feature, facts), Support::Unsupported { .. })
    }

    #[test]
    fn fargate_has_no_nodes() {
        let fargate = EcsFacts::default();
        let ec2 = EcsFacts { launch_type: LaunchType::Ec2, ..EcsFacts::default() };
        for feature in [
            Feature::Global,
            Feature::Gpu,
            Feature::Privileged,
            Feature::HostPath,
            Feature::NodeConstraint,
            Feature::MaxPerNode,
            Feature::Near,
            Feature::Away,
        ] {
            assert!(is_refused(feature, &fargate), "{feature}");
            assert!(!is_refused(feature, &ec2), "{feature}");
        }
    }

    #[test]
    fn what_the_target_lacks_is_refused() {
        let bare = EcsFacts {
            load_balancer: None,
            network_load_balancer: None,
            discovery: None,
            file_system: None,
            scheduler_role: None,
            ..EcsFacts::default()
        };
        for feature in [
            Feature::Route,
            Feature::ExposeLoadBalancer,
            Feature::ExposeNode,
            Feature::ExposeInternal,
            Feature::EnvAddress,
            Feature::ShortNames,
            Feature::PersistentVolume,
            Feature::Cron,
        ] {
            assert!(is_refused(feature, &bare), "{feature}");
            assert!(!is_refused(feature, &EcsFacts::default()), "{feature}");
        }
    }

    #[test]
    fn only_a_bridge_has_host_names_of_its_own() {
        let bridge = EcsFacts {
            launch_type: LaunchType::Ec2,
            network_mode: NetworkMode::Bridge,
            ..EcsFacts::default()
        };
        for feature in [Feature::Dns, Feature::ExtraHosts, Feature::Hostname] {
            assert!(is_refused(feature, &EcsFacts::default()), "{feature}");
            assert!(!is_refused(feature, &bridge), "{feature}");
        }
        assert!(is_refused(Feature::NetworkIsolation, &bridge));
    }
}
