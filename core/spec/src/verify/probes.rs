//! The rules of probes.

use super::container::Place;
use super::lookup::one_of;
use super::workload::ends;
use crate::model::{Probe, ProbeAction, Protocol};
use crate::{Diagnostic, Duration};

/// What a platform asks at least every ten seconds, if nothing else is said.
const USUAL_PERIOD: Duration = Duration::from_secs(10);

/// Checks the probes of a container that stays.
pub(super) fn check(place: &Place<'_>, found: &mut Vec<Diagnostic>) {
    let probes = &place.container.probes;
    let questions = [("ready", &probes.ready), ("live", &probes.live), ("startup", &probes.startup)];
    for (question, probe) in questions {
        if let Some(probe) = probe {
            let path = place.at(&format!("probes.{question}"));
            check_action(place, probe, &path, found);
            check_times(probe, &path, found);
            check_successes(question, probe, &path, found);
        }
    }
    if ends(place.scope.workload.mode) && probes.ready.is_some() {
        found.push(
            Diagnostic::warning(place.at("probes.ready"), "nobody asks whether a job is ready")
                .why("a job takes no traffic and is done when it ends")
                .remedy("leave it out"),
        );
    }
}

fn check_action(place: &Place<'_>, probe: &Probe, path: &str, found: &mut Vec<Diagnostic>) {
    match &probe.action {
        ProbeAction::Exec(command) => {
            if command.first().is_none_or(String::is_empty) {
                found.push(
                    Diagnostic::error(format!("{path}.exec"), "the command is empty")
                        .remedy("`exec: [PROGRAM, ARGUMENT]`"),
                );
            }
        }
        ProbeAction::Http { path: target, port, .. } => {
            if !target.starts_with('/') {
                found.push(
                    Diagnostic::error(
                        format!("{path}.http"),
                        format!("the path `{target}` does not begin with `/`"),
                    )
                    .remedy(format!("`/{target}`")),
                );
            }
            check_port(place, port, path, found);
        }
        ProbeAction::Tcp { port } | ProbeAction::Grpc { port, .. } => check_port(place, port, path, found),
    }
}

fn check_port(place: &Place<'_>, name: &str, path: &str, found: &mut Vec<Diagnostic>) {
    let path = format!("{path}.port");
    let ports = &place.container.ports;
    match ports.get(name) {
        Some(port) if port.protocol != Protocol::Tcp => {
            found.push(
                Diagnostic::error(path, format!("the port `{name}` is not TCP")).why("probes speak TCP"),
            );
        }
        Some(_) => {}
        None => {
            let diagnostic = Diagnostic::error(path, format!("the container has no port `{name}`"));
            let number = name.parse::<u16>().ok();
            let by_number = ports.iter().find(|(_, port)| Some(port.port) == number);
            found.push(match by_number {
                Some((name, _)) => diagnostic.remedy(format!("its name, `{name}`")),
                None if ports.is_empty() => diagnostic.remedy("`ports: { NAME: NUMBER }` in the container"),
                None => one_of(diagnostic, name, &ports.keys().map(String::as_str).collect::<Vec<_>>()),
            });
        }
    }
}

fn check_times(probe: &Probe, path: &str, found: &mut Vec<Diagnostic>) {
    for (field, time) in [("period", probe.period), ("timeout", probe.timeout)] {
        if time.is_some_and(Duration::is_zero) {
            found.push(
                Diagnostic::error(format!("{path}.{field}"), format!("`{field}` is 0s"))
                    .remedy("a time greater than 0, such as `5s`"),
            );
        }
    }
    let period = probe.period.unwrap_or(USUAL_PERIOD);
    if let Some(timeout) = probe.timeout
        && !period.is_zero()
        && timeout > period
    {
        found.push(
            Diagnostic::warning(
                format!("{path}.timeout"),
                format!("the timeout ({timeout}) is longer than the period ({period})"),
            )
            .why("the next question is due before the last one is given up")
            .remedy("a timeout up to the period"),
        );
    }
    if probe.failures == Some(0) {
        found.push(
            Diagnostic::error(format!("{path}.failures"), "`failures` is 0")
                .why("the answer would be no before it was asked")
                .remedy("1 or more"),
        );
    }
}

fn check_successes(question: &str, probe: &Probe, path: &str, found: &mut Vec<Diagnostic>) {
    let path = format!("{path}.successes");
    match probe.successes {
        Some(0) => found.push(Diagnostic::error(path, "`successes` is 0").remedy("1 or more")),
        Some(2..) if question != "ready" => found.push(
            Diagnostic::error(path, format!("a `{question}` probe takes one success"))
                .why("one answer shows that the container lives")
                .remedy("leave it out"),
        ),
        _ => {}
    }
}
