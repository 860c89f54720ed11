//! The project's own charts, and how little is written for them.

use libtest_mimic::{Failed, Trial};
use rhumb_integration::{marathon, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::test("marathon::an_upgrade_without_a_change_writes_its_record_only", no_change)]
}

fn chart(name: &str) -> String {
    format!("{}/../charts/{name}", env!("CARGO_MANIFEST_DIR"))
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
