//! Helpers: a service of one task on the volume's node, and a secret with its identity.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rhumb_backend::{
    Error, ErrorKind, Helper, HelperState, HelperVolume, Result, Retry, Scope, TaskState, VolumeAccess,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{HELPER, HELPER_OF};
use crate::connect::{Call, Engine};
use crate::kind::Kind;
use crate::names::{self, CONTENT};
use crate::registry_auth;
use crate::task::{self, Task};

/// The longest name of a service.
const LIMIT: usize = 63;

/// The name of a helper's service. It holds the stack, so that releases do not meet in it.
pub(super) fn service_name(scope: &Scope, name: &str) -> String {
    names::fit(&format!("rhumb-ferry-{}-{name}", scope.stack()), LIMIT)
}

/// Makes a helper.
///
/// Source: Engine API reference, `ServiceCreate`.
pub(crate) async fn start(engine: &Engine, scope: &Scope, helper: &Helper) -> Result<()> {
    let name = service_name(scope, &helper.name);
    let secrets = secrets(engine, &helper.secrets).await?;
    let hash = names::hash(helper.identity.expose());
    let body = body(scope, helper, &secrets, &hash)?;
    let content = names::hash(body.to_string().as_bytes());
    if let Some(there) = find(engine, &name).await? {
        let is_equal =
            there.pointer("/Spec/Labels").and_then(|labels| labels.get(CONTENT)?.as_str()) == Some(&content);
        if is_equal && !matches!(state(engine, scope, &helper.name).await?, HelperState::Ended { .. }) {
            return Ok(());
        }
        remove(engine, Kind::Service, &name).await?;
    }
    let mut body = body;
    body["Labels"][CONTENT] = content.into();
    let identity = identity(engine, scope, helper, &hash).await?;
    fill_identity(&mut body, &identity);
    let auth = registry_auth::for_image(engine, &helper.image).await?;
    let call = Call::post("start the helper", "/services/create", body).auth(auth);
    match engine.send(call).await {
        // Somebody else of the same run was faster; a removed one may hold its name for a moment.
        Err(error) if error.kind == ErrorKind::AlreadyExists => Err(error.retry(Retry::Same)),
        other => other.map(drop),
    }
}

/// How far a helper is.
pub(crate) async fn state(engine: &Engine, scope: &Scope, name: &str) -> Result<HelperState> {
    let service = service_name(scope, name);
    if find(engine, &service).await?.is_none() {
        return Ok(HelperState::Absent);
    }
    Ok(match newest(engine, &service).await? {
        None => HelperState::Pending { why: "the swarm has not placed it yet".to_owned() },
        Some(task) => told(&task),
    })
}

fn told(task: &Task) -> HelperState {
    let why = || task.reason().to_owned();
    match task::state(&task.status.state) {
        TaskState::Running => HelperState::Running { node: Some(task.node_id.clone()) },
        TaskState::Pending | TaskState::Starting => HelperState::Pending { why: why() },
        TaskState::Complete => {
            HelperState::Ended { why: "it ended because nobody was connected any more".to_owned() }
        }
        TaskState::Failed | TaskState::Shutdown => HelperState::Ended { why: why() },
    }
}

/// The newest task of a helper's service.
pub(super) async fn newest(engine: &Engine, service: &str) -> Result<Option<Task>> {
    let tasks = match task::list(engine, &[service]).await {
        Err(error) if error.kind == ErrorKind::NotFound => Vec::new(),
        other => other?,
    };
    Ok(tasks.into_iter().max_by(|left, right| left.created_at.cmp(&right.created_at)))
}

/// Removes a helper, and every identity that it had.
pub(crate) async fn stop(engine: &Engine, scope: &Scope, name: &str) -> Result<()> {
    remove(engine, Kind::Service, &service_name(scope, name)).await?;
    let labels = [format!("{HELPER}={name}"), format!("{HELPER_OF}={}", scope.stack())];
    for secret in listed(engine, Kind::Secret, &labels).await? {
        remove(engine, Kind::Secret, &secret.id).await?;
    }
    Ok(())
}

