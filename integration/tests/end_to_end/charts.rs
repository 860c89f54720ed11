//! The project's own charts live everywhere by the same commands: only what a platform lacks is accepted beside them.

use std::collections::BTreeSet;
use std::path::Path;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::{Ended, Place, Platform, Rhumb, trial};

/// A chart, the values that it is installed with, and the one that an upgrade changes.
#[derive(Clone, Copy)]
struct Life {
    chart: &'static str,
    release: &'static str,
    values: &'static str,
    change: &'static str,
}

/// Images are such as need no registry.
const WEB: Life = Life {
    chart: "web",
    release: "web-lives",
    values: "
image: rhumb-demo:1
replicas: 2
env: { LOG_LEVEL: debug }
secretEnv: { TOKEN: secret }
config: { app.conf: listen 8080 }
route: { host: web-lives.example }
",
    change: "env.LOG_LEVEL=info",
};

const SOCK_SHOP: Life = Life {
    chart: "sock-shop",
    release: "shop-lives",
    values: "
images:
  frontEnd: rhumb-demo:1
  edgeRouter: rhumb-demo:1
  catalogue: rhumb-demo:1
  catalogueDb: rhumb-demo:1
  carts: rhumb-demo:1
  orders: rhumb-demo:1
  shipping: rhumb-demo:1
  queueMaster: rhumb-demo:1
  rabbitmq: rhumb-demo:1
  payment: rhumb-demo:1
  user: rhumb-demo:1
  userDb: rhumb-demo:1
  mongo: rhumb-demo:1
edge: { port: 30581 }
",
    change: "images.catalogue=rhumb-demo:2",
};

impl Life {
    /// What is refused on a platform: the feature, and what is said of it.
    fn refused(self, platform: Platform) -> Option<(&'static str, &'static [&'static str])> {
        match (self.chart, platform) {
            ("web", Platform::Swarm) => Some((
                "route",
                &[
                    "route/web-lives (templates/route.yaml:2)",
                    "why: Swarm has no HTTP router",
                    "--accept-loss route",
                ],
            )),
            _ => None,
        }
    }

    /// The features that a platform emulates or leaves out; none means that all is native.
    fn lossy(self, platform: Platform) -> &'static [&'static str] {
        match (self.chart, platform) {
            ("web", Platform::Swarm) => &["env-secret", "route"],
            ("web", Platform::Kubernetes) => &["route"],
            ("web", Platform::Ecs) => &["config-files", "cpu-reservation", "expose-internal"],
            ("web", Platform::Marathon) => &["config-files", "route"],
            ("sock-shop", Platform::Swarm) => &["expose-internal"],
            ("sock-shop", Platform::Ecs) => SOCK_SHOP_ON_ECS,
            ("sock-shop", Platform::Marathon) => {
                &["ephemeral-volume", "expose-node", "file-mode", "short-names", "tmpfs"]
            }
            _ => &[],
        }
    }
}

const SOCK_SHOP_ON_ECS: &[&str] =
    &["cpu-limit", "cpu-reservation", "expose-node", "file-mode", "secret-files", "short-names", "tmpfs"];

pub(crate) fn trials() -> Vec<Trial> {
    let lives = |platform: Platform| {
        [WEB, SOCK_SHOP]
            .map(|life| platform.trial(&format!("{}_lives", life.chart), move |on| live(life, on)))
    };
    Platform::ALL.into_iter().flat_map(lives).collect()
}

/// A release under test.
struct Bench {
    place: Place,
    rhumb: Rhumb,
    life: Life,
    platform: Platform,
    chart: String,
    values: String,
}

impl Bench {
    fn new(life: Life, platform: Platform) -> Result<Self, Failed> {
        let place = platform.place(life.release)?;
        if platform == Platform::Kubernetes && life.chart == "sock-shop" {
            // More than one small machine holds.
            trial::cluster()?.kubectl().simulate(life.release)?;
        }
        let rhumb = place.rhumb();
        let values = rhumb.home().join("values.yaml");
        std::fs::write(&values, life.values)?;
        let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts").join(life.chart);
        let text = |path: &Path| path.to_string_lossy().into_owned();
        Ok(Self { place, life, platform, chart: text(&chart), values: text(&values), rhumb })
    }

    /// A verb with the chart, its values, and what this platform must be allowed to leave out.
    fn deploy(&self, verb: &str, more: &[&str]) -> Ended {
        let accepted =
            self.life.refused(self.platform).map_or(vec![], |(feature, _)| vec!["--accept-loss", feature]);
        self.plainly(verb, &[&accepted, more].concat())
    }

    fn plainly(&self, verb: &str, more: &[&str]) -> Ended {
        self.rhumb.run(&[&[verb, self.life.release, &self.chart, "-f", &self.values], more].concat())
    }

    /// What a platform refuses is said without a change, and so is what it emulates.
    fn is_told_first(&self) -> Result<(), Failed> {
        if let Some((_, texts)) = self.life.refused(self.platform) {
            self.plainly("install", &["--wait"]).expect_code(3)?.expect_texts(texts)?;
            self.has_nothing()?;
        }
        self.deploy("install", &["--dry-run"]).expect_code(0)?.expect_texts(&["Nothing was changed"])?;
        let dry = self.deploy("install", &["--dry-run", "-o", "json"]).expect_code(0)?.json()?;
        let losses = dry["losses"].as_array().into_iter().flatten();
        let told: BTreeSet<&str> = losses.filter_map(|loss| loss["feature"].as_str()).collect();
        let lossy = self.life.lossy(self.platform).iter().copied().collect();
        trial::require(told == lossy, &format!("told: {told:?}, lossy: {lossy:?}"))?;
        self.has_nothing()
    }

    fn has_nothing(&self) -> Result<(), Failed> {
        let runs = self.place.runs(self.life.release)?;
        trial::require(runs.is_empty(), &format!("there is already {runs:?}"))?;
        self.place.require_nothing_of(self.life.release)
    }

    /// The losses come before the first step.
    fn install(&self) -> Result<(), Failed> {
        let ended = self.deploy("install", &["--wait"]).expect_code(0)?;
        let first_step = ended.stderr.find("[1/").ok_or("no step is told")?;
        for feature in self.life.lossy(self.platform) {
            let is_before =
                ended.stderr.find(&format!("({feature})")).is_some_and(|place| place < first_step);
            trial::require(is_before, &format!("{feature} is not told before anything is changed: {ended}"))?;
        }
        Ok(())
    }
}

/// Told, installed, upgraded, taken back and removed: what runs follows, and nothing is left.
fn live(life: Life, platform: Platform) -> Result<(), Failed> {
    let bench = Bench::new(life, platform)?;
    bench.is_told_first()?;
    bench.install()?;
    let installed = bench.place.runs(life.release)?;
    bench.deploy("upgrade", &["--set", life.change, "--wait"]).expect_code(0)?;
    let upgraded = bench.place.runs(life.release)?;
    let changed = installed.iter().filter(|(name, what)| upgraded.get(*name) != Some(*what)).count();
    let same_names = installed.keys().eq(upgraded.keys());
    trial::require(changed == 1 && same_names, &format!("{upgraded:#?} after {installed:#?}"))?;
    bench.rhumb.succeed(&["rollback", life.release, "1", "--wait"])?;
    let back = bench.place.runs(life.release)?;
    trial::require(back == installed, &format!("{back:#?} instead of {installed:#?}"))?;
    trial::require_whole_history(&bench.rhumb.json(&["history", life.release])?, 3)?;
    bench.rhumb.succeed(&["uninstall", life.release, "--wait"])?;
    bench.place.require_nothing_of(life.release)
}
