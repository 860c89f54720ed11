//! Looking at the target with what is known of an adoption.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use rhumb_backend::{Adoption, Claim, Live, ObjectId, Observed, Scope, recognise};

use crate::engine::insist;
use crate::{ActionResult, Context};

/// How many looks are under way side by side.
const ABREAST: usize = 8;

/// Looks at these ids and at whatever bears the release's marks, and at what is the release's by adoption although it
/// bears none: not everything can be marked in place.
///
/// # Errors
/// What the platform answers.
pub(crate) async fn observe(
    context: &Context<'_>,
    scope: &Scope,
    ids: &[ObjectId],
    (adoption, claim): (&Adoption, Claim),
) -> ActionResult<Observed> {
    let backend = context.backend();
    let mut observed = insist(|| backend.observe(scope, ids)).await?;
    let Some(adopt) = backend.adopt().filter(|_| !adoption.is_empty()) else { return Ok(observed) };
    let unseen = adoption.iter().filter_map(|(id, adopted)| {
        let there = adopted.there.as_ref()?;
        let is_it = |live: &Live| live.object.id == *id && adopt.identity(live) == there.identity;
        let is_seen = observed.objects.iter().any(is_it) || observed.unreadable.contains_key(id);
        (!is_seen).then_some((id, &there.identity))
    });
    let looks: Vec<_> =
        unseen.map(|(id, identity)| insist(move || adopt.look(scope, id, identity))).collect();
    let found: Vec<Vec<Live>> = stream::iter(looks).buffered(ABREAST).try_collect().await?;
    for live in found.into_iter().flatten() {
        if !observed.objects.iter().any(|seen| is_same(seen, &live)) {
            observed.objects.push(live);
        }
    }
    recognise(adopt, adoption, &mut observed, claim);
    Ok(observed)
}

fn is_same(one: &Live, other: &Live) -> bool {
    one.object.id == other.object.id && one.native == other.native
}
