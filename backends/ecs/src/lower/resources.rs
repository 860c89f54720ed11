//! Processor time, memory and graphics processors.

use rhumb_spec::model::Resources;
use rhumb_spec::{Bytes, Diagnostic, Feature, MilliCpu};
use serde_json::{Value, json};

use super::body::Body;
use super::size::{Size, units};
use super::{Context, Part, Report, Site, discovery};

/// The least memory of a container, in MiB.
///
/// Source: Amazon ECS API reference, `ContainerDefinition.memory`.
const LEAST_MEMORY: u64 = 6;
/// What is reserved on EC2 where nothing is asked for, in MiB: ECS wants an amount there.
const ASSUMED_MEMORY: u64 = 128;
/// The least processor units of a whole task on EC2.
///
/// Source: Amazon ECS API reference, `RegisterTaskDefinition.cpu`.
const LEAST_TASK_CPU: u64 = 128;

/// What the proxy of Service Connect needs in a task, in MiB.
///
/// Source: Amazon ECS developer guide, "Service Connect", "Service Connect considerations".
const PROXY_MEMORY: u64 = 64;

/// The amounts of a container in `cpu`, `memory` and `memoryReservation`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amounts {
    cpu: Option<u64>,
    memory: Option<u64>,
    reservation: Option<u64>,
}

impl Amounts {
    fn of(resources: &Resources) -> Self {
        let mib = |bytes: Option<Bytes>| bytes.map(|bytes| bytes.as_mib_rounded_up().max(LEAST_MEMORY));
        let (memory, reservation) = (mib(resources.limits.memory), mib(resources.memory));
        Self {
            cpu: resources.cpu.map(|cpu| units(cpu.0)),
            memory,
            // A reservation must be less than the limit, which is then reserved.
            reservation: reservation.filter(|amount| memory.is_none_or(|memory| *amount < memory)),
        }
    }
}

/// Sets a container's own amounts. Memory is in MiB, a part counted as a whole one; 1024 units are one processor.
///
/// Source: Amazon ECS API reference, `ContainerDefinition`.
pub(super) fn set(context: &Context<'_>, part: &Part<'_>, body: &mut Body, report: &mut Report) {
    let resources = &part.container.resources;
    let mut amounts = Amounts::of(resources);
    let asked = [
        ("resources.memory", Feature::MemoryReservation, resources.memory),
        ("resources.limits.memory", Feature::MemoryLimit, resources.limits.memory),
    ];
    for (field, feature, bytes) in asked {
        if bytes.is_some_and(|bytes| bytes.as_mib_rounded_up() < LEAST_MEMORY) {
            let text = format!("a container has at least {LEAST_MEMORY} MiB of memory");
            report.lose(feature, part.at(field), text);
        }
    }
    if !context.facts.is_fargate() && amounts.memory.is_none() && amounts.reservation.is_none() {
        amounts.reservation = Some(ASSUMED_MEMORY);
        let text = format!("ECS wants an amount on EC2: {ASSUMED_MEMORY} MiB are reserved");
        report.lose(Feature::MemoryReservation, part.at("resources"), text);
    }
    body.set_some("cpu", amounts.cpu)
        .set_some("memory", amounts.memory)
        .set_some("memoryReservation", amounts.reservation);
}

/// `resourceRequirements` of a container: graphics processors.
pub(super) fn requirements(part: &Part<'_>, report: &mut Report) -> Value {
    let Some(gpu) = &part.container.resources.gpu else { return Value::Null };
    if let Some(resource) = gpu.resource.as_deref().filter(|name| *name != "GPU") {
        report.refuse(
            Diagnostic::error(part.at("resources.gpu.resource"), format!("ECS has no resource `{resource}`"))
                .why("its one kind of graphics processor is `GPU`")
                .remedy("leave it out"),
        );
    }
    json!([{ "type": "GPU", "value": gpu.count.to_string() }])
}

/// Sets `cpu` and `memory` of a whole task: on Fargate the smallest size that holds what its containers ask for, on EC2
/// the most processor time where containers have a limit.
pub(super) fn set_task(context: &Context<'_>, site: &Site<'_>, body: &mut Body, report: &mut Report) {
    let mut asked = sum(site);
    if discovery::connects(context, site) {
        asked.memory = asked.memory.saturating_add(PROXY_MEMORY);
    }
    if !context.facts.is_fargate() {
        if let Some(units) = limit(site) {
            if units < LEAST_TASK_CPU {
                let text = format!(
                    "a task on EC2 has a limit of at least {LEAST_TASK_CPU} units (0.125 processors)"
                );
                report.lose(Feature::CpuLimit, site.at("containers"), text);
            }
            body.set("cpu", units.max(asked.cpu).max(LEAST_TASK_CPU).to_string());
        }
        return;
    }
    let Some(fixed) = asked.on_fargate() else {
        report.refuse(too_large(site, asked));
        return;
    };
    let says = site.parts().any(|part| part.container.resources != Resources::default());
    if says && fixed != asked {
        let text = format!(
            "Fargate has fixed sizes: {} units and {} MiB become {} units ({} processors) and {} MiB",
            asked.cpu,
            asked.memory,
            fixed.cpu,
            processors(fixed.cpu),
            fixed.memory
        );
        report.lose(Feature::CpuReservation, site.at("containers"), text);
    }
    body.set("cpu", fixed.cpu.to_string()).set("memory", fixed.memory.to_string());
}

fn too_large(site: &Site<'_>, asked: Size) -> Diagnostic {
    let what =
        format!("no task of Fargate has {} processors and {} MiB", processors(asked.cpu), asked.memory);
    Diagnostic::error(site.at("containers"), what)
        .why("the largest has 16 processors and 120 GiB, and all containers of a task share it")
        .remedy("less in `resources`, or a target whose launch type is EC2")
}

fn processors(units: u64) -> String {
    MilliCpu(units.saturating_mul(1000).div_ceil(1024)).to_string()
}

/// What all containers of a task ask for together: the limit where there is one. AWS adds up those that end before the
/// others start, too.
fn sum(site: &Site<'_>) -> Size {
    site.parts().fold(Size { cpu: 0, memory: 0 }, |sum, part| {
        let resources = &part.container.resources;
        let amounts = Amounts::of(resources);
        let cpu = resources.limits.cpu.max(resources.cpu).map_or(0, |cpu| units(cpu.0));
        let memory = amounts.memory.or(amounts.reservation).unwrap_or(0);
        Size { cpu: sum.cpu.saturating_add(cpu), memory: sum.memory.saturating_add(memory) }
    })
}

/// The most processor units of a task, where each of its containers has a limit.
fn limit(site: &Site<'_>) -> Option<u64> {
    let limits = site.workload.containers.values().map(|container| container.resources.limits.cpu);
    limits.map(|limit| limit.map(|cpu| units(cpu.0))).sum()
}
