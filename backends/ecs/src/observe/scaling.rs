//! What scales services and what starts tasks by the clock.

use rhumb_backend::{ErrorKind, Live, ObjectId, Result};
use serde_json::{Value, json};

use super::document::filtered;
use super::tasks::last_segment;
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
    let ours = all.into_iter().filter(|target| is_ours(look, target));
    Ok(ours.filter_map(|target| target_found(look, &target)).collect())
}

fn target_found(look: &Look<'_>, target: &Value) -> Option<Live> {
    let resource = text(target, "ResourceId")?;
    let found = Found {
        native: resource.to_owned(),
        name: resource.to_owned(),
        arn: text(target, "ScalableTargetARN").map(ToOwned::to_owned),
        body: filtered(Kind::ScalableTarget, target),
        ..Found::default()
    };
    let id = id_of(look, resource)?;
    Some(look.named(found, id, None))
}

/// Policies of the release's services in the cluster.
pub(super) async fn policies(look: &Look<'_>) -> Result<Vec<Live>> {
    let body = json!({ "ServiceNamespace": "ecs", "ScalableDimension": COUNT });
    let all = look.list("application-autoscaling:DescribeScalingPolicies", body, "ScalingPolicies").await?;
    let ours = all.into_iter().filter(|policy| is_ours(look, policy));
    Ok(ours.filter_map(|policy| policy_found(look, &policy)).collect())
}

fn policy_found(look: &Look<'_>, policy: &Value) -> Option<Live> {
    let name = text(policy, "PolicyName")?;
    let found = Found {
        native: name.to_owned(),
        name: name.to_owned(),
        arn: text(policy, "PolicyARN").map(ToOwned::to_owned),
        body: filtered(Kind::ScalingPolicy, policy),
        ..Found::default()
    };
    let id = id_of(look, name)?;
    Some(look.named(found, id, None))
}

/// Whether it is for a service of this release in the target's cluster.
fn is_ours(look: &Look<'_>, described: &Value) -> bool {
    let cluster = last_segment(look.account.cluster()).to_owned();
    let service = text(described, "ResourceId").and_then(|id| id.strip_prefix("service/"));
    service
        .and_then(|service| service.split_once('/'))
        .is_some_and(|(at, name)| at == cluster && look.may_be_ours(name))
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
        Ok(schedule_found(look, &schedule))
    });
    Ok(found.await?.into_iter().flatten().collect())
}

fn prefix_of_names(look: &Look<'_>) -> String {
    let prefix = look.prefix();
    let most = names::SCHEDULE_LIMIT - names::HASH - 1;
    prefix.get(..most).unwrap_or(&prefix).trim_end_matches('-').to_owned()
}

/// A schedule gives its own tags back to nobody, but those that it puts on its tasks it does.
///
/// Source: EventBridge Scheduler API reference: only schedule groups bear tags; `EcsParameters`, `Tags`.
fn schedule_found(look: &Look<'_>, schedule: &Value) -> Option<Live> {
    let name = text(schedule, "Name")?;
    let found = Found {
        native: name.to_owned(),
        name: name.to_owned(),
        arn: text(schedule, "Arn").map(ToOwned::to_owned),
        body: filtered(Kind::Schedule, schedule),
        holds: task_definition(schedule).into_iter().collect(),
        ..Found::default()
    };
    let tags = Tags::read(schedule.pointer("/Target/EcsParameters/Tags"));
    let object =
        tags.get(names::OBJECT).map(ObjectId::from).filter(|id| Kind::of(id) == Some(Kind::Schedule));
    let is_others = tags.get(names::RELEASE).is_some() && !tags.are_of(look.scope);
    let (id, foreign) = if is_others {
        ((*look.wanted().get(name)?).clone(), Some(super::look::owner(&tags)))
    } else {
        (object.or_else(|| id_of(look, name))?, None)
    };
    let mut live = look.named(found, id, foreign);
    live.object.workload = tags.get(names::WORKLOAD).map(ToOwned::to_owned);
    Some(live)
}

fn task_definition(schedule: &Value) -> Option<String> {
    schedule.pointer("/Target/EcsParameters/TaskDefinitionArn")?.as_str().map(ToOwned::to_owned)
}
