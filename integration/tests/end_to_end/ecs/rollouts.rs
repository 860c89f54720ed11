//! Rollouts that fail, are overtaken or meet what somebody else made.

use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use rhumb_integration::ecs::{self, Double, Fate, Rule};
use rhumb_integration::{ChartFolder, Ended, Rhumb, trial};
use serde_json::json;

const APP: &str = "
kind: Workload
name: web
containers:
  web:
    image: '{{ values.image }}'
    probes: { ready: { exec: [/demo, get, 'http://127.0.0.1:8080/healthz'], period: 5s } }
update: { onFailure: {{ values.onFailure }} }
";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial::needs_ecs("ecs::a_failing_rollout_is_told_with_reason_code_and_last_lines", failing),
        trial::needs_ecs("ecs::a_rollback_of_ecs_itself_is_a_failed_release", rolled_back),
        trial::needs_ecs("ecs::atomic_takes_back_what_failed", atomic),
        trial::needs_ecs("ecs::a_job_that_fails_is_told", job),
        trial::needs_ecs("ecs::a_draining_name_is_waited_for", draining),
        trial::needs_ecs("ecs::a_foreign_service_is_refused", foreign),
        trial::needs_ecs("ecs::a_scaled_service_stays_scaled", scaled),
        trial::needs_ecs("ecs::a_service_that_somebody_removed_is_made_again", removed),
    ]
}

struct Bench {
    double: Double,
    rhumb: Rhumb,
    chart: ChartFolder,
}

impl Bench {
    fn new() -> Result<Self, Failed> {
        let double = ecs::double()?;
        let chart = ChartFolder::of(APP).with("values.yaml", "image: 'good:1'\nonFailure: pause\n");
        Ok(Self { rhumb: ecs::rhumb(&double), double, chart })
    }

    fn deploy(&self, verb: &str, more: &[&str]) -> Ended {
        self.rhumb.run(&[&[verb, "shop", self.chart.argument(), "--wait"], more].concat())
    }

    fn end(&self) -> Result<(), Failed> {
        self.rhumb.succeed(&["uninstall", "shop", "--wait"])?;
        ecs::require_nothing_of(&self.double, "default", "shop")?;
        ecs::require_no_violations(&self.double).map_err(Failed::from)
    }

    fn service(&self) -> Result<serde_json::Value, String> {
        let answer = self.double.ecs("DescribeServices", &json!({ "services": ["default-shop-web"] }))?;
        Ok(answer["services"][0].clone())
    }
}

/// Each fate ends the wait soon, with the platform's words.
fn failing() -> Result<(), Failed> {
    let crash = Fate::Fails { after: 10, code: 7, reason: None, container: None };
    let memory = Fate::Fails {
        after: 10,
        code: 137,
        reason: Some("OutOfMemoryError: Container killed due to memory usage".to_owned()),
        container: None,
    };
    let fates: [(Fate, &[&str]); 5] = [
        (crash, &["web", "exit code 7", "it crashes with 7"]),
        (memory, &["web", "OutOfMemory"]),
        (Fate::CannotPull, &["web", "CannotPullContainerError"]),
        (Fate::NeverHealthy, &["web", "health check"]),
        (Fate::Unplaceable, &["web", "place a task"]),
    ];
    for (fate, texts) in fates {
        let bench = Bench::new()?;
        let logs = vec!["it crashes with 7".to_owned()];
        bench.double.rule(Rule { logs, ..Rule::of_image("bad", fate) });
        let start = Instant::now();
        let ended = bench.deploy("install", &["--set", "image=bad:1", "--timeout", "2m"]).expect_code(6)?;
        trial::require(start.elapsed() < Duration::from_mins(1), "the wait does not fail fast")?;
        ended.expect_texts(texts)?;
        // A failed first install can be upgraded.
        bench.deploy("upgrade", &["--set", "image=good:1"]).expect_code(0)?;
        bench.end()?;
    }
    Ok(())
}

