//! Who leaves by a Compose file and comes back has the same services: what was exported and imported becomes the same
//! documents of Swarm, but for what the import reports as lost.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

const CHARTS: [&str; 4] = ["web", "redis", "postgres", "sock-shop"];

fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rhumb"));
    command.args(arguments).current_dir(folder).env_clear().env("HOME", folder);
    let output = command.output().expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// The documents of Swarm: services by name, and the contents of configs.
fn documents(folder: &Path, chart: &str, path: &str, more: &[&str]) -> (BTreeMap<String, Value>, Vec<Value>) {
    let words = ["template", chart, path, "--target", "swarm", "-o", "json"];
    let text = succeed(folder, &[&words[..], more].concat());
    let templated: Value = serde_json::from_str(&text).expect("JSON");
    let objects = templated["objects"].as_array().expect("objects");
    let of = |kind: &str| {
        let start = format!("{kind}/");
        objects.iter().filter(move |object| object["id"].as_str().is_some_and(|id| id.starts_with(&start)))
    };
    let name = |object: &Value| object["body"]["Name"].as_str().expect("a name").to_owned();
    let mut configs: Vec<Value> = of("config").map(|object| object["body"]["Data"].clone()).collect();
    configs.sort_by_key(Value::to_string);
    (of("service").map(|object| (name(object), plain(&object["body"]))).collect(), configs)
}

/// A spec without what follows the names of documents: the keys of configs and secrets are documents of their own.
fn plain(value: &Value) -> Value {
    const NAMES: [&str; 4] = ["ConfigID", "ConfigName", "SecretID", "SecretName"];
    match value {
        Value::Object(map) => {
            let is_plain = |key: &str| !NAMES.contains(&key) && !key.starts_with("rhumb.dev/");
            let kept = map.iter().filter(|(key, _)| is_plain(key));
            Value::Object(kept.map(|(key, value)| (key.clone(), field(key, value))).collect())
        }
        Value::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}

fn field(key: &str, value: &Value) -> Value {
    let mut value = plain(value);
    if let Some(items) = value.as_array_mut().filter(|_| matches!(key, "Secrets" | "Configs")) {
        items.sort_by_key(Value::to_string);
    }
    value
}

/// Takes the names on the release's own network out that the import reported as lost.
fn without_lost(services: &mut BTreeMap<String, Value>, report: &Value, stack: &str) -> usize {
    let mut lost = 0;
    for object in report["objects"].as_array().into_iter().flatten() {
        let rest = object["rest"].as_array().into_iter().flatten();
        let is_lost = |rest: &&Value| rest["fate"] == "lost" && rest["path"] == "networks.default.aliases";
        if rest.filter(is_lost).count() == 0 {
            continue;
        }
        let service = object["id"].as_str().and_then(|id| id.strip_prefix("service/")).expect("a service");
        let spec = services.get_mut(&format!("{stack}_{service}")).expect("it is among those of the release");
        spec["TaskTemplate"]["Networks"][0]["Aliases"] = json!([service]);
        lost += 1;
    }
    lost
}

#[test]
fn charts_come_back_through_compose() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    for chart in CHARTS {
        let source = format!("{}/../charts/{chart}", env!("CARGO_MANIFEST_DIR"));
        let (left, back) = (format!("left-{chart}"), format!("back-{chart}"));
        succeed(folder, &["export", "compose", &source, &left]);
        let file = format!("{left}/compose.yaml");
        let report = succeed(folder, &["import", "compose", &file, "--out", &back, "-o", "json"]);
        let report: Value = serde_json::from_str(&report).expect("JSON");
        let (mut before, configs) = documents(folder, chart, &source, &[]);
        let secrets = format!("{back}/secrets.values.yaml");
        let given = ["-f", secrets.as_str()];
        let more = if folder.join(&secrets).exists() { &given[..] } else { &[] };
        let (after, configs_after) = documents(folder, chart, &back, more);
        let lost = without_lost(&mut before, &report, chart);
        let shown =
            |services: &BTreeMap<String, Value>| serde_json::to_string_pretty(services).expect("JSON");
        assert_eq!(shown(&before), shown(&after), "{chart}");
        assert_eq!(configs, configs_after, "{chart}");
        let reported = report["counts"]["lost"].as_u64().expect("a number");
        assert_eq!(usize::try_from(reported), Ok(lost), "{chart}: all that is lost is known: {report}");
    }
}
