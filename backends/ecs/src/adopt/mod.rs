//! Taking over services that others made, such as those of the AWS CLI and the console.
//!
//! Tags restart nothing, so whatever bears some is marked by them. What bears none, or none that AWS gives back, stays known
//! by its name: scalable targets and their policies. A task definition is not marked, since other services may run
//! the same revision: it stays registered for ever, and later revisions of its family are the release's.

mod find;
mod look;
mod pairs;
mod refuse;
mod reword;
mod stack;
mod ways;

use std::collections::BTreeSet;

use rhumb_backend::change::{ListKey, ListKeys};
use rhumb_backend::{Adoption, Facts, Live, Object, ObjectId, Result, Scope};
use serde_json::{Map, Value};

pub(crate) use find::find;
pub(crate) use look::{look, marked_services, schedule_tags};
pub(crate) use reword::reword;

use crate::connect::Account;
use crate::facts::EcsFacts;
use crate::kind::Kind;
use crate::marks::{self, Tags};
use crate::names;
use crate::observe::{last_segment, list_tasks};
use crate::pages::{each, text};

/// What every mark begins with.
const MARK: &str = "rhumb.dev/";

/// The lists whose items are taken one by one when what was there is laid over what the chart makes.
pub(crate) const LISTS: ListKeys = ListKeys(&[
    ("containerDefinitions", ListKey::Field("name")),
    ("containerDefinitions.*.environment", ListKey::Field("name")),
    ("containerDefinitions.*.secrets", ListKey::Field("name")),
    ("containerDefinitions.*.portMappings", ListKey::Fields(&["containerPort", "protocol"])),
    ("containerDefinitions.*.mountPoints", ListKey::Field("containerPath")),
    ("containerDefinitions.*.linuxParameters.tmpfs", ListKey::Field("containerPath")),
    ("containerDefinitions.*.linuxParameters.devices", ListKey::Field("hostPath")),
    ("containerDefinitions.*.dependsOn", ListKey::Field("containerName")),
    ("containerDefinitions.*.ulimits", ListKey::Field("name")),
    ("containerDefinitions.*.systemControls", ListKey::Field("namespace")),
    ("containerDefinitions.*.extraHosts", ListKey::Field("hostname")),
    ("containerDefinitions.*.resourceRequirements", ListKey::Field("type")),
    ("volumes", ListKey::Field("name")),
    ("volumeConfigurations", ListKey::Field("name")),
    ("loadBalancers", ListKey::Fields(&["containerName", "containerPort"])),
    ("capacityProviderStrategy", ListKey::Field("capacityProvider")),
    ("serviceConnectConfiguration.services", ListKey::Field("portName")),
    ("networkConfiguration.awsvpcConfiguration.subnets", ListKey::Whole),
    ("networkConfiguration.awsvpcConfiguration.securityGroups", ListKey::Whole),
    ("Attributes", ListKey::Field("Key")),
    ("tags", ListKey::Field("key")),
    ("Tags", ListKey::Field("Key")),
    ("Target.EcsParameters.Tags", ListKey::Field("Key")),
]);

/// By what a thing is told from another that was made in its place: its ARN or id, and of what has only a name all that
/// the name is unique in.
pub(crate) fn identity(kind: Option<Kind>, native: &str, body: &Value) -> String {
    match kind {
        Some(Kind::ScalingPolicy) => {
            format!("{}:{native}", text(body, "ResourceId").unwrap_or_default())
        }
        Some(Kind::Schedule) => format!("{}/{native}", text(body, "GroupName").unwrap_or("default")),
        _ => native.to_owned(),
    }
}

/// The ARNs of the tasks that services run.
pub(crate) async fn replicas(account: &Account, found: &[Live]) -> Result<BTreeSet<String>> {
    let services = found.iter().filter(|live| Kind::of(&live.object.id) == Some(Kind::Service));
    let tasks = each(services, |live| async move {
        let name = last_segment(&live.native);
        list_tasks(account, serde_json::json!({ "serviceName": name, "desiredStatus": "RUNNING" })).await
    });
    Ok(tasks.await?.into_iter().flatten().collect())
}

/// The request for what is there, with the release's marks where it can bear some.
///
/// A schedule that names no revision of its task definition runs the newest one: here it names that.
pub(crate) fn asked(live: &Live, want: &Object) -> Value {
    let mut body = live.object.body.clone();
    let Some(kind) = Kind::of(&want.id) else { return body };
    keep_own_tags(&mut body);
    match kind {
        Kind::TaskDefinition | Kind::ScalableTarget | Kind::ScalingPolicy => {}
        Kind::Schedule => {
            let ecs = body.pointer_mut("/Target/EcsParameters");
            if let (Some(ecs), Some(wanted)) = (ecs, want.body.pointer("/Target/EcsParameters")) {
                set(ecs, "Tags", &Tags::read(wanted.get("Tags")), marks::Shape::Upper);
                if let Some(arn) = live.outputs.get(RUNS) {
                    ecs["TaskDefinitionArn"] = arn.clone().into();
                }
            }
        }
        _ => set(&mut body, marks::field(kind), &Tags::of_body(kind, &want.body), marks::shape(kind)),
    }
    body
}

