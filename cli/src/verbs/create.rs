//! `rhumb create`.

use std::path::PathBuf;

use clap::Args;
use rhumb_action::CreateRequest;

use super::Ended;
use crate::exit::Exit;
use crate::output::emit;
use crate::session::Session;

/// Arguments of `rhumb create`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The chart's name, or a path that ends in it
    #[arg(value_name = "NAME")]
    name: PathBuf,
}

/// Makes a chart.
pub(crate) fn run(session: &Session, arguments: &Arguments) -> Ended {
    let name = arguments.name.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let parent = arguments.name.parent().map(PathBuf::from).unwrap_or_default();
    let created = rhumb_action::create(&CreateRequest { name: name.clone(), parent })?;
    emit(session.format(), &created, || {
        format!(
            "Made {}. Look at values.yaml, then try\n  rhumb lint {0}\n  rhumb install {name} {0} --target memory\n",
            created.path.display()
        )
    })?;
    Ok(Exit::Success)
}
