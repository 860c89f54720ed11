//! Wrong inputs and missing platforms: each ends with its place, its cause, a remedy and its exit code.

use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use rhumb_integration::swarm::Engine;
use rhumb_integration::{ChartFolder, Rhumb, trial};

/// A chart that is wrong, and what must be said about it.
struct Broken {
    name: &'static str,
    template: &'static str,
    arguments: &'static [&'static str],
    texts: &'static [&'static str],
}

/// All of these end with 3 and change nothing.
const WRONG_CHARTS: &[Broken] = &[
    Broken {
        name: "broken_yaml",
        template: "kind: Workload\nname: web\ncontainers: { web: [\n",
        arguments: &[],
        texts: &["templates/app.yaml:"],
    },
    Broken {
        name: "wrong_type",
        template: "kind: Workload\nname: web\nreplicas: many\ncontainers: { web: { image: 'rhumb-demo:1' } }\n",
        arguments: &[],
        texts: &["workload/web.replicas", "templates/app.yaml:3", "many"],
    },
    Broken {
        name: "unknown_key",
        template: "kind: Workload\nname: web\nreplicsa: 2\ncontainers: { web: { image: 'rhumb-demo:1' } }\n",
        arguments: &[],
        texts: &["templates/app.yaml:3", "replicsa", "`replicas`"],
    },
    Broken {
        name: "unknown_kind",
        template: "kind: Worklod\nname: web\ncontainers: { web: { image: 'rhumb-demo:1' } }\n",
        arguments: &[],
        texts: &["templates/app.yaml:1", "Worklod", "`Workload`"],
    },
    Broken {
        name: "missing_value",
        template: "kind: Workload\nname: web\ncontainers: { web: { image: '{{ values.image }}' } }\n",
        arguments: &[],
        texts: &["templates/app.yaml:3", "values.image"],
    },
    Broken {
        name: "template_syntax",
        template: "kind: Workload\nname: web\n{% if values.x %}\ncontainers: {}\n",
        arguments: &[],
        texts: &["templates/app.yaml:"],
    },
    Broken {
        name: "dangling_reference",
        template: "kind: Workload\nname: web\ncontainers: { web: { image: 'rhumb-demo:1', mounts: { /etc/app: { config: look } } } }\n",
        arguments: &[],
        texts: &["workload/web.containers.web.mounts./etc/app", "look", "templates/app.yaml:3"],
    },
    Broken {
        name: "unsupported_feature",
        template: "kind: Workload\nname: web\ncontainers: { web: { image: 'rhumb-demo:1', security: { privileged: true } } }\n",
        arguments: &[],
        texts: &["workload/web.containers.web.security.privileged", "templates/app.yaml:3", "why:", "use:"],
    },
    Broken {
        name: "bad_set",
        template: "kind: Workload\nname: web\ncontainers: { web: { image: 'rhumb-demo:1' } }\n",
        arguments: &["--set", "a[x]=1"],
        texts: &["a[x]"],
    },
    Broken {
        name: "schema",
        template: "kind: Workload\nname: web\ncontainers: { web: { image: 'rhumb-demo:1' } }\n",
        arguments: &["--set", "port=http"],
        texts: &["port", "integer"],
    },
];

const ENDLESS: &str = "
{% for a in range(end=3000) %}{% for b in range(end=3000) %}{% for c in range(end=3000) %}{% for d in range(end=3000) %}
{% set x = a * b * c * d %}{% endfor %}{% endfor %}{% endfor %}{% endfor %}
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1' } }
";

const ENDLESS_OUTPUT: &str = "
{% for a in range(end=3000) %}{% for b in range(end=3000) %}{% for c in range(end=3000) %}
# {{ a }} {{ b }} {{ c }}
{% endfor %}{% endfor %}{% endfor %}
";

