//! Probes: what the agent asks a container, and what a load balancer asks a task.

use rhumb_spec::model::{Probe, ProbeAction, Probes};
use rhumb_spec::{Diagnostic, Duration, Feature};
use serde_json::Value;

use super::body::Body;
use super::report::Range;
use super::{Context, Part, Report, Role, balancer, network, shell};

/// What ECS takes where nothing is said.
///
/// Source: Amazon ECS API reference, `HealthCheck`.
const DEFAULT_PERIOD: Duration = Duration::from_secs(30);
const DEFAULT_FAILURES: u32 = 3;

const PERIODS: Range = Range(5, 300);
const TIMEOUTS: Range = Range(2, 60);
const RETRIES: (u32, u32) = (1, 10);
/// The longest time in which failures do not count, in seconds.
const START: u64 = 300;

/// A probe, and the field that it stands in.
type Asked<'a> = (&'static str, &'a Probe);

/// Turns a container's probes into its one `healthCheck`.
///
/// It asks what `ready` asks unless a load balancer asks that, else `live`, else `startup`. A task is replaced when the
/// check fails. With both `ready` and `live` in it the check has the greater number of failures, because the task's life
/// depends on it. Failures do not count within the longest of: the probe's `delay`, and the time that `startup` allows
/// (its delay, and its period for each failure).
///
/// `interval`, `timeout` and `startPeriod` are whole seconds, rounded up; ECS takes 5–300 s, 2–60 s and 0–300 s.
///
/// Source: Amazon ECS API reference, `HealthCheck`.
pub(super) fn check(context: &Context<'_>, part: &Part<'_>, report: &mut Report) -> Option<Value> {
    if part.role == Role::Init {
        return None;
    }
    let probes = &part.container.probes;
    let asked = asked(context, part)?;
    let (field, probe) = asked;
    let at = |name: &str| part.at(&format!("probes.{field}.{name}"));
    let feature = if field == "live" { Feature::LivenessProbe } else { Feature::ReadinessProbe };
    if probe.successes.is_some_and(|successes| successes > 1) {
        report.lose(feature, at("successes"), "one success makes a container healthy");
    }
    let mut body = Body::new();
    body.set("command", command(part, &probe.action)?);
    body.set_some("interval", probe.period.map(|time| report.seconds(feature, &at("period"), time, PERIODS)));
    body.set_some(
        "timeout",
        probe.timeout.map(|time| report.seconds(feature, &at("timeout"), time, TIMEOUTS)),
    );
    body.set_some("retries", retries(probes, asked, &at("failures"), report));
    body.set_some("startPeriod", start_period(part, asked, report));
    Some(body.into_value())
}

fn asked<'a>(context: &Context<'_>, part: &Part<'a>) -> Option<Asked<'a>> {
    let container: &'a _ = part.container;
    let probes: &'a Probes = &container.probes;
    let ready = probes.ready.as_ref().filter(|probe| !balancer::asks(context, part.site, probe));
    let ready = ready.map(|probe| ("ready", probe));
    let live = probes.live.as_ref().map(|probe| ("live", probe));
    ready.or(live).or(probes.startup.as_ref().map(|probe| ("startup", probe)))
}

fn retries(probes: &Probes, (field, probe): Asked<'_>, path: &str, report: &mut Report) -> Option<u32> {
    let of = |probe: &Probe| probe.failures.unwrap_or(DEFAULT_FAILURES);
    let wanted = match (&probes.ready, &probes.live) {
        (Some(ready), Some(live)) if field == "ready" && ready != live => Some(of(ready).max(of(live))),
        _ => probe.failures,
    }?;
    let (least, most) = RETRIES;
    if !(least..=most).contains(&wanted) {
        report.refuse(
            Diagnostic::error(path, format!("{wanted} failures are outside of {least} to {most}"))
                .why("ECS takes retries of a health check in this range")
                .remedy(format!(
                    "`{}`, with a longer `period` where that is too early",
                    wanted.clamp(least, most)
                )),
        );
    }
    Some(wanted.clamp(least, most))
}

/// The time in which failures do not count, from the longest of what the probes allow.
pub(super) fn allowance(probes: &Probes, asked: Option<&Probe>) -> Option<(&'static str, Duration)> {
    let startup = probes.startup.as_ref().map(|startup| {
        let period = startup.period.unwrap_or(DEFAULT_PERIOD).as_millis();
        let tries = u64::from(startup.failures.unwrap_or(DEFAULT_FAILURES));
        let delay = startup.delay.unwrap_or(Duration::ZERO).as_millis();
        ("probes.startup", Duration::from_millis(delay.saturating_add(period.saturating_mul(tries))))
    });
    let delay = asked.and_then(|probe| probe.delay).map(|delay| ("probes", delay));
    startup.into_iter().chain(delay).max_by_key(|(_, time)| *time)
}

/// A longer time than ECS allows is cut, as a start that takes longer than it is still good for as long as `retries`
/// last.
fn start_period(part: &Part<'_>, (field, probe): Asked<'_>, report: &mut Report) -> Option<u64> {
    let (from, time) = allowance(&part.container.probes, Some(probe))?;
    let path = if from == "probes" { part.at(&format!("probes.{field}.delay")) } else { part.at(from) };
    if time.as_secs_rounded_up() > START {
        let text = format!("failures count after {START} s at the latest, and not only after {time}");
        report.lose(Feature::StartupProbe, path, text);
        return Some(START);
    }
    Some(report.seconds(Feature::StartupProbe, &path, time, Range(0, START)))
}

fn command(part: &Part<'_>, action: &ProbeAction) -> Option<Vec<String>> {
    let number = |port: &str| network::container_port(part.site.workload, port);
    let in_shell = |script: String| vec!["CMD-SHELL".to_owned(), script];
    Some(match action {
        ProbeAction::Exec(command) => {
            std::iter::once("CMD".to_owned()).chain(command.iter().cloned()).collect()
        }
        ProbeAction::Http { path, port, https, headers } => {
            let scheme = if *https { "https" } else { "http" };
            in_shell(shell::http(&format!("{scheme}://127.0.0.1:{}{path}", number(port)?), headers))
        }
        ProbeAction::Tcp { port } => in_shell(shell::tcp(number(port)?)),
        ProbeAction::Grpc { port, service } => shell::grpc(number(port)?, service),
    })
}
