//! Every verb, without a server.

use libtest_mimic::{Failed, Trial};
use rhumb_integration::{Rhumb, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("a_new_chart_lints_and_installs", new_chart),
        Trial::test("first_party_charts_lint", first_party),
        Trial::test("a_failed_first_install_can_be_upgraded", through_history),
    ]
}

fn new_chart() -> Result<(), Failed> {
    let rhumb = Rhumb::memory();
    let folder = rhumb.home().join("mine");
    let folder = folder.to_str().ok_or("a plain path")?;
    rhumb.succeed(&["create", folder])?;
    rhumb.succeed(&["lint", folder])?;
    rhumb.succeed(&["install", "mine", folder, "--wait"])?;
    let list = rhumb.json(&["list"])?;
    trial::require(list[0]["name"] == "mine" && list[0]["status"] == "deployed", &list.to_string())?;
    rhumb.succeed(&["uninstall", "mine"])?;
    let list = rhumb.json(&["list"])?;
    trial::require(list.as_array().is_some_and(Vec::is_empty), &list.to_string())
}

fn first_party() -> Result<(), Failed> {
    let rhumb = Rhumb::memory();
    for chart in ["web", "redis", "postgres", "sock-shop"] {
        let folder = format!("{}/../charts/{chart}", env!("CARGO_MANIFEST_DIR"));
        rhumb.succeed(&["lint", &folder])?;
        rhumb.succeed(&["install", chart, &folder, "--wait"])?;
        let again = rhumb.json(&["upgrade", chart, &folder, "--wait"])?;
        trial::require(again["plan"]["steps"] == serde_json::json!([]), &again.to_string())?;
    }
    Ok(())
}

fn through_history() -> Result<(), Failed> {
    let rhumb = Rhumb::memory();
    let chart = format!("{}/../charts/web", env!("CARGO_MANIFEST_DIR"));
    rhumb.succeed(&["install", "web", &chart, "--wait"])?;
    rhumb.succeed(&["upgrade", "web", &chart, "--set", "replicas=3", "--wait"])?;
    rhumb.succeed(&["rollback", "web", "1", "--wait"])?;
    let history = rhumb.json(&["history", "web"])?;
    trial::require_whole_history(&history, 3)?;
    let values = rhumb.json(&["get", "values", "web"])?;
    trial::require(values.get("replicas").is_none(), &values.to_string())?;
    rhumb.succeed(&["uninstall", "web", "--keep-history"])?;
    rhumb.succeed(&["rollback", "web", "2", "--wait"])?;
    let values = rhumb.json(&["get", "values", "web"])?;
    trial::require(values["replicas"] == 3, &values.to_string())
}
