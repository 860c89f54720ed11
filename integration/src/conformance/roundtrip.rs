//! `lift(lower(app))` is the app, up to what was declared as lost.

use std::collections::BTreeSet;

use rhumb_backend::{Backend, Choices, Facts, Loss, Scope, check};
use rhumb_spec::App;
use serde_json::Value;

/// Lowers an app, lifts it again and compares.
pub(super) fn hold(app: &App, backend: &dyn Backend, scope: &Scope, facts: &Facts) -> Result<(), String> {
    let checked =
        check(app, backend, facts, &BTreeSet::new()).map_err(|found| format!("check: {found:?}"))?;
    let lowered = backend
        .lower(&checked.app, scope, facts, &Choices::default())
        .map_err(|found| format!("lower: {found:?}"))?;
    let lifted = backend.lift(&lowered.objects);
    let losses: Vec<&Loss> = checked.losses.iter().chain(&lowered.losses).collect();
    let mut differences = Vec::new();
    compare(&json(checked.app.app())?, &json(&lifted.app)?, "", &mut differences);
    differences.retain(|path| !losses.iter().any(|loss| touches(&loss.path, path)));
    if differences.is_empty() {
        return Ok(());
    }
    Err(format!("lifted, it differs at {differences:?}; notes: {:?}", lifted.notes))
}

/// The app with its maps keyed as in paths: `workload/web.containers`.
fn json(app: &App) -> Result<Value, String> {
    serde_json::to_value(app).map_err(|error| error.to_string())
}

/// Whether a loss at one path explains a difference at another, written as in JSON: `workloads.web.replicas`.
fn touches(loss: &str, difference: &str) -> bool {
    let (kind, rest) = difference.split_once('.').unwrap_or((difference, ""));
    let path = format!("{}/{rest}", kind.trim_end_matches('s'));
    let whole = |longer: &str, shorter: &str| {
        longer.strip_prefix(shorter).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    whole(&path, loss) || whole(loss, &path)
}

fn compare(one: &Value, other: &Value, path: &str, differences: &mut Vec<String>) {
    let (Value::Object(ones), Value::Object(others)) = (one, other) else {
        if one != other {
            differences.push(path.trim_start_matches('.').to_owned());
        }
        return;
    };
    let keys: BTreeSet<&String> = ones.keys().chain(others.keys()).collect();
    for key in keys {
        let nothing = Value::Null;
        let (one, other) = (ones.get(key).unwrap_or(&nothing), others.get(key).unwrap_or(&nothing));
        compare(one, other, &format!("{path}.{key}"), differences);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_explain_what_lies_below_them() {
        assert!(touches(
            "workload/web.containers.web.probes.ready",
            "workloads.web.containers.web.probes.ready.port"
        ));
        assert!(touches("workload/web.update.delay", "workloads.web.update"));
        assert!(!touches("workload/web.update.delay", "workloads.web.update.order"));
        assert!(!touches("workload/web", "workloads.webb.replicas"));
    }

    #[test]
    fn differences_are_named_by_path() {
        let mut found = Vec::new();
        let one = serde_json::json!({ "a": { "b": 1, "c": 2 } });
        let other = serde_json::json!({ "a": { "b": 1, "c": 3, "d": 4 } });
        compare(&one, &other, "", &mut found);
        assert_eq!(found, ["a.c", "a.d"]);
    }
}
