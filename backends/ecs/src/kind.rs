//! The kinds of objects that an app becomes on AWS, and the calls that make them.

use rhumb_backend::ObjectId;

/// A kind of object. Its documents are the requests that make it, as the AWS CLI takes them with `--cli-input-json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// EC2 `CreateSecurityGroup`, with its rules under `ingress`.
    SecurityGroup,
    /// CloudWatch Logs `CreateLogGroup`, with `retentionInDays`.
    LogGroup,
    /// EFS `CreateAccessPoint`.
    AccessPoint,
    /// SSM `PutParameter`: a file of a config. Named by its content.
    Parameter,
    /// Secrets Manager `CreateSecret`: one for each secret, a JSON object of its keys. Named by its content.
    Secret,
    /// Cloud Map `CreateService`.
    Discovery,
    /// Elastic Load Balancing v2 `CreateTargetGroup`.
    TargetGroup,
    /// Elastic Load Balancing v2 `CreateListener`.
    Listener,
    /// Elastic Load Balancing v2 `CreateRule`.
    ListenerRule,
    /// ECS `RegisterTaskDefinition`. Named by its content.
    TaskDefinition,
    /// ECS `CreateService`.
    Service,
    /// ECS `RunTask`: a job.
    Task,
    /// Application Auto Scaling `RegisterScalableTarget`.
    ScalableTarget,
    /// Application Auto Scaling `PutScalingPolicy`.
    ScalingPolicy,
    /// EventBridge Scheduler `CreateSchedule`.
    Schedule,
}

impl Kind {
    /// Every kind, in the order in which they are looked for.
    pub const ALL: [Self; 15] = [
        Self::SecurityGroup,
        Self::LogGroup,
        Self::AccessPoint,
        Self::Parameter,
        Self::Secret,
        Self::Discovery,
        Self::TargetGroup,
        Self::Listener,
        Self::ListenerRule,
        Self::TaskDefinition,
        Self::Service,
        Self::Task,
        Self::ScalableTarget,
        Self::ScalingPolicy,
        Self::Schedule,
    ];

    /// The kind of an id.
    pub fn of(id: &ObjectId) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == id.kind())
    }

    /// The word in ids.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SecurityGroup => "security-group",
            Self::LogGroup => "log-group",
            Self::AccessPoint => "access-point",
            Self::Parameter => "parameter",
            Self::Secret => "secret",
            Self::Discovery => "discovery",
            Self::TargetGroup => "target-group",
            Self::Listener => "listener",
            Self::ListenerRule => "listener-rule",
            Self::TaskDefinition => "task-definition",
            Self::Service => "service",
            Self::Task => "task",
            Self::ScalableTarget => "scalable-target",
            Self::ScalingPolicy => "scaling-policy",
            Self::Schedule => "schedule",
        }
    }

    /// The word by which people name the kind in patches and in documents of their own.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SecurityGroup => "SecurityGroup",
            Self::LogGroup => "LogGroup",
            Self::AccessPoint => "AccessPoint",
            Self::Parameter => "Parameter",
            Self::Secret => "Secret",
            Self::Discovery => "Discovery",
            Self::TargetGroup => "TargetGroup",
            Self::Listener => "Listener",
            Self::ListenerRule => "ListenerRule",
            Self::TaskDefinition => "TaskDefinition",
            Self::Service => "Service",
            Self::Task => "Task",
            Self::ScalableTarget => "ScalableTarget",
            Self::ScalingPolicy => "ScalingPolicy",
            Self::Schedule => "Schedule",
        }
    }

    /// The kind that people name so.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The call that makes one, as AWS spells it, behind the name of its service in botocore.
    pub const fn call(self) -> &'static str {
        match self {
            Self::SecurityGroup => "ec2:CreateSecurityGroup",
            Self::LogGroup => "logs:CreateLogGroup",
            Self::AccessPoint => "efs:CreateAccessPoint",
            Self::Parameter => "ssm:PutParameter",
            Self::Secret => "secretsmanager:CreateSecret",
            Self::Discovery => "servicediscovery:CreateService",
            Self::TargetGroup => "elbv2:CreateTargetGroup",
            Self::Listener => "elbv2:CreateListener",
            Self::ListenerRule => "elbv2:CreateRule",
            Self::TaskDefinition => "ecs:RegisterTaskDefinition",
            Self::Service => "ecs:CreateService",
            Self::Task => "ecs:RunTask",
            Self::ScalableTarget => "application-autoscaling:RegisterScalableTarget",
            Self::ScalingPolicy => "application-autoscaling:PutScalingPolicy",
            Self::Schedule => "scheduler:CreateSchedule",
        }
    }

    /// What is done where one is made, read or removed, for errors.
    pub(crate) fn creating(self) -> String {
        format!("make the {}", self.words())
    }

    pub(crate) fn reading(self) -> String {
        format!("read the {}", self.words())
    }

    pub(crate) fn removing(self) -> String {
        format!("remove the {}", self.words())
    }

    fn words(self) -> String {
        self.as_str().replace('-', " ")
    }

    /// The id of an object of this kind.
    pub fn id(self, name: &str) -> ObjectId {
        ObjectId::new(self.as_str(), name)
    }
}
