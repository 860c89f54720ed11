//! What the user wrote in AWS's own words about what a workload becomes.

use std::collections::BTreeSet;

use rhumb_backend::change::{ListKey, ListKeys};
use rhumb_backend::{Object, ObjectId, patch};
use rhumb_spec::Diagnostic;

use super::{Context, Report, Site};
use crate::kind::Kind;

/// The name of this platform in `on` and `platform`.
pub(super) const PLATFORM: &str = "ecs";

const NAME: ListKey = ListKey::Field("name");

/// The lists whose items AWS itself tells apart, by what. Every other list is one value to it, too.
pub const LISTS: ListKeys = ListKeys(&[
    ("containerDefinitions", NAME),
    ("containerDefinitions.*.environment", NAME),
    ("containerDefinitions.*.secrets", NAME),
    ("containerDefinitions.*.portMappings", ListKey::Fields(&["containerPort", "protocol"])),
    ("containerDefinitions.*.mountPoints", ListKey::Field("containerPath")),
    ("containerDefinitions.*.linuxParameters.tmpfs", ListKey::Field("containerPath")),
    ("containerDefinitions.*.dependsOn", ListKey::Field("containerName")),
    ("containerDefinitions.*.ulimits", NAME),
    ("containerDefinitions.*.systemControls", ListKey::Field("namespace")),
    ("containerDefinitions.*.extraHosts", ListKey::Field("hostname")),
    ("volumes", NAME),
    ("volumeConfigurations", NAME),
    ("loadBalancers", ListKey::Fields(&["containerName", "containerPort"])),
    ("capacityProviderStrategy", ListKey::Field("capacityProvider")),
    ("serviceConnectConfiguration.services", ListKey::Field("portName")),
    ("tags", ListKey::Field("key")),
    ("Tags", ListKey::Field("Key")),
]);

/// The fields by which the release finds an object of each kind.
const fn fixed(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::TaskDefinition => &["family"],
        Kind::Service => &["serviceName", "cluster", "taskDefinition"],
        Kind::Task => &["cluster", "taskDefinition", "startedBy"],
        Kind::Schedule => &["Name", "GroupName"],
        Kind::ScalableTarget => &["ResourceId", "ScalableDimension", "ServiceNamespace"],
        Kind::ScalingPolicy => &["PolicyName", "ResourceId", "ScalableDimension", "ServiceNamespace"],
        Kind::LogGroup => &["logGroupName"],
        Kind::SecurityGroup => &["GroupName"],
        Kind::AccessPoint => &["ClientToken"],
        Kind::Listener => &["LoadBalancerArn", "Port"],
        Kind::ListenerRule => &["ListenerArn"],
        Kind::Parameter | Kind::Secret | Kind::Discovery | Kind::TargetGroup => &["Name"],
    }
}

/// Applies `on.ecs.KIND` to what a workload became: of several objects of one kind, to the one that bears the workload's
/// name, else to the first.
pub(super) fn apply(context: &Context<'_>, site: &Site<'_>, objects: &mut [Object], report: &mut Report) {
    // All replicas of a set share the names of the first one.
    let is_later = context.checked.ordinal(site.name).is_some_and(|sequence| sequence.index > 0);
    for (word, value) in site.workload.on.get(PLATFORM).into_iter().flatten() {
        let path = site.at(&format!("on.{PLATFORM}.{word}"));
        let at = Kind::named(word).and_then(|kind| Some((kind, position(site, objects, kind)?)));
        let Some((kind, at)) = at else {
            if is_later && Kind::named(word) == Some(Kind::Discovery) {
                continue;
            }
            report.refuse(
                Diagnostic::error(path, format!("the workload becomes no {word} on ECS"))
                    .remedy(format!("one of {}", kinds(objects).join(", "))),
            );
            continue;
        };
        let taken = fixed(kind).iter().find(|field| value.get(**field).is_some());
        if let Some(field) = taken {
            report.refuse(
                Diagnostic::error(format!("{path}.{field}"), format!("`{field}` is not patched"))
                    .why("the release finds the object by it")
                    .remedy("a Native document for an object of your own"),
            );
            continue;
        }
        patch::patch(&mut objects[at].body, value, &LISTS);
    }
}

fn position(site: &Site<'_>, objects: &[Object], kind: Kind) -> Option<usize> {
    let is_kind = |id: &ObjectId| Kind::of(id) == Some(kind);
    let own = objects.iter().position(|object| is_kind(&object.id) && object.id.name() == site.name);
    own.or_else(|| objects.iter().position(|object| is_kind(&object.id)))
}

fn kinds(objects: &[Object]) -> Vec<String> {
    let names: BTreeSet<String> = objects
        .iter()
        .filter_map(|object| Kind::of(&object.id))
        .map(|kind| format!("`{}`", kind.name()))
        .collect();
    names.into_iter().collect()
}
