//! One command for every platform at once.

use std::collections::BTreeMap;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::{Ended, Place, Platform, Rhumb, trial};
use serde_json::{Map, Value};

const RELEASE: &str = "five-at-once";

pub(crate) fn trials() -> Vec<Trial> {
    let can = trial::can_have_swarm() && trial::can_have_cluster() && rhumb_integration::ecs::can_have();
    let test = Trial::test("several::five_platforms_by_one_command", five).with_ignored_flag(!can);
    vec![test]
}

/// A place on each platform, and one program for all of them.
struct Bench {
    places: Vec<(Platform, Place)>,
    rhumb: Rhumb,
}

impl Bench {
    fn new() -> Result<Self, Failed> {
        let place = |platform: Platform| Ok((platform, platform.place(RELEASE)?));
        let places = Platform::ALL.into_iter().map(place).collect::<Result<Vec<_>, Failed>>()?;
        let target =
            |(platform, place): &(Platform, Place)| (format!("my-{}", platform.as_str()), place.target());
        let targets: Map<String, Value> = places.iter().map(target).collect();
        let rhumb = Rhumb::targets(&targets.into(), rhumb_integration::ecs::environment());
        let names: Vec<String> =
            places.iter().map(|(platform, _)| format!("my-{}", platform.as_str())).collect();
        let names = names.iter().map(String::as_str);
        rhumb.succeed(&["target", "group", "all"].into_iter().chain(names).collect::<Vec<_>>())?;
        Ok(Self { places, rhumb })
    }

    fn run(&self, verb: &str, more: &[&str]) -> Ended {
        let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/web");
        let chart = if verb == "uninstall" { &[][..] } else { &[chart][..] };
        self.rhumb.run(&[&[verb, RELEASE], chart, &["--target", "all"], more].concat())
    }

    /// What runs on each platform, by its own word.
    fn runs(&self) -> Result<BTreeMap<&'static str, BTreeMap<String, Value>>, Failed> {
        let runs = |(platform, place): &(Platform, Place)| Ok((platform.as_str(), place.runs(RELEASE)?));
        self.places.iter().map(runs).collect()
    }

    /// The outcome on each target, in the table or the JSON, and the rest of its line or entry.
    fn outcomes(
        &self,
        expected: impl Fn(Platform) -> &'static str,
        told: impl Fn(&str) -> String,
    ) -> Result<(), Failed> {
        for (platform, _) in &self.places {
            let (outcome, found) = (expected(*platform), told(&format!("my-{}", platform.as_str())));
            trial::require(
                found.starts_with(outcome),
                &format!("{platform:?}: {found:?} instead of {outcome}"),
            )?;
        }
        Ok(())
    }
}

/// What a table says of a target after its name and namespace.
fn in_table(table: &str, target: &str) -> String {
    let lines: Vec<&str> = table.lines().filter(|line| line.starts_with(&format!("{target} "))).collect();
    match lines[..] {
        [line] => line.split_whitespace().skip(2).collect::<Vec<_>>().join(" "),
        _ => format!("{} lines", lines.len()),
    }
}

fn in_json(rows: &Value, target: &str) -> String {
    let rows: Vec<&Value> =
        rows.as_array().into_iter().flatten().filter(|row| row["target"] == target).collect();
    match rows[..] {
        [row] => format!("{} {}", row["outcome"].as_str().unwrap_or_default(), row["backTo"]),
        _ => format!("{} entries", rows.len()),
    }
}

/// All take it; then one cannot start what an upgrade wants, and all go back.
fn five() -> Result<(), Failed> {
    let bench = Bench::new()?;
    let installed = bench.run("install", &["--set", "image=rhumb-demo:1", "--wait"]).expect_code(0)?;
    bench.outcomes(|_| "done 1 ", |target| in_table(&installed.stdout, target))?;
    let before = bench.runs()?;
    let runs_everywhere = before.values().all(|runs| !runs.is_empty());
    trial::require(runs_everywhere, &format!("{before:#?}"))?;
    for (_, place) in &bench.places {
        place.cannot_start("rhumb-demo:2");
    }
    let upgrade = ["--set", "image=rhumb-demo:2", "--all-or-nothing"];
    let table = bench.run("upgrade", &upgrade).expect_code(6)?;
    bench.outcomes(
        |platform| fate(platform, "taken back 2 (back to 1) "),
        |target| in_table(&table.stdout, target),
    )?;
    table.expect_texts(&["my-marathon:", "no such image"])?;
    require_as_before(&bench, &before)?;
    let json = bench.run("upgrade", &[&upgrade[..], &["-o", "json"]].concat()).expect_code(6)?.json()?;
    bench.outcomes(|platform| fate(platform, "taken back "), |target| in_json(&json, target))?;
    require_as_before(&bench, &before)?;
    bench.run("uninstall", &["--wait"]).expect_code(0)?;
    bench.places.iter().try_for_each(|(_, place)| place.require_nothing_of(RELEASE))
}

fn fate(platform: Platform, of_the_others: &'static str) -> &'static str {
    if platform == Platform::Marathon { "failed " } else { of_the_others }
}

fn require_as_before(
    bench: &Bench,
    before: &BTreeMap<&'static str, BTreeMap<String, Value>>,
) -> Result<(), Failed> {
    let after = bench.runs()?;
    trial::require(after == *before, &format!("{after:#?} instead of {before:#?}"))
}
