//! What keeps things: log groups, parameters, secrets, folders of a file system.

use std::collections::BTreeMap;

use rhumb_backend::{Live, Result};
use serde_json::{Value, json};

use super::document::filtered;
use super::tasks::made_at;
use super::{Found, Look};
use crate::kind::Kind;
use crate::marks::Tags;
use crate::names;
use crate::pages::{each, text};

/// The log groups under the release's path.
pub(super) async fn log_groups(look: &Look<'_>) -> Result<Vec<Live>> {
    let path = names::path(look.scope);
    let body = json!({ "logGroupNamePrefix": path });
    let groups = look.list("logs:DescribeLogGroups", body, "logGroups").await?;
    let is_under = |name: &str| {
        name.strip_prefix(path.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let ours = groups.into_iter().filter(|group| text(group, "logGroupName").is_some_and(is_under));
    let found = each(ours, |group| async move {
        let name = text(&group, "logGroupName").unwrap_or_default().to_owned();
        let arn = text(&group, "arn").unwrap_or_default().trim_end_matches(":*").to_owned();
        let asked = json!({ "resourceArn": arn });
        let tags = look.account.call("logs:ListTagsForResource", &asked).await?;
        Ok(Found {
            native: name.clone(),
            name,
            arn: Some(arn),
            body: filtered(Kind::LogGroup, &group),
            tags: Tags::read(tags.get("tags")),
            version: made_at(&group, "creationTime"),
            ..Found::default()
        })
    });
    Ok(found.await?.into_iter().filter_map(|found| look.live(found)).collect())
}

/// The parameters under the release's path. What they hold is read only of those that are not named by it.
pub(super) async fn parameters(look: &Look<'_>) -> Result<Vec<Live>> {
    let path = names::path(look.scope);
    let filter = json!({ "Key": "Path", "Option": "Recursive", "Values": [path] });
    let body = json!({ "ParameterFilters": [filter], "MaxResults": 50 });
    let parameters = look.list("ssm:DescribeParameters", body, "Parameters").await?;
    let found = each(parameters, |parameter| async move {
        let name = text(&parameter, "Name").unwrap_or_default().to_owned();
        let asked = json!({ "ResourceType": "Parameter", "ResourceId": name });
        let tags = look.account.call("ssm:ListTagsForResource", &asked).await?;
        let arn = text(&parameter, "ARN").map(ToOwned::to_owned);
        let tags = Tags::read(tags.get("TagList"));
        let mut body = filtered(Kind::Parameter, &parameter);
        if tags.are_of(look.scope) && tags.get(names::GENERATION).is_none() {
            body["Value"] = value(look, &name).await?;
        }
        Ok(Found {
            native: name.clone(),
            arn: Some(arn.unwrap_or_else(|| name.clone())),
            name,
            body,
            tags,
            ..Found::default()
        })
    });
    Ok(found.await?.into_iter().filter_map(|found| look.live(found)).collect())
}

async fn value(look: &Look<'_>, name: &str) -> Result<Value> {
    let answer = look.account.find("ssm:GetParameter", &json!({ "Name": name })).await?.unwrap_or_default();
    Ok(answer.pointer("/Parameter/Value").cloned().unwrap_or_default())
}

/// The secrets under the release's path, without what they hold.
///
/// The list may be minutes old. A secret that it does not show yet is found by the call that makes it, which says that the
/// name is taken.
///
/// Source: AWS Secrets Manager API reference, `ListSecrets`.
pub(super) async fn secrets(look: &Look<'_>) -> Result<Vec<Live>> {
    let prefix = names::secret_prefix(look.scope);
    let body = json!({ "Filters": [{ "Key": "name", "Values": [prefix] }], "MaxResults": 100 });
    let secrets = look.list("secretsmanager:ListSecrets", body, "SecretList").await?;
    let is_there = |secret: &&Value| secret.get("DeletedDate").is_none_or(Value::is_null);
    Ok(secrets.iter().filter(is_there).filter_map(|secret| look.live(secret_found(secret)?)).collect())
}

/// A secret from its description.
pub(crate) fn secret_found(secret: &Value) -> Option<Found> {
    let arn = text(secret, "ARN")?;
    Some(Found {
        native: arn.to_owned(),
        name: text(secret, "Name")?.to_owned(),
        arn: Some(arn.to_owned()),
        body: filtered(Kind::Secret, secret),
        tags: Tags::read(secret.get("Tags")),
        ..Found::default()
    })
}

/// The access points of every file system: a volume may name another than the target's.
pub(super) async fn access_points(look: &Look<'_>) -> Result<Vec<Live>> {
    let points = look.list("efs:DescribeAccessPoints", json!({ "MaxResults": 100 }), "AccessPoints").await?;
    let is_there = |point: &&Value| !matches!(text(point, "LifeCycleState"), Some("deleting" | "deleted"));
    Ok(points.iter().filter(is_there).filter_map(|point| look.live(access_point_found(point)?)).collect())
}

/// An access point from its description.
pub(crate) fn access_point_found(point: &Value) -> Option<Found> {
    let id = text(point, "AccessPointId")?;
    Some(Found {
        native: id.to_owned(),
        name: text(point, "Name").unwrap_or(id).to_owned(),
        arn: text(point, "AccessPointArn").map(ToOwned::to_owned),
        body: filtered(Kind::AccessPoint, point),
        tags: Tags::read(point.get("Tags")),
        outputs: BTreeMap::from([("id".to_owned(), id.to_owned())]),
        ..Found::default()
    })
}
