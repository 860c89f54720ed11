//! `rhumb upgrade`: the next revision of a release.

use crate::deploy::{Goal, Order, deploy};
use crate::{ActionResult, ChartInputs, Context, DeployOptions, Deployed};

/// What to upgrade, and to what.
#[derive(Clone, Debug, Default)]
pub struct UpgradeRequest {
    /// The release.
    pub name: String,
    /// The chart and what goes into it.
    pub inputs: ChartInputs,
    /// What becomes of the values that the last revision was given.
    pub values: ValueReuse,
    /// What happens when there is no such release.
    pub absent: IfAbsent,
    /// How it is deployed.
    pub options: DeployOptions,
}

/// What becomes of the values that the last revision was given, as in Helm.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ValueReuse {
    /// They are kept when this upgrade is given no values, and dropped when it is given any.
    #[default]
    Auto,
    /// The chart's defaults and this upgrade's values only (`--reset-values`).
    Reset,
    /// The last revision's chart defaults and values, with this upgrade's values over them (`--reuse-values`).
    Reuse,
    /// This chart's defaults, the last revision's values over them, and this upgrade's on top
    /// (`--reset-then-reuse-values`).
    ResetThenReuse,
}

/// What happens when there is no such release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IfAbsent {
    /// It is an error.
    #[default]
    Fail,
    /// It is installed (`--install`).
    Install,
}

/// Upgrades a release to a chart.
///
/// # Errors
/// `NotFound` when there is no such release and it is not to be installed; else as for every deployment:
/// `Diagnostics`, `Busy`, `Backend`, and once the record is written `Failed`.
pub async fn upgrade(context: &Context<'_>, request: &UpgradeRequest) -> ActionResult<Deployed> {
    let goal = Goal::Upgrade { inputs: &request.inputs, values: request.values, absent: request.absent };
    deploy(context, Order { release: &request.name, goal, options: &request.options }).await
}
