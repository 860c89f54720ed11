//! Roles.

use rhumb_backend::{ErrorKind, Result};
use serde_json::{Value, json};

use super::missing;
use crate::connect::Account;

/// What a role is for.
#[derive(Debug)]
pub(super) struct Purpose {
    /// The setting that names it.
    pub(super) setting: &'static str,
    /// The name that AWS's own guides give it, which is looked for where the target names none.
    pub(super) usual: Option<&'static str>,
    /// The service that must be allowed to take it.
    pub(super) trusted: &'static str,
    /// The policy of AWS's that gives what is needed, where there is one.
    pub(super) policy: Option<&'static str>,
}

/// Source: Amazon ECS developer guide, "Amazon ECS task execution IAM role".
pub(super) const EXECUTION: Purpose = Purpose {
    setting: "executionRole",
    usual: Some("ecsTaskExecutionRole"),
    trusted: "ecs-tasks.amazonaws.com",
    policy: Some("service-role/AmazonECSTaskExecutionRolePolicy"),
};
/// Source: Amazon ECS developer guide, "Amazon ECS task IAM role".
pub(super) const TASK: Purpose =
    Purpose { setting: "taskRole", usual: None, trusted: "ecs-tasks.amazonaws.com", policy: None };
/// Source: EventBridge Scheduler user guide, "Setting up the execution role".
pub(super) const SCHEDULER: Purpose = Purpose {
    setting: "schedulerRole",
    usual: None,
    trusted: "scheduler.amazonaws.com",
    policy: Some("service-role/AmazonEC2ContainerServiceEventsRole"),
};
/// Source: Amazon ECS developer guide, "Amazon ECS infrastructure IAM role".
pub(super) const INFRASTRUCTURE: Purpose = Purpose {
    setting: "infrastructureRole",
    usual: None,
    trusted: "ecs.amazonaws.com",
    policy: Some("service-role/AmazonECSInfrastructureRolePolicyForVolumes"),
};

impl Purpose {
    /// The commands that make such a role.
    pub(super) fn creation(&self, name: &str) -> String {
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": self.trusted },
                "Action": "sts:AssumeRole",
            }],
        });
        let made =
            format!("`aws iam create-role --role-name {name} --assume-role-policy-document '{trust}'`");
        match self.policy {
            Some(policy) => format!(
                "{made}, then `aws iam attach-role-policy --role-name {name} --policy-arn \
                 arn:aws:iam::aws:policy/{policy}`"
            ),
            None => format!("{made}, then policies with what the app may do"),
        }
    }
}

/// A role as it was found.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) arn: String,
    /// Who may take it.
    trust: Value,
}

impl Role {
    #[cfg(test)]
    pub(super) fn of_test(trust: Value) -> Self {
        Self { arn: String::new(), trust }
    }

    /// Whether a service may take it, as far as its policy names services.
    pub(super) fn trusts(&self, service: &str) -> bool {
        let statements = match &self.trust["Statement"] {
            Value::Array(statements) => statements.iter().collect(),
            one => vec![one],
        };
        statements.into_iter().any(|statement| {
            let principal = &statement["Principal"];
            let services = match &principal["Service"] {
                Value::Array(services) => services.iter().collect(),
                one => vec![one],
            };
            statement["Effect"] == "Allow"
                && (*principal == "*" || services.into_iter().any(|is| *is == service))
        })
    }
}

/// The role of this name or ARN; none when the account has none.
///
/// # Errors
/// `Forbidden` where the caller may not look at roles; what IAM answers.
///
/// Source: IAM API reference, `GetRole`: the policy is URL-encoded JSON.
pub(super) async fn look(account: &Account, named: &str) -> Result<Option<Role>> {
    let name = named.rsplit('/').next().unwrap_or(named);
    let Some(answer) = account.find("iam:GetRole", &json!({ "RoleName": name })).await? else {
        return Ok(None);
    };
    let role = &answer["Role"];
    let encoded = role["AssumeRolePolicyDocument"].as_str().unwrap_or_default();
    // A plus sign is itself in such a text, where a form would have it for a space.
    let encoded = format!("policy={}", encoded.replace('+', "%2B"));
    let text = form_urlencoded::parse(encoded.as_bytes()).next().map(|(_, text)| text.into_owned());
    let trust = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    Ok(Some(Role { arn: role["Arn"].as_str().unwrap_or_default().to_owned(), trust }))
}

/// The ARN of a role of the target, or of the one that AWS's guides have where the target names none. A caller who may
/// not look at roles gets the ARN that the name would have.
///
/// # Errors
/// `Invalid` when the target names a role that is not there; what IAM answers.
pub(super) async fn arn(account: &Account, purpose: &Purpose, named: Option<&str>) -> Result<Option<String>> {
    let Some(name) = named.or(purpose.usual) else { return Ok(None) };
    if name.starts_with("arn:") {
        return Ok(Some(name.to_owned()));
    }
    match look(account, name).await {
        Ok(Some(role)) => Ok(Some(role.arn)),
        Ok(None) if named.is_none() => Ok(None),
        Ok(None) => Err(missing(purpose.setting, name, purpose.creation(name))),
        Err(error) if error.kind == ErrorKind::Forbidden => {
            let identity = account.identity().await?;
            Ok(Some(format!("arn:{}:iam::{}:role/{name}", identity.partition, identity.account)))
        }
        Err(error) => Err(error),
    }
}
