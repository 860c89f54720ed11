//! What every first-party chart becomes on every backend, held against files that an operator would recognise.
//!
//! `RHUMB_BLESS=1` writes them anew; the difference is then the reviewer's to judge.

mod exported;
mod leaving;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use rhumb_action::{ActionError, ChartInputs, FactsFrom, TemplateRequest, ValueInput, ValueInputs, template};
use rhumb_backend::Backend;
use rhumb_ecs::Ecs;
use rhumb_kubernetes::Kubernetes;
use rhumb_marathon::Marathon;
use rhumb_memory::MemoryBackend;
use rhumb_spec::yaml;
use rhumb_swarm::Swarm;

/// A chart, the name of the case, and the values that make it.
const CASES: &[(&str, &str, &[&str])] = &[
    ("web", "default", &[]),
    (
        "web",
        "full",
        &[
            "replicas=3,port=3000,service.as=node,service.port=30080,service.traffic=local",
            "env.LOG_LEVEL=debug,secretEnv.TOKEN=canary,config.app\\.conf=listen 3000",
            "probe.exec={/bin/check,--fast},security.user=1000,security.readOnlyRoot=true",
            "command={/bin/web},args={--verbose}",
        ],
    ),
    ("redis", "default", &[]),
    ("redis", "cache", &["auth=false,persistence.enabled=false"]),
    ("postgres", "default", &[]),
    ("postgres", "tuned", &["config.max_connections=200,password=canary,persistence.class=local"]),
    ("sock-shop", "default", &[]),
    ("sock-shop", "persistent", &["persistence.enabled=true,loadTest.enabled=true,replicas=2"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the project").to_path_buf()
}

fn backends() -> Vec<Box<dyn Backend>> {
    let swarm = Swarm::new(rhumb_swarm::Settings::default(), rhumb_swarm::Environment::default())
        .expect("empty settings are valid");
    let kubernetes =
        Kubernetes::new(rhumb_kubernetes::Settings::default(), rhumb_kubernetes::Environment::default());
    let ecs = Ecs::new(rhumb_ecs::Settings::default(), rhumb_ecs::Environment::default());
    let marathon = Marathon::new(rhumb_marathon::Settings::default(), rhumb_marathon::Environment::default());
    vec![
        Box::new(MemoryBackend::in_memory()),
        Box::new(swarm),
        Box::new(kubernetes),
        Box::new(ecs),
        Box::new(marathon),
    ]
}

/// The platform's documents and the losses as one text, or what it refuses.
async fn text(backend: &dyn Backend, chart: &str, values: &[&str]) -> String {
    let request = TemplateRequest {
        name: chart.to_owned(),
        namespace: "default".to_owned(),
        inputs: ChartInputs {
            chart: root().join("charts").join(chart),
            values: ValueInputs(values.iter().map(|text| ValueInput::Set((*text).to_owned())).collect()),
            ..ChartInputs::default()
        },
        is_upgrade: false,
        facts: FactsFrom::Defaults,
    };
    let mut text = String::new();
    let templated = match template(backend, &request).await {
        Ok(templated) => templated,
        Err(ActionError::Diagnostics(found)) => {
            for line in found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n").lines() {
                let _ = writeln!(text, "# {line}");
            }
            return text;
        }
        Err(error) => panic!("{chart}: {error}"),
    };
    for loss in &templated.losses {
        let _ = writeln!(text, "# loss: {}: {} ({})", loss.path, loss.text, loss.feature);
    }
    for object in &templated.objects {
        let _ = writeln!(text, "---\n# {}", object.id);
        text.push_str(&yaml::to_string(&object.body).expect("a body is plain data"));
    }
    text
}

#[tokio::test]
async fn first_party_charts_become_what_they_were_seen_to_become() {
    let mut stale = Vec::new();
    for backend in backends() {
        for (chart, case, values) in CASES {
            let path = root().join(format!("integration/goldens/{chart}/{case}.{}.yaml", backend.name()));
            let text = text(backend.as_ref(), chart, values).await;
            assert!(!text.contains("canary"), "a secret value reached the objects of {chart}");
            if std::env::var_os("RHUMB_BLESS").is_some() {
                fs::create_dir_all(path.parent().expect("a folder")).expect("the folder of the goldens");
                fs::write(&path, &text).expect("a golden file");
            }
            if fs::read_to_string(&path).unwrap_or_default() != text {
                stale.push(path.display().to_string());
            }
        }
    }
    assert!(
        stale.is_empty(),
        "not as before (look at it, then run with RHUMB_BLESS=1):\n{}",
        stale.join("\n")
    );
}

#[test]
fn first_party_charts_lint_clean() {
    for (chart, case, values) in CASES {
        let request = rhumb_action::LintRequest {
            chart: root().join("charts").join(chart),
            values: ValueInputs(values.iter().map(|text| ValueInput::Set((*text).to_owned())).collect()),
        };
        let linted = rhumb_action::lint(&request).unwrap_or_else(|error| panic!("{chart}: {error}"));
        let found: Vec<String> = linted.diagnostics.iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "{chart} ({case}):\n{}", found.join("\n"));
    }
}
