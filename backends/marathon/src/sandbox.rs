//! The files of tasks, on the agents that they run on.

use rhumb_backend::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::Value;

use crate::connect::{Call, Server, Service};
use crate::document::{items, text};
use crate::error::unexpected;

/// Where Mesos' agents listen if nobody says otherwise.
const AGENT_PORT: u16 = 5051;

/// An agent, and the sandboxes that it has.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    service: Service,
    prefix: String,
    state: Value,
}

/// A file of a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) is_error: bool,
}

/// A piece of a file; with an offset of -1 none of it, and how long it is.
///
/// Source: Mesos documentation, HTTP endpoint `/files/read`.
#[derive(Clone, Debug, Default, Deserialize)]
struct Piece {
    data: String,
    offset: u64,
}

const READ: &str = "read the task's output";

impl Agent {
    /// Reads which sandboxes an agent has: over DC/OS' Admin Router, else at the address that the Mesos master tells, else
    /// at the host's name.
    ///
    /// # Errors
    /// `Unreachable` and the like, with where else the output is.
    pub(crate) async fn read(server: &Server, id: &str, host: Option<&str>) -> Result<Self> {
        let (service, prefix) = place(server, id, host).await.map_err(|error| elsewhere(error, host))?;
        let call =
            Call::get("read the agent's sandboxes", format!("{prefix}/slave(1)/state")).of(service.clone());
        let state = server.json(call).await.map_err(|error| elsewhere(error, host))?;
        Ok(Self { service, prefix, state })
    }

    /// The files with the output of a task: of its executor, or, for a container of a pod, of its own folder below that of
    /// the pod's.
    ///
    /// Source: Mesos documentation, "Sandbox".
    pub(crate) fn files(&self, task: &str) -> Vec<File> {
        let executors = ["/executors", "/completed_executors"];
        let frameworks =
            ["/frameworks", "/completed_frameworks"].into_iter().flat_map(|list| items(&self.state, list));
        let mut all =
            frameworks.flat_map(|framework| executors.iter().flat_map(|list| items(framework, list)));
        let folder = all.find_map(|executor| folder(executor, task)).unwrap_or_default();
        if folder.is_empty() {
            return Vec::new();
        }
        let file = |name: &str, is_error| File { path: format!("{folder}/{name}"), is_error };
        vec![file("stdout", false), file("stderr", true)]
    }

    /// The text of a file from a place on, at most so many bytes of it, and where it goes on.
    ///
    /// What tasks print need not be text: bytes that are none are replaced, so that the length of what came is not always
    /// the length of what was read.
    ///
    /// # Errors
    /// `NotFound` for a file that is not there; what the agent answers.
    pub(crate) async fn text(
        &self,
        server: &Server,
        path: &str,
        from: u64,
        length: u64,
    ) -> Result<(String, u64)> {
        let query = [("offset", from.to_string()), ("length", length.to_string())];
        let text = self.read_file(server, path, &query).await?.data;
        let read = text.len() as u64;
        let next = if !text.contains(char::REPLACEMENT_CHARACTER) {
            from + read
        } else if read >= length {
            from + length
        } else {
            self.end(server, path).await?.max(from)
        };
        Ok((text, next))
    }

    /// How long a file is, in bytes.
    ///
    /// # Errors
    /// As [`Self::text`].
    pub(crate) async fn end(&self, server: &Server, path: &str) -> Result<u64> {
        Ok(self.read_file(server, path, &[("offset", "-1".to_owned())]).await?.offset)
    }

    async fn read_file(
        &self,
        server: &Server,
        path: &str,
        query: &[(&'static str, String)],
    ) -> Result<Piece> {
        let mut call = Call::get(READ, format!("{}/files/read", self.prefix)).query("path", path);
        for (name, value) in query {
            call = call.query(name, value.clone());
        }
        let answer = server.send(call.of(self.service.clone())).await?;
        serde_json::from_str(&String::from_utf8_lossy(&answer.body))
            .map_err(|error| unexpected(READ, &self.service, &error.to_string()))
    }
}

fn folder(executor: &Value, task: &str) -> Option<String> {
    let directory = text(executor, "/directory")?;
    let lists = ["/tasks", "/queued_tasks", "/completed_tasks"];
    let mut tasks = lists.iter().flat_map(|list| items(executor, list));
    if text(executor, "/id") == Some(task) {
        return Some(directory.to_owned());
    }
    let is_command = |id: Option<&str>| id.is_some_and(str::is_empty);
    tasks.any(|known| text(known, "/id") == Some(task)).then(|| {
        // A command's executor bears its task's name or none; that of a pod has a folder for each of its tasks.
        if is_command(text(executor, "/id")) {
            directory.to_owned()
        } else {
            format!("{directory}/tasks/{task}")
        }
    })
}

async fn place(server: &Server, id: &str, host: Option<&str>) -> Result<(Service, String)> {
    if server.has(&Service::Cluster)? {
        return Ok((Service::Cluster, format!("/agent/{id}")));
    }
    let master = server.info().await?.marathon_config.mesos_leader_ui_url.clone();
    let told = match master {
        Some(master) => {
            let call = Call::get("list the agents", "/slaves").of(Service::Told(master));
            let agents = server.json::<Value>(call).await.unwrap_or_default();
            let agent = items(&agents, "/slaves").find(|agent| text(agent, "/id") == Some(id));
            agent.and_then(|agent| Some(text(agent, "/pid")?.split_once('@')?.1.to_owned()))
        }
        None => None,
    };
    let address = told.or_else(|| host.map(|host| format!("{host}:{AGENT_PORT}")));
    address.map(|address| (Service::Told(format!("http://{address}")), String::new())).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "find the agent", "nobody tells where the agent is").with("agent", id)
    })
}

fn elsewhere(error: Error, host: Option<&str>) -> Error {
    let place = host.map(|host| format!(" on {host}")).unwrap_or_default();
    error.remedy(format!(
        "the output of a task is in its sandbox{place}: Mesos' own pages show it, and so does `dcos task log` on DC/OS"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_folder_is_that_of_the_executor_or_of_the_pods_task() {
        let state = json!({ "frameworks": [{ "executors": [
            { "id": "app.1", "directory": "/s/app.1", "tasks": [{ "id": "app.1" }] },
            { "id": "", "directory": "/s/cmd", "tasks": [{ "id": "cmd.1" }] },
        ], "completed_executors": [
            { "id": "pod.1", "directory": "/s/pod.1", "completed_tasks": [{ "id": "pod.1.main" }] },
        ] }] });
        let agent = Agent { service: Service::Cluster, prefix: String::new(), state };
        let path = |task: &str| agent.files(task).first().map(|file| file.path.clone());
        assert_eq!(path("app.1").as_deref(), Some("/s/app.1/stdout"));
        assert_eq!(path("cmd.1").as_deref(), Some("/s/cmd/stdout"));
        assert_eq!(path("pod.1.main").as_deref(), Some("/s/pod.1/tasks/pod.1.main/stdout"));
        assert_eq!(path("other"), None);
    }
}