/// The output of a schedule with the ARN of the revision that it runs.
const RUNS: &str = "runs";

/// Tags of AWS's own are not asked for.
fn keep_own_tags(body: &mut Value) {
    for field in ["tags", "Tags"] {
        if let Some(tags) = body.get_mut(field).and_then(Value::as_array_mut) {
            let is_own = |tag: &Value| {
                let key = text(tag, "key").or_else(|| text(tag, "Key"));
                key.is_some_and(|key| !key.starts_with("aws:"))
            };
            tags.retain(is_own);
        }
    }
}

/// Puts those of the tags that are marks beside the ones that are there.
fn set(body: &mut Value, field: &str, wanted: &Tags, shape: marks::Shape) {
    let mut tags = Tags::read(body.get(field));
    let marks = wanted.0.iter().filter(|(key, _)| key.starts_with(MARK));
    tags.0.extend(marks.map(|(key, value)| (key.clone(), value.clone())));
    if let Some(fields) = body.as_object_mut() {
        fields.insert(field.to_owned(), tags.to_value(shape));
    }
}

/// Puts the marks of what is wanted on a later revision of a task definition that was adopted.
pub(crate) fn mark(want: &Object, body: &mut Value) {
    if let Some(kind) = Kind::of(&want.id) {
        set(body, marks::field(kind), &Tags::of_body(kind, &want.body), marks::shape(kind));
    }
}

/// Whether another content is the next revision.
pub(crate) fn is_revised(id: &ObjectId) -> bool {
    Kind::of(id) == Some(Kind::TaskDefinition)
}

/// Whether a change only marks a thing. A schedule is marked by the tags of the tasks that it will run, and pinned to the
/// revision that it runs.
pub(crate) fn is_mark(id: &ObjectId, path: &str) -> bool {
    let of_schedule = ["Target.EcsParameters.Tags", "Target.EcsParameters.TaskDefinitionArn"];
    if Kind::of(id) == Some(Kind::Schedule) && of_schedule.contains(&path) {
        return true;
    }
    let tag = path.strip_prefix("tags").or_else(|| path.strip_prefix("Tags"));
    tag.is_some_and(|rest| rest.is_empty() || rest.starts_with(&format!(".{MARK}")))
}

/// Whether a body writes to a log group.
pub(crate) fn needs(body: &Value, object: &Object) -> bool {
    let name = object.body.get("logGroupName").filter(|_| Kind::of(&object.id) == Some(Kind::LogGroup));
    name.is_some_and(|name| holds(body, name))
}

fn holds(value: &Value, wanted: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| holds(item, wanted)),
        Value::Object(map) => holds_in(map, wanted),
        other => other == wanted,
    }
}

fn holds_in(map: &Map<String, Value>, wanted: &Value) -> bool {
    map.values().any(|value| holds(value, wanted))
}

/// The facts with every listener of the network load balancer that is no release's as this one's: its port is not taken by
/// somebody else but by what is adopted.
pub(crate) fn claimed(scope: &Scope, mut facts: EcsFacts) -> EcsFacts {
    let own = format!("{}/{}", scope.namespace, scope.release);
    let listeners =
        facts.network_load_balancer.iter_mut().flat_map(|balancer| balancer.listeners.values_mut());
    for listener in listeners {
        listener.release.get_or_insert_with(|| own.clone());
    }
    facts
}

/// Facts of the contract, as [`claimed`] has them.
pub(crate) fn claimed_facts(scope: &Scope, facts: Facts) -> Facts {
    let Ok(read) = facts.read::<EcsFacts>() else { return facts };
    match serde_json::to_value(claimed(scope, read)) {
        Ok(data) => Facts { data, ..facts },
        Err(_) => facts,
    }
}

/// The name of the service that runs a workload and the one that the chart would give it, where it was adopted.
fn service_names(adoption: &Adoption) -> impl Iterator<Item = (&str, &str)> {
    names_of(adoption, Kind::Service, "serviceName")
}

/// What the chart calls things of a kind, and what those are called that were adopted.
fn names_of<'a>(
    adoption: &'a Adoption,
    kind: Kind,
    field: &'static str,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let of_kind = adoption.iter().filter(move |(id, _)| Kind::of(id) == Some(kind));
    of_kind.filter_map(move |(_, adopted)| {
        let there = text(&adopted.there.as_ref()?.body, field)?;
        text(&adopted.base, field).filter(|base| *base != there).map(|base| (base, there))
    })
}

/// Whether tags say that a thing is some release's.
fn is_marked(tags: &Tags) -> bool {
    tags.get(names::RELEASE).is_some()
}

#[cfg(test)]
mod tests;
