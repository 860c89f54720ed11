//! What ECS itself keeps: services, task definitions, tasks of jobs.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Live, Result};
use serde_json::{Value, json};

use super::document::{filtered, moved};
use super::{Found, Look};
use crate::health::job;
use crate::kind::Kind;
use crate::marks::Tags;
use crate::names;
use crate::pages::{each, items, text};
use crate::rollout::{deployments, given_up, primary};

/// The most services, tasks of one call. Source: Amazon ECS API reference, `DescribeServices`, `DescribeTasks`.
pub(crate) const SERVICES: usize = 10;
pub(crate) const TASKS: usize = 100;

/// Services that are wanted or whose name begins as those of the release. One that drains is on its way out and is not
/// there any more.
pub(super) async fn services(look: &Look<'_>) -> Result<Vec<Live>> {
    let cluster = look.account.cluster();
    let body = json!({ "cluster": cluster, "maxResults": 100 });
    let arns = look.list("ecs:ListServices", body, "serviceArns").await?;
    let listed =
        arns.iter().filter_map(Value::as_str).map(last_segment).filter(|name| look.may_be_ours(name));
    let mut asked: BTreeSet<String> = listed.map(ToOwned::to_owned).collect();
    asked.extend(look.wanted().into_keys());
    let described = describe_services(look.account, &asked.into_iter().collect::<Vec<_>>()).await?;
    let found = described.iter().filter(|service| text(service, "status") == Some("ACTIVE"));
    Ok(found.filter_map(|service| look.live(service_found(service)?)).collect())
}

/// Describes services with their tags, those that are gone left out.
pub(crate) async fn describe_services(
    account: &crate::connect::Account,
    names: &[String],
) -> Result<Vec<Value>> {
    let answers = each(names.chunks(SERVICES), |names| async move {
        let body = json!({ "cluster": account.cluster(), "services": names, "include": ["TAGS"] });
        let answer = account.call("ecs:DescribeServices", &body).await?;
        Ok(items(&answer, "services").cloned().collect::<Vec<_>>())
    });
    Ok(answers.await?.into_iter().flatten().collect())
}

/// A service from its description.
///
/// What a service has of Service Connect, volumes and Lattice is told with its deployments; that of the primary one is
/// what was asked for last.
///
/// Source: Amazon ECS API reference, `Service`, `Deployment`.
pub(crate) fn service_found(service: &Value) -> Option<Found> {
    let arn = text(service, "serviceArn")?;
    let mut body = filtered(Kind::Service, service);
    moved(&mut body, service, "roleArn", "role");
    moved(&mut body, service, "clusterArn", "cluster");
    if let Some(primary) = primary(service) {
        for field in ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"] {
            moved(&mut body, primary, field, field);
        }
    }
    let mut outputs = BTreeMap::new();
    outputs.extend(given_up(service).map(|why| (Live::GIVEN_UP.to_owned(), why)));
    Some(Found {
        native: arn.to_owned(),
        name: text(service, "serviceName")?.to_owned(),
        arn: Some(arn.to_owned()),
        body,
        tags: Tags::read(service.get("tags")),
        outputs,
        holds: held(service),
        version: made_at(service, "createdAt"),
    })
}

/// When a thing was made, by which it is told from one that takes its place.
pub(super) fn made_at(thing: &Value, field: &str) -> Option<String> {
    thing.get(field).filter(|at| !at.is_null()).map(ToString::to_string)
}

/// The task definitions of every deployment, so that one that is being rolled out, or back to, stays; and the target
/// groups and registries.
fn held(service: &Value) -> BTreeSet<String> {
    let mut held: BTreeSet<String> = BTreeSet::new();
    held.extend(text(service, "taskDefinition").map(ToOwned::to_owned));
    for deployment in deployments(service) {
        held.extend(text(deployment, "taskDefinition").map(ToOwned::to_owned));
    }
    held.extend(
        items(service, "loadBalancers")
            .filter_map(|item| text(item, "targetGroupArn"))
            .map(ToOwned::to_owned),
    );
    held.extend(
        items(service, "serviceRegistries")
            .filter_map(|item| text(item, "registryArn"))
            .map(ToOwned::to_owned),
    );
    held
}

/// Revisions of the release's families that are active.
pub(super) async fn definitions(look: &Look<'_>) -> Result<Vec<Live>> {
    let body = json!({ "familyPrefix": look.prefix(), "status": "ACTIVE", "maxResults": 100 });
    let listed = look.list("ecs:ListTaskDefinitionFamilies", body, "families").await?;
    let mut families: BTreeSet<String> =
        listed.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect();
    families.extend(look.wanted().into_keys());
    let arns = each(families, |family| async move {
        let body = json!({ "familyPrefix": family, "status": "ACTIVE", "sort": "DESC", "maxResults": 100 });
        look.list("ecs:ListTaskDefinitions", body, "taskDefinitionArns").await
    });
    let arns: Vec<Value> = arns.await?.into_iter().flatten().collect();
    let found = each(arns, |arn| async move {
        let body = json!({ "taskDefinition": arn, "include": ["TAGS"] });
        let answer = look.account.call("ecs:DescribeTaskDefinition", &body).await?;
        Ok(definition_found(&answer))
    });
    let mut lives: Vec<Live> =
        found.await?.into_iter().flatten().filter_map(|found| look.live(found)).collect();
    // A family that is ours may hold revisions that somebody else registered, which are in nobody's way.
    lives.retain(|live| live.foreign.is_none());
    Ok(lives)
}