const GOOD: &str = "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1' } }
";

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = WRONG_CHARTS
        .iter()
        .map(|broken| {
            trial::needs_swarm(&format!("wrong_chart::{}", broken.name), move || wrong_chart(broken))
        })
        .collect();
    trials.extend([
        Trial::test("a_template_that_loops_for_ever_is_ended", || endless(ENDLESS)),
        Trial::test("a_template_that_prints_for_ever_is_ended", || endless(ENDLESS_OUTPUT)),
        trial::needs_swarm("an_image_that_does_not_exist_is_named", no_image),
        trial::needs_swarm("a_crash_is_shown_with_code_and_last_lines", crashing),
        trial::needs_swarm("a_taken_port_is_named", taken_port),
        trial::needs_swarm("atomic_takes_back_what_failed", atomic),
        Trial::test("no_engine", no_engine),
        trial::needs_swarm("no_manager", no_manager),
        Trial::test("an_unknown_target_is_refused", unknown_target),
        trial::needs_swarm("an_unknown_release_is_refused", unknown_release),
    ]);
    trials
}

fn wrong_chart(broken: &Broken) -> Result<(), Failed> {
    let engine = trial::engine()?;
    let rhumb = Rhumb::swarm(engine.host());
    let schema = r#"{ "type": "object", "properties": { "port": { "type": "integer" } } }"#;
    let chart = ChartFolder::of(broken.template).with("values.schema.json", schema);
    let name = format!("broken-{}", broken.name.replace('_', "-"));
    let arguments = [&["install", &name, chart.argument(), "--wait"], broken.arguments].concat();
    rhumb.run(&arguments).expect_code(3)?.expect_texts(&[&["error"], broken.texts].concat())?;
    let list = rhumb.succeed(&["list", "-o", "json"])?;
    trial::require(!list.contains(&name), &list)?;
    trial::require_nothing_of(engine.docker(), &name)
}

fn endless(template: &str) -> Result<(), Failed> {
    let rhumb = Rhumb::memory();
    let chart = ChartFolder::of(template);
    let start = Instant::now();
    let ended = rhumb.run(&["install", "endless", chart.argument()]).expect_code(3)?;
    trial::require(start.elapsed() < Duration::from_mins(1), &format!("it took {:?}", start.elapsed()))?;
    ended.expect_texts(&["error", "render", "use:"])?;
    Ok(())
}

fn no_image() -> Result<(), Failed> {
    let engine = trial::engine()?;
    let rhumb = Rhumb::swarm(engine.host());
    let chart = ChartFolder::of(&GOOD.replace("rhumb-demo:1", "rhumb-nowhere:1"));
    let start = Instant::now();
    let ended = rhumb.run(&["install", "no-image", chart.argument(), "--wait"]).expect_code(6)?;
    trial::require(start.elapsed() < Duration::from_mins(1), "the wait does not fail fast")?;
    ended.expect_texts(&["web", "rhumb-nowhere:1", "No such image", "recorded as failed"])?;
    let status = rhumb.json(&["status", "no-image"])?;
    trial::require(status["recorded"]["status"] == "failed", &status.to_string())?;
    // A failed first install can be upgraded.
    let good = ChartFolder::of(GOOD);
    rhumb.succeed(&["upgrade", "no-image", good.argument(), "--wait"])?;
    rhumb.succeed(&["uninstall", "no-image", "--wait"])?;
    trial::require_nothing_of(engine.docker(), "no-image")
}

fn crashing() -> Result<(), Failed> {
    let engine = trial::engine()?;
    let rhumb = Rhumb::swarm(engine.host());
    let chart = ChartFolder::of(&GOOD.replace("'rhumb-demo:1'", "'rhumb-demo:1', env: { CRASH: 7 }"));
    let ended = rhumb.run(&["install", "crashing", chart.argument(), "--wait"]).expect_code(6)?;
    ended.expect_texts(&["web", "exit code 7", "demo crashes with 7"])?;
    rhumb.succeed(&["uninstall", "crashing", "--wait"])?;
    trial::require_nothing_of(engine.docker(), "crashing")
}

