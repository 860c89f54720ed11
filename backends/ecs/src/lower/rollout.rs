//! How a new version takes the place of an old one.

use rhumb_spec::model::{IntOrPercent, Mode, OnFailure, Strategy, Update, UpdateOrder};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Value, json};

use super::body::Body;
use super::{Context, Report, Site, balancer, discovery};

/// The first share of the traffic, in percent, where the app says none.
const CANARY: u32 = 10;

/// Tasks that may be there beyond the wanted number, and that may be missing; none leaves it to ECS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bounds {
    surge: Option<u32>,
    unavailable: Option<u32>,
}

/// `deploymentConfiguration` of a service.
///
/// - A surge of `s` out of `n` is the percentage of which ECS, rounding down, makes `n + s` tasks; `u` missing ones are
///   the percentage of which ECS, rounding up, makes `n - u`.
/// - `order: startFirst` lets nothing be missing, and `stopFirst` has no surge; how many at a time `parallelism` says,
///   else one.
/// - `recreate` lets everything be missing and has no surge.
/// - The circuit breaker says when a deployment has failed, unless `onFailure: continue` wants it to go on; it takes the
///   old version back with `onFailure: rollback`.
///
/// Source: Amazon ECS API reference, `DeploymentConfiguration` and `DeploymentCircuitBreaker`.
pub(super) fn configuration(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Value {
    let update = site.workload.update.clone().unwrap_or_default();
    let total = total(site);
    let mut bounds = bounds(site, &update, total, report);
    disrupt(site, total, &mut bounds);
    let on_failure = update.on_failure;
    let breaker = json!({
        "enable": on_failure != Some(OnFailure::Continue),
        "rollback": on_failure == Some(OnFailure::Rollback),
    });
    let mut body = Body::new();
    body.set("deploymentCircuitBreaker", breaker);
    if site.workload.mode == Mode::Global {
        if bounds.surge.is_some_and(|surge| surge > 0) {
            let text = "a node has one task of a DAEMON service at a time: the old one stops first";
            report.lose(Feature::RollingUpdate, site.at("update"), text);
        }
        body.set("maximumPercent", 100);
        body.set_some("minimumHealthyPercent", daemon_least(context, &update));
        return body.into_value();
    }
    if balancer::shifts(site) {
        shift(context, site, &update, &mut body, report);
        return body.into_value();
    }
    body.set_some("maximumPercent", bounds.surge.map(|surge| most(total, surge)));
    body.set_some("minimumHealthyPercent", bounds.unavailable.map(|missing| least(total, missing)));
    body.into_value()
}

/// The percentage of nodes whose task must stay; none leaves it to ECS. Of how many nodes a count is out of, only a
/// cluster says that was asked.
fn daemon_least(context: &Context<'_>, update: &Update) -> Option<u32> {
    if update.strategy == Strategy::Recreate {
        return Some(0);
    }
    let missing = update.max_unavailable.or(update.parallelism.map(IntOrPercent::Int))?;
    Some(match (missing, context.facts.instances) {
        (IntOrPercent::Percent(percent), _) => 100_u32.saturating_sub(u32::from(percent)),
        (IntOrPercent::Int(count), Some(nodes)) if nodes > 0 => least(nodes, count),
        (IntOrPercent::Int(_), _) => 0,
    })
}

/// Sets how ECS shifts the traffic from the old tasks to the new ones: all at once, a first share and then the rest, or
/// equal shares one after another.
///
/// Source: Amazon ECS API reference, `DeploymentConfiguration.strategy`, `CanaryConfiguration`, `LinearConfiguration`;
/// developer guide, "Required resources for Amazon ECS blue/green deployments".
fn shift(context: &Context<'_>, site: &Site<'_>, update: &Update, body: &mut Body, report: &mut Report) {
    if !balancer::is_balanced(context, site) && !discovery::connects(context, site) {
        report.refuse(
            Diagnostic::error(site.at("update.strategy"), "nothing leads to the workload whose traffic ECS could shift")
                .why("it shifts the traffic of a route's target groups and of Service Connect; names in Cloud Map lead to old and new tasks alike")
                .remedy("a Route to the workload, `shortNames: true` where siblings use it, or `strategy: rolling`"),
        );
    }
    if update.strategy == Strategy::BlueGreen {
        body.set("strategy", "BLUE_GREEN");
        return;
    }
    let steps: Vec<u32> =
        update.steps.iter().map(|step| u32::from(*step)).filter(|step| *step < 100).collect();
    let first = steps.first().copied().unwrap_or(CANARY);
    let is_even = (1..).zip(&steps).all(|(count, step)| *step == first * count);
    if steps.len() > 1 && is_even {
        body.set("strategy", "LINEAR");
        body.set("linearConfiguration", json!({ "stepPercent": f64::from(first) }));
        return;
    }
    if steps.len() > 1 {
        report.refuse(
            Diagnostic::error(site.at("update.steps"), "ECS does not take these steps")
                .why("it has one first share and then the rest, or equal shares one after another")
                .remedy(format!("`[{first}]`, or equal steps such as `[25, 50, 75]`")),
        );
    }
    body.set("strategy", "CANARY");
    body.set("canaryConfiguration", json!({ "canaryPercent": f64::from(first) }));
}

/// The number of tasks that bounds are out of: the fewest where they follow the load.
fn total(site: &Site<'_>) -> u32 {
    let scaled = site.workload.autoscale.as_ref().map(|autoscale| autoscale.min);
    scaled.or(site.workload.replicas).unwrap_or(1).max(1)
}

fn most(total: u32, surge: u32) -> u32 {
    (100 * total.saturating_add(surge)).div_ceil(total)
}

fn least(total: u32, missing: u32) -> u32 {
    100 * total.saturating_sub(missing) / total
}

fn bounds(site: &Site<'_>, update: &Update, total: u32, report: &mut Report) -> Bounds {
    if update.strategy == Strategy::Recreate {
        return Bounds { surge: Some(0), unavailable: Some(total) };
    }
    let cap = |count: u32| update.parallelism.map_or(count, |most| count.min(most));
    let surge = update.max_surge.map(|amount| cap(amount.of_rounded_up(total)));
    let unavailable = update.max_unavailable.map(|amount| cap(amount.of_rounded_down(total)));
    let batch = update.parallelism.unwrap_or(1);
    let unused = |report: &mut Report, field: &str, amount: Option<IntOrPercent>, text: &str| {
        if amount.is_some_and(|amount| !amount.is_zero()) {
            report.lose(Feature::UpdateOrder, site.at(&format!("update.{field}")), text);
        }
    };
    match update.order {
        Some(UpdateOrder::StartFirst) => {
            let text = "the new task starts first, so none is missing";
            unused(report, "maxUnavailable", update.max_unavailable, text);
            Bounds { surge: Some(surge.unwrap_or(batch)), unavailable: Some(0) }
        }
        Some(UpdateOrder::StopFirst) => {
            let text = "the old task stops first, so there is none beyond the wanted number";
            unused(report, "maxSurge", update.max_surge, text);
            let missing = unavailable.filter(|count| *count > 0).unwrap_or(batch);
            Bounds { surge: Some(0), unavailable: Some(missing) }
        }
        None if surge.is_none() && unavailable.is_none() && update.parallelism.is_some() => {
            Bounds { surge: Some(batch), unavailable: Some(0) }
        }
        None => Bounds { surge, unavailable },
    }
}

/// A disruption budget bounds what may be missing, where the update would let more be.
fn disrupt(site: &Site<'_>, total: u32, bounds: &mut Bounds) {
    let Some(disruption) = &site.workload.disruption else { return };
    let available = disruption.min_available.map(|amount| total.saturating_sub(amount.of_rounded_up(total)));
    let missing = disruption.max_unavailable.map(|amount| amount.of_rounded_down(total));
    let Some(budget) = available.or(missing) else { return };
    bounds.unavailable = Some(bounds.unavailable.map_or(budget, |missing| missing.min(budget)));
}
