//! Probes as health checks and as the one readiness check.

use rhumb_spec::model::{Probe, ProbeAction};
use rhumb_spec::{Diagnostic, Duration, Feature};
use serde_json::{Value, json};

use super::body::Body;
use super::{Part, Report, ports, shell};

/// The command that asks a gRPC health service.
///
/// Source: github.com/grpc-ecosystem/grpc-health-probe.
pub(crate) const GRPC: &str = "grpc_health_probe";

/// What Marathon takes where nothing is said.
///
/// Source: Marathon REST API, `AppHealthCheck`.
const PERIOD: Duration = Duration::from_secs(60);
const FAILURES: u32 = 3;
/// What a readiness check has where nothing is said, in seconds. Source: Marathon REST API, `ReadinessCheck`.
const INTERVAL: i64 = 30;
const TIMEOUT: i64 = 10;
/// The time in which failures do not count where no probe says it.
const GRACE: i64 = 300;

/// What is asked of a container.
pub(super) struct Asked<'a> {
    /// What its life depends on.
    health: Option<(&'static str, &'a Probe)>,
    /// What an update waits for beside that.
    ready: Option<&'a Probe>,
    /// How many failures are one too many.
    failures: Option<u32>,
}

/// Divides a container's probes over what Marathon has.
///
/// `live` is the health check. `ready` is the readiness check, which only HTTP can be, and which is asked of a new replica
/// until it answers. Where it is no HTTP, or pods are asked, which have no such check, it is the health check: alone, or in the
/// place of `live` with the greater number of failures, since the life of the replica depends on it then.
pub(super) fn asked<'a>(part: &Part<'a>, has_readiness: bool) -> Asked<'a> {
    let probes = &part.container.probes;
    let (ready, live) = (probes.ready.as_ref(), probes.live.as_ref());
    let startup = probes.startup.as_ref().map(|probe| ("startup", probe));
    let is_http = ready.is_some_and(|probe| matches!(probe.action, ProbeAction::Http { .. }));
    let health = |probe: Option<&'a Probe>, name| probe.map(|probe| (name, probe));
    if is_http && has_readiness && ready != live {
        let failures = live.and_then(|probe| probe.failures);
        return Asked { health: health(live, "live").or(startup), ready, failures };
    }
    let failures = match (ready, live) {
        (Some(ready), Some(live)) if ready != live => {
            let of = |probe: &Probe| probe.failures.unwrap_or(FAILURES);
            Some(of(ready).max(of(live)))
        }
        _ => ready.or(live).and_then(|probe| probe.failures),
    };
    let probe = health(ready, "ready").or(health(live, "live")).or(startup);
    let failures = failures.or(probe.and_then(|(_, probe)| probe.failures));
    Asked { health: probe, ready: None, failures }
}

/// `healthChecks` of an app: none or one, which Mesos runs beside the task.
///
/// Source: Marathon REST API, `AppHealthCheck`; an app has at most one check that Mesos runs.
pub(super) fn health_checks(part: &Part<'_>, asked: &Asked<'_>, report: &mut Report) -> Vec<Value> {
    let Some((field, probe)) = asked.health else { return Vec::new() };
    let mut body = Body::new();
    match &probe.action {
        ProbeAction::Exec(command) => {
            body.set("protocol", "COMMAND").set("command", json!({ "value": line(command) }));
        }
        ProbeAction::Grpc { port, service } => {
            let number = part.container.ports.get(port).map_or(0, |port| port.port);
            let command = grpc(number, service);
            body.set("protocol", "COMMAND").set("command", json!({ "value": line(&command) }));
        }
        ProbeAction::Http { path, port, https, .. } => {
            let protocol = if *https { "MESOS_HTTPS" } else { "MESOS_HTTP" };
            body.set("protocol", protocol).set("path", path.clone());
            body.set_some("portIndex", ports::index(part, port));
        }
        ProbeAction::Tcp { port } => {
            body.set("protocol", "MESOS_TCP").set_some("portIndex", ports::index(part, port));
        }
    }
    times(part, (field, probe), asked, (&mut body, report));
    vec![body.into_value()]
}

/// `readinessChecks` of an app: none or one.
///
/// Source: Marathon REST API, `ReadinessCheck`.
pub(super) fn readiness_checks(part: &Part<'_>, asked: &Asked<'_>, report: &mut Report) -> Vec<Value> {
    let Some(probe) = asked.ready else { return Vec::new() };
    let ProbeAction::Http { path, port, https, headers } = &probe.action else { return Vec::new() };
    let at = |field: &str| part.at(&format!("probes.ready{field}"));
    if !headers.is_empty() {
        refuse_headers(at(".headers"), report);
    }
    let mut body = Body::new();
    body.set("name", "ready")
        .set("protocol", if *https { "HTTPS" } else { "HTTP" })
        .set("path", path.clone())
        .set("portName", port.clone());
    let feature = Feature::ReadinessProbe;
    let (interval, timeout) = readiness_times(probe, &at, report);
    body.set_some("intervalSeconds", interval).set_some("timeoutSeconds", timeout);
    // 200 to 399 is yes, and Marathon takes a list.
    body.set("httpStatusCodesForReady", READY.to_vec());
    for (is_set, field) in [
        (probe.failures.is_some(), ".failures"),
        (probe.successes.is_some_and(|successes| successes > 1), ".successes"),
        (probe.delay.is_some(), ".delay"),
    ] {
        if is_set {
            let text = "a new replica is asked from its start on until it says yes once";
            report.lose(feature, at(field), text);
        }
    }
    vec![body.into_value()]
}

