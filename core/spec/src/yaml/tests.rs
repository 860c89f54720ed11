use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;

#[track_caller]
fn check(text: &str, expect: &Value) {
    assert_eq!(&value_from_str(text).unwrap(), expect, "{text}");
}

#[track_caller]
fn check_error(text: &str, expect: &str) {
    let error = parse(text).unwrap_err();
    assert!(error.to_string().contains(expect), "{text}: {error}");
}

#[test]
fn values_follow_the_core_schema() {
    check("a: 1\nb: [yes, no, on, true]\n", &json!({"a": 1, "b": ["yes", "no", "on", true]}));
    check("a: 1.10\nb: '1.10'\nc: \"yes\"\nd:\n", &json!({"a": 1.1, "b": "1.10", "c": "yes", "d": null}));
    check("a: |\n  one\n  two\nb: >\n  one\n  two\n", &json!({"a": "one\ntwo\n", "b": "one two\n"}));
    check("80: http\ntrue: x\n", &json!({"80": "http", "true": "x"}));
    check("", &Value::Null);
    check("# nothing\n", &Value::Null);
    check("\u{feff}a: 1", &json!({"a": 1}));
}

#[test]
fn documents_that_are_empty_are_left_out() {
    let documents = parse("---\n# none\n---\na: 1\n---\n---\nb: 2\n...\n").unwrap();
    let values: Vec<Value> = documents.iter().map(Node::to_value).collect();
    assert_eq!(values, [json!({"a": 1}), json!({"b": 2})]);
    assert_eq!(documents[0].line, 4);
}

#[test]
fn a_single_value_is_asked_for() {
    let error = value_from_str("a: 1\n---\nb: 2\n").unwrap_err();
    assert_eq!(error.line, 3);
}

#[test]
fn anchors_aliases_and_merge_keys_are_resolved() {
    check("a: &x {b: 1}\nc: *x\n", &json!({"a": {"b": 1}, "c": {"b": 1}}));
    check(
        "base: &base {a: 1, b: 2}\nmore: &more {b: 3, c: 4}\nall:\n  <<: [*base, *more]\n  a: 0\n",
        &json!({"base": {"a": 1, "b": 2}, "more": {"b": 3, "c": 4}, "all": {"a": 0, "b": 2, "c": 4}}),
    );
    check("'<<': 1\n", &json!({"<<": 1}));
    check_error("<<: 1\n", "`<<` takes a mapping");
    check_error("a: &x [*x]\n", "inside of what it repeats");
    check_error("a: *nowhere\n", "line 1");
}

#[test]
fn keys_twice_are_refused_with_both_lines() {
    check_error(
        "a: 1\nb: 2\na: 3\n",
        "`a` stands twice in this mapping, first in line 1 and again in line 3",
    );
    let many = (0..40).map(|number| format!("k{number}: 1\n")).collect::<Vec<_>>().concat();
    check_error(&format!("{many}k3: 2\n"), "first in line 4 and again in line 41");
}

#[test]
fn tags_outside_the_core_schema_are_refused() {
    check(
        "a: !!str 1\nb: !!int '2'\nc: ! 3\nd: !!map {e: 1}\n",
        &json!({"a": "1", "b": 2, "c": "3", "d": {"e": 1}}),
    );
    check_error("a: !!binary aGk=\n", "`!!binary` is not supported");
    check_error("a: !Ref b\n", "`!Ref` is not supported");
    check_error("a: !!int x\n", "does not fit its tag `!!int`");
    check_error("a: !!map [1]\n", "does not fit");
}

#[test]
fn keys_that_are_no_scalars_are_refused() {
    check_error("[a, b]: 1\n", "a key must be a scalar");
}

