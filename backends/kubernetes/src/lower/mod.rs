//! From a checked app to the API's own documents.
//!
//! Bodies are manifests that `kubectl apply --server-side` takes. They name each other by their names in the cluster,
//! which follow from their content; [`rhumb_backend::Object::after`] says what must be there first. Secret material
//! is the one thing that is only demanded (`$material`).

mod body;
mod container;
mod environment;
mod expansion;
mod files;
mod labels;
mod mounts;
mod native;
mod network;
mod patches;
mod placement;
mod pod;
mod probes;
mod quantity;
mod report;
mod rollout;
mod route;
mod scale;
mod security;
mod service;
mod stop;
mod volume;
mod workload;

use rhumb_backend::{CheckedApp, Choices, Lowered, ObjectId, Scope};
use rhumb_spec::model::{Container, Kind, Mode, Workload};
use rhumb_spec::{App, Diagnostic};

use crate::facts::KubernetesFacts;
use crate::names;
use report::Report;

pub use container::GPU;
pub use environment::POD_INDEX;
pub use expansion::unescape;
pub(crate) use files::secret_type;
pub(crate) use network::NODE_PORTS;
pub use patches::LISTS;
pub use route::{GATEWAY, ISSUER};
pub use security::PROFILES;
pub use stop::signal_of_script;
pub use volume::DEFAULT_SIZE;

/// Turns an app into manifests.
///
/// What others rest on comes first: namespaces, definitions of kinds, accounts; then configs, secrets and volumes,
/// networks, each workload with what belongs to it, routes, and other documents of the user's own.
///
/// # Errors
/// Every value that the API will not take, at its path in the app.
pub fn lower(
    app: &CheckedApp,
    scope: &Scope,
    facts: &KubernetesFacts,
    choices: &Choices,
) -> Result<Lowered, Vec<Diagnostic>> {
    let mut report = Report::default();
    let files = files::Files::of(app, scope, &mut report);
    let context = Context { checked: app, app: app.app(), scope, facts, files };
    let natives = native::Natives::of(&context, &mut report);
    let mut objects = natives.first().to_vec();
    objects.extend(files::objects(&context, &mut report));
    objects.extend(volume::objects(&context, &natives, &mut report));
    objects.extend(network::objects(&context, &mut report));
    for (name, workload) in &context.app.workloads {
        let site = Site::new(name, workload);
        objects.extend(workload::objects(&context, &site, &natives, &mut report));
    }
    objects.extend(route::objects(&context, &natives, &mut report));
    objects.extend(natives.rest().iter().cloned());
    native::refuse_twice(&objects, &natives, &mut report);
    report.finish(objects, choices)
}

/// What every part of lowering reads.
struct Context<'a> {
    checked: &'a CheckedApp,
    app: &'a App,
    scope: &'a Scope,
    facts: &'a KubernetesFacts,
    files: files::Files,
}

impl Context<'_> {
    /// The object that runs a workload, by the workload's name.
    fn runner(&self, name: &str) -> Option<ObjectId> {
        let workload = self.app.workloads.get(name)?;
        Some(runner(name, workload.mode))
    }
}

/// The id of the object that runs a workload. A job is named by its content, which is no part of its id.
fn runner(name: &str, mode: Mode) -> ObjectId {
    match mode {
        Mode::Replicated => ObjectId::new("deployment", name),
        Mode::Global => ObjectId::new("daemonset", name),
        Mode::Stateful => ObjectId::new("statefulset", &names::fit(name, names::SET_LIMIT)),
        Mode::Job => ObjectId::new("job", name),
        Mode::Cron => ObjectId::new("cronjob", &names::fit(name, names::SET_LIMIT)),
    }
}

/// One workload, and where its fields are in the app.
struct Site<'a> {
    name: &'a str,
    workload: &'a Workload,
    /// `workload/web`
    path: String,
}

impl<'a> Site<'a> {
    fn new(name: &'a str, workload: &'a Workload) -> Self {
        Self { name, workload, path: Kind::Workload.path(name) }
    }

    fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    /// The containers that end before the others start, then the others.
    fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let init = self.workload.init_containers.iter();
        let init = init.map(|(name, container)| self.part(name, container, Role::Init));
        let main = self.workload.containers.iter();
        init.chain(main.map(|(name, container)| self.part(name, container, Role::Main)))
    }

    fn part<'b>(&'b self, name: &'b str, container: &'b Container, role: Role) -> Part<'b> {
        let group = match role {
            Role::Init => "initContainers",
            Role::Main => "containers",
        };
        Part { site: self, name, container, role, path: self.at(&format!("{group}.{name}")) }
    }
}

/// Whether a container ends before the others start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Init,
    Main,
}

/// One container of a workload, and where its fields are in the app.
struct Part<'a> {
    site: &'a Site<'a>,
    name: &'a str,
    container: &'a Container,
    role: Role,
    /// `workload/web.containers.web`
    path: String,
}

impl Part<'_> {
    fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }
}
