//! Whole commands, beside those of the peers that do the same: medians of paired runs, as a table.
//!
//! `RHUMB_TEST_BINARY` names the program, `HELM` a helm to compare with. Without an engine the part on releases is
//! left out.
#![expect(clippy::print_stdout, reason = "it says what it leaves out")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rhumb_integration::measure::{Line, factor, median, paired, print, text, timed};
use rhumb_integration::swarm::{Docker, Engine};
use rhumb_integration::workloads::{chart_of, compose_of, services_of};
use rhumb_integration::{Rhumb, trial};
use tempfile::TempDir;

/// Services of the release that is measured.
const SERVICES: u32 = 50;

fn main() {
    // `cargo test --benches` only asks whether it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let mut lines = vec![start_up(), memory(), parse_help()];
    lines.extend(sizes());
    lines.extend(comparisons());
    lines.extend(imports());
    lines.push(against_helm());
    match Engine::start() {
        Ok(engine) => lines.extend(releases(&engine)),
        Err(error) => println!("left out: install and upgrades of {SERVICES} services ({error})"),
    }
    print(&lines);
}

fn start_up() -> Line {
    let rhumb = Rhumb::memory();
    let time = median((0..50).map(|_| timed(rhumb.command(&["version"]))).collect());
    Line {
        what: "rhumb version".to_owned(),
        ours: text(time),
        peer: String::new(),
        ratio: String::new(),
        bound: "10 ms",
    }
}

fn parse_help() -> Line {
    let rhumb = Rhumb::memory();
    let time = median((0..50).map(|_| timed(rhumb.command(&["install", "--help"]))).collect());
    let what = "rhumb install --help".to_owned();
    Line { what, ours: text(time), peer: String::new(), ratio: String::new(), bound: "" }
}

fn memory() -> Line {
    let rhumb = Rhumb::memory();
    let inner = rhumb.command(&["version"]);
    let mut command = Command::new("/usr/bin/time");
    command.args(["-f", "%M"]).arg(inner.get_program()).args(inner.get_args());
    let peak = command
        .stdout(Stdio::null())
        .output()
        .ok()
        .and_then(|output| String::from_utf8_lossy(&output.stderr).trim().parse::<f64>().ok())
        .map_or("no /usr/bin/time here".to_owned(), |kibibytes| format!("{:.1} MiB", kibibytes / 1024.0));
    let what = "rhumb version, peak memory".to_owned();
    Line { what, ours: peak, peer: String::new(), ratio: String::new(), bound: "20 MiB" }
}

/// `rhumb template` as a whole, to see how it grows.
fn sizes() -> Vec<Line> {
    let rhumb = Rhumb::memory();
    let mut before: Option<Duration> = None;
    let mut lines = Vec::new();
    for (count, runs, bound) in
        [(10, 15, ""), (100, 15, ""), (1_000, 7, "250 ms; 12 times 100"), (5_000, 3, "")]
    {
        let chart = chart_of(count);
        let arguments = ["template", "bench", chart.path().to_str().unwrap_or_default(), "--target", "swarm"];
        let time = median((0..runs).map(|_| timed(rhumb.command(&arguments))).collect());
        let ratio =
            before.map_or(String::new(), |before| format!("{:.1} × the line above", factor(time, before)));
        before = Some(time);
        lines.push(Line {
            what: format!("rhumb template, {count} workloads"),
            ours: text(time),
            peer: String::new(),
            ratio,
            bound,
        });
    }
    lines
}

/// `rhumb compare` of 200 services on every platform as a whole, in each of its forms.
fn comparisons() -> Vec<Line> {
    let rhumb = Rhumb::memory();
    let chart = chart_of(200);
    let forms = ["table", "json", "html"];
    let line = |form: &str| {
        let arguments = ["compare", chart.argument(), "-o", form];
        let time = median((0..7).map(|_| timed(rhumb.command(&arguments))).collect());
        let what = format!("rhumb compare, 200 services on every platform, -o {form}");
        Line { what, ours: text(time), bound: "2 s", ..Line::default() }
    };
    forms.into_iter().map(line).collect()
}

/// A Compose file of 200 services on its way: import, comparison on every platform, and the plan of a first install. The
/// three together have 2 s.
fn imports() -> Vec<Line> {
    let rhumb = Rhumb::memory();
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (file, chart) = (path("compose.yaml"), path("chart"));
    std::fs::write(&file, services_of(200)).expect("a Compose file");
    let steps: [(&str, &[&str]); 3] = [
        ("import compose", &["import", "compose", &file, "--out", &chart, "--force"]),
        ("compare on every platform", &["compare", &chart]),
        ("install --dry-run", &["install", "shop", &chart, "--dry-run"]),
    ];
    let mut sum = Duration::ZERO;
    let mut lines = Vec::new();
    for (name, arguments) in steps {
        rhumb.succeed(arguments).expect("a step that works");
        let time = median((0..7).map(|_| timed(rhumb.command(arguments))).collect());
        sum += time;
        lines.push(Line {
            what: format!("{name}, 200 services of Compose"),
            ours: text(time),
            ..Line::default()
        });
    }
    let what = "import, compare and plan of 200 services together".to_owned();
    lines.push(Line { what, ours: text(sum), bound: "2 s", ..Line::default() });
    lines
}

