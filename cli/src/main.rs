//! `rhumb`: Helm for every orchestrator.
//!
//! Only this crate prints, reads the environment, and knows every backend.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is the program that people talk to")]

mod arguments;
mod candidates;
mod config;
mod environment;
mod exit;
mod failure;
mod holder;
mod manifest;
mod output;
mod page;
mod progress;
mod reference;
mod registry;
mod session;
mod terminal;
mod verbs;
mod watchdog;

use std::process::ExitCode;

use crate::arguments::Cli;
use crate::environment::Environment;

fn main() -> ExitCode {
    let cli = Cli::read();
    let environment = Environment::read();
    let paint = output::Paint::new(cli.global.no_color, &environment);
    match verbs::run(cli, environment) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => {
            eprint!("{}", failure.text(paint));
            ExitCode::from(failure.exit.code())
        }
    }
}
