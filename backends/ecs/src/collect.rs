//! What runs in a cluster, read from AWS: services and schedules, their task definitions, and what belongs to them.

use std::collections::BTreeSet;

use rhumb_backend::{Error, ErrorKind, Gathered, ImportQuery, Result};
use rhumb_spec::Diagnostic;
use serde_json::{Value, json};

use crate::connect::Account;
use crate::gather;
use crate::marks::Tags;
use crate::observe::{describe_services, last_segment};
use crate::pages::{each, items, text};

/// What there is in a cluster, each as its service of AWS describes it.
#[derive(Debug, Default)]
pub(crate) struct There {
    /// Services that were asked for.
    pub(crate) services: Vec<Value>,
    /// Services of the cluster that were not.
    pub(crate) others: Vec<Value>,
    /// Schedules that run tasks in the cluster.
    pub(crate) schedules: Vec<Value>,
    /// What services and schedules run: answers, with the tags beside the definition.
    pub(crate) definitions: Vec<Value>,
    /// Target groups of the services.
    pub(crate) groups: Vec<Value>,
    /// Listeners and rules of the load balancers that those groups are behind.
    pub(crate) ways: Vec<Value>,
    /// The names of the services in Cloud Map.
    pub(crate) registries: Vec<Value>,
    /// Scalable targets of the services, and their policies.
    pub(crate) scaling: Vec<Value>,
    /// What could not be read.
    pub(crate) notes: Vec<Diagnostic>,
}

/// Reads the services of the target's cluster, and the schedules that run tasks in it. What cannot be read beside them is
/// told.
///
/// # Errors
/// As [`read`].
pub(crate) async fn collect(account: &Account, query: &ImportQuery) -> Result<Gathered> {
    let There { services, schedules, definitions, groups, ways, registries, scaling, notes, .. } =
        read(account, query).await?;
    let documents = [groups, ways, registries, scaling, services, schedules, definitions].concat();
    let mut found = gather::gather(&documents);
    found.origins.clear();
    found.notes.extend(notes);
    Ok(found)
}

/// Reads what [`collect`] makes objects of.
///
/// # Errors
/// What ECS answers; `Invalid` for a selector that is none; `NotFound` for a service that the cluster does not have.
pub(crate) async fn read(account: &Account, query: &ImportQuery) -> Result<There> {
    let selector = Selector::read(query.selector.as_deref().unwrap_or_default())?;
    let cluster = json!({ "cluster": account.cluster(), "maxResults": 100 });
    let arns = account.all("ecs:ListServices", &cluster, "serviceArns").await?;
    let names: Vec<String> = arns.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let mut active = describe_services(account, &names).await?;
    active.retain(|service| text(service, "status") == Some("ACTIVE"));
    let is_named = |service: &Value| {
        query.services.is_empty()
            || text(service, "serviceName").is_some_and(|name| query.services.iter().any(|one| one == name))
    };
    let (services, others): (Vec<Value>, Vec<Value>) =
        active.into_iter().partition(|service| is_named(service) && selector.takes(service));
    require_named(query, &services)?;
    let mut there = There { services, others, ..There::default() };
    let mut read = Beside { account, there: &mut there };
    if selector.0.is_empty() && query.services.is_empty() {
        read.schedules().await?;
    }
    read.balancers().await?;
    read.discovery().await?;
    read.scaling().await?;
    there.definitions = definitions(account, &there.services, &there.schedules).await?;
    Ok(there)
}

fn require_named(query: &ImportQuery, services: &[Value]) -> Result<()> {
    let is_there = |name: &&String| services.iter().any(|service| text(service, "serviceName") == Some(name));
    match query.services.iter().find(|name| !is_there(name)) {
        None => Ok(()),
        Some(name) => {
            let message = format!("the cluster has no service {name} that is meant");
            let error = Error::new(ErrorKind::NotFound, "find the service", message);
            Err(error.remedy("one of those that `aws ecs list-services` names"))
        }
    }
}