/// The answers to an HTTP probe that mean yes.
pub(crate) const READY: [u16; 17] =
    [200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 307, 308];

/// The interval and the timeout of a readiness check, of which the second is the smaller one. A timeout that nobody named
/// follows the interval.
///
/// Source: Marathon REST API, `ReadinessCheck.timeoutSeconds`: smaller than the interval.
fn readiness_times(
    probe: &Probe,
    at: &dyn Fn(&str) -> String,
    report: &mut Report,
) -> (Option<i64>, Option<i64>) {
    let feature = Feature::ReadinessProbe;
    let interval = probe.period.map(|time| report.seconds(feature, at(".period"), time));
    let timeout = probe.timeout.map(|time| report.seconds(feature, at(".timeout"), time));
    match (interval, timeout) {
        (Some(1), None) => {
            let text = "Marathon asks for readiness every 2s at most, since a timeout has whole seconds below the period";
            report.lose(feature, at(".period"), text);
            (Some(2), Some(1))
        }
        (Some(interval), None) if interval <= TIMEOUT => (Some(interval), Some(interval - 1)),
        (interval, timeout) => {
            let (period, limit) = (interval.unwrap_or(INTERVAL), timeout.unwrap_or(TIMEOUT));
            if limit >= period {
                let what = format!("the timeout of {limit}s is no less than the period of {period}s");
                report.refuse(
                    Diagnostic::error(at(".timeout"), what)
                        .why("Marathon asks for readiness anew only after the answer before is there or given up")
                        .remedy("a shorter `timeout` or a longer `period`"),
                );
            }
            (interval, timeout)
        }
    }
}

fn refuse_headers(path: String, report: &mut Report) {
    report.refuse(
        Diagnostic::error(path, "Marathon sends no headers with a check")
            .why("a check of Marathon and Mesos has a path and a port")
            .remedy("a path that needs none, or `exec` with a client in the image"),
    );
}

/// `healthCheck` of a pod's container.
///
/// Source: Marathon REST API, `HealthCheck`.
pub(super) fn health_check(part: &Part<'_>, asked: &Asked<'_>, report: &mut Report) -> Option<Value> {
    let (field, probe) = asked.health?;
    let mut body = Body::new();
    match &probe.action {
        ProbeAction::Exec(command) => {
            let command = match shell::script(command) {
                Some(script) => json!({ "shell": script }),
                None => json!({ "argv": command }),
            };
            body.set("exec", json!({ "command": command }));
        }
        ProbeAction::Grpc { port, service } => {
            let number = part.container.ports.get(port).map_or(0, |port| port.port);
            body.set("exec", json!({ "command": { "argv": grpc(number, service) } }));
        }
        ProbeAction::Http { path, port, https, .. } => {
            let scheme = if *https { "HTTPS" } else { "HTTP" };
            body.set("http", json!({ "endpoint": port, "path": path, "scheme": scheme }));
        }
        ProbeAction::Tcp { port } => {
            body.set("tcp", json!({ "endpoint": port }));
        }
    }
    times(part, (field, probe), asked, (&mut body, report));
    Some(body.into_value())
}

/// The times of a health check, in whole seconds. Failures do not count within what `startup` allows: its delay, and its
/// period for each failure. A probe that says nothing of it has Marathon's own grace.
fn times(
    part: &Part<'_>,
    (field, probe): (&str, &Probe),
    asked: &Asked<'_>,
    (body, report): (&mut Body, &mut Report),
) {
    let at = |name: &str| part.at(&format!("probes.{field}.{name}"));
    let feature = match field {
        "ready" => Feature::ReadinessProbe,
        "live" => Feature::LivenessProbe,
        _ => Feature::StartupProbe,
    };
    if let ProbeAction::Http { headers, .. } = &probe.action
        && !headers.is_empty()
    {
        refuse_headers(at("headers"), report);
    }
    if probe.successes.is_some_and(|successes| successes > 1) {
        report.lose(feature, at("successes"), "one success makes a replica healthy");
    }
    body.set("gracePeriodSeconds", grace(part, report));
    body.set("delaySeconds", probe.delay.map_or(0, |time| report.seconds(feature, at("delay"), time)));
    body.set_some("intervalSeconds", probe.period.map(|time| report.seconds(feature, at("period"), time)));
    body.set_some("timeoutSeconds", probe.timeout.map(|time| report.seconds(feature, at("timeout"), time)));
    body.set_some("maxConsecutiveFailures", asked.failures);
}

fn grace(part: &Part<'_>, report: &mut Report) -> i64 {
    let probes = &part.container.probes;
    let Some(startup) = &probes.startup else { return GRACE };
    let period = startup.period.unwrap_or(PERIOD).as_millis();
    let tries = u64::from(startup.failures.unwrap_or(FAILURES));
    let delay = startup.delay.unwrap_or(Duration::ZERO).as_millis();
    let time = Duration::from_millis(delay.saturating_add(period.saturating_mul(tries)));
    report.seconds(Feature::StartupProbe, part.at("probes.startup"), time)
}

/// A command as a line for the shell that Marathon starts.
fn line(command: &[String]) -> String {
    shell::script(command).cloned().unwrap_or_else(|| shell::line(command))
}

fn grpc(port: u16, service: &str) -> Vec<String> {
    let mut command = vec![GRPC.to_owned(), format!("-addr=127.0.0.1:{port}")];
    if !service.is_empty() {
        command.push(format!("-service={service}"));
    }
    command
}
