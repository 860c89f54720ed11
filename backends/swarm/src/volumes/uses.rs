//! Which volumes the services of a stack have, and on which nodes.

use std::collections::BTreeMap;

use rhumb_backend::{Object, Result, Scope, VolumeUse, Whose};
use serde_json::{Value, json};

use crate::connect::{Call, Engine};
use crate::health;
use crate::kind::Kind;
use crate::lower::{is_local_driver, unescape};
use crate::names;
use crate::task::{self, Task};

/// The volumes that services ask for. Those of our own services are on the node to which these are pinned.
pub(crate) fn wanted(scope: &Scope, objects: &[Object]) -> Vec<VolumeUse> {
    let services = objects.iter().filter(|object| Kind::of(&object.id) == Some(Kind::Service));
    let mut found: Vec<VolumeUse> = services
        .flat_map(|object| {
            let service = Service { spec: &object.body, stack: &scope.stack() };
            service.mounts().filter_map(|mount| service.volume(mount, None, None)).collect::<Vec<_>>()
        })
        .collect();
    tidy(&mut found);
    found
}

/// The volumes that the services of a stack have: one for each node where a task has or had it.
pub(crate) async fn volumes(engine: &Engine, scope: &Scope, whose: &Whose) -> Result<Vec<VolumeUse>> {
    let labels = match whose {
        Whose::Release => vec![
            format!("{}={}", names::RELEASE, scope.release),
            format!("{}={}", names::NAMESPACE, scope.namespace),
        ],
        Whose::Others { selector: Some(selector) } => selector
            .split(',')
            .map(|label| label.trim().to_owned())
            .filter(|label| !label.is_empty())
            .collect(),
        Whose::Others { selector: None } => vec![format!("{}={}", names::STACK, scope.stack())],
    };
    let call = Call::get(Kind::Service.listing(), Kind::Service.path()).filters(&json!({ "label": labels }));
    let services: Vec<Value> = engine.json(call).await?;
    let ids: Vec<&str> = services.iter().filter_map(|service| service.get("ID")?.as_str()).collect();
    let tasks = task::list(engine, &ids).await?;
    let nodes: BTreeMap<String, String> = health::nodes(engine)
        .await?
        .iter()
        .map(|node| (node.id().to_owned(), node.name().to_owned()))
        .collect();
    let mut found = Vec::new();
    for service in &services {
        let Some(spec) = service.get("Spec") else { continue };
        let id = service.get("ID").and_then(Value::as_str).unwrap_or_default();
        let tasks: Vec<&Task> = tasks.iter().filter(|task| task.service_id == id).collect();
        found.extend(Service { spec, stack: &scope.stack() }.volumes(&tasks, &nodes));
    }
    tidy(&mut found);
    Ok(found)
}

/// Several containers, tasks and lives of a task show one volume.
fn tidy(found: &mut Vec<VolumeUse>) {
    let key = |volume: &VolumeUse| {
        (volume.workload.clone(), volume.ordinal, volume.native.clone(), volume.node.clone())
    };
    found.sort_by_key(key);
    found.dedup_by_key(|volume| key(volume));
}

struct Service<'a> {
    spec: &'a Value,
    stack: &'a str,
}

