//! Load balancers, their listeners and rules.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{ErrorKind, Result, Scope};
use serde_json::{Value, json};

use super::missing;
use crate::connect::{Account, Settings};
use crate::facts::{Listener, LoadBalancer};
use crate::marks::Tags;
use crate::names;
use crate::observe::tags_of;

/// The most ARNs in one call. Source: Elastic Load Balancing API reference, `DescribeTags`.
const BATCH: usize = 20;

/// A load balancer with what lowering must know of it.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) facts: LoadBalancer,
    pub(super) vpc: Option<String>,
}

/// Which of the target's load balancers is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Balancer {
    /// The one that routes go to.
    Application,
    /// The one that `expose: loadbalancer` goes to.
    Network,
}

impl Balancer {
    /// Its type in AWS's words.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Network => "network",
        }
    }

    /// The setting that names it.
    pub(super) const fn setting(self) -> &'static str {
        match self {
            Self::Application => "loadBalancer",
            Self::Network => "networkLoadBalancer",
        }
    }

    /// What the target says.
    pub(super) fn named(self, settings: &Settings) -> Option<&str> {
        match self {
            Self::Application => settings.load_balancer.as_deref(),
            Self::Network => settings.network_load_balancer.as_deref(),
        }
    }

    /// The command that makes one.
    pub(super) fn creation(self, name: &str) -> String {
        let kind = self.kind();
        format!("`aws elbv2 create-load-balancer --type {kind} --name {name} --subnets subnet-… subnet-…`")
    }
}

/// The load balancer that the target names, with its listeners, and the priorities of rules that are not the release's
/// own; none where it names none.
///
/// # Errors
/// `Invalid` when there is none of this name; what Elastic Load Balancing answers.
pub(super) async fn look(account: &Account, scope: &Scope, which: Balancer) -> Result<Option<Found>> {
    let Some(named) = which.named(account.settings()) else { return Ok(None) };
    let Some(balancer) = find(account, named).await? else {
        return Err(missing(which.setting(), named, which.creation(named)));
    };
    let text = |field: &str| balancer[field].as_str().map(str::to_owned);
    let arn = text("LoadBalancerArn").unwrap_or_default();
    let has_rules = balancer["Type"] == "application";
    let documents = listeners(account, &arn).await?;
    let arns: Vec<String> =
        documents.iter().filter_map(|found| found["ListenerArn"].as_str()).map(str::to_owned).collect();
    let marks = marks(account, &arns).await?;
    let mut listeners = BTreeMap::new();
    for document in &documents {
        let (port, mut listener) = listener(document);
        if has_rules {
            (listener.priorities, listener.own) = priorities(account, scope, &listener.arn).await?;
        }
        listener.release = marks.get(&listener.arn).cloned();
        listeners.insert(port, listener);
    }
    let facts = LoadBalancer { dns_name: text("DNSName").unwrap_or_default(), listeners, arn };
    Ok(Some(Found { facts, vpc: text("VpcId") }))
}

/// A load balancer by its name or ARN; none when the account has none.
///
/// Source: Elastic Load Balancing API reference, `DescribeLoadBalancers`.
pub(super) async fn find(account: &Account, named: &str) -> Result<Option<Value>> {
    let field = if named.starts_with("arn:") { "LoadBalancerArns" } else { "Names" };
    let answer = account.find("elbv2:DescribeLoadBalancers", &json!({ field: [named] })).await?;
    Ok(answer.and_then(|answer| answer.pointer("/LoadBalancers/0").cloned()))
}

/// The listeners of a load balancer.
pub(super) async fn listeners(account: &Account, arn: &str) -> Result<Vec<Value>> {
    account.all("elbv2:DescribeListeners", &json!({ "LoadBalancerArn": arn }), "Listeners").await
}

/// A listener as it is listed, with its port.
fn listener(document: &Value) -> (u16, Listener) {
    let text = |field: &str| document[field].as_str().unwrap_or_default().to_owned();
    let port = document["Port"].as_u64().and_then(|port| u16::try_from(port).ok()).unwrap_or_default();
    (port, Listener { arn: text("ListenerArn"), protocol: text("Protocol"), ..Listener::default() })
}

/// The priorities of a listener's rules: those that are not the release's own, and its own by what they are in it.
async fn priorities(
    account: &Account,
    scope: &Scope,
    listener: &str,
) -> Result<(Vec<u32>, BTreeMap<String, u32>)> {
    let request = json!({ "ListenerArn": listener });
    let rules = match account.all("elbv2:DescribeRules", &request, "Rules").await {
        // It went away since it was listed.
        Err(error) if error.kind == ErrorKind::NotFound => Vec::new(),
        other => other?,
    };
    let tags = tags_of(account, &rules, "RuleArn").await?;
    let (mut foreign, mut own) = (BTreeSet::new(), BTreeMap::new());
    for rule in &rules {
        let number = rule["Priority"].as_u64().and_then(|priority| u32::try_from(priority).ok());
        let (Some(arn), Some(number)) = (rule["RuleArn"].as_str(), number) else { continue };
        let tags = tags.get(arn).filter(|tags| tags.are_of(scope));
        match tags.and_then(|tags| tags.get(names::OBJECT)) {
            Some(object) => drop(own.insert(object.to_owned(), number)),
            None => drop(foreign.insert(number)),
        }
    }
    Ok((foreign.into_iter().collect(), own))
}

/// Whose listeners and rules are, as `<namespace>/<release>`, by ARN. What bears no mark is left out.
///
/// Source: Elastic Load Balancing API reference, `DescribeTags`.
async fn marks(account: &Account, arns: &[String]) -> Result<BTreeMap<String, String>> {
    let mut marks = BTreeMap::new();
    for batch in arns.chunks(BATCH) {
        let Some(answer) = account.find("elbv2:DescribeTags", &json!({ "ResourceArns": batch })).await?
        else {
            continue;
        };
        for described in answer["TagDescriptions"].as_array().into_iter().flatten() {
            let arn = described["ResourceArn"].as_str();
            let tags = Tags::of(described);
            let mark = tags.get(names::NAMESPACE).zip(tags.get(names::RELEASE));
            if let (Some(arn), Some((namespace, release))) = (arn, mark) {
                marks.insert(arn.to_owned(), format!("{namespace}/{release}"));
            }
        }
    }
    Ok(marks)
}
