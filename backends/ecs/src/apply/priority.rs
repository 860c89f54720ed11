//! Priorities of rules that somebody else took first.

use std::collections::BTreeSet;

use rhumb_backend::{Error, Receipt, Result};
use serde_json::{Value, json};

use super::create::{explain, is_taken};
use super::requests::Request;
use super::{Work, taken_by_others};
use crate::kind::Kind;
use crate::lower::STEP;
use crate::observe::{Look, of_kind};

/// How often another priority is chosen. Whenever one is taken in between, somebody else has got on.
const CHOICES: u32 = 20;

impl Work<'_> {
    /// Makes a rule at another priority, unless it is there already: then the answer to an earlier call got lost.
    pub(super) async fn create_at_another(&self, mut request: Request, mut taken: Error) -> Result<Receipt> {
        for _ in 0..CHOICES {
            if self.find().await?.is_some() {
                return self.recognise(taken).await;
            }
            let Some(priority) = self.free(None).await? else { break };
            request.body["Priority"] = priority.into();
            match self.send(&request).await {
                Ok(answer) => return self.made(&answer),
                Err(error) if is_taken(&error) => taken = error,
                Err(error) => return Err(explain(error)),
            }
        }
        Err(taken_by_others(self.kind, taken))
    }

    /// Gives a rule that is there another priority.
    pub(super) async fn move_to_another(&self, native: &str, mut taken: Error) -> Result<Value> {
        for _ in 0..CHOICES {
            let Some(priority) = self.free(Some(native)).await? else { break };
            let live = self.find().await?;
            if live.is_some_and(|live| live.object.body["Priority"] == priority) {
                return Ok(Value::Null);
            }
            let body = json!({ "RulePriorities": [{ "RuleArn": native, "Priority": priority }] });
            match self.call("elbv2:SetRulePriorities", &body).await {
                Err(error) if is_priority_in_use(&error) => taken = error,
                answer => return answer,
            }
        }
        Err(taken_by_others(self.kind, taken))
    }

    /// The first free priority from the wanted one on. It stays below that of the release's next rule, and below what
    /// lowering gives to a next rule that is not there yet. What the rule itself has counts as free.
    async fn free(&self, native: Option<&str>) -> Result<Option<u32>> {
        let Some(wanted) = number_of(self.body()) else { return Ok(None) };
        let listener = self.body().get("ListenerArn").cloned().unwrap_or_default();
        let request = json!({ "ListenerArn": listener });
        let there = self.account.all("elbv2:DescribeRules", &request, "Rules").await?;
        let others = there.iter().filter(|rule| native.is_none() || rule["RuleArn"].as_str() != native);
        let taken = others.filter_map(number_of).collect();
        let look = Look::new(self.account, self.scope, Kind::ListenerRule, &[]);
        let own = of_kind(&look).await?;
        let own = own.iter().filter(|live| {
            live.foreign.is_none()
                && live.object.id != self.step.id
                && live.object.body.get("ListenerArn") == Some(&listener)
        });
        let own = own.filter_map(|live| number_of(&live.object.body)).collect();
        Ok(first_free(wanted, &taken, &own))
    }
}

/// Source: Elastic Load Balancing API reference, `CreateRule` and `SetRulePriorities`, "Errors".
pub(super) fn is_priority_in_use(error: &Error) -> bool {
    error.message.contains("PriorityInUse")
}

fn number_of(rule: &Value) -> Option<u32> {
    rule.get("Priority")?.as_u64().and_then(|number| u32::try_from(number).ok())
}

/// The first number from the wanted one on that nobody has, below the release's own next one.
fn first_free(wanted: u32, taken: &BTreeSet<u32>, own: &BTreeSet<u32>) -> Option<u32> {
    let room = wanted.saturating_add(STEP);
    let next = own.range(wanted..).next().copied();
    let end = next.map_or(room, |next| next.min(room));
    (wanted..end).find(|number| !taken.contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(taken: &[u32], own: &[u32], expected: Option<u32>) {
        let (taken, own) = (taken.iter().copied().collect(), own.iter().copied().collect());
        assert_eq!(first_free(10, &taken, &own), expected, "{taken:?} {own:?}");
    }

    #[test]
    fn the_order_of_the_own_rules_stays() {
        check(&[10], &[], Some(11));
        check(&[10, 11, 13], &[5], Some(12));
        check(&[10, 11, 12], &[12], None);
        check(&[10, 11], &[13], Some(12));
        check(&(10..20).collect::<Vec<_>>(), &[], None);
    }
}
