use serde_json::json;

use super::*;
use crate::files::Files;

fn chart(files: &[(&str, &str)]) -> Chart {
    let mut all = Files::new();
    for (path, content) in files {
        all.insert(path, *content).unwrap();
    }
    Chart::from_files(all).unwrap()
}

fn given(yaml: &str) -> UserValues {
    let mut values = UserValues::new();
    values.file("given.yaml", yaml).unwrap();
    values
}

const PARENT: (&str, &str) = ("Chart.yaml", "name: parent\nversion: 1.0.0\n");
const CHILD: (&str, &str) = ("charts/child/Chart.yaml", "name: child\nversion: 1.0.0\n");
const GRANDCHILD: (&str, &str) = ("charts/child/charts/leaf/Chart.yaml", "name: leaf\nversion: 1.0.0\n");

#[expect(clippy::needless_pass_by_value, reason = "reads better in the tables")]
fn check_merged(files: &[(&str, &str)], user: &str, expected: Value) {
    let values = chart(files).values(given(user)).unwrap();
    assert_eq!(Value::Object(values.merged), expected, "{user}");
}

#[test]
fn given_values_win_over_defaults() {
    let defaults = ("values.yaml", "a: 1\nmap: {x: 1, y: 2}\nlist: [1, 2]\nnothing:\n");
    check_merged(
        &[PARENT, defaults],
        "",
        json!({"a": 1, "map": {"x": 1, "y": 2}, "list": [1, 2], "nothing": null}),
    );
    check_merged(
        &[PARENT, defaults],
        "a: 2\nmap: {y: 3, z: 4}\nlist: [9]\nnothing: 1",
        json!({"a": 2, "map": {"y": 3, "z": 4, "x": 1}, "list": [9], "nothing": 1}),
    );
}

#[test]
fn null_deletes_a_default() {
    let defaults = ("values.yaml", "a: 1\nmap: {x: 1, y: {z: 2}}\n");
    check_merged(
        &[PARENT, defaults],
        "a: null\nmap: {y: {z: null}}\nnew: null",
        json!({"map": {"y": {}, "x": 1}}),
    );
    check_merged(&[PARENT, defaults], "map: null", json!({"a": 1}));
}

#[test]
fn the_last_file_wins_and_nulls_survive_until_the_end() {
    let mut values = given("a: null\nb: 1\nc: {x: 1}");
    values.file("second.yaml", "b: null\nc: {y: 2}").unwrap();
    values.set("c.x=3", SetMode::Typed).unwrap();
    let chart = chart(&[PARENT, ("values.yaml", "a: 1\nb: 2\nc: {z: 3}\n")]);
    let values = chart.values(values).unwrap();
    assert_eq!(Value::Object(values.merged), json!({"c": {"x": 3, "y": 2, "z": 3}}));
}

#[test]
fn a_parent_sets_values_of_its_subcharts() {
    let files = [
        PARENT,
        ("values.yaml", "child: {a: parent, gone: null, leaf: {z: parent}}\n"),
        CHILD,
        ("charts/child/values.yaml", "a: child\nb: child\ngone: child\nleaf: {z: child, y: child}\n"),
        GRANDCHILD,
        ("charts/child/charts/leaf/values.yaml", "z: leaf\ny: leaf\nx: leaf\n"),
    ];
    check_merged(
        &files,
        "child: {b: given, leaf: {x: null}}",
        json!({"child": {"b": "given", "leaf": {"z": "parent", "y": "child", "global": {}}, "a": "parent", "global": {}}})
            .pointer("")
            .map(strip_empty_globals)
            .unwrap(),
    );
}

/// `global` is made where a chart around has one, and nowhere else.
fn strip_empty_globals(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, value)| *key != "global" || **value != json!({}));
            kept.map(|(key, value)| (key.clone(), strip_empty_globals(value))).collect()
        }
        other => other.clone(),
    }
}

#[test]
fn globals_reach_every_subchart() {
    let files = [
        PARENT,
        ("values.yaml", "global: {registry: r, nested: {a: 1}}\n"),
        CHILD,
        ("charts/child/values.yaml", "global: {registry: own, nested: {b: 2}, only: child}\n"),
        GRANDCHILD,
    ];
    let child = json!({"registry": "given", "nested": {"a": 1, "b": 2}, "only": "child"});
    let values = chart(&files).values(given("global: {registry: given}")).unwrap();
    let merged = Value::Object(values.merged);
    assert_eq!(merged["global"], json!({"registry": "given", "nested": {"a": 1}}));
    assert_eq!(merged["child"]["global"], child);
    assert_eq!(merged["child"]["leaf"]["global"], child);
}

#[test]
fn values_of_a_subchart_are_a_map() {
    let problems = chart(&[PARENT, CHILD]).values(given("child: 3")).unwrap_err();
    assert_eq!(problems[0].what, "`child` must be a map");
}

