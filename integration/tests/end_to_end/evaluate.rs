//! The same script on live targets: what is measured is there, requests are counted, and nothing is left.

use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::{ChartFolder, Ended, Platform, Rhumb, trial};
use serde_json::{Value, json};

/// Requests a second.
const RATE: f64 = 40.0;

/// The release of every evaluation of the test's chart.
const RELEASE: &str = "test-evaluation";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Platform::Kubernetes.trial("evaluate::a_rolling_update_keeps_answering", keeps_answering),
        Platform::Swarm.trial("evaluate::what_is_recreated_loses_requests", loses_requests),
        Platform::Swarm.trial("evaluate::a_failed_update_keeps_what_it_lost", fails_under_load),
        Platform::Kubernetes
            .trial("evaluate::what_nobody_reaches_is_loaded_through_a_tunnel", through_tunnel),
        Platform::Swarm.trial("evaluate::what_a_killed_one_leaves_goes_as_it_says", killed),
        trial::needs_ecs("evaluate::two_targets_at_once", two_at_once),
        Trial::test("memory::evaluate::interrupted", interrupted),
        Trial::test("memory::evaluate::two_of_one_name_leave_each_other_alone", two_of_one_name),
    ]
}

/// A page on a port of the nodes. `update` says whether old replicas go before new ones come.
fn chart(port: u16, traffic: &str, replicas: u32, update: &str) -> ChartFolder {
    page(replicas, &format!("port: {port}, as: node, traffic: {traffic}"), update)
}

/// A page that is reached in one way.
fn page(replicas: u32, exposed: &str, update: &str) -> ChartFolder {
    let app = format!(
        "kind: Workload
name: web
replicas: {replicas}
containers:
  web:
    image: '{{{{ values.image }}}}'
    ports: {{ http: 8080 }}
    probes: {{ ready: {{ http: /healthz, port: http, period: 1s }} }}
    stop: {{ grace: 1s }}
expose: {{ http: {{ {exposed} }} }}
update: {update}
"
    );
    ChartFolder::of(&app).with("values.yaml", "image: rhumb-demo:1\n")
}

/// A phase of the first round of the first target.
fn phase<'a>(evaluation: &'a Value, name: &str) -> Result<&'a Value, Failed> {
    let measured = evaluation["targets"][0]["rounds"][0]["measurements"].as_array();
    let found = measured.into_iter().flatten().find(|measurement| measurement["phase"] == name);
    found.ok_or_else(|| format!("no {name} in {evaluation:#}").into())
}

fn number(value: &Value, at: &str) -> Result<f64, Failed> {
    value.pointer(at).and_then(Value::as_f64).ok_or_else(|| format!("no {at} in {value:#}").into())
}

/// As many requests were sent as the rate says, and each is counted once.
fn require_plausible(measurement: &Value) -> Result<(), Failed> {
    let of = |name: &str| number(measurement, &format!("/load/{name}"));
    let (sent, seconds) = (of("requests")?, of("seconds")?);
    let is_kept = (sent - seconds * RATE).abs() <= 2.0 + seconds * RATE * 0.05;
    trial::require(is_kept, &format!("{sent} requests in {seconds} s: {measurement:#}"))?;
    // A little before the phase until a little after it.
    let took = number(measurement, "/seconds")?;
    trial::require((1.9..3.0).contains(&(seconds - took)), &format!("{measurement:#}"))?;
    let lost = of("timeouts")? + of("brokenConnections")? + of("serverErrors")? + of("refusals")?;
    let adds_up = (lost - of("lost")?).abs() < 0.5 && (sent - lost - of("answered")?).abs() < 0.5;
    trial::require(adds_up, &format!("{measurement:#}"))
}

