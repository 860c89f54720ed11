//! From a checked app to the Engine API's own documents.
//!
//! Bodies are what the API takes: a `ServiceSpec`, a `NetworkCreate` request, a `ConfigSpec`, a `SecretSpec`. They
//! refer to each other by `$ref` and to secret material by `$material`. A volume is no object of its own: the engine
//! makes it on the node where a task first mounts it, from what the mount says.

mod body;
mod container;
mod environment;
mod files;
mod health;
mod mounts;
mod native;
mod network;
mod pin;
mod placement;
mod ports;
mod resources;
mod rollout;
mod route;
mod secret;
mod service;
mod shell;
mod template;

use std::collections::BTreeSet;

use rhumb_backend::{CheckedApp, Choices, Loss, Lowered, Scope};
use rhumb_spec::model::{Container, Kind, Workload};
use rhumb_spec::{App, Diagnostic, Feature};

use crate::facts::SwarmFacts;

pub(crate) use body::Body;
pub(crate) use environment::wrapper_script;
pub(crate) use health::{SHELL_HTTP, SHELL_TCP, grpc_command, http_command, tcp_command};
pub(crate) use mounts::is_local_driver;
pub(crate) use resources::GPU;
pub(crate) use rollout::{CRON, CRON_REPLICAS, CRON_SCHEDULE, CRON_SKIP};
pub(crate) use route::{CLASS as ROUTER_CLASS, ENABLE as ROUTER_ENABLE, rule as route_rule};
pub(crate) use shell::words;
pub(crate) use template::{ORDINAL, literal, unescape};

/// In a service's body, the demand for the credentials of its image's registry. It is taken out before the body is
/// sent, and its material goes into the header `X-Registry-Auth`.
pub const REGISTRY_AUTH: &str = "$registryAuth";

/// The annotation that decides how secrets become variables: `wrapper` or `file`.
pub const ENV_SECRET: &str = "swarm/env-secret";

/// Turns an app into the Engine API's documents.
///
/// # Errors
/// Every value that Swarm will not take, at its path in the app.
pub fn lower(
    app: &CheckedApp,
    scope: &Scope,
    facts: &SwarmFacts,
    choices: &Choices,
) -> Result<Lowered, Vec<Diagnostic>> {
    let mut report = Report { choices: choices.clone(), ..Report::default() };
    let (files, mut objects) = files::objects(app, scope, &mut report);
    let context = Context { checked: app, app: app.app(), scope, facts, files };
    objects.extend(network::objects(&context));
    let pins = pin::pins(&context, &mut report);
    let routes = route::labels(&context, &mut report);
    ports::refuse_clashes(&context, &mut report);
    for (name, workload) in &context.app.workloads {
        let site = Site::new(&context, name, workload);
        objects.extend(service::object(&context, &site, &pins, &routes, &mut report));
    }
    objects.extend(native::objects(&context, &mut report));
    report.finish(objects)
}

/// What every part of lowering reads.
struct Context<'a> {
    checked: &'a CheckedApp,
    app: &'a App,
    scope: &'a Scope,
    facts: &'a SwarmFacts,
    files: files::Files,
}

/// What lowering finds out on its way.
#[derive(Default)]
struct Report {
    diagnostics: Vec<Diagnostic>,
    losses: Vec<Loss>,
    choices: Choices,
}

impl Report {
    fn refuse(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn lose(&mut self, feature: Feature, path: impl Into<String>, text: impl Into<String>) {
        self.losses.push(Loss { feature, path: path.into(), text: text.into(), accepted: false });
    }

    fn finish(self, objects: Vec<rhumb_backend::Object>) -> Result<Lowered, Vec<Diagnostic>> {
        let mut seen = BTreeSet::new();
        let losses = self.losses.into_iter().filter(|loss| seen.insert(loss.clone())).collect();
        if self.diagnostics.is_empty() {
            return Ok(Lowered { objects, losses, choices: self.choices });
        }
        let mut diagnostics = Vec::new();
        for diagnostic in self.diagnostics {
            if !diagnostics.contains(&diagnostic) {
                diagnostics.push(diagnostic);
            }
        }
        Err(diagnostics)
    }
}

/// One workload, and where its fields are in the app that the user wrote.
struct Site<'a> {
    /// Its name, as the passes left it.
    name: &'a str,
    workload: &'a Workload,
    container: &'a Container,
    /// `workload/web`; for an ordinal, the path of its set.
    path: String,
    /// `workload/web.containers.web`; for a job that was an init container, the path of that.
    container_path: String,
}

impl<'a> Site<'a> {
    fn new(context: &Context<'a>, name: &'a str, workload: &'a Workload) -> Self {
        static NONE: std::sync::LazyLock<Container> = std::sync::LazyLock::new(Container::default);
        let (container_name, container) =
            workload.containers.first().map_or(("", &*NONE), |(name, container)| (name.as_str(), container));
        let written = context.checked.ordinal(name).map_or(name, |sequence| &sequence.set);
        let path = Kind::Workload.path(written);
        let container_path = init_path(context, name, container_name)
            .unwrap_or_else(|| format!("{path}.containers.{container_name}"));
        Self { name, workload, container, path, container_path }
    }

    fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    fn in_container(&self, field: &str) -> String {
        format!("{}.{field}", self.container_path)
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
