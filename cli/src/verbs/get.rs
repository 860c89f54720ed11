//! `rhumb get`.

use clap::{Args, Subcommand};
use rhumb_action::{GetRequest, Recorded};
use serde::Serialize;

use super::{Ended, deploy};
use crate::arguments::Format;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::manifest::manifest;
use crate::output::{Paint, emit, print};
use crate::session::Session;

/// Arguments of `rhumb get`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The values that the user gave; with --all, those that the chart was rendered with
    Values(ValuesArguments),
    /// The platform's documents
    Manifest(Revision),
    /// The neutral app
    App(Revision),
    /// The rendered NOTES.txt
    Notes(Revision),
    /// What the chart asked for and did not get as asked
    Losses(Revision),
    /// Everything
    All(Revision),
}

#[derive(Debug, Args)]
struct ValuesArguments {
    #[command(flatten)]
    revision: Revision,
    /// Everything that the chart was rendered with
    #[arg(short = 'a', long)]
    all: bool,
}

#[derive(Debug, Args)]
struct Revision {
    /// The release's name
    #[arg(value_name = "NAME")]
    name: String,
    /// The revision [default: the latest]
    #[arg(long, value_name = "NUMBER")]
    revision: Option<u64>,
}

/// Shows what is recorded of a revision.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let parts = session.parts(false)?;
    let (What::Manifest(revision)
    | What::App(revision)
    | What::Notes(revision)
    | What::Losses(revision)
    | What::All(revision)
    | What::Values(ValuesArguments { revision, .. })) = &arguments.what;
    let request = GetRequest { name: revision.name.clone(), revision: revision.revision };
    let recorded = parts.finish(rhumb_action::get(&parts.reading(), &request).await)?;
    let format = session.format();
    match &arguments.what {
        What::Values(values) if values.all => show(format, &recorded.values)?,
        What::Values(_) => show(format, &recorded.user_values)?,
        What::Manifest(_) if format == Format::Table => print(&manifest(&recorded.objects)?)?,
        What::Manifest(_) => emit(format, &recorded.objects, String::new)?,
        What::App(_) => show(format, &recorded.app)?,
        What::Notes(_) => emit(format, &recorded.notes, || recorded.notes.trim_end().to_owned() + "\n")?,
        What::Losses(_) => emit(format, &recorded.losses, || losses(&recorded, session.paint()))?,
        What::All(_) => show(format, &recorded)?,
    }
    Ok(Exit::Success)
}

fn show(format: Format, value: &impl Serialize) -> Result<(), Failure> {
    let format = if format == Format::Table { Format::Yaml } else { format };
    emit(format, value, String::new)
}

fn losses(recorded: &Recorded, paint: Paint) -> String {
    if recorded.losses.is_empty() {
        return "Nothing was lost.\n".to_owned();
    }
    deploy::losses(&recorded.losses, paint)
}
