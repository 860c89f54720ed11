//! `rhumb import compose`, as a person would use it.

#![cfg(feature = "compose")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn rhumb(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rhumb"));
    command.args(arguments).current_dir(folder).env_clear().env("HOME", folder);
    command.output().expect("the program runs")
}

fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = rhumb(folder, arguments);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{arguments:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

fn fail(folder: &Path, arguments: &[&str]) -> String {
    let output = rhumb(folder, arguments);
    assert!(!output.status.success(), "{arguments:?} succeeds");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const SHOP: &str = r#"
services:
  web:
    image: "nginx:${TAG:-1.27}"
    ports: ["8080:80"]
    environment: { DATABASE: "postgres://db:5432/shop" }
    depends_on: { db: { condition: service_healthy } }
    volumes: ["./nginx.conf:/etc/nginx/nginx.conf:ro"]
    deploy: { replicas: 2, resources: { limits: { cpus: "0.5", memory: 128M } } }
    init: true
    container_name: web-1
  db:
    image: postgres:16
    secrets: [password]
    environment: { POSTGRES_PASSWORD_FILE: /run/secrets/password }
    healthcheck: { test: [CMD, pg_isready], interval: 5s }
    volumes: ["data:/var/lib/postgresql/data"]
  seed:
    image: seed:1
    profiles: [seed]
volumes: { data: {} }
secrets: { password: { file: ./password.txt } }
"#;

fn shop() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in
        [("compose.yaml", SHOP), ("nginx.conf", "events {}\n"), ("password.txt", "canary-password")]
    {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

#[test]
fn the_whole_report_is_told() {
    let folder = shop();
    let folder = folder.path();
    let report = succeed(folder, &["import", "compose", "--out", "shop"]);
    let expected = "Made shop of 5 object(s).
  in it: 1 configs, 1 secrets, 1 volumes, 2 workloads
  21 fields in: 17 carried, 1 kept for their own platform only, 0 of the platform's own, 3 lost.
  lost: all of it of service/seed: none of its profiles is chosen: import again with --profile
  lost: container_name of service/web: replicas have names of their own; siblings reach the service by its own name

warning: ./nginx.conf is a config now: what changes in the file beside the Compose file is not seen
  --> service/web.volumes.0 (FOLDER/compose.yaml:8)
  use: keep it in the chart; a Secret if it holds one

Everything is in shop/IMPORT.md. Then try
  cd shop
  rhumb lint .
  rhumb template shop . -f secrets.values.yaml --target swarm
";
    let found = report.replace(&fs::canonicalize(folder).expect("a path").display().to_string(), "FOLDER");
    assert_eq!(found, expected);
    succeed(folder, &["lint", "shop", "--strict", "-f", "shop/secrets.values.yaml"]);
    for target in ["swarm", "kubernetes", "memory"] {
        let rendered = succeed(
            folder,
            &["template", "shop", "shop", "-f", "shop/secrets.values.yaml", "--target", target],
        );
        assert!(rendered.contains("nginx:1.27") && rendered.contains("5432"), "{rendered}");
        assert!(!rendered.contains("canary-password"), "{rendered}");
    }
    let page = fs::read_to_string(folder.join("shop/IMPORT.md")).expect("the report");
    assert!(
        page.contains("- `init`: a patch under on.swarm.Service keeps it") && !page.contains("canary"),
        "{page}"
    );
}

#[test]
fn profiles_and_overrides_are_taken() {
    let folder = shop();
    let folder = folder.path();
    let over = "services:\n  web: { image: 'nginx:2', ports: !override ['9090:80'] }\n";
    fs::write(folder.join("compose.override.yaml"), over).expect("a file");
    succeed(folder, &["import", "compose", ".", "--profile", "seed", "--out", "shop"]);
    let values = fs::read_to_string(folder.join("shop/values.yaml")).expect("the values");
    assert!(values.contains("nginx:2") && values.contains("seed:1"), "{values}");
    assert!(values.contains("http: 9090") && !values.contains("8080"), "{values}");
}

#[test]
fn what_cannot_be_read_is_told_with_its_line_and_writes_nothing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let check = |text: &str, expected: &[&str]| {
        fs::write(folder.join("c.yaml"), text).expect("a file");
        let error = fail(folder, &["import", "compose", "c.yaml", "--out", "x"]);
        for part in expected {
            assert!(error.contains(part), "{part}: {error}");
        }
        assert!(!folder.join("x").exists(), "nothing is written");
    };
    check(
        "services:\n  a: { image: a, ports: ['${X:?give it}:80'] }\n",
        &["the variable `X` must be set: give it", "c.yaml:2"],
    );
    check("services:\n  a: { extends: { service: a } }\n", &["in a circle", "c.yaml:2"]);
    check(
        "services:\n  a: { image: a, env_file: [/dev/zero] }\n",
        &["cannot read /dev/zero", "no regular file"],
    );
    check("- a\n", &["the file holds no mapping"]);
    check(&"[".repeat(500), &["c.yaml:1"]);
}

#[test]
fn variables_are_values_and_those_without_a_default_must_be_given() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let text = "services:
  web:
    image: 'nginx:${NGINX_TAG:-1.27}'
    ports: ['${WEB_PORT:-8080}:80']
    environment: { LEVEL: '${LOG_LEVEL:-info}', KEY: 'k-${API_KEY:?ask the team}' }
";
    fs::write(folder.join("compose.yaml"), text).expect("a file");
    succeed(folder, &["import", "compose", "--out", "web"]);
    let values = fs::read_to_string(folder.join("web/values.yaml")).expect("the values");
    let expected = "apiKey: \"\"\n\nlogLevel: info\n\nnginxTag: \"1.27\"\n\nweb:\n  ports:\n    http: 8080\n";
    assert_eq!(values, expected);
    let error = fail(folder, &["template", "web", "web", "--target", "memory"]);
    assert!(error.contains("ask the team"), "{error}");
    let given = ["--set", "apiKey=12,nginxTag=2,web.ports.http=81", "--set-string", "logLevel=no"];
    let rendered = succeed(folder, &[&["template", "web", "web", "--target", "memory"], &given[..]].concat());
    for part in ["nginx:2", "k-12", "LEVEL: \"no\"", "port: 81"] {
        assert!(rendered.contains(part), "{part}: {rendered}");
    }
}

/// The Compose files of others that are there.
fn corpus() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus");
    let mut found: Vec<PathBuf> = ["sock-shop", "voting-app"]
        .iter()
        .flat_map(|app| ["compose.yml", "swarm-stack.yml"].map(|file| root.join(app).join(file)))
        .filter(|path| path.exists())
        .collect();
    let awesome = fs::read_dir(root.join("compose/awesome")).into_iter().flatten().flatten();
    found.extend(awesome.map(|entry| entry.path()));
    found.sort();
    found
}

#[test]
fn every_file_of_the_corpus_imports_with_every_field_accounted() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    let files = corpus();
    if files.is_empty() {
        println!("skipped: no corpus is beside this repository");
    }
    for (index, file) in files.iter().enumerate() {
        let (file, out) = (file.display().to_string(), format!("c{index}"));
        let report =
            succeed(folder, &["import", "compose", &file, "--profile", "*", "--out", &out, "-o", "json"]);
        let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
        let count = |key: &str| report["counts"][key].as_u64().expect("a number");
        let sum = count("carried") + count("kept") + count("own") + count("lost");
        assert_eq!(count("fields"), sum, "{file}: {}", report["counts"]);
        assert!(count("carried") > 0, "{file}");
        assert_eq!(report["problems"], serde_json::json!([]), "{file}");
        for target in ["swarm", "kubernetes"] {
            let secrets = format!("{out}/secrets.values.yaml");
            let given = ["template", "shop", out.as_str(), "--target", target, "-f", secrets.as_str()];
            let has_secrets = folder.join(&secrets).exists();
            let output = rhumb(folder, if has_secrets { &given } else { &given[..5] });
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{file} on {target}: {error}");
        }
    }
}
