//! What happens by itself: tasks start and stop, services roll.

mod breaker;
mod rollout;
mod tasks;

use std::time::Instant;

use super::effects::Effect;
use super::state::State;

/// Lets happen what is due, and says what is to be done in other services for it.
pub(super) fn tick(state: &mut State) -> Vec<Effect> {
    let now = Instant::now();
    let mut effects = Vec::new();
    let clusters: Vec<String> = state.clusters.keys().cloned().collect();
    for cluster in clusters {
        tasks::step(state, &cluster, now, &mut effects);
        let services: Vec<String> = state
            .clusters
            .get(&cluster)
            .map(|found| found.services.keys().cloned().collect())
            .unwrap_or_default();
        for service in services {
            rollout::step(state, &cluster, &service, now);
        }
    }
    effects
}
