//! A Marathon that throttles, breaks, goes silent or loses its answers: nothing is made twice, and no release is lost.

use libtest_mimic::{Failed, Trial};
use rhumb_integration::marathon::{self, Double, Fault, FaultRule};
use rhumb_integration::{ChartFolder, trial};
use serde_json::json;

/// Something of every kind that a release makes.
const APP: &str = "
kind: Workload
name: web
replicas: 2
containers:
  web:
    image: rhumb-demo:1
    env: { COLOUR: '{{ values.colour }}' }
    ports: { http: 8080 }
    mounts: { /etc/app: { config: look } }
expose: { http: { port: 8080 } }
---
kind: Workload
name: api
dependsOn: [web]
containers:
  api: { image: 'rhumb-demo:1', env: { PASSWORD: { secret: db, key: password } } }
  log: { image: 'rhumb-demo:1', env: { COLOUR: '{{ values.colour }}' } }
---
kind: Workload
name: once
mode: job
containers: { once: { image: 'rhumb-demo:1', args: [job] } }
---
kind: Workload
name: night
mode: cron
cron: { schedule: '0 3 * * *' }
containers: { night: { image: 'rhumb-demo:1', args: [job], env: { COLOUR: '{{ values.colour }}' } } }
---
kind: Config
name: look
data: { colour: '{{ values.colour }}' }
---
kind: Secret
name: db
generate: { password: {} }
";

const FAULTS: [(&str, Fault); 5] = [
    ("throttled", Fault::Status(429)),
    ("broken", Fault::Status(500)),
    ("without_a_leader", Fault::Status(503)),
    ("closed", Fault::Reset),
    ("lost", Fault::LostAnswer),
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = FAULTS
        .into_iter()
        .map(|(name, fault)| {
            Trial::test(format!("marathon::faults_{name}_make_nothing_twice"), move || some_fail(fault))
        })
        .collect();
    trials
        .push(Trial::test("marathon::a_lost_answer_to_any_write_makes_nothing_twice", every_answer_is_lost));
    trials.push(Trial::test("marathon::a_server_that_never_answers_well_is_told", hopeless));
    trials
}

fn chart() -> ChartFolder {
    ChartFolder::of(APP).with("values.yaml", "colour: blue\n")
}

/// Makes one write of three and one read of five fail.
fn fail_calls(double: &Double, fault: Fault) {
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        double.fail(FaultRule::on(method, "", fault).every(3));
    }
    double.fail(FaultRule::on("GET", "", fault).every(5));
}

/// One write of three and one read of five meets the fault, and the commands succeed all the same.
fn some_fail(fault: Fault) -> Result<(), Failed> {
    let double = marathon::double()?;
    let rhumb = marathon::rhumb(&double);
    let chart = chart();
    fail_calls(&double, fault);
    rhumb.succeed(&["install", "shop", chart.argument(), "--wait", "--timeout", "3m"])?;
    require_once(&double)?;
    let upgrade = ["upgrade", "shop", chart.argument(), "--set", "colour=red", "--wait", "--timeout", "3m"];
    rhumb.succeed(&upgrade)?;
    trial::require(double.met() > 4, "hardly a call met the fault")?;
    double.heal();
    require_once(&double)?;
    trial::require_whole_history(&rhumb.json(&["history", "shop"])?, 2)?;
    let plan = rhumb.json(&["upgrade", "shop", chart.argument(), "--set", "colour=red", "--dry-run"])?;
    trial::require(plan["plan"]["steps"] == json!([]), &plan["plan"].to_string())?;
    fail_calls(&double, fault);
    rhumb.succeed(&["uninstall", "shop", "--wait", "--timeout", "3m"])?;
    double.heal();
    marathon::require_nothing_of(&double, "default", "shop")?;
    marathon::require_no_violations(&double).map_err(Failed::from)
}

/// Every second answer to a write of each kind is lost.
fn every_answer_is_lost() -> Result<(), Failed> {
    let double = marathon::double()?;
    let rhumb = marathon::rhumb(&double);
    let chart = chart();
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        double.fail(FaultRule::on(method, "", Fault::LostAnswer).every(2));
    }
    rhumb.succeed(&["install", "shop", chart.argument(), "--wait"])?;
    require_once(&double)?;
    rhumb.succeed(&["upgrade", "shop", chart.argument(), "--set", "colour=red", "--wait"])?;
    require_once(&double)?;
    trial::require(double.met() > 10, &format!("only {} calls met the fault", double.met()))?;
    trial::require_whole_history(&rhumb.json(&["history", "shop"])?, 2)?;
    rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    marathon::require_nothing_of(&double, "default", "shop")?;
    marathon::require_no_violations(&double).map_err(Failed::from)
}

/// There are as many instances as are wanted, and what runs once ran once.
fn require_once(double: &Double) -> Result<(), Failed> {
    let state = double.state();
    let count = |id: &str| {
        let instances = state["instances"].as_array().into_iter().flatten();
        instances.filter(|instance| instance["spec"] == id).count()
    };
    let wanted = marathon::wanted(double);
    trial::require(wanted.len() == 2, &format!("{:?}", wanted.keys()))?;
    for (id, instances) in [("/default/shop/web", 2), ("/default/shop/api", 1)] {
        trial::require(count(id) == instances, &format!("{} instances of {id}: {state}", count(id)))?;
    }
    let job = double.job("default.shop.once").unwrap_or_default();
    trial::require(job["history"]["successCount"] == 1, &format!("the job ran otherwise than once: {job}"))
}

/// A server that goes on failing ends the command with an error, and the next command goes on.
fn hopeless() -> Result<(), Failed> {
    for (fault, after) in [(Fault::Status(500), 5), (Fault::Reset, 12), (Fault::Status(503), 20)] {
        let double = marathon::double()?;
        let rhumb = marathon::rhumb(&double);
        let chart = chart();
        double.fail(FaultRule { method: None, ..FaultRule::on("", "", fault).after(after) });
        let ended = rhumb.run(&["install", "shop", chart.argument(), "--wait", "--timeout", "10s"]);
        trial::require(ended.code.is_some_and(|code| code != 0), &ended.to_string())?;
        ended.expect_texts(&["error"])?;
        double.heal();
        rhumb.succeed(&["upgrade", "--install", "shop", chart.argument(), "--wait"])?;
        trial::require_whole_history(&rhumb.json(&["history", "shop"])?, 1)?;
        require_once(&double)?;
        rhumb.succeed(&["uninstall", "shop", "--wait"])?;
        marathon::require_nothing_of(&double, "default", "shop")?;
        marathon::require_no_violations(&double)?;
    }
    Ok(())
}
