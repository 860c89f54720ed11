//! What a container is promised and what it may take.

use rhumb_backend::fields::Fields;
use rhumb_spec::model::{Container, Gpu, MountSource};
use rhumb_spec::{Bytes, MilliCpu};
use serde_json::{Value, json};

/// Reads `cpus`, `mem`, `disk` and `gpus`.
pub(super) fn promised(fields: &mut Fields<'_>, container: &mut Container) {
    container.resources.cpu = fields.take("cpus", cpu);
    container.resources.memory = fields.take("mem", memory);
    fields.default("disk", &json!(0));
    fields.default("disk", &json!(0.0));
    fields.default("gpus", &json!(0));
    if let Some(count) = fields.take("gpus", rhumb_backend::fields::small) {
        container.resources.gpu = Some(Gpu { count, resource: None });
    }
}

/// Reads the room of the sandbox, where one folder of it is mounted.
pub(super) fn disk(fields: &mut Fields<'_>, container: &mut Container) {
    let mut folders = container.mounts.values_mut().filter_map(|mount| match &mut mount.source {
        MountSource::Ephemeral { size, .. } => Some(size),
        _ => None,
    });
    if let (Some(size), None) = (folders.next(), folders.next()) {
        *size = fields.take("disk", memory);
    }
}

/// Reads `resourceLimits`.
pub(super) fn limits(fields: &mut Fields<'_>, container: &mut Container) {
    let Some(mut limits) = fields.below("resourceLimits") else { return };
    container.resources.limits.cpu = limits.take("cpus", cpu);
    container.resources.limits.memory = limits.take("mem", memory);
}

/// Processors, where thousandths are fine enough.
fn cpu(value: &Value) -> Option<MilliCpu> {
    let thousandths = value.as_f64()? * 1000.0;
    let is_exact = (thousandths - thousandths.round()).abs() < 1e-6 && (1.0..1e9).contains(&thousandths);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in the range")]
    is_exact.then(|| MilliCpu(thousandths.round() as u64))
}

/// MiB, where they are whole bytes.
fn memory(value: &Value) -> Option<Bytes> {
    let bytes = value.as_f64()? * f64::from(1 << 20);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in the range")]
    (1.0..1e18).contains(&bytes).then(|| Bytes(bytes.round() as u64))
}
