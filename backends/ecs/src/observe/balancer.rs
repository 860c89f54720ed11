//! What Elastic Load Balancing keeps: target groups, listeners, rules.

use std::collections::BTreeMap;

use rhumb_backend::{ErrorKind, Live, Result};
use serde_json::{Value, json};

use super::document::{filtered, moved};
use super::{Found, Look};
use crate::connect::Account;
use crate::kind::Kind;
use crate::marks::Tags;
use crate::pages::{each, items, text};

/// The most things of one call for tags. Source: Elastic Load Balancing API reference, `DescribeTags`.
const TAGGED: usize = 20;

/// The target groups whose names begin as those of the release, or that are wanted.
pub(super) async fn target_groups(look: &Look<'_>) -> Result<Vec<Live>> {
    let groups = look.list("elbv2:DescribeTargetGroups", json!({}), "TargetGroups").await?;
    let is_ours = |group: &Value| text(group, "TargetGroupName").is_some_and(|name| look.may_be_ours(name));
    let groups: Vec<Value> = groups.into_iter().filter(is_ours).collect();
    let tags = tags_of(look.account, &groups, "TargetGroupArn").await?;
    let mut lives = Vec::new();
    for group in &groups {
        let Some(mut live) = target_group_found(group, &tags).and_then(|found| look.live(found)) else {
            continue;
        };
        if live.foreign.is_none() {
            live.object.body["Attributes"] = attributes(look.account, &live.native).await?;
        }
        lives.push(live);
    }
    Ok(lives)
}

/// The attributes of a target group, as a list of keys and values.
pub(crate) async fn attributes(account: &Account, arn: &str) -> Result<Value> {
    let body = json!({ "TargetGroupArn": arn });
    let answer = account.call("elbv2:DescribeTargetGroupAttributes", &body).await?;
    Ok(answer.get("Attributes").cloned().unwrap_or_default())
}

/// A target group from its description.
pub(crate) fn target_group_found(group: &Value, tags: &BTreeMap<String, Tags>) -> Option<Found> {
    let arn = text(group, "TargetGroupArn")?;
    let mut body = filtered(Kind::TargetGroup, group);
    moved(&mut body, group, "TargetGroupName", "Name");
    Some(found(arn, text(group, "TargetGroupName")?, body, tags))
}

/// The listeners of the target's load balancers that bear the release's tags.
pub(super) async fn listeners(look: &Look<'_>) -> Result<Vec<Live>> {
    let listeners = all_listeners(look.account).await?;
    let tags = tags_of(look.account, &listeners, "ListenerArn").await?;
    Ok(listeners.iter().filter_map(|listener| look.live(listener_found(listener, &tags)?)).collect())
}

/// A listener from its description.
pub(crate) fn listener_found(listener: &Value, tags: &BTreeMap<String, Tags>) -> Option<Found> {
    let arn = text(listener, "ListenerArn")?;
    let mut found = found(arn, arn, filtered(Kind::Listener, listener), tags);
    found.holds = target_groups_in(listener);
    Some(found)
}

/// The rules of the listeners of the target's application load balancer that bear the release's tags.
pub(super) async fn rules(look: &Look<'_>) -> Result<Vec<Live>> {
    let listeners = all_listeners(look.account).await?;
    let is_http =
        |listener: &&Value| text(listener, "Protocol").is_some_and(|protocol| protocol.starts_with("HTTP"));
    let arns: Vec<&str> =
        listeners.iter().filter(is_http).filter_map(|item| text(item, "ListenerArn")).collect();
    let of_listeners = each(arns, |listener| async move {
        let rules = look.list("elbv2:DescribeRules", json!({ "ListenerArn": listener }), "Rules").await?;
        let is_default = |rule: &Value| text(rule, "Priority") == Some("default");
        let rules: Vec<Value> = rules.into_iter().filter(|rule| !is_default(rule)).collect();
        let tags = tags_of(look.account, &rules, "RuleArn").await?;
        let found = rules.iter().filter_map(|rule| rule_found(listener, rule, &tags));
        Ok(found.filter_map(|found| look.live(found)).collect::<Vec<_>>())
    });
    Ok(of_listeners.await?.into_iter().flatten().collect())
}

/// A rule from its description, with the listener that it is of.
pub(crate) fn rule_found(listener: &str, rule: &Value, tags: &BTreeMap<String, Tags>) -> Option<Found> {
    let arn = text(rule, "RuleArn")?;
    let mut body = filtered(Kind::ListenerRule, rule);
    body["ListenerArn"] = listener.into();
    if let Some(priority) = text(rule, "Priority").and_then(|text| text.parse::<u32>().ok()) {
        body["Priority"] = priority.into();
    }
    let mut found = found(arn, arn, body, tags);
    found.holds = target_groups_in(rule);
    Some(found)
}

fn found(arn: &str, name: &str, body: Value, tags: &BTreeMap<String, Tags>) -> Found {
    Found {
        native: arn.to_owned(),
        name: name.to_owned(),
        arn: Some(arn.to_owned()),
        body,
        tags: tags.get(arn).cloned().unwrap_or_default(),
        ..Found::default()
    }
}

/// The listeners of the load balancers that the target names.
pub(crate) async fn all_listeners(account: &Account) -> Result<Vec<Value>> {
    let settings = account.settings();
    let named = [&settings.load_balancer, &settings.network_load_balancer];
    let of_balancers = each(named.into_iter().flatten(), |balancer| async move {
        let Some(arn) = balancer_arn(account, balancer).await? else { return Ok(Vec::new()) };
        account.all("elbv2:DescribeListeners", &json!({ "LoadBalancerArn": arn }), "Listeners").await
    });
    Ok(of_balancers.await?.into_iter().flatten().collect())
}

/// The ARN of a load balancer that is named by its ARN or its name; none where there is none of that name.
async fn balancer_arn(account: &Account, named: &str) -> Result<Option<String>> {
    if named.starts_with("arn:") {
        return Ok(Some(named.to_owned()));
    }
    let answer = account.call("elbv2:DescribeLoadBalancers", &json!({ "Names": [named] })).await;
    match answer {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(answer) => {
            let arn = items(&answer, "LoadBalancers").find_map(|balancer| text(balancer, "LoadBalancerArn"));
            Ok(arn.map(ToOwned::to_owned))
        }
    }
}

/// The tags of things by their ARNs.
pub(crate) async fn tags_of(
    account: &Account,
    things: &[Value],
    arn: &str,
) -> Result<BTreeMap<String, Tags>> {
    let arns: Vec<&str> = things.iter().filter_map(|thing| text(thing, arn)).collect();
    let answers = each(arns.chunks(TAGGED), |arns| async move {
        account.call("elbv2:DescribeTags", &json!({ "ResourceArns": arns })).await
    });
    let answers = answers.await?;
    let described = answers.iter().flat_map(|answer| items(answer, "TagDescriptions"));
    let pairs =
        described.filter_map(|of| Some((text(of, "ResourceArn")?.to_owned(), Tags::read(of.get("Tags")))));
    Ok(pairs.collect())
}

/// The target groups that a rule or listener sends to.
fn target_groups_in(thing: &Value) -> std::collections::BTreeSet<String> {
    let actions = items(thing, "Actions").chain(items(thing, "DefaultActions"));
    let arns = actions.flat_map(|action| {
        let forwarded =
            action.get("ForwardConfig").into_iter().flat_map(|config| items(config, "TargetGroups"));
        std::iter::once(action).chain(forwarded).filter_map(|item| text(item, "TargetGroupArn"))
    });
    arns.map(ToOwned::to_owned).collect()
}
