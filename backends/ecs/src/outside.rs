//! What an evaluation does from outside: ending a task, and finding the way in.

use rhumb_backend::{Entrance, Error, ErrorKind, Killed, PortOf, Result, Scope};
use serde_json::{Value, json};

use crate::connect::Account;
use crate::members::{is_running, members};
use crate::pages::{each, items, text};
use crate::runtime::services;

/// Stops one task of a workload, as `aws ecs stop-task` does: its containers get their stop signal, and are killed after
/// their grace.
///
/// # Errors
/// `NotFound` when none of its tasks runs; what ECS answers.
///
/// Source: Amazon ECS API reference, `StopTask`.
pub(crate) async fn kill(account: &Account, scope: &Scope, workload: &str) -> Result<Killed> {
    for member in members(account, scope, Some(workload)).await? {
        let tasks = member.tasks(account).await?;
        let Some(arn) = tasks.iter().find(|task| is_running(task)).and_then(|task| text(task, "taskArn"))
        else {
            continue;
        };
        let request = json!({ "cluster": account.cluster(), "task": arn, "reason": "ended by rhumb" });
        account.call("ecs:StopTask", &request).await.map_err(|error| error.with("workload", workload))?;
        return Ok(Killed {
            id: crate::observe::last_segment(arn).to_owned(),
            name: member.task_name(arn),
            how: "the task was stopped with StopTask".to_owned(),
        });
    }
    let error = Error::new(ErrorKind::NotFound, "end a task", "none of its tasks runs");
    Err(error.with("workload", workload))
}

/// The load balancers that lead to a port of a workload.
///
/// # Errors
/// `NotFound` for a workload that the release does not have; what AWS answers.
pub(crate) async fn entrances(
    account: &Account,
    scope: &Scope,
    workload: &str,
    port: PortOf<'_>,
) -> Result<Vec<Entrance>> {
    let members = members(account, scope, Some(workload)).await?;
    let services = services(account, scope, &members).await?;
    let leads = |item: &&Value| item.get("containerPort").and_then(Value::as_u64) == Some(port.number.into());
    let groups: Vec<String> = services
        .iter()
        .flat_map(|(_, service)| items(service, "loadBalancers").filter(leads))
        .filter_map(|item| text(item, "targetGroupArn").map(ToOwned::to_owned))
        .collect();
    let found = each(groups, |group| async move { of_group(account, &group).await });
    Ok(found.await?.into_iter().flatten().collect())
}

/// The listeners whose default action leads to a target group. Where a rule of a host or path does, the way in has a
/// name that only DNS knows.
async fn of_group(account: &Account, group: &str) -> Result<Vec<Entrance>> {
    let answer = account.call("elbv2:DescribeTargetGroups", &json!({ "TargetGroupArns": [group] })).await?;
    let balancers: Vec<String> = items(&answer, "TargetGroups")
        .flat_map(|group| items(group, "LoadBalancerArns"))
        .filter_map(Value::as_str)
        .map(ToOwned::to_owned)
        .collect();
    let found = each(balancers, |balancer| async move {
        let named = json!({ "LoadBalancerArns": [balancer] });
        let described = account.call("elbv2:DescribeLoadBalancers", &named).await?;
        let host = items(&described, "LoadBalancers").find_map(|found| text(found, "DNSName"));
        let listeners = json!({ "LoadBalancerArn": balancer });
        let listeners = account.all("elbv2:DescribeListeners", &listeners, "Listeners").await?;
        let ports = listeners.iter().filter(|listener| leads_to(listener, group)).filter_map(port_of);
        Ok(ports
            .filter_map(|port| {
                let via = "the load balancer".to_owned();
                Some(Entrance { host: host?.to_owned(), port, via })
            })
            .collect::<Vec<_>>())
    });
    Ok(found.await?.into_iter().flatten().collect())
}

fn leads_to(listener: &Value, group: &str) -> bool {
    items(listener, "DefaultActions").any(|action| text(action, "TargetGroupArn") == Some(group))
}

fn port_of(listener: &Value) -> Option<u16> {
    listener.get("Port")?.as_u64()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_leads_where_its_default_action_does() {
        let listener =
            json!({ "Port": 80, "DefaultActions": [{ "Type": "forward", "TargetGroupArn": "g1" }] });
        assert!(leads_to(&listener, "g1") && !leads_to(&listener, "g2"));
        assert_eq!(port_of(&listener), Some(80));
        assert_eq!(port_of(&json!({ "Port": 70_000 })), None);
    }
}
