//! What is there to be taken over.

use std::collections::BTreeMap;

use rhumb_backend::{Found, ImportQuery, Live, Object, Ownership, Result, Scope};
use serde_json::Value;

use super::pairs::{Pair, definition_of, is_definition, pairs};
use super::{RUNS, look, refuse, stack};
use crate::collect::{self, There};
use crate::connect::Account;
use crate::kind::Kind;
use crate::marks::Tags;
use crate::observe::{attributes, tags_of};
use crate::pages::{each, text};

/// Everything that the query names, under the ids that the release wants it by, and who it may not be taken from.
pub(crate) async fn find(
    account: &Account,
    scope: &Scope,
    query: &ImportQuery,
    want: &[Object],
) -> Result<Found> {
    let there = collect::read(account, query).await?;
    let paired = pairs(&there, want);
    let marks = Marks::read(account, &there).await?;
    let looker = look::Looker { account, scope };
    let mut found = Found { notes: there.notes.clone(), ..Found::default() };
    found.notes.extend(paired.notes);
    for pair in paired.found {
        let Some(live) = live(&looker, &pair, &marks) else { continue };
        found.notes.extend(refusals(scope, &live, pair.document));
        found.objects.push(with_run(live, pair.document, &there));
    }
    for live in &mut found.objects {
        if Kind::of(&live.object.id) == Some(Kind::TargetGroup) {
            live.object.body["Attributes"] = attributes(account, &live.native).await?;
        }
    }
    found.notes.extend(stack::owned(account, &found.objects).await?);
    Ok(found)
}

fn refusals(scope: &Scope, live: &Live, document: &Value) -> Vec<rhumb_spec::Diagnostic> {
    match Kind::of(&live.object.id) {
        Some(Kind::TaskDefinition) => refuse::definition(live, document).into_iter().collect(),
        Some(Kind::Service) => {
            refuse::owned(scope, live).into_iter().chain(refuse::service(live, document)).collect()
        }
        _ => refuse::owned(scope, live).into_iter().collect(),
    }
}

fn live(looker: &look::Looker<'_>, pair: &Pair<'_>, marks: &Marks) -> Option<Live> {
    let kind = Kind::of(&pair.id)?;
    let found = look::found(kind, pair.document, &marks.of(kind, pair.document))?;
    let mut live = looker.live(kind, found, &pair.id);
    if pair.ownership == Ownership::Kept {
        live.object.ownership = Ownership::Kept;
    }
    Some(live)
}

/// Notes which revision a schedule runs.
fn with_run(mut live: Live, document: &Value, there: &There) -> Live {
    if Kind::of(&live.object.id) == Some(Kind::Schedule)
        && let Some(named) = definition_of(document)
        && let Some(answer) = there.definitions.iter().find(|answer| is_definition(answer, named))
        && let Some(arn) = answer.pointer("/taskDefinition/taskDefinitionArn").and_then(Value::as_str)
    {
        live.outputs.insert(RUNS.to_owned(), arn.to_owned());
    }
    live
}

/// The tags of what does not tell them itself, by its ARN.
struct Marks(BTreeMap<String, Tags>);

impl Marks {
    async fn read(account: &Account, there: &There) -> Result<Self> {
        let mut marks = tags_of(account, &there.groups, "TargetGroupArn").await?;
        let (listeners, rules): (Vec<Value>, Vec<Value>) =
            there.ways.iter().cloned().partition(|way| way.get("DefaultActions").is_some());
        marks.extend(tags_of(account, &listeners, "ListenerArn").await?);
        marks.extend(tags_of(account, &rules, "RuleArn").await?);
        let registries = each(&there.registries, |registry| async move {
            let arn = text(registry, "Arn").unwrap_or_default();
            Ok((arn.to_owned(), look::registry_tags(account, arn).await?))
        });
        marks.extend(registries.await?);
        Ok(Self(marks))
    }

    fn of(&self, kind: Kind, document: &Value) -> Tags {
        let field = match kind {
            Kind::TargetGroup => "TargetGroupArn",
            Kind::Listener => "ListenerArn",
            Kind::ListenerRule => "RuleArn",
            Kind::Discovery => "Arn",
            _ => return Tags::of(document),
        };
        text(document, field).and_then(|arn| self.0.get(arn)).cloned().unwrap_or_default()
    }
}
