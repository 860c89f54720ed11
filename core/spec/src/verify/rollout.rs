//! The rules of updates, autoscaling and disruption budgets.

use super::Scope;
use super::workload::{ends, word};
use crate::Diagnostic;
use crate::model::{Autoscale, IntOrPercent, Mode, Rollback, Strategy, Update, UpdateOrder};

/// Checks how the replicas of a workload change.
pub(super) fn check(scope: &Scope<'_>, found: &mut Vec<Diagnostic>) {
    if let Some(update) = &scope.workload.update {
        check_update(scope, update, found);
    }
    if let Some(autoscale) = &scope.workload.autoscale {
        check_autoscale(scope, autoscale, found);
    }
    check_disruption(scope, found);
}

fn check_update(scope: &Scope<'_>, update: &Update, found: &mut Vec<Diagnostic>) {
    let mode = scope.workload.mode;
    if ends(mode) {
        found.push(
            Diagnostic::error(
                scope.at("update"),
                format!("`update` does not go with `mode: {}`", word(mode)),
            )
            .why("a job is not replaced while it runs"),
        );
        return;
    }
    let is_zero = |amount: Option<IntOrPercent>| amount.is_some_and(IntOrPercent::is_zero);
    if is_zero(update.max_surge) && is_zero(update.max_unavailable) && update.strategy == Strategy::Rolling {
        found.push(
            Diagnostic::error(scope.at("update"), "`maxSurge` and `maxUnavailable` are both 0")
                .why("no replica could ever be replaced")
                .remedy("`maxSurge: 1` to start the new one first, or `maxUnavailable: 1` to stop the old one first"),
        );
    }
    if update.order == Some(UpdateOrder::StartFirst) && is_zero(update.max_surge) {
        found.push(
            Diagnostic::error(scope.at("update.order"), "`order: startFirst` does not go with `maxSurge: 0`")
                .why("the new replica is one beyond the wanted number until the old one stops")
                .remedy("`maxSurge: 1`, or `order: stopFirst`"),
        );
    }
    check_strategy(scope, update, found);
    check_steps(scope, update, found);
    let rollback = update.rollback.as_ref();
    let numbers = [
        ("update.parallelism", update.parallelism == Some(0)),
        ("update.rollback.parallelism", rollback.and_then(|rollback| rollback.parallelism) == Some(0)),
    ];
    for (field, _) in numbers.into_iter().filter(|(_, is_zero)| *is_zero) {
        found.push(
            Diagnostic::error(scope.at(field), "`parallelism` is 0")
                .why("no replica would ever be replaced")
                .remedy("1 or more; leave it out for as many as surge and unavailable allow"),
        );
    }
    let shares = [
        ("update.maxFailurePercent", update.max_failure_percent),
        ("update.rollback.maxFailurePercent", rollback.and_then(rollback_share)),
    ];
    for (field, _) in shares.into_iter().filter(|(_, share)| share.is_some_and(|share| share > 100)) {
        found.push(Diagnostic::error(scope.at(field), "a share is more than 100 percent").remedy("0 to 100"));
    }
}

const fn rollback_share(rollback: &Rollback) -> Option<u8> {
    rollback.max_failure_percent
}

fn check_strategy(scope: &Scope<'_>, update: &Update, found: &mut Vec<Diagnostic>) {
    let mode = scope.workload.mode;
    let has_second_set = matches!(update.strategy, Strategy::BlueGreen | Strategy::Canary);
    if has_second_set && mode != Mode::Replicated {
        found.push(
            Diagnostic::error(
                scope.at("update.strategy"),
                format!("a second set of replicas does not go with `mode: {}`", word(mode)),
            )
            .why("its replicas are not interchangeable")
            .remedy("`strategy: rolling`"),
        );
    }
    if update.strategy == Strategy::Recreate
        && (update.max_surge.is_some_and(|surge| !surge.is_zero())
            || update.order == Some(UpdateOrder::StartFirst))
    {
        found.push(
            Diagnostic::error(scope.at("update.strategy"), "`strategy: recreate` has no surge")
                .why("all old replicas stop before the first new one starts")
                .remedy("`strategy: rolling`, or leave out `maxSurge` and `order`"),
        );
    }
    let surges = update.max_surge.is_some_and(|surge| !surge.is_zero());
    if mode == Mode::Stateful && (surges || update.order == Some(UpdateOrder::StartFirst)) {
        let field = if surges { "update.maxSurge" } else { "update.order" };
        found.push(
            Diagnostic::error(
                scope.at(field),
                "a new replica cannot start beside the old one with `mode: stateful`",
            )
            .why("both would have the same name and the same volume")
            .remedy("`maxSurge: 0`, `maxUnavailable: 1` and `order: stopFirst`"),
        );
    }
}

