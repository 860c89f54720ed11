//! One thing by what it is known by, whatever it is called.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{ErrorKind, Live, ObjectId, Ownership, Result, Scope};
use serde_json::{Value, json};

use super::is_marked;
use crate::connect::Account;
use crate::kind::Kind;
use crate::marks::Tags;
use crate::names;
use crate::observe::{
    Found, Look, attributes, definition_found, describe_services, discovery_found, last_segment,
    listener_found, owner, policy_found, rule_found, schedule_found, service_found, tags_of, target_found,
    target_group_found,
};
use crate::pages::{each, text};

/// An object by its [identity](super::identity), with what has taken its place since and bears the release's marks.
pub(crate) async fn look(
    account: &Account,
    scope: &Scope,
    id: &ObjectId,
    identity: &str,
) -> Result<Vec<Live>> {
    let Some(kind) = Kind::of(id) else { return Ok(Vec::new()) };
    let looker = Looker { account, scope };
    let documents = looker.documents(kind, id, identity).await?;
    Ok(documents.into_iter().map(|found| looker.live(kind, found, id)).collect())
}

/// Who looks.
pub(super) struct Looker<'a> {
    pub(super) account: &'a Account,
    pub(super) scope: &'a Scope,
}

impl Looker<'_> {
    /// What was found as the contract wants it. A task definition that bears no marks stays when the release goes.
    pub(super) fn live(&self, kind: Kind, found: Found, id: &ObjectId) -> Live {
        let look = Look::new(self.account, self.scope, kind, &[]);
        let tags = if kind == Kind::Schedule { schedule_tags(&found.body) } else { found.tags.clone() };
        let has_tags = !matches!(kind, Kind::ScalableTarget | Kind::ScalingPolicy);
        let foreign = (has_tags && !tags.are_of(self.scope)).then(|| owner(&tags));
        let mut live = look.named(found, id.clone(), foreign);
        if kind == Kind::TaskDefinition && !tags.are_of(self.scope) {
            live.object.ownership = Ownership::Kept;
            live.object.generation = None;
        }
        live.object.workload = tags.get(names::WORKLOAD).map(ToOwned::to_owned);
        live
    }

    async fn documents(&self, kind: Kind, id: &ObjectId, identity: &str) -> Result<Vec<Found>> {
        match kind {
            Kind::Service => self.service(identity).await,
            Kind::TaskDefinition => self.definitions(id, identity).await,
            Kind::TargetGroup => self.group(id, identity).await,
            Kind::Listener => self.listener(identity).await,
            Kind::ListenerRule => self.rule(id, identity).await,
            Kind::Discovery => self.registry(identity).await,
            Kind::ScalableTarget | Kind::ScalingPolicy => self.scaling(kind, identity).await,
            Kind::Schedule => self.schedule(identity).await,
            Kind::SecurityGroup
            | Kind::LogGroup
            | Kind::AccessPoint
            | Kind::Parameter
            | Kind::Secret
            | Kind::Task => Ok(Vec::new()),
        }
    }

    fn is_ours(&self, tags: &Tags, id: &ObjectId) -> bool {
        tags.are_of(self.scope) && tags.get(names::OBJECT) == Some(id.as_str())
    }

    async fn service(&self, arn: &str) -> Result<Vec<Found>> {
        let found = describe_services(self.account, &[last_segment(arn).to_owned()]).await?;
        let active = found.iter().filter(|service| text(service, "status") == Some("ACTIVE"));
        Ok(active.filter_map(service_found).collect())
    }

    /// The revision that was adopted, as long as it is active, and those that the release registered after it.
    async fn definitions(&self, id: &ObjectId, arn: &str) -> Result<Vec<Found>> {
        let Some((family, first)) = last_segment(arn).rsplit_once(':') else { return Ok(Vec::new()) };
        let first: u64 = first.parse().unwrap_or_default();
        let body = json!({ "familyPrefix": family, "status": "ACTIVE", "sort": "DESC", "maxResults": 100 });
        let listed = self.account.all("ecs:ListTaskDefinitions", &body, "taskDefinitionArns").await?;
        let revision = |arn: &str| arn.rsplit_once(':').and_then(|(_, number)| number.parse::<u64>().ok());
        let later = listed.iter().filter_map(Value::as_str);
        let later = later.filter(|arn| revision(arn).is_some_and(|number| number >= first));
        let found = each(later, |arn| async move {
            let body = json!({ "taskDefinition": arn, "include": ["TAGS"] });
            self.account.call("ecs:DescribeTaskDefinition", &body).await
        });
        let found = found.await?;
        let found = found.iter().filter_map(definition_found);
        Ok(found.filter(|found| found.native == arn || self.is_ours(&found.tags, id)).collect())
    }

    /// A target group by its ARN, else by its name where the release made it anew.
    async fn group(&self, id: &ObjectId, arn: &str) -> Result<Vec<Found>> {
        let mut groups = self.described("elbv2:DescribeTargetGroups", "TargetGroupArns", arn).await?;
        if groups.is_empty()
            && let Some(name) = arn.rsplit('/').nth(1)
        {
            groups = self.described("elbv2:DescribeTargetGroups", "Names", name).await?;
        }
        let tags = tags_of(self.account, &groups, "TargetGroupArn").await?;
        let mut found = Vec::new();
        for mut group in groups.iter().filter_map(|group| target_group_found(group, &tags)) {
            if group.native == arn || self.is_ours(&group.tags, id) {
                group.body["Attributes"] = attributes(self.account, &group.native).await?;
                found.push(group);
            }
        }
        Ok(found)
    }

    async fn listener(&self, arn: &str) -> Result<Vec<Found>> {
        let listeners = self.described("elbv2:DescribeListeners", "ListenerArns", arn).await?;
        let tags = tags_of(self.account, &listeners, "ListenerArn").await?;
        Ok(listeners.iter().filter_map(|listener| listener_found(listener, &tags)).collect())
    }

    /// A rule by its ARN, else the one that the release made in its place at the same listener.
    async fn rule(&self, id: &ObjectId, arn: &str) -> Result<Vec<Found>> {
        let Some(listener) = listener_of(arn) else { return Ok(Vec::new()) };
        let mut rules = self.described("elbv2:DescribeRules", "RuleArns", arn).await?;
        if rules.is_empty() {
            let body = json!({ "ListenerArn": listener });
            rules = or_none(self.account.all("elbv2:DescribeRules", &body, "Rules").await)?;
        }
        let tags = tags_of(self.account, &rules, "RuleArn").await?;
        let found = rules.iter().filter_map(|rule| rule_found(&listener, rule, &tags));
        Ok(found.filter(|found| found.native == arn || self.is_ours(&found.tags, id)).collect())
    }

    async fn registry(&self, arn: &str) -> Result<Vec<Found>> {
        let body = json!({ "Id": last_segment(arn) });
        let Some(answer) = self.account.find("servicediscovery:GetService", &body).await? else {
            return Ok(Vec::new());
        };
        let tags = registry_tags(self.account, arn).await?;
        Ok(answer.get("Service").and_then(|service| discovery_found(service, tags)).into_iter().collect())
    }

    async fn scaling(&self, kind: Kind, identity: &str) -> Result<Vec<Found>> {
        let asked = json!({ "ServiceNamespace": "ecs" });
        let account = self.account;
        if kind == Kind::ScalableTarget {
            let body = json!({ "ResourceIds": [identity], "ServiceNamespace": "ecs" });
            let operation = "application-autoscaling:DescribeScalableTargets";
            let found = account.all(operation, &body, "ScalableTargets").await?;
            return Ok(found.iter().filter_map(target_found).collect());
        }
        let (resource, name) = identity.rsplit_once(':').unwrap_or_default();
        let mut body = asked;
        body["ResourceId"] = resource.into();
        body["PolicyNames"] = json!([name]);
        let operation = "application-autoscaling:DescribeScalingPolicies";
        let found = account.all(operation, &body, "ScalingPolicies").await?;
        Ok(found.iter().filter_map(policy_found).collect())
    }

    async fn schedule(&self, identity: &str) -> Result<Vec<Found>> {
        let (group, name) = identity.split_once('/').unwrap_or_default();
        let body = json!({ "Name": name, "GroupName": group });
        let found = self.account.find("scheduler:GetSchedule", &body).await?;
        Ok(found.as_ref().and_then(schedule_found).into_iter().collect())
    }

    /// What Elastic Load Balancing has under one ARN or name.
    async fn described(&self, operation: &'static str, field: &str, named: &str) -> Result<Vec<Value>> {
        let list = operation.trim_start_matches("elbv2:Describe").to_owned();
        or_none(self.account.all(operation, &json!({ field: [named] }), &list).await)
    }
}

