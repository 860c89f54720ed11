//! How a helper's program is called.

use std::time::Duration;

/// What may be done to volumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// They are read and never written.
    ReadOnly,
    /// They are read and written.
    ReadWrite,
}

/// How a helper's program is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Where it listens.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The folder with its volumes.
    pub volumes: String,
    /// The folder with its secrets.
    pub secrets: String,
    /// The file with its identity.
    pub identity: String,
    /// What may be done to its volumes.
    pub access: Access,
    /// It ends when nobody was connected for this long.
    pub idle: Duration,
}

impl Command {
    /// The arguments.
    pub fn arguments(&self) -> Vec<String> {
        let listen = format!("{}:{}", self.host, self.port);
        let idle = self.idle.as_secs().max(1).to_string();
        let pairs = [
            ("--listen", &listen),
            ("--volumes", &self.volumes),
            ("--secrets", &self.secrets),
            ("--identity", &self.identity),
            ("--idle", &idle),
        ];
        let mut arguments = vec!["serve".to_owned()];
        arguments.extend(pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value.clone()]));
        if self.access == Access::ReadOnly {
            arguments.push("--read-only".to_owned());
        }
        arguments
    }
}
