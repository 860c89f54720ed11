//! What keeps things: log groups, parameters, secrets, folders of a file system.

use std::collections::BTreeMap;

use rhumb_backend::{Live, ObjectId, Result};
use serde_json::{Value, json};

use super::document::filtered;
use super::tasks::made_at;
use super::{Found, Look};
use crate::kind::Kind;
use crate::marks::Tags;
use crate::names;
use crate::pages::{each, text};

/// The most parameters of one answer. Source: Systems Manager API reference, `DescribeParameters`.
const PARAMETERS: usize = 50;

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

/// The parameters under the release's path, and those of others that are wanted. What they hold is read only of those that
/// are not named by it.
pub(super) async fn parameters(look: &Look<'_>) -> Result<Vec<Live>> {
    let path = names::path(look.scope);
    let filter = json!({ "Key": "Path", "Option": "Recursive", "Values": [path] });
    let found = each(described(look, filter).await?, |parameter| async move {
        Ok(look.live(tagged(look, &parameter).await?))
    });
    let mut found: Vec<Live> = found.await?.into_iter().flatten().collect();
    let others: BTreeMap<String, &ObjectId> =
        look.missing(&found).into_iter().filter_map(external_parameter).collect();
    let names: Vec<&String> = others.keys().collect();
    for names in names.chunks(PARAMETERS) {
        let filter = json!({ "Key": "Name", "Option": "Equals", "Values": names });
        for parameter in described(look, filter).await? {
            let Some(id) = text(&parameter, "Name").and_then(|name| others.get(name)) else { continue };
            found.push(look.external(parameter_found(&parameter), id));
        }
    }
    Ok(found)
}

fn external_parameter(id: &ObjectId) -> Option<(String, &ObjectId)> {
    let (config, key) = id.name().split_once('/')?;
    Some((names::external_parameter(config, key), id))
}

async fn described(look: &Look<'_>, filter: Value) -> Result<Vec<Value>> {
    let body = json!({ "ParameterFilters": [filter], "MaxResults": PARAMETERS });
    look.list("ssm:DescribeParameters", body, "Parameters").await
}

fn parameter_found(parameter: &Value) -> Found {
    let name = text(parameter, "Name").unwrap_or_default().to_owned();
    let arn = text(parameter, "ARN").map_or_else(|| name.clone(), ToOwned::to_owned);
    let body = filtered(Kind::Parameter, parameter);
    Found { native: name.clone(), name, arn: Some(arn), body, ..Found::default() }
}

async fn tagged(look: &Look<'_>, parameter: &Value) -> Result<Found> {
    let mut found = parameter_found(parameter);
    let asked = json!({ "ResourceType": "Parameter", "ResourceId": found.name });
    let tags = look.account.call("ssm:ListTagsForResource", &asked).await?;
    found.tags = Tags::read(tags.get("TagList"));
    if found.tags.are_of(look.scope) && found.tags.get(names::GENERATION).is_none() {
        found.body["Value"] = value(look, &found.name).await?;
    }
    Ok(found)
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
    let found = secrets.iter().filter(is_there).filter_map(|secret| look.live(secret_found(secret)?));
    let mut found: Vec<Live> = found.collect();
    let others = each(look.missing(&found), |id| async move {
        let secret =
            look.account.find("secretsmanager:DescribeSecret", &json!({ "SecretId": id.name() })).await?;
        Ok(secret
            .filter(|secret| is_there(&secret))
            .and_then(|secret| Some(look.external(secret_found(&secret)?, id))))
    });
    found.extend(others.await?.into_iter().flatten());
    Ok(found)
}

/// A secret from its description. It is called by its name, since its ARN ends in something random that no task definition
/// names.
pub(crate) fn secret_found(secret: &Value) -> Option<Found> {
    let name = text(secret, "Name")?;
    Some(Found {
        native: name.to_owned(),
        name: name.to_owned(),
        arn: text(secret, "ARN").map(ToOwned::to_owned),
        body: filtered(Kind::Secret, secret),
        tags: Tags::read(secret.get("Tags")),
        ..Found::default()
    })
}

/// The access points of every file system: a volume may name another than the target's.
pub(super) async fn access_points(look: &Look<'_>) -> Result<Vec<Live>> {
    let points = look.list("efs:DescribeAccessPoints", json!({ "MaxResults": 100 }), "AccessPoints").await?;
    let is_there = |point: &&Value| !matches!(text(point, "LifeCycleState"), Some("deleting" | "deleted"));
    let points: Vec<&Value> = points.iter().filter(is_there).collect();
    let mut found: Vec<Live> =
        points.iter().filter_map(|point| look.live(access_point_found(point)?)).collect();
    for id in look.missing(&found) {
        let other = points.iter().find(|point| text(point, "Name") == Some(id.name()));
        found.extend(other.and_then(|point| access_point_found(point)).map(|point| look.external(point, id)));
    }
    Ok(found)
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
