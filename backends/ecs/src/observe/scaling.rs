//! What scales services and what starts tasks by the clock.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{ErrorKind, Live, ObjectId, Result};
use serde_json::{Value, json};

use super::document::filtered;
use super::tasks::{describe_services, last_segment};
use super::{Found, Look};
use crate::kind::Kind;
use crate::marks::Tags;
use crate::names;
use crate::pages::{each, text};

/// The one dimension in which ECS services scale.
const COUNT: &str = "ecs:service:DesiredCount";

/// Scalable targets of the release's services in the cluster.
pub(super) async fn targets(look: &Look<'_>) -> Result<Vec<Live>> {
    let body = json!({ "ServiceNamespace": "ecs", "ScalableDimension": COUNT });
    let all = look.list("application-autoscaling:DescribeScalableTargets", body, "ScalableTargets").await?;
    let named = |target: &Value| id_of(look, text(target, "ResourceId")?);
    let live = |id: ObjectId, target: &Value| Some(look.named(target_found(target)?, id, None));
    let (ours, others): (Vec<&Value>, Vec<&Value>) = all.iter().partition(|target| is_ours(look, target));
    let mut found: Vec<Live> = ours.into_iter().filter_map(|target| live(named(target)?, target)).collect();
    let members = members(look, &others, &found).await?;
    found.extend(others.into_iter().filter_map(|target| {
        let id = Kind::ScalableTarget.id(members.get(service_of(look, target)?)?);
        look.ids.contains(&&id).then(|| live(id, target)).flatten()
    }));
    Ok(found)
}

/// A scalable target from its description.
pub(crate) fn target_found(target: &Value) -> Option<Found> {
    let resource = text(target, "ResourceId")?;
    Some(Found {
        native: resource.to_owned(),
        name: resource.to_owned(),
        arn: text(target, "ScalableTargetARN").map(ToOwned::to_owned),
        body: filtered(Kind::ScalableTarget, target),
        ..Found::default()
    })
}

/// Policies of the release's services in the cluster.
pub(super) async fn policies(look: &Look<'_>) -> Result<Vec<Live>> {
    let body = json!({ "ServiceNamespace": "ecs", "ScalableDimension": COUNT });
    let all = look.list("application-autoscaling:DescribeScalingPolicies", body, "ScalingPolicies").await?;
    let live = |policy: &Value| {
        let id = id_of(look, text(policy, "PolicyName")?)?;
        Some(look.named(policy_found(policy)?, id, None))
    };
    let (ours, others): (Vec<&Value>, Vec<&Value>) = all.iter().partition(|policy| is_ours(look, policy));
    let mut found: Vec<Live> = ours.into_iter().filter_map(live).collect();
    let members = members(look, &others, &found).await?;
    let is_member =
        |policy: &&Value| service_of(look, policy).is_some_and(|service| members.contains_key(service));
    found.extend(others.into_iter().filter(is_member).filter_map(live));
    Ok(found)
}

/// A policy from its description.
pub(crate) fn policy_found(policy: &Value) -> Option<Found> {
    let name = text(policy, "PolicyName")?;
    Some(Found {
        native: name.to_owned(),
        name: name.to_owned(),
        arn: text(policy, "PolicyARN").map(ToOwned::to_owned),
        body: filtered(Kind::ScalingPolicy, policy),
        ..Found::default()
    })
}

/// The services with names of their own that are this release's nevertheless, each with its workload: those that were
/// adopted. They are looked for only where something that is wanted was not found.
async fn members(look: &Look<'_>, described: &[&Value], found: &[Live]) -> Result<BTreeMap<String, String>> {
    if look.missing(found).is_empty() {
        return Ok(BTreeMap::new());
    }
    let names: BTreeSet<String> =
        described.iter().filter_map(|of| service_of(look, of)).map(ToOwned::to_owned).collect();
    let services = describe_services(look.account, &names.into_iter().collect::<Vec<_>>()).await?;
    let member = |service: &Value| {
        let tags = Tags::read(service.get("tags"));
        let workload = tags.get(names::WORKLOAD).filter(|_| tags.are_of(look.scope))?;
        Some((text(service, "serviceName")?.to_owned(), workload.to_owned()))
    };
    Ok(services.iter().filter_map(member).collect())
}