#[test]
fn broken_text_is_refused_with_its_line() {
    let error = parse("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
    assert!(error.line >= 2, "{error}");
    check_error("a: \"open\n", "line");
    check_error("a: b: c\n", "line 1");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the test bounds the time")]
fn hostile_texts_end_quickly() {
    let started = Instant::now();
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..30 {
        let before = format!("*a{}, ", level - 1).repeat(10);
        writeln!(bomb, "a{level}: &a{level} [{before}]").unwrap();
    }
    check_error(&bomb, "repeat too much");
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1_000_000), "*a, ".repeat(100_000));
    check_error(&long, "repeat too much");
    check_error(&"[".repeat(100_000), "");
    check_error(&"a: {".repeat(100_000), "");
    let deep = (0..2_000).map(|depth| " ".repeat(depth) + "a:\n").collect::<Vec<_>>().concat();
    check_error(&deep, "");
    let mut nested = "a0: &a0 [x]\n".to_owned();
    for level in 1..200 {
        writeln!(nested, "a{level}: &a{level} [*a{}]", level - 1).unwrap();
    }
    check_error(&nested, "levels deep");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[test]
fn honest_large_files_are_read() {
    let entry = "- name: something\n  value: some text of ordinary length\n  list: [1, 2, 3, 4]\n";
    let text = entry.repeat(5 * 1024 * 1024 / entry.len());
    assert_eq!(parse(&text).unwrap()[0].as_sequence().unwrap().len(), 5 * 1024 * 1024 / entry.len());
    assert!(parse(&"- a\n".repeat(5 * 1024 * 1024 / 4)).is_ok());
}

#[test]
fn debug_shows_no_values() {
    let node = &parse("password: hunter2\nlist: [hunter2]\n").unwrap()[0];
    let shown = format!("{node:?} {node:#?}");
    assert!(shown.contains("password") && !shown.contains("hunter2"), "{shown}");
}

#[test]
fn written_text_is_read_alike_everywhere() {
    for text in
        ["no", "on", "yes", "y", "n", "12:30", "12:30:45", "=", "<<", "1.10", "0o7", "0777", "~", "null", ""]
    {
        let written = to_string(&json!({ "key": text })).unwrap();
        assert!(written.contains(['"', '\'']), "{written}");
        check(&written, &json!({ "key": text }));
    }
    assert_eq!(to_string(&json!({"no": {"on": [1]}})).unwrap().trim(), "\"no\":\n  \"on\":\n  - 1");
    assert_eq!(to_string(&json!({"a": "one\ntwo\n"})).unwrap().trim(), "a: |\n  one\n  two");
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Example {
    name: String,
    #[serde(default)]
    replicas: Option<u32>,
    #[serde(default)]
    is_ready: bool,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    parts: BTreeMap<String, Part>,
    #[serde(default)]
    rest: Value,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
enum Mode {
    #[default]
    Replicated,
    Global,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(try_from = "PartForm")]
struct Part(String);

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct PartForm {
    one: Option<String>,
    two: Option<String>,
}

impl TryFrom<PartForm> for Part {
    type Error = String;

    fn try_from(form: PartForm) -> Result<Self, String> {
        match (form.one, form.two) {
            (Some(text), None) | (None, Some(text)) => Ok(Self(text)),
            _ => Err("set exactly one of `one` and `two`".to_owned()),
        }
    }
}

#[test]
fn text_fields_take_plain_scalars_as_written() {
    let text = "name: 1.10\nlabels: {a: yes, b: 1.0, c: true, d: 0x10}\nargs: [1, on]\nmode: global\nisReady: true\n";
    let (value, diagnostics) = from_str_typed::<Example>(text, "file");
    assert_eq!(diagnostics, []);
    let labels = [("a", "yes"), ("b", "1.0"), ("c", "true"), ("d", "0x10")];
    assert_eq!(
        value.unwrap(),
        Example {
            name: "1.10".into(),
            is_ready: true,
            mode: Mode::Global,
            labels: labels.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
            args: vec!["1".into(), "on".into()],
            ..Example::default()
        }
    );
}

#[test]
fn nothing_is_an_empty_list_mapping_or_option() {
    let (value, diagnostics) =
        from_str_typed::<Example>("name: a\nlabels:\nargs:\nreplicas:\nrest: [~]\n", "file");
    assert_eq!(diagnostics, []);
    assert_eq!(value.unwrap(), Example { name: "a".into(), rest: json!([null]), ..Example::default() });
}

#[track_caller]
fn check_typed(text: &str, expect: &[&str]) {
    let (value, diagnostics) = from_str_typed::<Example>(text, "f");
    let told: Vec<String> = diagnostics.iter().map(|told| told.to_string().replace("\n  ", " ")).collect();
    assert_eq!(told, expect);
    assert_eq!(value.is_some(), expect.is_empty());
}

#[test]
fn every_error_is_told_at_once_with_path_and_line() {
    check_typed(
        "nam: a\nreplica: 3\nreplicas: many\nisReady: yes\nmode: globl\nlabels: {a: {b: c}, d: [1]}\nargs:\n- x\n- {}\n- [a]\n",
        &[
            "error: unknown key `nam` --> nam (f:1) use: `name`",
            "error: unknown key `replica` --> replica (f:2) use: `replicas`",
            "error: expected a whole number from 0, found the text `many` --> replicas (f:3)",
            "error: expected `true` or `false`, found the text `yes` --> isReady (f:4)",
            "error: unknown value `globl` --> mode (f:5) use: `global`",
            "error: expected text, found a mapping --> labels.a (f:6)",
            "error: expected text, found a list --> labels.d (f:6)",
            "error: expected text, found a mapping --> args[1] (f:9)",
            "error: expected text, found a list --> args[2] (f:10)",
        ],
    );
}

#[test]
fn what_only_follows_is_not_told() {
    check_typed("name: [a]\n", &["error: expected text, found a list --> name (f:1)"]);
    check_typed(
        "name: a\nparts:\n  x: {one: [1]}\n  y: {oen: 1}\n  z: {}\n",
        &[
            "error: expected text, found a list --> parts.x.one (f:3)",
            "error: unknown key `oen` --> parts.y.oen (f:4) use: `one`",
            "error: set exactly one of `one` and `two` --> parts.z (f:5)",
        ],
    );
    check_typed("replicas: 1\n", &["error: `name` is missing --> f:1"]);
}

#[test]
fn values_are_left_out_on_request() {
    let node =
        &parse("name: [x]\nmode: hunter2\nreplicas: hunter2\nparts: {a: {one: hunter2, two: hunter2}}\n")
            .unwrap()[0];
    let (_, diagnostics) = Reader::new("secret/a", "f").without_values().read::<Example>(node);
    assert_eq!(diagnostics.len(), 4);
    assert!(!format!("{diagnostics:?}").contains("hunter2"), "{diagnostics:?}");
}

#[test]
fn lists_are_not_taken_for_mappings() {
    check_typed("[a, 1]\n", &["error: expected a mapping, found a list --> f:1"]);
}

#[test]
fn endless_errors_end() {
    let text = format!("name: a\nargs: [{}]\n", "{}, ".repeat(1_000));
    let (_, diagnostics) = from_str_typed::<Example>(&text, "f");
    assert_eq!(diagnostics.len(), 100);
}

#[test]
fn origins_find_the_nearest_value() {
    let node = parse("kind: W\ncontainers:\n  web:\n    mounts:\n      /etc/x.conf:\n        config: a\n      /etc/x: {}\n    args:\n    - a\n    - b\n").unwrap().remove(0);
    let mut origins = Origins::default();
    origins.insert("workload/web", "web.yaml", node);
    for (path, line) in [
        ("workload/web", 1),
        ("workload/web.containers", 2),
        ("workload/web.containers.web.mounts./etc/x.conf.config", 6),
        ("workload/web.containers.web.mounts./etc/x.conf", 5),
        ("workload/web.containers.web.mounts./etc/x", 7),
        ("workload/web.containers.web.args[1]", 10),
        ("workload/web.containers.web.args[7]", 8),
        ("workload/web.containers.web.env.A", 3),
        ("workload/web.nothing", 1),
    ] {
        assert_eq!(origins.place(path).unwrap().line, line, "{path}");
    }
    assert_eq!(origins.place("workload/other"), None);
    assert_eq!(origins.place("workload/web").unwrap().file, "web.yaml");
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        any::<String>(),
        "[ -~\n\t]{0,40}",
        "(|-|\\+)[0-9_:.eExXoObB]{0,12}",
        "(yes|no|on|off|true|null|~|<<|=|y|n|NaN|\\.inf|---|\\.\\.\\.|#|: |- |\\? |&a|\\*a|!a|\\||>|%a|@a|`)[ a:#]{0,3}",
        "( |\n|\t|a|#|:|-){0,12}",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_filter("JSON has no others", |number| number.is_finite()).prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((text.clone(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn json_round_trips(value in any_json()) {
        let text = to_string(&value).unwrap();
        let read = value_from_str(&text);
        prop_assert_eq!(read, Ok(value), "{}", text);
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _outcome = parse(&text);
    }

    #[test]
    fn any_almost_yaml_is_read_or_refused(text in "([a-c]|: |- |\n|  |\\[|\\]|\\{|\\}|, |&a |\\*a |\\*b |<<: |!|\\||>|'|\"|#|\\? |---\n){0,60}") {
        let (_, diagnostics) = from_str_typed::<Example>(&text, "f");
        let _outcome = diagnostics.len();
    }
}
