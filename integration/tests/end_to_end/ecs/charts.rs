//! The project's own charts, through the whole life of a release on container instances.

use std::collections::BTreeMap;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::ecs::{self, Double};
use rhumb_integration::{Rhumb, trial};

/// A chart, the values that it is installed with, and those that an upgrade changes.
struct Life {
    chart: &'static str,
    values: &'static [&'static str],
    change: &'static [&'static str],
}

const LIVES: &[Life] = &[
    Life {
        chart: "web",
        values: &[
            "--set",
            "replicas=2,env.LOG_LEVEL=debug,secretEnv.TOKEN=secret,config.app\\.conf=listen 8080,route.host=web.example",
        ],
        change: &["--set", "env.LOG_LEVEL=info,config.app\\.conf=listen 8081"],
    },
    Life { chart: "sock-shop", values: &[], change: &["--set", "replicas=2"] },
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials: Vec<Trial> = LIVES
        .iter()
        .map(|life| {
            let name = format!("ecs::{}_lives_on_ec2", life.chart);
            trial::needs_ecs(&name, move || live(life))
        })
        .collect();
    trials.push(trial::needs_ecs("ecs::an_upgrade_without_a_change_writes_its_record_only", no_change));
    trials
}

fn chart(name: &str) -> String {
    format!("{}/../charts/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn on_instances(double: &Double) -> Rhumb {
    ecs::rhumb_with(double, |settings| settings["launchType"] = "EC2".into())
}

/// Installed, upgraded, taken back and removed: what runs follows, and nothing is left.
fn live(life: &Life) -> Result<(), Failed> {
    let double = ecs::double()?;
    let rhumb = on_instances(&double);
    let chart = chart(life.chart);
    let verb = |words: &[&str], more: &[&str]| rhumb.succeed(&[words, &[&chart], more].concat());
    verb(&["install", "shop"], &[life.values, &["--wait"]].concat())?;
    let installed = definitions(&double)?;
    verb(&["upgrade", "shop"], &[life.values, life.change, &["--wait"]].concat())?;
    let upgraded = definitions(&double)?;
    trial::require(installed != upgraded, "the upgrade changed nothing")?;
    rhumb.succeed(&["rollback", "shop", "1", "--wait"])?;
    let back = definitions(&double)?;
    trial::require(back == installed, &format!("{back:#?} instead of {installed:#?}"))?;
    trial::require_whole_history(&rhumb.json(&["history", "shop"])?, 3)?;
    rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    ecs::require_nothing_of(&double, "default", "shop")?;
    ecs::require_no_violations(&double).map_err(Failed::from)
}

/// What the services run, and how many of it.
fn definitions(double: &Double) -> Result<BTreeMap<String, String>, String> {
    let items = ecs::items(double, "default", "shop")?;
    let services = items.into_iter().filter(|item| item.kind == "service");
    Ok(services
        .map(|service| {
            let runs = format!("{} × {}", service.body["desiredCount"], service.body["taskDefinition"]);
            (service.name, runs)
        })
        .collect())
}

fn no_change() -> Result<(), Failed> {
    let double = ecs::double()?;
    let rhumb = ecs::rhumb(&double);
    let chart = chart("sock-shop");
    rhumb.succeed(&["install", "shop", &chart, "--wait"])?;
    double.forget_calls();
    let noop = rhumb.json(&["upgrade", "shop", &chart, "--wait"])?;
    trial::require(noop["plan"]["steps"] == serde_json::json!([]), &noop["plan"].to_string())?;
    let writes = double.writes();
    let is_record =
        |name: &String| name.starts_with("ssm:PutParameter") || name.starts_with("ssm:DeleteParameter");
    trial::require(writes.keys().all(is_record), &format!("more than the record was written: {writes:?}"))?;
    trial::require(!writes.is_empty(), "no record was written")?;
    let parameters = double.inventory()?.into_iter().filter(|item| item.kind == "parameter");
    let strange: Vec<String> =
        parameters.map(|item| item.name).filter(|name| !name.starts_with("/rhumb/")).collect();
    trial::require(strange.is_empty(), &format!("{strange:?}"))?;
    rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    ecs::require_nothing_of(&double, "default", "shop").map_err(Failed::from)
}
