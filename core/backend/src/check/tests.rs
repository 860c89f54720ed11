use super::*;
use crate::double::Double;
use crate::legalize::Pass;
use rhumb_spec::{Source, parse};

const WEB: &str = "
kind: Workload
name: web
dependsOn: [db]
containers: { web: { image: web, stop: { signal: SIGINT, grace: 5s } } }
on: { double: { Service: { a: 1 } }, other: { Thing: {} } }
---
kind: Workload
name: db
mode: stateful
replicas: 2
containers: { db: { image: db, ports: { pg: 5432 } } }
expose: { pg: { port: 5432 } }
---
kind: Native
name: mine
platform: double
manifest: { a: 1 }
---
kind: Native
name: theirs
platform: other
manifest: { a: 1 }
";

fn app(documents: &str) -> App {
    parse(&[Source { file: "app.yaml".to_owned(), text: documents.to_owned() }]).unwrap().app
}

const REFUSED: Support = Support::Unsupported { why: "it cannot", instead: "something else" };

fn check_with(
    support: &[(Feature, Support)],
    passes: &'static [Pass],
    accept: &[Feature],
) -> Result<Checked, Vec<String>> {
    let backend = Double { support: support.iter().copied().collect(), passes };
    let checked = check(&app(WEB), &backend, &Facts::default(), &accept.iter().copied().collect());
    checked.map_err(|found| found.iter().map(ToString::to_string).collect())
}

fn losses(checked: &Checked) -> Vec<String> {
    checked.losses.iter().map(|loss| format!("{}: {} ({})", loss.path, loss.text, loss.feature)).collect()
}

#[test]
fn what_is_for_others_is_not_there_and_patches_are_not_portable() {
    let checked = check_with(&[], &[], &[]).unwrap();
    let app = checked.app.app();
    assert_eq!(app.natives.keys().collect::<Vec<_>>(), ["mine"]);
    assert_eq!(app.workloads["web"].on.keys().collect::<Vec<_>>(), ["double"]);
    let expected =
        "workload/web.on.double: unportable: the patch has no effect on other platforms (platform-patch)";
    assert_eq!(losses(&checked), [expected]);
}

#[test]
fn emulations_are_losses() {
    let emulated = Support::Emulated { loss: "not quite" };
    let checked =
        check_with(&[(Feature::StopGrace, emulated), (Feature::PlatformPatch, emulated)], &[], &[]).unwrap();
    assert_eq!(
        losses(&checked),
        [
            "workload/web.containers.web.stop.grace: not quite (stop-grace)",
            "workload/web.on.double: not quite (platform-patch)"
        ]
    );
}

#[test]
fn refusals_are_collected_and_say_what_to_do() {
    let refused =
        check_with(&[(Feature::StopSignal, REFUSED), (Feature::Stateful, REFUSED)], &[], &[]).unwrap_err();
    assert_eq!(
        refused,
        [
            "error: double does not have: replicas with a stable name and storage each\n  --> workload/db.mode\n  \
             why: it cannot\n  use: something else",
            "error: double does not have: the first signal of a stop\n  \
             --> workload/web.containers.web.stop.signal\n  why: it cannot\n  \
             use: something else; or leave it out with --accept-loss stop-signal"
        ]
    );
}

#[test]
fn what_is_accepted_is_left_out_where_that_can_be() {
    let support = [(Feature::StopSignal, REFUSED), (Feature::Stateful, REFUSED)];
    let accept = [Feature::StopSignal, Feature::StopGrace, Feature::Stateful];
    let refused = check_with(&support, &[], &accept).unwrap_err();
    assert_eq!(refused.len(), 1, "{refused:?}");
    let checked = check_with(&support[..1], &[], &accept).unwrap();
    let stop = &checked.app.app().workloads["web"].containers["web"].stop;
    assert_eq!(stop.signal, None);
    assert!(stop.grace.is_some(), "what is supported is not left out");
    assert!(checked.losses[0].accepted, "{:?}", checked.losses);
}

#[test]
fn passes_leave_the_source_as_it_was() {
    let checked = check_with(&[], &[Pass::StatefulOrdinals], &[]).unwrap().app;
    assert_eq!(checked.app().workloads.keys().collect::<Vec<_>>(), ["db-0", "db-1", "web"]);
    assert_eq!(checked.source().workloads.keys().collect::<Vec<_>>(), ["db", "web"]);
    assert_eq!(checked.members("db"), ["db-0", "db-1"]);
    assert_eq!(checked.members("web"), ["web"]);
    assert_eq!(checked.members("nobody"), Vec::<&str>::new());
    assert_eq!(checked.ordinal("db-1"), Some(&Sequence { set: "db".to_owned(), index: 1 }));
    assert_eq!(checked.ordinal("web"), None);
    assert_eq!(checked.exposed("db", "pg").map(|expose| expose.port), Some(5432));
    assert_eq!(checked.exposed("db-0", "pg").map(|expose| expose.port), Some(5432));
    assert_eq!(checked.exposed("db", "http"), None);
}

#[test]
fn an_app_that_is_for_others_only_is_warned_of() {
    let natives = "kind: Native\nname: a\nplatform: other\nmanifest: { a: 1 }\n";
    let warning = only_for_others(&app(natives), "double").unwrap();
    assert_eq!(warning.what, "nothing of the chart is for double");
    assert_eq!(warning.why.as_deref(), Some("it has native documents for other only"));
    assert_eq!(only_for_others(&app(natives), "other"), None);
    assert_eq!(only_for_others(&app(WEB), "third"), None);
    assert_eq!(only_for_others(&App::default(), "double"), None);
    assert_eq!(bound_to(&app(WEB), "double").len(), 2);
    assert_eq!(bound_to(&app(WEB), "third").len(), 0);
}
