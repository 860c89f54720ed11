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

    use rhumb_spec::{Feature, Source, parse};

    #[test]
    fn every_app_is_right_and_uses_its_feature() {
        for case in super::all() {
            let text = case
                .app
                .replace("PLATFORM", "memory")
                .replace("PATCH", "Workload: {}")
                .replace("DOCUMENT", "{}");
            let parsed = parse(&[Source { file: "app.yaml".to_owned(), text }])
                .unwrap_or_else(|errors| panic!("{}: {errors:#?}", case.feature));
            let found = parsed.verify();
            assert!(found.is_empty(), "{}: {found:#?}", case.feature);
            let uses =
                parsed.app.requirements().iter().any(|requirement| requirement.feature == case.feature);
            assert!(uses, "{}: its app does not use it", case.feature);
        }
    }

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
