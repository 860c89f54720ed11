//! `rhumb migrate cutover`: traffic goes to the destination from now on.

use rhumb_backend::{Error, ErrorKind};
use rhumb_release::Record;
use rhumb_spec::model::ExposeAs;
use serde::Serialize;

use super::sides::{At, Sides};
use super::state::{Stage, State, Store};
use super::verify::{Commands, insist_on, look_until_ready, started, variables};
use crate::ActionResult;
use crate::known::find_record;

/// What leads traffic to the destination.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CutOver {
    /// Where it stands.
    #[serde(flatten)]
    pub state: State,
    /// What the release answers to, and what therefore has to lead to the destination now.
    pub entrances: Vec<Entrance>,
    /// Whether the user's own command did it.
    pub is_led: bool,
}

/// A way into the release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entrance {
    /// A host name, or a workload's port.
    pub name: String,
    /// What kind of way it is.
    pub kind: &'static str,
}

/// Leads traffic to the destination by the user's command, or tells what is to be done. The source still rests.
///
/// # Errors
/// That one of the sides is not as it should be; that the command failed, in which case it can be made again.
pub async fn cutover(
    sides: &Sides<'_>,
    route: Option<&str>,
    commands: &dyn Commands,
    store: &Store,
) -> ActionResult<CutOver> {
    let mut journey = started(sides, store)?;
    let entrances = entrances(&find_record(&sides.to, sides.release, None).await?);
    if journey.state.stage >= Stage::CutOver {
        return Ok(CutOver { state: journey.state, entrances, is_led: false });
    }
    insist_on(&look_until_ready(&journey).await?)?;
    // From here on people may write at the destination.
    journey.reach(Stage::CuttingOver)?;
    if let Some(command) = route {
        lead(&sides.destination(), command, commands, &journey.state).await?;
    }
    journey.reach(Stage::CutOver)?;
    Ok(CutOver { state: journey.state, entrances, is_led: route.is_some() })
}

async fn lead(at: &At<'_>, command: &str, commands: &dyn Commands, state: &State) -> ActionResult<()> {
    at.doing(format!("running {command}"));
    let why = match commands.run(command, &variables(state)).await {
        Ok(Some(0)) => return Ok(()),
        Ok(Some(code)) => format!("it ended with {code}"),
        Ok(None) => "it was ended by a signal".to_owned(),
        Err(error) => error.to_string(),
    };
    let message = format!("the command that leads traffic to {} failed: {why}", state.to.target);
    let remedy = "`rhumb migrate cutover` again; or `rhumb migrate abort`, which copies the data back";
    Err(Error::new(ErrorKind::Platform, "lead the traffic", message).remedy(remedy).into())
}

fn entrances(record: &Record) -> Vec<Entrance> {
    let app = &record.app;
    let routes =
        app.routes.values().filter_map(|route| Some(Entrance { name: route.host.clone()?, kind: "host" }));
    let ports = app.workloads.iter().flat_map(|(name, workload)| {
        let outside = workload.expose.values().filter(|expose| expose.kind != ExposeAs::Internal);
        outside.map(move |expose| Entrance { name: format!("{name}:{}", expose.port), kind: "port" })
    });
    routes.chain(ports).collect()
}