/// New replicas are ready before old ones go: hardly a request is lost.
fn keeps_answering(platform: Platform) -> Result<(), Failed> {
    let place = platform.place("evaluate-keeps")?;
    let rhumb = place.rhumb();
    let chart = chart(30_917, "cluster", 2, "{ maxSurge: 1, maxUnavailable: 0 }");
    let out = rhumb.home().join("out");
    let folder = out.to_str().ok_or("a plain path")?;
    let evaluation = rhumb.json(&[
        "evaluate",
        chart.argument(),
        "--rounds",
        "1",
        "--rate",
        "40",
        "--path",
        "/healthz",
        "--out",
        folder,
    ])?;
    for name in ["install", "noOp", "update", "scaleUp", "scaleDown", "recovery", "uninstall"] {
        trial::require(phase(&evaluation, name)?["outcome"] == "done", &format!("{name}: {evaluation:#}"))?;
    }
    for name in ["update", "scaleUp", "scaleDown", "recovery"] {
        require_plausible(phase(&evaluation, name)?)?;
    }
    let update = phase(&evaluation, "update")?;
    let (lost, sent) = (number(update, "/load/lost")?, number(update, "/load/requests")?);
    trial::require(lost <= sent * 0.1, &format!("{update:#}"))?;
    trial::require(number(update, "/load/worstGapSeconds")? < 1.0, &format!("{update:#}"))?;
    require_files(&out, &evaluation)?;
    place.require_nothing_of(RELEASE)
}

/// The files say the same as what was printed.
fn require_files(folder: &std::path::Path, evaluation: &Value) -> Result<(), Failed> {
    let raw: Value = serde_json::from_str(&fs::read_to_string(folder.join("raw.json"))?)?;
    trial::require(raw == *evaluation, "raw.json is not what was printed")?;
    let csv = fs::read_to_string(folder.join("raw.csv"))?;
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    trial::require(lines.len() == 8 && lines.iter().all(|line| line.len() == lines[0].len()), &csv)?;
    let lost = lines[0].iter().position(|name| *name == "lost").ok_or("a column of what was lost")?;
    let update = lines.iter().find(|line| line[4] == "update").ok_or("a line of the update")?;
    let same = json!(update[lost].parse::<u64>()?) == phase(evaluation, "update")?["load"]["lost"];
    trial::require(same, &csv)?;
    let page = fs::read_to_string(folder.join("report.html"))?;
    trial::require(page.matches("class=\"dot\"").count() == 8, "a dot for each phase, and one in the legend")
}

/// The only replica goes before the next one comes, and a killed one is waited for: requests are lost, and counted.
fn loses_requests(platform: Platform) -> Result<(), Failed> {
    let place = platform.place("evaluate-loses")?;
    let chart = chart(30_918, "local", 1, "{ maxSurge: 0, maxUnavailable: 1 }");
    let arguments =
        ["evaluate", chart.argument(), "--rounds", "1", "--rate", "40", "--phases", "update,recovery"];
    let evaluation = place.rhumb().json(&arguments)?;
    for name in ["update", "recovery"] {
        let measurement = phase(&evaluation, name)?;
        trial::require(measurement["outcome"] == "done", &format!("{evaluation:#}"))?;
        require_plausible(measurement)?;
        let (lost, gap) = (number(measurement, "/load/lost")?, number(measurement, "/load/worstGapSeconds")?);
        // Nobody answers for so long, so about so many requests are lost.
        let is_real = gap >= 0.3 && lost >= gap * RATE * 0.5 && lost <= 2.0 + (gap + 2.0) * RATE;
        trial::require(is_real, &format!("{measurement:#}"))?;
    }
    let version = &evaluation["targets"][0]["about"][0];
    trial::require(version[0] == "engine", &version.to_string())?;
    place.require_nothing_of(RELEASE)
}

