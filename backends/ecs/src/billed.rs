//! What AWS charges for tasks on Fargate by their size.

use rhumb_backend::{Billed, Object, Running};
use rhumb_spec::{Bytes, MilliCpu};
use serde_json::Value;

use crate::kind::Kind;

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;
/// What a task has on its disk where its definition asks for no more, in GiB.
///
/// Source: Amazon ECS API reference, `EphemeralStorage`.
const DISK: u64 = 20;

/// The tasks on Fargate that these requests lead to.
pub fn billed(objects: &[Object]) -> Vec<Billed> {
    let definitions = objects.iter().filter(|object| Kind::of(&object.id) == Some(Kind::TaskDefinition));
    definitions.filter(|object| is_on_fargate(object)).filter_map(|object| one(object, objects)).collect()
}

fn is_on_fargate(definition: &Object) -> bool {
    let types = definition.body["requiresCompatibilities"].as_array();
    types.is_some_and(|types| types.iter().any(|one| one == "FARGATE"))
}

fn one(definition: &Object, objects: &[Object]) -> Option<Billed> {
    let number = |field: &str| definition.body[field].as_str()?.parse::<u64>().ok();
    let workload = definition.id.name();
    Some(Billed {
        workload: workload.to_owned(),
        cpu: MilliCpu(number("cpu")?.saturating_mul(1000) / 1024),
        memory: Bytes(number("memory")?.saturating_mul(MIB)),
        disk: Bytes(definition.body["ephemeralStorage"]["sizeInGiB"].as_u64().unwrap_or(DISK) * GIB),
        architecture: architecture(&definition.body["runtimePlatform"]),
        running: running(workload, objects)?,
    })
}

/// The platform that a task definition names; Linux on `X86_64` where it names none.
///
/// Source: Amazon ECS API reference, `RuntimePlatform`.
fn architecture(platform: &Value) -> String {
    let os = platform["operatingSystemFamily"].as_str().unwrap_or("LINUX").to_lowercase();
    let processor = match platform["cpuArchitecture"].as_str() {
        Some("ARM64") => "arm64",
        _ => "amd64",
    };
    format!("{os}/{processor}")
}

fn running(workload: &str, objects: &[Object]) -> Option<Running> {
    let find = |kind: Kind| objects.iter().find(|object| object.id == kind.id(workload)).map(|o| &o.body);
    let count = |value: &Value| value.as_u64().and_then(|count| u32::try_from(count).ok());
    if let Some(service) = find(Kind::Service) {
        let desired = count(&service["desiredCount"])?;
        let target = find(Kind::ScalableTarget);
        let bound = |field: &str| target.and_then(|target| count(&target[field])).unwrap_or(desired);
        return Some(Running::Always { fewest: bound("MinCapacity"), most: bound("MaxCapacity") });
    }
    let run = find(Kind::Task).map(|task| &task["count"]);
    let scheduled = find(Kind::Schedule).map(|schedule| &schedule["Target"]["EcsParameters"]["TaskCount"]);
    run.or(scheduled).map(|each| Running::Runs { each: count(each).unwrap_or(1) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn definition(more: &Value) -> Object {
        let mut body = json!({ "requiresCompatibilities": ["FARGATE"], "cpu": "512", "memory": "1024" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Object::new(Kind::TaskDefinition.id("web"), body)
    }

    #[test]
    fn a_service_is_charged_for_always() {
        let service = Object::new(Kind::Service.id("web"), json!({ "desiredCount": 2 }));
        let found =
            billed(&[definition(&json!({ "ephemeralStorage": { "sizeInGiB": 30 } })), service.clone()]);
        let expected = Billed {
            workload: "web".to_owned(),
            cpu: MilliCpu(500),
            memory: Bytes(GIB),
            disk: Bytes(30 * GIB),
            architecture: "linux/amd64".to_owned(),
            running: Running::Always { fewest: 2, most: 2 },
        };
        assert_eq!(found, [expected]);
        let scaled = json!({ "MinCapacity": 2, "MaxCapacity": 9 });
        let scaled = Object::new(Kind::ScalableTarget.id("web"), scaled);
        let found = billed(&[definition(&json!({})), service, scaled]);
        assert_eq!(found[0].running, Running::Always { fewest: 2, most: 9 });
        assert_eq!(found[0].disk, Bytes(20 * GIB));
    }

    #[test]
    fn a_job_is_charged_for_while_it_runs() {
        let platform =
            json!({ "runtimePlatform": { "cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX" } });
        let run = Object::new(Kind::Task.id("web"), json!({ "count": 3 }));
        let found = billed(&[definition(&platform), run]);
        assert_eq!(found[0].running, Running::Runs { each: 3 });
        assert_eq!(found[0].architecture, "linux/arm64");
    }

    #[test]
    fn nobody_charges_by_size_on_ones_own_instances() {
        let service = Object::new(Kind::Service.id("web"), json!({ "desiredCount": 2 }));
        assert_eq!(billed(&[definition(&json!({ "requiresCompatibilities": ["EC2"] })), service]), []);
    }
}
