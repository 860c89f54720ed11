//! Looking at the target with what is known of an adoption.

use rhumb_backend::{Adoption, Claim, ObjectId, Observed, Scope, recognise};

use crate::engine::insist;
use crate::{ActionResult, Context};

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
    for (id, adopted) in adoption {
        let Some(there) = &adopted.there else { continue };
        let is_seen = observed.objects.iter().any(|live| adopt.identity(live) == there.identity);
        if !is_seen && !observed.unreadable.contains_key(id) {
            observed.objects.extend(insist(|| adopt.look(scope, id, &there.identity)).await?);
        }
    }
    recognise(adopt, adoption, &mut observed, claim);
    Ok(observed)
}
