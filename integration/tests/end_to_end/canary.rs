//! Secret values planted wherever one can enter must come out nowhere.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use libtest_mimic::{Failed, Trial};
use rhumb_integration::swarm::Docker;
use rhumb_integration::{ChartFolder, Ended, Rhumb, trial};

/// Each enters at another place.
const CANARIES: [&str; 6] = [
    "canary-in-values-file-Zk3x",
    "canary-on-command-line-Qw7v",
    "canary-in-set-file-Hj2m",
    "canary-in-template-Bn5t",
    "canary-in-registry-config-Rt8y",
    "canary-in-chart-defaults-Lp4d",
];

const APP: &str = "
kind: Workload
name: web
containers:
  web:
    image: {{ values.image }}
    command: [/demo, serve]
    env: { PASSWORD: { secret: web, key: file }, REVISION: '{{ values.revision }}' }
    mounts: { /run/web: { secret: web } }
---
kind: Secret
name: web
data:
  default: {{ values.secrets.default }}
  file: {{ values.secrets.file }}
  line: {{ values.secrets.line }}
  set-file: {{ values.secrets.setFile }}
  literal: canary-in-template-Bn5t
generate: { made: {} }
template: { url: 'postgres://app:{file}@db/{made}' }
";

const SCHEMA: &str = r#"{ "type": "object", "properties": { "secrets": { "type": "object", "additionalProperties":
  { "type": "string", "writeOnly": true } } } }"#;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial::needs_swarm("no_secret_comes_out_of_the_swarm", on_swarm),
        Trial::test("no_secret_comes_out_of_memory", on_memory),
    ]
}

fn chart() -> ChartFolder {
    let defaults = "image: rhumb-demo:1\nrevision: one\nsecrets:\n  default: canary-in-chart-defaults-Lp4d\n  file: ''\n  line: ''\n  setFile: ''\n";
    ChartFolder::of(APP)
        .with("values.yaml", defaults)
        .with("values.schema.json", SCHEMA)
        .with("user.yaml", "secrets: { file: canary-in-values-file-Zk3x }\n")
        .with("secret.txt", "canary-in-set-file-Hj2m")
}

/// Uses a release in every way and returns everything that was printed.
fn use_it(rhumb: &Rhumb, chart: &ChartFolder) -> Result<Vec<Ended>, Failed> {
    let path = |file: &str| chart.path().join(file).to_string_lossy().into_owned();
    let (user, set_file) = (path("user.yaml"), format!("secrets.setFile={}", path("secret.txt")));
    let inputs = ["-f", &user, "--set", "secrets.line=canary-on-command-line-Qw7v", "--set-file", &set_file];
    let folder = chart.argument();
    let deploy =
        |verb: &[&str], more: &[&str]| rhumb.run(&[verb, &["leaky", folder], &inputs, more].concat());
    let mut ended = vec![
        deploy(&["template"], &[]),
        deploy(&["install"], &["--dry-run", "-o", "json"]),
        deploy(&["install"], &["--wait", "-o", "json"]),
        deploy(&["diff"], &["--set", "revision=two"]),
        deploy(&["upgrade"], &["--wait", "--set", "revision=two"]),
        deploy(&["upgrade"], &["--wait", "--set", "secrets.line=canary-on-command-line-Qw7v2", "-o", "yaml"]),
    ];
    let good = ended.iter().all(|ended| ended.code == Some(0));
    trial::require(good, &ended.iter().map(ToString::to_string).collect::<String>())?;
    for what in ["values", "manifest", "app", "notes", "losses", "all"] {
        for format in ["table", "json", "yaml"] {
            ended.push(rhumb.run(&["get", what, "leaky", "-o", format]));
        }
    }
    for verb in ["status", "history", "ps"] {
        ended.push(rhumb.run(&[verb, "leaky", "-o", "json"]));
    }
    ended.push(rhumb.run(&["rollback", "leaky", "1", "--wait", "-o", "json"]));
    // Errors that quote what a user wrote.
    ended.push(deploy(&["upgrade"], &["--set", "secrets=canary-on-command-line-Qw7v"]));
    ended.push(deploy(&["upgrade"], &["--set", "image=rhumb-nowhere:1", "--wait", "--timeout", "20s"]));
    ended.push(deploy(&["lint"], &[]));
    chart.write("templates/app.yaml", &APP.replace("data:", "dat:"));
    ended.push(deploy(&["upgrade"], &[]));
    chart.write(
        "templates/app.yaml",
        &APP.replace("literal: ", "literal: [").replace("generate:", "  generate:"),
    );
    ended.push(deploy(&["upgrade"], &[]));
    chart.write(
        "templates/app.yaml",
        &APP.replace("REVISION: '{{ values.revision }}'", "LEAK: '{{ values.secrets.file }}'"),
    );
    ended.push(deploy(&["upgrade"], &[]));
    Ok(ended)
}