/// An update to an image that nobody has takes the only replica away: it fails, and what was lost meanwhile is told.
fn fails_under_load(platform: Platform) -> Result<(), Failed> {
    let place = platform.place("evaluate-fails")?;
    let rhumb = place.rhumb();
    let chart = chart(30_919, "local", 1, "{ maxSurge: 0, maxUnavailable: 1 }");
    let csv = rhumb.home().join("raw.csv");
    let file = csv.to_str().ok_or("a plain path")?;
    let script = ["--release", "failing-evaluation", "--rounds", "1", "--rate", "40", "--phases", "update"];
    let update = ["--update-set", "image=rhumb-nobody-has-it:1", "--csv", file, "-o", "json"];
    let arguments = [&["evaluate", chart.argument()], &script[..], &update].concat();
    let ended = rhumb.run(&arguments).expect_code(6)?;
    let evaluation = ended.json()?;
    let update = phase(&evaluation, "update")?;
    trial::require(update["outcome"] == "failed", &format!("{evaluation:#}"))?;
    require_plausible(update)?;
    let (lost, gap) = (number(update, "/load/lost")?, number(update, "/load/worstGapSeconds")?);
    trial::require(lost >= gap * RATE * 0.5 && gap >= 0.3, &format!("{update:#}"))?;
    let summaries = evaluation["targets"][0]["phases"].as_array();
    let summary = summaries.into_iter().flatten().find(|summary| summary["phase"] == "update");
    let summary = summary.ok_or("a summary of the update")?;
    let is_told = summary["failed"] == 1 && summary["load"]["lost"] == update["load"]["lost"];
    trial::require(is_told, &format!("{summary:#}"))?;
    let lines = fs::read_to_string(&csv)?;
    let line = lines.lines().find(|line| line.contains(",update,")).unwrap_or_default();
    let shown = format!(",{},", update["load"]["lost"]);
    trial::require(line.contains(",failed,") && line.contains(&shown), &lines)?;
    place.require_nothing_of("failing-evaluation")
}

/// A page that only siblings reach is asked through the platform's API, at a rate that this bears.
fn through_tunnel(platform: Platform) -> Result<(), Failed> {
    let place = platform.place("evaluate-tunnel")?;
    let chart = page(2, "port: 80", "{ maxSurge: 1, maxUnavailable: 0 }");
    let arguments = ["evaluate", chart.argument(), "--rounds", "1", "--path", "/healthz"];
    let script = ["--phases", "update,recovery", "--request-timeout", "10s"];
    let evaluation = place.rhumb().json(&[&arguments[..], &script].concat())?;
    let way = &evaluation["targets"][0]["rounds"][0]["way"];
    let is_tunnel = way["via"].as_str().is_some_and(|via| via.contains("tunnel")) && way["rate"] == 5;
    trial::require(is_tunnel, &format!("{evaluation:#}"))?;
    for name in ["update", "recovery"] {
        let measurement = phase(&evaluation, name)?;
        let (sent, lost) = (number(measurement, "/load/requests")?, number(measurement, "/load/lost")?);
        let is_answered = measurement["outcome"] == "done" && sent >= 8.0 && lost <= sent * 0.4;
        trial::require(is_answered, &format!("{measurement:#}"))?;
    }
    place.require_nothing_of(RELEASE)
}

/// The next one touches nothing and says how to remove what is left; that works as it is said, and then it runs.
fn killed(platform: Platform) -> Result<(), Failed> {
    let place = platform.place("evaluate-killed")?;
    let rhumb = place.rhumb();
    let chart = page(2, "port: 80", "{ maxSurge: 1, maxUnavailable: 0 }");
    let arguments =
        ["evaluate", chart.argument(), "--release", "killed-evaluation", "--rounds", "1", "--rate", "0"];
    let mut child = rhumb.spawn(&[&arguments[..], &["--phases", "update"]].concat());
    let installed = trial::eventually("the release of the evaluation", || {
        let list = rhumb.json(&["list"])?;
        let mut releases = list.as_array().into_iter().flatten();
        let is_there = releases.any(|one| one["name"] == "killed-evaluation" && one["status"] == "deployed");
        if is_there { Ok(()) } else { Err(list.to_string()) }
    });
    thread::sleep(Duration::from_millis(500));
    let was_at_work = child.try_wait()?.is_none();
    child.kill()?;
    child.wait()?;
    installed?;
    trial::require(was_at_work, "it was not killed in the middle of its round")?;

    let again = [&arguments[..], &["--phases", "no-op"]].concat();
    let refused = rhumb.run(&again).expect_code(3)?;
    let advice = refused.stderr.split('`').find(|part| part.starts_with("rhumb uninstall "));
    let advice: Vec<&str> = advice.ok_or("no advice")?.split(' ').skip(1).collect();
    rhumb.succeed(&advice)?;
    place.require_nothing_of("killed-evaluation")?;
    let evaluation = rhumb.json(&again)?;
    trial::require(phase(&evaluation, "uninstall")?["outcome"] == "done", &format!("{evaluation:#}"))?;
    place.require_nothing_of("killed-evaluation")
}

