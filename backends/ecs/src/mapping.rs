//! What each feature becomes on ECS and the services of AWS around it, and where that is documented.

use rhumb_backend::Mapping;
use rhumb_spec::Feature;

const TASK: &str =
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html";
const CONTAINER: &str =
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html";
const SERVICE: &str = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateService.html";
const RUN: &str = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html";
const DEPLOYMENT: &str =
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html";
const HEALTH: &str = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_HealthCheck.html";
const LINUX: &str = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_LinuxParameters.html";
const CAPABILITIES: &str =
    "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KernelCapabilities.html";
const STORAGE: &str = "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_EphemeralStorage.html";
const FARGATE: &str =
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html";
const EFS: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/efs-volumes.html";
const ACCESS_POINT: &str = "https://docs.aws.amazon.com/efs/latest/ug/efs-access-points.html";
const CONNECT: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-connect.html";
const DISCOVERY: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-discovery.html";
const SECRETS: &str =
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html";
const PARAMETERS: &str =
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-parameter-store.html";
const SCHEDULER: &str = "https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html";
const BALANCING: &str =
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-load-balancing.html";
const RULES: &str =
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-listeners.html";
const TARGETS: &str =
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html";
const NETWORK: &str =
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-networking-awsvpc.html";
const GROUPS: &str = "https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html";
const TRANSIT: &str = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/data-protection.html";
const SCALING: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/service-auto-scaling.html";
const PLACEMENT: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement.html";
const CONSTRAINTS: &str =
    "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-placement-constraints.html";
const GPUS: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-gpu.html";
const ROLES: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html";
const LOGS: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html";
const TAGS: &str = "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html";