fn taken_port() -> Result<(), Failed> {
    let engine = trial::engine()?;
    let rhumb = Rhumb::swarm(engine.host());
    let app = "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', ports: { http: 8080 } } }
expose: { http: { port: 30777, as: node } }
";
    let chart = ChartFolder::of(app);
    rhumb.succeed(&["install", "port-one", chart.argument(), "--wait"])?;
    let ended = rhumb.run(&["install", "port-two", chart.argument(), "--wait"]);
    rhumb.succeed(&["uninstall", "port-two", "--wait", "--ignore-not-found"])?;
    rhumb.succeed(&["uninstall", "port-one", "--wait"])?;
    trial::require(ended.code.is_some_and(|code| [1, 3, 5].contains(&code)), &ended.to_string())?;
    ended.expect_texts(&["error", "30777", "port-one_web", "use:"])?;
    trial::require_nothing_of(engine.docker(), "port-two")
}

fn atomic() -> Result<(), Failed> {
    let engine = trial::engine()?;
    let rhumb = Rhumb::swarm(engine.host());
    let good = ChartFolder::of(GOOD);
    let bad = ChartFolder::of(&GOOD.replace("'rhumb-demo:1'", "'rhumb-demo:1', env: { CRASH: 7 }"));
    rhumb.run(&["install", "atomic", bad.argument(), "--atomic"]).expect_code(6)?;
    trial::require_nothing_of(engine.docker(), "atomic")?;
    rhumb.succeed(&["install", "atomic", good.argument(), "--wait"])?;
    rhumb
        .run(&["upgrade", "atomic", bad.argument(), "--atomic"])
        .expect_code(6)?
        .expect_texts(&["exit code 7"])?;
    let service = engine.docker().inspect("service", "atomic_web")?;
    let env = service["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"].to_string();
    trial::require(!env.contains("CRASH"), &env)?;
    let history = rhumb.json(&["history", "atomic"])?;
    trial::require_whole_history(&history, 3)?;
    rhumb.succeed(&["uninstall", "atomic", "--wait"])?;
    trial::require_nothing_of(engine.docker(), "atomic")
}

fn no_engine() -> Result<(), Failed> {
    let rhumb = Rhumb::swarm("unix:///nowhere/docker.sock");
    let chart = ChartFolder::of(GOOD);
    let ended = rhumb.run(&["install", "nowhere", chart.argument()]).expect_code(7)?;
    ended.expect_texts(&["error", "/nowhere/docker.sock", "use:"])?;
    Ok(())
}

fn no_manager() -> Result<(), Failed> {
    let engine = Engine::start_own()?;
    engine.docker().run(&["swarm", "leave", "--force"])?;
    let rhumb = Rhumb::swarm(engine.host());
    let chart = ChartFolder::of(GOOD);
    let ended = rhumb.run(&["install", "nowhere", chart.argument()]);
    trial::require(ended.code.is_some_and(|code| code == 7 || code == 1), &ended.to_string())?;
    ended.expect_texts(&["error", "swarm", "use:", "docker swarm init"])?;
    Ok(())
}

fn unknown_target() -> Result<(), Failed> {
    let rhumb = Rhumb::memory();
    let ended = rhumb.run(&["list", "--target", "swram"]);
    trial::require(ended.code.is_some_and(|code| code != 0), &ended.to_string())?;
    ended.expect_texts(&["swram", "swarm"])?;
    Ok(())
}

fn unknown_release() -> Result<(), Failed> {
    let engine = trial::engine()?;
    let rhumb = Rhumb::swarm(engine.host());
    for verb in ["status", "history", "uninstall", "rollback", "ps"] {
        rhumb.run(&[verb, "nobody-knows"]).expect_code(4)?.expect_texts(&["nobody-knows", "use:"])?;
    }
    Ok(())
}