/// Doubles of ECS and of Marathon, in two rounds: the script is the same everywhere, and medians are over the rounds.
fn two_at_once() -> Result<(), Failed> {
    let places = [Platform::Ecs, Platform::Marathon].map(|platform| platform.place("evaluate-two"));
    let [ecs, marathon] = places;
    let (ecs, marathon) = (ecs?, marathon?);
    let targets = json!({ "aws": ecs.target(), "dcos": marathon.target() });
    let rhumb = Rhumb::targets(&targets, rhumb_integration::ecs::environment());
    let app = "kind: Workload\nname: web\ncontainers: { web: { image: 'rhumb-demo:1' } }\n";
    let chart = ChartFolder::of(app);
    let arguments =
        ["evaluate", chart.argument(), "--targets", "aws,dcos", "--rounds", "2", "--rate", "0", "--parallel"];
    let evaluation = rhumb.json(&arguments)?;
    for (target, about) in evaluation["targets"].as_array().into_iter().flatten().zip(["region", "version"]) {
        trial::require(target["about"][0][0] == about, &format!("{target:#}"))?;
        let phases = target["phases"].as_array().ok_or("phases")?;
        let counts: Vec<&Value> = phases.iter().map(|phase| &phase["seconds"]["count"]).collect();
        trial::require(counts == [2; 7].map(Value::from).iter().collect::<Vec<_>>(), &format!("{target:#}"))?;
        for phase in phases {
            let of = |name: &str| number(phase, &format!("/seconds/{name}"));
            let is_ordered = of("min")? <= of("median")? && of("median")? <= of("max")?;
            trial::require(is_ordered && phase["failed"] == 0, &format!("{phase:#}"))?;
        }
    }
    ecs.require_nothing_of(RELEASE)?;
    marathon.require_nothing_of(RELEASE)
}

/// Who asks to stop gets what was measured until then, and nothing is left.
fn interrupted() -> Result<(), Failed> {
    let rhumb = Rhumb::memory();
    let chart = ChartFolder::of("kind: Workload\nname: web\ncontainers: { web: { image: x } }\n");
    let arguments = ["evaluate", chart.argument(), "--rounds", "1000", "--rate", "0", "-o", "json"];
    let child = rhumb.spawn(&arguments);
    thread::sleep(Duration::from_secs(1));
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    let ended = Ended::new(&arguments, &child.wait_with_output()?);
    trial::require(sent?.success(), "the signal was not sent")?;
    let evaluation = ended.json()?;
    let rounds = evaluation["targets"][0]["rounds"].as_array().map_or(0, Vec::len);
    trial::require((1..1000).contains(&rounds), &ended.to_string())?;
    let list = rhumb.json(&["list", "--all"])?;
    trial::require(list.as_array().is_some_and(Vec::is_empty), &list.to_string())
}

/// Two evaluations of one name at once: one may be refused, or fail to install; neither takes what is the other's away.
fn two_of_one_name() -> Result<(), Failed> {
    let rhumb = Rhumb::memory();
    let chart = ChartFolder::of("kind: Workload\nname: web\ncontainers: { web: { image: x } }\n");
    let arguments = ["evaluate", chart.argument(), "--rounds", "3", "--rate", "0", "-o", "json"];
    let children = [rhumb.spawn(&arguments), rhumb.spawn(&arguments)];
    for child in children {
        let ended = Ended::new(&arguments, &child.wait_with_output()?);
        let Ok(evaluation) = ended.json() else {
            ended.expect_code(3)?.expect_texts(&["there is a release `test-evaluation`"])?;
            continue;
        };
        let rounds = evaluation["targets"][0]["rounds"].as_array();
        let measured = rounds.into_iter().flatten().filter_map(|round| round["measurements"].as_array());
        let mut failed = measured.flatten().filter(|measurement| measurement["outcome"] == "failed");
        let is_alone = failed.all(|measurement| measurement["phase"] == "install");
        trial::require(is_alone, &ended.to_string())?;
    }
    let list = rhumb.json(&["list", "--all"])?;
    trial::require(list.as_array().is_some_and(Vec::is_empty), &list.to_string())
}
