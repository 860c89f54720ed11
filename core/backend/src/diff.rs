//! What has to be done to get from what is there to what is wanted.
//!
//! The rules, in the order in which they apply:
//! 1. What cannot be read is never taken for absent: it is an error as soon as the release is about it.
//! 2. What is external must be there, and is never touched.
//! 3. What bears the wanted name and somebody else's marks is refused, unless ownership is taken; then what is live
//!    counts as what was wanted last.
//! 4. What is absent is made. What is named by its content and there is left alone. Everything else is compared by
//!    [`Backend::change`], references resolved as far as they are known.
//!    What is as wanted and was given up by the platform before the last revision was whole is written again, where
//!    the backend knows how ([`Backend::again`]).
//! 5. A job that succeeded with the wanted content is left alone, whether its object is still there or not. One that
//!    failed with it is made anew.
//! 6. What the platform can change only by making it anew needs the user's word for that object, but for jobs.
//! 7. What bears the release's marks and is not wanted goes, but for what is kept. Old generations go unless a
//!    revision that is kept needs them, or something that stays holds them, if only to roll back to by itself; what an
//!    old generation needs stays with it.
//!
//! The order of steps:
//! - what is referred to exists before who refers to it; [`Object::after`] is obeyed; where somebody waits for the
//!   readiness of an object about which nothing is done, a step of its own awaits it;
//! - members of a sequence are made from the first to the last, then removed and then changed from the last to the
//!   first, each ready (or gone) before the next;
//! - a name that only one object can have is given up before it is taken (see [`Backend::claims`]);
//! - users go before what they use; an old generation goes only after the users of the new one are ready.
//!
//! Where the order leaves a choice, what runs nothing goes first, and then the object's id decides: equal inputs give
//! equal plans.

mod decide;
mod draft;
mod edges;
mod graph;
mod remove;
mod scene;

use std::collections::{BTreeMap, BTreeSet};

use rhumb_spec::Diagnostic;

use crate::{Backend, Object, ObjectId, Observed, Plan};
use draft::Draft;
use scene::Scene;

/// What the user and the release's history say about a plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DiffOptions {
    /// Objects that may be removed and made anew.
    pub replace: BTreeSet<ObjectId>,
    /// Generations that the revisions which are kept need.
    pub needed: BTreeSet<(ObjectId, String)>,
    /// Jobs that succeeded, and with which content.
    pub done: BTreeMap<ObjectId, String>,
    /// Take over what bears a wanted name and is not ours.
    pub take_ownership: bool,
    /// Take what others hold of the objects on the platform, such as fields that another writer set.
    pub force: bool,
    /// The last revision was not carried out whole, so what it wanted and is not there may never have been,
    /// and what the platform gave up is tried anew.
    pub unfinished: bool,
}

/// Plans the way from what is there to what is wanted.
///
/// `last` is what the release wanted the last time, as it was stored, references unresolved; objects that it lists
/// and that are neither wanted nor there need nothing.
///
/// # Errors
/// Everything that stands in the way, collected: what cannot be read, what belongs to others, what is missing, what
/// may not be replaced, and circles.
pub fn diff(
    backend: &dyn Backend,
    last: &[Object],
    observed: &Observed,
    want: &[Object],
    options: &DiffOptions,
) -> Result<Plan, Vec<Diagnostic>> {
    let scene = Scene::new(backend, last, observed, want, options);
    let mut diagnostics = scene.obstacles();
    let mut draft = Draft::default();
    diagnostics.extend(decide::decide(&scene, &mut draft));
    if !diagnostics.is_empty() {
        return Err(diagnostics);
    }
    remove::remove(&scene, &mut draft);
    edges::connect(&scene, &mut draft);
    draft.into_plan()
}

/// Plans the removal of everything that is the release's, but for what is kept.
///
/// # Errors
/// As [`diff`]: what cannot be read cannot be removed.
pub fn uninstall_plan(
    backend: &dyn Backend,
    last: &[Object],
    observed: &Observed,
) -> Result<Plan, Vec<Diagnostic>> {
    diff(backend, last, observed, &[], &DiffOptions::default())
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;
