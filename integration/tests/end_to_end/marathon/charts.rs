//! The project's own charts, through the whole life of a release.

use libtest_mimic::{Failed, Trial};
use rhumb_integration::{marathon, trial};

/// A chart, the values that it is installed with, and those that an upgrade changes.
struct Life {
    chart: &'static str,
    values: &'static [&'static str],
    change: &'static [&'static str],
}

const LIVES: [Life; 2] = [
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
        .into_iter()
        .map(|life| Trial::test(format!("marathon::{}_lives", life.chart), move || live(&life)))
        .collect();
    trials.push(Trial::test("marathon::an_upgrade_without_a_change_writes_its_record_only", no_change));
    trials
}

fn chart(name: &str) -> String {
    format!("{}/../charts/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Installed, upgraded, taken back and removed: what is wanted follows, and nothing is left.
fn live(life: &Life) -> Result<(), Failed> {
    let double = marathon::double()?;
    let rhumb = marathon::rhumb(&double);
    let chart = chart(life.chart);
    let verb = |words: &[&str], more: &[&str]| rhumb.succeed(&[words, &[&chart], more].concat());
    verb(&["install", "shop"], &[life.values, &["--wait"]].concat())?;
    let installed = marathon::wanted(&double);
    verb(&["upgrade", "shop"], &[life.values, life.change, &["--wait"]].concat())?;
    let upgraded = marathon::wanted(&double);
    trial::require(installed != upgraded, "the upgrade changed nothing")?;
    rhumb.succeed(&["rollback", "shop", "1", "--wait"])?;
    let back = marathon::wanted(&double);
    trial::require(back == installed, &format!("{back:#?} instead of {installed:#?}"))?;
    trial::require_whole_history(&rhumb.json(&["history", "shop"])?, 3)?;
    rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    marathon::require_nothing_of(&double, "default", "shop")?;
    marathon::require_no_violations(&double).map_err(Failed::from)
}

fn no_change() -> Result<(), Failed> {
    let double = marathon::double()?;
    let rhumb = marathon::rhumb(&double);
    let chart = chart("sock-shop");
    rhumb.succeed(&["install", "shop", &chart, "--wait"])?;
    let specs = versions(&double);
    double.reset_counts();
    let noop = rhumb.json(&["upgrade", "shop", &chart, "--wait"])?;
    trial::require(noop["plan"]["steps"] == serde_json::json!([]), &noop["plan"].to_string())?;
    let counts = double.counts();
    // What is created is named in the body and not in the path.
    let is_strange = |call: &&String| {
        !call.starts_with("GET ")
            && !call.contains("/rhumb/records/")
            && !call.ends_with("POST /service/marathon/v2/apps")
    };
    let strange: Vec<&String> = counts.keys().filter(is_strange).collect();
    trial::require(strange.is_empty(), &format!("more than the record was written: {strange:?}"))?;
    let after = versions(&double);
    trial::require(after == specs, &format!("{after:?} instead of {specs:?}"))?;
    rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    marathon::require_nothing_of(&double, "default", "shop").map_err(Failed::from)
}

/// Every app that is no record, with its version, which each write of it changes.
fn versions(double: &marathon::Double) -> Vec<(String, Option<String>)> {
    let version = |id: &String| Some(double.spec(id)?["version"].as_str()?.to_owned());
    marathon::wanted(double).into_keys().map(|id| (id.clone(), version(&id))).collect()
}
