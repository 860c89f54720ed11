//! What is still on its way out: services that drain, tasks that are being stopped.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Health, ObjectHealth, ObjectId, Result, Scope, State};
use serde_json::Value;

use crate::connect::Account;
use crate::kind::Kind;
use crate::marks::Tags;
use crate::names;
use crate::observe::{describe_services, family_tasks, last_segment};
use crate::pages::{each, text};

/// What is still on its way out of a release that was removed: its services that drain, with their tasks, and the tasks
/// of its jobs that are being stopped.
///
/// # Errors
/// What ECS answers.
pub(crate) async fn leaving(account: &Account, scope: &Scope, natives: &[ObjectId]) -> Result<Health> {
    let mut asked: BTreeSet<String> = natives.iter().filter_map(|id| service_name(scope, id)).collect();
    asked.retain(|name| !name.is_empty());
    let services = describe_services(account, &asked.into_iter().collect::<Vec<_>>()).await?;
    let mut found: BTreeMap<ObjectId, ObjectHealth> = BTreeMap::new();
    for service in services.iter().filter(|service| text(service, "status") == Some("DRAINING")) {
        let tags = Tags::read(service.get("tags"));
        let name = text(service, "serviceName").unwrap_or_default();
        let id = tags.get(names::OBJECT).map_or_else(|| Kind::Service.id(name), ObjectId::from);
        let running = service.get("runningCount").and_then(Value::as_u64).unwrap_or(0);
        found.insert(id.clone(), going(id, format!("drains, with {running} tasks to be stopped")));
    }
    let jobs = natives.iter().filter(|id| Kind::of(id) == Some(Kind::Task));
    let stopping = each(jobs, |id| stopping(account, scope, id)).await?;
    found.extend(stopping.into_iter().flatten().map(|health| (health.id.clone(), health)));
    Ok(found.into_values().collect())
}

/// The name of a service, of its ARN or of its object's id.
fn service_name(scope: &Scope, id: &ObjectId) -> Option<String> {
    if id.as_str().starts_with("arn:") {
        return id.as_str().contains(":service/").then(|| last_segment(id.as_str()).to_owned());
    }
    (Kind::of(id) == Some(Kind::Service)).then(|| names::native(scope, id.name(), names::NAME_LIMIT))
}

async fn stopping(account: &Account, scope: &Scope, id: &ObjectId) -> Result<Option<ObjectHealth>> {
    let tasks = family_tasks(account, &names::native(scope, id.name(), names::NAME_LIMIT)).await?;
    let is_going = |task: &Value| {
        let tags = Tags::read(task.get("tags"));
        text(task, "lastStatus") != Some("STOPPED")
            && tags.are_of(scope)
            && tags.get(names::OBJECT) == Some(id.as_str())
    };
    Ok(tasks.iter().any(is_going).then(|| going(id.clone(), "its task is being stopped".to_owned())))
}

fn going(id: ObjectId, message: String) -> ObjectHealth {
    ObjectHealth {
        id,
        workload: None,
        state: State::Progressing,
        ready: 0,
        wanted: 0,
        message,
        failure: None,
    }
}