fn against_helm() -> Line {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let what = "template of sock-shop (helm template)".to_owned();
    let bound = "0.25";
    let Some(helm) = std::env::var_os("HELM") else {
        return Line {
            what,
            ours: String::new(),
            peer: "no helm here".to_owned(),
            ratio: String::new(),
            bound,
        };
    };
    let rhumb = Rhumb::memory();
    let ours = here.join("../charts/sock-shop");
    let theirs = here.join("benches/helm/sock-shop");
    let pairs = (0..41).map(|_| {
        let one = timed(rhumb.command(&["template", "shop", &ours.to_string_lossy(), "--target", "swarm"]));
        let mut command = Command::new(&helm);
        command.arg("template").arg("shop").arg(&theirs);
        (one, timed(command))
    });
    paired(what, pairs.collect(), bound)
}

/// A folder with the Compose file and its configs.
fn stack_files() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for number in 0..SERVICES {
        let file = folder.path().join(format!("web-{number}.conf"));
        std::fs::write(file, format!("number = {number}")).expect("a config");
    }
    std::fs::write(folder.path().join("same.yaml"), compose_of(SERVICES, None)).expect("a stack");
    folder
}

fn releases(engine: &Engine) -> Vec<Line> {
    let rhumb = Rhumb::swarm(engine.host());
    let docker = engine.docker();
    let chart = chart_of(SERVICES);
    let chart = chart.path().to_str().unwrap_or_default().to_owned();
    let files = stack_files();
    let deploy = |file: &str| {
        let mut command = Command::new("docker");
        command.args([
            "-H",
            engine.host(),
            "stack",
            "deploy",
            "--resolve-image",
            "never",
            "--detach=true",
            "-c",
        ]);
        command.arg(files.path().join(file)).arg("bench-docker");
        command
    };
    let ours = |verb: &str, set: &str| {
        let more = ["--resolve-image", "never", "--set", set];
        rhumb.command(&[&[verb, "bench", chart.as_str()], &more[..]].concat())
    };

    let mut installs = Vec::new();
    for _ in 0..3 {
        let one = timed(ours("install", "changed=-1"));
        settle(docker, "bench");
        rhumb.succeed(&["uninstall", "bench", "--wait"]).expect("uninstall");
        let other = timed(deploy("same.yaml"));
        settle(docker, "bench-docker");
        docker.run(&["stack", "rm", "bench-docker"]).expect("stack rm");
        trial::require_nothing_of(docker, "bench-docker").expect("a clean swarm");
        installs.push((one, other));
    }
    timed(ours("install", "changed=-1"));
    timed(deploy("same.yaml"));
    settle(docker, "bench");
    settle(docker, "bench-docker");
    let nothing =
        (0..11).map(|_| (timed(ours("upgrade", "changed=-1")), timed(deploy("same.yaml")))).collect();
    let mut single = Vec::new();
    for number in 0..7 {
        let file = format!("changed-{number}.yaml");
        std::fs::write(files.path().join(&file), compose_of(SERVICES, Some(number))).expect("a stack");
        single.push((timed(ours("upgrade", &format!("changed={number}"))), timed(deploy(&file))));
        settle(docker, "bench");
        settle(docker, "bench-docker");
    }
    rhumb.succeed(&["uninstall", "bench", "--wait"]).expect("uninstall");
    docker.run(&["stack", "rm", "bench-docker"]).expect("stack rm");
    vec![
        paired(format!("install of {SERVICES} services (docker stack deploy)"), installs, ""),
        paired(format!("upgrade of {SERVICES} services, no change (same)"), nothing, "0.5"),
        paired(format!("upgrade of {SERVICES} services, one change (same)"), single, ""),
    ]
}

/// Waits until every service has its replica.
fn settle(docker: &Docker, stack: &str) {
    let ready = trial::eventually("settled stack", || {
        let replicas = docker.lines(&["stack", "services", stack, "--format", "{{.Replicas}}"])?;
        let waiting = replicas.iter().filter(|replicas| *replicas != "1/1").count();
        if waiting == 0 { Ok(()) } else { Err(format!("{waiting} services of {stack} have no replica")) }
    });
    ready.expect("the stack runs");
}