fn check_enabled(dependencies: &str, defaults: &str, user: &str, expected: &[&str]) {
    let metadata = format!("name: parent\nversion: 1.0.0\ndependencies:\n{dependencies}");
    let files = [("Chart.yaml", metadata.as_str()), ("values.yaml", defaults), CHILD, GRANDCHILD];
    let chart = chart(&files);
    let values = chart.values(given(user)).unwrap();
    let candidates = ["child", "child.leaf", "one", "one.leaf", "two", "two.leaf"];
    let path = |text: &str| text.split('.').map(str::to_owned).collect::<ValuePath>();
    let enabled: Vec<&str> = candidates.into_iter().filter(|key| values.is_enabled(&path(key))).collect();
    assert_eq!(enabled, expected, "{dependencies} {user}");
}

#[test]
fn conditions_and_tags_switch_dependencies() {
    let plain = "- {name: child, version: 1.x}";
    check_enabled(plain, "", "", &["child", "child.leaf"]);
    let condition = "- {name: child, version: 1.x, condition: 'child.enabled,global.child', tags: [db]}";
    check_enabled(condition, "", "", &["child", "child.leaf"]);
    check_enabled(condition, "child: {enabled: false}", "", &[]);
    check_enabled(condition, "child: {enabled: false}", "child: {enabled: true}", &["child", "child.leaf"]);
    check_enabled(condition, "global: {child: false}", "", &[]);
    check_enabled(condition, "child: {enabled: text}", "global: {child: false}", &[]);
    check_enabled(condition, "tags: {db: false}", "", &[]);
    check_enabled(condition, "tags: {db: false}", "child: {enabled: true}", &["child", "child.leaf"]);
    let tags = "- {name: child, version: 1.x, tags: [db, back]}";
    check_enabled(tags, "tags: {db: false, back: true}", "", &["child", "child.leaf"]);
    check_enabled(tags, "tags: {other: false}", "", &["child", "child.leaf"]);
}

#[test]
fn aliases_make_two_of_one_chart() {
    let aliases = "- {name: child, version: 1.x, alias: one}\n- {name: child, version: ^1, alias: two, condition: two.on}";
    check_enabled(aliases, "two: {on: false}", "", &["one", "one.leaf"]);
    check_enabled(aliases, "two: {on: true}", "", &["one", "one.leaf", "two", "two.leaf"]);
}

#[test]
fn a_subchart_that_is_left_out_brings_no_values() {
    let metadata =
        "name: parent\nversion: 1.0.0\ndependencies: [{name: child, version: 1.x, condition: child.on}]\n";
    check_merged(
        &[("Chart.yaml", metadata), CHILD, ("charts/child/values.yaml", "a: 1\n")],
        "child: {on: false}",
        json!({"child": {"on": false}}),
    );
}

const SCHEMA: &str = r#"{
    "type": "object",
    "additionalProperties": false,
    "properties": {
        "tag": {"type": "string"},
        "port": {"type": "integer"},
        "password": {"type": "string", "writeOnly": true, "minLength": 4},
        "keys": {"type": "array", "items": {"type": "string", "writeOnly": true}},
        "global": {"properties": {"token": {"writeOnly": true}}},
        "child": {}
    }
}"#;

#[test]
fn a_schema_names_the_place_of_what_it_refuses() {
    let chart = chart(&[PARENT, ("values.yaml", "port: 80\ntag: x\n"), ("values.schema.json", SCHEMA)]);
    let problems = chart.values(given("tag: ok\nport: many\n")).unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "error: `port` must be of type integer, and is \"many\"\n  --> port (given.yaml:2:7)\n  \
         why: the schema's rule `type` at #/properties/port/type\n  use: a value of type integer"
    );
    assert_eq!(problems.len(), 1);
}

#[test]
fn a_misspelt_setting_is_told_with_the_one_that_was_meant() {
    let chart = chart(&[PARENT, ("values.schema.json", SCHEMA)]);
    let problems = chart.values(given("prot: 80\n")).unwrap_err();
    assert_eq!(problems[0].what, "the map of values has no setting called `prot`");
    assert_eq!(problems[0].remedy.as_deref(), Some("`port`"));
}

#[test]
fn a_rule_behind_a_reference_hides_what_it_marks() {
    let schema = r##"{"$defs": {"s": {"type": "array", "items": {"writeOnly": true}}}, "properties": {"a": {"$ref": "#/$defs/s"}}}"##;
    let chart = chart(&[PARENT, ("values.schema.json", schema)]);
    let problems = chart.values(given("a: canary\n")).unwrap_err();
    assert_eq!(problems[0].what, "`a` must be of type array");
}

#[test]
fn defaults_of_subcharts_are_checked_too() {
    let files = [
        PARENT,
        CHILD,
        ("charts/child/values.yaml", "port: x\n"),
        ("charts/child/values.schema.json", SCHEMA),
    ];
    let problems = chart(&files).values(UserValues::new()).unwrap_err();
    assert!(
        problems[0].to_string().contains("--> child.port (charts/child/values.yaml:1:7)"),
        "{problems:?}"
    );
}

