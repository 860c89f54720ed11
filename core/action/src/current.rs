//! Receipts of what is there, for rollouts that this run did not begin.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use rhumb_backend::{Action, Live, Object, Observed, Receipt, Scope, Step};

use crate::engine::{CONCURRENCY, RunMaterials, insist};
use crate::sealed_values::Secrets;
use crate::{ActionResult, Context};

/// Reads what the objects' rollouts are by now. Nothing is written.
///
/// # Errors
/// What the platform answers.
pub(crate) async fn receipts_of_what_is_there(
    context: &Context<'_>,
    scope: &Scope,
    observed: &Observed,
    objects: &[&Object],
) -> ActionResult<Vec<Receipt>> {
    let there = objects.iter().filter_map(|object| {
        let live = observed.find(&object.id, object.generation.as_deref())?;
        live.foreign.is_none().then(|| await_step(object, live))
    });
    let nothing = Secrets::none();
    let materials = &RunMaterials::new(&nothing, (context.clock)());
    let backend = context.backend();
    let read = |step: Step| async move { insist(|| backend.apply(scope, &step, materials)).await };
    Ok(stream::iter(there.map(read)).buffer_unordered(CONCURRENCY).try_collect().await?)
}

/// A step that only reads.
fn await_step(object: &Object, live: &Live) -> Step {
    Step {
        id: object.id.clone(),
        action: Action::Await,
        object: object.clone(),
        native: Some(live.native.clone()),
        version: live.version.clone(),
        changes: Vec::new(),
        force: false,
        reason: None,
        after: Vec::new(),
    }
}
