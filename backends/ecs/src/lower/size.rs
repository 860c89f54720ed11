//! The sizes that a task can have.

/// The task sizes of Fargate: processor units, the least and the most memory, and the step between two amounts, in
/// MiB.
///
/// Source: Amazon ECS developer guide, "Amazon ECS task definition parameters for Fargate", "Task size"; cfn-lint's
/// schema `fargate_cpu_memory` holds the same pairs.
const ROWS: [(u64, u64, u64, u64); 8] = [
    (256, 512, 1_024, 512),
    (256, 1_024, 2_048, 1_024),
    (512, 1_024, 4_096, 1_024),
    (1_024, 2_048, 8_192, 1_024),
    (2_048, 4_096, 16_384, 1_024),
    (4_096, 8_192, 30_720, 1_024),
    (8_192, 16_384, 61_440, 4_096),
    (16_384, 32_768, 122_880, 8_192),
];

/// A task's size: units of which 1024 are one processor, and memory in MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) cpu: u64,
    pub(crate) memory: u64,
}

impl Size {
    /// The smallest size of Fargate that holds this one; none where there is none.
    pub(crate) fn on_fargate(self) -> Option<Self> {
        let (cpu, least, _, step) =
            ROWS.into_iter().find(|(cpu, _, most, _)| *cpu >= self.cpu && *most >= self.memory)?;
        let steps = self.memory.saturating_sub(least).div_ceil(step);
        Some(Self { cpu, memory: least + steps * step })
    }
}

/// Units of a processor, of which 1024 are a whole one; a part of one counts as one.
pub(super) const fn units(milli: u64) -> u64 {
    milli.saturating_mul(1024).div_ceil(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cpu: u64, memory: u64, expected: Option<(u64, u64)>) {
        let found = Size { cpu, memory }.on_fargate().map(|size| (size.cpu, size.memory));
        assert_eq!(found, expected, "{cpu}/{memory}");
    }

    #[test]
    fn sizes_are_rounded_up_to_the_nearest_pair() {
        check(0, 0, Some((256, 512)));
        check(256, 512, Some((256, 512)));
        check(52, 513, Some((256, 1024)));
        check(256, 1025, Some((256, 2048)));
        check(256, 2049, Some((512, 3072)));
        check(257, 512, Some((512, 1024)));
        check(1024, 1024, Some((1024, 2048)));
        check(1, 8192, Some((1024, 8192)));
        check(1025, 8193, Some((2048, 9216)));
        check(4096, 30_000, Some((4096, 30_720)));
        check(4096, 30_721, Some((8192, 32_768)));
        check(8192, 16_385, Some((8192, 20_480)));
        check(16_384, 32_769, Some((16_384, 40_960)));
        check(16_384, 122_880, Some((16_384, 122_880)));
        check(16_385, 1, None);
        check(1, 122_881, None);
    }
}
