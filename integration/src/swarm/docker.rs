//! The docker CLI, as a witness that shares no code with ours.

use std::process::{Command, Output};

use serde_json::Value;

/// The docker CLI, talking to one engine.
#[derive(Clone, Debug)]
pub struct Docker {
    host: String,
}

impl Docker {
    /// The CLI for the engine at a `DOCKER_HOST`.
    pub fn new(host: impl Into<String>) -> Self {
        Self { host: host.into() }
    }

    /// The engine's `DOCKER_HOST`.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Runs a command and returns what it printed, without the last line's end.
    ///
    /// # Errors
    /// What it printed on standard error, when it failed.
    pub fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let output = self.output(arguments)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        if output.status.success() {
            return Ok(text(&output.stdout));
        }
        Err(format!("docker {}: {}{}", arguments.join(" "), text(&output.stdout), text(&output.stderr)))
    }

    /// Runs a command, whatever its exit code.
    ///
    /// # Errors
    /// When the CLI itself cannot be started.
    pub fn output(&self, arguments: &[&str]) -> Result<Output, String> {
        let mut command = Command::new("docker");
        command
            .args(["-H", &self.host])
            .args(arguments)
            .env_remove("DOCKER_HOST")
            .env_remove("DOCKER_CONTEXT");
        command.output().map_err(|error| format!("docker: {error}"))
    }

    /// The JSON of `docker KIND inspect` for one object: a `service`, `config`, `container` …
    ///
    /// # Errors
    /// When there is no such object.
    pub fn inspect(&self, kind: &str, name: &str) -> Result<Value, String> {
        let text = self.run(&[kind, "inspect", name])?;
        let list: Vec<Value> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        list.into_iter().next().ok_or_else(|| format!("no {kind} {name}"))
    }

    /// The lines of a listing, such as `["service", "ls", "-q"]`.
    ///
    /// # Errors
    /// What the CLI says.
    pub fn lines(&self, arguments: &[&str]) -> Result<Vec<String>, String> {
        Ok(self.run(arguments)?.lines().map(str::to_owned).collect())
    }

    /// The ids of this engine's running containers of a service, by the service's whole name.
    ///
    /// # Errors
    /// What the CLI says.
    pub fn containers(&self, service: &str) -> Result<Vec<String>, String> {
        let filter = format!("label=com.docker.swarm.service.name={service}");
        self.lines(&["ps", "-q", "--no-trunc", "--filter", &filter])
    }

    /// Runs a command in a container and returns what it printed.
    ///
    /// # Errors
    /// What it printed, when it failed.
    pub fn exec(&self, container: &str, command: &[&str]) -> Result<String, String> {
        self.run(&[&["exec", container], command].concat())
    }
}
