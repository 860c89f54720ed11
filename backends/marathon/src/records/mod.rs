//! Releases kept in Marathon itself, in the labels of suspended apps.
//!
//! Marathon keeps nothing but apps. A record is an app that never runs, whose label holds a text. It has no ports, so it
//! takes none of those that Marathon gives away. It lies outside of every release's group and bears no release's marks, so
//! observing one does not read it.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use rhumb_backend::{Error, ErrorKind, Result, Retry, Scope};
use rhumb_release::drivers::{Chained, CreateOnly};
use rhumb_release::{Entry, EntryKind, Filter, Key, Meta, Storage};
use serde_json::{Value, json};

use crate::Marathon;
use crate::connect::{Call, Server};
use crate::document::{items, label, text};
use crate::kind::Kind;
use crate::names;
use crate::observe::{apps, document};

/// The group of all records.
const ROOT: &str = "/rhumb/records";
/// The label with the text.
const RECORD: &str = "rhumb.dev/record";
/// The most bytes in one label. Marathon writes an app into one node of `ZooKeeper`, which holds a million, and shows
/// labels in lists of apps, which should stay readable.
const TEXT_LIMIT: usize = 48 * 1024;
/// The most bytes of chunks that one release may have: every list of all apps shows them.
const RELEASE_LIMIT: usize = 256 * 1024;
/// Calls at one time.
const CONCURRENCY: usize = 8;

const WRITE: &str = "write the release's record";
const REMOVE: &str = "remove the release's record";

/// Releases kept in the labels of suspended apps under `/rhumb/records`.
#[derive(Debug)]
pub struct MarathonStorage {
    chained: Chained<Apps>,
    server: Arc<Server>,
}

impl MarathonStorage {
    /// The storage of a Marathon.
    pub fn new(marathon: &Marathon) -> Self {
        let server = Arc::clone(&marathon.server);
        Self { chained: Chained::new(Apps { server: Arc::clone(&server) }), server }
    }
}

#[async_trait]
impl Storage for MarathonStorage {
    fn value_limit(&self) -> usize {
        self.chained.value_limit()
    }

    fn release_limit(&self) -> Option<usize> {
        self.chained.release_limit()
    }

    async fn create(&self, key: &Key, meta: &Meta, value: &[u8]) -> Result<String> {
        self.chained.create(key, meta, value).await
    }

    async fn read(&self, key: &Key) -> Result<Option<Entry>> {
        self.chained.read(key).await
    }

    async fn list(&self, kind: EntryKind, filter: &Filter) -> Result<Vec<Entry>> {
        self.chained.list(kind, filter).await
    }

    async fn update(&self, key: &Key, meta: &Meta, version: &str) -> Result<String> {
        self.chained.update(key, meta, version).await
    }

    /// The last revision takes the release's group with it, where that is empty: at this moment nobody makes anything in it.
    async fn delete(&self, key: &Key) -> Result<()> {
        self.chained.delete(key).await?;
        if key.kind == EntryKind::Head {
            let scope = Scope::new(key.namespace.clone(), key.release.clone());
            remove_empty_group(&self.server, &names::group(&scope)).await;
        }
        Ok(())
    }

    async fn sweep(&self, scope: &Scope) -> Result<()> {
        self.chained.sweep(scope).await
    }
}

/// Texts in suspended apps.
#[derive(Debug)]
struct Apps {
    server: Arc<Server>,
}

#[async_trait]
impl CreateOnly for Apps {
    fn text_limit(&self) -> usize {
        TEXT_LIMIT
    }

    fn release_limit(&self) -> Option<usize> {
        Some(RELEASE_LIMIT)
    }

    async fn create(&self, name: &str, text: &str) -> Result<()> {
        let call = Call::post(WRITE, Kind::App.path(), record(name, text));
        self.server.send(call).await.map(drop).map_err(passing)
    }

