//! Where the output of a release's tasks is.

use std::collections::BTreeSet;

use rhumb_backend::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::connect::Account;
use crate::lower::FILES;
use crate::members::Member;
use crate::observe::last_segment;
use crate::pages::{each, text};

/// One container of one task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source {
    pub(super) workload: String,
    /// The task, as people recognise it.
    pub(super) task: String,
    pub(super) group: String,
    pub(super) stream: String,
}

/// Where a container's output goes: a log group, and what the names of its streams begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    group: String,
    prefix: String,
}

/// The places of a workload's containers, that of the one that writes files left out.
///
/// Source: Amazon ECS developer guide, "Using the awslogs log driver": a stream is `prefix-name/container-name/ecs-task-id`.
fn places(member: &Member) -> Vec<Place> {
    let of = |container: &Value| {
        let name = text(container, "name").filter(|name| *name != FILES)?;
        let log =
            container.get("logConfiguration").filter(|log| text(log, "logDriver") == Some("awslogs"))?;
        let option = |name: &str| log.get("options").and_then(|options| text(options, name));
        let prefix = format!("{}/{name}/", option("awslogs-stream-prefix")?);
        Some(Place { group: option("awslogs-group")?.to_owned(), prefix })
    };
    member.containers().filter_map(of).collect()
}

/// The sources of workloads: of the tasks that ECS knows, else of the last one that printed something.
pub(super) async fn find(account: &Account, members: &[Member]) -> Result<Vec<Source>> {
    let found = each(members, |member| async move {
        let places = places(member);
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let tasks = member.tasks(account).await?;
        let ids: Vec<&str> =
            tasks.iter().filter_map(|task| text(task, "taskArn")).map(last_segment).collect();
        if ids.is_empty() {
            return latest(account, member, &places).await;
        }
        Ok(ids.iter().flat_map(|id| of_task(member, &places, id)).collect())
    });
    Ok(found.await?.into_iter().flatten().collect::<BTreeSet<_>>().into_iter().collect())
}

fn of_task(member: &Member, places: &[Place], id: &str) -> Vec<Source> {
    let source = |place: &Place| Source {
        workload: member.workload.clone(),
        task: member.task_name(id),
        group: place.group.clone(),
        stream: format!("{}{id}", place.prefix),
    };
    places.iter().map(source).collect()
}

/// The sources of the task that printed last, which ECS may have forgotten: it does so an hour after a task stopped.
///
/// Source: CloudWatch Logs API reference, `DescribeLogStreams`: streams that are found by the beginning of their names are
/// ordered by name only.
async fn latest(account: &Account, member: &Member, places: &[Place]) -> Result<Vec<Source>> {
    let mut newest: Option<(i64, String)> = None;
    for place in places {
        let request = json!({ "logGroupName": place.group, "logStreamNamePrefix": place.prefix });
        let streams = match account.all("logs:DescribeLogStreams", &request, "logStreams").await {
            Err(error) if error.kind == ErrorKind::NotFound => continue,
            other => other?,
        };
        let printed = streams.iter().filter_map(|stream| {
            let at = ["lastEventTimestamp", "lastIngestionTime", "creationTime"];
            let at = at.iter().find_map(|field| stream.get(field)?.as_i64())?;
            Some((at, last_segment(text(stream, "logStreamName")?).to_owned()))
        });
        newest = newest.into_iter().chain(printed).max();
    }
    Ok(newest.map(|(_, id)| of_task(member, places, &id)).unwrap_or_default())
}

/// Whether a workload's output is kept where it can be read.
///
/// # Errors
/// `Unsupported` where no container's is.
pub(super) fn kept(members: &[Member]) -> Result<()> {
    if members.iter().any(|member| !places(member).is_empty()) {
        return Ok(());
    }
    let drivers: BTreeSet<&str> = members
        .iter()
        .flat_map(Member::containers)
        .filter_map(|container| text(container.get("logConfiguration")?, "logDriver"))
        .collect();
    let why = match drivers.into_iter().collect::<Vec<_>>().as_slice() {
        [] => "no log driver is set".to_owned(),
        [driver @ "awslogs"] => {
            format!("`{driver}` without `awslogs-stream-prefix` does not tell whose the lines are")
        }
        drivers => format!("the log driver {} keeps nothing in CloudWatch", drivers.join(", ")),
    };
    let error = Error::new(ErrorKind::Unsupported, "read the logs", why);
    Err(error.remedy("no `logging` in the chart, so that the output goes to the release's log group; or where the driver sends it"))
}
