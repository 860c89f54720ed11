//! A command that is killed at any moment: the next one works, and says what it found.

use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use rhumb_integration::{ChartFolder, Place, Platform, Rhumb, trial};

const APP: &str = "
kind: Workload
name: db
mode: stateful
replicas: 2
containers:
  db:
    image: rhumb-demo:1
    env: { COLOUR: '{{ values.colour }}' }
    mounts: { /run/db: { secret: db } }
    probes: { ready: { exec: [/demo, get, 'http://127.0.0.1:8080/healthz'], period: 1s } }
---
kind: Workload
name: web
dependsOn: [db]
containers: { web: { image: 'rhumb-demo:1', mounts: { /etc/app: { config: look } } } }
---
kind: Config
name: look
data: { colour: '{{ values.colour }}' }
---
kind: Secret
name: db
generate: { password: {} }
";

/// Moments at which a command is killed, spread evenly over the time that it takes.
const MOMENTS: u32 = 8;

/// What is done next.
#[derive(Clone, Copy)]
enum Next {
    Upgrade,
    Rollback,
    Uninstall,
}

pub(crate) fn trials() -> Vec<Trial> {
    Platform::SERVED.into_iter().flat_map(trials_on).collect()
}

fn trials_on(platform: Platform) -> Vec<Trial> {
    vec![
        platform.trial("an_install_killed_at_any_moment_can_be_upgraded", |on| installs(on, Next::Upgrade)),
        platform
            .trial("an_install_killed_at_any_moment_can_be_uninstalled", |on| installs(on, Next::Uninstall)),
        platform.trial("an_upgrade_killed_at_any_moment_can_be_upgraded", |on| upgrades(on, Next::Upgrade)),
        platform
            .trial("an_upgrade_killed_at_any_moment_can_be_rolled_back", |on| upgrades(on, Next::Rollback)),
        platform
            .trial("an_upgrade_killed_at_any_moment_can_be_uninstalled", |on| upgrades(on, Next::Uninstall)),
    ]
}

/// A release under test.
struct Bench {
    place: Place,
    rhumb: Rhumb,
    chart: ChartFolder,
    release: String,
}

impl Bench {
    fn new(platform: Platform, release: &str) -> Result<Self, Failed> {
        let place = platform.unhurried_place(release)?;
        let chart = ChartFolder::of(&platform.adapted(APP)).with("values.yaml", "colour: blue\n");
        Ok(Self { rhumb: place.rhumb(), place, chart, release: release.to_owned() })
    }

    fn install(&self) -> [&str; 4] {
        ["install", &self.release, self.chart.argument(), "--wait"]
    }

    fn upgrade<'a>(&'a self, set: &'a str) -> [&'a str; 7] {
        ["upgrade", "--install", &self.release, self.chart.argument(), "--set", set, "--wait"]
    }

    fn clean(&self) -> Result<(), Failed> {
        self.rhumb.succeed(&["uninstall", &self.release, "--wait", "--ignore-not-found"])?;
        self.place.require_nothing_of(&self.release)
    }

    /// Runs a command for so long and kills it; says whether it was still at work.
    fn kill_after(&self, arguments: &[&str], time: Duration) -> Result<bool, Failed> {
        let mut child = self.rhumb.spawn(arguments);
        std::thread::sleep(time);
        let was_at_work = child.try_wait()?.is_none();
        child.kill()?;
        child.wait()?;
        Ok(was_at_work)
    }

    /// What is recorded as begun and not ended, if anything is.
    fn pending(&self) -> Option<u64> {
        let history =
            self.rhumb.run(&["history", &self.release, "-o", "json"]).expect_code(0).ok()?.json().ok()?;
        let last = history.as_array()?.iter().max_by_key(|revision| revision["revision"].as_u64())?.clone();
        let is_pending = last["status"].as_str()?.starts_with("pending");
        is_pending.then(|| last["revision"].as_u64()).flatten()
    }

    /// The next command, which must say what it found.
    fn next(&self, next: Next) -> Result<(), Failed> {
        let pending = self.pending();
        let ended = match next {
            Next::Upgrade => self.rhumb.run(&self.upgrade("colour=red")),
            Next::Rollback => self.rhumb.run(&["rollback", &self.release, "--wait"]),
            Next::Uninstall => self.rhumb.run(&["uninstall", &self.release, "--wait", "--ignore-not-found"]),
        };
        let ended = ended.expect_code(0)?;
        if let Some(revision) = pending {
            ended.expect_texts(&[&format!("revision {revision}")])?;
        }
        if !matches!(next, Next::Uninstall) {
            let history = self.rhumb.json(&["history", &self.release])?;
            trial::require_whole_history(&history, 1)?;
            let dry = [&self.upgrade("colour=red")[..], &["--dry-run"]].concat();
            if matches!(next, Next::Upgrade) {
                let plan = self.rhumb.json(&dry)?;
                trial::require(!has_work(&plan), &format!("something is left: {plan}"))?;
            }
        }
        Ok(())
    }
}

