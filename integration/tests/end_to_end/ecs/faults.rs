//! An AWS that throttles, breaks, goes silent or loses its answers: nothing is made twice, and no release is lost.

use std::collections::BTreeMap;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::ecs::{self, Double, Fault, Trouble};
use rhumb_integration::{ChartFolder, trial};

/// Something of every kind that a release makes.
const APP: &str = "
kind: Workload
name: web
replicas: 2
containers:
  web:
    image: rhumb-demo:1
    env: { COLOUR: '{{ values.colour }}' }
    resources: { cpu: 50m }
    ports: { http: 8080 }
    mounts: { /etc/app: { config: look }, /data: { volume: data } }
expose: { http: { port: 8080 } }
autoscale: { min: 2, max: 4, cpu: 80 }
---
kind: Workload
name: api
dependsOn: [web]
containers: { api: { image: 'rhumb-demo:1', ports: { tcp: 9000 }, env: { PASSWORD: { secret: db, key: password } } } }
expose: { tcp: { port: 9000, as: loadbalancer } }
---
kind: Workload
name: once
mode: job
containers: { once: { image: 'rhumb-demo:1', args: [job], env: { COLOUR: '{{ values.colour }}' } } }
---
kind: Workload
name: night
mode: cron
cron: { schedule: '0 3 * * *' }
containers: { night: { image: 'rhumb-demo:1', args: [job] } }
---
kind: Config
name: look
data: { colour: '{{ values.colour }}' }
---
kind: Secret
name: db
generate: { password: {} }
---
kind: Volume
name: data
---
kind: Route
name: web
host: web.example
paths: { /: { workload: web, port: http } }
";

const TROUBLES: [(&str, Trouble); 4] = [
    ("throttled", Trouble::Throttled),
    ("broken", Trouble::Internal),
    ("closed", Trouble::Reset),
    ("lost", Trouble::AnswerLost),
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = TROUBLES
        .iter()
        .map(|(name, trouble)| {
            trial::needs_ecs(&format!("ecs::faults_{name}_make_nothing_twice"), || some_fail(*trouble))
        })
        .collect();
    trials
        .push(trial::needs_ecs("ecs::a_lost_answer_to_any_create_makes_nothing_twice", every_answer_is_lost));
    trials.push(trial::needs_ecs("ecs::an_account_that_never_answers_well_is_told", hopeless));
    trials
}

fn chart() -> ChartFolder {
    ChartFolder::of(APP).with("values.yaml", "colour: blue\n")
}

/// Calls that change something.
const WRITES: &[&str] = &[
    "*:Create*",
    "*:Put*",
    "*:Update*",
    "*:Register*",
    "*:Deregister*",
    "*:Delete*",
    "*:Add*",
    "*:Modify*",
    "*:Tag*",
    "ecs:RunTask",
];

/// Calls that only look.
const READS: &[&str] = &["*:Describe*", "*:List*", "*:Get*"];

/// Lets every third call of each kind of write, and every fifth of each kind of read, meet a trouble.
fn trouble_calls(double: &Double, trouble: Trouble) {
    for (kinds, every) in [(WRITES, 3), (READS, 5)] {
        for calls in kinds {
            let at = Some((0..4000).filter(|number| number % every == 1).collect());
            double.fault(Fault { calls: (*calls).to_owned(), at, trouble });
        }
    }
}

/// Every third write and every fifth read meets the trouble, and the commands succeed all the same.
fn some_fail(trouble: Trouble) -> Result<(), Failed> {
    let double = ecs::double()?;
    let rhumb = ecs::rhumb(&double);
    let chart = chart();
    trouble_calls(&double, trouble);
    rhumb.succeed(&["install", "shop", chart.argument(), "--wait", "--timeout", "3m"])?;
    let upgrade = ["upgrade", "shop", chart.argument(), "--set", "colour=red", "--wait", "--timeout", "3m"];
    rhumb.succeed(&upgrade)?;
    trial::require(double.met() > 10, "hardly a call met the fault")?;
    double.heal();
    require_once(&double)?;
    trial::require_whole_history(&rhumb.json(&["history", "shop"])?, 2)?;
    let plan = rhumb.json(&["upgrade", "shop", chart.argument(), "--set", "colour=red", "--dry-run"])?;
    trial::require(plan["plan"]["steps"] == serde_json::json!([]), &plan["plan"].to_string())?;
    trouble_calls(&double, trouble);
    rhumb.succeed(&["uninstall", "shop", "--wait", "--timeout", "3m"])?;
    double.heal();
    ecs::require_nothing_of(&double, "default", "shop")?;
    ecs::require_no_violations(&double).map_err(Failed::from)
}

