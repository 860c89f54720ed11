//! The double of Marathon, driven by a client that others wrote, and fed with documents of others.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rhumb_doubles::marathon::{Double, Options, Part};
use rhumb_doubles::{has_modules, python};
use serde_json::Value;

/// The published RAML and examples, where they are.
const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/marathon");

fn options() -> Options {
    let mut options = Options::default().checked_by(format!("{CORPUS}/rest-api/types"));
    options.parts.insert(Part::Chronos);
    options
}

#[test]
fn the_python_client_finds_what_the_reference_says() {
    if !has_modules(&["marathon", "requests"]) {
        println!(
            "skipped: python3 has no marathon; integration/harness/aws/python.sh install makes one that has"
        );
        return;
    }
    let mut options = options();
    // The script looks at deployments while they run.
    options.pace.start = Duration::from_millis(200);
    let double = Double::start(options).expect("a double");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/marathon_flows.py");
    let output = Command::new(python())
        .args(["-I", script, &double.url()])
        .stdin(Stdio::null())
        .output()
        .expect("python starts");
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(said.contains("every flow ran"), "{said}");
}

/// Every document of a folder, by its file.
fn documents(folder: &str) -> Vec<(PathBuf, Value)> {
    let files = std::fs::read_dir(Path::new(CORPUS).join(folder)).into_iter().flatten();
    let paths = files.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    paths
        .filter_map(|path| {
            let text = std::fs::read_to_string(&path).ok()?;
            Some((path, serde_json::from_str(&text).ok()?))
        })
        .collect()
}

#[test]
fn what_others_deploy_is_taken_and_fits_the_published_types() {
    if !Path::new(CORPUS).is_dir() {
        println!("skipped: no corpus of Marathon documents is there");
        return;
    }
    let double = Double::start(options()).expect("a double");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for (folder, path) in [("apps", "/v2/apps"), ("groups", "/v2/groups"), ("pods", "/v2/pods")] {
        let documents = documents(folder);
        assert!(!documents.is_empty(), "{folder} has documents");
        for (file, body) in documents {
            let (url, id) =
                (format!("{}{path}", double.url()), body["id"].as_str().unwrap_or_default().to_owned());
            let (status, answer) = runtime.block_on(post(&url, &body));
            assert_eq!(status, 201, "{}: {answer}", file.display());
            let shown = runtime.block_on(get(&format!("{url}/{}", id.trim_start_matches('/'))));
            assert_eq!(shown, 200, "{id}");
        }
    }
    // Two of these documents hold what the types do not know: `requirePorts` inside of `docker`.
    let found: Vec<String> =
        double.violations().into_iter().filter(|text| !text.contains("/docker/requirePorts")).collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn what_the_types_do_not_take_is_noted() {
    if !Path::new(CORPUS).is_dir() {
        println!("skipped: no RAML types are there");
        return;
    }
    let double = Double::start(options()).expect("a double");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let body = serde_json::json!({
        "id": "/odd", "cmd": "x", "colour": "blue", "instances": 1.5,
        "container": { "type": "MESOS", "volumes": [{ "containerPath": "a", "mode": "RW", "persistent": { "type": "root" } }] },
    });
    runtime.block_on(post(&format!("{}/v2/apps", double.url()), &body));
    let found = double.violations();
    for part in [
        "/colour: is no field",
        "/instances: integer is expected",
        "/container/volumes/0/persistent/size: is missing",
    ] {
        assert!(
            found.iter().any(|text| text.starts_with("request") && text.ends_with(part)),
            "{part}: {found:?}"
        );
    }
}

async fn post(url: &str, body: &Value) -> (u16, String) {
    let answer = client().post(url).json(body).send().await.expect("an answer");
    (answer.status().as_u16(), answer.text().await.expect("a text"))
}

async fn get(url: &str) -> u16 {
    client().get(url).send().await.expect("an answer").status().as_u16()
}

fn client() -> reqwest::Client {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}
