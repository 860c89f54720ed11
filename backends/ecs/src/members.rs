//! What a release runs: the families of its task definitions, and the tasks of each.

use std::collections::BTreeSet;

use rhumb_backend::{Error, ErrorKind, ObjectId, Result, Scope};
use serde_json::{Value, json};

use crate::connect::Account;
use crate::kind::Kind;
use crate::marks::Tags;
use crate::names;
use crate::observe::{family_tasks, last_segment, service_tasks};
use crate::pages::{each, text};
use crate::{adopt, collect};

/// A workload of a release. Each replica of a stateful workload is a workload of its own here: `db-0`.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Its name.
    pub(crate) workload: String,
    /// The family of its task definitions.
    pub(crate) family: String,
    /// The newest of them; of what was adopted the one that runs.
    pub(crate) definition: Value,
    /// The name of its service, where that was adopted under it.
    pub(crate) service: Option<String>,
}

/// The workload of this name, or all.
///
/// # Errors
/// `NotFound` for a workload that the release does not have.
///
/// Source: Amazon ECS API reference, `ListTaskDefinitionFamilies`, `DescribeTaskDefinition`: a family's name stands for
/// its newest active revision.
pub(crate) async fn members(account: &Account, scope: &Scope, workload: Option<&str>) -> Result<Vec<Member>> {
    let prefix = format!("{}-", names::prefix(scope));
    let request = json!({ "familyPrefix": prefix, "status": "ACTIVE", "maxResults": 100 });
    let families = account.all("ecs:ListTaskDefinitionFamilies", &request, "families").await?;
    let families: BTreeSet<&str> = families.iter().filter_map(Value::as_str).collect();
    let found = each(families, |family| async move {
        let request = json!({ "taskDefinition": family, "include": ["TAGS"] });
        let answer = account.find("ecs:DescribeTaskDefinition", &request).await?;
        Ok(answer.and_then(|answer| member(scope, family, &answer)))
    });
    let mut members: Vec<Member> = found.await?.into_iter().flatten().collect();
    let known = members.iter().map(|member| member.service_name(scope)).collect();
    let adopted = adopted(account, scope, &known).await?;
    members.retain(|member| adopted.iter().all(|other| other.workload != member.workload));
    members.extend(adopted);
    members.sort_by(|one, other| one.workload.cmp(&other.workload));
    match workload {
        None => Ok(members),
        Some(workload) => chosen(members, workload),
    }
}

fn member(scope: &Scope, family: &str, answer: &Value) -> Option<Member> {
    let definition = answer.get("taskDefinition")?;
    let tags = Tags::read(answer.get("tags").or_else(|| definition.get("tags")));
    let object = ObjectId::from(tags.get(names::OBJECT)?);
    let is_ours = tags.are_of(scope) && Kind::of(&object) == Some(Kind::TaskDefinition);
    is_ours.then(|| Member {
        workload: object.name().to_owned(),
        family: family.to_owned(),
        definition: definition.clone(),
        service: None,
    })
}

/// The workloads that were adopted under names of their own: their services and schedules bear the release's marks.
async fn adopted(account: &Account, scope: &Scope, known: &BTreeSet<String>) -> Result<Vec<Member>> {
    let services = adopt::marked_services(account, scope, known).await?;
    let mut runners: Vec<Runner> = services.iter().filter_map(Runner::of_service).collect();
    if account.settings().scheduler_role.is_some() {
        let prefix = format!("{}-", names::prefix(scope));
        let schedules = collect::schedules(account).await?;
        let others =
            schedules.iter().filter(|of| text(of, "Name").is_some_and(|name| !name.starts_with(&prefix)));
        runners.extend(others.filter_map(|schedule| Runner::of_schedule(scope, schedule)));
    }
    let found = each(runners, |Runner { workload, runs, service }| async move {
        let answer = account.find("ecs:DescribeTaskDefinition", &json!({ "taskDefinition": runs })).await?;
        let definition = answer.and_then(|answer| answer.get("taskDefinition").cloned());
        Ok(definition.map(|definition| Member {
            family: text(&definition, "family").unwrap_or_default().to_owned(),
            workload,
            definition,
            service,
        }))
    });
    Ok(found.await?.into_iter().flatten().collect())
}

/// What runs a workload that was adopted.
struct Runner {
    workload: String,
    /// The ARN of its task definition.
    runs: String,
    service: Option<String>,
}

