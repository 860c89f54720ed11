//! From a checked app to requests of AWS's APIs.
//!
//! Bodies are what `aws … --cli-input-json` takes: the casing of each API's own JSON, with the tags in each service's
//! own shape. They refer to each other by `$ref` and to secret material by `$material`. What is named by its content
//! (parameters, secrets) is named in full, so that a task definition differs when what it reads does.

mod balancer;
mod body;
mod container;
pub(crate) mod cron;
mod discovery;
mod environment;
mod files;
mod health;
pub(crate) mod init;
mod job;
mod logging;
mod mounts;
mod native;
mod network;
mod patches;
mod placement;
mod registry;
mod report;
mod resources;
mod rollout;
mod route;
mod scale;
mod security;
mod service;
pub(crate) mod shell;
pub(crate) mod size;
mod tags;
mod task;
pub(crate) mod volume;

use rhumb_backend::{After, CheckedApp, Choices, Lowered, Object, ObjectId, Scope, Until};
use rhumb_spec::model::{Container, Kind as Document, Mode, Workload};
use rhumb_spec::{App, Diagnostic};

use crate::facts::EcsFacts;
use crate::kind::Kind;
use report::Report;
use tags::Tags;

pub(crate) use init::NAME as FILES;
pub use network::SELF;
pub use patches::LISTS;
pub(crate) use placement::WINDOWS;
pub(crate) use route::STEP;
pub use security::DEFAULTS as DEFAULT_CAPABILITIES;

/// Turns an app into requests.
///
/// What others rest on comes first: the log group, configs, secrets and volumes, then each workload's names, its task definition and what runs it.
///
/// # Errors
/// Every value that AWS will not take, at its path in the app.
pub fn lower(
    app: &CheckedApp,
    scope: &Scope,
    facts: &EcsFacts,
    choices: &Choices,
) -> Result<Lowered, Vec<Diagnostic>> {
    let mut report = Report::of(choices);
    let files = files::Files::of(&files::World { checked: app, scope, facts }, &mut report);
    let context = Context { checked: app, app: app.app(), scope, facts, files };
    let mut objects = Vec::new();
    objects.extend(logging::group(&context));
    objects.extend(files::objects(&context));
    objects.extend(registry::objects(&context));
    objects.extend(volume::objects(&context, &mut report));
    objects.extend(network::objects(&context, &mut report));
    balancer::refuse_clashes(&context, &mut report);
    for (name, workload) in &context.app.workloads {
        let site = Site::new(&context, name, workload);
        objects.extend(service::objects(&context, &site, &mut report));
    }
    objects.extend(route::objects(&context, &mut report));
    objects.extend(native::objects(&context, &mut report));
    native::refuse_twice(&context, &objects, &mut report);
    files::drop_replaced(&context, &mut objects);
    report.finish(objects)
}

/// What every part of lowering reads.
struct Context<'a> {
    checked: &'a CheckedApp,
    app: &'a App,
    scope: &'a Scope,
    facts: &'a EcsFacts,
    files: files::Files,
}

impl Context<'_> {
    fn world(&self) -> files::World<'_> {
        files::World { checked: self.checked, scope: self.scope, facts: self.facts }
    }

    /// The object that runs a workload, by the workload's name.
    fn runner(&self, name: &str) -> Option<ObjectId> {
        self.app.workloads.get(name).map(|workload| runner(name, workload.mode))
    }

    /// An object of the release, with its marks.
    fn object(&self, id: ObjectId, body: impl Into<serde_json::Value>) -> Object {
        let tags = Tags::of(self.scope, &id);
        tagged(id, body, &tags)
    }
}

/// An object with these tags.
fn tagged(id: ObjectId, body: impl Into<serde_json::Value>, tags: &Tags) -> Object {
    let mut body = body.into();
    if let Some(kind) = Kind::of(&id) {
        tags.put(kind, &mut body);
    }
    Object::new(id, body)
}

/// The id of the object that runs a workload.
fn runner(name: &str, mode: Mode) -> ObjectId {
    match mode {
        Mode::Replicated | Mode::Global | Mode::Stateful => Kind::Service.id(name),
        Mode::Job => Kind::Task.id(name),
        Mode::Cron => Kind::Schedule.id(name),
    }
}

fn exists(id: ObjectId) -> After {
    After { id, until: Until::Exists }
}

/// One workload, and where its fields are in the app that the user wrote.
struct Site<'a> {
    /// Its name, as the passes left it.
    name: &'a str,
    workload: &'a Workload,
    /// `workload/web`; for an ordinal, the path of its set.
    path: String,
}

impl<'a> Site<'a> {
    fn new(context: &Context<'a>, name: &'a str, workload: &'a Workload) -> Self {
        let written = context.checked.ordinal(name).map_or(name, |sequence| &sequence.set);
        Self { name, workload, path: Document::Workload.path(written) }
    }

    fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    /// Whether a service keeps it running.
    fn is_service(&self) -> bool {
        !matches!(self.workload.mode, Mode::Job | Mode::Cron)
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
