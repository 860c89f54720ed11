//! How the requests of each kind are merged.

use rhumb_backend::change::{ListKey, ListKeys, MergeRules};

use crate::kind::Kind;

const TAGS: (&str, ListKey) = ("Tags", ListKey::Field("Key"));

/// The number of tasks stays as a person or Application Auto Scaling set it.
const SERVICE: MergeRules = MergeRules {
    lists: ListKeys(&[
        ("tags", ListKey::Field("key")),
        ("networkConfiguration.awsvpcConfiguration.subnets", ListKey::Whole),
        ("networkConfiguration.awsvpcConfiguration.securityGroups", ListKey::Whole),
        ("capacityProviderStrategy", ListKey::Field("capacityProvider")),
        ("deploymentConfiguration.alarms.alarmNames", ListKey::Whole),
    ]),
    kept: &["desiredCount"],
    sensitive: &[],
};

/// A revision never changes: only what is adopted is compared with what the chart makes of it.
const DEFINITION: MergeRules = MergeRules { lists: crate::adopt::LISTS, kept: &[], sensitive: &[] };

const TASK: MergeRules =
    MergeRules { lists: ListKeys(&[("tags", ListKey::Field("key"))]), kept: &[], sensitive: &[] };

const TAGGED: MergeRules = MergeRules {
    lists: ListKeys(&[
        TAGS,
        ("TagSpecifications", ListKey::Field("ResourceType")),
        ("TagSpecifications.security-group.Tags", ListKey::Field("Key")),
    ]),
    kept: &[],
    sensitive: &["SecretString"],
};

/// The priority of a rule is chosen: one that somebody else took first is replaced by another while the rule is made, and the
/// rule then stays where it is.
const RULE: MergeRules = MergeRules { kept: &["Priority"], ..TAGGED };

/// What a person sets between the bounds of the chart is theirs; the bounds are the chart's.
const SCALING: MergeRules = MergeRules { lists: ListKeys(&[]), kept: &[], sensitive: &[] };

/// How requests of a kind are merged.
pub(crate) const fn rules(kind: Kind) -> &'static MergeRules {
    match kind {
        Kind::Service => &SERVICE,
        Kind::TaskDefinition => &DEFINITION,
        Kind::Task => &TASK,
        Kind::ListenerRule => &RULE,
        Kind::LogGroup | Kind::ScalableTarget | Kind::ScalingPolicy | Kind::Schedule => &SCALING,
        Kind::SecurityGroup
        | Kind::AccessPoint
        | Kind::Parameter
        | Kind::Secret
        | Kind::Discovery
        | Kind::TargetGroup
        | Kind::Listener => &TAGGED,
    }
}
