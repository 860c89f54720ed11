//! What Fargate takes.

/// Whether Fargate has tasks of this size: CPU units and MiB.
///
/// Source: Amazon ECS API reference, `RegisterTaskDefinition`, `cpu`.
pub(super) fn has_size(cpu: u64, memory: u64) -> bool {
    let within = |low: u64, high: u64, step: u64| {
        (low * 1024..=high * 1024).contains(&memory) && memory.is_multiple_of(step * 1024)
    };
    match cpu {
        256 => [512, 1024, 2048].contains(&memory),
        512 => within(1, 4, 1),
        1024 => within(2, 8, 1),
        2048 => within(4, 16, 1),
        4096 => within(8, 30, 1),
        8192 => within(16, 60, 4),
        16_384 => within(32, 120, 8),
        _ => false,
    }
}

/// CPU units as a task definition writes them: `256`, `.25 vCPU`.
pub(super) fn cpu(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    match lower.strip_suffix("vcpu") {
        Some(number) => scaled(number),
        None => lower.trim().parse().ok(),
    }
}

/// MiB as a task definition writes them: `512`, `1 GB`.
pub(super) fn memory(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    match lower.strip_suffix("gb") {
        Some(number) => scaled(number),
        None => lower.trim().parse().ok(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a size is a small positive number"
)]
fn scaled(number: &str) -> Option<u64> {
    let number: f64 = number.trim().parse().ok()?;
    (number > 0.0 && number < 1000.0).then_some((number * 1024.0).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_table() {
        for (cpu, memory, expected) in [
            (256, 512, true),
            (256, 1536, false),
            (512, 1024, true),
            (1024, 8192, true),
            (1024, 9216, false),
            (8192, 20_480, true),
            (8192, 17_408, false),
            (16_384, 122_880, true),
            (300, 1024, false),
        ] {
            assert_eq!(has_size(cpu, memory), expected, "{cpu} {memory}");
        }
        assert_eq!((cpu(".25 vCPU"), cpu("512"), memory("2 GB")), (Some(256), Some(512), Some(2048)));
    }
}
