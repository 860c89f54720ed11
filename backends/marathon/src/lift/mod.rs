//! Documents back into an app.
//!
//! Nothing here needs our own marks: what the CLI of DC/OS, the web interface or somebody's own hands made is read in the same
//! way, of every version of Marathon. Every field meets one of four fates, and all of them are told (see
//! [`rhumb_backend::Account`]):
//! - it is a neutral field of the app;
//! - it is kept for Marathon only, as a patch of what its workload becomes (`on.marathon.App`) or in a document that is
//!   passed through: lowered again, it is there again;
//! - it says nothing of the user's: the server wrote it, or would take it anyway;
//! - it is lost, and a note says why.

mod addresses;
mod app;
mod document;
mod environment;
mod files;
mod health;
mod job;
mod naming;
mod native;
mod network;
mod parameters;
mod placement;
mod pod;
mod ports;
mod resources;
mod rollout;
mod route;
mod volumes;

use std::collections::BTreeMap;

use rhumb_backend::{Account, Fate, Lifted, Object};
use rhumb_spec::model::{Kind as Neutral, Mode, Workload};
use rhumb_spec::{App, Diagnostic};
use serde_json::{Map, Value};

use crate::kind::Kind;
use document::Document;
use files::Store;
use naming::Names;

/// The word of an object that stands for a group.
pub(crate) const GROUP: &str = "group";

/// What reading finds out on its way.
#[derive(Default)]
struct World {
    app: App,
    notes: Vec<Diagnostic>,
    accounts: Vec<Account>,
    /// Workloads by their id on the platform.
    workloads: Names,
    volumes: Names,
    routes: Names,
    natives: Names,
    store: Store,
    /// What each group waits for, by its id.
    groups: BTreeMap<String, Vec<String>>,
}

/// Turns objects back into an app, with an account of what became of every field.
///
/// An app of one container that has an image is a workload, and so are a pod and a job of Metronome. Whatever has
/// no image is passed through: the app has no word for a command on the agent itself. Groups become what their apps wait for.
pub fn lift(objects: &[Object]) -> Lifted {
    let mut world = World { store: Store::new(objects), ..World::default() };
    let documents: Vec<Document> = objects.iter().map(Document::new).collect();
    let runs = |document: &&Document| matches!(Kind::of(&document.id), Some(Kind::App | Kind::Pod));
    let home = naming::home(documents.iter().filter(runs).map(Document::native));
    let jobs: Vec<String> = documents
        .iter()
        .filter(|document| Kind::of(&document.id) == Some(Kind::Job))
        .map(|document| format!("/{}", document.native().replace('.', "/")))
        .collect();
    let job_home = naming::home(jobs.iter().map(String::as_str));
    for document in &documents {
        world.name(document, &home, &job_home);
    }
    let addresses: Vec<_> = documents.iter().flat_map(|document| addresses::of(&document.whole)).collect();
    for document in documents {
        world.read(document);
    }
    addresses::resolve(&addresses, &world.workloads, &mut world.app);
    world.finish()
}

impl World {
    /// Gives a document its name, so that others can speak of it before it is read.
    fn name(&mut self, document: &Document, home: &str, job_home: &str) {
        match Kind::of(&document.id) {
            Some(Kind::App | Kind::Pod) => {
                let wanted = naming::below(home, document.native()).replace('/', "-");
                self.workloads.add(document.native(), &wanted);
            }
            Some(Kind::Job) => {
                let path = format!("/{}", document.native().replace('.', "/"));
                let wanted = naming::below(job_home, &path).replace('/', "-");
                self.workloads.add(document.native(), &wanted);
            }
            _ if document.id.kind() == GROUP => {
                let others = document.whole.get("dependencies").and_then(Value::as_array);
                let others = others.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
                self.groups.insert(document.native().to_owned(), others.collect());
            }
            _ => {}
        }
    }

    fn read(&mut self, document: Document) {
        match Kind::of(&document.id) {
            Some(Kind::App) => app::lift(document, self),
            Some(Kind::Pod) => pod::lift(document, self),
            Some(Kind::Job) => job::lift(document, self),
            Some(Kind::Secret | Kind::Config) => files::lift(document, self),
            Some(Kind::Chronos) => {
                let why = "jobs of Chronos are not read back; Metronome's are";
                document.finish_whole(why, Fate::Lost, self);
            }
            None => self.group(document),
        }
    }

