//! Reading what people have already: files of task definitions and services, and what runs.

mod casing;
mod classify;
mod cloudformation;
mod ecspresso;
mod find;
mod naming;
mod sealing;

use rhumb_backend::{Gathered, Object, ObjectId, Origin, reference};
use serde_json::Value;

use crate::kind::Kind;
use find::Finder;
pub(crate) use naming::family_of;
pub(crate) use sealing::WHOLE;

/// Turns documents into objects: definitions and services as the CLI takes them or answers them, one or several in a
/// document, with keys in either case, and the resources of templates of `CloudFormation`.
///
/// What is none of these is left out, with a warning that says what it looks like.
pub(crate) fn gather(documents: &[Value]) -> Gathered {
    let mut finder = Finder::default();
    for (number, document) in documents.iter().enumerate() {
        finder.read(number, document);
    }
    let Finder { found, notes, .. } = finder;
    let mut gathered = Gathered { notes, ..Gathered::default() };
    let ids = naming::ids(&found);
    let renamed = naming::renamed(&found, &ids);
    for (found, id) in found.into_iter().zip(ids) {
        gathered.origins.push(Origin { document: found.document, at: found.at });
        let mut body = found.body;
        naming::rename(&mut body, &renamed);
        let object = object(id, body, &mut gathered);
        gathered.objects.push(object);
    }
    scaled(&mut gathered.objects);
    gathered
}

/// Policies of templates name what they scale by its target: they say it themselves afterwards.
fn scaled(objects: &mut [Object]) {
    let targets: Vec<(ObjectId, Value)> = objects
        .iter()
        .filter(|object| Kind::of(&object.id) == Some(Kind::ScalableTarget))
        .map(|object| (object.id.clone(), object.body.clone()))
        .collect();
    for object in objects.iter_mut().filter(|object| Kind::of(&object.id) == Some(Kind::ScalingPolicy)) {
        let named = object.body.get("ScalingTargetId").and_then(reference::parse);
        let target = named.and_then(|(id, _)| targets.iter().find(|(known, _)| *known == id));
        let (Some((_, target)), Some(policy)) = (target, object.body.as_object_mut()) else { continue };
        policy.shift_remove("ScalingTargetId");
        for key in ["ServiceNamespace", "ResourceId", "ScalableDimension"] {
            if let Some(said) = target.get(key) {
                policy.entry(key).or_insert_with(|| said.clone());
            }
        }
    }
}

fn object(id: ObjectId, mut body: Value, gathered: &mut Gathered) -> Object {
    let sensitive = match Kind::of(&id) {
        Some(Kind::Secret) => sealing::secret(&id, &mut body, &mut gathered.material),
        Some(Kind::Parameter) => sealing::parameter(&id, &mut body, &mut gathered.material),
        _ => false,
    };
    Object { sensitive, ..Object::new(id, body) }
}
