//! Making things anew that cannot be changed.

use rhumb_backend::{ErrorKind, Receipt, Result};
use serde_json::{Value, json};

use super::{Work, requests};
use crate::kind::Kind;
use crate::observe::{all_listeners, describe_services, last_segment};
use crate::pages::{items, text};

impl Work<'_> {
    /// Removes what was there when the plan was made, and makes it anew. A repeated attempt tells the old from the new by
    /// its native, or where that stays the same by when it was made.
    pub(super) async fn replace(&self) -> Result<Receipt> {
        let Some(native) = self.step.native.clone() else { return self.create().await };
        match self.kind {
            Kind::Service if !self.is_old_service(&native).await? => {}
            Kind::LogGroup if !self.is_old_group(&native).await? => {}
            Kind::TargetGroup => {
                self.release(&native).await?;
                self.remove(&native).await?;
            }
            _ => self.remove(&native).await?,
        }
        self.create().await
    }

    /// Whether the service that was there is still active. One that drains goes by itself.
    async fn is_old_service(&self, native: &str) -> Result<bool> {
        let found = describe_services(self.account, &[last_segment(native).to_owned()]).await?;
        let active = found.iter().find(|service| text(service, "status") == Some("ACTIVE"));
        Ok(active.is_some_and(|service| self.is_version(service, "createdAt")))
    }

    async fn is_old_group(&self, native: &str) -> Result<bool> {
        let name = requests::log_group(native);
        let body = json!({ "logGroupNamePrefix": name });
        let answer = self.call("logs:DescribeLogGroups", &body).await?;
        let group = items(&answer, "logGroups").find(|group| text(group, "logGroupName") == Some(name));
        Ok(group.is_some_and(|group| self.is_version(group, "creationTime")))
    }

    fn is_version(&self, thing: &Value, field: &str) -> bool {
        let version = thing.get(field).map(ToString::to_string);
        self.step.version.is_none() || version == self.step.version
    }

    /// Takes a target group out of the listeners and rules of this release that send to it: a rule answers 503 until a
    /// later step gives it the new group, and a listener, which must send to one, goes until then.
    async fn release(&self, group: &str) -> Result<()> {
        for listener in all_listeners(self.account).await? {
            let Some(arn) = text(&listener, "ListenerArn") else { continue };
            let is_http = text(&listener, "Protocol").is_some_and(|protocol| protocol.starts_with("HTTP"));
            if is_http {
                self.release_rules(arn, group).await?;
            } else if sends_to(&listener, "DefaultActions", group)
                && self.is_ours(&listener, "ListenerArn").await?
            {
                self.call("elbv2:DeleteListener", &json!({ "ListenerArn": arn })).await?;
            }
        }
        Ok(())
    }

    async fn release_rules(&self, listener: &str, group: &str) -> Result<()> {
        let body = json!({ "ListenerArn": listener });
        let answer = match self.call("elbv2:DescribeRules", &body).await {
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(()),
            answer => answer?,
        };
        for rule in items(&answer, "Rules").filter(|rule| sends_to(rule, "Actions", group)) {
            if !self.is_ours(rule, "RuleArn").await? {
                continue;
            }
            let response = json!({ "StatusCode": "503", "ContentType": "text/plain" });
            let actions = json!([{ "Type": "fixed-response", "FixedResponseConfig": response }]);
            let body = json!({ "RuleArn": rule.get("RuleArn"), "Actions": actions });
            self.call("elbv2:ModifyRule", &body).await?;
        }
        Ok(())
    }

    async fn is_ours(&self, thing: &Value, arn: &str) -> Result<bool> {
        let tags = crate::observe::tags_of(self.account, std::slice::from_ref(thing), arn).await?;
        Ok(tags.values().any(|tags| tags.are_of(self.scope)))
    }
}

fn sends_to(thing: &Value, actions: &str, group: &str) -> bool {
    let is_it = |item: &Value| text(item, "TargetGroupArn") == Some(group);
    items(thing, actions).any(|action| {
        is_it(action)
            || action.get("ForwardConfig").is_some_and(|config| items(config, "TargetGroups").any(is_it))
    })
}
