//! How a new version takes the place of an old one.

use rhumb_spec::Feature;
use rhumb_spec::model::{IntOrPercent, Strategy, Update, UpdateOrder, Workload};
use serde_json::{Value, json};

use super::body::Body;
use super::network::host_port;
use super::{Report, Site};

/// Seconds in which a Deployment must get on, where nothing is said.
///
/// Source: Kubernetes API reference, `DeploymentSpec.progressDeadlineSeconds`.
const PROGRESS: i64 = 600;

/// Replicas that may be there beyond the wanted number, and that may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bounds {
    surge: Option<IntOrPercent>,
    unavailable: Option<IntOrPercent>,
}

impl Bounds {
    fn value(self) -> Value {
        let mut body = Body::new();
        body.set_some("maxSurge", self.surge.map(amount))
            .set_some("maxUnavailable", self.unavailable.map(amount));
        body.into_value()
    }
}

fn amount(amount: IntOrPercent) -> Value {
    match amount {
        IntOrPercent::Int(count) => count.into(),
        IntOrPercent::Percent(percent) => format!("{percent}%").into(),
    }
}

/// `strategy` of a Deployment; none where the app says nothing of it.
///
/// - `maxSurge` and `maxUnavailable` are what they are called, each no more than `parallelism`.
/// - `order: startFirst` lets nothing be missing, and `stopFirst` has no surge; how many at a time `parallelism` says, else one.
/// - `parallelism` alone is a surge of so many, as nothing need be missing.
/// - Replicas that take a port of their node stop first where nothing is said: a new one finds the port free then.
///
/// Source: Kubernetes API reference, `DeploymentStrategy`.
pub(super) fn of_deployment(site: &Site<'_>, report: &mut Report) -> Option<Value> {
    let takes_ports = takes_ports(site.workload);
    let usual = takes_ports.then(Update::default);
    let update = site.workload.update.as_ref().or(usual.as_ref())?;
    tell(site, update, report);
    if update.strategy == Strategy::Recreate {
        return Some(json!({ "type": "Recreate" }));
    }
    if takes_ports && update.order == Some(UpdateOrder::StartFirst) {
        let text =
            "a node has its port once: a new replica starts first where a node without an old one is there";
        report.lose(Feature::UpdateOrder, site.at("update.order"), text);
    }
    let bounds = bounds(site, update, report);
    rolling(&bounds.value())
}

fn rolling(bounds: &Value) -> Option<Value> {
    let is_said = bounds.as_object().is_some_and(|fields| !fields.is_empty());
    is_said.then(|| json!({ "type": "RollingUpdate", "rollingUpdate": bounds }))
}

/// Whether replicas take ports of the node that they are on.
fn takes_ports(workload: &Workload) -> bool {
    workload.expose.values().any(|expose| host_port(expose).is_some())
}

/// Which replica goes first: what the app says, or what ports of the nodes need.
fn order(site: &Site<'_>, update: &Update) -> Option<UpdateOrder> {
    let is_open = update.max_surge.is_none() && update.max_unavailable.is_none();
    update.order.or((is_open && takes_ports(site.workload)).then_some(UpdateOrder::StopFirst))
}

fn bounds(site: &Site<'_>, update: &Update, report: &mut Report) -> Bounds {
    let total = site.workload.replicas.unwrap_or(1);
    let cap = |amount: IntOrPercent| match update.parallelism {
        Some(most) if amount.of_rounded_up(total) > most => IntOrPercent::Int(most),
        _ => amount,
    };
    let (surge, unavailable) = (update.max_surge.map(cap), update.max_unavailable.map(cap));
    let batch = IntOrPercent::Int(update.parallelism.unwrap_or(1));
    let none = Some(IntOrPercent::Int(0));
    let order = order(site, update);
    let unused = match order {
        Some(UpdateOrder::StartFirst) => {
            Some(("maxUnavailable", unavailable, "the new replica starts first, so none is missing"))
        }
        Some(UpdateOrder::StopFirst) => Some((
            "maxSurge",
            surge,
            "the old replica stops first, so there is none beyond the wanted number",
        )),
        None => None,
    };
    if let Some((field, Some(amount), text)) = unused
        && !amount.is_zero()
    {
        report.lose(Feature::UpdateOrder, site.at(&format!("update.{field}")), text);
    }
    match order {
        Some(UpdateOrder::StartFirst) => Bounds { surge: surge.or(Some(batch)), unavailable: none },
        Some(UpdateOrder::StopFirst) => {
            if unavailable.is_some_and(IntOrPercent::is_zero) {
                let text = "the old replica stops first, so one at a time is missing";
                report.lose(Feature::UpdateOrder, site.at("update.maxUnavailable"), text);
            }
            let unavailable = unavailable.filter(|amount| !amount.is_zero()).or(Some(batch));
            Bounds { surge: none, unavailable }
        }
        None if surge.is_none() && unavailable.is_none() && update.parallelism.is_some() => {
            Bounds { surge: Some(batch), unavailable: none }
        }
        None => Bounds { surge, unavailable },
    }
}

