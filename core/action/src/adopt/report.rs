//! What an adoption does and leaves, for people.

use rhumb_backend::{Change, FieldChange, Live, Object, ObjectId, Ownership, reference};
use rhumb_spec::Diagnostic;
use serde::Serialize;

use super::{adopter, only_marks};
use crate::deploy::{Goal, Order, prepare};
use crate::engine::insist;
use crate::{ActionResult, Context, Deployed};

/// What an adoption did, or would do.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdoptedRelease {
    /// The revision.
    #[serde(flatten)]
    pub deployed: Deployed,
    /// Objects that are the release's now.
    pub adopted: Vec<ObjectId>,
    /// What stays as it is although the chart makes something else of it, until the chart changes there.
    pub stays: Vec<Stay>,
    /// What the chart makes, is not there, and is not missed until the chart changes there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<ObjectId>,
    /// How many replicas run on; in a dry run, how many there are.
    pub replicas: usize,
    /// What is not as it should be afterwards.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<Diagnostic>,
}

/// What stays of an object.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stay {
    /// The object.
    pub id: ObjectId,
    /// Its fields: `from` is what is there, `to` what the chart makes of it.
    pub fields: Vec<FieldChange>,
}

/// What is known of an adoption before it is made.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) found: Vec<Live>,
    stays: Vec<Stay>,
    absent: Vec<ObjectId>,
}

impl Report {
    pub(super) fn finish(self, deployed: Deployed, replicas: usize) -> AdoptedRelease {
        AdoptedRelease {
            deployed,
            adopted: self.found.into_iter().map(|live| live.object.id).collect(),
            stays: self.stays,
            absent: self.absent,
            replicas,
            problems: Vec::new(),
        }
    }
}

/// Looks at what is to be taken over, and at what the chart makes of it.
pub(super) async fn of(context: &Context<'_>, order: Order<'_>) -> ActionResult<Report> {
    let adopt = adopter(context)?;
    let prepared = prepare(context, order).await?;
    let Goal::Adopt { query, .. } = order.goal else {
        return Ok(Report { found: Vec::new(), stays: Vec::new(), absent: Vec::new() });
    };
    let scope = context.scope(order.release);
    let made = made(&prepared.wanted);
    let found = insist(|| adopt.find(&scope, query, &made)).await?.objects;
    let externals = prepared.wanted.objects.iter().filter(|object| object.ownership == Ownership::External);
    let externals: Vec<ObjectId> = externals.map(|object| object.id.clone()).collect();
    let others = insist(|| context.backend().observe(&scope, &externals)).await?.objects;
    let outputs = found.iter().chain(&others);
    let outputs = outputs.map(|live| (live.object.id.clone(), live.outputs.clone())).collect();
    let mut stays = Vec::new();
    for object in &made {
        let Some(live) = found.iter().find(|live| live.object.id == object.id) else { continue };
        let reworded = adopt.reword(&prepared.wanted.adopted, &object.id, &object.body);
        // Of what is revised, all that differs is shown, and not its marks alone.
        let generation = object.generation.clone().filter(|_| !adopt.is_revised(&object.id));
        let object = Object { body: reference::resolve(&reworded, &outputs), generation, ..object.clone() };
        let mut fields = changes(context.backend().change(None, live, &object));
        // What the chart says nothing of stays anyway, and most of it is what the platform takes where nothing is said.
        fields.retain(|field| field.to.is_some() && !only_marks(adopt, &object.id, field));
        if !fields.is_empty() {
            stays.push(Stay { id: object.id, fields });
        }
    }
    let adopted = &prepared.wanted.adopted;
    let absent = adopted.iter().filter(|(_, of)| of.there.is_none()).map(|(id, _)| id.clone()).collect();
    Ok(Report { found, stays, absent })
}

/// What the chart makes by itself.
fn made(wanted: &crate::wanted::Wanted) -> Vec<Object> {
    let owned = wanted.objects.iter().filter(|object| object.ownership != Ownership::External);
    let of = |object: &Object| {
        let base = wanted.adopted.get(&object.id).map_or(&object.body, |adopted| &adopted.base);
        Object { body: base.clone(), ..object.clone() }
    };
    owned.map(of).collect()
}

fn changes(change: Change) -> Vec<FieldChange> {
    match change {
        Change::None { .. } => Vec::new(),
        Change::Update { changes, .. } | Change::Replace { changes, .. } => changes,
    }
}
