//! What references stand for while a plan is carried out.

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::reference::{self, Outputs};
use rhumb_backend::{Object, ObjectId, Observed, Ownership, Receipt};

/// What was observed of these objects: of each id the generation that the object has; of others, the only one there.
pub(super) fn observed_outputs(observed: &Observed, objects: &[Object]) -> Outputs {
    // What others made has no generation of ours.
    let ours = objects.iter().filter(|object| object.ownership != Ownership::External);
    let generations: BTreeMap<&ObjectId, Option<&str>> =
        ours.map(|object| (&object.id, object.generation.as_deref())).collect();
    let mut outputs = Outputs::new();
    let mut ambiguous = BTreeSet::new();
    for live in &observed.objects {
        let id = &live.object.id;
        let generation = generations.get(id);
        if generation.is_some_and(|generation| *generation != live.object.generation.as_deref()) {
            continue;
        }
        if outputs.insert(id.clone(), live.outputs.clone()).is_some() && generation.is_none() {
            ambiguous.insert(id);
        }
    }
    outputs.retain(|id, _| !ambiguous.contains(id));
    outputs
}

/// Adds what a step left behind.
pub(super) fn learn(outputs: &mut Outputs, receipt: &Receipt) {
    outputs.insert(receipt.id.clone(), receipt.outputs.clone());
}

/// The object with every reference resolved that is known.
pub(super) fn resolved(object: &Object, outputs: &Outputs) -> Object {
    Object { body: reference::resolve(&object.body, outputs), ..object.clone() }
}

/// Those outputs that the objects refer to.
pub(super) fn referred<'o>(objects: impl Iterator<Item = &'o Object>, outputs: &Outputs) -> Outputs {
    let targets: BTreeSet<ObjectId> = objects.flat_map(|object| reference::targets(&object.body)).collect();
    targets.into_iter().filter_map(|id| outputs.get(&id).map(|of| (id.clone(), of.clone()))).collect()
}
