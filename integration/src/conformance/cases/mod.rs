//! The cases: one for each feature, grouped as the documentation groups them.

mod configuration;
mod containers;
mod environment;
mod modes;
mod networks;
mod placement;
mod probes;
mod resources;
mod rollout;
mod security;
mod storage;

use super::Case;

/// Every case.
pub fn all() -> impl Iterator<Item = Case> {
    let groups = [
        modes::CASES,
        containers::CASES,
        environment::CASES,
        probes::CASES,
        resources::CASES,
        security::CASES,
        configuration::CASES,
        storage::CASES,
        networks::CASES,
        rollout::CASES,
        placement::CASES,
    ];
    groups.into_iter().flatten().copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use rhumb_spec::Feature;

    #[test]
    fn every_feature_has_one_case() {
        let mut count: BTreeMap<Feature, u32> = Feature::ALL.iter().map(|feature| (*feature, 0)).collect();
        for case in super::all() {
            *count.entry(case.feature).or_default() += 1;
        }
        count.retain(|_, cases| *cases != 1);
        assert!(count.is_empty(), "features without exactly one case: {count:?}");
    }
}
