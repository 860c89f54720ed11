//! The health check of a container, as probes.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rhumb_backend::fields::Fields;
use rhumb_spec::Duration;
use rhumb_spec::model::{Port, Probe, ProbeAction, Probes, Protocol};
use serde_json::Value;

use super::naming::PortNames;
use super::values::{number, plains, positive};
use crate::lower::shell;

/// Reads the health check as readiness and as liveness: ECS waits for it in a deployment, and replaces the task by it.
///
/// Source: Amazon ECS API reference, `HealthCheck`.
pub(super) fn probes(
    fields: &mut Fields<'_>,
    ports: &mut IndexMap<String, Port>,
    names: &mut PortNames,
) -> Probes {
    let test = fields.get("healthCheck").and_then(|check| match check.get("command")? {
        // Some write it as one text, which AWS runs in a shell.
        Value::String(script) => Some(vec!["CMD-SHELL".to_owned(), script.clone()]),
        command => plains(command),
    });
    let Some(action) = test.and_then(|test| action(&test, ports, names)) else { return Probes::default() };
    let Some(mut check) = fields.below("healthCheck") else { return Probes::default() };
    check.take_whole("command");
    let mut seconds = |key: &str| {
        let time = check.take(key, |value| number(value).filter(|seconds| *seconds > 0));
        check.default(key, &Value::from(0));
        time.map(Duration::from_secs)
    };
    let (period, timeout, delay) = (seconds("interval"), seconds("timeout"), seconds("startPeriod"));
    let probe =
        Probe { action, period, timeout, delay, failures: check.take("retries", positive), successes: None };
    Probes { ready: Some(probe.clone()), live: Some(probe), startup: None }
}

fn action(test: &[String], ports: &mut IndexMap<String, Port>, names: &mut PortNames) -> Option<ProbeAction> {
    match test {
        [kind, script] if kind == "CMD-SHELL" => Some(in_shell(script, ports, names)),
        [kind, command @ ..] if kind == "CMD" && !command.is_empty() => {
            let grpc = grpc(test, ports, names);
            Some(grpc.unwrap_or_else(|| ProbeAction::Exec(command.to_vec())))
        }
        [kind, ..] if kind == "NONE" || kind == "CMD-SHELL" || kind == "CMD" => None,
        [] => None,
        command => Some(ProbeAction::Exec(command.to_vec())),
    }
}

fn in_shell(script: &str, ports: &mut IndexMap<String, Port>, names: &mut PortNames) -> ProbeAction {
    http(script, ports, names)
        .or_else(|| tcp(script, ports, names))
        .unwrap_or_else(|| ProbeAction::Exec(["/bin/sh", "-c", script].map(str::to_owned).to_vec()))
}

/// A command that [`shell::http`] wrote.
fn http(script: &str, ports: &mut IndexMap<String, Port>, names: &mut PortNames) -> Option<ProbeAction> {
    let (curl, _) = script.strip_prefix(shell::HTTP)?.split_once("; else ")?;
    let mut words = words(curl)?;
    let url = words.pop()?;
    let mut headers = BTreeMap::new();
    for pair in words.chunks(2) {
        let (name, value) = pair.get(1).filter(|_| pair[0] == "-H")?.split_once(": ")?;
        headers.insert(name.to_owned(), value.to_owned());
    }
    if shell::http(&url, &headers) != script {
        return None;
    }
    let (scheme, rest) = url.split_once("://127.0.0.1:")?;
    let (number, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let port = named(number.parse().ok()?, ports, names)?;
    Some(ProbeAction::Http { path: path.to_owned(), port, https: scheme == "https", headers })
}

/// A command that [`shell::tcp`] wrote.
fn tcp(script: &str, ports: &mut IndexMap<String, Port>, names: &mut PortNames) -> Option<ProbeAction> {
    let number = script.strip_prefix(shell::TCP)?.trim_start().split([' ', ';']).next()?.parse().ok()?;
    (shell::tcp(number) == script).then_some(())?;
    Some(ProbeAction::Tcp { port: named(number, ports, names)? })
}

/// A command that [`shell::grpc`] wrote.
fn grpc(test: &[String], ports: &mut IndexMap<String, Port>, names: &mut PortNames) -> Option<ProbeAction> {
    let number = test.get(2)?.strip_prefix("-addr=127.0.0.1:")?.parse().ok()?;
    let service = test.get(3).and_then(|word| word.strip_prefix("-service=")).unwrap_or_default();
    (shell::grpc(number, service) == test).then_some(())?;
    Some(ProbeAction::Grpc { port: named(number, ports, names)?, service: service.to_owned() })
}

/// The name of a port of the container; one that it does not list is added.
fn named(number: u16, ports: &mut IndexMap<String, Port>, names: &mut PortNames) -> Option<String> {
    if let Some((name, _)) = ports.iter().find(|(_, port)| port.port == number) {
        return Some(name.clone());
    }
    let name = names.add(None, number, Protocol::Tcp)?;
    ports.insert(name.clone(), Port { port: number, protocol: Protocol::Tcp });
    Some(name)
}

/// The words that [`shell::quote`] wrote.
pub(super) fn words(text: &str) -> Option<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let mut word = String::new();
        while let Some(first) = rest.chars().next().filter(|first| *first != ' ') {
            let quoted = rest.strip_prefix('\'').map(|rest| rest.split_once('\''));
            let escaped = rest.strip_prefix('\\').map(|rest| rest.chars().next());
            match (quoted, escaped) {
                (Some(quoted), _) => {
                    let (inner, after) = quoted?;
                    word.push_str(inner);
                    rest = after;
                }
                (_, Some(escaped)) => {
                    word.push(escaped?);
                    rest = &rest[1 + escaped?.len_utf8()..];
                }
                (None, None) => {
                    word.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        found.push(word);
        rest = rest.trim_start();
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_words_are_read_again() {
        for word in ["plain", "a b", "it's", "X: y"] {
            let text = format!("-H {} x", shell::quote(word));
            assert_eq!(words(&text), Some(vec!["-H".to_owned(), word.to_owned(), "x".to_owned()]));
        }
        assert_eq!(words("a 'b"), None);
    }
}
