//! What keeps tasks running, as a workload.

use rhumb_backend::fields::Fields;
use rhumb_spec::model::{
    Expose, ExposeAs, IntOrPercent, Mode, OnFailure, Strategy, Traffic, Update, Workload,
};
use serde_json::{Value, json};

use super::ports::Published;
use super::values::{flag, small};
use super::world::World;
use super::{balancing, defaults, labels, network, placement};

/// How many tasks a service has, and how.
pub(super) fn mode(service: &Value) -> Mode {
    match service.get("schedulingStrategy").and_then(Value::as_str) {
        Some("DAEMON") => Mode::Global,
        _ => Mode::Replicated,
    }
}

/// Reads a service into the workload of its tasks.
///
/// Source: Amazon ECS API reference, `CreateService`.
pub(super) fn service(
    fields: &mut Fields<'_>,
    (name, workload): (&str, &mut Workload),
    published: &[Published],
    world: &mut World,
) {
    fields.own(&["serviceName"], "a release names what it makes");
    fields.take("taskDefinition", |_| Some(()));
    fields.take_whole("schedulingStrategy");
    for (key, value) in [("enableECSManagedTags", json!(true)), ("propagateTags", json!("SERVICE"))] {
        if fields.get(key) == Some(&value) {
            fields.own(&[key], "a release says it of every service");
        }
    }
    labels::tags(fields, workload);
    if workload.mode == Mode::Replicated {
        // One is what there is where nothing is said.
        workload.replicas = fields.take("desiredCount", small).filter(|count| *count != 1);
    } else {
        fields.own(&["desiredCount"], "a DAEMON service has a task on every node");
    }
    network::names(fields, (name, workload), published, world);
    balancing::of_service(fields, (name, workload), published, world);
    network::groups(fields, workload);
    rollout(fields, workload);
    placement::constraints(fields, workload);
    placement::strategy(fields, workload);
    defaults::service(fields);
}

/// Reads how a new version takes the place of an old one.
///
/// Source: Amazon ECS API reference, `DeploymentConfiguration`.
fn rollout(fields: &mut Fields<'_>, workload: &mut Workload) {
    let is_live = fields.ledger().is_live();
    let Some(mut deployment) = fields.below("deploymentConfiguration") else { return };
    let mut update = Update::default();
    deployment.default("strategy", &json!("ROLLING"));
    shift(&mut deployment, &mut update);
    deployment.default("bakeTimeInMinutes", &json!(0));
    if let Some(mut alarms) = deployment.below("alarms")
        && alarms.get("enable") == Some(&json!(false))
    {
        alarms.own(&["enable", "rollback"], "it says that there are none");
    }
    breaker(&mut deployment, &mut update, is_live);
    let percent = |key: &str| deployment.get(key).and_then(small);
    let (most, least) = (percent("maximumPercent"), percent("minimumHealthyPercent"));
    if workload.mode == Mode::Global {
        if (most, least) == (Some(100), Some(0)) {
            deployment.own(
                &["maximumPercent", "minimumHealthyPercent"],
                "a release says it of every DAEMON service",
            );
        }
    } else if (most, least) == (Some(200), Some(100)) && is_live {
        deployment
            .own(&["maximumPercent", "minimumHealthyPercent"], "it is what ECS takes where nothing is said");
    } else if (most, least) == (Some(100), Some(0)) {
        update.strategy = Strategy::Recreate;
        deployment.take_whole("maximumPercent");
        deployment.take_whole("minimumHealthyPercent");
    } else {
        bounds(&mut deployment, &mut update, workload.replicas.unwrap_or(1).max(1));
    }
    if update != Update::default() {
        workload.update = Some(update);
    }
}

