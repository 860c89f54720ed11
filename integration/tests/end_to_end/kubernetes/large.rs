//! A release that is larger than what a Secret holds.

use std::fmt::Write as _;

use libtest_mimic::{Failed, Trial};
use rhumb_integration::{ChartFolder, Platform, trial};

/// Configs, of a little under the 1 MiB that one config may have.
const CONFIGS: usize = 22;
const BYTES: usize = 950_000;
/// A file of a chart holds 10 MiB.
const PER_FILE: usize = 8;

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial::needs_cluster("kubernetes::a_record_of_twenty_mebibytes_stores_and_rolls_back", large)]
}

/// A chart with so much text that it takes several files.
fn chart() -> ChartFolder {
    let chart = ChartFolder::of("").with("values.yaml", "colour: blue\n");
    for file in 0..CONFIGS.div_ceil(PER_FILE) {
        let mut app = String::new();
        for number in (file * PER_FILE..CONFIGS).take(PER_FILE) {
            let noise = noise(number as u64);
            let _ = write!(
                app,
                "---\nkind: Config\nname: big-{number}\ndata: {{ noise: '{{{{ values.colour }}}}{noise}' }}\n"
            );
        }
        chart.write(&format!("templates/big-{file}.yaml"), &app);
    }
    chart
}

fn large() -> Result<(), Failed> {
    let place = Platform::Kubernetes.place("large")?;
    let rhumb = place.rhumb();
    let chart = chart();
    rhumb.succeed(&["install", "big", chart.argument()])?;
    rhumb.succeed(&["upgrade", "big", chart.argument(), "--set", "colour=red"])?;
    rhumb.succeed(&["rollback", "big", "1"])?;
    let kubectl = trial::cluster()?.kubectl();
    let found =
        kubectl.list("large", "configmaps", "app.kubernetes.io/instance=big,app.kubernetes.io/name=big-0")?;
    let holds = |colour: &str| {
        found
            .iter()
            .any(|config| config["data"]["noise"].as_str().is_some_and(|noise| noise.starts_with(colour)))
    };
    trial::require(holds("blue"), "the first content is not there after the rollback")?;
    trial::require_whole_history(&rhumb.json(&["history", "big"])?, 3)?;
    let manifest = rhumb.succeed(&["get", "manifest", "big"])?;
    trial::require(manifest.len() > CONFIGS * BYTES, "the record is smaller than what it recorded")?;
    rhumb.succeed(&["uninstall", "big", "--wait"])?;
    place.require_nothing_of("big")
}

/// Text that does not compress well: base-36 digits of a linear congruential generator.
fn noise(seed: u64) -> String {
    let mut state = seed.wrapping_add(88_172_645_463_325_252);
    let mut text = String::with_capacity(BYTES);
    while text.len() < BYTES {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let digit = u32::try_from(state >> 59).unwrap_or_default();
        text.push(char::from_digit(digit, 36).unwrap_or('z'));
    }
    text
}
