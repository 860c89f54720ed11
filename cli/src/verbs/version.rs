//! `rhumb version`.

use clap::Args;
use serde::Serialize;

use super::Ended;
use crate::exit::Exit;
use crate::output::emit;
use crate::registry;
use crate::session::Session;

/// Arguments of `rhumb version`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Print the number only
    #[arg(long)]
    short: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    version: &'static str,
    backends: &'static [&'static str],
}

/// Prints the version.
pub(crate) fn run(session: &Session, arguments: &Arguments) -> Ended {
    let version = Version { version: env!("CARGO_PKG_VERSION"), backends: registry::BACKENDS };
    emit(session.format(), &version, || {
        if arguments.short {
            return format!("{}\n", version.version);
        }
        format!("rhumb {} (backends: {})\n", version.version, version.backends.join(", "))
    })?;
    Ok(Exit::Success)
}
