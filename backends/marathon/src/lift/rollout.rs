//! How versions change, and what happens when a container ends.

use rhumb_backend::fields::Fields;
use rhumb_spec::Duration;
use rhumb_spec::model::{IntOrPercent, Restart, Strategy, Update, Workload};
use serde_json::{Value, json};

use crate::lower::capacities;

/// Reads the shares under a key. What has a volume of its own has them anyway.
pub(super) fn upgrade(fields: &mut Fields<'_>, key: &str, is_local: bool, workload: &mut Workload) {
    let shares = |value: &Value| {
        let share = |key: &str| value.get(key)?.as_f64();
        let only = value.as_object()?.len() == 2;
        only.then_some((share("minimumHealthCapacity")?, share("maximumOverCapacity")?))
    };
    let Some(wanted) = fields.get(key).and_then(shares) else { return };
    if is_local {
        if wanted == (0.0, 0.0) {
            fields.take_whole(key);
        }
        return;
    }
    let replicas = workload.replicas.unwrap_or(1);
    if let Some(update) =
        candidates(wanted, replicas).into_iter().find(|update| capacities(update, replicas) == Some(wanted))
    {
        fields.take_whole(key);
        workload.update = Some(update);
    }
}

/// Updates that may have these shares.
fn candidates((least, most): (f64, f64), replicas: u32) -> Vec<Update> {
    let recreate = Update { strategy: Strategy::Recreate, ..Update::default() };
    let mut found = vec![recreate];
    for missing in amounts(1.0 - least, replicas) {
        for beside in amounts(most, replicas) {
            found.push(Update {
                max_unavailable: Some(missing),
                max_surge: Some(beside),
                ..Update::default()
            });
        }
    }
    found
}

/// A share as a percentage, and as a number of replicas.
fn amounts(share: f64, replicas: u32) -> [IntOrPercent; 2] {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is from 0 to 1")]
    let whole = |number: f64| number.round().clamp(0.0, 1e9) as u32;
    let percent = u8::try_from(whole(share * 100.0).min(100)).unwrap_or(100);
    [IntOrPercent::Percent(percent), IntOrPercent::Int(whole(share * f64::from(replicas)))]
}

/// The names of the three fields of a backoff.
pub(super) struct Backoff {
    pub(super) delay: &'static str,
    pub(super) factor: &'static str,
    pub(super) most: &'static str,
}

/// Reads the delay before a start. One that grows has no word, unless it is Marathon's own.
pub(super) fn backoff(fields: &mut Fields<'_>, names: &Backoff, workload: &mut Workload) {
    let is_constant = fields.get(names.factor).and_then(Value::as_f64) == Some(1.0);
    if is_constant && let Some(seconds) = fields.take(names.delay, Value::as_u64) {
        fields.take_whole(names.factor);
        workload.restart = Some(Restart { delay: Some(Duration::from_secs(seconds)), ..Restart::default() });
    }
    fields.default(names.delay, &json!(1));
    fields.default(names.factor, &json!(1.15));
    // The second was the default of older versions.
    fields.default(names.most, &json!(300));
    fields.default(names.most, &json!(3600));
}

/// Reads what happens to instances of an agent that is not reached, which is fixed for those with volumes.
pub(super) fn unreachable(fields: &mut Fields<'_>, is_local: bool) {
    if is_local && fields.text_at("unreachableStrategy") == Some("disabled") {
        fields.take_whole("unreachableStrategy");
    }
    fields.default("unreachableStrategy", &json!({ "inactiveAfterSeconds": 0, "expungeAfterSeconds": 0 }));
    fields.default("killSelection", &json!("YOUNGEST_FIRST"));
}
