//! What is left of an app without the workloads that a platform refuses as a whole.

use std::collections::BTreeSet;

use rhumb_backend::{Assessed, Support, can_omit};
use rhumb_spec::App;
use rhumb_spec::model::{EnvSource, EnvValue, Workload};

/// The workloads of which something is refused that cannot be left out.
pub(super) fn refused(assessed: &[Assessed]) -> BTreeSet<String> {
    let is_refused = |one: &&Assessed| {
        matches!(one.support, Support::Unsupported { .. }) && !can_omit(one.requirement.feature)
    };
    let paths = assessed.iter().filter(is_refused).filter_map(|one| {
        let rest = one.requirement.path.strip_prefix("workload/")?;
        rest.split('.').next().map(str::to_owned)
    });
    paths.collect()
}

/// The app without workloads, and without what leads to them; none where nothing would be left.
pub(super) fn without(app: &App, refused: &BTreeSet<String>) -> Option<App> {
    let mut rest = app.clone();
    rest.workloads.retain(|name, _| !refused.contains(name));
    if refused.is_empty() || rest.workloads.is_empty() {
        return None;
    }
    rest.workloads.values_mut().for_each(|workload| forget(workload, refused));
    for route in rest.routes.values_mut() {
        route.paths.retain(|_, target| !refused.contains(&target.workload));
    }
    rest.routes.retain(|_, route| !route.paths.is_empty());
    Some(rest)
}

fn forget(workload: &mut Workload, refused: &BTreeSet<String>) {
    workload.depends_on.retain(|other| !refused.contains(other));
    workload.placement.near.retain(|other| !refused.contains(&other.workload));
    workload.placement.away.retain(|other| !refused.contains(&other.workload));
    for container in workload.init_containers.values_mut().chain(workload.containers.values_mut()) {
        container.env.retain(|_, value| {
            !matches!(value, EnvValue::From(EnvSource::Address { workload, .. }) if refused.contains(workload))
        });
    }
}
