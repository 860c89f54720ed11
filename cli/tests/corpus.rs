//! What becomes of every field of the files of others: a golden for each platform, with the counts and the named paths.
//!
//! `RHUMB_BLESS=1` writes the goldens anew.

#![cfg(all(feature = "compose", feature = "kubernetes", feature = "marathon", feature = "ecs"))]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus")
}

/// The inputs below the folders and files of these names, each a file, or a folder as a whole.
fn inputs(names: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for name in names {
        let path = root().join(name.trim_end_matches('/'));
        if name.ends_with('/') {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            found.extend(entries.map(|entry| format!("{name}{}", entry.file_name().display())));
        } else if path.exists() {
            found.push((*name).to_owned());
        }
    }
    found.sort();
    found
}

/// Imports an input, and says what became of its fields.
fn account(folder: &Path, arguments: &[&str], input: &str) -> String {
    let path = root().join(input).display().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rhumb"));
    command.arg("import").args(arguments).arg(&path).args(["--out", "chart", "--force", "-o", "json"]);
    let output = command.current_dir(folder).env_clear().env("HOME", "/home/somebody").output();
    let output = output.expect("the program runs");
    let told = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return format!("{input}: {}", told.replace(&path, input));
    }
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["problems"], serde_json::json!([]), "{input}");
    sums(input, &report["counts"]) + &rest(&report)
}

fn sums(input: &str, counts: &Value) -> String {
    let count = |key: &str| counts[key].as_u64().expect("a number");
    let [carried, kept, own, lost] = ["carried", "kept", "own", "lost"].map(count);
    assert_eq!(count("fields"), carried + kept + own + lost, "{input}: {counts}");
    assert!(carried + kept > 0, "{input}: {counts}");
    format!("{input}: {} fields, {carried} carried, {kept} kept, {own} own, {lost} lost\n", count("fields"))
}

/// What is not carried, the same of several objects once.
fn rest(report: &Value) -> String {
    let mut found: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for object in report["objects"].as_array().expect("objects") {
        for rest in object["rest"].as_array().expect("the rest") {
            let text = |key: &str| rest[key].as_str().unwrap_or_default().to_owned();
            let key = format!("  {} {}: {}", text("fate"), text("path"), text("why"));
            let known = found.entry(key).or_default();
            *known = (known.0 + 1, known.1 + rest["fields"].as_u64().unwrap_or_default());
        }
    }
    found.iter().fold(String::new(), |mut text, (line, (objects, fields))| {
        let _ = writeln!(text, "{line} ({objects} objects, {fields} fields)");
        text
    })
}

#[expect(clippy::print_stdout, reason = "it says what it leaves out")]
fn check(golden: &str, arguments: &[&str], names: &[&str]) {
    let inputs = inputs(names);
    if inputs.is_empty() {
        println!("skipped: no corpus is beside this repository");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let found: String = inputs.iter().map(|input| account(folder.path(), arguments, input)).collect();
    let found = found.replace(&root().display().to_string(), "CORPUS");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/corpus/{golden}.txt"));
    if std::env::var_os("RHUMB_BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, &found).expect("a golden");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    let differing = expected.lines().zip(found.lines()).find(|(old, new)| old != new);
    assert!(expected == found, "{golden}: first {differing:?}; RHUMB_BLESS=1 writes it anew\n{found}");
}

#[test]
fn compose_files() {
    let names = [
        "compose/awesome/",
        "sock-shop/compose.yml",
        "sock-shop/swarm-stack.yml",
        "voting-app/compose.yml",
        "voting-app/swarm-stack.yml",
    ];
    check("compose", &["compose", "--profile", "*"], &names);
}

#[test]
fn manifests_of_kubernetes() {
    check("kubernetes", &["kubernetes", "-f"], &["sock-shop/kubernetes.yaml", "voting-app/kubernetes"]);
}

#[test]
fn apps_groups_and_pods_of_marathon() {
    let names = ["marathon/apps/", "marathon/groups/", "marathon/pods/", "sock-shop/marathon.json"];
    check("marathon", &["marathon", "-f"], &names);
}

#[test]
fn definitions_of_ecs() {
    check("ecs", &["ecs", "-f"], &["ecs/", "sock-shop/ecs-cloudformation.json"]);
}
