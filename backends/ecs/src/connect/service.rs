//! The services of AWS that are called, and how each is spoken to.

/// A service of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Service {
    /// Elastic Container Service.
    Ecs,
    /// Elastic Load Balancing, version 2.
    LoadBalancing,
    /// Systems Manager.
    Ssm,
    /// Secrets Manager.
    SecretsManager,
    /// CloudWatch Logs.
    Logs,
    /// Cloud Map.
    Discovery,
    /// Application Auto Scaling.
    AutoScaling,
    /// EventBridge Scheduler.
    Scheduler,
    /// Elastic File System.
    Efs,
    /// Elastic Compute Cloud: networks.
    Ec2,
    /// Identity and Access Management.
    Iam,
    /// Security Token Service.
    Sts,
    /// `CloudFormation`.
    Stacks,
}

/// How a service takes requests. Source: botocore's models, `metadata.protocol`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    /// JSON in and out, the operation in the header `x-amz-target` behind this prefix.
    Json(&'static str),
    /// Form fields of this API version in, XML out.
    Query(&'static str),
    /// The same in EC2's dialect.
    Ec2(&'static str),
    /// JSON in and out, the operation in the method and path.
    Rest,
}

/// What is constant about a service. Source: botocore's models, `metadata`.
struct Traits {
    /// Its name in botocore, in the AWS CLI and in [`crate::kind::Kind::call`].
    word: &'static str,
    /// Its first label in host names.
    prefix: &'static str,
    /// Its name in signatures and in policies.
    signing: &'static str,
    /// Its id in `AWS_ENDPOINT_URL_<ID>`.
    variable: &'static str,
    protocol: Protocol,
}

impl Service {
    /// Every service.
    const ALL: [Self; 13] = [
        Self::Ecs,
        Self::LoadBalancing,
        Self::Ssm,
        Self::SecretsManager,
        Self::Logs,
        Self::Discovery,
        Self::AutoScaling,
        Self::Scheduler,
        Self::Efs,
        Self::Ec2,
        Self::Iam,
        Self::Sts,
        Self::Stacks,
    ];

    const fn traits(self) -> Traits {
        match self {
            Self::Ecs => Traits {
                word: "ecs",
                prefix: "ecs",
                signing: "ecs",
                variable: "ECS",
                protocol: Protocol::Json("AmazonEC2ContainerServiceV20141113"),
            },
            Self::LoadBalancing => Traits {
                word: "elbv2",
                prefix: "elasticloadbalancing",
                signing: "elasticloadbalancing",
                variable: "ELASTIC_LOAD_BALANCING_V2",
                protocol: Protocol::Query("2015-12-01"),
            },
            Self::Ssm => Traits {
                word: "ssm",
                prefix: "ssm",
                signing: "ssm",
                variable: "SSM",
                protocol: Protocol::Json("AmazonSSM"),
            },
            Self::SecretsManager => Traits {
                word: "secretsmanager",
                prefix: "secretsmanager",
                signing: "secretsmanager",
                variable: "SECRETS_MANAGER",
                protocol: Protocol::Json("secretsmanager"),
            },
            Self::Logs => Traits {
                word: "logs",
                prefix: "logs",
                signing: "logs",
                variable: "CLOUDWATCH_LOGS",
                protocol: Protocol::Json("Logs_20140328"),
            },
            Self::Discovery => Traits {
                word: "servicediscovery",
                prefix: "servicediscovery",
                signing: "servicediscovery",
                variable: "SERVICEDISCOVERY",
                protocol: Protocol::Json("Route53AutoNaming_v20170314"),
            },
            Self::AutoScaling => Traits {
                word: "application-autoscaling",
                prefix: "application-autoscaling",
                signing: "application-autoscaling",
                variable: "APPLICATION_AUTO_SCALING",
                protocol: Protocol::Json("AnyScaleFrontendService"),
            },
            Self::Scheduler => Traits {
                word: "scheduler",
                prefix: "scheduler",
                signing: "scheduler",
                variable: "SCHEDULER",
                protocol: Protocol::Rest,
            },
            Self::Efs => Traits {
                word: "efs",
                prefix: "elasticfilesystem",
                signing: "elasticfilesystem",
                variable: "EFS",
                protocol: Protocol::Rest,
            },
            Self::Ec2 => Traits {
                word: "ec2",
                prefix: "ec2",
                signing: "ec2",
                variable: "EC2",
                protocol: Protocol::Ec2("2016-11-15"),
            },
            Self::Iam => Traits {
                word: "iam",
                prefix: "iam",
                signing: "iam",
                variable: "IAM",
                protocol: Protocol::Query("2010-05-08"),
            },
            Self::Sts => Traits {
                word: "sts",
                prefix: "sts",
                signing: "sts",
                variable: "STS",
                protocol: Protocol::Query("2011-06-15"),
            },
            Self::Stacks => Traits {
                word: "cloudformation",
                prefix: "cloudformation",
                signing: "cloudformation",
                variable: "CLOUDFORMATION",
                protocol: Protocol::Query("2010-05-15"),
            },
        }
    }

    /// The service with this name in botocore.
    pub(super) fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.traits().word == word)
    }

    /// Its name in signatures and policies: `elasticloadbalancing`.
    pub(crate) const fn signing_name(self) -> &'static str {
        self.traits().signing
    }

    pub(super) const fn protocol(self) -> Protocol {
        self.traits().protocol
    }

    /// The variable that names its endpoint.
    pub(super) fn variable(self) -> String {
        format!("AWS_ENDPOINT_URL_{}", self.traits().variable)
    }

    /// The region that its requests are signed for: IAM is one for all regions of a partition.
    pub(super) fn signing_region(self, region: &str) -> String {
        let global = match region {
            _ if self != Self::Iam => region,
            _ if region.starts_with("cn-") => "cn-north-1",
            _ if region.starts_with("us-gov-") => "us-gov-west-1",
            _ => "us-east-1",
        };
        global.to_owned()
    }

    /// Where AWS itself serves it. Source: AWS General Reference, "AWS service endpoints".
    pub(super) fn address(self, region: &str, fips: Fips) -> String {
        let suffix = match region {
            _ if region.starts_with("cn-") => "amazonaws.com.cn",
            _ if region.starts_with("us-iso-") => "c2s.ic.gov",
            _ if region.starts_with("us-isob-") => "sc2s.sgov.gov",
            _ if region.starts_with("eusc-") => "amazonaws.eu",
            _ => "amazonaws.com",
        };
        let prefix = self.traits().prefix;
        let prefix = if fips == Fips::On { format!("{prefix}-fips") } else { prefix.to_owned() };
        match self {
            Self::Iam if region.starts_with("cn-") => format!("https://{prefix}.cn-north-1.{suffix}"),
            Self::Iam if region.starts_with("us-gov-") => format!("https://iam.us-gov.{suffix}"),
            Self::Iam => format!("https://{prefix}.{suffix}"),
            _ => format!("https://{prefix}.{region}.{suffix}"),
        }
    }
}

