//! The names that wanted things have on AWS.

use rhumb_backend::{ObjectId, Scope};

use crate::kind::Kind;
use crate::names;

/// The longest name of a security group. Source: Amazon EC2 API reference, `CreateSecurityGroup`.
const GROUP_LIMIT: usize = 255;

/// The longest name that a kind takes.
pub(crate) const fn limit(kind: Kind) -> usize {
    match kind {
        Kind::TargetGroup => names::TARGET_GROUP_LIMIT,
        Kind::Schedule => names::SCHEDULE_LIMIT,
        Kind::Discovery => names::LABEL_LIMIT,
        Kind::SecurityGroup => GROUP_LIMIT,
        _ => names::NAME_LIMIT,
    }
}

/// The name that a wanted thing has, where its id alone tells it: not of what is named by its content, and not of what is
/// found by its tags alone.
pub(crate) fn fixed(cluster: &str, scope: &Scope, id: &ObjectId) -> Option<String> {
    let kind = Kind::of(id)?;
    let native = || names::native(scope, id.name(), limit(kind));
    match kind {
        Kind::LogGroup => Some(names::path(scope)),
        Kind::Service
        | Kind::TaskDefinition
        | Kind::Task
        | Kind::TargetGroup
        | Kind::Discovery
        | Kind::SecurityGroup
        | Kind::ScalingPolicy
        | Kind::Schedule => Some(native()),
        Kind::ScalableTarget => Some(format!("service/{cluster}/{}", native())),
        Kind::Parameter | Kind::Secret | Kind::AccessPoint | Kind::Listener | Kind::ListenerRule => None,
    }
}

/// The field of a request that names what it makes, where it is found by that name.
pub(crate) const fn field(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Service => Some("serviceName"),
        Kind::TaskDefinition => Some("family"),
        Kind::TargetGroup | Kind::Discovery | Kind::Schedule => Some("Name"),
        Kind::ScalableTarget => Some("ResourceId"),
        Kind::ScalingPolicy => Some("PolicyName"),
        Kind::SecurityGroup
        | Kind::LogGroup
        | Kind::AccessPoint
        | Kind::Parameter
        | Kind::Secret
        | Kind::Listener
        | Kind::ListenerRule
        | Kind::Task => None,
    }
}
