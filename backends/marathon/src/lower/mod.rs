//! From a checked app to the documents of Marathon and Metronome.
//!
//! Bodies are what the APIs take: an app of `/v2/apps`, a pod of `/v2/pods`, a job of Metronome. Ids are known when
//! lowering ends, so bodies name each other as text, and `after` has the edges. Keys of secrets, and keys of configs that
//! are mounted as files, are entries of the secret store.

mod app;
mod body;
mod chronos;
mod container;
mod driver;
mod engine;
mod environment;
mod files;
mod health;
mod ids;
mod job;
mod mounts;
mod native;
mod network;
mod placement;
mod pod;
mod ports;
mod report;
mod resources;
mod rollout;
mod route;
mod shell;
mod workload;

use rhumb_backend::{CheckedApp, Choices, Lowered, Scope};
use rhumb_spec::model::{Container, Kind, Workload};
use rhumb_spec::{App, Diagnostic};

use crate::facts::MarathonFacts;
use engine::Engine;
use report::Report;

pub(crate) use driver::DRIVER;
pub(crate) use health::{GRPC, READY};
pub(crate) use mounts::SANDBOX;
pub(crate) use network::{SEARCH, VIPS};
pub(crate) use rollout::capacities;
pub(crate) use shell::words;

/// Turns an app into documents.
///
/// # Errors
/// Every value that Marathon will not take, at its path in the app.
pub fn lower(
    app: &CheckedApp,
    scope: &Scope,
    facts: &MarathonFacts,
    choices: &Choices,
) -> Result<Lowered, Vec<Diagnostic>> {
    let mut report = Report::default();
    let (files, mut objects) = files::objects(app, scope, facts, &mut report);
    let context = Context { checked: app, app: app.app(), scope, facts, files };
    let routes = route::labels(&context, &mut report);
    for (name, workload) in &context.app.workloads {
        let site = Site::new(&context, name, workload);
        objects.extend(workload::object(&context, &site, &routes, &mut report));
    }
    objects.extend(native::objects(&context, &mut report));
    files::drop_replaced(&context.files, &mut objects);
    network::refuse_networks(&context, &mut report);
    ids::refuse_wrong(&context, &objects, &mut report);
    ports::refuse_clashes(&context, &mut report);
    report.finish(objects, choices)
}

/// The word in `container.type` of a workload.
pub(crate) fn engine(workload: &Workload) -> &'static str {
    let parts = workload.containers.iter();
    let parts: Vec<Part<'_>> =
        parts.map(|(name, container)| Part { name, container, path: String::new() }).collect();
    Engine::of(workload, "", &parts).word()
}

/// What every part of lowering reads.
struct Context<'a> {
    checked: &'a CheckedApp,
    app: &'a App,
    scope: &'a Scope,
    facts: &'a MarathonFacts,
    files: files::Files,
}

/// One workload, and where its fields are in the app that the user wrote.
struct Site<'a> {
    /// Its name, as the passes left it.
    name: &'a str,
    workload: &'a Workload,
    /// `workload/web`; for an ordinal, the path of its set.
    path: String,
    /// Its containers, in the order in which they are written.
    parts: Vec<Part<'a>>,
    /// What runs them.
    engine: Engine,
}

/// One container of a workload.
struct Part<'a> {
    name: &'a str,
    container: &'a Container,
    /// `workload/web.containers.web`; for a job that was an init container, the path of that.
    path: String,
}

impl<'a> Site<'a> {
    fn new(context: &Context<'a>, name: &'a str, workload: &'a Workload) -> Self {
        let written = context.checked.ordinal(name).map_or(name, |sequence| &sequence.set);
        let path = Kind::Workload.path(written);
        let part = |(container_name, container): (&'a String, &'a Container)| {
            let path = init_path(context, name, container_name)
                .unwrap_or_else(|| format!("{path}.containers.{container_name}"));
            Part { name: container_name, container, path }
        };
        let parts: Vec<Part<'a>> = workload.containers.iter().map(part).collect();
        let engine = Engine::of(workload, &path, &parts);
        Self { name, workload, path, parts, engine }
    }

    fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    /// How many replicas there are.
    fn replicas(&self) -> u32 {
        self.workload.replicas.unwrap_or(1)
    }
}

impl Part<'_> {
    fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }
}

/// Where the user wrote an init container that a pass made a job of.
fn init_path(context: &Context<'_>, name: &str, container: &str) -> Option<String> {
    let source = context.checked.source();
    if source.workloads.contains_key(name) {
        return None;
    }
    let owner = name.strip_suffix(&format!("-init-{container}"))?;
    let owner = context.checked.ordinal(owner).map_or(owner, |sequence| &sequence.set);
    let is_init = source.workloads.get(owner)?.init_containers.contains_key(container);
    is_init.then(|| format!("{}.initContainers.{container}", Kind::Workload.path(owner)))
}