#[test]
fn text_is_taken_as_written_where_the_schema_wants_text() {
    let chart = chart(&[PARENT, ("values.yaml", "tag: 1.10\n"), ("values.schema.json", SCHEMA)]);
    let merged = |user: &str| Value::Object(chart.values(given(user)).unwrap().merged)["tag"].clone();
    assert_eq!(merged(""), json!("1.10"));
    assert_eq!(merged("tag: 1.20"), json!("1.20"));
    assert_eq!(merged("tag: true"), json!("true"));
    let values = chart.values(given("tag: 1.20")).unwrap();
    assert_eq!(values.sealed_json(&Sealing::Placeholder), json!({"tag": "1.20"}));
}

#[test]
fn secret_values_are_sealed_everywhere() {
    let files =
        [PARENT, ("values.yaml", "password: default-canary\n"), ("values.schema.json", SCHEMA), CHILD];
    let chart = chart(&files);
    let values =
        chart.values(given("keys: [canary-1, '']\nglobal: {token: canary-2, plain: p}\ntag: x")).unwrap();
    let (tokens, _) = values.with_tokens();
    let sealing = Sealing::keyed([1; 32]);
    let texts = [
        tokens.to_string(),
        values.sealed_json(&sealing).to_string(),
        values.sealed_merged(&sealing).to_string(),
        format!("{values:?}"),
    ];
    for text in &texts {
        assert!(!text.contains("canary"), "{text}");
    }
    assert!(tokens["child"]["global"]["token"].as_str().unwrap().starts_with("rhumb-sealed-"));
    assert_eq!(tokens["child"]["global"]["plain"], json!("p"));
    assert_eq!(tokens["keys"][1], json!(""));
    let stored = values.sealed_json(&sealing);
    assert_eq!(stored["keys"][0][SEALED_KEY], json!(sealing.id("", b"canary-1")));
}

#[test]
fn a_value_that_was_sealed_before_is_not_checked_again() {
    let chart = chart(&[PARENT, ("values.schema.json", SCHEMA)]);
    let stored = json!({"password": {SEALED_KEY: "abc"}, "tag": "x"}).as_object().unwrap().clone();
    let values = chart.values(UserValues::from_stored(stored)).unwrap();
    assert_eq!(values.sealed_json(&Sealing::Placeholder)["password"], json!({SEALED_KEY: "abc"}));
    let stored = json!({"password": {SEALED_KEY: "abc"}}).as_object().unwrap().clone();
    let mut again = UserValues::from_stored(stored);
    again.set("password=newer", SetMode::Typed).unwrap();
    let values = chart.values(again).unwrap();
    assert_ne!(values.sealed_json(&Sealing::Placeholder)["password"], json!({SEALED_KEY: "abc"}));
}

#[test]
fn errors_about_secret_values_do_not_show_them() {
    let chart = chart(&[PARENT, ("values.schema.json", SCHEMA)]);
    let problems = chart.values(given("password: [canary]\nkeys: canary\n")).unwrap_err();
    assert!(!problems.is_empty());
    for problem in problems {
        assert!(!problem.to_string().contains("canary"), "{problem}");
    }
}

#[test]
fn a_map_that_replaces_a_scalar_is_warned_of() {
    let chart = chart(&[PARENT, ("values.yaml", "a: 1\nb: {x: 1}\n")]);
    let values = chart.values(given("a: {y: 1}\nb: 2")).unwrap();
    let paths: Vec<&str> = values.warnings().iter().map(|warning| warning.path.as_str()).collect();
    assert_eq!(paths, ["a", "b"]);
}

#[test]
fn what_an_option_gave_is_not_looked_for_in_files() {
    let schema = r#"{"additionalProperties": false, "properties": {
        "pw": {"type": "string", "writeOnly": true, "minLength": 20}, "n": {"type": "integer"}, "m": {"type": "integer"}
    }}"#;
    let chart = chart(&[PARENT, ("values.yaml", "pw: ''\nn: 1\nm: 1\n"), ("values.schema.json", schema)]);
    let mut values = given("m: x\n");
    values.set("pw=hunter2,prot=1", SetMode::Typed).unwrap();
    values.set("n=x", SetMode::Text).unwrap();
    let mut told: Vec<String> = chart.values(values).unwrap_err().iter().map(ToString::to_string).collect();
    told.sort();
    assert_eq!(told.len(), 4, "{told:?}");
    for (told, expected) in told.iter().zip([
        "given.yaml:1",
        "given with `--set-string n=…`",
        "given with `--set pw=…`",
        "given with `--set prot=…`",
    ]) {
        assert!(told.contains(expected) && !told.contains("hunter2"), "{told}");
        assert_eq!(told.contains(".yaml:"), expected == "given.yaml:1", "{told}");
    }
}