/// A task definition from an answer, which has the tags beside it.
pub(crate) fn definition_found(answer: &Value) -> Option<Found> {
    let definition = answer.get("taskDefinition")?;
    let arn = text(definition, "taskDefinitionArn")?;
    let mut held = BTreeSet::new();
    needed(definition, &mut held);
    Some(Found {
        native: arn.to_owned(),
        name: text(definition, "family")?.to_owned(),
        arn: Some(arn.to_owned()),
        body: filtered(Kind::TaskDefinition, definition),
        tags: Tags::read(answer.get("tags").or_else(|| definition.get("tags"))),
        holds: held,
        ..Found::default()
    })
}

/// What a task definition names: parameters and secrets by their ARNs, access points, log groups.
fn needed(value: &Value, held: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value.as_str()) {
                    ("valueFrom", Some(arn)) => held.extend(secret_arns(arn)),
                    ("accessPointId" | "awslogs-group" | "credentialsParameter", Some(id)) => {
                        held.insert(id.to_owned());
                    }
                    _ => needed(value, held),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| needed(item, held)),
        _ => {}
    }
}

/// What a container's secret names: a parameter, or a secret with a key behind it, by their names.
///
/// Source: Amazon ECS developer guide, "Pass Secrets Manager secrets through Amazon ECS environment variables":
/// `arn:aws:secretsmanager:region:account:secret:name:json-key:version-stage:version-id`.
fn secret_arns(value: &str) -> Vec<String> {
    let mut all = vec![value.to_owned()];
    let parts: Vec<&str> = value.split(':').collect();
    if parts.get(2) == Some(&"secretsmanager") {
        all.extend(parts.get(6).map(|name| (*name).to_owned()));
    }
    if parts.get(2) == Some(&"ssm")
        && let Some(name) = parts.get(5).and_then(|name| name.strip_prefix("parameter"))
    {
        all.push(name.to_owned());
    }
    all
}

/// What ran of each wanted job last, as long as ECS remembers it: an hour for tasks that have stopped. What has ended and
/// whose task definition was taken away is no longer a release's: an uninstall leaves nothing else of a job.
///
/// Source: Amazon ECS API reference, `ListTasks`.
pub(super) async fn jobs(look: &Look<'_>) -> Result<Vec<Live>> {
    let found = each(look.wanted(), |(family, id)| async move {
        let tasks = family_tasks(look.account, &family).await?;
        let of_job = |task: &&Value| {
            let tags = Tags::read(task.get("tags"));
            tags.are_of(look.scope) && tags.get(names::OBJECT) == Some(id.as_str())
        };
        let latest = job::latest(tasks.iter().filter(of_job));
        let Some(found) = job_found(&family, &latest) else { return Ok(None) };
        if job::is_over(look.account, &latest).await? {
            return Ok(None);
        }
        let definitions = job::definitions(look.account, &latest).await?;
        let mut live = look.named(found, id.clone(), None);
        live.outputs
            .extend(job::word(&latest, &definitions).map(|word| (Live::JOB.to_owned(), word.to_owned())));
        Ok(Some(live))
    });
    Ok(found.await?.into_iter().flatten().collect())
}

/// Tasks of a family, those that have stopped among them, with their tags.
pub(crate) async fn family_tasks(account: &crate::connect::Account, family: &str) -> Result<Vec<Value>> {
    tasks_of(account, "family", family).await
}

/// Tasks of a service, as [`family_tasks`].
pub(crate) async fn service_tasks(account: &crate::connect::Account, service: &str) -> Result<Vec<Value>> {
    tasks_of(account, "serviceName", service).await
}

async fn tasks_of(account: &crate::connect::Account, field: &str, name: &str) -> Result<Vec<Value>> {
    let arns = each(["RUNNING", "STOPPED"], |status| async move {
        list_tasks(account, json!({ field: name, "desiredStatus": status })).await
    });
    let arns: BTreeSet<String> = arns.await?.into_iter().flatten().collect();
    describe_tasks(account, &arns.into_iter().collect::<Vec<_>>()).await
}

/// The ARNs of tasks that a filter finds.
pub(crate) async fn list_tasks(account: &crate::connect::Account, mut filter: Value) -> Result<Vec<String>> {
    filter["cluster"] = account.cluster().into();
    filter["maxResults"] = 100.into();
    let arns = account.all("ecs:ListTasks", &filter, "taskArns").await?;
    Ok(arns.iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect())
}

/// Describes tasks with their tags, those that ECS has forgotten left out.
pub(crate) async fn describe_tasks(account: &crate::connect::Account, arns: &[String]) -> Result<Vec<Value>> {
    let answers = each(arns.chunks(TASKS), |arns| async move {
        let body = json!({ "cluster": account.cluster(), "tasks": arns, "include": ["TAGS"] });
        let answer = account.call("ecs:DescribeTasks", &body).await?;
        Ok(items(&answer, "tasks").cloned().collect::<Vec<_>>())
    });
    Ok(answers.await?.into_iter().flatten().collect())
}

/// The tasks of one run, as the request that started them.
fn job_found(family: &str, tasks: &[&Value]) -> Option<Found> {
    let first = tasks.first()?;
    let mut body = filtered(Kind::Task, first);
    moved(&mut body, first, "taskDefinitionArn", "taskDefinition");
    body["count"] = tasks.len().into();
    Some(Found {
        native: text(first, "startedBy").or_else(|| text(first, "taskArn"))?.to_owned(),
        name: family.to_owned(),
        arn: text(first, "taskArn").map(ToOwned::to_owned),
        body,
        tags: Tags::read(first.get("tags")),
        holds: text(first, "taskDefinitionArn").map(ToOwned::to_owned).into_iter().collect(),
        ..Found::default()
    })
}

pub(crate) fn last_segment(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
