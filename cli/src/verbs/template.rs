//! `rhumb template`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use rhumb_action::{FactsFrom, TemplateRequest, Templated};
use rhumb_spec::yaml;

use super::Ended;
use crate::arguments::{ChartArguments, Format};
use crate::exit::Exit;
use crate::failure::{Failure, diagnostic_text};
use crate::manifest::manifest;
use crate::output::{emit, print};
use crate::session::Session;

/// Arguments of `rhumb template`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The release's name
    #[arg(value_name = "NAME")]
    name: String,
    /// The chart: a folder or a .tgz file
    #[arg(value_name = "CHART")]
    chart: PathBuf,
    #[command(flatten)]
    inputs: ChartArguments,
    /// What to show
    #[arg(long, value_enum, value_name = "WHAT", default_value_t)]
    show: What,
    /// Show only what these templates make; may be repeated
    #[arg(short = 's', long, value_name = "TEMPLATE")]
    show_only: Vec<String>,
    /// Ask the target what it is like, instead of assuming the usual
    #[arg(long)]
    live: bool,
    /// Let the templates see an upgrade, not an install
    #[arg(long)]
    is_upgrade: bool,
}

/// What of a rendered chart is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum What {
    /// The platform's documents.
    #[default]
    Objects,
    /// The neutral documents, as the templates made them.
    Documents,
    /// The neutral app.
    App,
    /// The rendered NOTES.txt.
    Notes,
}

/// Renders a chart and shows what the platform would make of it.
pub(crate) async fn run(session: &Session, arguments: &Arguments) -> Ended {
    let parts = session.parts(!arguments.live)?;
    let request = TemplateRequest {
        name: arguments.name.clone(),
        namespace: parts.namespace.clone(),
        inputs: Session::chart(&arguments.chart, &arguments.inputs)?,
        is_upgrade: arguments.is_upgrade,
        facts: if arguments.live { FactsFrom::Target } else { FactsFrom::Defaults },
    };
    let watchdog = session.watchdog()?;
    let templated = rhumb_action::template(parts.target.backend.as_ref(), &request).await?;
    watchdog.rendered();
    parts.progress.finish();
    for warning in &templated.warnings {
        eprint!("{}", diagnostic_text(warning, session.paint()));
    }
    for loss in &templated.losses {
        session.say(&format!("loss: {}: {} ({})", loss.path, loss.text, loss.feature));
    }
    let is_plain = session.format() == Format::Table || arguments.show != What::Objects;
    if is_plain && session.format() != Format::Json {
        print(&text(arguments, &templated)?)?;
    } else {
        emit(session.format(), &templated, String::new)?;
    }
    Ok(Exit::Success)
}

fn text(arguments: &Arguments, templated: &Templated) -> Result<String, Failure> {
    match arguments.show {
        What::Documents => Ok(documents(templated, &arguments.show_only)),
        What::App => write(&templated.app),
        What::Notes => Ok(templated.notes.trim_end().to_owned() + "\n"),
        What::Objects if !arguments.show_only.is_empty() => Ok(documents(templated, &arguments.show_only)),
        What::Objects => manifest(&templated.objects),
    }
}

fn documents(templated: &Templated, only: &[String]) -> String {
    let is_wanted =
        |name: &String| only.is_empty() || only.iter().any(|wanted| name.ends_with(wanted.as_str()));
    let mut text = String::new();
    for document in templated.documents.iter().filter(|document| is_wanted(&document.template)) {
        text.push_str("---\n# ");
        text.push_str(&document.template);
        text.push('\n');
        text.push_str(document.text.trim());
        text.push('\n');
    }
    text
}

fn write(value: &impl serde::Serialize) -> Result<String, Failure> {
    yaml::to_string(value).map_err(|error| Failure::general(error.to_string()))
}