/// What a feature becomes on ECS. Fields are those of the ECS API, where no other service is named.
#[expect(
    clippy::too_many_lines,
    clippy::match_same_arms,
    reason = "flat mapping table, in the order of subjects"
)]
pub const fn mapping(feature: Feature) -> Mapping {
    let (becomes, sources): (&'static str, &'static [&'static str]) = match feature {
        Feature::Replicated => ("a service, `desiredCount`", &[SERVICE]),
        Feature::Global => ("a service with `schedulingStrategy: DAEMON`, on EC2", &[SERVICE]),
        Feature::Stateful => ("a service and an EFS access point for each ordinal", &[SERVICE, ACCESS_POINT]),
        Feature::Job => ("`RunTask`", &[RUN]),
        Feature::JobRetries | Feature::JobDeadline => ("", &[RUN]),
        Feature::JobParallelism | Feature::JobCompletions => ("`count` of `RunTask`", &[RUN]),
        Feature::Cron => ("a schedule of EventBridge Scheduler", &[SCHEDULER]),
        Feature::CronTimeZone => ("`ScheduleExpressionTimezone` of the schedule", &[SCHEDULER]),
        Feature::CronConcurrency => ("", &[SCHEDULER]),
        Feature::DependsOn => {
            ("the order in which the release makes services and waits for them", &[SERVICE])
        }
        Feature::Sidecars => ("`containerDefinitions` of one task definition", &[TASK]),
        Feature::InitContainers | Feature::InitSharedVolume => {
            ("a container that others depend on (`dependsOn` with `SUCCESS`)", &[CONTAINER])
        }
        Feature::Command => ("`entryPoint` of the container", &[CONTAINER]),
        Feature::Args => ("`command` of the container", &[CONTAINER]),
        Feature::PullSecret => ("`repositoryCredentials` of the container", &[CONTAINER, SECRETS]),
        Feature::PullPolicy => ("what the agent does at each start", &[FARGATE]),
        Feature::RestartPolicy => ("what a service does when a task ends", &[SERVICE]),
        Feature::RestartLimits | Feature::LifecycleHooks => ("", &[CONTAINER]),
        Feature::WorkingDir => ("`workingDirectory` of the container", &[CONTAINER]),
        Feature::Labels => ("`tags` of the objects, `dockerLabels` of the containers", &[TAGS, CONTAINER]),
        Feature::Annotations => ("`dockerLabels` of the containers, or tags", &[TAGS, CONTAINER]),
        Feature::Env => ("`environment` of the container", &[CONTAINER]),
        Feature::EnvSecret | Feature::EnvFromSecret => {
            ("`secrets` of the container, from Secrets Manager", &[SECRETS])
        }
        Feature::EnvConfig | Feature::EnvFromConfig => {
            ("`environment` of the container with the text", &[CONTAINER])
        }
        Feature::EnvAddress => ("`environment` with the other's name in Cloud Map", &[DISCOVERY]),
        Feature::EnvOrdinal => ("`environment` of each ordinal's task definition", &[CONTAINER]),
        Feature::ShortNames => ("`serviceConnectConfiguration` of the service", &[CONNECT]),
        Feature::ProbeExec => ("`healthCheck.command` of the container", &[HEALTH]),
        Feature::ProbeHttp | Feature::ProbeTcp => {
            ("the health check of a target group, or `healthCheck.command`", &[TARGETS, HEALTH])
        }
        Feature::ProbeGrpc => ("`healthCheck.command` with `grpc_health_probe`", &[HEALTH]),
        Feature::ReadinessProbe | Feature::ReadinessApart => {
            ("the health check of a target group, or the container's `healthCheck`", &[BALANCING, HEALTH])
        }
        Feature::LivenessProbe => ("`healthCheck` of the container", &[HEALTH]),
        Feature::StartupProbe => ("`healthCheck.startPeriod` of the container", &[HEALTH]),
        Feature::CpuReservation => {
            ("`cpu` of the container; on Fargate the task's size, too", &[CONTAINER, FARGATE])
        }
        Feature::CpuLimit => ("`cpu` of the task definition", &[TASK]),
        Feature::MemoryReservation => {
            ("`memoryReservation` of the container; on Fargate the task's size, too", &[CONTAINER, FARGATE])
        }
        Feature::MemoryLimit => {
            ("`memory` of the container; on Fargate the task's size, too", &[CONTAINER, FARGATE])
        }
        Feature::Gpu => ("`resourceRequirements` of type GPU, on EC2", &[GPUS]),
        Feature::User => ("`user` of the container", &[CONTAINER]),
        Feature::ReadOnlyRoot => ("`readonlyRootFilesystem` of the container", &[CONTAINER]),
        Feature::Capabilities => ("`linuxParameters.capabilities` of the container", &[CAPABILITIES]),
        Feature::Privileged => ("`privileged` of the container, on EC2", &[CONTAINER]),
        Feature::Sysctls => ("`systemControls` of the container", &[CONTAINER]),
        Feature::Ulimits => ("`ulimits` of the container", &[CONTAINER]),
        Feature::Seccomp | Feature::StopSignal => ("", &[CONTAINER]),
        Feature::StopGrace => ("`stopTimeout` of the container", &[CONTAINER]),
        Feature::Logging => ("`logConfiguration` of the container", &[CONTAINER, LOGS]),
        Feature::Dns => ("`dnsServers` and `dnsSearchDomains` of the container, on a bridge", &[CONTAINER]),
        Feature::ExtraHosts => ("`extraHosts` of the container, on a bridge", &[CONTAINER]),
        Feature::Hostname => ("`hostname` of the container, on a bridge", &[CONTAINER]),
        Feature::ConfigFiles => (
            "SSM parameters, written to the task's disk by a container before the others",
            &[PARAMETERS, CONTAINER],
        ),
        Feature::SecretFiles => (
            "a secret of Secrets Manager, written to the task's disk by a container before the others",
            &[SECRETS, CONTAINER],
        ),
        Feature::FileMode | Feature::FileOwner => {
            ("what the container does that writes the files", &[CONTAINER])
        }
        Feature::SubPath => {
            ("what the container writes that writes the files, or an EFS access point", &[ACCESS_POINT])
        }
        Feature::StableName => (
            "a parameter or secret of that name, and its checksum in the containers' labels",
            &[PARAMETERS, SECRETS],
        ),
        Feature::GeneratedSecret | Feature::SecretTemplate => {
            ("a secret of Secrets Manager whose content is made once", &[SECRETS])
        }
        Feature::External => (
            "a reference to the parameter, secret, access point or group of that name",
            &[SECRETS, ACCESS_POINT],
        ),
        Feature::EphemeralVolume => {
            ("a volume of the task, and `ephemeralStorage` of the task definition", &[STORAGE])
        }
        Feature::Tmpfs => ("`linuxParameters.tmpfs` of the container", &[LINUX]),
        Feature::PersistentVolume | Feature::SharedVolume => {
            ("an EFS access point, `efsVolumeConfiguration`", &[EFS, ACCESS_POINT])
        }
        Feature::VolumeClass => ("`fileSystemId` of `efsVolumeConfiguration`", &[EFS]),
        Feature::VolumeSize => ("nothing: EFS grows with what is written", &[EFS]),
        Feature::HostPath => ("`host.sourcePath` of a volume, on EC2", &[TASK]),
        Feature::KeepVolume => ("an access point that an uninstall leaves", &[ACCESS_POINT]),
        Feature::ExposeInternal => ("a service of Cloud Map, `serviceRegistries`", &[DISCOVERY]),
        Feature::ExposeUdp => ("`portMappings[].protocol: udp` of the container", &[CONTAINER]),
        Feature::ExposeNode | Feature::ExposeNodeLocal => {
            ("a listener of the network load balancer, or `hostPort` on EC2", &[BALANCING, CONTAINER])
        }
        Feature::ExposeLoadBalancer => {
            ("a listener and a target group of the network load balancer", &[BALANCING])
        }
        Feature::DiscoveryDns => ("`A` records in Cloud Map, one for each task", &[DISCOVERY]),
        Feature::NetworkAliases => ("", &[DISCOVERY]),
        Feature::Route => ("a listener rule and a target group of the application load balancer", &[RULES]),
        Feature::RouteTls => ("a rule of the HTTPS listener", &[RULES]),
        Feature::NetworkIsolation => ("a security group", &[GROUPS, NETWORK]),
        Feature::NetworkEncryption => ("", &[TRANSIT]),
        Feature::NetworkInternal => ("", &[NETWORK]),
        Feature::RollingUpdate => ("`minimumHealthyPercent` and `maximumPercent`", &[DEPLOYMENT]),
        Feature::UpdateDelay | Feature::UpdateMonitor | Feature::RollbackConfig => ("", &[DEPLOYMENT]),
        Feature::UpdateOrder => ("`minimumHealthyPercent` and `maximumPercent`", &[DEPLOYMENT]),
        Feature::RollbackOnFailure | Feature::FailureAction => ("`deploymentCircuitBreaker`", &[DEPLOYMENT]),
        Feature::Recreate => ("`minimumHealthyPercent: 0` and `maximumPercent: 100`", &[DEPLOYMENT]),
        Feature::BlueGreen => ("`deploymentConfiguration.strategy: BLUE_GREEN`", &[DEPLOYMENT]),
        Feature::Canary => ("`deploymentConfiguration.strategy: CANARY` or `LINEAR`", &[DEPLOYMENT]),
        Feature::Autoscale => ("a scalable target and target tracking policies", &[SCALING]),
        Feature::AutoscaleCustom => ("a target tracking policy on a metric of CloudWatch", &[SCALING]),
        Feature::DisruptionBudget => ("`minimumHealthyPercent`", &[DEPLOYMENT]),
        Feature::NodeConstraint => ("`placementConstraints` of type memberOf, on EC2", &[CONSTRAINTS]),
        Feature::Spread => ("`placementStrategy` of type spread; Fargate spreads by itself", &[PLACEMENT]),
        Feature::MaxPerNode => ("`placementConstraints` of type distinctInstance, on EC2", &[CONSTRAINTS]),
        Feature::Near | Feature::Away => ("`placementConstraints`, on EC2", &[CONSTRAINTS]),
        Feature::Tolerations => ("", &[CONSTRAINTS]),
        Feature::OsArch => ("`runtimePlatform` of the task definition", &[TASK]),
        Feature::Identity => ("`taskRoleArn` of the task definition", &[ROLES]),
        Feature::PlatformPatch | Feature::Native => ("the request as it is written", &[TASK, SERVICE]),
    };
    Mapping::new(becomes, sources)
}
