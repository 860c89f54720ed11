//! Checking each setting of a target against the account.

use std::collections::BTreeSet;

use rhumb_backend::{Error, ErrorKind, Finding, Result};
use serde_json::{Value, json};

use super::balancer::{self, Balancer};
use super::network::{self, SUBNETS, texts, vpcs};
use super::role::{self, Purpose};
use super::{cluster, has_addresses, namespace};
use crate::connect::{Account, LaunchType, Settings};

/// How many days logs may be kept. Source: CloudWatch Logs API reference, `PutRetentionPolicy`.
const RETENTION: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// Verifies every setting of the target: that each thing it names is there, and fits the others. What is missing is told
/// with the command that makes it.
///
/// # Errors
/// When AWS cannot be asked at all: `Unreachable`, `Unauthenticated`, `Timeout`; `Invalid` when the region or the profile
/// cannot be used.
pub(crate) async fn verify(account: &Account) -> Result<Vec<Finding>> {
    let identity = account.identity().await?;
    let mut findings = vec![
        Finding::good("credentials", format!("{} (profile {})", identity.arn, account.profile().await?)),
        Finding::good("region", account.region().await?).bears_on_measurements(),
    ];
    findings.extend(told("cluster", of_cluster(account).await)?);
    let mut vpc = None;
    let subnets = of_subnets(account, &mut vpc).await;
    findings.extend(told("subnets", subnets)?);
    let vpc = vpc.as_deref();
    findings.extend(told("securityGroups", of_security_groups(account, vpc).await)?);
    findings.extend(roles(account).await?);
    for which in [Balancer::Application, Balancer::Network] {
        findings.extend(told(which.setting(), of_balancer(account, which, vpc).await)?);
    }
    findings.extend(told("discoveryNamespace", of_namespace(account).await)?);
    findings.extend(told("fileSystem", of_file_system(account, vpc).await)?);
    findings.extend(of_retention(account.settings()));
    Ok(findings)
}

/// Findings, also where one could not be had: a setting that cannot be looked at is a finding, and AWS that cannot be asked
/// is an error.
fn told(what: &str, found: Result<Vec<Finding>>) -> Result<Vec<Finding>> {
    match found {
        Err(error) if ends_all(&error) => Err(error),
        Err(error) => {
            let finding = Finding::bad(what, error.to_string());
            Ok(vec![Finding { remedy: error.remedy, ..finding }])
        }
        found => found,
    }
}

fn ends_all(error: &Error) -> bool {
    matches!(
        error.kind,
        ErrorKind::Unreachable | ErrorKind::Unauthenticated | ErrorKind::Timeout | ErrorKind::RateLimited
    )
}

async fn of_cluster(account: &Account) -> Result<Vec<Finding>> {
    let settings = account.settings();
    let Some(found) = cluster::look(account).await? else {
        let finding = Finding::bad("cluster", format!("there is no cluster {}", account.cluster()));
        return Ok(vec![finding.remedy(cluster::creation(account.cluster()))]);
    };
    let mut findings = vec![if found.status == "ACTIVE" {
        Finding::good("cluster", format!("{} is active", found.name))
            .measured_on("capacity", capacity(settings, found.instances))
    } else {
        Finding::bad("cluster", format!("{} is {}", found.name, found.status.to_lowercase()))
            .remedy("wait until it is active, or another `cluster`")
    }];
    let name = &found.name;
    for provider in settings.capacity_providers.keys() {
        findings.push(if found.capacity_providers.contains(provider) {
            Finding::good("capacityProviders", format!("{provider} is the cluster's"))
        } else {
            Finding::bad("capacityProviders", format!("the cluster does not have {provider}")).remedy(format!(
                "`aws ecs put-cluster-capacity-providers --cluster {name} --capacity-providers {provider} … \
                 --default-capacity-provider-strategy []`"
            ))
        });
    }
    findings.extend(mixed(settings));
    if settings.capacity_providers.is_empty() && settings.launch_type == LaunchType::Ec2 {
        findings.push(match found.instances {
            0 => Finding::bad("launchType", "EC2, and the cluster has no container instances").remedy(
                format!("start machines with the ECS agent and ECS_CLUSTER={name}, or `launchType: FARGATE`"),
            ),
            count => Finding::good("launchType", format!("EC2, on {count} container instance(s)")),
        });
    }
    Ok(findings)
}

/// What tasks run on.
fn capacity(settings: &Settings, instances: u32) -> String {
    if !settings.capacity_providers.is_empty() {
        let names: Vec<&str> = settings.capacity_providers.keys().map(String::as_str).collect();
        return names.join(" and ");
    }
    match settings.launch_type {
        LaunchType::Fargate => "Fargate".to_owned(),
        LaunchType::Ec2 => format!("{instances} container instance(s)"),
    }
}

/// Source: Amazon ECS API reference, `CapacityProviderStrategyItem`: a strategy has either kind, and not both.
fn mixed(settings: &Settings) -> Option<Finding> {
    let mut kinds = settings.capacity_providers.keys().map(|name| name.starts_with("FARGATE"));
    let first = kinds.next()?;
    let is_mixed = kinds.any(|kind| kind != first);
    is_mixed.then(|| {
        Finding::bad("capacityProviders", "one strategy cannot have both Fargate's and the account's own")
            .remedy("those of one kind, and another target for the other")
    })
}

