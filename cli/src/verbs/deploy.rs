//! What install, upgrade and rollback share: options, and how the outcome is printed.

use std::fmt::Write as _;

use rhumb_action::{
    Conflicts, DeployOptions, Deployed, Deployment, Execution, Foreign, IfNoNamespace, OnFailure, Wait,
};
use rhumb_backend::{Action, Cause, FieldChange, Loss, Plan, Step};
use serde_json::Value;

use super::{Ended, several};
use crate::arguments::DeployArguments;
use crate::exit::Exit;
use crate::failure::diagnostic_text;
use crate::output::{Paint, emit, time};
use crate::session::Session;

/// What becomes of several targets when it fails on one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Together {
    /// Each is for itself.
    Each,
    /// The others are taken back, too.
    AllOrNothing,
}

/// What becomes of several targets when it fails on one, by `--all-or-nothing`.
pub(crate) fn together(arguments: &DeployArguments) -> Together {
    if arguments.all_or_nothing { Together::AllOrNothing } else { Together::Each }
}

/// Deploys on the target, or on all of several, and prints what became of it.
pub(crate) async fn run(session: &Session, deployment: &Deployment, together: Together) -> Ended {
    if session.has_several_targets()? {
        return several::deploy(session, deployment, together).await;
    }
    let parts = session.parts(false)?;
    let deployed = parts.finish(deployment.on(&parts.context()).await)?;
    emit(session.format(), &deployed, || text(&deployed, session.paint()))?;
    Ok(Exit::Success)
}

/// The library's options from the command line's.
pub(crate) fn options(arguments: &DeployArguments) -> DeployOptions {
    let is_atomic = arguments.atomic || arguments.all_or_nothing;
    DeployOptions {
        execution: if arguments.dry_run { Execution::DryRun } else { Execution::Apply },
        wait: if arguments.wait || is_atomic { Wait::Ready } else { Wait::Applied },
        on_failure: if is_atomic { OnFailure::TakeBack } else { OnFailure::Leave },
        timeout: arguments.timeout,
        history_max: arguments.history_max,
        replace: arguments.replace.clone(),
        foreign: if arguments.take_ownership { Foreign::TakeOver } else { Foreign::Refuse },
        conflicts: if arguments.force_conflicts { Conflicts::Force } else { Conflicts::Refuse },
        no_namespace: IfNoNamespace::Fail,
        description: arguments.description.clone(),
    }
}

/// What becomes of a namespace that is not there, by `--create-namespace`.
pub(crate) fn no_namespace(create: bool) -> IfNoNamespace {
    if create { IfNoNamespace::Create } else { IfNoNamespace::Fail }
}

/// The outcome for people.
pub(crate) fn text(deployed: &Deployed, paint: Paint) -> String {
    let mut text = String::new();
    if deployed.execution == Execution::DryRun {
        for warning in &deployed.warnings {
            text.push_str(&diagnostic_text(warning, paint));
        }
        text.push_str(&losses(&deployed.losses, paint));
        text.push_str(&plan(&deployed.plan, paint));
        let _ = writeln!(text, "Nothing was changed: this was a dry run of revision {}.", deployed.revision);
        return text;
    }
    let app =
        deployed.chart.app_version.as_deref().map(|version| format!(" (app {version})")).unwrap_or_default();
    let _ = writeln!(text, "NAME:       {}", deployed.name);
    let _ = writeln!(text, "NAMESPACE:  {}", deployed.namespace);
    let _ = writeln!(text, "TARGET:     {}", deployed.target);
    let _ = writeln!(text, "REVISION:   {}", deployed.revision);
    let _ = writeln!(text, "STATUS:     {}", deployed.status);
    let _ = writeln!(text, "CHART:      {} {}{app}", deployed.chart.name, deployed.chart.version);
    let _ = writeln!(text, "UPDATED:    {}", time(&deployed.updated));
    let _ = writeln!(text, "CHANGES:    {}", summary(&deployed.plan));
    for note in &deployed.plan.notes {
        let _ = writeln!(text, "            {}: {}", note.id, note.text);
    }
    if !deployed.notes.trim().is_empty() {
        let _ = writeln!(text, "NOTES:\n{}", deployed.notes.trim_end());
    }
    text
}

/// Losses for people, one line each.
pub(crate) fn losses(losses: &[Loss], paint: Paint) -> String {
    let mut text = String::new();
    for loss in losses {
        let word = if loss.accepted { "left out" } else { "loss" };
        let _ = writeln!(text, "{}: {}: {} ({})", paint.changed(word), loss.path, loss.text, loss.feature);
    }
    text
}

/// A plan in a few words: `2 created, 1 updated`.
pub(crate) fn summary(plan: &Plan) -> String {
    let words = [
        (Action::Create, "created"),
        (Action::Update, "updated"),
        (Action::Replace, "replaced"),
        (Action::Delete, "removed"),
        (Action::Collect, "collected"),
    ];
    let counts: Vec<String> = words
        .iter()
        .map(|(action, word)| (plan.steps.iter().filter(|step| step.action == *action).count(), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
}

/// A plan for people, field by field.
pub(crate) fn plan(plan: &Plan, paint: Paint) -> String {
    let mut text = String::new();
    for step in plan.steps.iter().filter(|step| step.action != Action::Await) {
        step_text(step, paint, &mut text);
    }
    for note in &plan.notes {
        let _ = writeln!(text, "  {}: {}", note.id, note.text);
    }
    let _ = writeln!(text, "Plan: {}", summary(plan).replace("none", "nothing to do"));
    text
}

fn step_text(step: &Step, paint: Paint, text: &mut String) {
    let sign = match step.action {
        Action::Create => paint.good("+"),
        Action::Update => paint.changed("~"),
        Action::Replace => paint.changed("-/+"),
        Action::Delete => paint.bad("-"),
        Action::Collect => paint.dim("-"),
        Action::Await => return,
    };
    let _ = writeln!(text, "{sign} {}", step.id);
    if let Some(reason) = &step.reason {
        let _ = writeln!(text, "    {reason}");
    }
    for change in &step.changes {
        let _ = writeln!(text, "    {}", change_text(change, paint));
    }
}

/// One field's change: `path: from → to`.
pub(crate) fn change_text(change: &FieldChange, paint: Paint) -> String {
    let drift = match change.cause {
        Cause::Drift => format!(" {}", paint.dim("(drift)")),
        Cause::Kept => format!(" {}", paint.dim("(kept)")),
        Cause::Wanted => String::new(),
    };
    let difference = match (&change.from, &change.to) {
        (Some(from), Some(to)) => format!("{} → {}", short(from), short(to)),
        (None, Some(to)) => paint.good(&short(to)),
        (Some(from), None) => format!("{} → gone", short(from)),
        (None, None) => String::new(),
    };
    format!("{}: {difference}{drift}", change.path)
}

fn short(value: &Value) -> String {
    const MOST: usize = 160;
    let text = value.to_string();
    if text.chars().count() <= MOST {
        return text;
    }
    let head: String = text.chars().take(MOST).collect();
    format!("{head}…")
}
