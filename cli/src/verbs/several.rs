//! What verbs print that work on several targets at once.

use std::fmt::Write as _;

use rhumb_action::{
    ActionResult, Deployed, Deployment, Execution, Fate, deploy_on_all, deploy_on_each, on_each,
};
use serde::Serialize;

use super::Ended;
use super::deploy::{self, Together, summary};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Paint, emit, table};
use crate::session::{Parts, Session};

/// What became of a deployment on a target.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    target: String,
    namespace: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    deployed: Option<Box<Deployed>>,
    /// The revision that was gone back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    back_to: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    exit: Exit,
}

/// Deploys on several targets at once.
pub(crate) async fn deploy(session: &Session, deployment: &Deployment, together: Together) -> Ended {
    let parts = session.several_parts()?;
    let fates = {
        let contexts = Parts::contexts(&parts);
        match together {
            Together::Each => deploy_on_each(&contexts, deployment).await,
            Together::AllOrNothing => deploy_on_all(&contexts, deployment).await,
        }
    };
    for one in &parts {
        one.progress.finish();
    }
    let rows: Vec<Row> = parts.iter().zip(fates).map(|(one, fate)| row(one, fate)).collect();
    emit(session.format(), &rows, || text(&rows, session.paint()))?;
    Ok(first_bad(rows.iter().map(|row| row.exit)))
}

/// Carries out a verb on several targets at once, and prints what each gives under its name.
pub(crate) async fn run<T: Serialize>(
    session: &Session,
    verb: impl AsyncFn(&rhumb_action::Context<'_>) -> ActionResult<T>,
    print: impl Fn(&T) -> String,
) -> Ended {
    let parts = session.several_parts()?;
    let results = on_each(&Parts::contexts(&parts), verb).await;
    for one in &parts {
        one.progress.finish();
    }
    let answers: Vec<Answer<T>> =
        parts.iter().zip(results).map(|(one, result)| answer(one, result)).collect();
    emit(session.format(), &answers, || {
        let one = |answer: &Answer<T>| {
            let said =
                answer.result.as_ref().map(&print).or_else(|| answer.error.clone()).unwrap_or_default();
            format!("TARGET {}\n{}", answer.target, indented(&said))
        };
        answers.iter().map(one).collect::<Vec<_>>().join("\n")
    })?;
    Ok(first_bad(answers.iter().map(|answer| answer.exit)))
}

/// What a verb gave on a target.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<T> {
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    exit: Exit,
}

fn answer<T>(parts: &Parts, result: ActionResult<T>) -> Answer<T> {
    let target = parts.target.name.clone();
    match result {
        Ok(result) => Answer { target, result: Some(result), error: None, exit: Exit::Success },
        Err(error) => {
            let (exit, error) = told(&Failure::from(error));
            Answer { target, result: None, error: Some(error), exit }
        }
    }
}

/// The exit code and the text, without colours: it also goes into what programs read.
fn told(failure: &Failure) -> (Exit, String) {
    (failure.exit, failure.text(Paint::plain()))
}

fn row(parts: &Parts, fate: Fate) -> Row {
    let mut row = Row {
        target: parts.target.name.clone(),
        namespace: parts.namespace.clone(),
        outcome: "done",
        deployed: None,
        back_to: None,
        error: None,
        exit: Exit::Success,
    };
    let mut failed = |outcome, error: rhumb_action::ActionError| {
        let (exit, text) = told(&Failure::from(error));
        (row.outcome, row.exit, row.error) = (outcome, exit, Some(text));
    };
    match fate {
        Fate::Done(deployed) => row.deployed = Some(deployed),
        Fate::Failed(error) => failed("failed", *error),
        Fate::NotBegun => (row.outcome, row.exit) = ("not begun", Exit::Failure),
        Fate::TakenBack { deployed, to } => {
            (row.outcome, row.exit) = ("taken back", Exit::Failure);
            (row.deployed, row.back_to) = (Some(deployed), to);
        }
        Fate::Stays { deployed, error } => {
            failed("not taken back", *error);
            row.deployed = Some(deployed);
        }
    }
    row
}

/// The exit code of the first target that failed by itself, else that of one that was held back or taken back.
fn first_bad(exits: impl Iterator<Item = Exit>) -> Exit {
    let bad: Vec<Exit> = exits.filter(|exit| *exit != Exit::Success).collect();
    let own = bad.iter().find(|exit| **exit != Exit::Failure);
    own.or(bad.first()).copied().unwrap_or(Exit::Success)
}

fn text(rows: &[Row], paint: Paint) -> String {
    let mut text = String::new();
    for row in rows {
        if let Some(deployed) = row.deployed.as_ref().filter(|one| one.execution == Execution::DryRun) {
            let _ = writeln!(text, "TARGET {}\n{}", row.target, indented(&deploy::text(deployed, paint)));
        }
    }
    text.push_str(&table(
        ["TARGET", "NAMESPACE", "OUTCOME", "REVISION", "CHANGES"],
        rows.iter().map(|row| cells(row, paint)),
    ));
    for row in rows {
        if let Some(error) = &row.error {
            let _ = write!(text, "\n{}:\n{}", row.target, indented(error));
        }
    }
    text.push_str(&notes(rows));
    text
}

fn cells(row: &Row, paint: Paint) -> [String; 5] {
    let revision = match (&row.deployed, row.back_to) {
        (Some(deployed), Some(to)) => format!("{} (back to {to})", deployed.revision),
        (Some(deployed), None) => deployed.revision.to_string(),
        (None, _) => "-".to_owned(),
    };
    let outcome = match row.outcome {
        "done" if row.deployed.as_ref().is_some_and(|one| one.execution == Execution::DryRun) => {
            "shown".to_owned()
        }
        "done" => paint.good("done"),
        "failed" | "not taken back" => paint.bad(row.outcome),
        other => paint.changed(other),
    };
    let changes = row.deployed.as_ref().map_or_else(|| "-".to_owned(), |deployed| summary(&deployed.plan));
    [row.target.clone(), row.namespace.clone(), outcome, revision, changes]
}

/// The charts' notes: once where every target says the same.
fn notes(rows: &[Row]) -> String {
    let done = rows.iter().filter(|row| row.outcome == "done");
    let said: Vec<(&str, &str)> = done
        .filter_map(|row| Some((row.target.as_str(), row.deployed.as_ref()?.notes.trim_end())))
        .filter(|(_, notes)| !notes.is_empty())
        .collect();
    let Some((_, first)) = said.first() else { return String::new() };
    if said.iter().all(|(_, notes)| notes == first) {
        return format!("\nNOTES:\n{first}\n");
    }
    said.iter().fold("\nNOTES:\n".to_owned(), |mut text, (target, notes)| {
        let _ = write!(text, "{target}:\n{}", indented(notes));
        text
    })
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |mut all, line| {
        let _ = if line.is_empty() { writeln!(all) } else { writeln!(all, "  {line}") };
        all
    })
}