/// Whether endpoints with validated cryptography are used, as `AWS_USE_FIPS_ENDPOINT` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Fips {
    /// They are.
    On,
    /// They are not.
    #[default]
    Off,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Kind;

    #[test]
    fn every_kind_is_made_by_a_service_that_is_known() {
        for kind in Kind::ALL {
            let (word, _) = kind.call().split_once(':').unwrap();
            assert!(Service::named(word).is_some(), "{word}");
        }
    }

    #[test]
    fn addresses_are_those_of_the_partition() {
        let address = |service: Service, region: &str| service.address(region, Fips::Off);
        assert_eq!(address(Service::Ecs, "eu-west-1"), "https://ecs.eu-west-1.amazonaws.com");
        assert_eq!(
            address(Service::Efs, "cn-north-1"),
            "https://elasticfilesystem.cn-north-1.amazonaws.com.cn"
        );
        assert_eq!(address(Service::Iam, "eu-west-1"), "https://iam.amazonaws.com");
        assert_eq!(address(Service::Iam, "us-gov-east-1"), "https://iam.us-gov.amazonaws.com");
        assert_eq!(Service::Ecs.address("us-east-1", Fips::On), "https://ecs-fips.us-east-1.amazonaws.com");
        assert_eq!(Service::Iam.signing_region("eu-west-1"), "us-east-1");
        assert_eq!(Service::Ecs.signing_region("eu-west-1"), "eu-west-1");
    }
}