    /// A group is where its apps are, and what they wait for.
    fn group(&mut self, mut document: Document) {
        {
            let mut fields = document.fields();
            fields.take_whole("id");
            fields.take_whole("dependencies");
            fields.own(&["version"], "Marathon writes it");
            for key in fields.keys() {
                fields.lose(&key, "a release has its own group, which only holds what is in it");
            }
        }
        let path = document.native().to_owned();
        document.finish_carried(path, self);
    }

    /// Adds a workload with the patch that is left of its document.
    fn add(&mut self, name: &str, mut workload: Workload, (document, kind): (Document, &str)) {
        let path = Neutral::Workload.path(name);
        if let Some(patch) = document.finish_with_patch((&path, kind), self) {
            workload.on.entry("marathon".to_owned()).or_default().insert(kind.to_owned(), patch);
        }
        self.app.workloads.insert(name.to_owned(), workload);
    }

    fn finish(mut self) -> Lifted {
        self.depend_on_groups();
        self.keep_native_dependencies();
        Lifted { app: self.app, notes: self.notes, accounts: self.accounts }
    }

    /// What a group waits for, its workloads wait for, and so does what is passed through.
    fn depend_on_groups(&mut self) {
        let ids: Vec<(String, String)> = self.workloads.pairs();
        let groups = std::mem::take(&mut self.groups);
        for (group, others) in &groups {
            let below = format!("{}/", group.trim_end_matches('/'));
            let inside: Vec<&(String, String)> =
                ids.iter().filter(|(id, _)| id.starts_with(&below)).collect();
            // A group that waits for one of its own apps would wait for itself.
            let waits: Vec<String> = others
                .iter()
                .flat_map(|other| members(&ids, other))
                .filter(|name| !inside.iter().any(|(_, own)| own == name))
                .collect();
            let elsewhere = others.iter().filter(|other| members(&ids, other).is_empty());
            let elsewhere: Vec<Value> = elsewhere.cloned().map(Value::from).collect();
            for (id, name) in inside {
                if let Some(workload) = self.app.workloads.get_mut(name) {
                    let new = waits.iter().filter(|other| !workload.depends_on.contains(other)).cloned();
                    let new: Vec<String> = new.collect();
                    workload.depends_on.extend(new);
                    wait_in_patch(workload, elsewhere.clone());
                } else if let Some(native) =
                    self.natives.get(id).and_then(|name| self.app.natives.get_mut(name))
                    && native.manifest.get("kind").and_then(Value::as_str) == Some("App")
                {
                    wait_for(&mut native.manifest, others.iter().cloned().map(Value::from).collect());
                }
            }
        }
    }

    /// What was passed through is no workload that others could wait for: Marathon's own `dependencies` name it.
    fn keep_native_dependencies(&mut self) {
        let there: Vec<String> = self.app.workloads.keys().cloned().collect();
        let ids = self.workloads.pairs();
        for workload in self.app.workloads.values_mut() {
            let (kept, gone): (Vec<String>, Vec<String>) =
                std::mem::take(&mut workload.depends_on).into_iter().partition(|other| there.contains(other));
            workload.depends_on = kept;
            let gone = ids.iter().filter(|(_, name)| gone.contains(name));
            let gone: Vec<Value> = gone.map(|(id, _)| id.clone().into()).collect();
            wait_in_patch(workload, gone);
        }
    }
}

/// Adds ids to the `dependencies` in the patch of an app; a pod and a job have none.
fn wait_in_patch(workload: &mut Workload, ids: Vec<Value>) {
    let is_pod = workload.containers.len() > 1
        || workload.on.get("marathon").is_some_and(|patches| patches.contains_key("Pod"));
    if ids.is_empty() || is_pod || matches!(workload.mode, Mode::Job | Mode::Cron) {
        return;
    }
    let patches = workload.on.entry("marathon".to_owned()).or_default();
    let patch = patches.entry("App".to_owned()).or_insert_with(|| Value::Object(Map::new()));
    wait_for(patch, ids);
}

/// Adds ids to the `dependencies` of a document.
fn wait_for(document: &mut Value, ids: Vec<Value>) {
    let Some(fields) = document.as_object_mut() else { return };
    let there = fields.entry("dependencies").or_insert_with(|| Value::Array(Vec::new()));
    if let Some(there) = there.as_array_mut() {
        for id in ids {
            if !there.contains(&id) {
                there.push(id);
            }
        }
    }
}

/// The workloads that an id stands for: an app, or all of a group.
fn members(ids: &[(String, String)], id: &str) -> Vec<String> {
    let below = format!("{}/", id.trim_end_matches('/'));
    ids.iter()
        .filter(|(native, _)| native == id || native.starts_with(&below))
        .map(|(_, name)| name.clone())
        .collect()
}