fn check_steps(scope: &Scope<'_>, update: &Update, found: &mut Vec<Diagnostic>) {
    if update.steps.is_empty() {
        return;
    }
    let path = scope.at("update.steps");
    if update.strategy != Strategy::Canary {
        found.push(
            Diagnostic::error(path, "`steps` goes with `strategy: canary` only").remedy("leave it out"),
        );
    } else if !update.steps.is_sorted_by(|one, next| one < next)
        || update.steps.iter().any(|step| !(1..=100).contains(step))
    {
        found.push(
            Diagnostic::error(path, "the steps do not grow from 1 to 100")
                .why("each step is the percentage of traffic that the new version takes")
                .remedy("`steps: [10, 50, 100]`"),
        );
    }
}

fn check_autoscale(scope: &Scope<'_>, autoscale: &Autoscale, found: &mut Vec<Diagnostic>) {
    let (workload, mode) = (scope.workload, scope.workload.mode);
    if !matches!(mode, Mode::Replicated | Mode::Stateful) {
        found.push(
            Diagnostic::error(
                scope.at("autoscale"),
                format!("`autoscale` does not go with `mode: {}`", word(mode)),
            )
            .why("the number of its replicas is not free"),
        );
    }
    if autoscale.min > autoscale.max {
        found.push(
            Diagnostic::error(
                scope.at("autoscale.min"),
                format!("the fewest replicas ({}) are more than the most ({})", autoscale.min, autoscale.max),
            )
            .remedy("`min` up to `max`"),
        );
    }
    if autoscale.max == 0 {
        found.push(
            Diagnostic::error(scope.at("autoscale.max"), "the most replicas are 0").remedy("1 or more"),
        );
    }
    if autoscale.cpu.is_none() && autoscale.memory.is_none() && autoscale.custom.is_empty() {
        found.push(
            Diagnostic::error(scope.at("autoscale"), "there is nothing to follow")
                .why("replicas follow a metric")
                .remedy("`cpu: 80`, `memory: 80` or `custom`"),
        );
    }
    if let Some(replicas) = workload.replicas
        && (replicas < autoscale.min || replicas > autoscale.max)
        && autoscale.min <= autoscale.max
    {
        found.push(
            Diagnostic::warning(
                scope.at("replicas"),
                format!("{replicas} replicas are outside {} to {}", autoscale.min, autoscale.max),
            )
            .why("`autoscale` changes the number at once")
            .remedy("leave out `replicas`"),
        );
    }
    check_metrics(scope, autoscale, found);
}

fn check_metrics(scope: &Scope<'_>, autoscale: &Autoscale, found: &mut Vec<Diagnostic>) {
    let containers = &scope.workload.containers;
    let promises = [
        ("cpu", autoscale.cpu, containers.values().all(|container| container.resources.cpu.is_some())),
        (
            "memory",
            autoscale.memory,
            containers.values().all(|container| container.resources.memory.is_some()),
        ),
    ];
    for (field, target, all_promised) in promises {
        let path = scope.at(&format!("autoscale.{field}"));
        match target {
            Some(0) => found.push(Diagnostic::error(path, "the wanted use is 0 percent").remedy("1 or more")),
            Some(_) if !all_promised => found.push(
                Diagnostic::error(path, format!("not every container is promised any {field}"))
                    .why("the wanted use is a percentage of what is promised")
                    .remedy(format!("`resources: {{ {field}: AMOUNT }}` in every container")),
            ),
            _ => {}
        }
    }
    for (index, metric) in autoscale.custom.iter().enumerate() {
        let average: Option<f64> = metric.average.parse().ok();
        if !average.is_some_and(|average| average.is_finite() && average > 0.0) {
            found.push(
                Diagnostic::error(
                    scope.at(&format!("autoscale.custom[{index}].average")),
                    format!("`{}` is not a wanted average", metric.average),
                )
                .remedy("a decimal number greater than 0"),
            );
        }
    }
}

fn check_disruption(scope: &Scope<'_>, found: &mut Vec<Diagnostic>) {
    let Some(disruption) = &scope.workload.disruption else { return };
    let mode = scope.workload.mode;
    if ends(mode) {
        found.push(
            Diagnostic::error(
                scope.at("disruption"),
                format!("`disruption` does not go with `mode: {}`", word(mode)),
            )
            .why("a job ends by itself"),
        );
    }
    if disruption.min_available.is_some() == disruption.max_unavailable.is_some() {
        found.push(
            Diagnostic::error(
                scope.at("disruption"),
                "set exactly one of `minAvailable` and `maxUnavailable`",
            )
            .remedy("`disruption: { maxUnavailable: 1 }`"),
        );
    }
}
