//! A target in memory, charts in a folder, and processes that can die.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use rhumb_action::{
    ActionResult, CancellationToken, ChartInputs, Context, DeployOptions, Deployed, Event, InstallRequest,
    Progress, RollbackRequest, Target, UninstallRequest, Uninstalled, UpgradeRequest, ValueInput,
    ValueInputs, Wait,
};
use rhumb_backend::{Backend, Object, Observed, Scope};
use rhumb_memory::faults::{Faults, FaultyBackend, FaultyStorage};
use rhumb_memory::{MemoryBackend, MemoryStorage};
use rhumb_release::{Head, Holder, Life, Liveness, Record, Releases};
use tempfile::TempDir;

/// A target, and the processes that work on it.
pub(crate) struct World {
    pub(crate) backend: MemoryBackend,
    pub(crate) faults: Faults,
    pub(crate) target: Target,
    pub(crate) events: Events,
    pub(crate) cancel: CancellationToken,
    processes: Processes,
    current: AtomicU32,
    folder: TempDir,
}

/// What was told.
#[derive(Default)]
pub(crate) struct Events(pub(crate) Mutex<Vec<Event>>);

impl Progress for Events {
    fn event(&self, event: &Event) {
        self.0.lock().unwrap().push(event.clone());
    }
}

/// Which processes are alive.
#[derive(Default)]
pub(crate) struct Processes(Mutex<BTreeSet<u32>>);

impl Liveness for Processes {
    fn life(&self, holder: &Holder) -> Life {
        if self.0.lock().unwrap().contains(&holder.pid) { Life::Alive } else { Life::Gone }
    }
}

fn clock() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

impl World {
    pub(crate) fn new() -> Self {
        let backend = MemoryBackend::in_memory();
        let faults = Faults::default();
        let storage = MemoryStorage::beside(&backend);
        let target = Target {
            name: "here".to_owned(),
            backend: Arc::new(FaultyBackend::new(backend.clone(), &faults)),
            storage: Arc::new(FaultyStorage::new(storage, &faults)),
        };
        let world = Self {
            backend,
            faults,
            target,
            events: Events::default(),
            cancel: CancellationToken::new(),
            processes: Processes::default(),
            current: AtomicU32::new(0),
            folder: TempDir::new().unwrap(),
        };
        world.new_process();
        world
    }

    /// The process that ran so far is dead, and another one begins.
    pub(crate) fn new_process(&self) -> u32 {
        let mut alive = self.processes.0.lock().unwrap();
        alive.clear();
        let pid = self.current.fetch_add(1, Ordering::SeqCst) + 1;
        alive.insert(pid);
        self.faults.revive();
        pid
    }

    /// Another process that is alive beside the first.
    pub(crate) fn second_process(&self) -> Holder {
        let pid = self.current.load(Ordering::SeqCst) + 1000;
        self.processes.0.lock().unwrap().insert(pid);
        Holder { pid, command: "rhumb upgrade shop".to_owned(), ..self.holder() }
    }

    pub(crate) fn holder(&self) -> Holder {
        Holder {
            host: "host".to_owned(),
            user: "user".to_owned(),
            command: "rhumb test".to_owned(),
            pid: self.current.load(Ordering::SeqCst),
            ..Holder::default()
        }
    }

    pub(crate) fn context<'a>(&'a self, who: &'a Holder) -> Context<'a> {
        Context {
            target: &self.target,
            namespace: "default",
            who,
            clock: &clock,
            liveness: &self.processes,
            cancel: &self.cancel,
            progress: &self.events,
        }
    }

