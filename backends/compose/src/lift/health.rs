//! Health checks.

use rhumb_backend::fields::Fields;
use rhumb_spec::Duration;
use rhumb_spec::model::{Container, Probe, ProbeAction};
use serde_json::{Value, json};

use super::amounts::{duration, whole};
use super::{flag, list};

/// What Docker takes where nothing is said.
const USUAL: Duration = Duration::from_secs(30);

/// Reads `healthcheck` as readiness and liveness: Swarm sends traffic by it and replaces what fails it.
pub(super) fn lift(fields: &mut Fields<'_>, container: &mut Container, patch: &mut Value) {
    let Some(mut check) = fields.below("healthcheck") else { return };
    let is_off = check.get("disable").and_then(flag) == Some(true)
        || check
            .get("test")
            .and_then(list)
            .is_some_and(|test| test.first().is_some_and(|word| word == "NONE"));
    if is_off {
        let why = "it turns the image's own check off; other platforms never ask it";
        for key in check.keys() {
            let found = check.take_whole(&key).unwrap_or_default();
            check.kept(&key, &found, why);
        }
        patch["TaskTemplate"]["ContainerSpec"]["Healthcheck"] = json!({ "Test": ["NONE"] });
    } else if let Some(action) = check.take("test", action) {
        let time =
            |check: &mut Fields<'_>, key: &str| check.take(key, duration).filter(|time| !time.is_zero());
        let period = time(&mut check, "interval").unwrap_or(USUAL);
        let probe = Probe {
            action,
            period: Some(period),
            // Docker's own timeout is longer than a short period, and asks no question before it is over.
            timeout: Some(time(&mut check, "timeout").unwrap_or(USUAL.min(period))),
            delay: time(&mut check, "start_period"),
            failures: Some(check.take("retries", whole).filter(|count| *count > 0).unwrap_or(3)),
            successes: None,
        };
        container.probes.ready = Some(probe.clone());
        container.probes.live = Some(probe);
        check.take("disable", flag);
        check.lose("start_interval", "a check has one interval");
    }
    for key in check.keys() {
        check.lose(&key, "without a command of its own, the check of the image is not known here");
    }
    if fields.get("healthcheck").is_some_and(|left| left.as_object().is_some_and(serde_json::Map::is_empty)) {
        fields.take_whole("healthcheck");
    }
}

fn action(value: &Value) -> Option<ProbeAction> {
    let shell = |line: &str| ["/bin/sh", "-c", line].map(str::to_owned).to_vec();
    if let Some(line) = value.as_str() {
        return (!line.is_empty()).then(|| ProbeAction::Exec(shell(line)));
    }
    match list(value)?.as_slice() {
        [kind, line] if kind == "CMD-SHELL" => Some(ProbeAction::Exec(shell(line))),
        [kind, command @ ..] if kind == "CMD" && !command.is_empty() => {
            Some(ProbeAction::Exec(command.to_vec()))
        }
        _ => None,
    }
}
