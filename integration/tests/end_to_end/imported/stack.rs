//! A stack that `docker stack deploy` made, as a chart, beside the stack.

use libtest_mimic::{Failed, Trial};
use rhumb_integration::{Rhumb, trial};
use serde_json::Value;

const STACK: &str = "
services:
  web:
    image: rhumb-demo:1
    stop_grace_period: 1s
    environment: { MODE: fast, DATABASE: 'http://db:8080' }
    ports: ['31190:8080']
    init: true
    labels: { tier: front }
    networks: { front: {}, back: { aliases: [site] } }
    configs: [{ source: look, target: /etc/look, mode: 0440 }]
    secrets: [password]
    healthcheck: { test: ['CMD', 'true'], interval: 1s, retries: 2, start_period: 1s }
    deploy:
      replicas: 2
      labels: { owner: team }
      update_config: { parallelism: 1, order: start-first, failure_action: rollback }
      restart_policy: { condition: any, delay: 1s }
      resources: { limits: { memory: 64M } }
      placement: { constraints: ['node.role == manager'] }
  db:
    image: rhumb-demo:1
    stop_grace_period: 1s
    networks: [back]
    volumes: ['data:/data']
    tmpfs: ['/cache']
    healthcheck: { disable: true }
    cap_drop: [NET_RAW]
    ulimits: { nofile: 2048 }
configs: { look: { file: ./look.txt } }
secrets: { password: { file: ./password.txt } }
volumes: { data: {} }
networks:
  front: {}
  back: { internal: true, driver_opts: { encrypted: '' } }
";

pub(super) fn trials() -> Vec<Trial> {
    vec![trial::needs_swarm("a_stack_of_docker_becomes_a_release", taken_over)]
}

/// The stack is imported, and installed beside itself under another name; both have the same services.
fn taken_over() -> Result<(), Failed> {
    let engine = trial::engine()?;
    let (rhumb, docker) = (Rhumb::swarm(engine.host()), engine.docker());
    let folder = tempfile::tempdir()?;
    for (name, text) in [("stack.yaml", STACK), ("look.txt", "blue"), ("password.txt", "canary-stack")] {
        std::fs::write(folder.path().join(name), text)?;
    }
    let file = folder.path().join("stack.yaml").display().to_string();
    let deploy = ["stack", "deploy", "--detach=true", "--resolve-image", "never", "-c", &file, "foreign"];
    docker.run(&deploy)?;
    let chart = folder.path().join("chart").display().to_string();
    let report = rhumb.json(&["import", "swarm", "--stack", "foreign", "--out", &chart])?;
    require_accounts(&report)?;
    rhumb.succeed(&["lint", &chart])?;
    let install = ["install", "own", &chart, "--resolve-image", "never"];
    let other_port = ["--set", "web.ports.p8080=31191"];
    rhumb.succeed(&[&install[..], &other_port, &["--wait"]].concat())?;
    for service in ["web", "db"] {
        let [theirs, ours] =
            ["foreign", "own"].map(|stack| docker.inspect("service", &format!("{stack}_{service}")));
        require_same(&theirs?["Spec"], &ours?["Spec"])?;
    }
    let upgrade = ["upgrade", "own", &chart, "--resolve-image", "never"];
    let again = rhumb.json(&[&upgrade[..], &other_port].concat())?;
    trial::require(again["plan"]["steps"].as_array().is_some_and(Vec::is_empty), &again.to_string())?;
    rhumb.succeed(&["uninstall", "own", "--wait"])?;
    docker.run(&["stack", "rm", "foreign"])?;
    trial::require_nothing_of(docker, "own")?;
    trial::require_nothing_of(docker, "foreign")
}

/// Every field is accounted for, and what is lost is said.
fn require_accounts(report: &Value) -> Result<(), Failed> {
    let count = |key: &str| report["counts"][key].as_u64().unwrap_or_default();
    let sum = count("carried") + count("kept") + count("own") + count("lost");
    trial::require(sum == count("fields") && count("carried") > 60, &report["counts"].to_string())?;
    let rest =
        report["objects"].as_array().into_iter().flatten().filter_map(|object| object["rest"].as_array());
    let lost: Vec<&str> = rest
        .flatten()
        .filter(|rest| rest["fate"] == "lost")
        .filter_map(|rest| rest["path"].as_str())
        .collect();
    trial::require(!report.to_string().contains("canary-stack"), "the secret is in the report")?;
    trial::require(
        lost.iter().all(|path| path.contains("IPAM") || path.starts_with("Data")),
        &format!("{lost:?}"),
    )
}

/// What the two services have in common, by Swarm's own word.
fn require_same(theirs: &Value, ours: &Value) -> Result<(), Failed> {
    const FIELDS: &[&str] = &[
        "/Mode",
        "/UpdateConfig/Parallelism",
        "/UpdateConfig/Order",
        "/UpdateConfig/FailureAction",
        "/TaskTemplate/Resources/Limits/MemoryBytes",
        "/TaskTemplate/RestartPolicy/Delay",
        "/TaskTemplate/ContainerSpec/Image",
        "/TaskTemplate/ContainerSpec/Healthcheck/Test",
        "/TaskTemplate/ContainerSpec/Healthcheck/Retries",
        "/TaskTemplate/ContainerSpec/Init",
        "/TaskTemplate/ContainerSpec/CapabilityDrop",
        "/TaskTemplate/ContainerSpec/Ulimits",
        "/TaskTemplate/ContainerSpec/StopGracePeriod",
        "/TaskTemplate/ContainerSpec/Configs/0/File",
        "/TaskTemplate/ContainerSpec/Secrets/0/File",
    ];
    for field in FIELDS {
        let [theirs, ours] = [theirs, ours].map(|spec| spec.pointer(field).unwrap_or(&Value::Null));
        trial::require(theirs == ours, &format!("{field}: {theirs} is {ours}"))?;
    }
    let env = |spec: &Value| {
        let list = spec["TaskTemplate"]["ContainerSpec"]["Env"].as_array().cloned().unwrap_or_default();
        let mut list: Vec<String> = list.iter().map(Value::to_string).collect();
        list.sort();
        list
    };
    trial::require(env(theirs) == env(ours), &format!("{:?} is {:?}", env(theirs), env(ours)))
}
