//! From what is wanted to a plan: observe, then diff.

use std::collections::BTreeSet;

use rhumb_backend::{
    Adoption, Claim, DiffOptions, Error, ErrorKind, Object, ObjectId, Observed, Plan, Scope, diff,
};
use rhumb_release::Status;
use rhumb_spec::Diagnostic;

use crate::adopt::observe;
use crate::known::Known;
use crate::{ActionError, ActionResult, Conflicts, Context, Foreign};

/// A plan, and what was seen when it was made.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    pub(crate) observed: Observed,
    /// What was wanted last.
    pub(crate) last: Vec<Object>,
}

/// What the user says about a plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PlanRules<'a> {
    /// Objects, or workloads, that may be removed and made anew.
    pub(crate) replace: &'a [String],
    pub(crate) foreign: Foreign,
    /// What is the release's by adoption, whatever marks it bears.
    pub(crate) adopted: &'a Adoption,
    /// Whether it is the release's already.
    pub(crate) claim: Claim,
    pub(crate) conflicts: Conflicts,
    /// How many revisions are kept; 0 keeps all.
    pub(crate) history_max: u32,
}

/// Looks at the target and plans the way to what is wanted. Nothing is written.
///
/// # Errors
/// What stands in the way, and what the platform answers.
pub(crate) async fn plan(
    context: &Context<'_>,
    scope: &Scope,
    known: &Known,
    want: &[Object],
    rules: PlanRules<'_>,
) -> ActionResult<Planned> {
    let replace = replaceable(rules.replace, want)?;
    let mut ids = known.inventory.ids();
    ids.extend(want.iter().map(|object| object.id.clone()));
    let ids: Vec<ObjectId> = ids.into_iter().collect();
    let observed = observe(context, scope, &ids, (rules.adopted, rules.claim)).await?;
    let needed = if has_old_generation(&observed, want) {
        known.needed(context, rules.history_max).await?
    } else {
        BTreeSet::new()
    };
    let options = DiffOptions {
        replace,
        needed,
        done: known.inventory.done(),
        take_ownership: rules.foreign == Foreign::TakeOver,
        force: rules.conflicts == Conflicts::Force,
        unfinished: known.latest().is_some_and(|head| head.status != Status::Deployed),
    };
    let last = known.inventory.last(want);
    let plan = diff(context.backend(), &last, &observed, want, &options).map_err(ActionError::Diagnostics)?;
    if let Some(problem) = plan.verify().first() {
        return Err(
            Error::new(ErrorKind::Invalid, "plan", format!("the plan is not sound: {problem}")).into()
        );
    }
    Ok(Planned { plan, observed, last })
}

/// Whether there is a generation that is not wanted now, so that it matters which of them revisions need.
fn has_old_generation(observed: &Observed, want: &[Object]) -> bool {
    let wanted: BTreeSet<(&ObjectId, Option<&str>)> =
        want.iter().map(|object| (&object.id, object.generation.as_deref())).collect();
    let is_old = |object: &Object| {
        object.generation.is_some() && !wanted.contains(&(&object.id, object.generation.as_deref()))
    };
    observed.objects.iter().any(|live| is_old(&live.object))
}

/// The objects that `--replace` names: by their ids, or by the workload that they run.
fn replaceable(named: &[String], want: &[Object]) -> ActionResult<BTreeSet<ObjectId>> {
    let mut ids = BTreeSet::new();
    let mut unknown = Vec::new();
    for name in named {
        let is_named =
            |object: &&Object| object.id.as_str() == name || object.workload.as_deref() == Some(name);
        let found: Vec<ObjectId> = want.iter().filter(is_named).map(|object| object.id.clone()).collect();
        if found.is_empty() {
            unknown.push(nothing_named(name, want));
        }
        ids.extend(found);
    }
    if unknown.is_empty() { Ok(ids) } else { Err(ActionError::Diagnostics(unknown)) }
}

fn nothing_named(name: &str, want: &[Object]) -> Diagnostic {
    let all: Vec<&str> = want.iter().map(|object| object.id.as_str()).collect();
    Diagnostic::error("", format!("--replace names `{name}`, and the release has no such object"))
        .remedy(format!("one of {}", all.join(", ")))
}
