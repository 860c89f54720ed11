//! Releases that share a listener.

use std::collections::BTreeSet;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::ecs::{self, Double};
use rhumb_integration::{ChartFolder, Ended, Rhumb, trial};
use serde_json::json;

const APP: &str = "
kind: Workload
name: web
containers: { web: { image: 'rhumb-demo:1', ports: { http: 8080 } } }
expose: { http: { port: 8080 } }
---
kind: Route
name: web
host: '{{ release.name }}.example'
paths: { /: { workload: web, port: http }, /deep: { workload: web, port: http } }
";

/// Installed at once.
const RELEASES: [&str; 4] = ["north", "east", "south", "west"];

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial::needs_ecs("ecs::releases_installed_at_once_share_a_listener", at_once)]
}

/// Each finds the same priorities free, and all but one of them choose others when they are taken. What was chosen stays: also
/// when a lower number is free again, and when a rollback brings back what was chosen at first.
fn at_once() -> Result<(), Failed> {
    let double = ecs::double()?;
    // All of them look before any of them makes a rule.
    double.delay("elbv2:CreateTargetGroup", Duration::from_secs(3));
    let rhumb = ecs::rhumb(&double);
    let chart = ChartFolder::of(APP);
    let commands = RELEASES.map(|release| ["install", release, chart.argument(), "--wait"]);
    let children = commands.each_ref().map(|command| rhumb.spawn(command));
    for (child, command) in children.into_iter().zip(&commands) {
        let ended = Ended::new(command, &child.wait_with_output()?);
        trial::require(ended.code == Some(0), &ended.to_string())?;
    }
    let rules = require_own_rules(&double, &RELEASES)?;
    let calls = double.calls().get("elbv2:CreateRule").copied().unwrap_or_default();
    trial::require(
        usize::try_from(calls)? > rules,
        &format!("{calls} calls made {rules} rules: nothing was taken"),
    )?;
    for release in RELEASES {
        require_no_change(&rhumb, release, &chart)?;
    }
    rhumb.succeed(&["uninstall", "north", "--wait"])?;
    let rest = &RELEASES[1..];
    for release in rest {
        require_no_change(&rhumb, release, &chart)?;
    }
    rhumb.succeed(&["upgrade", "west", chart.argument(), "--wait"])?;
    rhumb.succeed(&["rollback", "west", "1", "--wait"])?;
    require_own_rules(&double, rest)?;
    require_no_change(&rhumb, "west", &chart)?;
    ecs::require_no_violations(&double).map_err(Failed::from)
}

fn require_no_change(rhumb: &Rhumb, release: &str, chart: &ChartFolder) -> Result<(), Failed> {
    let plan = rhumb.json(&["upgrade", release, chart.argument(), "--dry-run"])?;
    trial::require(plan["plan"]["steps"] == json!([]), &plan["plan"].to_string())
}

/// Every release has two rules, the one that says more first, and no number is there twice.
fn require_own_rules(double: &Double, releases: &[&str]) -> Result<usize, Failed> {
    let mut numbers = BTreeSet::new();
    for release in releases {
        let items = ecs::items(double, "default", release)?;
        let rules = items.iter().filter(|item| item.kind == "listener-rule");
        let mut own: Vec<(u32, bool)> = Vec::new();
        for rule in rules {
            own.push((rule.name.parse()?, rule.body["Conditions"].to_string().contains("/deep")));
        }
        own.sort_unstable();
        let deep: Vec<bool> = own.iter().map(|(_, is_deep)| *is_deep).collect();
        trial::require(deep == [true, false], &format!("the rules of {release}: {own:?}"))?;
        numbers.extend(own.iter().map(|(number, _)| *number));
    }
    let wanted = releases.len() * 2;
    trial::require(numbers.len() == wanted, &format!("priorities are there twice: {numbers:?}"))?;
    Ok(wanted)
}
