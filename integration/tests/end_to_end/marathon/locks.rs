//! Deployments that hold locks: our own is taken away and reported, a foreign one is respected, and one that cannot finish is
//! taken back.

use libtest_mimic::{Failed, Trial};
use rhumb_integration::marathon::{self, Fate, Rule};
use rhumb_integration::{ChartFolder, Ended, Rhumb, trial};
use serde_json::json;

const APP: &str = "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:{{ values.tag }}', args: [serve] } }
";

const ID: &str = "/default/shop/web";

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("marathon::our_own_deployment_is_taken_away_and_reported", own),
        Trial::test("marathon::what_a_killed_scale_or_restart_began_is_our_own", killed),
        Trial::test("marathon::a_foreign_deployment_is_respected_unless_forced", foreign),
        Trial::test("marathon::atomic_takes_back_a_deployment_that_cannot_finish", atomic),
    ]
}

fn chart() -> ChartFolder {
    ChartFolder::of(APP).with("values.yaml", "tag: 1\n")
}

/// An image whose tasks fail again and again, so that its deployment never ends.
fn broken() -> Rule {
    Rule { image: Some("rhumb-demo:broken".to_owned()), fate: Fate::exits(3), ..Rule::default() }
}

/// The image of the app that is wanted.
fn image(double: &marathon::Double) -> String {
    let spec = double.spec(ID).unwrap_or_default();
    spec["container"]["docker"]["image"].as_str().unwrap_or_default().to_owned()
}

fn own() -> Result<(), Failed> {
    let double = marathon::double()?;
    let rhumb = marathon::rhumb(&double);
    let chart = chart();
    // No offer fits, so the deployment waits for ever, and the command does not wait for it.
    double.tell(Rule {
        image: Some("rhumb-demo:broken".to_owned()),
        fate: Fate::Unplaceable { reason: "InsufficientMemory".to_owned() },
        ..Rule::default()
    });
    rhumb.succeed(&["install", "shop", chart.argument(), "--wait"])?;
    rhumb.succeed(&["upgrade", "shop", chart.argument(), "--set", "tag=broken"])?;
    let holding = double.state()["deployments"][0].as_str().unwrap_or_default().to_owned();
    trial::require(!holding.is_empty(), "no deployment is under way")?;
    let ended = rhumb.run(&["upgrade", "shop", chart.argument(), "--set", "tag=2", "--wait"]);
    let ended = ended.expect_code(0)?;
    ended.expect_texts(&["warning: ", "was cancelled", &holding])?;
    trial::require(image(&double) == "rhumb-demo:2", &image(&double))?;
    trial::require(double.state()["deployments"] == json!([]), "a deployment is under way")?;
    rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    marathon::require_nothing_of(&double, "default", "shop").map_err(Failed::from)
}

/// Each is killed while its deployment holds the app; the next command takes it over, and says so.
fn killed() -> Result<(), Failed> {
    let double = marathon::double()?;
    let rhumb = marathon::rhumb(&double);
    let chart = chart();
    rhumb.succeed(&["install", "shop", chart.argument(), "--wait"])?;
    let upgrade = ["upgrade", "shop", chart.argument(), "--set", "tag=2", "--wait"];
    let rounds: [[&[&str]; 2]; 3] = [
        [&["scale", "shop", "web=3", "--wait"], &upgrade],
        [&["restart", "shop", "--wait"], &["scale", "shop", "web=2", "--wait"]],
        [&["scale", "shop", "web=4", "--wait"], &["restart", "shop", "--wait"]],
    ];
    for [begun, next] in rounds {
        // No offer fits, so that what is begun does not end.
        double.tell(Rule::of(ID, Fate::Unplaceable { reason: "InsufficientCpus".to_owned() }));
        let holding = kill_while_it_waits(&rhumb, &double, begun)?;
        let child = rhumb.spawn(next);
        let taken_over = trial::eventually("deployment of the next command", || {
            let deployments = double.state()["deployments"].clone();
            let is_another = deployments[0].as_str().is_some_and(|id| id != holding);
            if is_another { Ok(()) } else { Err(deployments.to_string()) }
        });
        double.forget_rules();
        let ended = Ended::new(next, &child.wait_with_output()?).expect_code(0)?;
        ended.expect_texts(&["warning: ", "was cancelled", &holding])?;
        taken_over?;
        trial::require(double.state()["deployments"] == json!([]), "a deployment is under way")?;
    }
    trial::require(image(&double) == "rhumb-demo:2", &image(&double))?;
    let spec = double.spec(ID).unwrap_or_default();
    trial::require(spec["instances"] == 4, &spec.to_string())?;
    rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    marathon::require_nothing_of(&double, "default", "shop").map_err(Failed::from)
}

