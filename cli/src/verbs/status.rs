//! `rhumb status`.

use std::fmt::Write as _;

use clap::Args;
use rhumb_action::{Context, ReleaseStatus, StatusRequest};
use rhumb_backend::{ObjectHealth, State};

use super::deploy::change_text;
use super::{Ended, several};
use crate::exit::Exit;
use crate::output::{Paint, emit, table, time};
use crate::session::Session;

/// Arguments of `rhumb status`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The release's name
    #[arg(value_name = "NAME")]
    name: String,
    /// The revision [default: the latest]
    #[arg(long, value_name = "NUMBER")]
    revision: Option<u64>,
}

/// Shows a release.
pub(crate) async fn run(session: &Session, arguments: Arguments) -> Ended {
    let request = StatusRequest { name: arguments.name, revision: arguments.revision };
    if session.has_several_targets()? {
        let verb = async |context: &Context<'_>| rhumb_action::status(context, &request).await;
        return several::run(session, verb, |status| text(status, session.paint())).await;
    }
    let parts = session.parts(false)?;
    let status = parts.finish(rhumb_action::status(&parts.reading(), &request).await)?;
    emit(session.format(), &status, || text(&status, session.paint()))?;
    Ok(Exit::Success)
}

fn text(status: &ReleaseStatus, paint: Paint) -> String {
    let recorded = &status.recorded;
    let mut text = String::new();
    let _ = writeln!(text, "NAME:         {}", status.name);
    let _ = writeln!(text, "NAMESPACE:    {}", status.namespace);
    let _ = writeln!(text, "TARGET:       {}", status.target);
    let _ = writeln!(text, "REVISION:     {}", recorded.revision);
    let _ = writeln!(text, "STATUS:       {}", recorded.status);
    let _ = writeln!(text, "CHART:        {} {}", recorded.chart.name, recorded.chart.version);
    let _ = writeln!(text, "UPDATED:      {}", time(&recorded.updated));
    let _ = writeln!(text, "DESCRIPTION:  {}", recorded.description);
    if let Some(holder) = &status.changing {
        let _ = writeln!(text, "CHANGING:     {}@{} by `{}`", holder.user, holder.host, holder.command);
    }
    if !status.health.is_empty() {
        text.push('\n');
        text.push_str(&health(&status.health, paint));
    }
    for drift in &status.drift {
        let _ = writeln!(text, "{}: {}: {}", paint.changed("drift"), drift.id, drift.text);
        for change in &drift.changes {
            let _ = writeln!(text, "    {}", change_text(change, paint));
        }
    }
    for unreadable in &status.unreadable {
        let _ = writeln!(text, "{}: {}: {}", paint.bad("unreadable"), unreadable.id, unreadable.why);
    }
    if !status.notes.trim().is_empty() {
        let _ = writeln!(text, "\nNOTES:\n{}", status.notes.trim_end());
    }
    text
}

fn health(objects: &[ObjectHealth], paint: Paint) -> String {
    let rows = objects.iter().map(|object| {
        let state = match object.state {
            State::Ready => paint.good("ready"),
            State::Progressing => paint.changed("progressing"),
            State::Failed => paint.bad("failed"),
        };
        let message =
            object.failure.as_ref().map_or_else(|| object.message.clone(), |failure| failure.reason.clone());
        let same = objects.iter().filter(|other| other.workload == object.workload).count();
        let alone = object.workload.clone().filter(|_| same == 1);
        let name = alone.unwrap_or_else(|| object.id.to_string());
        [name, format!("{}/{}", object.ready, object.wanted), state, message]
    });
    table(["WORKLOAD", "READY", "STATE", "MESSAGE"], rows)
}

#[cfg(test)]
mod tests {
    use rhumb_backend::ObjectId;

    use super::*;

    #[test]
    fn objects_of_one_workload_are_told_apart() {
        let object = |id: &str, workload: &str| ObjectHealth {
            id: ObjectId::from(id),
            workload: Some(workload.to_owned()),
            state: State::Ready,
            ready: 1,
            wanted: 1,
            message: String::new(),
            failure: None,
        };
        let objects =
            [object("service/db-0", "db"), object("service/db-1", "db"), object("service/web", "web")];
        let text = health(&objects, Paint::plain());
        let names: Vec<&str> =
            text.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(names, ["service/db-0", "service/db-1", "web"]);
    }
}