/// Reads how traffic is shifted from the old tasks to the new ones.
fn shift(deployment: &mut Fields<'_>, update: &mut Update) {
    let percent = |deployment: &Fields<'_>, at: &str, key: &str| {
        deployment
            .get(at)
            .and_then(|of| of.get(key)?.as_f64())
            .filter(|percent| (1.0..100.0).contains(percent))
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked before"
    )]
    let whole = |percent: f64| percent as u8;
    match deployment.text_at("strategy") {
        Some("BLUE_GREEN") => update.strategy = Strategy::BlueGreen,
        Some("CANARY") => {
            let Some(first) = percent(deployment, "canaryConfiguration", "canaryPercent") else { return };
            update.strategy = Strategy::Canary;
            update.steps = vec![whole(first)];
            if let Some(mut canary) = deployment.below("canaryConfiguration") {
                canary.take_whole("canaryPercent");
            }
        }
        Some("LINEAR") => {
            let Some(step) = percent(deployment, "linearConfiguration", "stepPercent") else { return };
            update.strategy = Strategy::Canary;
            update.steps = (1..100 / whole(step).max(1)).map(|count| whole(step) * count).collect();
            if let Some(mut linear) = deployment.below("linearConfiguration") {
                linear.take_whole("stepPercent");
            }
        }
        _ => return,
    }
    deployment.take_whole("strategy");
}

fn breaker(deployment: &mut Fields<'_>, update: &mut Update, is_live: bool) {
    let Some(mut breaker) = deployment.below("deploymentCircuitBreaker") else { return };
    let state = |key: &str| breaker.get(key).and_then(flag);
    match (state("enable"), state("rollback").unwrap_or(false)) {
        (Some(true), true) => update.on_failure = Some(OnFailure::Rollback),
        (Some(true), false) => {}
        (Some(false), _) if is_live => {
            breaker
                .lose("enable", "a release has the circuit breaker on, but with update.onFailure: continue");
        }
        (Some(false), _) => update.on_failure = Some(OnFailure::Continue),
        (None, _) => return,
    }
    breaker.take_whole("enable");
    breaker.take_whole("rollback");
}

/// Reads the bounds of a rollout as shares of the wanted number, or as counts where those are the same percentages
/// again. Where neither is, the share is what other platforms have, and ECS keeps its own.
fn bounds(deployment: &mut Fields<'_>, update: &mut Update, total: u32) {
    if let Some(most) = deployment.get("maximumPercent").and_then(small).filter(|most| *most >= 100) {
        let again =
            |amount: IntOrPercent| (100 * total.saturating_add(amount.of_rounded_up(total))).div_ceil(total);
        let share = IntOrPercent::Percent(u8::try_from(most - 100).unwrap_or(100).min(100));
        let count = IntOrPercent::Int(total * (most - 100) / 100);
        update.max_surge =
            Some(chosen(share, count, |amount| again(amount) == most, deployment, "maximumPercent"));
    }
    if let Some(least) = deployment.get("minimumHealthyPercent").and_then(small).filter(|least| *least <= 100)
    {
        let again = |amount: IntOrPercent| 100 * total.saturating_sub(amount.of_rounded_down(total)) / total;
        let share = IntOrPercent::Percent(u8::try_from(100 - least).unwrap_or(0));
        let count = IntOrPercent::Int(total - (total * least).div_ceil(100));
        let is_same = |amount| again(amount) == least;
        update.max_unavailable = Some(chosen(share, count, is_same, deployment, "minimumHealthyPercent"));
    }
}

fn chosen(
    share: IntOrPercent,
    count: IntOrPercent,
    is_same: impl Fn(IntOrPercent) -> bool,
    deployment: &mut Fields<'_>,
    key: &str,
) -> IntOrPercent {
    let found = [share, count].into_iter().find(|amount| is_same(*amount));
    if found.is_some() {
        deployment.take_whole(key);
    }
    found.unwrap_or(share)
}

/// Says of the ports that nodes show that they are reached there.
pub(super) fn expose_nodes(workload: &mut Workload, published: &[Published]) {
    for port in published {
        if let Some(node) = port.node {
            let expose =
                Expose { port: node, kind: ExposeAs::Node, traffic: Traffic::Local, internal_port: None };
            workload.expose.insert(port.name.clone(), expose);
        }
    }
}