async fn of_subnets(account: &Account, vpc: &mut Option<String>) -> Result<Vec<Finding>> {
    let settings = account.settings();
    let wanted = &settings.subnets;
    if wanted.is_empty() && !has_addresses(settings) {
        return Ok(Vec::new());
    }
    let found = network::subnets(account, wanted).await?;
    let there = texts(&found, "SubnetId");
    if wanted.is_empty() {
        *vpc = vpcs(&found).into_iter().next();
        return Ok(vec![if there.is_empty() {
            Finding::bad("subnets", "none are set, and the account has no default network in the region")
                .remedy(SUBNETS)
        } else {
            let text =
                format!("those of the default network: {}; tasks get public addresses", there.join(", "));
            Finding::good("subnets", text)
        }]);
    }
    let absent: Vec<&str> = wanted.iter().filter(|id| !there.contains(id)).map(String::as_str).collect();
    if !absent.is_empty() {
        return Ok(vec![
            Finding::bad("subnets", format!("not there: {}", absent.join(", "))).remedy(SUBNETS),
        ]);
    }
    let networks: Vec<String> = vpcs(&found).into_iter().collect();
    *vpc = networks.first().cloned();
    Ok(vec![match networks.as_slice() {
        [network] => Finding::good("subnets", format!("{} in {network}", wanted.join(", "))),
        several => Finding::bad("subnets", format!("they are in several networks: {}", several.join(", ")))
            .remedy("subnets of one network (VpcId)"),
    }])
}

async fn of_security_groups(account: &Account, vpc: Option<&str>) -> Result<Vec<Finding>> {
    let wanted = &account.settings().security_groups;
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let found = network::security_groups(account, wanted).await?;
    let there = texts(&found, "GroupId");
    let of = |vpc: &str| {
        format!("`aws ec2 describe-security-groups --filters Name=vpc-id,Values={vpc}` lists those there are")
    };
    let remedy = of(vpc.unwrap_or("vpc-…"));
    let absent: Vec<&str> = wanted.iter().filter(|id| !there.contains(id)).map(String::as_str).collect();
    if !absent.is_empty() {
        let text = format!("not there: {}", absent.join(", "));
        return Ok(vec![Finding::bad("securityGroups", text).remedy(remedy)]);
    }
    let elsewhere = found.iter().find(|group| vpc.is_some_and(|vpc| group["VpcId"] != vpc));
    Ok(vec![match elsewhere {
        Some(group) => {
            let text = |field: &str| group[field].as_str().unwrap_or_default();
            let text = format!("{} is in {}, and the subnets are not", text("GroupId"), text("VpcId"));
            Finding::bad("securityGroups", text).remedy(remedy)
        }
        None => Finding::good("securityGroups", wanted.join(", ")),
    }])
}

async fn roles(account: &Account) -> Result<Vec<Finding>> {
    let settings = account.settings();
    let purposes = [
        (&role::EXECUTION, &settings.execution_role),
        (&role::TASK, &settings.task_role),
        (&role::SCHEDULER, &settings.scheduler_role),
        (&role::INFRASTRUCTURE, &settings.infrastructure_role),
    ];
    let mut findings = Vec::new();
    for (purpose, named) in purposes {
        findings.extend(of_role(account, purpose, named.as_deref()).await?);
    }
    Ok(findings)
}

async fn of_role(account: &Account, purpose: &Purpose, named: Option<&str>) -> Result<Option<Finding>> {
    let Some(name) = named.or(purpose.usual) else { return Ok(None) };
    let what = purpose.setting;
    let trusted = purpose.trusted;
    Ok(Some(match role::look(account, name).await {
        Ok(Some(role)) if role.trusts(trusted) => {
            Finding::good(what, format!("{} trusts {trusted}", role.arn))
        }
        Ok(Some(role)) => {
            Finding::bad(what, format!("{} does not trust {trusted}", role.arn)).remedy(format!(
                "`aws iam update-assume-role-policy --role-name {name} --policy-document …` with {trusted}"
            ))
        }
        Ok(None) if named.is_none() => {
            Finding::bad(what, "none is set, and tasks need one to write logs and read secrets")
                .remedy(format!("{}, or `{what}` in the target's settings", purpose.creation(name)))
        }
        Ok(None) => Finding::bad(what, format!("there is no role {name}")).remedy(purpose.creation(name)),
        Err(error) if ends_all(&error) => return Err(error),
        // Whoever deploys need not have the right to look at roles.
        Err(error) if error.kind == ErrorKind::Forbidden => {
            Finding::good(what, format!("{name} (not looked at: it needs the right `iam:GetRole`)"))
        }
        Err(error) => Finding { remedy: error.remedy.clone(), ..Finding::bad(what, error.to_string()) },
    }))
}

