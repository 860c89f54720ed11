//! What apps become, held against Marathon's published types, which are kept beside the repository.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test may panic, and says when it is skipped"
)]

use std::path::Path;

use rhumb_doubles::marathon::Schema;
use rhumb_spec::yaml;
use serde_json::json;

fn schema() -> Option<Schema> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/marathon/rest-api/types");
    if !folder.exists() {
        println!("skipped: Marathon's types are not beside this repository");
        return None;
    }
    Some(Schema::read(&folder).unwrap())
}

/// Bodies of the golden files of a folder, by file and object.
fn bodies(folder: &Path, found: &mut Vec<(String, serde_json::Value)>) {
    for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        if file.is_dir() {
            bodies(&file, found);
        } else if file.to_string_lossy().ends_with(".marathon.yaml") {
            let text = std::fs::read_to_string(&file).unwrap();
            for document in yaml::parse(&text).unwrap() {
                let document = document.to_value();
                let body = document.get("body").unwrap_or(&document);
                found.push((file.display().to_string(), body.clone()));
            }
        }
    }
}

#[test]
fn every_golden_app_and_pod_is_of_the_published_type() {
    let Some(schema) = schema() else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    bodies(&root.join("tests/golden"), &mut all);
    bodies(&root.join("../../integration/goldens"), &mut all);
    let (mut apps, mut wrong) = (0, Vec::new());
    for (file, body) in all {
        let is_pod = body.get("containers").is_some();
        let is_app = body.get("instances").is_some();
        if !is_pod && !is_app {
            continue;
        }
        apps += 1;
        let found = schema.violations(if is_pod { "pod.Pod" } else { "app.App" }, &body);
        wrong.extend(found.into_iter().map(|text| format!("{file} {}: {text}", body["id"])));
    }
    assert!(apps > 20, "only {apps} apps and pods were looked at");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_types_refuse_what_is_wrong() {
    let Some(schema) = schema() else { return };
    for (name, wrong) in [
        ("app.App", json!({ "id": "/web", "instances": "two" })),
        ("app.App", json!({ "id": "/web", "instancez": 2 })),
        (
            "app.App",
            json!({ "id": "/web", "container": { "docker": { "image": "a" }, "portMappings": [{ "containerPort": 70000 }] } }),
        ),
        ("pod.Pod", json!({ "id": "/web", "containers": [{ "name": "a" }] })),
    ] {
        assert!(!schema.violations(name, &wrong).is_empty(), "{wrong}");
    }
}