    /// Writes a chart of these files, beside a `Chart.yaml`.
    pub(crate) fn chart(&self, files: &[(&str, &str)]) -> PathBuf {
        let path = self.folder.path().join("shop");
        let _ = std::fs::remove_dir_all(&path);
        let meta = ("Chart.yaml", "apiVersion: rhumb.dev/v1\nname: shop\nversion: 1.0.0\n");
        for (name, text) in [meta].iter().chain(files) {
            let file = path.join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        path
    }

    /// The chart of most tests: a workload `web` that mounts a config, and one that waits for it.
    pub(crate) fn shop(&self) -> ChartInputs {
        self.inputs(SHOP, &[])
    }

    pub(crate) fn inputs(&self, files: &[(&str, &str)], set: &[&str]) -> ChartInputs {
        let values = set.iter().map(|set| ValueInput::Set((*set).to_owned())).collect();
        ChartInputs { chart: self.chart(files), values: ValueInputs(values), ..ChartInputs::default() }
    }

    pub(crate) async fn install(
        &self,
        inputs: ChartInputs,
        options: DeployOptions,
    ) -> ActionResult<Deployed> {
        let request = InstallRequest { name: "shop".to_owned(), inputs, options };
        rhumb_action::install(&self.context(&self.holder()), &request).await
    }

    pub(crate) async fn upgrade(
        &self,
        inputs: ChartInputs,
        options: DeployOptions,
    ) -> ActionResult<Deployed> {
        let request =
            UpgradeRequest { name: "shop".to_owned(), inputs, options, ..UpgradeRequest::default() };
        rhumb_action::upgrade(&self.context(&self.holder()), &request).await
    }

    pub(crate) async fn rollback(&self, revision: Option<u64>) -> ActionResult<Deployed> {
        let request =
            RollbackRequest { name: "shop".to_owned(), revision, options: DeployOptions::default() };
        rhumb_action::rollback(&self.context(&self.holder()), &request).await
    }

    pub(crate) async fn uninstall(
        &self,
        change: impl FnOnce(&mut UninstallRequest),
    ) -> ActionResult<Uninstalled> {
        let mut request = uninstall_request();
        change(&mut request);
        rhumb_action::uninstall(&self.context(&self.holder()), &request).await
    }

    pub(crate) async fn heads(&self) -> Vec<Head> {
        let storage = MemoryStorage::beside(&self.backend);
        Releases::new(&storage).history(&scope()).await.unwrap()
    }

    /// Revisions and their statuses.
    pub(crate) async fn history(&self) -> Vec<(u64, String)> {
        self.heads().await.iter().map(|head| (head.revision, head.status.to_string())).collect()
    }

    pub(crate) async fn record(&self, revision: u64) -> Record {
        let storage = MemoryStorage::beside(&self.backend);
        Releases::new(&storage).get(&scope(), revision).await.unwrap()
    }

    pub(crate) async fn observed(&self) -> Observed {
        self.backend.observe(&scope(), &[]).await.unwrap()
    }

    /// What is there: ids and bodies, in order.
    pub(crate) async fn there(&self) -> Vec<Object> {
        let mut objects: Vec<Object> =
            self.observed().await.objects.into_iter().map(|live| live.object).collect();
        objects.sort_by(|one, other| (&one.id, &one.generation).cmp(&(&other.id, &other.generation)));
        objects
    }

    /// The ids of what is there.
    pub(crate) async fn ids(&self) -> Vec<String> {
        self.there().await.iter().map(|object| object.id.to_string()).collect()
    }

    pub(crate) fn told(&self) -> Vec<Event> {
        std::mem::take(&mut self.events.0.lock().unwrap())
    }
}

pub(crate) fn scope() -> Scope {
    Scope::new("default", "shop")
}

pub(crate) fn uninstall_request() -> UninstallRequest {
    UninstallRequest {
        name: "shop".to_owned(),
        history: rhumb_action::HistoryAfter::Remove,
        absent: rhumb_action::IgnoreAbsent::Fail,
        wait: Wait::Applied,
        timeout: Duration::from_secs(5),
        execution: rhumb_action::Execution::Apply,
        description: None,
    }
}

/// Options that wait, but not for long.
pub(crate) fn waiting() -> DeployOptions {
    DeployOptions { wait: Wait::Ready, timeout: Duration::from_secs(5), ..DeployOptions::default() }
}

pub(crate) const SHOP: &[(&str, &str)] = &[
    ("values.yaml", "image: web:1\nreplicas: 2\nmode: ready\ntext: hello\n"),
    (
        "templates/web.yaml",
        r#"kind: Workload
name: web
replicas: {{ values.replicas }}
annotations: { memory.rhumb.dev/behaviour: "{{ values.mode }}" }
containers:
  web:
    image: {{ values.image }}
    ports: { http: 8080 }
    mounts: { /etc/web: { config: web } }
expose:
  http: { port: 80 }
---
kind: Workload
name: front
dependsOn: [web]
containers:
  front: { image: "front:1" }
---
kind: Config
name: web
data:
  text: {{ values.text | quote }}
"#,
    ),
    ("NOTES.txt", "{{ release.name }} revision {{ release.revision }}\n"),
];

/// Takes every holder for dead.
pub(crate) struct EverybodyIsGone;

impl Liveness for EverybodyIsGone {
    fn life(&self, _holder: &Holder) -> Life {
        Life::Gone
    }
}
