//! `rhumb compare`.

use std::path::PathBuf;

use clap::Args;
use rhumb_action::{ChartInputs, CompareRequest, Comparison, FactsFrom, Prices};
use rhumb_backend::{ResolveImage, Scope};

use super::Ended;
use crate::arguments::{Format, ValueArguments};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{print, serialised};
use crate::page;
use crate::session::Session;

/// Arguments of `rhumb compare`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    compared: ComparedArguments,
    /// Write to this file instead of the terminal; its ending chooses the form unless -o does: .json, .yaml, .md, .html
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What is compared.
#[derive(Clone, Debug, Args)]
pub(crate) struct ComparedArguments {
    /// The chart: a folder or a .tgz file
    #[arg(value_name = "CHART")]
    chart: PathBuf,
    #[command(flatten)]
    values: ValueArguments,
    #[command(flatten)]
    targets: CandidateArguments,
    /// The release's name, which goes into the names of objects [default: the chart's]
    #[arg(long, value_name = "NAME")]
    release: Option<String>,
    /// A table of prices instead of the one that this program was built with
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Ask the targets what they are like, instead of assuming the usual
    #[arg(long)]
    live: bool,
}

/// Which platforms are compared.
#[derive(Clone, Debug, Args)]
pub(crate) struct CandidateArguments {
    /// Targets, groups of targets or platforms: ecs (on Fargate), ecs-ec2, kubernetes, marathon, memory, swarm
    /// [default: every platform but memory]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) targets: Vec<String>,
}

/// Compares.
pub(crate) async fn run(session: &Session, arguments: &Arguments) -> Ended {
    let comparison = compared(session, &arguments.compared).await?;
    let format = match (session.format(), &arguments.out) {
        (Format::Table, Some(file)) => format_of(file),
        (format, _) => format,
    };
    let text = match format {
        Format::Table => page::compare::table(&comparison),
        Format::Markdown => page::compare::markdown(&comparison),
        Format::Html => page::compare::html(&comparison)?,
        Format::Json | Format::Yaml => serialised(format, &comparison)?,
    };
    let Some(file) = &arguments.out else {
        print(&text)?;
        return Ok(Exit::Success);
    };
    std::fs::write(file, text).map_err(|error| Failure::io("write the page", file, &error))?;
    Ok(Exit::Success)
}

/// The form that a file's name asks for; a table where it asks for none.
fn format_of(file: &std::path::Path) -> Format {
    match file.extension().and_then(|ending| ending.to_str()) {
        Some("json") => Format::Json,
        Some("yaml" | "yml") => Format::Yaml,
        Some("md" | "markdown") => Format::Markdown,
        Some("html" | "htm") => Format::Html,
        _ => Format::Table,
    }
}

/// What each platform makes of the chart.
pub(crate) async fn compared(
    session: &Session,
    arguments: &ComparedArguments,
) -> Result<Comparison, Failure> {
    let facts = if arguments.live { FactsFrom::Target } else { FactsFrom::Defaults };
    let candidates = session.candidates(&arguments.targets.targets, facts)?;
    let inputs = ChartInputs {
        chart: arguments.chart.clone(),
        values: Session::values(&arguments.values)?,
        accept_loss: Vec::new(),
        resolve_image: ResolveImage::Never,
    };
    let request = CompareRequest {
        name: arguments.release.clone(),
        namespace: session.namespace().unwrap_or(Scope::DEFAULT_NAMESPACE).to_owned(),
        inputs,
        facts,
        prices: arguments.prices()?,
    };
    let watchdog = session.watchdog()?;
    let comparison = rhumb_action::compare(&candidates, &request).await?;
    watchdog.rendered();
    Ok(comparison)
}

impl ComparedArguments {
    /// The table of prices.
    fn prices(&self) -> Result<Prices, Failure> {
        let Some(file) = &self.prices else { return Ok(Prices::built_in()) };
        let text =
            std::fs::read_to_string(file).map_err(|error| Failure::io("read the prices", file, &error))?;
        Prices::read(&text, &file.display().to_string()).map_err(Failure::diagnostics)
    }
}