/// Kills a command once its deployment is recorded, and returns the deployment's id.
fn kill_while_it_waits(
    rhumb: &Rhumb,
    double: &marathon::Double,
    arguments: &[&str],
) -> Result<String, Failed> {
    let mut child = rhumb.spawn(arguments);
    let holding = trial::eventually("deployment", || {
        let deployments = double.state()["deployments"].clone();
        deployments[0].as_str().map(str::to_owned).ok_or_else(|| deployments.to_string())
    });
    std::thread::sleep(std::time::Duration::from_secs(1));
    let was_at_work = child.try_wait()?.is_none();
    child.kill()?;
    let ended = Ended::new(arguments, &child.wait_with_output()?);
    trial::require(was_at_work, &format!("it did not wait: {ended}"))?;
    Ok(holding?)
}

fn foreign() -> Result<(), Failed> {
    let double = marathon::double()?;
    let rhumb = marathon::rhumb(&double);
    let chart = chart();
    rhumb.succeed(&["install", "shop", chart.argument(), "--wait"])?;
    let reason = "InsufficientCpus".to_owned();
    double.tell(Rule::of(ID, Fate::Unplaceable { reason }));
    // Somebody scales by hand, and no offer fits.
    let (status, answer) = double.call("PATCH", "/v2/apps/default/shop/web", &json!({ "instances": 5 }));
    trial::require(status == 200, &answer.to_string())?;
    let holding = answer["deploymentId"].as_str().unwrap_or_default().to_owned();
    double.forget_rules();
    double.tell(Rule::of(ID, Fate::NeverStarts));
    let upgrade = ["upgrade", "shop", chart.argument(), "--set", "tag=2", "--wait", "--timeout", "5s"];
    let ended = rhumb.run(&upgrade);
    trial::require(ended.code.is_some_and(|code| code != 0), &ended.to_string())?;
    ended.expect_texts(&[&holding, "--force-conflicts"])?;
    trial::require(image(&double) == "rhumb-demo:1", "the lock was not respected")?;
    let is_there = double.state()["deployments"].to_string().contains(&holding);
    trial::require(is_there, "somebody else's deployment was taken away")?;
    double.forget_rules();
    let forced = ["upgrade", "shop", chart.argument(), "--set", "tag=2", "--wait", "--force-conflicts"];
    rhumb.succeed(&forced)?;
    trial::require(image(&double) == "rhumb-demo:2", &image(&double))?;
    rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    marathon::require_nothing_of(&double, "default", "shop").map_err(Failed::from)
}

fn atomic() -> Result<(), Failed> {
    let double = marathon::double()?;
    let rhumb = marathon::rhumb(&double);
    let chart = chart();
    double.tell(broken());
    rhumb.succeed(&["install", "shop", chart.argument(), "--wait"])?;
    let before = marathon::wanted(&double);
    let upgrade = ["upgrade", "shop", chart.argument(), "--set", "tag=broken", "--atomic", "--timeout", "1m"];
    let ended = rhumb.run(&upgrade);
    trial::require(ended.code.is_some_and(|code| code != 0), &ended.to_string())?;
    ended.expect_texts(&["web", "3"])?;
    let after = marathon::wanted(&double);
    trial::require(after == before, &format!("{after:#?} instead of {before:#?}"))?;
    trial::require(double.state()["deployments"] == json!([]), "a deployment is still under way")?;
    let history = rhumb.json(&["history", "shop"])?;
    let deployed = history.as_array().into_iter().flatten().filter(|one| one["status"] == "deployed").count();
    trial::require(deployed == 1, &history.to_string())?;
    rhumb.succeed(&["uninstall", "shop", "--wait"])?;
    marathon::require_nothing_of(&double, "default", "shop").map_err(Failed::from)
}
