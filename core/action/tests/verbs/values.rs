//! Values from one revision to the next, as Helm documents it.

use rhumb_action::{ChartInputs, DeployOptions, UpgradeRequest, ValueInput, ValueInputs, ValueReuse};
use serde_json::{Value, json};

use crate::world::World;

const OLD: &[(&str, &str)] =
    &[("values.yaml", "image: old\nsize: 1\nmap: { a: 1, b: 1 }\n"), ("templates/web.yaml", TEMPLATE)];
/// The same chart with other defaults, and a new one.
const NEW: &[(&str, &str)] = &[
    ("values.yaml", "image: new\nsize: 2\nmap: { a: 2, b: 2 }\nfresh: yes!\n"),
    ("templates/web.yaml", TEMPLATE),
];
const TEMPLATE: &str = "kind: Config\nname: all\ndata:\n  values: {{ values | to_json | quote }}\n";

struct Case {
    name: &'static str,
    reuse: ValueReuse,
    set: &'static [&'static str],
    values: Value,
    user: Value,
}

async fn check(case: Case) {
    let world = World::new();
    world.install(world.inputs(OLD, &["size=10", "map.a=10"]), DeployOptions::default()).await.unwrap();
    let request = UpgradeRequest {
        name: "shop".to_owned(),
        inputs: world.inputs(NEW, case.set),
        values: case.reuse,
        ..UpgradeRequest::default()
    };
    rhumb_action::upgrade(&world.context(&world.holder()), &request).await.unwrap();
    let record = world.record(2).await;
    assert_eq!(record.computed, case.values, "{}", case.name);
    assert_eq!(record.values, case.user, "{}", case.name);
}

#[tokio::test]
async fn values_of_the_last_revision_are_reused_as_in_helm() {
    let cases = [
        Case {
            name: "nothing given: the user's values are kept",
            reuse: ValueReuse::Auto,
            set: &[],
            values: json!({"image": "new", "size": 10, "map": {"a": 10, "b": 2}, "fresh": "yes!"}),
            user: json!({"size": 10, "map": {"a": 10}}),
        },
        Case {
            name: "something given: the user's values are dropped",
            reuse: ValueReuse::Auto,
            set: &["image=mine"],
            values: json!({"image": "mine", "size": 2, "map": {"a": 2, "b": 2}, "fresh": "yes!"}),
            user: json!({"image": "mine"}),
        },
        Case {
            name: "reset",
            reuse: ValueReuse::Reset,
            set: &[],
            values: json!({"image": "new", "size": 2, "map": {"a": 2, "b": 2}, "fresh": "yes!"}),
            user: json!({}),
        },
        Case {
            name: "reuse: the old chart's defaults too, and new keys of the new chart's",
            reuse: ValueReuse::Reuse,
            set: &["map.b=20"],
            values: json!({"image": "old", "size": 10, "map": {"a": 10, "b": 20}, "fresh": "yes!"}),
            user: json!({"size": 10, "map": {"a": 10, "b": 20}}),
        },
        Case {
            name: "reset, then reuse: the new chart's defaults below the user's values",
            reuse: ValueReuse::ResetThenReuse,
            set: &["map.b=20"],
            values: json!({"image": "new", "size": 10, "map": {"a": 10, "b": 20}, "fresh": "yes!"}),
            user: json!({"size": 10, "map": {"a": 10, "b": 20}}),
        },
        Case {
            name: "null deletes what was given before",
            reuse: ValueReuse::ResetThenReuse,
            set: &["size=null"],
            values: json!({"image": "new", "map": {"a": 10, "b": 2}, "fresh": "yes!"}),
            user: json!({"size": null, "map": {"a": 10}}),
        },
    ];
    for case in cases {
        check(case).await;
    }
}

#[tokio::test]
async fn a_failed_upgrade_lends_no_values() {
    let world = World::new();
    world.install(world.inputs(OLD, &["size=10"]), DeployOptions::default()).await.unwrap();
    world.faults.fail(rhumb_memory::faults::Call::Apply, 2, rhumb_backend::ErrorKind::Forbidden);
    let failed = world.upgrade(world.inputs(OLD, &["size=99"]), DeployOptions::default()).await;
    assert!(failed.is_err());
    world.upgrade(world.inputs(OLD, &[]), DeployOptions::default()).await.unwrap();
    assert_eq!(world.record(3).await.values, json!({"size": 10}));
}

#[tokio::test]
async fn everything_wrong_with_the_values_is_told_at_once() {
    let world = World::new();
    let missing = world.chart(OLD).join("missing.yaml");
    let inputs = ChartInputs {
        chart: world.chart(OLD),
        values: ValueInputs(vec![
            ValueInput::File(missing),
            ValueInput::Set("a[".to_owned()),
            ValueInput::SetJson("a={".to_owned()),
            ValueInput::Text { name: "-".to_owned(), text: "- no\n- map\n".to_owned() },
        ]),
        ..ChartInputs::default()
    };
    let error = world.install(inputs, DeployOptions::default()).await.unwrap_err();
    let rhumb_action::ActionError::Diagnostics(found) = &error else { panic!("{error}") };
    assert_eq!(found.len(), 4, "{error}");
    assert!(found[0].to_string().contains("missing.yaml"), "{error}");
    assert!(found[1].to_string().contains("--set"), "{error}");
}
