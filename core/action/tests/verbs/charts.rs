//! Verbs about charts, with no release in sight.

use std::path::{Path, PathBuf};

use rhumb_action::{
    ActionError, ChartInputs, CreateRequest, DeployOptions, FactsFrom, LintRequest, PackageRequest,
    TemplateRequest, ValueInput, ValueInputs,
};
use rhumb_memory::MemoryBackend;

use crate::world::{SHOP, World};

fn lint(chart: PathBuf) -> rhumb_action::Linted {
    rhumb_action::lint(&LintRequest { chart, ..LintRequest::default() }).unwrap()
}

fn template_request(chart: &Path, set: &[&str]) -> TemplateRequest {
    let values = set.iter().map(|set| ValueInput::Set((*set).to_owned())).collect();
    TemplateRequest {
        name: "shop".to_owned(),
        namespace: "default".to_owned(),
        inputs: ChartInputs {
            chart: chart.to_owned(),
            values: ValueInputs(values),
            ..ChartInputs::default()
        },
        is_upgrade: false,
        facts: FactsFrom::Defaults,
    }
}

#[tokio::test]
async fn a_new_chart_lints_templates_packages_and_installs() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let request = CreateRequest { name: "fresh".to_owned(), parent: folder.path().to_owned() };
    let created = rhumb_action::create(&request).unwrap();
    assert!(created.files.contains(&"Chart.yaml".to_owned()), "{created:?}");
    let linted = lint(created.path.clone());
    assert_eq!(linted.chart, "fresh");
    assert!(linted.diagnostics.is_empty(), "{:?}", linted.diagnostics);

    let again = rhumb_action::create(&request).unwrap_err();
    assert!(matches!(again, ActionError::File { .. }), "what is there is never overwritten: {again}");

    let package = |destination: &Path| {
        let request = PackageRequest {
            chart: created.path.clone(),
            destination: destination.to_owned(),
            version: Some("2.0.0".to_owned()),
            app_version: None,
        };
        rhumb_action::package(&request).unwrap()
    };
    let (one, other) = (package(&folder.path().join("one")), package(&folder.path().join("other")));
    assert!(one.path.ends_with("fresh-2.0.0.tgz"), "{one:?}");
    assert_eq!(std::fs::read(&one.path).unwrap(), std::fs::read(&other.path).unwrap());
    assert!(rhumb_action::show(&one.path).unwrap().chart.contains("fresh"));

    let inputs = ChartInputs { chart: one.path, ..ChartInputs::default() };
    let installed = world.install(inputs, DeployOptions::default()).await.unwrap();
    assert_eq!(installed.chart.version, "2.0.0");
}

#[tokio::test]
async fn a_template_is_the_road_without_a_target() {
    let world = World::new();
    let chart = world.chart(SHOP);
    let backend = MemoryBackend::in_memory();
    let templated =
        rhumb_action::template(&backend, &template_request(&chart, &["replicas=9"])).await.unwrap();
    assert_eq!(templated.documents.len(), 1);
    assert!(templated.documents[0].text.contains("replicas: 9"));
    assert_eq!(templated.app.workloads["web"].replicas, Some(9));
    assert_eq!(templated.objects.len(), 3);
    assert_eq!(templated.notes, "shop revision 1\n");
    let upgrade = TemplateRequest { is_upgrade: true, ..template_request(&chart, &[]) };
    assert_eq!(rhumb_action::template(&backend, &upgrade).await.unwrap().notes, "shop revision 2\n");
}

#[tokio::test]
async fn a_template_says_everything_that_is_wrong_at_its_line() {
    let world = World::new();
    let text = "kind: Workload\nname: web\nreplicas: many\ncontainers:\n  web:\n    imag: x\n";
    let chart = world.chart(&[("templates/web.yaml", text)]);
    let error = rhumb_action::template(&MemoryBackend::in_memory(), &template_request(&chart, &[]))
        .await
        .unwrap_err();
    let ActionError::Diagnostics(found) = error else { panic!("{error}") };
    let lines: Vec<u32> = found.iter().filter_map(|found| Some(found.place.as_ref()?.line)).collect();
    assert!(lines.contains(&3) && lines.contains(&6), "{found:?}");
}

#[test]
fn lint_tells_what_is_no_chart() {
    let world = World::new();
    let chart = world.chart(&[("templates/web.yaml", "kind: Workload\nname: {{ values.nope }}\n")]);
    let linted = lint(chart);
    assert!(linted.diagnostics.iter().any(|found| found.is_error() && found.to_string().contains("nope")));
    let linted = lint(PathBuf::from("/nowhere/at/all"));
    assert_eq!((linted.chart.as_str(), linted.diagnostics.len()), ("", 1));
}
