//! The health check, as probes.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rhumb_backend::Lifted;
use rhumb_spec::model::{Port, Probe, ProbeAction, Probes};

use super::fields::{Fields, NO_FIELD, not_carried};
use super::ports::port_named;
use crate::lower::{SHELL_HTTP, SHELL_TCP, grpc_command, http_command, tcp_command, words};

/// Reads the health check of a container as its readiness and its liveness: Swarm gives a task traffic by it, and
/// replaces the task by it.
pub(super) fn probes(spec: &mut Fields, ports: &mut IndexMap<String, Port>, lifted: &mut Lifted) -> Probes {
    let mut check = spec.below("Healthcheck");
    let test = check.texts("Test");
    let Some(action) = action(&test, ports) else {
        if test.first().is_some_and(|word| word == "NONE") {
            // A probe cannot say it, and a patch can.
            lifted.notes.push(not_carried(check.at("Test"), NO_FIELD));
        }
        check.tell(&mut lifted.notes);
        return Probes::default();
    };
    let probe = Probe {
        action,
        period: check.time("Interval").filter(|time| !time.is_zero()),
        timeout: check.time("Timeout").filter(|time| !time.is_zero()),
        delay: check.time("StartPeriod").filter(|time| !time.is_zero()),
        failures: check.small("Retries").filter(|count| *count > 0),
        successes: None,
    };
    check.tell(&mut lifted.notes);
    Probes { ready: Some(probe.clone()), live: Some(probe), startup: None }
}

fn action(test: &[String], ports: &mut IndexMap<String, Port>) -> Option<ProbeAction> {
    match test {
        [kind, script] if kind == "CMD-SHELL" => Some(shell_action(script, ports)),
        [kind, command @ ..] if kind == "CMD" && !command.is_empty() => {
            Some(grpc_action(test, ports).unwrap_or_else(|| ProbeAction::Exec(command.to_vec())))
        }
        _ => None,
    }
}

fn shell_action(script: &str, ports: &mut IndexMap<String, Port>) -> ProbeAction {
    http_action(script, ports)
        .or_else(|| tcp_action(script, ports))
        .unwrap_or_else(|| ProbeAction::Exec(["/bin/sh", "-c", script].map(str::to_owned).to_vec()))
}

/// A command that [`http_command`] wrote.
fn http_action(script: &str, ports: &mut IndexMap<String, Port>) -> Option<ProbeAction> {
    let (curl, _) = script.strip_prefix(SHELL_HTTP)?.split_once("; else ")?;
    let mut words = words(curl)?;
    let url = words.pop()?;
    let mut headers = BTreeMap::new();
    for pair in words.chunks(2) {
        let (name, value) = pair.get(1).filter(|_| pair[0] == "-H")?.split_once(": ")?;
        headers.insert(name.to_owned(), value.to_owned());
    }
    if http_command(&url, &headers) != script {
        return None;
    }
    let (scheme, rest) = url.split_once("://127.0.0.1:")?;
    let (number, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let port = port_named(ports, number.parse().ok()?);
    Some(ProbeAction::Http { path: path.to_owned(), port, https: scheme == "https", headers })
}

/// A command that [`tcp_command`] wrote.
fn tcp_action(script: &str, ports: &mut IndexMap<String, Port>) -> Option<ProbeAction> {
    let number = script.strip_prefix(SHELL_TCP)?.trim_start().split(' ').next()?.parse().ok()?;
    (tcp_command(number) == script).then(|| ProbeAction::Tcp { port: port_named(ports, number) })
}

/// A command that [`grpc_command`] wrote.
fn grpc_action(test: &[String], ports: &mut IndexMap<String, Port>) -> Option<ProbeAction> {
    let number = test.get(2)?.strip_prefix("-addr=127.0.0.1:")?.parse().ok()?;
    let service = test.get(3).and_then(|word| word.strip_prefix("-service=")).unwrap_or_default();
    let is_ours = grpc_command(number, service) == test;
    is_ours.then(|| ProbeAction::Grpc { port: port_named(ports, number), service: service.to_owned() })
}