/// The name of the service in the target's cluster that something scales.
fn service_of<'v>(look: &Look<'_>, described: &'v Value) -> Option<&'v str> {
    let (at, name) = text(described, "ResourceId")?.strip_prefix("service/")?.split_once('/')?;
    (at == last_segment(look.account.cluster())).then_some(name)
}

/// Whether it is for a service whose name is one of this release's.
fn is_ours(look: &Look<'_>, described: &Value) -> bool {
    service_of(look, described).is_some_and(|name| look.may_be_ours(name))
}

/// The wanted id of a name. These things bear no tags that are told, and what another release's name begins with may be
/// the whole of this one's, so that what nobody wants or wanted is not taken for ours.
fn id_of(look: &Look<'_>, key: &str) -> Option<ObjectId> {
    look.wanted().get(key).map(|id| (*id).clone())
}

/// Schedules whose names begin as those of the release.
pub(super) async fn schedules(look: &Look<'_>) -> Result<Vec<Live>> {
    let body = json!({ "GroupName": "default", "NamePrefix": prefix_of_names(look), "MaxResults": 100 });
    let listed = look.list("scheduler:ListSchedules", body, "Schedules").await?;
    let ours = listed
        .into_iter()
        .filter(|schedule| text(schedule, "Name").is_some_and(|name| look.may_be_ours(name)));
    let found = each(ours, |listed| async move {
        let name = text(&listed, "Name").unwrap_or_default();
        let asked = json!({ "Name": name, "GroupName": "default" });
        let schedule = match look.account.call("scheduler:GetSchedule", &asked).await {
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            answer => answer?,
        };
        Ok(schedule_live(look, &schedule))
    });
    Ok(found.await?.into_iter().flatten().collect())
}

fn prefix_of_names(look: &Look<'_>) -> String {
    let prefix = look.prefix();
    let most = names::SCHEDULE_LIMIT - names::HASH - 1;
    prefix.get(..most).unwrap_or(&prefix).trim_end_matches('-').to_owned()
}

/// A schedule of this release, or one in its place.
fn schedule_live(look: &Look<'_>, schedule: &Value) -> Option<Live> {
    let name = text(schedule, "Name")?;
    let tags = Tags::read(schedule.pointer("/Target/EcsParameters/Tags"));
    let object =
        tags.get(names::OBJECT).map(ObjectId::from).filter(|id| Kind::of(id) == Some(Kind::Schedule));
    let is_others = tags.get(names::RELEASE).is_some() && !tags.are_of(look.scope);
    let (id, foreign) = if is_others {
        ((*look.wanted().get(name)?).clone(), Some(super::look::owner(&tags)))
    } else {
        (object.or_else(|| id_of(look, name))?, None)
    };
    let mut live = look.named(schedule_found(schedule)?, id, foreign);
    live.object.workload = tags.get(names::WORKLOAD).map(ToOwned::to_owned);
    Some(live)
}

/// A schedule from its description. It gives its own tags back to nobody, but those that it puts on its tasks it does.
///
/// Source: EventBridge Scheduler API reference: only schedule groups bear tags; `EcsParameters`, `Tags`.
pub(crate) fn schedule_found(schedule: &Value) -> Option<Found> {
    let name = text(schedule, "Name")?;
    Some(Found {
        native: name.to_owned(),
        name: name.to_owned(),
        arn: text(schedule, "Arn").map(ToOwned::to_owned),
        body: filtered(Kind::Schedule, schedule),
        holds: task_definition(schedule).into_iter().collect(),
        ..Found::default()
    })
}

fn task_definition(schedule: &Value) -> Option<String> {
    schedule.pointer("/Target/EcsParameters/TaskDefinitionArn")?.as_str().map(ToOwned::to_owned)
}