impl Runner {
    fn of_service(service: &Value) -> Option<Self> {
        let tags = Tags::read(service.get("tags"));
        Some(Self {
            workload: tags.get(names::WORKLOAD)?.to_owned(),
            runs: text(service, "taskDefinition")?.to_owned(),
            service: text(service, "serviceName").map(ToOwned::to_owned),
        })
    }

    fn of_schedule(scope: &Scope, schedule: &Value) -> Option<Self> {
        let tags = adopt::schedule_tags(schedule);
        let runs = schedule.pointer("/Target/EcsParameters/TaskDefinitionArn")?.as_str()?;
        let workload = tags.get(names::WORKLOAD).filter(|_| tags.are_of(scope))?;
        Some(Self { workload: workload.to_owned(), runs: runs.to_owned(), service: None })
    }
}

/// The workload of this name, else the replicas of the stateful one of this name.
fn chosen(members: Vec<Member>, workload: &str) -> Result<Vec<Member>> {
    let is_replica = |member: &Member| {
        let ordinal = member.workload.strip_prefix(workload).and_then(|rest| rest.strip_prefix('-'));
        ordinal
            .is_some_and(|ordinal| !ordinal.is_empty() && ordinal.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let exact: Vec<Member> = members.iter().filter(|member| member.workload == workload).cloned().collect();
    if !exact.is_empty() {
        return Ok(exact);
    }
    let replicas: Vec<Member> = members.iter().filter(|member| is_replica(member)).cloned().collect();
    if !replicas.is_empty() {
        return Ok(replicas);
    }
    let known: Vec<String> = members.into_iter().map(|member| member.workload).collect();
    let error = Error::new(ErrorKind::NotFound, "find the workload", "the release does not have it");
    Err(error.with("workload", workload).remedy(if known.is_empty() {
        "the release runs nothing".to_owned()
    } else {
        format!("it has {}", known.join(", "))
    }))
}

impl Member {
    /// Its tasks, those among them that have stopped within the last hour: ECS forgets older ones.
    pub(crate) async fn tasks(&self, account: &Account) -> Result<Vec<Value>> {
        match &self.service {
            Some(service) => service_tasks(account, service).await,
            None => family_tasks(account, &self.family).await,
        }
    }

    /// The name of the service that runs it, where one does.
    pub(crate) fn service_name(&self, scope: &Scope) -> String {
        self.service.clone().unwrap_or_else(|| names::native(scope, &self.workload, names::NAME_LIMIT))
    }

    /// The name by which people recognise a task: the workload and the beginning of its id.
    pub(crate) fn task_name(&self, arn: &str) -> String {
        let id = last_segment(arn);
        format!("{}.{}", self.workload, id.get(..SHORT_ID).unwrap_or(id))
    }

    /// The definitions of its containers.
    pub(crate) fn containers(&self) -> impl Iterator<Item = &Value> {
        self.definition.get("containerDefinitions").and_then(Value::as_array).into_iter().flatten()
    }

    /// The containers that are the app's own: those whose end is the task's, the one that writes files left out.
    pub(crate) fn main_containers(&self) -> impl Iterator<Item = &Value> {
        self.containers().filter(|container| container.get("essential") != Some(&Value::Bool(false)))
    }
}

/// How many characters of a task's id are in its name. They are random, so eight tell the tasks of a release apart.
const SHORT_ID: usize = 8;

/// Whether a task runs and is meant to.
pub(crate) fn is_running(task: &Value) -> bool {
    text(task, "lastStatus") == Some("RUNNING") && text(task, "desiredStatus") == Some("RUNNING")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(workload: &str, expect: Result<&[&str], &str>) {
        let member = |name: &str| Member {
            workload: name.to_owned(),
            family: String::new(),
            definition: Value::Null,
            service: None,
        };
        let members = ["db-0", "db-1", "db-x", "web", "web-1"].map(member).to_vec();
        match (chosen(members, workload), expect) {
            (Ok(found), Ok(expect)) => {
                let names: Vec<&str> = found.iter().map(|member| member.workload.as_str()).collect();
                assert_eq!(names, expect);
            }
            (Err(error), Err(expect)) => assert_eq!(error.remedy.as_deref(), Some(expect)),
            (found, expect) => panic!("{found:?} instead of {expect:?}"),
        }
    }

    #[test]
    fn a_stateful_workload_is_all_its_replicas() {
        check("db", Ok(&["db-0", "db-1"]));
        check("db-1", Ok(&["db-1"]));
        check("web", Ok(&["web"]));
        check("db-", Err("it has db-0, db-1, db-x, web, web-1"));
    }
}
