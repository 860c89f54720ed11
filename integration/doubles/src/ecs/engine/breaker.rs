//! The deployment circuit breaker.

use std::time::Instant;

use serde_json::Value;

use super::super::state::{Pace, Rollout, Service, now as seconds};

/// Notes that a task of a deployment runs well: failures count when they follow one another.
pub(super) fn note_success(service: &mut Service, deployment: &str) {
    if let Some(found) = service.deployments.iter_mut().find(|found| found.id == deployment) {
        found.failed = 0;
    }
}

/// Notes that a task of a deployment failed, lets the next one wait, and gives the deployment up when that is to be.
///
/// Source: Amazon ECS API reference, `DeploymentCircuitBreaker`; developer guide, "How the Amazon ECS deployment circuit
/// breaker detects failures": half of the desired count, 3 at least and 200 at most.
pub(super) fn note_failure(service: &mut Service, deployment: &str, pace: &Pace, now: Instant) {
    let name = service.name.clone();
    let desired = service.desired;
    let breaker = |key: &str| {
        let found =
            service.body.get("deploymentConfiguration").and_then(|it| it.get("deploymentCircuitBreaker"));
        found.and_then(|it| it.get(key)).and_then(Value::as_bool).unwrap_or_default()
    };
    let (is_on, rolls_back) = (breaker("enable"), breaker("rollback"));
    let Some(found) = service.deployments.iter_mut().find(|found| found.id == deployment) else { return };
    found.failed += 1;
    found.updated = seconds();
    let failed = found.failed;
    service.not_before = now + pace.retry * 2_u32.pow(failed.saturating_sub(1).min(3));
    let threshold = desired.div_ceil(2).clamp(3, 200);
    if found.rollout != Rollout::InProgress {
        return;
    }
    if !is_on || u64::from(failed) < threshold {
        if failed == 3 {
            service.event(&format!(
                "(service {name}) is unable to consistently start tasks successfully. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
            ));
        }
        return;
    }
    found.rollout = Rollout::Failed;
    "ECS deployment circuit breaker: tasks failed to start.".clone_into(&mut found.reason);
    service.event(&format!(
        "(service {name}) (deployment {deployment}) deployment failed: tasks failed to start."
    ));
    if rolls_back {
        roll_back(service, deployment);
    }
}

/// The last deployment that was completed becomes the primary one again.
fn roll_back(service: &mut Service, failed: &str) {
    let Some(mut good) = service.good.clone().filter(|good| good.id != failed) else { return };
    let name = service.name.clone();
    service.event(&format!("(service {name}) rolling back to deployment {}.", good.id));
    for deployment in &mut service.deployments {
        if deployment.id == failed {
            deployment.reason =
                format!("ECS deployment circuit breaker: rolling back to deploymentId {}.", good.id);
        }
    }
    service.deployments.retain(|deployment| deployment.id != good.id);
    good.rollout = Rollout::InProgress;
    good.reason = format!("ECS deployment {} in progress.", good.id);
    good.failed = 0;
    good.updated = seconds();
    for (key, value) in &good.body {
        // The service shows what its primary deployment has.
        if service.body.contains_key(key) {
            service.body.insert(key.clone(), value.clone());
        }
    }
    service.deployments.insert(0, good);
    service.is_steady = false;
}
