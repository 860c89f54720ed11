//! The user's `session-manager-plugin`.

use std::process::Stdio;

use rhumb_backend::{Error, ErrorKind, Result};
use serde_json::Value;
use tokio::process::Command;

use crate::connect::{Account, Service};

const PLUGIN: &str = "session-manager-plugin";
/// The variable in which the plugin gets the session's token, which in an argument every user of the machine could read.
const RESPONSE: &str = "AWS_SSM_START_SESSION_RESPONSE";
/// The first version that reads it there. Source: the plugin's release notes.
const OLDEST: [u32; 3] = [1, 2, 497];
const INSTALL: &str = "install AWS's Session Manager plugin, which the AWS CLI needs for this, too: \
     https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html";

/// Sees whether the plugin is there and new enough.
///
/// # Errors
/// `Unsupported` when it is not.
pub(super) async fn check(account: &Account, operation: &'static str) -> Result<()> {
    let mut command = bare(account);
    let output = command.arg("--version").stdin(Stdio::null()).output().await;
    let output = output.map_err(|error| failed(operation, &error))?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or_default());
    let found: [u32; 3] = std::array::from_fn(|_| numbers.next().unwrap_or_default());
    if found >= OLDEST {
        return Ok(());
    }
    let wanted = OLDEST.map(|number| number.to_string()).join(".");
    let why = format!("{PLUGIN} is of version {version}, and at least {wanted} is needed");
    Err(Error::new(ErrorKind::Unsupported, operation, why).remedy(INSTALL))
}

/// The plugin for a session. `session` is what Systems Manager answered, `request` what it was asked.
///
/// Source: `awscli/customizations/sessionmanager.py` of the AWS CLI, on the order of the arguments.
pub(super) async fn command(account: &Account, session: &Value, request: &Value) -> Result<Command> {
    let mut command = bare(account);
    command
        .env(RESPONSE, session.to_string())
        .arg(RESPONSE)
        .arg(account.region().await?)
        .arg("StartSession")
        .arg(account.settings().profile.as_deref().unwrap_or_default())
        .arg(request.to_string())
        .arg(account.address(Service::Ssm).await?)
        .kill_on_drop(true);
    Ok(command)
}

fn bare(account: &Account) -> Command {
    let mut command = Command::new(PLUGIN);
    command.env_clear().envs(&account.environment().vars);
    command
}

/// The plugin cannot be started.
pub(super) fn failed(operation: &'static str, error: &std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::NotFound {
        let why = format!("{PLUGIN} is not installed");
        return Error::new(ErrorKind::Unsupported, operation, why).remedy(INSTALL);
    }
    Error::new(ErrorKind::Platform, operation, format!("{PLUGIN}: {error}")).remedy(INSTALL)
}
