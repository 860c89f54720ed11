//! Getting into tasks, where Mesos lets us.

use std::time::Duration;

use rhumb_backend::{Duplex, Error, ErrorKind, Place, Result, Scope};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::connect::Server;
use crate::document::{items, text};
use crate::kind::Kind;
use crate::runtime::{Running, all_tasks, running};

/// How long a connection to a task may take to come about.
const CONNECT: Duration = Duration::from_secs(10);

/// Says how else a command is run in a container: neither Marathon nor Mesos' agents do it over an API that their own tools
/// share with others.
///
/// # Errors
/// `NotFound` for a workload or task that is not there; else always `Unsupported`.
pub(crate) async fn exec(server: &Server, scope: &Scope, place: &Place) -> Result<i32> {
    let running = running(server, scope, Some(&place.workload)).await?;
    let (_, task) = chosen(&running, place)?;
    let (id, host) = (text(task, "/id").unwrap_or_default(), text(task, "/host").unwrap_or("its agent"));
    let message = "Marathon has no call that runs a command in a task";
    Err(Error::new(ErrorKind::Unsupported, "run a command", message).with("task", id).remedy(format!(
        "`dcos task exec --interactive --tty {id} <command>` on DC/OS, else `docker exec` on {host}"
    )))
}

/// Opens a connection to a port of a task: at its own address where it has one, else at its agent's, which must be
/// reachable from here.
///
/// # Errors
/// `NotFound` for a workload, task or port that is not there; `Unreachable`.
pub(crate) async fn connect(
    server: &Server,
    scope: &Scope,
    place: &Place,
    port: u16,
) -> Result<Box<dyn Duplex>> {
    let running = running(server, scope, Some(&place.workload)).await?;
    let (app, task) = chosen(&running, place)?;
    let (host, number) = address(&app.document, task, port).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "connect to the port", "no port of the task's agent leads to it")
            .with("port", port.to_string())
            .remedy("expose the port in the chart")
    })?;
    let about = |kind, message: String| {
        Error::new(kind, "connect to the port", message).with("address", format!("{host}:{number}")).remedy(
            "agents are often not reachable from outside: use a tunnel to the cluster (`dcos tunnel vpn`), or marathon-lb",
        )
    };
    match tokio::time::timeout(CONNECT, TcpStream::connect((host.as_str(), number))).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(error)) => Err(about(ErrorKind::Unreachable, error.to_string())),
        Err(_) => Err(about(ErrorKind::Timeout, "nobody answered".to_owned())),
    }
}

/// The task that is meant: the one that is named, else one that runs.
fn chosen<'a>(running: &'a [Running], place: &Place) -> Result<(&'a Running, &'a Value)> {
    let named = |app: &Running, task: &Value| {
        let id = text(task, "/id").unwrap_or_default();
        place.task.as_deref().is_none_or(|wanted| {
            wanted == id || all_tasks(app).iter().any(|task| task.id == id && task.name == wanted)
        })
    };
    let all = running.iter().filter(|running| running.kind == Kind::App);
    let mut tasks = all.flat_map(|app| items(&app.document, "/tasks").map(move |task| (app, task)));
    let found = tasks.find(|(app, task)| text(task, "/state") == Some("TASK_RUNNING") && named(app, task));
    found.ok_or_else(|| {
        let error = Error::new(ErrorKind::NotFound, "find the task", "no such task of the workload runs");
        error.with("workload", place.workload.clone()).remedy("`rhumb ps` shows what runs")
    })
}

/// Where a port of a container is reached.
fn address(app: &Value, task: &Value, port: u16) -> Option<(String, u16)> {
    let host = text(task, "/host")?;
    let ports: Vec<u16> =
        items(task, "/ports").filter_map(Value::as_u64).filter_map(|port| u16::try_from(port).ok()).collect();
    let has = |mapping: &Value| mapping.get("containerPort").and_then(Value::as_u64) == Some(port.into());
    if let Some(place) = items(app, "/container/portMappings").position(has) {
        let own = items(task, "/ipAddresses").find_map(|address| text(address, "/ipAddress"));
        return match ports.get(place) {
            Some(number) => Some((host.to_owned(), *number)),
            None => own.map(|own| (own.to_owned(), port)),
        };
    }
    ports.contains(&port).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_port_is_reached_at_the_agent_or_at_the_tasks_own_address() {
        let app =
            json!({ "container": { "portMappings": [{ "containerPort": 80 }, { "containerPort": 81 }] } });
        let bridged = json!({ "host": "n1", "ports": [31_000, 31_001] });
        assert_eq!(address(&app, &bridged, 81), Some(("n1".to_owned(), 31_001)));
        assert_eq!(address(&app, &bridged, 82), None);
        let own = json!({ "host": "n1", "ipAddresses": [{ "ipAddress": "9.0.1.2" }] });
        assert_eq!(address(&app, &own, 80), Some(("9.0.1.2".to_owned(), 80)));
        let on_host = json!({ "host": "n1", "ports": [8080] });
        assert_eq!(address(&json!({}), &on_host, 8080), Some(("n1".to_owned(), 8080)));
    }
}
