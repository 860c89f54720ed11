//! How versions change, and what happens when a container ends.

use rhumb_spec::model::{IntOrPercent, RestartPolicy, Strategy, Update, UpdateOrder};
use rhumb_spec::{Diagnostic, Duration, Feature};
use serde_json::{Map, Value};

use super::body::{Body, number};
use super::{Report, Site};

/// Shares are written to a millionth, rounded so that Marathon counts the same number of replicas again.
const PARTS: f64 = 1e6;

/// `upgradeStrategy` of an app, `scheduling.upgrade` of a pod.
///
/// Both numbers are shares of the replicas: `minimumHealthCapacity` of those that stay, rounded up by Marathon, and
/// `maximumOverCapacity` of those beside them, rounded down. One with a volume of its own never has a second one beside it.
///
/// Source: Marathon REST API, `UpgradeStrategy`; Marathon documentation, "Persistent volumes".
pub(super) fn upgrade(site: &Site<'_>, has_volume: bool, report: &mut Report) -> Option<Value> {
    let (least, most) = if has_volume {
        refuse_surge(site, report);
        (0.0, 0.0)
    } else {
        capacities(site.workload.update.as_ref()?, site.replicas())?
    };
    let mut body = Body::new();
    body.set("minimumHealthCapacity", number(least)).set("maximumOverCapacity", number(most));
    Some(body.into_value())
}

/// The share of replicas that stay, and of those beside them; none where nothing is said of it.
pub(crate) fn capacities(update: &Update, replicas: u32) -> Option<(f64, f64)> {
    let (missing, beside) = amounts(update, replicas)?;
    let all = replicas.max(1);
    let least = match missing {
        None => 1.0,
        Some(IntOrPercent::Percent(percent)) => f64::from(100 - percent) / 100.0,
        Some(IntOrPercent::Int(count)) => staying(all.saturating_sub(count), all),
    };
    let most = match beside {
        None => 0.0,
        Some(IntOrPercent::Percent(percent)) => f64::from(percent) / 100.0,
        Some(IntOrPercent::Int(count)) => above(count.min(all), all),
    };
    Some((least, most))
}

/// A share of which Marathon, which rounds up, makes this count.
fn staying(count: u32, all: u32) -> f64 {
    let share = (f64::from(count) / f64::from(all) * PARTS).floor() / PARTS;
    if (share * f64::from(all)).ceil() > f64::from(count) {
        ((share * PARTS).round() - 1.0) / PARTS
    } else {
        share
    }
}

/// A share of which Marathon, which rounds down, makes this count.
fn above(count: u32, all: u32) -> f64 {
    let share = (f64::from(count) / f64::from(all) * PARTS).ceil() / PARTS;
    if (share * f64::from(all)).floor() < f64::from(count) {
        ((share * PARTS).round() + 1.0) / PARTS
    } else {
        share
    }
}

type Amounts = (Option<IntOrPercent>, Option<IntOrPercent>);

/// How many may be missing, and how many there may be beside them; none where nothing is said of it.
fn amounts(update: &Update, replicas: u32) -> Option<Amounts> {
    let all = Some(IntOrPercent::Percent(100));
    if update.strategy == Strategy::Recreate {
        return Some((all, None));
    }
    let batch = update.parallelism.map(|count| IntOrPercent::Int(count.min(replicas.max(1))));
    let is_said = update.max_surge.is_some() || update.max_unavailable.is_some();
    Some(match update.order {
        Some(UpdateOrder::StartFirst) => (None, update.max_surge.or(batch).or(all)),
        Some(UpdateOrder::StopFirst) => {
            (update.max_unavailable.or(batch).or(Some(IntOrPercent::Int(1))), None)
        }
        None if is_said => (update.max_unavailable, update.max_surge),
        None => (None, Some(batch?)),
    })
}

fn refuse_surge(site: &Site<'_>, report: &mut Report) {
    let Some(update) = &site.workload.update else { return };
    let is_beside = update.max_surge.is_some_and(|surge| !surge.is_zero())
        || update.order == Some(UpdateOrder::StartFirst);
    if is_beside {
        report.refuse(
            Diagnostic::error(site.at("update"), "a new replica cannot start beside the old one here")
                .why("its volume is on one agent, and the old replica has it")
                .remedy("`order: stopFirst`, or no `update`"),
        );
    }
}

/// `backoffSeconds` and `backoffFactor`: the same delay before each start.
///
/// Source: Marathon REST API, `App.backoffSeconds`.
pub(super) fn backoff(site: &Site<'_>, report: &mut Report) -> Option<i64> {
    let restart = site.workload.restart.as_ref()?;
    if restart.policy == RestartPolicy::Never {
        report.refuse(
            Diagnostic::error(site.at("restart.policy"), "Marathon starts anew whatever ends")
                .why("an app has a number of instances, which Marathon keeps up")
                .remedy("`mode: job`"),
        );
    }
    if restart.policy == RestartPolicy::OnFailure {
        let text = "what ended without failure is started again, too";
        report.lose(Feature::RestartPolicy, site.at("restart.policy"), text);
    }
    for (is_set, field) in
        [(restart.max_attempts.is_some(), "maxAttempts"), (restart.window.is_some(), "window")]
    {
        if is_set {
            let text = "Marathon counts no attempts and goes on";
            report.lose(Feature::RestartLimits, site.at(&format!("restart.{field}")), text);
        }
    }
    restart.delay.map(|delay| report.seconds(Feature::RestartLimits, site.at("restart.delay"), delay))
}

/// `taskKillGracePeriodSeconds`.
pub(super) fn grace(path: String, grace: Option<Duration>, report: &mut Report) -> Option<i64> {
    grace.map(|time| report.seconds(Feature::StopGrace, path, time))
}

/// Says what an update asks for that deployments do not have, beyond what the check says.
pub(super) fn lose_amounts(site: &Site<'_>, report: &mut Report) {
    let Some(update) = &site.workload.update else { return };
    let is_both =
        update.parallelism.is_some() && (update.max_surge.is_some() || update.max_unavailable.is_some());
    if is_both {
        let text = "as many replicas at a time as `maxSurge` and `maxUnavailable` allow";
        report.lose(Feature::RollingUpdate, site.at("update.parallelism"), text);
    }
    for (order, is_set, field) in [
        (UpdateOrder::StartFirst, update.max_unavailable.is_some(), "maxUnavailable"),
        (UpdateOrder::StopFirst, update.max_surge.is_some(), "maxSurge"),
    ] {
        if update.order == Some(order) && is_set {
            report.lose(
                Feature::RollingUpdate,
                site.at(&format!("update.{field}")),
                "`order` leaves no room for it",
            );
        }
    }
}

/// What apps with volumes of their own say: an instance waits for its agent, and is never given up.
///
/// Source: Marathon documentation, "Persistent volumes": resident tasks.
pub(super) fn resident() -> Map<String, Value> {
    let mut body = Body::new();
    body.set("unreachableStrategy", "disabled");
    body.into_map()
}
