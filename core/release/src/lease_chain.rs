//! The links of a lease, and who holds them.

use std::fmt;
use std::time::Duration;

use rhumb_backend::{ErrorKind, Result, Scope};
use serde::{Deserialize, Serialize};

use crate::{Entry, EntryKind, Filter, Key, Meta, Storage};

/// Who holds a lease: a process, and how people call it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Holder {
    /// The machine's name.
    pub host: String,
    /// The user on it.
    pub user: String,
    /// What is being done: `rhumb upgrade shop`. It holds no values.
    pub command: String,
    /// Since when, in RFC 3339. For people only.
    pub since: String,
    /// The process, in its own pid namespace.
    pub pid: u32,
    /// When the process was started, in a form of the system's own. Tells it from a later process of the same number.
    pub started: String,
    /// The id of the machine's boot; empty where there is none.
    pub boot: String,
    /// The pid namespace; empty where there is none.
    pub pid_namespace: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}@{}", or_unknown(&self.user), or_unknown(&self.host))?;
        if !self.command.is_empty() {
            write!(formatter, " with `{}`", self.command)?;
        }
        write!(formatter, " (process {})", self.pid)?;
        if !self.since.is_empty() {
            write!(formatter, " since {}", self.since)?;
        }
        Ok(())
    }
}

fn or_unknown(text: &str) -> &str {
    if text.is_empty() { "unknown" } else { text }
}

/// Whether a process is still there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It is.
    Alive,
    /// It was on this machine and is not any more.
    Gone,
    /// It is on another machine, or this one cannot tell.
    Unknown,
}

/// Tells whether a holder's process is still there.
pub trait Liveness: Send + Sync {
    /// Whether the holder's process is still there. `Gone` is said only when that is certain.
    fn life(&self, holder: &Holder) -> Life;
}

/// Knows of no process. With it a dead holder is found out by time alone.
#[derive(Clone, Copy, Debug, Default)]
pub struct NobodyKnows;

impl Liveness for NobodyKnows {
    fn life(&self, _holder: &Holder) -> Life {
        Life::Unknown
    }
}

/// One link, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) number: u64,
    /// Tells this link from one of the same number that was made after the chain was deleted.
    pub(crate) token: String,
    pub(crate) ttl: Duration,
    /// Signs of life so far.
    pub(crate) counter: u64,
    pub(crate) released: bool,
    pub(crate) version: String,
}

impl Link {
    fn meta(&self) -> Meta {
        let millis = u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX);
        Meta::from([
            ("token".to_owned(), self.token.clone()),
            ("ttl".to_owned(), millis.to_string()),
            ("counter".to_owned(), self.counter.to_string()),
            ("released".to_owned(), self.released.to_string()),
        ])
    }

    fn read(entry: &Entry) -> Option<Self> {
        let text = |key: &str| entry.meta.get(key).map_or("", String::as_str);
        let number = |key: &str| text(key).parse::<u64>().ok();
        Some(Self {
            number: entry.key.name.parse().ok()?,
            token: text("token").to_owned(),
            ttl: number("ttl").map_or(crate::DEFAULT_TTL, Duration::from_millis),
            counter: number("counter").unwrap_or_default(),
            released: text("released") == "true",
            version: entry.version.clone(),
        })
    }
}

/// The links of one release's lease.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chain<'a> {
    pub(crate) storage: &'a dyn Storage,
    pub(crate) scope: &'a Scope,
}

impl Chain<'_> {
    /// Every link, the highest last.
    pub(crate) async fn links(&self) -> Result<Vec<Link>> {
        let entries = self.storage.list(EntryKind::Lease, &Filter::from(self.scope)).await?;
        let mut links: Vec<Link> = entries.iter().filter_map(Link::read).collect();
        links.sort_by_key(|link| link.number);
        Ok(links)
    }

    /// Makes a link, whose version is set; none when its number is taken.
    pub(crate) async fn forge(&self, mut link: Link, holder: &Holder) -> Result<Option<Link>> {
        let value = serde_json::to_vec(holder).unwrap_or_default();
        match self.storage.create(&self.key(link.number), &link.meta(), &value).await {
            Ok(version) => link.version = version,
            // It may be ours, made by an attempt whose answer was lost.
            Err(error) if error.kind == ErrorKind::AlreadyExists => {
                return Ok(self.find(link.number).await?.filter(|found| found.token == link.token));
            }
            Err(error) => return Err(error),
        }
        Ok(Some(link))
    }

    /// The link of this number; none when it is gone.
    pub(crate) async fn find(&self, number: u64) -> Result<Option<Link>> {
        Ok(self.storage.read(&self.key(number)).await?.as_ref().and_then(Link::read))
    }

    /// Writes a link's counter and state, and returns its new version.
    pub(crate) async fn write(&self, link: &Link) -> Result<String> {
        self.storage.update(&self.key(link.number), &link.meta(), &link.version).await
    }

    /// Who made a link. One whose text cannot be read is nobody known.
    pub(crate) async fn holder(&self, number: u64) -> Result<Holder> {
        let entry = self.storage.read(&self.key(number)).await?;
        Ok(entry.and_then(|entry| serde_json::from_slice(&entry.value).ok()).unwrap_or_default())
    }

    /// Removes links from the lowest to the highest, so that what is left is never without its highest.
    pub(crate) async fn remove(&self, links: &[Link]) -> Result<()> {
        for link in links {
            self.storage.delete(&self.key(link.number)).await?;
        }
        Ok(())
    }

    fn key(&self, number: u64) -> Key {
        Key {
            kind: EntryKind::Lease,
            namespace: self.scope.namespace.clone(),
            release: self.scope.release.clone(),
            name: number.to_string(),
        }
    }
}