fn rolled_back() -> Result<(), Failed> {
    let bench = Bench::new()?;
    let crash = Fate::Fails { after: 10, code: 7, reason: None, container: None };
    bench.double.rule(Rule::of_image("bad", crash));
    bench.deploy("install", &["--set", "onFailure=rollback"]).expect_code(0)?;
    let ended = bench.deploy("upgrade", &["--set", "onFailure=rollback,image=bad:1"]).expect_code(6)?;
    ended.expect_texts(&["web"])?;
    let status = bench.rhumb.json(&["status", "shop"])?;
    trial::require(status["recorded"]["status"] == "failed", &status.to_string())?;
    bench.deploy("upgrade", &["--set", "onFailure=rollback,image=good:2"]).expect_code(0)?;
    bench.end()
}

fn atomic() -> Result<(), Failed> {
    let bench = Bench::new()?;
    let crash = Fate::Fails { after: 10, code: 7, reason: None, container: None };
    bench.double.rule(Rule::of_image("bad", crash));
    bench.deploy("install", &[]).expect_code(0)?;
    let before = bench.service()?["taskDefinition"].clone();
    bench.deploy("upgrade", &["--set", "image=bad:1", "--atomic"]).expect_code(6)?;
    let after = bench.service()?["taskDefinition"].clone();
    trial::require(before == after, &format!("{after} instead of {before}"))?;
    bench.end()
}

fn job() -> Result<(), Failed> {
    let double = ecs::double()?;
    let rhumb = ecs::rhumb(&double);
    let chart = ChartFolder::of(
        "
kind: Workload
name: once
mode: job
containers: { once: { image: 'rhumb-demo:1', args: [job] } }
",
    );
    double
        .rule(Rule { logs: vec!["nothing to do".to_owned()], ..Rule::of_family("once", Fate::ExitsWith(4)) });
    let ended = rhumb.run(&["install", "shop", chart.argument(), "--wait"]).expect_code(6)?;
    ended.expect_texts(&["once", "exit code 4", "nothing to do"])?;
    rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    ecs::require_nothing_of(&double, "default", "shop").map_err(Failed::from)
}

/// What was uninstalled without a wait drains still when it is installed again.
fn draining() -> Result<(), Failed> {
    let bench = Bench::new()?;
    bench.deploy("install", &[]).expect_code(0)?;
    bench.rhumb.succeed(&["uninstall", "shop"])?;
    bench.deploy("install", &[]).expect_code(0)?;
    trial::require(bench.service()?["status"] == "ACTIVE", "it is not there again")?;
    bench.end()
}

fn foreign() -> Result<(), Failed> {
    let bench = Bench::new()?;
    let definition = json!({
        "family": "other", "networkMode": "bridge",
        "containerDefinitions": [{ "name": "other", "image": "other:1", "memory": 64 }],
    });
    bench.double.ecs("RegisterTaskDefinition", &definition)?;
    let service = json!({
        "serviceName": "default-shop-web", "taskDefinition": "other", "desiredCount": 1, "launchType": "EC2",
    });
    bench.double.ecs("CreateService", &service)?;
    let ended = bench.deploy("install", &["--timeout", "20s"]);
    trial::require(ended.code.is_some_and(|code| [3, 5].contains(&code)), &ended.to_string())?;
    ended.expect_texts(&["service/web", "default-shop-web"])?;
    trial::require(bench.service()?["status"] == "ACTIVE", "it is gone")?;
    bench.rhumb.succeed(&["uninstall", "shop", "--wait", "--ignore-not-found"])?;
    trial::require(bench.service()?["status"] == "ACTIVE", "an uninstall took it away")
}

fn scaled() -> Result<(), Failed> {
    let bench = Bench::new()?;
    bench.deploy("install", &[]).expect_code(0)?;
    bench.double.ecs("UpdateService", &json!({ "service": "default-shop-web", "desiredCount": 3 }))?;
    bench.deploy("upgrade", &["--set", "image=good:2"]).expect_code(0)?;
    let service = bench.service()?;
    trial::require(service["desiredCount"] == 3 && service["runningCount"] == 3, &service.to_string())?;
    bench.end()
}

fn removed() -> Result<(), Failed> {
    let bench = Bench::new()?;
    bench.deploy("install", &[]).expect_code(0)?;
    bench.double.ecs("DeleteService", &json!({ "service": "default-shop-web", "force": true }))?;
    bench.deploy("upgrade", &[]).expect_code(0)?;
    trial::require(bench.service()?["status"] == "ACTIVE", "it is not there again")?;
    bench.end()
}