async fn of_balancer(account: &Account, which: Balancer, vpc: Option<&str>) -> Result<Vec<Finding>> {
    let Some(named) = which.named(account.settings()) else { return Ok(Vec::new()) };
    let what = which.setting();
    let Some(found) = balancer::find(account, named).await? else {
        let finding = Finding::bad(what, format!("there is no load balancer {named}"));
        return Ok(vec![finding.remedy(which.creation(named))]);
    };
    let text = |field: &str| found[field].as_str().unwrap_or_default();
    if text("Type") != which.kind() {
        let finding =
            Finding::bad(what, format!("{named} is of type {}, not {}", text("Type"), which.kind()));
        return Ok(vec![finding.remedy(which.creation("…"))]);
    }
    if let Some(vpc) = vpc.filter(|vpc| text("VpcId") != *vpc) {
        let finding =
            Finding::bad(what, format!("{named} is in {}, and the tasks are in {vpc}", text("VpcId")));
        return Ok(vec![finding.remedy("a load balancer in the network of the subnets")]);
    }
    let listeners = balancer::listeners(account, text("LoadBalancerArn")).await?;
    let ports: Vec<String> =
        listeners.iter().map(|found| format!("{}/{}", text_of(found, "Protocol"), found["Port"])).collect();
    // On a network load balancer each exposed port gets a listener of its own.
    Ok(vec![if ports.is_empty() && which == Balancer::Application {
        Finding::bad(what, format!("{named} has no listener for routes")).remedy(format!(
            "`aws elbv2 create-listener --load-balancer-arn {} --protocol HTTP --port 80 --default-actions \
             'Type=fixed-response,FixedResponseConfig={{StatusCode=404}}'`",
            text("LoadBalancerArn")
        ))
    } else if ports.is_empty() {
        Finding::good(what, text("DNSName"))
    } else {
        Finding::good(what, format!("{} with {}", text("DNSName"), ports.join(", ")))
    }])
}

async fn of_namespace(account: &Account) -> Result<Vec<Finding>> {
    let Some(wanted) = account.settings().discovery_namespace.as_deref() else { return Ok(Vec::new()) };
    let what = "discoveryNamespace";
    let Some(found) = namespace::find(account, wanted).await? else {
        let finding = Finding::bad(what, format!("there is no namespace {wanted}"));
        return Ok(vec![finding.remedy(namespace::creation(wanted))]);
    };
    let (name, kind) = (text_of(&found, "Name"), text_of(&found, "Type"));
    Ok(vec![if kind == "DNS_PRIVATE" {
        Finding::good(what, format!("{name} ({})", text_of(&found, "Id")))
    } else {
        Finding::bad(what, format!("{name} is {kind}, in which nothing is resolved inside the network"))
            .remedy(namespace::creation(name))
    }])
}

/// Source: Amazon EFS API reference, `DescribeFileSystems` and `DescribeMountTargets`.
async fn of_file_system(account: &Account, vpc: Option<&str>) -> Result<Vec<Finding>> {
    let Some(wanted) = account.settings().file_system.as_deref() else { return Ok(Vec::new()) };
    let what = "fileSystem";
    let request = json!({ "FileSystemId": wanted });
    let Some(answer) = account.find("efs:DescribeFileSystems", &request).await? else {
        let finding = Finding::bad(what, format!("there is no file system {wanted}"));
        return Ok(vec![
            finding.remedy("`aws efs create-file-system --encrypted`, then a mount target in each subnet"),
        ]);
    };
    let state = answer.pointer("/FileSystems/0/LifeCycleState").and_then(Value::as_str).unwrap_or_default();
    if state != "available" {
        let finding = Finding::bad(what, format!("{wanted} is {state}"));
        return Ok(vec![finding.remedy("wait until it is available")]);
    }
    let targets = account.call("efs:DescribeMountTargets", &request).await?;
    let targets = targets["MountTargets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let reached: BTreeSet<&str> = targets
        .iter()
        .filter(|target| vpc.is_none_or(|vpc| target["VpcId"] == vpc))
        .filter_map(|target| target["AvailabilityZoneName"].as_str())
        .collect();
    Ok(vec![if reached.is_empty() {
        Finding::bad(what, format!("{wanted} has no mount target in the network of the tasks")).remedy(
            format!(
                "`aws efs create-mount-target --file-system-id {wanted} --subnet-id subnet-…` for each zone"
            ),
        )
    } else {
        let zones: Vec<&str> = reached.into_iter().collect();
        Finding::good(what, format!("{wanted}, reached in {}", zones.join(", ")))
    }])
}

fn of_retention(settings: &Settings) -> Option<Finding> {
    let days = settings.log_retention_days?;
    Some(if RETENTION.contains(&days) {
        Finding::good("logRetentionDays", days.to_string())
    } else {
        let allowed: Vec<String> = RETENTION.iter().map(ToString::to_string).collect();
        Finding::bad("logRetentionDays", format!("CloudWatch Logs keeps nothing for {days} days"))
            .remedy(format!("one of {}", allowed.join(", ")))
    })
}

fn text_of<'a>(found: &'a Value, field: &str) -> &'a str {
    found[field].as_str().unwrap_or_default()
}