/// The first answer to each kind of create, and to each run, is lost.
fn every_answer_is_lost() -> Result<(), Failed> {
    let double = ecs::double()?;
    let rhumb = ecs::rhumb(&double);
    let chart = chart();
    for calls in [
        "*:Create*",
        "ecs:Register*",
        "ecs:RunTask",
        "ecs:UpdateService",
        "ssm:PutParameter",
        "*:RegisterScalableTarget",
        "*:PutScalingPolicy",
        "ecs:DeregisterTaskDefinition",
    ] {
        double.fault(Fault {
            calls: calls.to_owned(),
            at: Some(vec![0, 2, 4, 6, 8, 10]),
            trouble: Trouble::AnswerLost,
        });
    }
    rhumb.succeed(&["install", "shop", chart.argument(), "--wait"])?;
    require_once(&double)?;
    rhumb.succeed(&["upgrade", "shop", chart.argument(), "--set", "colour=red", "--wait"])?;
    require_once(&double)?;
    trial::require(double.met() > 15, &format!("only {} calls met the fault", double.met()))?;
    trial::require_whole_history(&rhumb.json(&["history", "shop"])?, 2)?;
    rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    ecs::require_nothing_of(&double, "default", "shop")?;
    ecs::require_no_violations(&double).map_err(Failed::from)
}

/// There is one of everything: no object bears the tag of another, but for what is told apart by its content and kept for
/// a rollback.
fn require_once(double: &Double) -> Result<(), Failed> {
    let mut count: BTreeMap<(String, String, String), u32> = BTreeMap::new();
    for item in ecs::items(double, "default", "shop")? {
        if item.kind == "task" || item.kind == "parameter" {
            continue;
        }
        let generation = item.tags.get("rhumb.dev/generation").cloned().unwrap_or_default();
        *count.entry((item.kind.clone(), item.object().to_owned(), generation)).or_default() += 1;
    }
    // A lost answer to `RegisterTaskDefinition`, which knows no token, leaves an equal revision behind; the next upgrade takes it away.
    count.retain(|(kind, _, _), count| *count > 1 && kind != "task-definition");
    trial::require(count.is_empty(), &format!("there twice: {count:?}"))?;
    let jobs = ecs::stopped(double, "default", "shop")?;
    let mut runs: BTreeMap<String, u32> = BTreeMap::new();
    for job in jobs.iter().filter(|task| task.name.ends_with("-once")) {
        *runs.entry(job.body["startedBy"].to_string()).or_default() += 1;
    }
    trial::require(runs.values().all(|count| *count == 1), &format!("a job ran twice: {runs:?}"))
}

/// An account that goes on failing ends the command with an error, and the next command goes on.
fn hopeless() -> Result<(), Failed> {
    for (trouble, after) in [(Trouble::Internal, 5), (Trouble::Reset, 25), (Trouble::Throttled, 60)] {
        let double = ecs::double()?;
        let rhumb = ecs::rhumb(&double);
        let chart = chart();
        double.fault(Fault { calls: "*".to_owned(), at: Some((after..20_000).collect()), trouble });
        let ended = rhumb.run(&["install", "shop", chart.argument(), "--wait", "--timeout", "10s"]);
        trial::require(ended.code.is_some_and(|code| code != 0), &ended.to_string())?;
        ended.expect_texts(&["error"])?;
        double.heal();
        rhumb.succeed(&["upgrade", "--install", "shop", chart.argument(), "--wait"])?;
        trial::require_whole_history(&rhumb.json(&["history", "shop"])?, 1)?;
        require_once(&double)?;
        rhumb.succeed(&["uninstall", "shop", "--wait"])?;
        ecs::require_nothing_of(&double, "default", "shop")?;
        ecs::require_no_violations(&double)?;
    }
    Ok(())
}
