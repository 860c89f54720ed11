//! What it takes for a release to leave a swarm or come to it.

use rhumb_backend::material::Demand;
use rhumb_backend::{AtRest, ErrorKind, Live, Object, Removed, Result, Retry, Scope, Shown, VolumeUse};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::connect::{Call, Engine};
use crate::kind::Kind;
use crate::lower::CRON;
use crate::observe::ours;
use crate::task;

/// A constraint that no node meets, by which a global service runs nowhere and is still there.
const NOWHERE: &str = "node.labels.rhumb-at-rest==yes";

/// A service with no replicas; a global one on no node; a scheduled one that nobody starts.
pub(crate) fn at_rest(object: &Object) -> AtRest {
    if Kind::of(&object.id) != Some(Kind::Service) {
        return AtRest::Same;
    }
    let mut body = object.body.clone();
    if let Some(cron) = body.get_mut("Labels").and_then(|labels| labels.get_mut(CRON)) {
        *cron = "false".into();
    }
    if body.pointer("/Mode/Global").is_some() {
        rest_everywhere(&mut body);
        return AtRest::Body(body);
    }
    match body.pointer_mut("/Mode/Replicated") {
        Some(mode) => *mode = json!({ "Replicas": 0 }),
        None => return AtRest::LeftOut,
    }
    AtRest::Body(body)
}

fn rest_everywhere(body: &mut Value) {
    let template = &mut body["TaskTemplate"];
    if template.get("Placement").is_none_or(Value::is_null) {
        template["Placement"] = json!({});
    }
    let placement = &mut template["Placement"];
    match placement.get_mut("Constraints").and_then(Value::as_array_mut) {
        Some(constraints) => constraints.push(NOWHERE.into()),
        None => placement["Constraints"] = json!([NOWHERE]),
    }
}

/// The tasks that have not ended. One on a node that does not answer counts: nobody knows what it does.
pub(crate) async fn running(engine: &Engine, scope: &Scope) -> Result<Vec<String>> {
    let services = ours(engine, scope, Kind::Service).await?;
    let ids: Vec<&str> = services.iter().map(|service| service.native.as_str()).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let tasks = task::list(engine, &ids).await?;
    let line = |task: &task::Task| {
        let service = services.iter().find(|service| service.native == task.service_id)?;
        Some(format!("{}.{} is {}", service.object.id.name(), task.replica(), task.status.state))
    };
    // What was never placed has never run.
    let is_there = |task: &&task::Task| !task.has_ended() && (task.is_wanted() || !task.node_id.is_empty());
    Ok(tasks.iter().filter(is_there).filter_map(line).collect())
}

/// A swarm shows a secret in containers only.
pub(crate) fn secrets(secrets: &[(&Object, &Live)]) -> Shown {
    let one = |(object, live): &(&Object, &Live)| {
        Some((live.outputs.get("name")?.clone(), Demand::parse(object.body.get("Data")?)?))
    };
    Shown::InContainer(secrets.iter().filter_map(one).collect())
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    swarm: Member,
}

#[derive(Deserialize)]
struct Member {
    #[serde(rename = "NodeID")]
    node: String,
}

/// The node that has a volume, where it is not the one whose engine this is.
async fn elsewhere<'a>(engine: &Engine, volume: &'a VolumeUse) -> Result<Option<&'a str>> {
    let own: Info = engine.json(Call::get("ask which node this is", "/info")).await?;
    Ok(volume.node.as_deref().filter(|node| *node != own.swarm.node))
}

/// Whether a volume of the node whose engine this is is there.
///
/// Source: Engine API reference, `VolumeInspect`.
pub(crate) async fn has_volume(engine: &Engine, volume: &VolumeUse) -> Result<Option<bool>> {
    if volume.node.is_none() || elsewhere(engine, volume).await?.is_some() {
        return Ok(None);
    }
    let call = Call::get("read the volume", format!("/volumes/{}", volume.native));
    Ok(Some(engine.find::<Value>(call).await?.is_some()))
}

/// Removes a volume of the node whose engine this is. Engines know their own volumes only.
///
/// Source: Engine API reference, `VolumeDelete`.
pub(crate) async fn remove_volume(engine: &Engine, volume: &VolumeUse) -> Result<Removed> {
    let name = &volume.native;
    if let Some(node) = elsewhere(engine, volume).await? {
        let told =
            format!("`docker volume rm {name}` on the node {node}: its engine is the only one that has it");
        return Ok(Removed::Left(told));
    }
    match engine.send(Call::delete("remove the volume", format!("/volumes/{name}"))).await {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(Removed::Gone),
        // A container that was stopped holds it until the engine has removed that.
        Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::AlreadyExists) => {
            Err(error.retry(Retry::Same))
        }
        done => done.map(|_| Removed::Gone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &Value, expected: Option<&Value>) {
        let object = Object::new("service/db".into(), body.clone());
        match (at_rest(&object), expected) {
            (AtRest::Body(found), Some(expected)) => assert_eq!(&found, expected),
            (AtRest::LeftOut, None) => {}
            (found, _) => panic!("{found:?}"),
        }
    }

    #[test]
    fn services_at_rest_run_nothing_and_stay() {
        check(
            &json!({ "Mode": { "Replicated": { "Replicas": 3 } } }),
            Some(&json!({ "Mode": { "Replicated": { "Replicas": 0 } } })),
        );
        check(
            &json!({ "Mode": { "Global": {} }, "TaskTemplate": { "Placement": { "Constraints": ["a==b"] } } }),
            Some(
                &json!({ "Mode": { "Global": {} }, "TaskTemplate": { "Placement": { "Constraints": ["a==b", NOWHERE] } } }),
            ),
        );
        check(
            &json!({ "Labels": { CRON: "true" }, "Mode": { "Replicated": { "Replicas": 0 } } }),
            Some(&json!({ "Labels": { CRON: "false" }, "Mode": { "Replicated": { "Replicas": 0 } } })),
        );
        check(&json!({ "Mode": { "ReplicatedJob": {} } }), None);
    }

    #[test]
    fn what_runs_nothing_stays_as_it_is() {
        assert_eq!(at_rest(&Object::new("config/a".into(), json!({}))), AtRest::Same);
    }
}
