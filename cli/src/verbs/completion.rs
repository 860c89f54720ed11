//! `rhumb completion`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::Ended;
use crate::arguments::Cli;
use crate::exit::Exit;
use crate::output::print;

/// Arguments of `rhumb completion`.
#[derive(Debug, Args)]
#[command(after_help = "For bash: source <(rhumb completion bash)")]
pub(crate) struct Arguments {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints a completion script.
pub(crate) fn run(arguments: &Arguments) -> Ended {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Cli::command(), "rhumb", &mut script);
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}