/// The helpers that are there, and those of which only the identity is left.
pub(crate) async fn helpers(engine: &Engine, scope: &Scope) -> Result<Vec<String>> {
    let labels = [format!("{HELPER_OF}={}", scope.stack())];
    let mut found = listed(engine, Kind::Service, &labels).await?;
    found.extend(listed(engine, Kind::Secret, &labels).await?);
    let mut names: Vec<String> =
        found.into_iter().filter_map(|mut one| one.spec.labels.remove(HELPER)).collect();
    names.sort();
    names.dedup();
    Ok(names)
}

#[derive(Deserialize)]
struct Listed {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "Spec")]
    spec: ListedSpec,
}

#[derive(Deserialize)]
struct ListedSpec {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "Labels", default)]
    labels: BTreeMap<String, String>,
}

async fn listed(engine: &Engine, kind: Kind, labels: &[String]) -> Result<Vec<Listed>> {
    engine.json(Call::get(kind.listing(), kind.path()).filters(&json!({ "label": labels }))).await
}

async fn find(engine: &Engine, name: &str) -> Result<Option<Value>> {
    engine.find(Call::get(Kind::Service.reading(), format!("/services/{name}"))).await
}

async fn remove(engine: &Engine, kind: Kind, name: &str) -> Result<()> {
    match engine.send(Call::delete(kind.removing(), format!("{}/{name}", kind.path()))).await {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
        other => other.map(drop),
    }
}

/// Ids of secrets by their names.
async fn secrets(engine: &Engine, names: &[String]) -> Result<BTreeMap<String, String>> {
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let call = Call::get(Kind::Secret.listing(), Kind::Secret.path()).filters(&json!({ "name": names }));
    let found: Vec<Listed> = engine.json(call).await?;
    let ids: BTreeMap<String, String> =
        found.into_iter().map(|secret| (secret.spec.name, secret.id)).collect();
    match names.iter().find(|name| !ids.contains_key(*name)) {
        None => Ok(ids),
        Some(missing) => {
            Err(Error::new(ErrorKind::NotFound, "mount the secret", "the swarm has no such secret")
                .with("secret", missing))
        }
    }
}

fn labels(scope: &Scope, name: &str) -> Value {
    json!({ HELPER: name, HELPER_OF: scope.stack() })
}

/// The helper's service without what differs from try to try: the id of its identity, and the hash of all of it.
fn body(scope: &Scope, helper: &Helper, secrets: &BTreeMap<String, String>, hash: &str) -> Result<Value> {
    let mut files = vec![json!({
        "SecretName": identity_name(scope, helper, hash), "File": file(Helper::IDENTITY),
    })];
    for name in &helper.secrets {
        let target = format!("{}/{name}", Helper::SECRETS);
        files.push(json!({ "SecretID": secrets.get(name), "SecretName": name, "File": file(&target) }));
    }
    let container = json!({
        "Image": helper.image,
        "Args": helper.arguments,
        "User": "0:0",
        "ReadOnly": true,
        "Labels": labels(scope, &helper.name),
        "CapabilityDrop": ["ALL"],
        "CapabilityAdd": Helper::CAPABILITIES.map(|capability| format!("CAP_{capability}")),
        "Mounts": helper.volumes.iter().map(mount).collect::<Vec<_>>(),
        "Secrets": files,
    });
    Ok(json!({
        "Name": service_name(scope, &helper.name),
        "Labels": labels(scope, &helper.name),
        "TaskTemplate": {
            "ContainerSpec": container,
            "RestartPolicy": { "Condition": "none" },
            "Placement": { "Constraints": constraints(helper)? },
        },
        "Mode": { "Replicated": { "Replicas": 1 } },
        // The engine chooses the port of the node.
        "EndpointSpec": { "Ports": [{ "Protocol": "tcp", "TargetPort": helper.port, "PublishMode": "host" }] },
    }))
}

/// The node that has the volumes; where nobody knows it yet, what their workloads ask of a node.
fn constraints(helper: &Helper) -> Result<Vec<String>> {
    let mut nodes: Vec<&str> = helper.volumes.iter().filter_map(|one| one.volume.node.as_deref()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    match nodes.as_slice() {
        [] => Ok(helper.volumes.iter().flat_map(|one| asked(&one.volume.placement)).collect()),
        [node] => Ok(vec![format!("node.id=={node}")]),
        _ => Err(Error::new(ErrorKind::Invalid, "start the helper", "its volumes are on different nodes")
            .with("nodes", nodes.join(", "))
            .remedy("a helper for each node")),
    }
}

fn asked(placement: &Value) -> Vec<String> {
    let constraints = placement.as_array();
    constraints.into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned)).collect()
}

