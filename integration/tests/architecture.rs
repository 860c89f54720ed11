//! The invariants of `docs/architecture.md` that the manifests show.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Which crates of ours a crate may depend on. Tests may use more.
const ARROWS: &[(&str, &[&str])] = &[
    ("rhumb-spec", &[]),
    ("rhumb-chart", &["rhumb-spec"]),
    ("rhumb-backend", &["rhumb-spec"]),
    ("rhumb-release", &["rhumb-spec", "rhumb-backend"]),
    ("rhumb-action", &["rhumb-spec", "rhumb-chart", "rhumb-backend", "rhumb-release", "rhumb-ferry"]),
    ("rhumb-ferry", &[]),
    ("rhumb-compose", &["rhumb-spec", "rhumb-backend"]),
    ("rhumb-memory", &["rhumb-spec", "rhumb-backend", "rhumb-release"]),
    ("rhumb-ecs", &["rhumb-spec", "rhumb-backend", "rhumb-release"]),
    ("rhumb-marathon", &["rhumb-spec", "rhumb-backend", "rhumb-release"]),
    ("rhumb-doubles", &["rhumb-spec"]),
    ("rhumb-kubernetes", &["rhumb-spec", "rhumb-backend", "rhumb-release"]),
    ("rhumb-swarm", &["rhumb-spec", "rhumb-backend", "rhumb-release"]),
    (
        "rhumb",
        &[
            "rhumb-spec",
            "rhumb-chart",
            "rhumb-backend",
            "rhumb-release",
            "rhumb-action",
            "rhumb-compose",
            "rhumb-ecs",
            "rhumb-ferry",
            "rhumb-kubernetes",
            "rhumb-marathon",
            "rhumb-memory",
            "rhumb-swarm",
        ],
    ),
];

/// The one crate that may know every other.
const FREE: &str = "rhumb-integration";

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn shipped_dependencies(package: &Value) -> BTreeSet<&str> {
    let dependencies = package["dependencies"].as_array().unwrap();
    let shipped = dependencies.iter().filter(|dependency| dependency["kind"] != "dev");
    shipped.filter_map(|dependency| dependency["name"].as_str()).collect()
}

#[test]
fn crates_depend_only_along_the_arrows() {
    let packages = packages();
    let names: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.iter().copied().collect();
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        if name == FREE {
            continue;
        }
        let allowed = arrows.get(name).unwrap_or_else(|| panic!("{name} has no line in the table of crates"));
        for dependency in shipped_dependencies(package).intersection(&names) {
            assert!(allowed.contains(dependency), "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn every_crate_obeys_the_workspace_lints() {
    for package in packages() {
        let manifest = package["manifest_path"].as_str().unwrap();
        let text = std::fs::read_to_string(manifest).unwrap();
        assert!(text.contains("[lints]\nworkspace = true"), "{manifest} has lints of its own");
    }
}

#[test]
fn pure_crates_reach_no_network_and_no_runtime() {
    let impure = ["tokio", "reqwest", "bollard", "async-trait"];
    for package in packages() {
        if !["rhumb-spec", "rhumb-chart"].contains(&package["name"].as_str().unwrap()) {
            continue;
        }
        let found = shipped_dependencies(&package);
        let bad: Vec<_> = impure.iter().filter(|name| found.contains(*name)).collect();
        assert!(bad.is_empty(), "{} depends on {bad:?}", package["name"]);
    }
}
