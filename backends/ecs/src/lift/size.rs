//! The size of a task.

use rhumb_backend::fields::Fields;
use rhumb_spec::model::{Container, Workload};
use serde_json::Value;

use super::values::{cpu, mebibytes, task_mebibytes, task_units, units};
use crate::lower::size::Size;

/// Reads the size of a task, which is the most that its containers take together. It is carried where it is what they
/// ask for, on Fargate rounded up; a container that says nothing is given what the others leave over. Else it stays.
///
/// Source: Amazon ECS API reference, `RegisterTaskDefinition`.
pub(super) fn task(fields: &mut Fields<'_>, whole: &Value, workload: &mut Workload) {
    if !is_fargate(whole) {
        return;
    }
    let size = fields.get("cpu").and_then(task_units).zip(fields.get("memory").and_then(task_mebibytes));
    let Some(size) = size.map(|(cpu, memory)| Size { cpu, memory }) else { return };
    if asked(workload).on_fargate() != Some(size) {
        fill(workload, size);
    }
    if asked(workload).on_fargate() == Some(size) {
        fields.take_whole("cpu");
        fields.take_whole("memory");
    }
}

/// Whether a task definition is for Fargate, where a task has a size.
fn is_fargate(whole: &Value) -> bool {
    let all = whole.get("requiresCompatibilities").and_then(Value::as_array);
    match all {
        Some(all) if !all.is_empty() => all.iter().any(|one| one == "FARGATE"),
        _ => whole.get("networkMode").and_then(Value::as_str) == Some("awsvpc"),
    }
}

fn containers(workload: &mut Workload) -> impl Iterator<Item = &mut Container> {
    workload.init_containers.values_mut().chain(workload.containers.values_mut())
}

/// What the containers ask for together.
fn asked(workload: &Workload) -> Size {
    let all = workload.init_containers.values().chain(workload.containers.values());
    all.fold(Size { cpu: 0, memory: 0 }, |sum, container| Size {
        cpu: sum.cpu + cpu_of(container),
        memory: sum.memory + memory_of(container),
    })
}

fn cpu_of(container: &Container) -> u64 {
    let resources = &container.resources;
    resources.limits.cpu.max(resources.cpu).map_or(0, units)
}

fn memory_of(container: &Container) -> u64 {
    let resources = &container.resources;
    let mebibytes = |bytes: rhumb_spec::Bytes| bytes.0.div_ceil(1 << 20);
    resources.limits.memory.or(resources.memory).map_or(0, mebibytes)
}

/// Gives the one container that says nothing what the others leave over.
fn fill(workload: &mut Workload, size: Size) {
    let asked = asked(workload);
    let (left_cpu, left_memory) =
        (size.cpu.saturating_sub(asked.cpu), size.memory.saturating_sub(asked.memory));
    let mut without: Vec<&mut Container> = containers(workload).filter(|one| cpu_of(one) == 0).collect();
    if let ([container], true) = (without.as_mut_slice(), left_cpu > 0) {
        container.resources.limits.cpu = Some(cpu(left_cpu));
    }
    let has_limit = |one: &&mut Container| one.resources.limits.memory.is_none();
    let mut without: Vec<&mut Container> = containers(workload).filter(has_limit).collect();
    if let ([container], true) = (without.as_mut_slice(), left_memory > 0 || asked.memory == size.memory) {
        let own = memory_of(container);
        container.resources.limits.memory = Some(mebibytes(left_memory + own));
    }
}