    async fn read(&self, name: &str) -> Result<Option<String>> {
        let found = document(&self.server, Kind::App, &id(name)).await?;
        found.map(|app| read_text(&app)).transpose()
    }

    async fn list(&self, folder: &str) -> Result<Vec<(String, String)>> {
        let folder = format!("{}/", id(folder));
        let found = apps(&self.server, &folder, &["apps.deployments"]).await?;
        let root = id("");
        let named =
            found.iter().filter_map(|app| Some((text(app, "/id")?.strip_prefix(&root)?.to_owned(), app)));
        // What somebody else put there is no record.
        Ok(named.filter_map(|(name, app)| Some((name, read_text(app).ok()?))).collect())
    }

    async fn delete(&self, names: &[String]) -> Result<()> {
        let remove = |name: &String| {
            let call = Call::delete(REMOVE, format!("/v2/apps{}", id(name))).query("force", "true");
            async move {
                match self.server.send(call).await {
                    Err(error) if error.kind != ErrorKind::NotFound => Err(passing(error)),
                    _ => Ok(()),
                }
            }
        };
        let removals: Vec<_> = names.iter().map(remove).collect();
        stream::iter(removals).buffer_unordered(CONCURRENCY).try_collect::<()>().await?;
        let folders: BTreeSet<&str> =
            names.iter().filter_map(|name| Some(name.rsplit_once('/')?.0)).collect();
        for folder in &folders {
            remove_empty_group(&self.server, &id(folder)).await;
        }
        let releases: BTreeSet<&str> = folders.iter().filter_map(|folder| of_release(folder)).collect();
        for folder in releases {
            remove_empty_group(&self.server, &id(folder)).await;
        }
        Ok(())
    }
}

/// The id of the app of a name.
fn id(name: &str) -> String {
    format!("{ROOT}/{name}")
}

/// The folder of a release that the folder of an entry is in: that of revisions and of their chunks, which only the holder of
/// the release's lease writes. Leases are made by whoever wants to be the next holder, so their folder stays.
fn of_release(folder: &str) -> Option<&str> {
    let is_held = [EntryKind::Head, EntryKind::Chunk].iter().any(|kind| folder.starts_with(kind.as_str()));
    folder.rsplit_once('/').map(|(release, _)| release).filter(|_| is_held)
}

fn record(name: &str, text: &str) -> Value {
    json!({
        "id": id(name),
        "cmd": "true",
        "instances": 0,
        "cpus": 0.001,
        "mem": 0,
        "portDefinitions": [],
        "labels": { RECORD: text },
    })
}

fn read_text(app: &Value) -> Result<String> {
    label(app, RECORD).map(ToOwned::to_owned).ok_or_else(|| {
        Error::new(ErrorKind::Corrupt, "read the release's record", "somebody else has an app of its name")
            .with("app", text(app, "/id").unwrap_or_default())
    })
}

/// A record is held by a deployment only for the moment in which it is made or removed.
fn passing(error: Error) -> Error {
    if error.kind == ErrorKind::Locked { error.retry(Retry::Same) } else { error }
}

/// Removes a group that has nothing in it any more. One that stays is no harm.
pub(crate) async fn remove_empty_group(server: &Server, group: &str) {
    let read = Call::get("read the group", format!("/v2/groups{group}"));
    let read = read.query("embed", "group.apps").query("embed", "group.pods").query("embed", "group.groups");
    let is_empty = |group: &Value| {
        ["/apps", "/pods", "/groups"].iter().all(|things| items(group, things).next().is_none())
    };
    match server.find::<Value>(read).await {
        Ok(Some(found)) if is_empty(&found) => {}
        Ok(_) => return,
        Err(error) => return tracing::debug!(%error, group, "an empty group may stay"),
    }
    let call = Call::delete("remove the empty group", format!("/v2/groups{group}"));
    if let Err(error) = server.send(call).await {
        tracing::debug!(%error, group, "an empty group stays");
    }
}
