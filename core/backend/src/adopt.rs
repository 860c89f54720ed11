//! Taking over what runs already, in place.

mod overlay;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use rhumb_spec::Diagnostic;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::change::ListKeys;
use crate::reference::Outputs;
use crate::{
    Facts, ImportQuery, Live, Object, ObjectId, Observed, Ownership, Result, Scope, Step, reference,
};

/// Taking over what somebody else made, without a restart of anything.
#[async_trait]
pub trait Adopt: Send + Sync {
    /// What is there of what the query names, each under the id of the wanted object that it is.
    ///
    /// [`Live::foreign`] says whose it is; who it may not be taken from is an error among the notes. What an uninstall has to
    /// leave, because others use it, is [`Ownership::Kept`].
    ///
    /// # Errors
    /// What the platform answers; `Invalid` for a selector that it does not take.
    async fn find(&self, scope: &Scope, query: &ImportQuery, want: &[Object]) -> Result<Found>;

    /// An object by its [identity](Self::identity), whatever marks it bears, and whatever else has taken its place since and
    /// bears the release's marks.
    ///
    /// # Errors
    /// What the platform answers.
    async fn look(&self, scope: &Scope, id: &ObjectId, identity: &str) -> Result<Vec<Live>>;

    /// The platform's own ids of everything that runs for these natives: what must be the same afterwards.
    ///
    /// # Errors
    /// What the platform answers.
    async fn replicas(&self, scope: &Scope, found: &[Live]) -> Result<BTreeSet<String>>;

    /// The document by which somebody would ask for exactly what is there, with those marks of `want` that restart
    /// nothing.
    fn asked(&self, live: &Live, want: &Object) -> Value;

    /// By what an object is told from another that was made in its place. Unless the backend says so, its native.
    fn identity(&self, live: &Live) -> String {
        live.native.clone()
    }

    /// Reduces a step that marks an object to what the platform must be told for that.
    fn reduce(&self, step: &mut Step) {
        let _ = step;
    }

    /// What the target is like once what is nobody's release's is this one's.
    fn claimed(&self, scope: &Scope, facts: Facts) -> Facts {
        let _ = scope;
        facts
    }

    /// What the chart makes of an object, in the names that what was adopted has where the chart has others: what is there is
    /// laid over it by those names, and other objects find it by them.
    fn reword(&self, adoption: &Adoption, id: &ObjectId, body: &Value) -> Value {
        let _ = (adoption, id);
        body.clone()
    }

    /// Whether another content of an object is its next revision, which has whatever the chart did not change. Unless the
    /// backend says so, contents have nothing in common but their use.
    fn is_revised(&self, id: &ObjectId) -> bool {
        let _ = id;
        false
    }

    /// Puts the marks of what is wanted on the next revision of what could not bear any.
    fn mark(&self, want: &Object, body: &mut Value) {
        let _ = (want, body);
    }

    /// Whether a body needs an object that it names otherwise than by a reference.
    fn needs(&self, body: &Value, object: &Object) -> bool {
        let _ = (body, object);
        false
    }

    /// The lists of an object's body whose items have keys.
    fn lists(&self, id: &ObjectId) -> ListKeys;

    /// Whether a change at this path only marks an object as the release's, so that nothing restarts.
    fn is_mark(&self, id: &ObjectId, path: &str) -> bool;
}

/// What is there to be taken over.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// What is there of what is wanted.
    pub objects: Vec<Live>,
    /// Whose things are, what is left alone, and, as errors, what may not be taken.
    pub notes: Vec<Diagnostic>,
}

/// What was there of an object when its release was adopted.
///
/// As long as the chart makes the same of the object as it did then, what was there stays; from where the chart makes
/// something else, that counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Adopted {
    /// What the chart made of it then.
    pub base: Value,
    /// Which content that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<String>,
    /// What was there; none for what was not, and is not missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub there: Option<There>,
}

/// What was there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct There {
    /// By what the object is known even where it cannot bear a mark (see [`Adopt::identity`]).
    pub identity: String,
    /// The document that asks for it, with the marks that it got.
    pub body: Value,
    /// Whether an uninstall leaves it.
    #[serde(default, skip_serializing_if = "is_owned")]
    pub ownership: Ownership,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_owned(ownership: &Ownership) -> bool {
    *ownership == Ownership::Owned
}

/// Everything that was adopted, by object. Empty for a release that was installed.
pub type Adoption = BTreeMap<ObjectId, Adopted>;

/// What there is to keep of each wanted object, when these are there.
pub fn adoption(adopt: &dyn Adopt, before: &Adoption, want: &[Object], found: &[Live]) -> Adoption {
    let outputs: Outputs = found.iter().map(|live| (live.object.id.clone(), live.outputs.clone())).collect();
    let owned = want.iter().filter(|object| object.ownership != Ownership::External);
    let adopted = owned.map(|object| {
        let live = found.iter().find(|live| live.object.id == object.id);
        let same = |adopted: &&Adopted| {
            let there = adopted.there.as_ref().map(|there| there.identity.clone());
            adopted.base == object.body && there == live.map(|live| adopt.identity(live))
        };
        // What was begun before and not ended is gone on with: what is there may bear some of its marks already.
        if let Some(before) = before.get(&object.id).filter(same) {
            return (object.id.clone(), before.clone());
        }
        let there = live.map(|live| There {
            identity: adopt.identity(live),
            body: with_references(&adopt.asked(live, object), &object.body, &outputs),
            ownership: live.object.ownership,
        });
        let (base, generation) = (object.body.clone(), object.generation.clone());
        (object.id.clone(), Adopted { base, generation, there })
    });
    adopted.collect()
}

