//! What AWS cannot change in place.

use rhumb_backend::FieldChange;

use crate::kind::Kind;

/// What of a kind is set once, and what users see when such a thing is made anew.
struct Fixed {
    fields: &'static [&'static str],
    why: &'static str,
    outage: &'static str,
}

/// Why a change needs the object to be made anew, and what users see of it; none where every field can be changed.
pub(super) fn replacement(kind: Kind, changes: &[FieldChange]) -> Option<(String, String)> {
    let fixed = fixed(kind)?;
    let is_of = |change: &FieldChange, field: &str| {
        change.path.strip_prefix(field).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let found: Vec<&str> = fixed
        .fields
        .iter()
        .copied()
        .filter(|field| changes.iter().any(|change| is_of(change, field)))
        .collect();
    // Capacity providers take the place of a launch type in an update; one launch type never that of another.
    let found: Vec<&str> =
        found.into_iter().filter(|field| *field != "launchType" || is_another_type(changes)).collect();
    if found.is_empty() {
        return None;
    }
    Some((format!("{}: {}", found.join(", "), fixed.why), fixed.outage.to_owned()))
}

fn is_another_type(changes: &[FieldChange]) -> bool {
    let change = changes.iter().find(|change| change.path == "launchType");
    change.is_some_and(|change| change.from.is_some() && change.to.is_some())
}

/// Source: what the calls that change a thing do not take, of what those that make it take: Amazon ECS API reference
/// (`UpdateService`), Elastic Load Balancing API reference (`ModifyTargetGroup`, `ModifyListener`, `ModifyRule`), AWS
/// Cloud Map API reference (`UpdateService`), Amazon EFS, Amazon EC2 and Amazon CloudWatch Logs, which have no such
/// call.
fn fixed(kind: Kind) -> Option<Fixed> {
    let (fields, why, outage): (&'static [&'static str], _, _) = match kind {
        Kind::Service => (
            &["serviceName", "schedulingStrategy", "role", "launchType"],
            "ECS takes it only when it makes a service",
            "the service is removed with its tasks, drains, and is made anew: nothing runs meanwhile",
        ),
        Kind::AccessPoint => (
            &["FileSystemId", "PosixUser", "RootDirectory"],
            "EFS changes no access point",
            "tasks that mount it lose it until they are replaced; the folder and what is in it stay",
        ),
        Kind::Discovery => (
            &["Name", "NamespaceId", "DnsConfig.RoutingPolicy", "HealthCheckCustomConfig", "Type"],
            "Cloud Map takes it only when it makes a service",
            "the name is not resolved until it is there again and tasks have been replaced",
        ),
        Kind::TargetGroup => (
            &["Name", "Protocol", "Port", "VpcId", "TargetType", "ProtocolVersion", "IpAddressType"],
            "Elastic Load Balancing takes it only when it makes a target group",
            "the balancer answers 503 for it until tasks have been registered with the new one",
        ),
        Kind::Listener => (
            &["LoadBalancerArn"],
            "a listener stays with its load balancer",
            "its port is closed until the new one is there",
        ),
        Kind::ListenerRule => (
            &["ListenerArn"],
            "a rule stays with its listener",
            "its paths are not routed until the new one is there",
        ),
        Kind::SecurityGroup => (
            &["GroupName", "Description", "VpcId"],
            "EC2 takes it only when it makes a security group",
            "tasks that are members must be replaced first",
        ),
        Kind::LogGroup => (
            &["logGroupName", "logGroupClass"],
            "CloudWatch Logs takes it only when it makes a log group",
            "the lines that were kept are lost",
        ),
        Kind::Schedule => (
            &["Name", "GroupName"],
            "EventBridge Scheduler renames no schedule",
            "a run that falls due meanwhile is left out",
        ),
        Kind::ScalableTarget | Kind::ScalingPolicy => (
            &["ServiceNamespace", "ResourceId", "ScalableDimension", "PolicyName"],
            "Application Auto Scaling knows it by that",
            "the number of tasks is left as it is meanwhile",
        ),
        Kind::Parameter | Kind::Secret | Kind::TaskDefinition | Kind::Task => return None,
    };
    Some(Fixed { fields, why, outage })
}
