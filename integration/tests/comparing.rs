//! The comparison of platforms: every first-party chart and every feature, on every platform, with nothing asked of any.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhumb_action::{
    Candidate, Cell, ChartInputs, CompareRequest, Comparison, FactsFrom, Fit, Prices, Row, Verdict, compare,
};
use rhumb_backend::{Backend, Support};
use rhumb_integration::ChartFolder;
use rhumb_integration::conformance::all;
use rhumb_memory::MemoryBackend;
use rhumb_spec::Feature;
use rhumb_spec::model::Sealed;

fn ecs(launch_type: rhumb_ecs::LaunchType) -> Arc<dyn Backend> {
    let settings = rhumb_ecs::Settings { launch_type, ..rhumb_ecs::Settings::default() };
    Arc::new(rhumb_ecs::Ecs::new(settings, rhumb_ecs::Environment::default()))
}

fn candidates() -> Vec<Candidate> {
    let swarm =
        rhumb_swarm::Swarm::new(rhumb_swarm::Settings::default(), rhumb_swarm::Environment::default());
    let kubernetes = rhumb_kubernetes::Kubernetes::new(
        rhumb_kubernetes::Settings::default(),
        rhumb_kubernetes::Environment::default(),
    );
    let marathon = rhumb_marathon::Marathon::new(
        rhumb_marathon::Settings::default(),
        rhumb_marathon::Environment::default(),
    );
    let backends: [(&str, Arc<dyn Backend>); 6] = [
        ("ecs", ecs(rhumb_ecs::LaunchType::Fargate)),
        ("ecs-ec2", ecs(rhumb_ecs::LaunchType::Ec2)),
        ("kubernetes", Arc::new(kubernetes)),
        ("marathon", Arc::new(marathon)),
        ("memory", Arc::new(MemoryBackend::in_memory())),
        ("swarm", Arc::new(swarm.unwrap())),
    ];
    backends.into_iter().map(|(name, backend)| Candidate { name: name.to_owned(), backend }).collect()
}

async fn compared(chart: &Path, candidates: &[Candidate]) -> Comparison {
    let request = CompareRequest {
        name: None,
        namespace: "default".to_owned(),
        inputs: ChartInputs { chart: chart.to_path_buf(), ..ChartInputs::default() },
        facts: FactsFrom::Defaults,
        prices: Prices::built_in(),
    };
    compare(candidates, &request).await.unwrap_or_else(|error| panic!("{}: {error}", chart.display()))
}

/// What must hold of every comparison.
fn require_whole(comparison: &Comparison) {
    for (index, platform) in comparison.platforms.iter().enumerate() {
        let cells = || comparison.rows.iter().filter_map(|row| row.cells[index].as_ref());
        let count = |verdict| cells().filter(|cell| cell.verdict == verdict).count();
        assert_eq!(platform.native, count(Verdict::Native));
        assert_eq!(platform.emulated, count(Verdict::Emulated));
        assert_eq!(platform.refused, count(Verdict::Refused));
        assert_eq!(platform.fit >= Fit::LeavingOut, platform.refused > 0, "{}", platform.name);
        // What can be deployed can be shown.
        assert!(platform.objects.is_some() || platform.fit == Fit::No, "{}", platform.name);
        for cell in cells() {
            assert_eq!(cell.losses.is_empty(), cell.verdict != Verdict::Emulated, "{cell:?}");
            assert_eq!(cell.why.is_some(), cell.verdict == Verdict::Refused, "{cell:?}");
        }
    }
    let remarked =
        |index| -> usize { comparison.remarks(index).iter().map(|remark| remark.paths.len()).sum::<usize>() };
    for (index, platform) in comparison.platforms.iter().enumerate() {
        assert_eq!(remarked(index), platform.native + platform.emulated + platform.refused);
    }
    let grouped: usize = comparison.groups().iter().map(|group| group.paths.len()).sum();
    assert_eq!(grouped, comparison.rows.len());
}

fn first_party() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts");
    let mut charts: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    charts.sort();
    charts
}

#[tokio::test]
async fn every_first_party_chart_is_compared() {
    let candidates = candidates();
    for chart in first_party() {
        let comparison = compared(&chart, &candidates).await;
        require_whole(&comparison);
        let memory = &comparison.platforms[4];
        assert_eq!((memory.fit, memory.emulated), (Fit::Native, 0), "{}", chart.display());
        let fargate = &comparison.platforms[0];
        let cost = fargate.cost.as_ref().unwrap_or_else(|| panic!("{} costs nothing", chart.display()));
        assert!(cost.month > 0.0 && cost.month <= cost.month_at_most);
        assert!(comparison.platforms[1..].iter().all(|platform| platform.cost.is_none()));
    }
}

/// The cases of the conformance suite use every feature, and the comparison says of each what the backends say.
#[tokio::test]
async fn every_feature_is_compared_as_the_backends_answer() {
    let candidates = candidates();
    for case in all() {
        let text = case
            .app
            .replace("PLATFORM", "swarm")
            .replace("PATCH", "Service: { Labels: { patched: 'yes' } }")
            .replace("DOCUMENT", "{ kind: Service, TaskTemplate: {}, Mode: {} }")
            .replace("[revision]", "one")
            .replace(Sealed::PREFIX, "");
        let comparison = compared(ChartFolder::of(&text).path(), &candidates).await;
        require_whole(&comparison);
        let rows: Vec<&Row> =
            comparison.rows.iter().filter(|row| row.feature == Some(case.feature)).collect();
        for (index, candidate) in candidates.iter().enumerate() {
            let cells: Vec<&Cell> = rows.iter().filter_map(|row| row.cells[index].as_ref()).collect();
            require_answer(case.feature, candidate, &cells);
        }
    }
}

/// A platform's own documents are asked of that platform only.
fn require_answer(feature: Feature, candidate: &Candidate, cells: &[&Cell]) {
    let backend = candidate.backend.as_ref();
    let what = format!("{feature} on {}", candidate.name);
    let is_foreign = matches!(feature, Feature::PlatformPatch | Feature::Native);
    assert_eq!(cells.is_empty(), is_foreign && backend.name() != "swarm", "{what}");
    assert!(cells.iter().all(|cell| cell.proof.is_some()), "{what}");
    match backend.support(feature, &backend.default_facts()) {
        Support::Native => assert!(cells.iter().all(|cell| cell.verdict != Verdict::Refused), "{what}"),
        Support::Emulated { loss } => {
            assert!(cells.iter().any(|cell| cell.losses.contains(&loss.to_owned())), "{what}");
        }
        Support::Unsupported { why, .. } => {
            assert!(cells.iter().any(|cell| cell.why.as_deref() == Some(why)), "{what}");
        }
    }
}
