//! `rhumb diff`: what an upgrade would change, against what is there.

use rhumb_backend::{Action, Loss, Plan};
use rhumb_spec::Diagnostic;
use serde::Serialize;

use crate::deploy::{Goal, Order, plan_for, prepare};
use crate::names::check_name;
use crate::{ActionResult, ChartInputs, Context, DeployOptions, Foreign, IfAbsent, ValueReuse};

/// What would be deployed.
#[derive(Clone, Debug, Default)]
pub struct DiffRequest {
    /// The release. One that is not there would be installed.
    pub name: String,
    /// What is compared with the target.
    pub against: DiffAgainst,
    /// Objects that may be removed and made anew.
    pub replace: Vec<String>,
    /// What becomes of objects that are nobody's.
    pub foreign: Foreign,
}

/// What is compared with the target.
#[derive(Clone, Debug)]
pub enum DiffAgainst {
    /// What an upgrade would want.
    Upgrade {
        /// The chart and what goes into it.
        inputs: ChartInputs,
        /// What becomes of the values that the last revision was given.
        values: ValueReuse,
    },
    /// What a rollback would want.
    Revision(Option<u64>),
}

impl Default for DiffAgainst {
    fn default() -> Self {
        Self::Upgrade { inputs: ChartInputs::default(), values: ValueReuse::Auto }
    }
}

/// What would change.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Differences {
    /// The release.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The revision that would be recorded.
    pub revision: u64,
    /// Whether nothing would be written but the record. What no revision needs any more may be collected all the same.
    pub is_empty: bool,
    /// What would be done, field by field.
    pub plan: Plan,
    /// What the chart asks for and would not get as asked.
    pub losses: Vec<Loss>,
    /// What the user should know.
    pub warnings: Vec<Diagnostic>,
}

/// Plans an upgrade, an install or a rollback against what is there. Nothing is written.
///
/// # Errors
/// What the user wrote wrong, what stands in the way, and what the platform answers.
pub async fn diff(context: &Context<'_>, request: &DiffRequest) -> ActionResult<Differences> {
    check_name("release", &request.name)?;
    let goal = match &request.against {
        DiffAgainst::Upgrade { inputs, values } => {
            Goal::Upgrade { inputs, values: *values, absent: IfAbsent::Install }
        }
        DiffAgainst::Revision(revision) => Goal::Rollback(*revision),
    };
    let options = DeployOptions {
        replace: request.replace.clone(),
        foreign: request.foreign,
        conflicts: crate::Conflicts::Refuse,
        ..DeployOptions::default()
    };
    let order = Order { release: &request.name, goal, options: &options };
    let prepared = prepare(context, order).await?;
    let plan = plan_for(context, order, &prepared).await?.plan;
    Ok(Differences {
        name: request.name.clone(),
        namespace: context.namespace.to_owned(),
        revision: prepared.known.next_revision(),
        is_empty: plan.steps.iter().all(|step| matches!(step.action, Action::Await | Action::Collect)),
        plan,
        losses: prepared.wanted.losses,
        warnings: prepared.wanted.warnings,
    })
}
