//! Probes as the one health check that a task has.

use std::collections::BTreeMap;

use rhumb_spec::model::{Probe, ProbeAction, Probes};
use rhumb_spec::{Duration, Feature};
use serde_json::Value;

use super::body::Body;
use super::shell::quote;
use super::{Report, Site, network};

/// What the engine takes where nothing is said.
///
/// Source: Docker's Dockerfile reference, `HEALTHCHECK`.
const DEFAULT_PERIOD: Duration = Duration::from_secs(30);
const DEFAULT_FAILURES: u32 = 3;

/// Turns a container's probes into `ContainerSpec.Healthcheck`.
///
/// The check asks what `ready` asks, else `live`, else `startup`: a task takes traffic once it is healthy, and is
/// replaced when it is not. With both `ready` and `live` it has the greater number of failures, because here the
/// task's life depends on it. Failures do not count within the longest of: the probe's `delay`, and the time that
/// `startup` allows (its delay, and its period for each failure).
///
/// Source: Engine API, `HealthConfig`; times are in nanoseconds.
pub(super) fn check(site: &Site<'_>, report: &mut Report) -> Option<Value> {
    let probes = &site.container.probes;
    let (field, probe) = asked(probes)?;
    if probe.successes.is_some_and(|successes| successes > 1) {
        let text = "one success makes a task healthy";
        report.lose(Feature::ReadinessProbe, site.in_container(&format!("probes.{field}.successes")), text);
    }
    let mut body = Body::new();
    body.set("Test", test(site, &probe.action)?);
    body.set_some("Interval", probe.period.map(Duration::as_nanos));
    body.set_some("Timeout", probe.timeout.map(Duration::as_nanos));
    body.set_some("StartPeriod", start_period(probes, probe).map(Duration::as_nanos));
    body.set_some("Retries", failures(probes, probe));
    Some(body.into_value())
}

fn asked(probes: &Probes) -> Option<(&'static str, &Probe)> {
    let ready = probes.ready.as_ref().map(|probe| ("ready", probe));
    let live = probes.live.as_ref().map(|probe| ("live", probe));
    ready.or(live).or(probes.startup.as_ref().map(|probe| ("startup", probe)))
}

fn failures(probes: &Probes, asked: &Probe) -> Option<u32> {
    match (&probes.ready, &probes.live) {
        (Some(ready), Some(live)) if ready != live => {
            let of = |probe: &Probe| probe.failures.unwrap_or(DEFAULT_FAILURES);
            Some(of(ready).max(of(live)))
        }
        _ => asked.failures,
    }
}

fn start_period(probes: &Probes, asked: &Probe) -> Option<Duration> {
    let startup = probes.startup.as_ref().map(|startup| {
        let period = startup.period.unwrap_or(DEFAULT_PERIOD).as_millis();
        let tries = u64::from(startup.failures.unwrap_or(DEFAULT_FAILURES));
        let delay = startup.delay.unwrap_or(Duration::ZERO).as_millis();
        Duration::from_millis(delay.saturating_add(period.saturating_mul(tries)))
    });
    startup.max(asked.delay)
}

fn test(site: &Site<'_>, action: &ProbeAction) -> Option<Vec<String>> {
    let number = |port: &str| network::container_port(site.workload, port);
    let shell = |script: String| vec!["CMD-SHELL".to_owned(), script];
    Some(match action {
        ProbeAction::Exec(command) => {
            std::iter::once("CMD".to_owned()).chain(command.iter().cloned()).collect()
        }
        ProbeAction::Http { path, port, https, headers } => {
            let scheme = if *https { "https" } else { "http" };
            shell(http_command(&format!("{scheme}://127.0.0.1:{}{path}", number(port)?), headers))
        }
        ProbeAction::Tcp { port } => shell(tcp_command(number(port)?)),
        ProbeAction::Grpc { port, service } => grpc_command(number(port)?, service),
    })
}

/// What the command of an HTTP probe begins with.
pub(crate) const SHELL_HTTP: &str = "if command -v curl >/dev/null; then exec curl -fsk -o /dev/null";

/// GETs a URL with curl or else wget, whichever the image has. Both succeed on 200–399, without a look at the
/// certificate.
pub(crate) fn http_command(url: &str, headers: &BTreeMap<String, String>) -> String {
    let option = |flag: &str| {
        let given =
            headers.iter().map(|(name, value)| format!(" {flag} {}", quote(&format!("{name}: {value}"))));
        given.collect::<Vec<_>>().concat()
    };
    let certificate = if url.starts_with("https:") { " --no-check-certificate" } else { "" };
    let word = quote(url);
    format!(
        "{SHELL_HTTP}{} {word}; else exec wget -q{certificate} -O /dev/null{} {word}; fi",
        option("-H"),
        option("--header")
    )
}

/// What the command of a TCP probe begins with.
pub(crate) const SHELL_TCP: &str = "if command -v nc >/dev/null; then nc -z 127.0.0.1";

/// Opens a connection with nc or else bash, whichever the image has. Debian's busybox has an nc without `-z`.
pub(crate) fn tcp_command(port: u16) -> String {
    let without_z = format!("exec nc -w 1 127.0.0.1 {port} </dev/null >/dev/null");
    format!(
        "{SHELL_TCP} {port} 2>/dev/null || {without_z}; else exec bash -c ': </dev/tcp/127.0.0.1/{port}'; fi"
    )
}

/// Asks the gRPC health service.
///
/// Source: github.com/grpc-ecosystem/grpc-health-probe.
pub(crate) fn grpc_command(port: u16, service: &str) -> Vec<String> {
    let mut command =
        vec!["CMD".to_owned(), "grpc_health_probe".to_owned(), format!("-addr=127.0.0.1:{port}")];
    if !service.is_empty() {
        command.push(format!("-service={service}"));
    }
    command
}