/// The mount as the workload has it, so that a volume that is not there yet is made as its workload would have made it.
fn mount(volume: &HelperVolume) -> Value {
    let document = &volume.volume.document;
    let mut options = document.get("VolumeOptions").cloned().unwrap_or_else(|| json!({}));
    if let Some(options) = options.as_object_mut() {
        options.remove("Subpath");
        // The image has nothing to put into a new volume.
        options.insert("NoCopy".to_owned(), true.into());
    }
    json!({
        "Type": "volume",
        "Source": crate::lower::literal(&volume.volume.native),
        "Target": format!("{}/{}", Helper::VOLUMES, volume.folder),
        "ReadOnly": volume.access == VolumeAccess::ReadOnly,
        "VolumeOptions": options,
    })
}

fn file(target: &str) -> Value {
    json!({ "Name": target, "UID": "0", "GID": "0", "Mode": 0o400 })
}

fn identity_name(scope: &Scope, helper: &Helper, hash: &str) -> String {
    names::fit(&format!("{}-{}", service_name(scope, &helper.name), &hash[..10]), LIMIT)
}

/// Makes the secret with the helper's identity, and returns its id. Secrets are named by what they hold.
async fn identity(engine: &Engine, scope: &Scope, helper: &Helper, hash: &str) -> Result<String> {
    let name = identity_name(scope, helper, hash);
    let data = STANDARD.encode(helper.identity.expose());
    let body = json!({ "Name": name, "Labels": labels(scope, &helper.name), "Data": data });
    match engine.send(Call::post("store the helper's identity", "/secrets/create", body)).await {
        Err(error) if error.kind == ErrorKind::AlreadyExists => {}
        other => drop(other?),
    }
    let mut ids = secrets(engine, std::slice::from_ref(&name)).await?;
    Ok(ids.remove(&name).unwrap_or_default())
}

fn fill_identity(body: &mut Value, id: &str) {
    if let Some(secret) = body.pointer_mut("/TaskTemplate/ContainerSpec/Secrets/0") {
        secret["SecretID"] = id.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rhumb_backend::{Material, VolumeUse};

    fn helper(nodes: &[&str]) -> Helper {
        let volume = |node: &&str| HelperVolume {
            folder: "data".to_owned(),
            volume: VolumeUse {
                workload: "db".to_owned(),
                volume: "data".to_owned(),
                ordinal: None,
                native: "shop_data".to_owned(),
                node: Some((*node).to_owned()),
                placement: Value::Null,
                size: None,
                document: json!({
                    "Type": "volume", "Source": "shop_data", "Target": "/var/lib/db",
                    "VolumeOptions": { "Labels": { "rhumb.dev/release": "shop" }, "Subpath": "a" },
                }),
            },
            access: VolumeAccess::ReadOnly,
        };
        Helper {
            name: "source".to_owned(),
            image: "rhumb-ferry:1".to_owned(),
            arguments: vec!["serve".to_owned()],
            identity: Material::new(b"canary".to_vec()),
            volumes: nodes.iter().map(volume).collect(),
            secrets: vec!["shop_password".to_owned()],
            port: 7411,
        }
    }

    #[test]
    fn a_helper_is_a_service_on_the_volumes_node() {
        let secrets = [("shop_password".to_owned(), "s1".to_owned())].into();
        let body = body(&Scope::new("default", "shop"), &helper(&["n1"]), &secrets, &"0".repeat(64)).unwrap();
        insta::assert_json_snapshot!(body);
        assert!(!body.to_string().contains("canary"));
        assert!(!body.to_string().contains(names::STACK), "`docker stack` would take it for its own");
    }

    #[test]
    fn volumes_of_several_nodes_need_several_helpers() {
        let error = constraints(&helper(&["n1", "n2"])).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid);
    }
}