impl<'a> Service<'a> {
    fn mounts(&self) -> impl Iterator<Item = &'a Value> {
        let mounts = self.spec.pointer("/TaskTemplate/ContainerSpec/Mounts").and_then(Value::as_array);
        let is_named = |mount: &&Value| {
            mount["Type"] == "volume" && mount["Source"].as_str().is_some_and(|source| !source.is_empty())
        };
        mounts.into_iter().flatten().filter(is_named)
    }

    /// The volumes on the nodes of these tasks; those of the living where any live, else of the last.
    fn volumes(&self, tasks: &[&Task], nodes: &BTreeMap<String, String>) -> Vec<VolumeUse> {
        let placed = |task: &&&Task| !task.node_id.is_empty();
        let mut lives: Vec<&Task> =
            tasks.iter().filter(placed).filter(|task| task.is_wanted()).copied().collect();
        if lives.is_empty() {
            lives.extend(tasks.iter().filter(placed).max_by_key(|task| task.created_at.as_str()).copied());
        }
        self.mounts()
            .flat_map(|mount| {
                if lives.is_empty() {
                    return self.volume(mount, None, None).into_iter().collect::<Vec<_>>();
                }
                let seen = |task: &&Task| {
                    self.volume(mount, Some(task), nodes.get(&task.node_id).map(String::as_str))
                };
                lives.iter().filter_map(seen).collect()
            })
            .collect()
    }

    /// A mount as a task sees it; without one, as far as the service itself says it.
    fn volume(&self, mount: &Value, task: Option<&Task>, node_name: Option<&str>) -> Option<VolumeUse> {
        let source = mount["Source"].as_str()?;
        let native = match task {
            Some(task) => self.expand(source, task, node_name)?,
            None => unescape(source)?,
        };
        let node = task.map(|task| task.node_id.clone()).or_else(|| self.pinned());
        let node = node.filter(|_| is_local_driver(mount));
        let is_per_slot = source.contains("{{.Task.Slot}}");
        let slot =
            task.filter(|_| is_per_slot).and_then(|task| u32::try_from(task.slot.checked_sub(1)?).ok());
        let ordinal = self.sequence().or(slot);
        let mut document = mount.clone();
        document["Source"] = native.clone().into();
        Some(VolumeUse {
            workload: self.workload(),
            volume: self.document_name(&native, ordinal),
            ordinal,
            native,
            node,
            placement: self.constraints().filter(|_| is_local_driver(mount)).cloned().unwrap_or_default(),
            size: None,
            document,
        })
    }

    /// The templates that people use in the names of volumes.
    ///
    /// Source: docs.docker.com, "Create services using templates".
    fn expand(&self, source: &str, task: &Task, node_name: Option<&str>) -> Option<String> {
        let text = source
            .replace("{{.Task.Slot}}", &task.slot.to_string())
            .replace("{{.Node.ID}}", &task.node_id)
            .replace("{{.Node.Hostname}}", node_name?)
            .replace("{{.Service.ID}}", &task.service_id)
            .replace("{{.Service.Name}}", self.name());
        unescape(&text)
    }

    fn name(&self) -> &'a str {
        self.spec["Name"].as_str().unwrap_or_default()
    }

    fn label(&self, label: &str) -> Option<&'a str> {
        self.spec.pointer("/Labels")?.get(label)?.as_str()
    }

    /// The name without that of the stack, which for an adopted one is not the release's.
    fn unprefixed<'b>(&self, name: &'b str) -> &'b str {
        let stack = self.label(names::STACK).unwrap_or(self.stack);
        name.strip_prefix(stack).and_then(|rest| rest.strip_prefix('_')).unwrap_or(name)
    }

    fn workload(&self) -> String {
        self.label(names::WORKLOAD).unwrap_or_else(|| self.unprefixed(self.name())).to_owned()
    }

    /// Which replica of a stateful workload it is: such services bear the workload's name and are called `db-0`.
    fn sequence(&self) -> Option<u32> {
        let object = self.label(names::OBJECT)?.split_once('/')?.1;
        object.strip_prefix(self.label(names::WORKLOAD)?)?.strip_prefix('-')?.parse().ok()
    }

    /// The name in the app: without the stack, and without the replica that has it.
    fn document_name(&self, native: &str, ordinal: Option<u32>) -> String {
        let name = self.unprefixed(native);
        let replica = ordinal.map(|ordinal| format!("-{}-{ordinal}", self.workload()));
        replica.and_then(|replica| name.strip_suffix(&replica)).unwrap_or(name).to_owned()
    }

    fn constraints(&self) -> Option<&'a Value> {
        self.spec.pointer("/TaskTemplate/Placement/Constraints")
    }

    /// The id of the one node that its tasks may be on.
    fn pinned(&self) -> Option<String> {
        let mut pairs =
            self.constraints()?.as_array()?.iter().filter_map(|one| one.as_str()?.split_once("=="));
        pairs.find(|(key, _)| key.trim() == "node.id").map(|(_, value)| value.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, labels: &Value, source: &str) -> Value {
        json!({
            "Name": name,
            "Labels": labels,
            "TaskTemplate": {
                "ContainerSpec": { "Mounts": [
                    { "Type": "volume", "Source": source, "Target": "/data", "VolumeOptions": { "Labels": { "a": "b" } } },
                    { "Type": "bind", "Source": "/etc", "Target": "/etc" },
                    { "Type": "volume", "Target": "/anonymous" },
                ] },
                "Placement": { "Constraints": ["node.role==worker", "node.id == n1"] },
            },
        })
    }

    fn task(slot: u64, node: &str, wanted: bool) -> Task {
        let desired = if wanted { "running" } else { "shutdown" };
        serde_json::from_value(json!({
            "ID": format!("t{slot}{node}"), "ServiceID": "s", "Slot": slot, "NodeID": node, "DesiredState": desired,
            "CreatedAt": format!("2026-01-0{slot}"),
        }))
        .unwrap()
    }

    fn told(found: &[VolumeUse]) -> Vec<String> {
        let line = |one: &VolumeUse| {
            let ordinal = one.ordinal.map_or("-".to_owned(), |ordinal| ordinal.to_string());
            format!(
                "{} {} {ordinal} {} {}",
                one.workload,
                one.volume,
                one.native,
                one.node.as_deref().unwrap_or("-")
            )
        };
        found.iter().map(line).collect()
    }

    #[test]
    fn replicas_of_a_set_have_their_own() {
        let scope = Scope::new("prod", "shop");
        let labels = json!({ names::OBJECT: "service/db-1", names::WORKLOAD: "db" });
        let body = service("prod-shop_db-1", &labels, "prod-shop_data-db-1");
        let object = Object::new("service/db-1".into(), body);
        assert_eq!(told(&wanted(&scope, &[object])), ["db data 1 prod-shop_data-db-1 n1"]);
    }

    #[test]
    fn tasks_say_where_volumes_are() {
        let nodes: BTreeMap<String, String> =
            [("n1", "one"), ("n2", "two")].map(|(id, name)| (id.to_owned(), name.to_owned())).into();
        let spec = service("shop_web", &json!({}), "shop_data-{{.Task.Slot}}-{{.Node.Hostname}}");
        let service = Service { spec: &spec, stack: "shop" };
        let (old, one, two) = (task(1, "n2", false), task(1, "n1", true), task(2, "n2", true));
        let found = service.volumes(&[&old, &one, &two], &nodes);
        assert_eq!(
            told(&found),
            ["web data-1-one 0 shop_data-1-one n1", "web data-2-two 1 shop_data-2-two n2"]
        );
        assert_eq!(found[0].document["Source"], "shop_data-1-one");
        // Of those that no longer live, the last one knows.
        assert_eq!(told(&service.volumes(&[&old], &nodes)), ["web data-1-two 0 shop_data-1-two n2"]);
    }

    #[test]
    fn where_nobody_knows_the_node_the_workloads_wishes_hold() {
        let mut spec = service("shop_web", &json!({}), "shop_data");
        spec["TaskTemplate"]["Placement"]["Constraints"] = json!(["node.hostname==two"]);
        let found = Service { spec: &spec, stack: "shop" }.volumes(&[], &BTreeMap::new());
        assert_eq!(found[0].node, None);
        assert_eq!(found[0].placement, json!(["node.hostname==two"]));
    }

    #[test]
    fn shared_drivers_lie_on_no_node() {
        let mut spec = service("shop_web", &json!({}), "shop_data");
        spec["TaskTemplate"]["ContainerSpec"]["Mounts"][0]["VolumeOptions"]["DriverConfig"] =
            json!({ "Name": "local", "Options": { "type": "nfs" } });
        let found = Service { spec: &spec, stack: "shop" }.volumes(&[], &BTreeMap::new());
        assert_eq!(told(&found), ["web data - shop_data -"]);
    }
}
