//! Asking the servers what lowering must know, and checking a target's settings against it.

mod verify;

use std::collections::BTreeSet;

use futures_util::future::try_join4;
use rhumb_backend::{ErrorKind, Facts, Result, Scope, Survey};
use rhumb_spec::App;
use rhumb_spec::model::Mode;
use serde_json::Value;

use crate::connect::{Call, Info, Server, Service};
use crate::document::{items, text};
use crate::facts::{MarathonFacts, Naming};
use crate::{NAME, names};

pub(crate) use verify::verify;

/// Asks the servers what lowering must know.
///
/// Agents are counted only for an app that runs on each of them, and service ports of others are only those that the app
/// asks for: facts go into records.
///
/// # Errors
/// What the servers answer.
pub(crate) async fn survey(server: &Server, scope: &Scope, app: &App, survey: &Survey<'_>) -> Result<Facts> {
    let info = server.info().await?;
    let previous = survey.previous.and_then(|facts| facts.read::<MarathonFacts>().ok());
    let is_global = app.workloads.values().any(|workload| workload.mode == Mode::Global);
    let known = previous.map_or(1, |facts| facts.agents);
    let agents = async { if is_global { agents(server, info, known).await } else { Ok(known) } };
    let (metronome, secrets, agents, service_ports) = try_join4(
        answers(server, Service::Metronome),
        answers(server, Service::Secrets),
        agents,
        service_ports(server, scope, app),
    )
    .await?;
    let is_cluster = server.has(&Service::Cluster)?;
    let settings = server.settings();
    let assumed = MarathonFacts::assumed(settings);
    let has = |feature: &str| info.marathon_config.features.iter().flatten().any(|found| found == feature);
    let facts = MarathonFacts {
        version: info.version.clone(),
        secrets: settings.secrets.unwrap_or(secrets && has("secrets")),
        external_volumes: has("external_volumes"),
        gpus: has("gpu_resources"),
        metronome,
        chronos: answers(server, Service::Chronos).await?,
        network: settings.network.clone().or_else(|| network(info, is_cluster)),
        naming: settings.naming.unwrap_or(if is_cluster { Naming::Vip } else { Naming::MesosDns }),
        agents,
        service_ports,
        ..assumed
    };
    Facts::from_data(NAME, true, &facts)
}

/// The virtual network that DC/OS sets up, or the one that Marathon gives apps which name none.
fn network(info: &Info, is_cluster: bool) -> Option<String> {
    if is_cluster { Some("dcos".to_owned()) } else { info.marathon_config.default_network_name.clone() }
}

/// Whether a server is there and answers. One that the target names and that does not answer is an error.
///
/// # Errors
/// What the server answers, but that it is not there.
pub(super) async fn answers(server: &Server, service: Service) -> Result<bool> {
    if !server.has(&service)? {
        return Ok(false);
    }
    let settings = server.settings();
    let (call, named) = match service {
        Service::Metronome => (Call::get("look for Metronome", "/v1/jobs"), &settings.metronome),
        Service::Chronos => (Call::get("look for Chronos", "/v1/scheduler/jobs"), &settings.chronos),
        // The folder of all records, which nobody reads: whether there is a store is all that is asked.
        _ => (
            Call::get("look for the secret store", "/secret/default/").query("list", "true"),
            &settings.secret_store,
        ),
    };
    match server.send(call.of(service.clone())).await {
        Ok(answer) => Ok(serde_json::from_slice::<Value>(&answer.body).is_ok()),
        // The store may be closed to us but for the release's own folder.
        Err(error) if service == Service::Secrets && error.kind == ErrorKind::Forbidden => Ok(true),
        Err(error) if error.kind == ErrorKind::NotFound && named.is_none() => Ok(false),
        Err(error) => Err(error),
    }
}

/// How many agents there are: as the Mesos master tells, else as many as run something, else as before.
async fn agents(server: &Server, info: &Info, known: u32) -> Result<u32> {
    let master = match &info.marathon_config.mesos_leader_ui_url {
        _ if server.has(&Service::Cluster)? => Some((Service::Cluster, "/mesos/slaves")),
        Some(master) => Some((Service::Told(master.clone()), "/slaves")),
        None => None,
    };
    if let Some((service, path)) = master {
        match server.json::<Value>(Call::get("count the agents", path).of(service)).await {
            Ok(found) => return Ok(active(&found).max(1)),
            Err(error) => tracing::debug!(%error, "the master does not tell of its agents"),
        }
    }
    let tasks = server.json::<Value>(Call::get("list the tasks", "/v2/tasks")).await?;
    let hosts: BTreeSet<&str> = items(&tasks, "/tasks").filter_map(|task| text(task, "/host")).collect();
    Ok(u32::try_from(hosts.len()).unwrap_or(u32::MAX).max(known))
}

fn active(found: &Value) -> u32 {
    let is_active = |agent: &&Value| agent.get("active") != Some(&Value::Bool(false));
    u32::try_from(items(found, "/slaves").filter(is_active).count()).unwrap_or(u32::MAX)
}

/// Service ports that the app asks for and that apps have which are not the release's own.
async fn service_ports(server: &Server, scope: &Scope, app: &App) -> Result<Vec<u16>> {
    let exposed = app.workloads.values().flat_map(|workload| workload.expose.values());
    let wanted: BTreeSet<u16> =
        exposed.flat_map(|expose| [Some(expose.port), expose.internal_port]).flatten().collect();
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let found = server.json::<Value>(Call::get("list the apps", "/v2/apps")).await?;
    let group = format!("{}/", names::group(scope));
    let is_other = |app: &&Value| text(app, "/id").is_some_and(|id| !id.starts_with(&group));
    let others = items(&found, "/apps").filter(is_other);
    let taken: BTreeSet<u16> = others.flat_map(ports_of).filter(|port| wanted.contains(port)).collect();
    Ok(taken.into_iter().collect())
}

fn ports_of(app: &Value) -> Vec<u16> {
    let mapped = items(app, "/container/portMappings").filter_map(|port| port.get("servicePort"));
    let defined = items(app, "/portDefinitions").filter_map(|port| port.get("port"));
    let ports = mapped.chain(defined).filter_map(Value::as_u64);
    ports.filter_map(|port| u16::try_from(port).ok()).filter(|port| *port > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn agents_that_left_do_not_count() {
        assert_eq!(active(&json!({ "slaves": [{ "active": true }, { "active": false }, {}] })), 2);
    }

    #[test]
    fn both_kinds_of_ports_are_taken() {
        let app = json!({
            "container": { "portMappings": [{ "servicePort": 9000 }, { "servicePort": 0 }, {}] },
            "portDefinitions": [{ "port": 8080 }],
        });
        assert_eq!(ports_of(&app), [9000, 8080]);
    }
}
