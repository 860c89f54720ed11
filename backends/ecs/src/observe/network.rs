//! What is found by name on the network, and who reaches whom.

use std::collections::BTreeMap;

use rhumb_backend::{Live, Result};
use serde_json::{Value, json};

use super::document::{filtered, moved};
use super::{Found, Look};
use crate::kind::Kind;
use crate::lower;
use crate::marks::Tags;
use crate::names;
use crate::pages::{each, items, text};

/// The Cloud Map services whose names begin as those of the release, or that are wanted.
pub(super) async fn discovery(look: &Look<'_>) -> Result<Vec<Live>> {
    let listed = look.list("servicediscovery:ListServices", json!({ "MaxResults": 100 }), "Services").await?;
    let ours =
        listed.into_iter().filter(|service| text(service, "Name").is_some_and(|name| look.may_be_ours(name)));
    let found = each(ours, |service| async move {
        let arn = text(&service, "Arn").unwrap_or_default();
        let asked = json!({ "ResourceARN": arn });
        let tags = look.account.call("servicediscovery:ListTagsForResource", &asked).await?;
        Ok(discovery_found(&service, Tags::read(tags.get("Tags"))))
    });
    Ok(found.await?.into_iter().flatten().filter_map(|found| look.live(found)).collect())
}

/// A Cloud Map service from its description. What is listed tells the namespace only with the records.
pub(crate) fn discovery_found(service: &Value, tags: Tags) -> Option<Found> {
    let id = text(service, "Id")?;
    let mut body = filtered(Kind::Discovery, service);
    if let Some(records) = service.get("DnsConfig")
        && body.get("NamespaceId").is_none()
    {
        moved(&mut body, records, "NamespaceId", "NamespaceId");
    }
    if let Some(records) = body.get_mut("DnsConfig").and_then(Value::as_object_mut) {
        records.shift_remove("NamespaceId");
    }
    let arn = text(service, "Arn")?;
    Some(Found {
        native: arn.to_owned(),
        name: text(service, "Name")?.to_owned(),
        arn: Some(arn.to_owned()),
        body,
        tags,
        outputs: BTreeMap::from([("id".to_owned(), id.to_owned())]),
        ..Found::default()
    })
}

/// The security groups that bear the release's tags or a wanted name.
pub(super) async fn security_groups(look: &Look<'_>) -> Result<Vec<Live>> {
    let tag = |key: &str, value: &str| json!({ "Name": format!("tag:{key}"), "Values": [value] });
    let marks =
        json!([tag(names::RELEASE, &look.scope.release), tag(names::NAMESPACE, &look.scope.namespace)]);
    let others = look.ids.iter().map(|id| id.name().to_owned());
    let wanted: Vec<String> = look.wanted().into_keys().chain(others).collect();
    let mut groups =
        look.list("ec2:DescribeSecurityGroups", json!({ "Filters": marks }), "SecurityGroups").await?;
    if !wanted.is_empty() {
        let named = json!({ "Filters": [{ "Name": "group-name", "Values": wanted }] });
        groups.extend(look.list("ec2:DescribeSecurityGroups", named, "SecurityGroups").await?);
    }
    groups.sort_by_key(|group| text(group, "GroupId").map(ToOwned::to_owned));
    groups.dedup_by_key(|group| text(group, "GroupId").map(ToOwned::to_owned));
    let mut found: Vec<Live> = groups.iter().filter_map(|group| look.live(group_found(group)?)).collect();
    for id in look.missing(&found) {
        let other = groups.iter().find(|group| text(group, "GroupName") == Some(id.name()));
        found.extend(other.and_then(group_found).map(|group| look.external(group, id)));
    }
    Ok(found)
}

/// A rule of a group, in which the group itself is called so.
fn of_group(rule: &Value, group: &str) -> Value {
    let mut rule = rule.clone();
    let pairs = rule.get_mut("UserIdGroupPairs").and_then(Value::as_array_mut).into_iter().flatten();
    for pair in pairs.filter(|pair| text(pair, "GroupId") == Some(group)) {
        pair["GroupId"] = lower::SELF.into();
    }
    rule
}

/// A security group from its description, its rules as those of other members of it.
pub(crate) fn group_found(group: &Value) -> Option<Found> {
    let id = text(group, "GroupId")?;
    let mut body = filtered(Kind::SecurityGroup, group);
    moved(&mut body, group, "Description", "Description");
    body["ingress"] = items(group, "IpPermissions").map(|rule| of_group(rule, id)).collect();
    Some(Found {
        native: id.to_owned(),
        name: text(group, "GroupName")?.to_owned(),
        arn: text(group, "SecurityGroupArn").map(ToOwned::to_owned),
        body,
        tags: Tags::read(group.get("Tags")),
        outputs: BTreeMap::from([("id".to_owned(), id.to_owned())]),
        ..Found::default()
    })
}