/// The wanted objects, each as it was when it was adopted as far as the chart makes the same of it still.
///
/// What was not there stays away, unless something that is new or changed needs it.
pub fn keep(adopt: &dyn Adopt, adoption: &Adoption, want: Vec<Object>) -> Vec<Object> {
    let all: BTreeSet<ObjectId> = want.iter().map(|object| object.id.clone()).collect();
    let (mut kept, mut away) = (Vec::new(), Vec::new());
    for object in want {
        match laid(adopt, adoption, &object) {
            Some(body) => kept.push(with_body(adoption, object, body)),
            None => away.push(object),
        }
    }
    while let Some(at) = away.iter().position(|object| is_needed(adopt, adoption, object, &kept)) {
        let object = away.swap_remove(at);
        let body = adopt.reword(adoption, &object.id, &object.body);
        kept.push(Object { body, ..object });
    }
    let there: BTreeSet<ObjectId> = kept.iter().map(|object| object.id.clone()).collect();
    for object in &mut kept {
        // Nobody waits for what stays away.
        object.after.retain(|after| !all.contains(&after.id) || there.contains(&after.id));
    }
    kept
}

/// The body of a wanted object, over which what was there is laid; none for what was not there and is not missed.
fn laid(adopt: &dyn Adopt, adoption: &Adoption, object: &Object) -> Option<Value> {
    let reworded = |body: &Value| adopt.reword(adoption, &object.id, body);
    let Some(adopted) = adoption.get(&object.id) else { return Some(reworded(&object.body)) };
    let Some(there) = &adopted.there else {
        return (adopted.base != object.body).then(|| reworded(&object.body));
    };
    let is_other = object.generation.is_some() && adopted.generation != object.generation;
    if is_other && !adopt.is_revised(&object.id) {
        return Some(object.body.clone());
    }
    let (base, want) = (reworded(&adopted.base), reworded(&object.body));
    let mut body = overlay::overlay(&base, &there.body, &want, adopt.lists(&object.id));
    if is_other {
        adopt.mark(object, &mut body);
    }
    Some(body)
}

fn with_body(adoption: &Adoption, object: Object, body: Value) -> Object {
    let there = adoption.get(&object.id).and_then(|adopted| adopted.there.as_ref());
    let is_kept = there.is_some_and(|there| there.ownership == Ownership::Kept);
    // What is named by its content is told from what was adopted by that.
    let ownership = if is_kept && object.generation.is_none() { Ownership::Kept } else { object.ownership };
    Object { body, ownership, ..object }
}

/// Whether something that is new or changed refers to an object that is not there, or waits for it.
fn is_needed(adopt: &dyn Adopt, adoption: &Adoption, object: &Object, kept: &[Object]) -> bool {
    kept.iter().any(|user| {
        let was_there = adoption.get(&user.id).is_some_and(|adopted| adopted.there.is_some());
        let waits = !was_there && user.after.iter().any(|after| after.id == object.id);
        waits || reference::targets(&user.body).contains(&object.id) || adopt.needs(&user.body, object)
    })
}

/// Tells of what was seen what is the release's by adoption, although it may bear no mark. Those that bear none are
/// still somebody else's while `claim` is in the making.
pub fn recognise(adopt: &dyn Adopt, adoption: &Adoption, observed: &mut Observed, claim: Claim) {
    for live in &mut observed.objects {
        let adopted = adoption.get(&live.object.id);
        let Some((adopted, there)) = adopted.and_then(|of| Some((of, of.there.as_ref()?))) else { continue };
        if there.identity != adopt.identity(live) {
            continue;
        }
        if live.object.generation.is_none() {
            live.object.generation.clone_from(&adopted.generation);
        }
        if claim == Claim::Made {
            live.foreign = None;
        }
    }
}

/// Whether what is adopted is the release's already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Claim {
    /// It is.
    #[default]
    Made,
    /// It is about to be.
    InMaking,
}

/// A body in which texts that are outputs to which `base` refers are references, so that they follow the object.
fn with_references(body: &Value, base: &Value, outputs: &Outputs) -> Value {
    let mut texts = BTreeMap::new();
    references(base, outputs, &mut texts);
    replaced(body, &texts)
}

fn references<'v>(base: &'v Value, outputs: &Outputs, texts: &mut BTreeMap<String, &'v Value>) {
    if let Some((id, output)) = reference::parse(base) {
        let text = outputs.get(&id).and_then(|of_id| of_id.get(output));
        texts.extend(text.map(|text| (text.clone(), base)));
        return;
    }
    match base {
        Value::Array(items) => items.iter().for_each(|item| references(item, outputs, texts)),
        Value::Object(map) => map.values().for_each(|item| references(item, outputs, texts)),
        _ => {}
    }
}

fn replaced(body: &Value, texts: &BTreeMap<String, &Value>) -> Value {
    match body {
        Value::String(text) => texts.get(text).map_or_else(|| body.clone(), |found| (*found).clone()),
        Value::Array(items) => Value::Array(items.iter().map(|item| replaced(item, texts)).collect()),
        Value::Object(map) => {
            Value::Object(map.iter().map(|(key, item)| (key.clone(), replaced(item, texts))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests;