/// Whether a plan would change anything that the release wants. What only a revision needs that the next one pushes out
/// of the history is collected by the next one, and that is no work left over.
fn has_work(plan: &serde_json::Value) -> bool {
    let steps = plan["plan"]["steps"].as_array().map_or(&[][..], Vec::as_slice);
    steps.iter().any(|step| !matches!(step["action"].as_str(), Some("collect" | "await")))
}

fn installs(platform: Platform, next: Next) -> Result<(), Failed> {
    let bench = Bench::new(
        platform,
        match next {
            Next::Uninstall => "killed-install-u",
            _ => "killed-install",
        },
    )?;
    bench.clean()?;
    let mut pace = Pace::of(|| bench.rhumb.succeed(&bench.install()))?;
    bench.clean()?;
    for moment in 0..MOMENTS {
        let after = pace.kill(&bench, &bench.install(), moment)?;
        bench.next(next).map_err(|error| at(after, &error))?;
        bench.clean().map_err(|error| at(after, &error))?;
    }
    trial::require(pace.killed > MOMENTS / 2, "too few installs were still at work when they were killed")
}

fn upgrades(platform: Platform, next: Next) -> Result<(), Failed> {
    let bench = Bench::new(
        platform,
        match next {
            Next::Upgrade => "killed-upgrade",
            Next::Rollback => "killed-upgrade-r",
            Next::Uninstall => "killed-upgrade-u",
        },
    )?;
    bench.clean()?;
    bench.rhumb.succeed(&bench.install())?;
    let mut pace = Pace::of(|| bench.rhumb.succeed(&bench.upgrade("colour=green")))?;
    for moment in 0..MOMENTS {
        let colour = format!("colour=green{moment}");
        let after = pace.kill(&bench, &bench.upgrade(&colour), moment)?;
        bench.next(next).map_err(|error| at(after, &error))?;
        if matches!(next, Next::Uninstall) {
            bench.place.require_nothing_of(&bench.release)?;
            bench.rhumb.succeed(&bench.install())?;
        }
    }
    bench.clean()?;
    trial::require(pace.killed > MOMENTS / 2, "too few upgrades were still at work when they were killed")
}

/// How long a command takes, over which the moments are spread.
struct Pace {
    whole: Duration,
    /// How many were still at work when they were killed.
    killed: u32,
}

impl Pace {
    fn of(work: impl FnOnce() -> Result<String, String>) -> Result<Self, Failed> {
        let start = Instant::now();
        work()?;
        Ok(Self { whole: start.elapsed(), killed: 0 })
    }

    /// Kills a command at a moment, and gives the time after which it did. One that had ended by then shows that the machine is
    /// less busy than it was.
    fn kill(&mut self, bench: &Bench, arguments: &[&str], moment: u32) -> Result<Duration, Failed> {
        let after = self.whole * moment / MOMENTS;
        if bench.kill_after(arguments, after)? {
            self.killed += 1;
        } else {
            self.whole = self.whole * 3 / 4;
        }
        Ok(after)
    }
}

fn at(after: Duration, error: &Failed) -> Failed {
    format!("killed after {after:?}: {}", error.message().unwrap_or_default()).into()
}
