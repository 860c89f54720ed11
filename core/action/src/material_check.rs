//! Whether all secret material that a plan needs is there, found out before anything is touched.

use rhumb_backend::material::{Demand, meet};
use rhumb_backend::{Action, Error, Materials, Step};
use serde_json::Value;

use crate::Context;
use crate::engine::RunMaterials;
use crate::planning::Planned;
use crate::sealed_values::Secrets;

/// Tries to make every secret that the plan makes, and forgets what was made.
///
/// # Errors
/// The first that cannot be made, with what the user can do.
pub(crate) fn check_material(
    context: &Context<'_>,
    planned: &Planned,
    given: Secrets<'_>,
) -> Result<(), Error> {
    let materials =
        RunMaterials::new(&given, (context.clock)()).with_earlier(&planned.last, &planned.observed);
    let makes = |step: &&Step| matches!(step.action, Action::Create | Action::Replace);
    for step in planned.plan.steps.iter().filter(makes) {
        try_all(&step.object.body, &materials).map_err(|error| error.with("object", step.id.to_string()))?;
    }
    Ok(())
}

fn try_all(value: &Value, materials: &dyn Materials) -> Result<(), Error> {
    if let Some(demand) = Demand::parse(value) {
        return meet(&demand, materials).map(drop);
    }
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| try_all(item, materials)),
        Value::Object(map) => map.values().try_for_each(|item| try_all(item, materials)),
        _ => Ok(()),
    }
}
