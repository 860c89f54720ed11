//! What a stack of `CloudFormation` has. It would be changed back by the next update of the stack, and removed with it.
//!
//! The tags that `CloudFormation` sets cannot be taken off, not even from what a stack has let go. So it is asked whether the
//! stack still has the resource.

use std::collections::BTreeSet;

use rhumb_backend::{ErrorKind, Live, Result};
use rhumb_spec::Diagnostic;
use serde_json::{Value, json};

use crate::connect::Account;
use crate::kind::Kind;
use crate::marks::Tags;
use crate::pages::each;

/// The tags with a stack's id and name, and the resource's name in it.
///
/// Source: AWS CloudFormation user guide, "Resource tag".
const STACK_ID: &str = "aws:cloudformation:stack-id";
const STACK_NAME: &str = "aws:cloudformation:stack-name";
const LOGICAL_ID: &str = "aws:cloudformation:logical-id";

/// An error for each of these that a stack still has; a warning where that cannot be asked.
///
/// # Errors
/// What may be answered later.
pub(super) async fn owned(account: &Account, found: &[Live]) -> Result<Vec<Diagnostic>> {
    let asked: BTreeSet<Claim> = found.iter().filter_map(Claim::of).collect();
    let said = each(asked, |claim| async move { claim.ask(account).await }).await?;
    Ok(said.into_iter().flatten().collect())
}

/// That tags name a stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    id: String,
    /// By what `CloudFormation` knows the stack, whether it is still there or not.
    stack: String,
    name: String,
    resource: Option<String>,
}

impl Claim {
    /// None for what bears no such tags, and for task definitions, which are not taken from anybody.
    fn of(live: &Live) -> Option<Self> {
        let kind = Kind::of(&live.object.id).filter(|kind| *kind != Kind::TaskDefinition)?;
        let tags = Tags::of_body(kind, &live.object.body);
        let name = tags.get(STACK_NAME).or_else(|| tags.get(STACK_ID))?.to_owned();
        let stack = tags.get(STACK_ID).unwrap_or(&name).to_owned();
        let resource = tags.get(LOGICAL_ID).map(str::to_owned);
        Some(Self { id: live.object.id.to_string(), stack, name, resource })
    }

    /// Source: AWS CloudFormation API reference, `DescribeStackResource`: it knows deleted stacks by their ids for 90 days.
    async fn ask(self, account: &Account) -> Result<Option<Diagnostic>> {
        let Some(resource) = &self.resource else { return Ok(Some(self.unknown("its tags do not name it"))) };
        let body = json!({ "StackName": self.stack, "LogicalResourceId": resource });
        match account.call("cloudformation:DescribeStackResource", &body).await {
            Ok(answer) => Ok(has(&answer).then(|| self.refusal())),
            Err(error) if error.message.contains("does not exist") || error.kind == ErrorKind::NotFound => {
                Ok(None)
            }
            Err(error) if error.may_pass() => Err(error),
            Err(error) => Ok(Some(self.unknown(&error.message))),
        }
    }

    fn refusal(&self) -> Diagnostic {
        let Self { id, name, resource, .. } = self;
        let resource = resource.as_deref().unwrap_or_default();
        Diagnostic::error(id, format!("{id} belongs to the CloudFormation stack {name}"))
            .why("the next update of the stack would change it back, and a deletion of the stack would remove it")
            .remedy(format!(
                "`DeletionPolicy: Retain` on {resource} in the stack's template, deployed; then {resource} taken out of the template and that deployed, or the stack deleted; then the adoption. CDK: `applyRemovalPolicy(RemovalPolicy.RETAIN)`"
            ))
    }

    fn unknown(&self, why: &str) -> Diagnostic {
        let Self { id, name, .. } = self;
        Diagnostic::warning(id, format!("{id} was made by the CloudFormation stack {name}, which may still have it"))
            .why(format!("CloudFormation could not be asked: {why}"))
            .remedy(
                "credentials that allow cloudformation:DescribeStackResource; a stack that still has it would change it back",
            )
    }
}

/// Whether the stack still has it: not what it kept when the template or the stack went.
fn has(answer: &Value) -> bool {
    let status = answer.pointer("/StackResourceDetail/ResourceStatus").and_then(Value::as_str);
    status.is_some_and(|status| !["DELETE_COMPLETE", "DELETE_SKIPPED"].contains(&status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_has_what_it_neither_removed_nor_let_go() {
        let answer = |status: &str| json!({ "StackResourceDetail": { "ResourceStatus": status } });
        assert!(has(&answer("UPDATE_COMPLETE")) && has(&answer("DELETE_FAILED")));
        assert!(!has(&answer("DELETE_SKIPPED")) && !has(&answer("DELETE_COMPLETE")));
        assert!(!has(&json!({})));
    }
}
