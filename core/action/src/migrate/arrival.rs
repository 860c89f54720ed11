//! A release that comes from another platform, and one that rests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rhumb_backend::{AtRest, Object, ObjectId, ResolveImage, Scope};
use rhumb_spec::Feature;
use serde_json::Value;

use super::carried::Carried;
use super::sides::migration;
use crate::deploy::Course;
use crate::known::Known;
use crate::road::{self, Loaded, Way};
use crate::salt::Salt;
use crate::user_values::{Laid, over, read_values};
use crate::wanted::Wanted;
use crate::{ActionResult, Context, ValueInputs};

/// What comes from another platform.
#[derive(Clone, Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) loaded: &'a Loaded,
    /// The values that the source was given, secret ones sealed.
    pub(crate) values: &'a Value,
    /// What differs at the destination.
    pub(crate) over: &'a ValueInputs,
    /// The source's salt, so that the same secrets have the same seals.
    pub(crate) salt: &'a str,
    /// Features that may be left out.
    pub(crate) accept: &'a [Feature],
    /// Workloads whose job succeeded at the source.
    pub(crate) jobs_done: BTreeSet<String>,
    pub(crate) carried: Option<Arc<Carried>>,
    pub(crate) posture: Posture,
}

/// Whether a release runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Posture {
    /// Everything is there and nothing runs.
    Resting,
    /// It runs.
    Awake,
}

/// What is wanted where a release arrives. What is known there already goes before what comes.
///
/// # Errors
/// As for every deployment.
pub(crate) async fn arrive(
    context: &Context<'_>,
    scope: &Scope,
    known: &Known,
    arrival: &Arrival<'_>,
    course: Course,
) -> ActionResult<Wanted> {
    let lender = known.inventory.lender().filter(|_| known.is_there());
    let below = lender.map_or(arrival.values, |record| &record.values);
    let laid = Laid { values: over(below, read_values(arrival.over)?), own: None };
    let own = lender.map(|record| record.salt.as_str()).and_then(Salt::read);
    let way = Way {
        loaded: arrival.loaded,
        laid: &laid,
        salt: own.or_else(|| Salt::read(arrival.salt)).unwrap_or_else(Salt::random),
        accept: arrival.accept,
        resolve_image: ResolveImage::default(),
        course,
    };
    let mut wanted = road::go(context, scope, known, way).await?;
    wanted.carried.clone_from(&arrival.carried);
    wanted.done = done(&wanted.objects, &arrival.jobs_done);
    match arrival.posture {
        Posture::Awake => Ok(wanted),
        Posture::Resting => {
            let mut done = known.inventory.done();
            done.extend(wanted.done.clone());
            at_rest(context, wanted, &done)
        }
    }
}

fn done(objects: &[Object], workloads: &BTreeSet<String>) -> BTreeMap<ObjectId, String> {
    let is_done = |object: &&Object| object.workload.as_ref().is_some_and(|name| workloads.contains(name));
    let jobs = objects.iter().filter(is_done);
    jobs.filter_map(|job| Some((job.id.clone(), job.once.clone()?))).collect()
}

/// The same, of which nothing runs. Jobs that are done stay, or they would run again on waking.
///
/// # Errors
/// `Unsupported` where the platform has no such thing.
pub(crate) fn at_rest(
    context: &Context<'_>,
    mut wanted: Wanted,
    done: &BTreeMap<ObjectId, String>,
) -> ActionResult<Wanted> {
    let migration = migration(context)?;
    let mut left_out = BTreeSet::new();
    let mut objects = Vec::with_capacity(wanted.objects.len());
    for object in wanted.objects {
        let is_done = object.once.is_some() && done.get(&object.id) == object.once.as_ref();
        match migration.at_rest(&object) {
            AtRest::LeftOut if !is_done => drop(left_out.insert(object.id)),
            AtRest::Same | AtRest::LeftOut => objects.push(object),
            AtRest::Body(body) => objects.push(Object { body, ..object }),
        }
    }
    for object in &mut objects {
        // Who runs nothing waits for nobody to be ready.
        object
            .after
            .retain(|after| !left_out.contains(&after.id) && after.until != rhumb_backend::Until::Ready);
    }
    wanted.objects = objects;
    Ok(wanted)
}
