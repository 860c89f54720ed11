//! Probes, and commands around a container's life.

use std::collections::BTreeMap;

use rhumb_spec::Duration;
use rhumb_spec::model::{Lifecycle, Port, Probe, ProbeAction, Probes, Protocol};
use serde_json::{Map, Value};

use super::container::{PortNames, Ports, port_number};
use super::world::PortRef;
use crate::lower::{signal_of_script, unescape};
use rhumb_backend::fields::{Fields, Ledger, small, texts};

/// Reads the three probes, each as a whole or not at all. A port that the container does not list is added to it.
pub(super) fn probes(fields: &mut Fields<'_>, ports: &mut Ports, names: &mut PortNames<'_>) -> Probes {
    let ledger = fields.ledger();
    let mut read = |key: &str| fields.take(key, |value| probe(value, ledger, (ports, names)));
    Probes { ready: read("readinessProbe"), live: read("livenessProbe"), startup: read("startupProbe") }
}

fn probe(value: &Value, ledger: &Ledger, (ports, names): (&mut Ports, &mut PortNames<'_>)) -> Option<Probe> {
    const KNOWN: [&str; 9] = [
        "exec",
        "httpGet",
        "tcpSocket",
        "grpc",
        "periodSeconds",
        "timeoutSeconds",
        "initialDelaySeconds",
        "failureThreshold",
        "successThreshold",
    ];
    let probe = value.as_object()?;
    if !probe.keys().all(|key| KNOWN.contains(&key.as_str())) {
        return None;
    }
    // What a server wrote out because it takes it anyway is not worth a line.
    let number = |key: &str, default: u32| match probe.get(key) {
        Some(value) => Some(small(value).filter(|number| !ledger.is_live() || *number != default)),
        None => Some(None),
    };
    let seconds = |key: &str, default: u32| {
        Some(number(key, default)?.map(|seconds| Duration::from_secs(u64::from(seconds))))
    };
    if !probe.values().all(|value| value.is_object() || small(value).is_some()) {
        return None;
    }
    Some(Probe {
        period: seconds("periodSeconds", 10)?,
        timeout: seconds("timeoutSeconds", 1)?,
        delay: seconds("initialDelaySeconds", 0)?,
        failures: number("failureThreshold", 3)?,
        successes: number("successThreshold", 1)?,
        action: action(probe, ports, names)?,
    })
}

fn action(probe: &Map<String, Value>, ports: &mut Ports, names: &mut PortNames<'_>) -> Option<ProbeAction> {
    let kinds = ["exec", "httpGet", "tcpSocket", "grpc"];
    let mut actions = kinds.iter().filter_map(|kind| Some((*kind, probe.get(*kind)?.as_object()?)));
    let (kind, of) =
        actions.next().filter(|_| probe.keys().filter(|key| kinds.contains(&key.as_str())).count() == 1)?;
    let is_only = |keys: &[&str]| of.keys().all(|key| keys.contains(&key.as_str()));
    let text = |key: &str| of.get(key).and_then(Value::as_str);
    match kind {
        "exec" if is_only(&["command"]) => {
            let command = texts(of.get("command")?)?;
            command.iter().map(|text| unescape(text)).collect::<Option<_>>().map(ProbeAction::Exec)
        }
        "httpGet" if is_only(&["path", "port", "scheme", "httpHeaders"]) => {
            let https = match text("scheme") {
                None | Some("HTTP") => false,
                Some("HTTPS") => true,
                Some(_) => return None,
            };
            let path = text("path").unwrap_or("/");
            let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
            let headers = headers(of.get("httpHeaders"))?;
            Some(ProbeAction::Http { path, port: port(of, ports, names)?, https, headers })
        }
        "tcpSocket" if is_only(&["port"]) => Some(ProbeAction::Tcp { port: port(of, ports, names)? }),
        "grpc" if is_only(&["port", "service"]) => {
            let service = text("service").unwrap_or_default().to_owned();
            Some(ProbeAction::Grpc { port: port(of, ports, names)?, service })
        }
        _ => None,
    }
}

fn headers(value: Option<&Value>) -> Option<BTreeMap<String, String>> {
    let items = value.map_or(Some(&[][..]), |value| value.as_array().map(Vec::as_slice))?;
    let mut headers = BTreeMap::new();
    for item in items {
        let item = item.as_object().filter(|item| item.len() == 2)?;
        let text = |key: &str| item.get(key)?.as_str().map(str::to_owned);
        if headers.insert(text("name")?, text("value")?).is_some() {
            return None;
        }
    }
    Some(headers)
}

fn port(of: &Map<String, Value>, ports: &mut Ports, names: &mut PortNames<'_>) -> Option<String> {
    let value = of.get("port")?;
    let written = match value {
        Value::String(text) => match text.parse::<u16>() {
            Ok(number) => PortRef::Number(number),
            Err(_) => PortRef::Name(text.clone()),
        },
        value => PortRef::Number(port_number(value)?),
    };
    if let Some(known) = ports.find(&written) {
        return Some(known);
    }
    let PortRef::Number(number) = written else { return None };
    if number == 0 || !names.numbers.insert((number, Protocol::Tcp)) {
        return None;
    }
    let name = names.name(None, number, Protocol::Tcp);
    ports.ports.insert(name.clone(), Port { port: number, protocol: Protocol::Tcp });
    Some(name)
}

/// Reads the commands that run after a container's start and before its end.
pub(super) fn lifecycle(fields: &mut Fields<'_>) -> Lifecycle {
    let Some(mut lifecycle) = fields.below("lifecycle") else { return Lifecycle::default() };
    let mut hook = |key: &str| {
        let read = |value: &Value| {
            let hook = value.as_object().filter(|hook| hook.len() == 1)?;
            let exec = hook.get("exec")?.as_object().filter(|exec| exec.len() == 1)?;
            texts(exec.get("command")?)
        };
        lifecycle.take(key, read).unwrap_or_default()
    };
    Lifecycle { post_start: hook("postStart"), pre_stop: hook("preStop") }
}

/// The signal that a container is stopped by: its own field's, or that of the hook which stands for it.
pub(super) fn stop_signal(fields: &mut Fields<'_>, lifecycle: &mut Lifecycle) -> Option<String> {
    if let Some((signal, before)) = signal_of_script(&lifecycle.pre_stop) {
        lifecycle.pre_stop = before;
        return Some(signal);
    }
    fields.below("lifecycle").and_then(|mut lifecycle| lifecycle.text("stopSignal"))
}