/// `updateStrategy` of a `DaemonSet`, which has either surge or replicas that are missing.
///
/// Source: Kubernetes API reference, `RollingUpdateDaemonSet`.
pub(super) fn of_daemon_set(site: &Site<'_>, report: &mut Report) -> Option<Value> {
    let update = site.workload.update.as_ref()?;
    tell(site, update, report);
    if update.strategy == Strategy::Recreate {
        return rolling(&json!({ "maxUnavailable": "100%" }));
    }
    let mut found = bounds(site, update, report);
    if takes_ports(site.workload) && found.surge.is_some_and(|surge| !surge.is_zero()) {
        let text = "a node has its port once: the old replica stops first";
        report.lose(Feature::UpdateOrder, site.at("update.order"), text);
        found = Bounds { surge: None, unavailable: Some(IntOrPercent::Int(1)) };
    }
    let surges = found.surge.is_some_and(|surge| !surge.is_zero());
    if surges && found.unavailable.is_some_and(|amount| !amount.is_zero()) {
        let text = "a daemon set has either replicas beyond the wanted number or such that are missing: none is missing";
        report.lose(Feature::RollingUpdate, site.at("update.maxUnavailable"), text);
    }
    let value = if surges {
        Bounds { unavailable: Some(IntOrPercent::Int(0)), ..found }.value()
    } else {
        Bounds { surge: None, unavailable: found.unavailable }.value()
    };
    rolling(&value)
}

/// Tells what a stateful set cannot: it replaces one replica after another, from the last to the first, the old one
/// stopped first. `maxUnavailable` has a gate that is off in 1.36.
///
/// Source: Kubernetes documentation, "Stateful Sets", "Update strategies"; "Feature Gates", `MaxUnavailableStatefulSet`.
pub(super) fn of_stateful_set(site: &Site<'_>, report: &mut Report) {
    let Some(update) = &site.workload.update else { return };
    tell(site, update, report);
    let total = site.workload.replicas.unwrap_or(1);
    let text = "a stateful set replaces one replica after another";
    if update.strategy == Strategy::Recreate && total > 1 {
        report.lose(Feature::Recreate, site.at("update.strategy"), text);
    }
    let many = [
        ("maxUnavailable", update.max_unavailable.map(|amount| amount.of_rounded_up(total))),
        ("parallelism", update.parallelism),
    ];
    for (field, _) in many.into_iter().filter(|(_, amount)| amount.is_some_and(|amount| amount > 1)) {
        report.lose(Feature::RollingUpdate, site.at(&format!("update.{field}")), text);
    }
}

/// `minReadySeconds`: how long a new replica must be ready before it counts, which is what `monitor` asks for and what
/// keeps the next one waiting for `delay`.
pub(super) fn min_ready(site: &Site<'_>, report: &mut Report) -> Option<i64> {
    let update = site.workload.update.as_ref()?;
    let delay = update.delay.map(|time| report.seconds(Feature::UpdateDelay, site.at("update.delay"), time));
    let monitor =
        update.monitor.map(|time| report.seconds(Feature::UpdateMonitor, site.at("update.monitor"), time));
    delay.into_iter().chain(monitor).max().filter(|seconds| *seconds > 0)
}

/// `progressDeadlineSeconds` of a Deployment, which must be longer than its replicas take to count.
pub(super) fn progress_deadline(min_ready: Option<i64>) -> Option<i64> {
    let seconds = min_ready.filter(|seconds| *seconds >= PROGRESS)?;
    Some((seconds + PROGRESS).min(i64::from(i32::MAX)))
}

/// Tells what no controller of Kubernetes does in an update.
fn tell(site: &Site<'_>, update: &Update, report: &mut Report) {
    if update.max_failure_percent.is_some_and(|share| share > 0) {
        let text = "every new replica must become ready: no share of them may fail";
        report.lose(Feature::UpdateMonitor, site.at("update.maxFailurePercent"), text);
    }
}