fn or_none(answer: Result<Vec<Value>>) -> Result<Vec<Value>> {
    match answer {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Vec::new()),
        answer => answer,
    }
}

/// The tags of a name in Cloud Map.
pub(super) async fn registry_tags(account: &Account, arn: &str) -> Result<Tags> {
    let answer = account.call("servicediscovery:ListTagsForResource", &json!({ "ResourceARN": arn })).await?;
    Ok(Tags::read(answer.get("Tags")))
}

/// What a description is, with the tags that were told of it.
pub(super) fn found(kind: Kind, document: &Value, tags: &Tags) -> Option<Found> {
    let arn = |field: &str| text(document, field).map(ToOwned::to_owned);
    let by_arn = |field: &str| Some(BTreeMap::from([(arn(field)?, tags.clone())]));
    match kind {
        Kind::Service => service_found(document),
        Kind::TaskDefinition => definition_found(document),
        Kind::TargetGroup => target_group_found(document, &by_arn("TargetGroupArn")?),
        Kind::Listener => listener_found(document, &by_arn("ListenerArn")?),
        Kind::ListenerRule => {
            rule_found(&listener_of(text(document, "RuleArn")?)?, document, &by_arn("RuleArn")?)
        }
        Kind::Discovery => discovery_found(document, tags.clone()),
        Kind::ScalableTarget => target_found(document),
        Kind::ScalingPolicy => policy_found(document),
        Kind::Schedule => schedule_found(document),
        _ => None,
    }
}

