//! Requests of ECS, sent by the AWS CLI, and documents of Marathon, sent by curl; to doubles that hold each to the
//! published models.

use std::fs;
use std::path::Path;
use std::process::Command;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::{ChartFolder, ecs, marathon, trial};
use serde_json::Value;

use super::{chart, exported};

const ON_ECS: &str = "
kind: Workload
name: web
dependsOn: [prepare]
containers:
  web:
    image: rhumb-demo:1
    env: { TOKEN: { secret: web, key: token }, PRICE: '$5 and ${HOME}' }
    ports: { http: 8080 }
    mounts: { /etc/app: { config: look }, /data: { volume: data } }
networks: { back: {} }
expose: { http: { port: 80 } }
---
kind: Workload
name: prepare
mode: job
containers: { prepare: { image: 'rhumb-demo:1' } }
---
kind: Network
name: back
---
kind: Route
name: web
host: web.example
paths: { /: { workload: web, port: http } }
---
kind: Config
name: look
data: { colour: blue }
---
kind: Secret
name: web
generate: { token: {} }
---
kind: Volume
name: data
";

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial::needs_ecs("ecs::the_script_of_an_export_makes_everything", script),
        Trial::test("marathon::what_was_exported_is_taken", documents),
    ]
}

/// A folder with the AWS CLI of the Python that tests use; none where that has none.
fn aws_cli(folder: &Path) -> Option<()> {
    let python = std::env::var("RHUMB_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has_it = Command::new(&python).args(["-m", "awscli", "--version"]).output().ok()?.status.success();
    let program = folder.join("aws");
    let text = format!("#!/bin/sh\nexec '{python}' -m awscli \"$@\"\n");
    has_it.then(|| fs::write(&program, text).ok())??;
    let made = Command::new("chmod").arg("+x").arg(&program).status().ok()?;
    made.success().then_some(())
}

fn script() -> Result<(), Failed> {
    let double = ecs::double()?;
    let rhumb = ecs::rhumb(&double);
    let place = tempfile::tempdir()?;
    if aws_cli(place.path()).is_none() {
        return trial::skip("there is no AWS CLI");
    }
    let chart = ChartFolder::of(ON_ECS);
    let words = ["ecs", "--live", "--resolve-image", "never", "--name", "left", chart.argument()];
    let out = exported(&rhumb, &words, &place)?;
    require_clean(&out.join("deploy.sh"))?;
    let settings = double.settings();
    let text = |key: &str| settings[key].as_str().unwrap_or_default().to_owned();
    let run = || -> Result<String, String> {
        let mut command = Command::new("sh");
        command.arg("deploy.sh").current_dir(&out).env_clear().envs(ecs::environment());
        command.env("PATH", format!("{}:/usr/bin:/bin", place.path().display())).env("HOME", place.path());
        command.env("AWS_ENDPOINT_URL", text("endpointUrl")).env("AWS_DEFAULT_REGION", text("region"));
        let output = command.output().map_err(|error| error.to_string())?;
        let told = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if output.status.success() { Ok(told) } else { Err(told) }
    };
    let first = run()?;
    trial::require(first.contains("ecs create-service: services/web.json"), &first)?;
    // A second call makes nothing twice.
    let second = run()?;
    trial::require(!second.contains("create-"), &second)?;
    let items = ecs::items(&double, "default", "left")?;
    let service = items.iter().find(|item| item.kind == "service").ok_or("there is no service")?;
    trial::require(service.body["status"] == "ACTIVE", &service.body.to_string())?;
    trial::require(
        items.iter().all(|item| !item.tags.keys().any(|tag| tag.starts_with("rhumb.dev/"))),
        "a mark",
    )?;
    ecs::require_no_violations(&double).map_err(Failed::from)
}

/// shellcheck has nothing to say, where it is there.
fn require_clean(script: &Path) -> Result<(), Failed> {
    let Ok(output) = Command::new("shellcheck").arg(script).output() else { return Ok(()) };
    trial::require(output.status.success(), &String::from_utf8_lossy(&output.stdout))
}

fn documents() -> Result<(), Failed> {
    let double = marathon::double()?;
    let rhumb = marathon::rhumb(&double);
    for name in ["web", "redis", "sock-shop"] {
        let place = tempfile::tempdir()?;
        let out = exported(&rhumb, &["marathon", "--live", "--name", name, &chart(name)], &place)?;
        let readme = fs::read_to_string(out.join("README.md"))?;
        for line in readme.lines().filter(|line| line.starts_with("dcos ")) {
            send(&double.url(), &out, line)?;
        }
    }
    let there = marathon::wanted(&double);
    trial::require(there.contains_key("/default/sock-shop/front-end"), &format!("{:?}", there.keys()))?;
    marathon::require_no_violations(&double).map_err(Failed::from)
}

/// What a command of the DC/OS CLI sends.
fn send(url: &str, out: &Path, line: &str) -> Result<(), String> {
    let words: Vec<&str> = line.split(' ').filter(|word| *word != "<").collect();
    let (method, path, body) = match words.as_slice() {
        ["dcos", "security", "secrets", "create", "--file", file, at] => {
            let value = fs::read_to_string(out.join(file)).map_err(|error| error.to_string())?;
            (
                "PUT",
                format!("/secrets/v1/secret/default/{at}"),
                serde_json::json!({ "value": value }).to_string(),
            )
        }
        ["dcos", "marathon", kind, "add", file] => {
            let body = fs::read_to_string(out.join(file)).map_err(|error| error.to_string())?;
            let parsed: Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
            let id = parsed["id"].as_str().ok_or("it has an id")?;
            ("PUT", format!("/v2/{kind}s{id}"), body)
        }
        other => return Err(format!("unknown: {other:?}")),
    };
    let status = [
        "-s",
        "-o",
        "/dev/stderr",
        "-w",
        "%{http_code}",
        "-H",
        "Content-Type: application/json",
        "-d",
        &body,
    ];
    let output = Command::new("curl")
        .args(["-X", method, &format!("{url}{path}")])
        .args(status)
        .output()
        .map_err(|error| format!("curl: {error}"))?;
    let code = String::from_utf8_lossy(&output.stdout).into_owned();
    if code.starts_with('2') {
        return Ok(());
    }
    Err(format!("{line}: {code} {}", String::from_utf8_lossy(&output.stderr)))
}
