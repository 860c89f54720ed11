//! What is still on its way out: apps and pods whose tasks are being stopped.

use std::collections::BTreeMap;

use rhumb_backend::{Health, ObjectHealth, ObjectId, Result, Scope, State};

use crate::apply::{Deployment, deployments};
use crate::connect::Server;
use crate::names;
use crate::records::remove_empty_group;

/// What deployments still do in the release's group, or with these natives. An app is gone from Marathon's lists as soon as
/// it is to be removed, and its deployment goes on until its last task has stopped.
///
/// Once there is nothing any more, the group of the release goes, too, if nobody else has anything in it.
///
/// # Errors
/// What Marathon answers.
pub(crate) async fn leaving(server: &Server, scope: &Scope, natives: &[ObjectId]) -> Result<Health> {
    let group = names::group(scope);
    let found = told(&deployments(server).await?, &format!("{group}/"), natives);
    if found.is_empty() {
        remove_empty_group(server, &group).await;
    }
    Ok(found)
}

fn told(deployments: &[Deployment], group: &str, natives: &[ObjectId]) -> Health {
    let is_ours = |native: &&String| {
        native.starts_with(group) || natives.iter().any(|known| known.as_str() == native.as_str())
    };
    let mut found: BTreeMap<String, ObjectHealth> = BTreeMap::new();
    for deployment in deployments {
        let affected = deployment.affected_apps.iter().map(|app| ("app", app));
        let affected = affected.chain(deployment.affected_pods.iter().map(|pod| ("pod", pod)));
        for (kind, native) in affected.filter(|(_, native)| is_ours(native)) {
            let name = native.strip_prefix(group).unwrap_or(native);
            let health = ObjectHealth {
                id: ObjectId::new(kind, name),
                workload: None,
                state: State::Progressing,
                ready: 0,
                wanted: 0,
                message: format!("its tasks are being stopped by the deployment {}", deployment.id),
                failure: None,
            };
            found.insert(native.clone(), health);
        }
    }
    found.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deployments_of_others_are_none_of_ours() {
        let deployment = |apps: &[&str], pods: &[&str]| Deployment {
            id: "d".to_owned(),
            affected_apps: apps.iter().map(|app| (*app).to_owned()).collect(),
            affected_pods: pods.iter().map(|pod| (*pod).to_owned()).collect(),
            ..Deployment::default()
        };
        let all = [
            deployment(&["/default/shop/web", "/default/shopping/web"], &[]),
            deployment(&["/else/where"], &["/default/shop/side"]),
        ];
        let ids = |natives: &[ObjectId]| {
            let found = told(&all, "/default/shop/", natives);
            found.into_iter().map(|health| health.id.as_str().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(ids(&[]), ["pod/side", "app/web"]);
        assert_eq!(ids(&["/else/where".into()]), ["pod/side", "app/web", "app//else/where"]);
    }
}
