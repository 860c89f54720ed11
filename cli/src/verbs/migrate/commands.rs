//! The user's own commands.

use std::io;
use std::process::{Command, Stdio};

use async_trait::async_trait;
use rhumb_action::migrate::Commands;

/// Runs commands by the shell. What they print goes to standard error, because standard output is the verb's own.
#[derive(Debug)]
pub(super) struct Shell;

#[async_trait]
impl Commands for Shell {
    async fn run(&self, command: &str, variables: &[(&'static str, String)]) -> io::Result<Option<i32>> {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).stdin(Stdio::null()).stdout(io::stderr()).stderr(Stdio::inherit());
        shell.envs(variables.iter().map(|(name, value)| (name, value)));
        let ended = tokio::task::spawn_blocking(move || shell.status()).await;
        Ok(ended.map_err(io::Error::other)??.code())
    }
}
