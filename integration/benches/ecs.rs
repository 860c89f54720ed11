//! How long a release of many independent workloads takes on an ECS that is slow, beside the time that its slowness alone takes.
#![expect(clippy::print_stdout, reason = "it says what it leaves out")]

use std::time::Duration;

use rhumb_backend::Backend as _;
use rhumb_ecs::Ecs;
use rhumb_integration::ChartFolder;
use rhumb_integration::ecs;
use rhumb_integration::measure::{Line, factor, print, text, timed, verdict};

/// Workloads of the release.
const WORKLOADS: u32 = 100;
/// How many times the latency alone an install may take.
const BOUND: f64 = 1.3;
/// How long the double takes to make a service. It must be much longer than all other work on one.
const LATENCY: Duration = Duration::from_secs(2);

fn main() {
    // `cargo test --benches` only asks whether it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    if !ecs::can_have() {
        return println!(
            "left out: no Python with moto; integration/harness/aws/python.sh install makes one"
        );
    }
    let double = ecs::double().expect("a double");
    double.delay("ecs:CreateService", LATENCY);
    let chart = ChartFolder::of(
        "
{% for n in range(end=values.count) %}
---
kind: Workload
name: w{{ n }}
containers: { web: { image: 'rhumb-demo:1' } }
{% endfor %}
",
    )
    .with("values.yaml", &format!("count: {WORKLOADS}\n"));
    let rhumb = ecs::rhumb(&double);
    let time = timed(rhumb.command(&["install", "many", chart.argument(), "--wait"]));
    let at_once = double.most_at_once().get("ecs:CreateService").copied().unwrap_or(1);
    let concurrency =
        Ecs::new(rhumb_ecs::Settings::default(), rhumb_ecs::Environment::default()).concurrency();
    let concurrency = u32::try_from(concurrency).expect("a small number");
    let alone = LATENCY * WORKLOADS.div_ceil(concurrency);
    rhumb.succeed(&["uninstall", "many", "--wait"]).expect("it goes again");
    print(&[Line {
        what: format!(
            "install {WORKLOADS} independent workloads on ECS until all are ready, {at_once} at once (the double's own latency)"
        ),
        ours: text(time),
        peer: text(alone),
        ratio: verdict(factor(time, alone), BOUND),
        bound: "1.3",
    }]);
}
