//! Two commands on one release at once.

use libtest_mimic::{Failed, Trial};
use rhumb_integration::{ChartFolder, Ended, Platform, trial};

const APP: &str = "
kind: Workload
name: web
containers:
  web:
    image: rhumb-demo:1
    env: { COLOUR: '{{ values.colour }}', START_DELAY: 3 }
    probes: { ready: { exec: [/demo, get, 'http://127.0.0.1:8080/healthz'], period: 1s, failures: 20 } }
";

pub(crate) fn trials() -> Vec<Trial> {
    Platform::SERVED.map(|platform| platform.trial("of_two_upgrades_one_wins", two_upgrades)).into()
}

fn two_upgrades(platform: Platform) -> Result<(), Failed> {
    let place = platform.unhurried_place("raced")?;
    let rhumb = place.rhumb();
    let chart = ChartFolder::of(&platform.adapted(APP)).with("values.yaml", "colour: blue\n");
    rhumb.succeed(&["install", "raced", chart.argument(), "--wait"])?;
    for round in 0..3 {
        let colours = [format!("colour=red{round}"), format!("colour=green{round}")];
        let arguments =
            colours.each_ref().map(|set| ["upgrade", "raced", chart.argument(), "--set", set, "--wait"]);
        let children = arguments.each_ref().map(|arguments| rhumb.spawn(arguments));
        let mut ended = Vec::new();
        for (child, arguments) in children.into_iter().zip(&arguments) {
            ended.push(Ended::new(arguments, &child.wait_with_output()?));
        }
        let winners = ended.iter().filter(|ended| ended.code == Some(0)).count();
        let losers: Vec<&Ended> = ended.iter().filter(|ended| ended.code == Some(5)).collect();
        trial::require(winners == 1 && losers.len() == 1, &format!("{}\n{}", ended[0], ended[1]))?;
        for loser in losers {
            loser.clone().expect_texts(&["raced", "rhumb upgrade", "since"])?;
        }
    }
    let history = rhumb.json(&["history", "raced"])?;
    trial::require_whole_history(&history, 4)?;
    rhumb.succeed(&["uninstall", "raced", "--wait"])?;
    Ok(())
}
