//! What a container is promised and what it may take.

use rhumb_spec::model::MountSource;
use rhumb_spec::{Bytes, Diagnostic, Feature, MilliCpu};
use serde_json::Value;

use super::body::{Body, number};
use super::{Context, Part, Report};

/// What a container gets that names nothing: what the agents take for a task is never unlimited.
const CPUS: f64 = 0.1;
const MEMORY: u64 = 128;

/// `cpus`, `mem`, `disk`, `gpus` and `resourceLimits`, as apps have them.
///
/// `mem` counts in MiB, and a container is ended above it unless `resourceLimits` says more. Where only the most that it
/// may take is named, that is promised.
///
/// Source: Marathon REST API, `App.cpus`, `App.mem`, `ResourceLimits`; Mesos, "Nested container and task resource limits".
pub(super) struct Resources {
    /// `cpus`, `mem`, `disk`, `gpus`.
    pub(super) promised: Body,
    /// `resourceLimits`.
    pub(super) limits: Option<Value>,
}

pub(super) fn resources(context: &Context<'_>, part: &Part<'_>, report: &mut Report) -> Resources {
    let resources = &part.container.resources;
    refuse_nothing(part, report);
    let has_limits = context.facts.speaks(1, 10);
    let (mut cpus, cpu_limit) = (resources.cpu.map(MilliCpu::as_cpus), resources.limits.cpu);
    let (mut memory, memory_limit) =
        (resources.memory.map(mebibytes), resources.limits.memory.map(mebibytes));
    let mut limits = Body::new();
    match (cpus, cpu_limit.map(MilliCpu::as_cpus)) {
        (Some(promised), Some(most)) if has_limits && most > promised => {
            limits.set("cpus", number(most));
        }
        (None, most @ Some(_)) => cpus = most,
        _ => {}
    }
    match (memory, memory_limit) {
        (Some(promised), Some(most)) if has_limits && most > promised => {
            limits.set("mem", number(most));
        }
        (None, most @ Some(_)) => memory = most,
        // Older Marathons end a container above what it is promised.
        (Some(promised), Some(most)) if most > promised => memory = Some(most),
        _ => {}
    }
    if memory.is_none() {
        let text = format!("no memory is named: it is promised {MEMORY} MiB, and ended above that");
        report.lose(Feature::MemoryReservation, part.at("resources"), text);
    }
    let mut promised = Body::new();
    promised.set("cpus", number(cpus.unwrap_or(CPUS)));
    #[expect(clippy::cast_precision_loss, reason = "the constant is small")]
    promised.set("mem", number(memory.unwrap_or(MEMORY as f64)));
    promised.set_some("disk", disk(part).map(number));
    promised.set_some("gpus", resources.gpu.as_ref().map(|gpu| gpu.count));
    if let Some(resource) = resources.gpu.as_ref().and_then(|gpu| gpu.resource.as_ref()) {
        let text =
            format!("agents have one kind of graphics processors, so `{resource}` is not asked for by name");
        report.lose(Feature::Gpu, part.at("resources.gpu.resource"), text);
    }
    let limits = limits.into_map();
    Resources { promised, limits: (!limits.is_empty()).then_some(Value::Object(limits)) }
}

/// The room of the folders that live as long as the replica: the task's sandbox.
fn disk(part: &Part<'_>) -> Option<f64> {
    let sizes = part.container.mounts.values().filter_map(|mount| match mount.source {
        MountSource::Ephemeral { size, .. } => size,
        _ => None,
    });
    let total: u64 = sizes.map(Bytes::get).sum();
    (total > 0).then(|| mebibytes(Bytes(total)))
}

/// Thousandths are as fine as Mesos counts.
fn mebibytes(bytes: Bytes) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "no machine has 2^52 bytes of memory")]
    let exact = bytes.get() as f64 / f64::from(1 << 20);
    (exact * 1000.0).ceil() / 1000.0
}

fn refuse_nothing(part: &Part<'_>, report: &mut Report) {
    let resources = &part.container.resources;
    let cpus = [("resources.cpu", resources.cpu), ("resources.limits.cpu", resources.limits.cpu)];
    for (field, _) in cpus.into_iter().filter(|(_, cpu)| *cpu == Some(MilliCpu(0))) {
        report.refuse(
            Diagnostic::error(part.at(field), "no processor time at all cannot be promised or allowed")
                .why("Marathon takes no less than 0.001 processors")
                .remedy("`1m` or more, or nothing"),
        );
    }
    let memory =
        [("resources.memory", resources.memory), ("resources.limits.memory", resources.limits.memory)];
    for (field, amount) in memory.into_iter().filter_map(|(field, amount)| Some((field, amount?))) {
        if mebibytes(amount) < 4.0 {
            report.refuse(
                Diagnostic::error(part.at(field), format!("{amount} is less than a container takes"))
                    .why("the Docker Engine refuses containers with less than 4 MiB, and Mesos raises them to 32 MiB")
                    .remedy("`32Mi` or more"),
            );
        }
    }
}
