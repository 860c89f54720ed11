//! How long a release of many independent workloads takes on a Marathon that is slow, beside the time that its slowness alone
//! takes.

use std::time::Duration;

use rhumb_integration::ChartFolder;
use rhumb_integration::marathon::{self, Fault, FaultRule};
use rhumb_integration::measure::{Line, factor, print, text, timed, verdict};

/// Workloads of the release.
const WORKLOADS: u32 = 100;
/// How many apps are made at one time: what a backend does that says nothing else.
const CONCURRENCY: u32 = 10;
/// How many times the latency alone an install may take.
const BOUND: f64 = 1.3;
/// How long the double takes to answer that it has begun an app. It must be much longer than all other work on one.
const LATENCY: Duration = Duration::from_secs(2);

fn main() {
    // `cargo test --benches` only asks whether it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let double = marathon::double().expect("a double");
    let slow = Fault::Slow(u64::try_from(LATENCY.as_millis()).expect("a small number"));
    // Records are apps too, of another folder.
    double.fail(FaultRule::on("POST", "/v2/apps /default/many/", slow));
    // Without checks an app counts as ready a second after its start at the soonest.
    let chart = ChartFolder::of(
        "
{% for n in range(end=values.count) %}
---
kind: Workload
name: w{{ n }}
containers: { web: { image: 'rhumb-demo:1', probes: { ready: { exec: [/bin/true] } } } }
{% endfor %}
",
    )
    .with("values.yaml", &format!("count: {WORKLOADS}\n"));
    let rhumb = marathon::rhumb(&double);
    let time = timed(rhumb.command(&["install", "many", chart.argument(), "--wait"]));
    assert_eq!(double.met(), u64::from(WORKLOADS), "each app is made once, and slowly");
    let alone = LATENCY * WORKLOADS.div_ceil(CONCURRENCY);
    double.heal();
    rhumb.succeed(&["uninstall", "many", "--wait"]).expect("it goes again");
    print(&[Line {
        what: format!(
            "install {WORKLOADS} independent workloads on Marathon until all are ready, {CONCURRENCY} at once (the double's own latency)"
        ),
        ours: text(time),
        peer: text(alone),
        ratio: verdict(factor(time, alone), BOUND),
        bound: "1.3",
    }]);
}
