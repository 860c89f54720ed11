//! `rhumb uninstall`.

use std::fmt::Write as _;
use std::time::Duration;

use clap::Args;
use rhumb_action::{
    ActionResult, Context, Execution, HistoryAfter, IgnoreAbsent, UninstallRequest, Uninstalled, Wait,
};

use super::{Ended, deploy, several};
use crate::arguments::duration;
use crate::exit::Exit;
use crate::failure::diagnostic_text;
use crate::output::{Paint, emit};
use crate::session::Session;

/// Arguments of `rhumb uninstall`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Arguments {
    /// The releases' names
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    /// Keep the records, so that a rollback can bring the release back
    #[arg(long)]
    keep_history: bool,
    /// A release that is not there is no failure
    #[arg(long)]
    ignore_not_found: bool,
    /// Wait until everything is gone
    #[arg(long)]
    wait: bool,
    /// How long everything may take
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration)]
    timeout: Duration,
    /// Show what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// What the record says, when it is kept
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

impl Arguments {
    fn requests(&self) -> Vec<UninstallRequest> {
        let request = |name: &String| UninstallRequest {
            name: name.clone(),
            history: if self.keep_history { HistoryAfter::Keep } else { HistoryAfter::Remove },
            absent: if self.ignore_not_found { IgnoreAbsent::Ignore } else { IgnoreAbsent::Fail },
            wait: if self.wait { Wait::Ready } else { Wait::Applied },
            timeout: self.timeout,
            execution: if self.dry_run { Execution::DryRun } else { Execution::Apply },
            description: self.description.clone(),
        };
        self.names.iter().map(request).collect()
    }
}

/// Removes releases.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let requests = arguments.requests();
    let all =
        |removed: &Vec<Uninstalled>| removed.iter().map(|one| text(one, session.paint())).collect::<String>();
    if session.has_several_targets()? {
        let verb = async |context: &Context<'_>| uninstall(context, &requests).await;
        return several::run(session, verb, all).await;
    }
    let parts = session.parts(false)?;
    let removed = parts.finish(uninstall(&parts.context(), &requests).await)?;
    emit(session.format(), &removed, || all(&removed))?;
    Ok(Exit::Success)
}

async fn uninstall(context: &Context<'_>, requests: &[UninstallRequest]) -> ActionResult<Vec<Uninstalled>> {
    let mut removed = Vec::new();
    for request in requests {
        removed.push(rhumb_action::uninstall(context, request).await?);
    }
    Ok(removed)
}

fn text(removed: &Uninstalled, paint: Paint) -> String {
    if !removed.found {
        return format!("There is no release {}\n", removed.name);
    }
    let mut text = String::new();
    if removed.execution == Execution::DryRun {
        text.push_str(&deploy::plan(&removed.plan, paint));
        let _ = writeln!(text, "Nothing was changed: this was a dry run of removing {}.", removed.name);
    } else {
        let _ = writeln!(text, "Removed {} ({})", removed.name, deploy::summary(&removed.plan));
    }
    for id in &removed.kept {
        let _ = writeln!(text, "Kept {id}");
    }
    for warning in &removed.warnings {
        text.push_str(&diagnostic_text(warning, paint));
    }
    text
}