/// The ARN of a rule's listener.
///
/// Source: Service Authorization Reference, "Resource types defined by AWS Elastic Load Balancing V2".
fn listener_of(rule: &str) -> Option<String> {
    Some(rule.rsplit_once('/')?.0.replace(":listener-rule/", ":listener/"))
}

/// The services of the cluster that bear the release's marks, those that are known already left out.
///
/// # Errors
/// What ECS answers.
pub(crate) async fn marked_services(
    account: &Account,
    scope: &Scope,
    known: &BTreeSet<String>,
) -> Result<Vec<Value>> {
    let body = json!({ "cluster": account.cluster(), "maxResults": 100 });
    let arns = account.all("ecs:ListServices", &body, "serviceArns").await?;
    let others = arns.iter().filter_map(Value::as_str).map(last_segment);
    let others: Vec<String> = others.filter(|name| !known.contains(*name)).map(ToOwned::to_owned).collect();
    let mut found = describe_services(account, &others).await?;
    found.retain(|service| {
        let tags = Tags::read(service.get("tags"));
        text(service, "status") == Some("ACTIVE") && is_marked(&tags) && tags.are_of(scope)
    });
    Ok(found)
}

/// The tags that a schedule puts on its tasks.
pub(crate) fn schedule_tags(schedule: &Value) -> Tags {
    Tags::read(schedule.pointer("/Target/EcsParameters/Tags"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_names_its_listener() {
        let rule = "arn:aws:elasticloadbalancing:r:1:listener-rule/app/front/0a/1b/2c";
        let listener = "arn:aws:elasticloadbalancing:r:1:listener/app/front/0a/1b";
        assert_eq!(listener_of(rule).as_deref(), Some(listener));
    }
}