fn on_swarm() -> Result<(), Failed> {
    let engine = trial::engine()?;
    let rhumb = Rhumb::swarm(engine.host());
    registry_login(rhumb.home())?;
    let chart = chart();
    let ended = use_it(&rhumb, &chart)?;
    require_silence("the output", &texts(&ended))?;
    require_silence("the swarm", &swarm_state(engine.docker())?)?;
    require_silence("the home", &files(rhumb.home(), "config.json")?)?;
    // The secrets did arrive where they belong.
    rhumb.succeed(&["rollback", "leaky", "1", "--wait"])?;
    let container = engine.docker().containers("leaky_web")?;
    let container = container.first().ok_or("no container runs")?;
    let file = engine.docker().exec(container, &["cat", "/run/web/set-file"])?;
    trial::require(file == "canary-in-set-file-Hj2m", &file)?;
    rhumb.succeed(&["uninstall", "leaky", "--wait"])?;
    trial::require_nothing_of(engine.docker(), "leaky")
}

fn on_memory() -> Result<(), Failed> {
    let rhumb = Rhumb::memory();
    registry_login(rhumb.home())?;
    let ended = use_it(&rhumb, &chart())?;
    require_silence("the output", &texts(&ended))?;
    require_silence("the home", &files(rhumb.home(), "config.json")?)
}

/// Credentials for a registry, as `docker login` leaves them.
fn registry_login(home: &Path) -> Result<(), Failed> {
    let folder = home.join(".docker");
    fs::create_dir_all(&folder)?;
    let mut file = fs::File::create(folder.join("config.json"))?;
    let auth = BASE64_STANDARD.encode("ada:canary-in-registry-config-Rt8y");
    write!(file, r#"{{ "auths": {{ "https://index.docker.io/v1/": {{ "auth": "{auth}" }} }} }}"#)?;
    Ok(())
}

fn texts(ended: &[Ended]) -> Vec<(String, String)> {
    // The arguments are ours and hold canaries on purpose.
    ended.iter().map(|ended| (ended.arguments.clone(), ended.all())).collect()
}

/// Whatever the engine tells to those who ask it, and the records in clear.
fn swarm_state(docker: &Docker) -> Result<Vec<(String, String)>, String> {
    let mut state = Vec::new();
    for kind in ["service", "config", "secret", "network"] {
        for id in docker.lines(&[kind, "ls", "-q"])? {
            let object = match docker.inspect(kind, &id) {
                // Other tests remove theirs at the same time.
                Err(error) if error.contains("not found") => continue,
                inspected => inspected?,
            };
            let data = object["Spec"]["Data"].as_str().unwrap_or_default();
            state.push((format!("{kind} {id}"), object.to_string()));
            state.push((format!("data of {kind} {id}"), text_of(data)));
        }
    }
    Ok(state)
}

/// The text of every file below a folder, but for one of this name.
fn files(folder: &Path, but: &str) -> Result<Vec<(String, String)>, Failed> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path, but)?);
        } else if path.file_name().is_some_and(|name| name != but) {
            found.push((path.display().to_string(), String::from_utf8_lossy(&fs::read(&path)?).into_owned()));
        }
    }
    Ok(found)
}

fn require_silence(whose: &str, texts: &[(String, String)]) -> Result<(), Failed> {
    for (place, text) in texts {
        for canary in CANARIES {
            // Base64 of a longer text may begin the canary at any of three offsets.
            let inner = (0..3)
                .map(|offset| BASE64_STANDARD.encode(&canary[offset..]))
                .map(|code| code[..code.len() - 4].to_owned());
            for form in std::iter::once(canary.to_owned()).chain(inner) {
                if text.contains(&form) {
                    return Err(format!("{whose} shows {canary} as {form} in {place}:\n{text}").into());
                }
            }
        }
    }
    Ok(())
}

/// Bytes in base64, as text where they are text.
fn text_of(data: &str) -> String {
    String::from_utf8_lossy(&BASE64_STANDARD.decode(data).unwrap_or_default()).into_owned()
}