/// The task definitions that services and schedules run, each once, with their tags.
async fn definitions(account: &Account, services: &[Value], schedules: &[Value]) -> Result<Vec<Value>> {
    let of_services = services.iter().filter_map(|service| text(service, "taskDefinition"));
    let of_schedules = schedules
        .iter()
        .filter_map(|schedule| schedule.pointer("/Target/EcsParameters/TaskDefinitionArn")?.as_str());
    let arns: BTreeSet<&str> = of_services.chain(of_schedules).collect();
    each(arns, |arn| async move {
        let body = json!({ "taskDefinition": arn, "include": ["TAGS"] });
        account.call("ecs:DescribeTaskDefinition", &body).await
    })
    .await
}

/// What belongs to services, and is read of other services of AWS.
struct Beside<'a> {
    account: &'a Account,
    there: &'a mut There,
}

impl Beside<'_> {
    /// The schedules that run tasks in the cluster.
    async fn schedules(&mut self) -> Result<()> {
        let read = schedules(self.account).await;
        self.there.schedules =
            self.answered(read, "schedules", "scheduler:ListSchedules and GetSchedule")?.unwrap_or_default();
        Ok(())
    }

    /// The target groups of services, and the listeners and rules that lead to them.
    async fn balancers(&mut self) -> Result<()> {
        let account = self.account;
        let arns: BTreeSet<String> = self
            .there
            .services
            .iter()
            .flat_map(|service| items(service, "loadBalancers"))
            .filter_map(|item| Some(text(item, "targetGroupArn")?.to_owned()))
            .collect();
        if arns.is_empty() {
            return Ok(());
        }
        let chunks: Vec<String> = arns.iter().cloned().collect();
        let groups = each(chunks.chunks(20), |arns| async move {
            account
                .all("elbv2:DescribeTargetGroups", &json!({ "TargetGroupArns": arns }), "TargetGroups")
                .await
        });
        let groups = groups.await;
        let Some(groups) =
            self.answered(groups, "target groups", "elasticloadbalancing:DescribeTargetGroups")?
        else {
            return Ok(());
        };
        let groups: Vec<Value> = groups.into_iter().flatten().collect();
        let balancers: BTreeSet<String> = groups
            .iter()
            .flat_map(|group| items(group, "LoadBalancerArns"))
            .filter_map(|arn| arn.as_str().map(str::to_owned))
            .collect();
        self.there.groups = groups;
        let ways = each(balancers, |balancer| ways(account, balancer)).await;
        let ways = self.answered(ways, "listeners", "elasticloadbalancing:DescribeListeners")?;
        let leads = |way: &Value| arns.iter().any(|arn| way.to_string().contains(arn.as_str()));
        let is_listener = |way: &Value| way.get("DefaultActions").is_some();
        let ways = ways.unwrap_or_default().into_iter().flatten();
        self.there.ways = ways.filter(|way| leads(way) || is_listener(way)).collect();
        Ok(())
    }

    /// The services of Cloud Map that services are registered in.
    async fn discovery(&mut self) -> Result<()> {
        let account = self.account;
        let ids: BTreeSet<&str> = self
            .there
            .services
            .iter()
            .flat_map(|service| items(service, "serviceRegistries"))
            .filter_map(|item| text(item, "registryArn").map(last_segment))
            .collect();
        let read = each(ids, |id| async move {
            let answer = account.call("servicediscovery:GetService", &json!({ "Id": id })).await?;
            Ok(answer.get("Service").cloned().unwrap_or_default())
        });
        let read = read.await;
        let read = self.answered(read, "names in Cloud Map", "servicediscovery:GetService")?;
        self.there.registries = read.into_iter().flatten().filter(Value::is_object).collect();
        Ok(())
    }

    /// The scalable targets of services, and their policies.
    async fn scaling(&mut self) -> Result<()> {
        let account = self.account;
        let cluster = last_segment(account.cluster()).to_owned();
        let of = |service: &Value| Some(format!("service/{cluster}/{}", text(service, "serviceName")?));
        let resources: BTreeSet<String> = self.there.services.iter().filter_map(of).collect();
        if resources.is_empty() {
            return Ok(());
        }
        let asked = json!({ "ServiceNamespace": "ecs" });
        for (operation, list) in [
            ("application-autoscaling:DescribeScalableTargets", "ScalableTargets"),
            ("application-autoscaling:DescribeScalingPolicies", "ScalingPolicies"),
        ] {
            let read = account.all(operation, &asked, list).await;
            let read = self.answered(read, "scaling", operation)?.unwrap_or_default();
            let is_of = |item: &Value| text(item, "ResourceId").is_some_and(|id| resources.contains(id));
            self.there.scaling.extend(read.into_iter().filter(is_of));
        }
        Ok(())
    }

    /// What may not be read, or is not there, is told; any other failure ends the work.
    fn answered<T>(&mut self, answer: Result<T>, what: &str, right: &str) -> Result<Option<T>> {
        match answer {
            Ok(found) => Ok(Some(found)),
            Err(Error {
                kind: ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::Unsupported,
                message,
                ..
            }) => {
                let note = Diagnostic::warning("", format!("{what} are not imported"));
                self.there.notes.push(note.why(message).remedy(format!("credentials that allow {right}")));
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// The schedules that run tasks in the target's cluster.
///
/// # Errors
/// What EventBridge Scheduler answers.
pub(crate) async fn schedules(account: &Account) -> Result<Vec<Value>> {
    let listed = account.all("scheduler:ListSchedules", &json!({ "MaxResults": 100 }), "Schedules").await?;
    let cluster = last_segment(account.cluster()).to_owned();
    let is_here = |listed: &&Value| {
        let arn = listed.pointer("/Target/Arn").and_then(Value::as_str).unwrap_or_default();
        arn.contains(":ecs:") && last_segment(arn) == cluster
    };
    each(listed.iter().filter(is_here), |listed| async move {
        let body = json!({ "Name": text(listed, "Name"), "GroupName": text(listed, "GroupName") });
        account.call("scheduler:GetSchedule", &body).await
    })
    .await
}

/// The listeners of a load balancer, and the rules of those that have some.
async fn ways(account: &Account, balancer: String) -> Result<Vec<Value>> {
    let asked = json!({ "LoadBalancerArn": balancer });
    let mut found = account.all("elbv2:DescribeListeners", &asked, "Listeners").await?;
    let is_http = |listener: &&Value| text(listener, "Protocol").is_some_and(|it| it.starts_with("HTTP"));
    let arns: Vec<String> =
        found.iter().filter(is_http).filter_map(|it| Some(text(it, "ListenerArn")?.to_owned())).collect();
    for listener in arns {
        let rules = account.all("elbv2:DescribeRules", &json!({ "ListenerArn": listener }), "Rules").await?;
        found.extend(rules.into_iter().filter(|rule| rule.get("IsDefault") != Some(&Value::Bool(true))));
    }
    Ok(found)
}

/// Which tags something must bear, or must not.
#[derive(Debug, Default, PartialEq, Eq)]
struct Selector(Vec<(String, String, Wants)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    Equal,
    Other,
}

impl Selector {
    /// `team=web,stage!=test`.
    fn read(text: &str) -> Result<Self> {
        let part = |part: &str| {
            let (key, value, wants) = if let Some((key, value)) = part.split_once("!=") {
                (key, value, Wants::Other)
            } else {
                let (key, value) = part.split_once('=')?;
                (key, value.trim_start_matches('='), Wants::Equal)
            };
            let (key, value) = (key.trim(), value.trim());
            (!key.is_empty()).then(|| (key.to_owned(), value.to_owned(), wants))
        };
        let parts = text.split(',').filter(|text| !text.trim().is_empty());
        let found: Option<Vec<_>> = parts.map(part).collect();
        found.map(Self).ok_or_else(|| {
            let message = format!("`{text}` is no selector; write tags as in `team=web,stage!=test`");
            Error::new(ErrorKind::Invalid, "read the selector", message)
        })
    }

    fn takes(&self, service: &Value) -> bool {
        let tags = Tags::of(service);
        self.0
            .iter()
            .all(|(key, value, wants)| (tags.get(key) == Some(value.as_str())) == (*wants == Wants::Equal))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_of_tags() {
        let service =
            json!({ "tags": [{ "key": "team", "value": "web" }, { "key": "stage", "value": "prod" }] });
        let takes = |text: &str| Selector::read(text).unwrap().takes(&service);
        assert!(takes("") && takes("team=web") && takes("team==web, stage!=test") && takes("other!=x"));
        assert!(!takes("team=db") && !takes("stage!=prod") && !takes("other=x"));
        assert_eq!(Selector::read("team").unwrap_err().kind, ErrorKind::Invalid);
    }
}
