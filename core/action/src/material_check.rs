//! Whether all secret material that a plan needs is there, found out before anything is touched.

use rhumb_backend::material::{Demand, meet};
use rhumb_backend::{Action, Error, Materials, Object, Step};
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
    let makes = |step: &&Step| match step.action {
        Action::Create | Action::Replace => true,
        Action::Update => asks_for_other(step, &planned.last),
        Action::Delete | Action::Collect | Action::Await => false,
    };
    for step in planned.plan.steps.iter().filter(makes) {
        try_all(&step.object.body, &materials).map_err(|error| error.with("object", step.id.to_string()))?;
    }
    Ok(())
}

/// Whether an update asks for other material than what is there was made of. What asks for the same stays as it is.
fn asks_for_other(step: &Step, last: &[Object]) -> bool {
    let demands = |body: &Value| {
        let mut found = Vec::new();
        collect(body, &mut found);
        found
    };
    let wanted = demands(&step.object.body);
    let before = last.iter().find(|object| object.id == step.id);
    !wanted.is_empty() && before.is_some_and(|before| demands(&before.body) != wanted)
}

fn collect(value: &Value, found: &mut Vec<Demand>) {
    match Demand::parse(value) {
        Some(demand) => found.push(demand),
        None => match value {
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Object(map) => map.values().for_each(|item| collect(item, found)),
            _ => {}
        },
    }
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
