//! How a container is asked to stop, and the commands around its life.

use rhumb_spec::Feature;
use serde_json::{Value, json};

use super::body::Body;
use super::{Part, Report, Role, Site};

/// What begins and ends the script that sends another signal than the platform's own. The signal stands between.
///
/// The kubelet runs it before its own signal and waits for it, up to the pod's time of grace. It waits for the process to end,
/// with which it ends itself.
const SCRIPT: (&str, &str) = ("kill -", " 1; while kill -0 1; do sleep 1; done");

/// What runs the user's own command first.
const FIRST: &str = "\"$@\"; ";

/// The signal that Kubernetes sends by itself.
const USUAL: &str = "TERM";

/// `lifecycle` of a container: the user's commands, and before the platform's own signal the app's.
///
/// `lifecycle.stopSignal` would be the field for it; its gate, `ContainerStopSignals`, is off in 1.36.
///
/// Source: Kubernetes documentation, "Container Lifecycle Hooks"; "Feature Gates".
pub(super) fn lifecycle(part: &Part<'_>, report: &mut Report) -> Value {
    let hooks = &part.container.lifecycle;
    let mut body = Body::new();
    body.set_some("postStart", (!hooks.post_start.is_empty()).then(|| exec(&hooks.post_start)));
    let signal = part.container.stop.signal.as_deref().map(short).filter(|signal| signal != USUAL);
    let pre_stop = match signal {
        Some(_) if part.role == Role::Init => {
            let text = "a container that ends before the others start is stopped by SIGTERM";
            report.lose(Feature::StopSignal, part.at("stop.signal"), text);
            None
        }
        Some(signal) => Some(exec(&signal_command(&signal, &hooks.pre_stop))),
        None => (!hooks.pre_stop.is_empty()).then(|| exec(&hooks.pre_stop)),
    };
    body.set_some("preStop", pre_stop);
    body.into_value()
}

fn exec(command: &[String]) -> Value {
    json!({ "exec": { "command": command } })
}

/// The command that sends a signal to the container's process and waits until it is gone.
fn signal_command(signal: &str, before: &[String]) -> Vec<String> {
    let first = if before.is_empty() { "" } else { FIRST };
    let script = format!("{first}{}{signal}{}", SCRIPT.0, SCRIPT.1);
    let mut command = vec!["/bin/sh".to_owned(), "-c".to_owned(), script];
    if !before.is_empty() {
        command.push("sh".to_owned());
        command.extend(before.iter().cloned());
    }
    command
}

/// The signal of a command that [`lifecycle`] made, and the user's own command before it.
pub fn signal_of_script(command: &[String]) -> Option<(String, Vec<String>)> {
    let [shell, option, script, rest @ ..] = command else { return None };
    if shell != "/bin/sh" || option != "-c" {
        return None;
    }
    let plain = script.strip_prefix(FIRST).unwrap_or(script);
    let signal = plain.strip_prefix(SCRIPT.0)?.strip_suffix(SCRIPT.1)?;
    let is_number = signal.bytes().all(|byte| byte.is_ascii_digit());
    let signal = if is_number { signal.to_owned() } else { format!("SIG{signal}") };
    Some((signal, rest.get(1..).unwrap_or_default().to_vec()))
}

/// The name of a signal as `kill` takes it. Shells do not know the names of real-time signals.
fn short(signal: &str) -> String {
    let name = signal.strip_prefix("SIG").unwrap_or(signal);
    let real_time = |prefix: &str, base: i32, sign: i32| {
        let rest = name.strip_prefix(prefix)?;
        let offset: i32 = if rest.is_empty() { 0 } else { rest.get(1..)?.parse().ok()? };
        Some(base.saturating_add(offset.saturating_mul(sign)).to_string())
    };
    if name == "15" {
        return USUAL.to_owned();
    }
    real_time("RTMIN", 34, 1).or_else(|| real_time("RTMAX", 64, -1)).unwrap_or_else(|| name.to_owned())
}

/// `terminationGracePeriodSeconds`: the longest that a container of the pod is given.
pub(super) fn grace(site: &Site<'_>, report: &mut Report) -> Option<i64> {
    let mut found = Vec::new();
    for part in site.parts() {
        if let Some(grace) = part.container.stop.grace {
            let path = part.at("stop.grace");
            let seconds = report.seconds(Feature::StopGrace, &path, grace);
            found.push((path, seconds));
        }
    }
    let longest = found.iter().map(|(_, seconds)| *seconds).max()?;
    for (path, _) in found.iter().filter(|(_, seconds)| *seconds != longest) {
        let text = format!("containers of one pod have one time of grace, which is the longest: {longest}s");
        report.lose(Feature::StopGrace, path, text);
    }
    Some(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_what_kill_takes() {
        for (signal, expected) in [
            ("SIGINT", "INT"),
            ("2", "2"),
            ("15", "TERM"),
            ("SIGRTMIN+3", "37"),
            ("SIGRTMAX-1", "63"),
            ("SIGRTMIN", "34"),
        ] {
            assert_eq!(short(signal), expected);
        }
    }

    #[test]
    fn the_script_is_known_again() {
        let before = vec!["/drain".to_owned(), "now".to_owned()];
        for (signal, before) in [("INT", Vec::new()), ("QUIT", before)] {
            let found = signal_of_script(&signal_command(signal, &before));
            assert_eq!(found, Some((format!("SIG{signal}"), before)));
        }
        assert_eq!(signal_of_script(&["/bin/sh".to_owned(), "-c".to_owned(), "sleep 5".to_owned()]), None);
    }
}
