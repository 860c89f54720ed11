//! `rhumb adopt`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use rhumb_action::{AdoptRequest, AdoptedRelease, DeployOptions, Execution, Existing, Imported, Stay};
use rhumb_backend::ImportQuery;
use tempfile::TempDir;

use super::foreign::{self, Meant};
use super::{Ended, deploy};
use crate::arguments::{ChartArguments, duration};
use crate::exit::Exit;
use crate::failure::{Failure, diagnostic_text};
use crate::output::emit;
use crate::page::text::count;
use crate::session::{Parts, Session};

/// Arguments of `rhumb adopt`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The name of the release that it becomes
    #[arg(value_name = "NAME")]
    name: String,
    /// The chart of what runs: a folder or a .tgz file, as `rhumb import` makes it. Without it, one is made first
    #[arg(value_name = "CHART")]
    chart: Option<PathBuf>,
    #[command(flatten)]
    inputs: ChartArguments,
    /// On Docker Swarm: only this stack [default: the release's name]
    #[arg(long, value_name = "NAME", conflicts_with = "selector")]
    stack: Option<String>,
    /// On Amazon ECS: only this service of the cluster; may be repeated
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
    /// Only what bears these labels or tags, as `rhumb import` takes them
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<String>,
    /// The folder of the chart that is made [default: ./NAME]
    #[arg(long, value_name = "FOLDER", conflicts_with = "chart")]
    out: Option<PathBuf>,
    /// Take the place of a chart that is there
    #[arg(long, conflicts_with = "chart")]
    force: bool,
    /// Show what would be marked and what stays, and do nothing. A chart is kept only where --out is given
    #[arg(long)]
    dry_run: bool,
    /// How long everything may take: 90s, 5m
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    timeout: Duration,
    /// What the record says of this revision
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

/// Makes a release of what runs.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let parts = session.parts(false)?;
    let query = meant(&arguments).query(&parts)?;
    let mut inputs = arguments.inputs.clone();
    let scratch = scratch(&arguments)?;
    let (chart, imported) = if let Some(chart) = &arguments.chart {
        (chart.clone(), None)
    } else {
        let out = scratch.as_ref().map(|scratch| scratch.path().join(&arguments.name));
        let imported = import(&parts, &arguments, &query, out.unwrap_or_else(|| folder(&arguments))).await?;
        if let Some(secrets) = foreign::secret_values(&imported.path) {
            inputs.values.values.insert(0, secrets);
        }
        (imported.path.clone(), Some(imported))
    };
    let request = AdoptRequest {
        name: arguments.name,
        inputs: Session::chart(&chart, &inputs)?,
        query,
        options: DeployOptions {
            execution: if arguments.dry_run { Execution::DryRun } else { Execution::Apply },
            timeout: arguments.timeout,
            description: arguments.description,
            ..DeployOptions::default()
        },
    };
    let adopted = parts.finish(rhumb_action::adopt(&parts.context(), &request).await)?;
    let made = imported.filter(|_| scratch.is_none());
    emit(session.format(), &adopted, || text(session, &adopted, made.as_ref()))?;
    Ok(if adopted.problems.is_empty() { Exit::Success } else { Exit::Failure })
}

fn meant(arguments: &Arguments) -> Meant<'_> {
    Meant {
        name: &arguments.name,
        stack: arguments.stack.as_deref(),
        selector: arguments.selector.as_deref(),
        services: &arguments.services,
    }
}

/// Where the chart goes that is made.
fn folder(arguments: &Arguments) -> PathBuf {
    arguments.out.clone().unwrap_or_else(|| PathBuf::from(&arguments.name))
}

/// A folder that goes again, for the chart of a dry run that nobody asked to keep.
fn scratch(arguments: &Arguments) -> Result<Option<TempDir>, Failure> {
    let is_kept = !arguments.dry_run || arguments.out.is_some() || arguments.chart.is_some();
    if is_kept { Ok(None) } else { foreign::scratch().map(Some) }
}

async fn import(
    parts: &Parts,
    arguments: &Arguments,
    query: &ImportQuery,
    out: PathBuf,
) -> Result<Imported, Failure> {
    if out.exists() && !arguments.force {
        let name = &arguments.name;
        return Err(Failure::usage(
            format!("{} is there already", out.display()),
            format!(
                "`rhumb adopt {name} {}` to adopt with that chart, --out for another folder, or --force to make it anew",
                out.display()
            ),
        ));
    }
    let existing = if arguments.force { Existing::Replace } else { Existing::Keep };
    meant(arguments).import(parts, query, (out, existing)).await
}

fn text(session: &Session, adopted: &AdoptedRelease, imported: Option<&Imported>) -> String {
    let mut text = String::new();
    if let Some(imported) = imported {
        let _ = writeln!(text, "Made the chart {} of what runs.", imported.path.display());
    }
    for stay in &adopted.stays {
        stay_text(session, stay, &mut text);
    }
    for id in &adopted.absent {
        let _ = writeln!(text, "{id} is not there and is not made until the chart changes it.");
    }
    text.push_str(&deploy::text(&adopted.deployed, session.paint()));
    if adopted.deployed.execution == Execution::DryRun {
        let _ = writeln!(
            text,
            "{} would be adopted, with {}.",
            count(adopted.adopted.len(), "object", "objects"),
            count(adopted.replicas, "replica", "replicas")
        );
        return text;
    }
    let runs = if adopted.replicas == 1 { "runs" } else { "run" };
    let _ = writeln!(
        text,
        "ADOPTED:    {}; {} {runs} on",
        count(adopted.adopted.len(), "object", "objects"),
        count(adopted.replicas, "replica", "replicas")
    );
    if adopted.problems.is_empty() {
        let _ = writeln!(text, "            nothing was restarted, and there is nothing left to change");
    }
    for found in &adopted.problems {
        text.push_str(&diagnostic_text(found, session.paint()));
    }
    text
}

/// What stays of an object.
fn stay_text(session: &Session, stay: &Stay, text: &mut String) {
    let _ = writeln!(text, "{} stays as it is until the chart changes it there (there → chart):", stay.id);
    for field in &stay.fields {
        let _ = writeln!(text, "    {}", deploy::change_text(field, session.paint()));
    }
}
