//! What is there.

mod balancer;
mod document;
mod look;
mod naming;
mod network;
mod scaling;
mod store;
mod tasks;

use futures_util::future::join_all;
use rhumb_backend::{Live, ObjectId, Observed, Result, Scope};

use crate::connect::Account;
use crate::kind::Kind;
pub(crate) use balancer::{
    all_listeners, attributes, listener_found, rule_found, tags_of, target_group_found,
};
pub(crate) use look::{Found, Look, owner};
pub(crate) use network::discovery_found;
pub(crate) use scaling::{policy_found, schedule_found, target_found};
pub(crate) use tasks::{
    definition_found, describe_services, describe_tasks, family_tasks, last_segment, list_tasks,
    service_found, service_tasks,
};

/// Looks at these ids and at whatever bears the release's tags, service by service. Services of AWS from which nothing is
/// wanted and for which the target names nothing are not asked.
///
/// # Errors
/// When no service answers, or one does not that may answer later. What could not be read of a single kind is in [`Observed::unreadable`].
pub(crate) async fn observe(account: &Account, scope: &Scope, ids: &[ObjectId]) -> Result<Observed> {
    let looks: Vec<Look<'_>> =
        Kind::ALL.into_iter().map(|kind| Look::new(account, scope, kind, ids)).collect();
    let asked: Vec<&Look<'_>> = looks.iter().filter(|look| look.is_needed()).collect();
    let answers = join_all(asked.iter().map(|look| of_kind(look))).await;
    if !answers.is_empty() && answers.iter().all(Result::is_err) {
        return answers.into_iter().next().unwrap_or_else(|| Ok(Vec::new())).map(|_| Observed::default());
    }
    let mut observed = Observed::default();
    for (look, answer) in asked.into_iter().zip(answers) {
        match answer {
            Ok(found) => observed.objects.extend(found),
            // Whoever looks may look again.
            Err(error) if error.may_pass() && !look.ids.is_empty() => return Err(error),
            Err(error) => {
                let ids = look.ids.iter();
                observed.unreadable.extend(ids.map(|id| ((*id).clone(), error.to_string())));
            }
        }
    }
    Ok(observed)
}

pub(crate) use naming::field as name_field;

/// The name that a thing has on AWS where its id alone tells it.
pub(crate) fn fixed_name(account: &Account, scope: &Scope, id: &ObjectId) -> Option<String> {
    naming::fixed(last_segment(account.cluster()), scope, id)
}

/// Looks at what there is of one kind.
pub(crate) async fn of_kind(look: &Look<'_>) -> Result<Vec<Live>> {
    match look.kind {
        Kind::SecurityGroup => network::security_groups(look).await,
        Kind::LogGroup => store::log_groups(look).await,
        Kind::AccessPoint => store::access_points(look).await,
        Kind::Parameter => store::parameters(look).await,
        Kind::Secret => store::secrets(look).await,
        Kind::Discovery => network::discovery(look).await,
        Kind::TargetGroup => balancer::target_groups(look).await,
        Kind::Listener => balancer::listeners(look).await,
        Kind::ListenerRule => balancer::rules(look).await,
        Kind::TaskDefinition => tasks::definitions(look).await,
        Kind::Service => tasks::services(look).await,
        Kind::Task => tasks::jobs(look).await,
        Kind::ScalableTarget => scaling::targets(look).await,
        Kind::ScalingPolicy => scaling::policies(look).await,
        Kind::Schedule => scaling::schedules(look).await,
    }
}
