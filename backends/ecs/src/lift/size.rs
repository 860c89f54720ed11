//! The size of a task.

use rhumb_backend::fields::Fields;
use rhumb_spec::model::{Container, Workload};
use serde_json::Value;

use super::values::{cpu, mebibytes, task_mebibytes, task_units, units};
use crate::lower::size::Size;

/// Gives a container what others leave over.
type Fill = fn(&mut Workload, Size);

/// Reads the size of a task, which is the most that its containers take together. It is carried where it is what they
/// ask for, on Fargate rounded up; a container that says nothing is given what the others leave over. Else it stays.
///
/// Source: Amazon ECS API reference, `RegisterTaskDefinition`.
pub(super) fn task(fields: &mut Fields<'_>, whole: &Value, workload: &mut Workload) {
    let Some(size) = of(whole) else { return };
    let before = workload.clone();
    let ways: [&[Fill]; 4] = [&[], &[fill_cpu], &[fill_memory], &[fill_cpu, fill_memory]];
    for way in ways {
        let mut filled = before.clone();
        for fill in way {
            fill(&mut filled, size);
        }
        if asked(&filled).on_fargate() == Some(size) {
            *workload = filled;
            fields.take_whole("cpu");
            fields.take_whole("memory");
            return;
        }
    }
}

/// What a task of a definition has on Fargate.
pub(super) fn of(whole: &Value) -> Option<Size> {
    let size = whole.get("cpu").and_then(task_units).zip(whole.get("memory").and_then(task_mebibytes));
    size.filter(|_| is_fargate(whole)).map(|(cpu, memory)| Size { cpu, memory })
}

/// Whether a task definition is for Fargate, where a task has a size.
fn is_fargate(whole: &Value) -> bool {
    let all = whole.get("requiresCompatibilities").and_then(Value::as_array);
    match all {
        Some(all) if !all.is_empty() => all.iter().any(|one| one == "FARGATE"),
        _ => whole.get("networkMode").and_then(Value::as_str) == Some("awsvpc"),
    }
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

/// Gives the one container that says nothing of processor time what the others leave over.
fn fill_cpu(workload: &mut Workload, size: Size) {
    let left = size.cpu.saturating_sub(asked(workload).cpu);
    let mut without: Vec<&mut Container> =
        workload.containers.values_mut().filter(|one| cpu_of(one) == 0).collect();
    if let ([container], true) = (without.as_mut_slice(), left > 0) {
        container.resources.limits.cpu = Some(cpu(left));
    }
}

/// Gives the one container without a limit of memory what the others leave over.
fn fill_memory(workload: &mut Workload, size: Size) {
    let left = size.memory.saturating_sub(asked(workload).memory);
    let has_none = |one: &&mut Container| one.resources.limits.memory.is_none();
    let mut without: Vec<&mut Container> = workload.containers.values_mut().filter(has_none).collect();
    if let [container] = without.as_mut_slice() {
        let whole = left + memory_of(container);
        container.resources.limits.memory = Some(mebibytes(whole)).filter(|_| whole > 0);
    }
}
