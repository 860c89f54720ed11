//! Health checks and readiness checks.

use rhumb_spec::Duration;
use rhumb_spec::model::{Container, Port, Probe, ProbeAction, Protocol};
use serde_json::Value;

use crate::lower::{GRPC, READY, words};

/// What failures do not count in where nothing is said.
const GRACE: u64 = 300;

/// A probe, and whether all of the check is said by it.
pub(super) struct Read {
    pub(super) probe: Probe,
    pub(super) is_whole: bool,
}

/// Fields that were not looked at.
struct Check<'a> {
    map: &'a serde_json::Map<String, Value>,
    known: Vec<&'static str>,
}

impl<'a> Check<'a> {
    fn new(value: &'a Value) -> Option<Self> {
        Some(Self { map: value.as_object()?, known: Vec::new() })
    }

    fn get(&mut self, key: &'static str) -> Option<&'a Value> {
        self.known.push(key);
        self.map.get(key)
    }

    fn text(&mut self, key: &'static str) -> Option<&'a str> {
        self.get(key).and_then(Value::as_str)
    }

    fn seconds(&mut self, key: &'static str) -> Option<u64> {
        self.get(key).and_then(Value::as_u64)
    }

    /// Whether everything was looked at.
    fn is_read(&self) -> bool {
        self.map.keys().all(|key| self.known.contains(&key.as_str()))
    }
}

/// Reads one check of an app. `names` are the app's ports by their place.
pub(super) fn of_app(check: &Value, names: &[Option<String>], container: &mut Container) -> Option<Read> {
    let mut check = Check::new(check)?;
    let protocol = check.text("protocol").unwrap_or("HTTP");
    let mut port = |check: &mut Check<'_>| {
        let index = check.seconds("portIndex");
        match check.seconds("port") {
            Some(number) => numbered(u16::try_from(number).ok()?, container),
            None => names.get(usize::try_from(index.unwrap_or(0)).ok()?)?.clone(),
        }
    };
    let action = match protocol {
        "HTTP" | "HTTPS" | "MESOS_HTTP" | "MESOS_HTTPS" => ProbeAction::Http {
            path: path(check.text("path"))?,
            port: port(&mut check)?,
            https: protocol.ends_with("HTTPS"),
            headers: std::collections::BTreeMap::new(),
        },
        "TCP" | "MESOS_TCP" => ProbeAction::Tcp { port: port(&mut check)? },
        "COMMAND" => {
            let line = check.get("command")?.get("value")?.as_str()?;
            command(line, container)
        }
        _ => return None,
    };
    let is_plain = check.get("ignoreHttp1xx").is_none_or(|value| *value == Value::Bool(false))
        && check.text("ipProtocol").is_none_or(|protocol| protocol == "IPv4");
    Some(timed(action, check, container, is_plain))
}

/// Reads the check of a pod's container.
pub(super) fn of_pod(check: &Value, container: &mut Container) -> Option<Read> {
    let mut check = Check::new(check)?;
    let endpoint = |about: &Value| about.get("endpoint").and_then(Value::as_str).map(str::to_owned);
    let (http, tcp, exec) = (check.get("http"), check.get("tcp"), check.get("exec"));
    let is_there =
        |name: &Option<String>| name.as_ref().is_some_and(|name| container.ports.contains_key(name));
    let action = if let Some(http) = http {
        let port = Some(endpoint(http)).filter(is_there).flatten()?;
        let https = http
            .get("scheme")
            .and_then(Value::as_str)
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"));
        let path = path(http.get("path").and_then(Value::as_str))?;
        ProbeAction::Http { path, port, https, headers: std::collections::BTreeMap::new() }
    } else if let Some(tcp) = tcp {
        ProbeAction::Tcp { port: Some(endpoint(tcp)).filter(is_there).flatten()? }
    } else {
        let about = exec?.get("command")?;
        match about.get("argv").and_then(rhumb_backend::fields::texts) {
            Some(words) => of_words(words, container),
            None => shell(about.get("shell")?.as_str()?),
        }
    };
    Some(timed(action, check, container, true))
}

fn path(path: Option<&str>) -> Option<String> {
    let path = path.unwrap_or("/");
    path.starts_with('/').then(|| path.to_owned())
}

/// The name of a port by its number. One that no mapping names is a port of the container all the same.
fn numbered(number: u16, container: &mut Container) -> Option<String> {
    let known = container.ports.iter().find(|(_, port)| port.port == number).map(|(name, _)| name.clone());
    if known.is_some() || number == 0 {
        return known;
    }
    let name =
        if container.ports.contains_key("http") { format!("port-{number}") } else { "http".to_owned() };
    container.ports.insert(name.clone(), Port { port: number, protocol: Protocol::default() });
    Some(name)
}

fn shell(script: &str) -> ProbeAction {
    ProbeAction::Exec(["/bin/sh", "-c", script].map(str::to_owned).to_vec())
}

fn command(line: &str, container: &Container) -> ProbeAction {
    match words(line).filter(|words| words.first().is_some_and(|word| !word.contains('='))) {
        Some(words) => of_words(words, container),
        None => shell(line),
    }
}

fn of_words(words: Vec<String>, container: &Container) -> ProbeAction {
    let grpc = || {
        let [program, address, rest @ ..] = words.as_slice() else { return None };
        let number = address.strip_prefix("-addr=127.0.0.1:")?.parse::<u16>().ok()?;
        let port = container.ports.iter().find(|(_, port)| port.port == number)?.0.clone();
        let service = match rest {
            [] => String::new(),
            [service] => service.strip_prefix("-service=")?.to_owned(),
            _ => return None,
        };
        (program == GRPC).then_some(ProbeAction::Grpc { port, service })
    };
    grpc().unwrap_or(ProbeAction::Exec(words))
}

fn timed(action: ProbeAction, mut check: Check<'_>, container: &mut Container, is_plain: bool) -> Read {
    let positive = |seconds: Option<u64>| seconds.filter(|seconds| *seconds > 0).map(Duration::from_secs);
    let (interval, timeout) = (check.seconds("intervalSeconds"), check.seconds("timeoutSeconds"));
    let failures = check.seconds("maxConsecutiveFailures");
    let grace = check.seconds("gracePeriodSeconds");
    let probe = Probe {
        action,
        period: positive(interval),
        timeout: positive(timeout),
        delay: positive(check.seconds("delaySeconds")),
        failures: failures.filter(|failures| *failures > 0).and_then(|failures| u32::try_from(failures).ok()),
        successes: None,
    };
    let is_said = [interval, timeout, failures].iter().all(|seconds| *seconds != Some(0)) && grace != Some(0);
    if let Some(grace) = grace.filter(|grace| *grace > 0 && *grace != GRACE) {
        let period = interval.filter(|period| *period > 0 && grace % period == 0).unwrap_or(1);
        let failures = u32::try_from(grace / period).ok();
        let (delay, timeout) = (None, probe.timeout.filter(|time| *time <= Duration::from_secs(period)));
        let period = Some(Duration::from_secs(period));
        container.probes.startup = Some(Probe { period, failures, delay, timeout, ..probe.clone() });
    }
    let is_whole = is_plain && is_said && check.is_read();
    Read { probe, is_whole }
}

/// Reads the one readiness check of an app.
pub(super) fn readiness(check: &Value, container: &Container) -> Option<Read> {
    let mut check = Check::new(check)?;
    let name = check.text("name");
    let port = check.text("portName").unwrap_or("http-api");
    let port = container.ports.contains_key(port).then(|| port.to_owned())?;
    let https = check.text("protocol") == Some("HTTPS");
    let action = ProbeAction::Http {
        path: path(check.text("path"))?,
        port,
        https,
        headers: std::collections::BTreeMap::new(),
    };
    let seconds = |seconds: Option<u64>| seconds.map(Duration::from_secs);
    let (period, timeout) =
        (seconds(check.seconds("intervalSeconds")), seconds(check.seconds("timeoutSeconds")));
    let codes = check.get("httpStatusCodesForReady").and_then(Value::as_array);
    let is_usual = codes.is_some_and(|codes| {
        codes.len() == READY.len()
            && codes.iter().zip(READY).all(|(code, usual)| code.as_u64() == Some(usual.into()))
    });
    let is_plain = check.get("preserveLastResponse").is_none_or(|value| *value == Value::Bool(false));
    let probe = Probe { action, period, timeout, delay: None, failures: None, successes: None };
    let is_whole = is_usual && is_plain && name == Some("ready") && check.is_read();
    Some(Read { probe, is_whole })
}
