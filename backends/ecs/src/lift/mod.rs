//! Requests and descriptions back into an app.
//!
//! Nothing here needs our own marks: what the console, `ecspresso` or `CloudFormation` made is read in the same way.
//! Every field meets one of four fates, and all of them are told (see [`rhumb_backend::Account`]):
//! - it is a neutral field of the app;
//! - it is kept for ECS only, as a patch of what its workload becomes (`on.ecs.KIND`) or in a document that is passed
//!   through: lowered again, it is there again;
//! - it says nothing of the user's: AWS wrote it, or would take it anyway;
//! - it is lost, and a note says why.

mod balancing;
mod container;
mod defaults;
mod document;
mod environment;
mod health;
mod jobs;
mod labels;
mod mounts;
mod naming;
mod network;
mod placement;
mod ports;
mod routes;
mod scaling;
mod service;
mod sets;
mod size;
mod storage;
mod stores;
mod task;
mod values;
mod world;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use rhumb_backend::{Fate, Lifted, Object};
use rhumb_spec::model::{Kind as Word, Mode, Workload};

use crate::gather::family_of;
use crate::kind::Kind;
use crate::marks::Tags;
use crate::names;
use document::{Document, Referred};
pub(crate) use naming::{Names, document_name};
use world::World;

/// Turns requests and descriptions into an app, with an account of what became of every field.
///
/// A service and its task definition are one workload, which bears the service's name. A task definition that nothing
/// runs is a workload of its own; of several revisions of a family it is the newest.
pub fn lift(objects: &[Object]) -> Lifted {
    let mut world = World::default();
    let lift = Lift::new(objects.iter().map(Document::new).collect());
    lift.run(&mut world);
    sets::join(&mut world);
    Lifted { app: world.app, notes: world.notes, accounts: world.accounts }
}

struct Lift {
    /// Task definitions that are not read yet, by their places.
    definitions: BTreeMap<usize, Document>,
    /// What runs task definitions, with the place of the one it runs.
    runners: Vec<(Document, Option<usize>)>,
    others: Vec<Document>,
}

impl Lift {
    fn new(documents: Vec<Document>) -> Self {
        let (mut definitions, mut runners, mut others) = (BTreeMap::new(), Vec::new(), Vec::new());
        for (at, document) in documents.into_iter().enumerate() {
            match document.kind {
                Some(Kind::TaskDefinition) => drop(definitions.insert(at, document)),
                Some(Kind::Service | Kind::Task | Kind::Schedule) => runners.push((document, None)),
                _ => others.push(document),
            }
        }
        let mut lift = Self { definitions, runners, others };
        lift.find_definitions();
        lift
    }

    /// Finds what each service runs. Those that do not say it are given the definitions that nothing else runs, one
    /// after another, where there are as many: that is how tools which register definitions themselves keep them.
    fn find_definitions(&mut self) {
        let found: Vec<Option<usize>> =
            self.runners.iter().map(|(runner, _)| self.definition_of(runner)).collect();
        let used: BTreeSet<usize> = found.iter().flatten().copied().collect();
        let free: Vec<usize> = self.definitions.keys().copied().filter(|at| !used.contains(at)).collect();
        let says_nothing = |runner: &Document| runner.whole.get("taskDefinition").is_none();
        let without = self.runners.iter().filter(|(runner, _)| says_nothing(runner)).count();
        let is_even = free.len() == without;
        let mut free = free.into_iter();
        for ((runner, definition), found) in self.runners.iter_mut().zip(found) {
            *definition = match found {
                None if is_even && says_nothing(runner) => free.next(),
                found => found,
            };
        }
    }

    fn definition_of(&self, runner: &Document) -> Option<usize> {
        let pointer = match runner.kind {
            Some(Kind::Schedule) => "/Target/EcsParameters/TaskDefinitionArn",
            _ => "/taskDefinition",
        };
        let find = |is: &dyn Fn(&Document) -> bool| {
            self.definitions.iter().filter(|(_, document)| is(document)).map(|(at, _)| *at).next_back()
        };
        match runner.refers(pointer)? {
            Referred::Object(id) => find(&|document| document.id == id),
            Referred::Text(text) => {
                let name = text.rsplit('/').next().unwrap_or(&text).to_owned();
                find(&|document| document.text_at("/taskDefinitionArn") == Some(&text))
                    .or_else(|| find(&|document| document.revision().as_deref() == Some(&name)))
                    .or_else(|| find(&|document| document.family() == family_of(&name)))
            }
        }
    }

    fn run(mut self, world: &mut World) {
        self.before(world);
        let runners = std::mem::take(&mut self.runners);
        for (runner, definition) in &runners {
            let name = world.workloads.add(runner.id.as_str(), &self.wanted(runner, *definition));
            let native = runner.text_at("/serviceName").unwrap_or(runner.name()).to_owned();
            world.services.insert(native, name);
        }
        let mut done: BTreeMap<usize, String> = BTreeMap::new();
        for (runner, definition) in runners {
            let name = world.workloads.add(runner.id.as_str(), runner.name());
            self.runner(runner, (definition, &name), &mut done, world);
        }
        let families: BTreeSet<String> = done.keys().map(|at| self.definitions[at].family()).collect();
        for (at, document) in std::mem::take(&mut self.definitions) {
            if done.contains_key(&at) {
                continue;
            }
            let is_older = family_of(document.name()) != document.name();
            if is_older || families.contains(&document.family()) {
                document.finish_whole("another revision of its family is read", Fate::Lost, world);
                continue;
            }
            let name = world.workloads.add(document.id.as_str(), document.name());
            alone(document, &name, world);
        }
        self.after(world);
    }

    /// The name that a workload should have: its runner's, else the family of what that runs. `startedBy` of a task
    /// says who ran it.
    fn wanted(&self, runner: &Document, definition: Option<usize>) -> String {
        let name = match runner.text_at("/serviceName") {
            Some(_) => runner.name(),
            None => without_hash(runner.name()),
        };
        let has_name = match runner.kind {
            Some(Kind::Service) => {
                let stem = name.trim_end_matches(|end: char| end == '-' || end.is_ascii_digit());
                !stem.eq_ignore_ascii_case("service")
            }
            Some(Kind::Task) => Tags::of(&runner.whole).get(names::OBJECT).is_some(),
            _ => true,
        };
        let family = definition.filter(|_| !has_name).and_then(|at| self.definitions.get(&at));
        family.map_or_else(|| name.to_owned(), |definition| definition.name().to_owned())
    }

    /// Reads what task definitions refer to.
    fn before(&mut self, world: &mut World) {
        for document in std::mem::take(&mut self.others) {
            match document.kind {
                Some(Kind::Parameter) => stores::parameter(document, world),
                Some(Kind::Secret) => stores::secret(document, world),
                Some(Kind::AccessPoint) => storage::access_point(document, world),
                Some(Kind::SecurityGroup) => network::group(document, world),
                Some(Kind::TargetGroup) => {
                    world.groups.insert(document.id.clone(), document.whole.clone());
                    self.others.push(document);
                }
                _ => self.others.push(document),
            }
        }
    }

    /// Reads what is part of the workloads that are known by now.
    fn after(self, world: &mut World) {
        let listeners = routes::listeners(&self.others);
        let is_policy = |document: &&Document| document.kind == Some(Kind::ScalingPolicy);
        let policies: Vec<_> =
            self.others.iter().filter(is_policy).map(|policy| policy.whole.clone()).collect();
        let mut others = self.others;
        // Rules of one route are read in their order, and policies after the bounds that they scale in.
        others.sort_by_key(|document| match document.kind {
            Some(Kind::ListenerRule) => (document.kind, routes::order(document)),
            _ => (document.kind, (String::new(), 0)),
        });
        for document in others {
            match document.kind {
                Some(Kind::TargetGroup) => balancing::group(document, world),
                Some(Kind::Listener) => balancing::listener(document, world),
                Some(Kind::ListenerRule) => routes::rule(document, &listeners, world),
                Some(Kind::ScalableTarget) => scaling::target(document, &policies, world),
                Some(Kind::ScalingPolicy) => scaling::policy(document, world),
                Some(Kind::LogGroup) => {
                    document.finish_whole("a release has a log group of its own", Fate::Own, world);
                }
                Some(Kind::Discovery) => {
                    document.finish_whole(
                        "a release makes it for a workload that siblings reach",
                        Fate::Own,
                        world,
                    );
                }
                _ => document.finish_whole("no workload of these documents uses it", Fate::Lost, world),
            }
        }
        balancing::forget_unreached(world);
    }

    /// Reads what runs a task definition, and that definition.
    fn runner(
        &mut self,
        mut runner: Document,
        (definition, name): (Option<usize>, &str),
        done: &mut BTreeMap<usize, String>,
        world: &mut World,
    ) {
        let document = Word::Workload.path(name);
        let Some((at, original)) = definition.and_then(|at| Some((at, self.definitions.get(&at)?))) else {
            let why = "the task definition that it runs is not among the documents";
            return runner.finish_whole(why, Fate::Lost, world);
        };
        let mut definition = original.again();
        let mode = match runner.kind {
            Some(Kind::Task) => Mode::Job,
            Some(Kind::Schedule) => Mode::Cron,
            _ => service::mode(&runner.whole),
        };
        let mut workload = Workload { mode, ..Workload::default() };
        let kind = runner.kind.map_or("Service", Kind::name);
        world.sizes.extend(size::of(&definition.whole).map(|size| (name.to_owned(), size)));
        let whole = definition.whole.clone();
        let published = task::definition(&mut definition.fields(), &whole, &mut workload, world);
        if workload.containers.is_empty() {
            let why = "the task definition that it runs has no containers with names of their own";
            return runner.finish_whole(why, Fate::Lost, world);
        }
        let mut is_read = true;
        match runner.kind {
            Some(Kind::Task) => jobs::run(&mut runner.fields(), &mut workload),
            Some(Kind::Schedule) => {
                is_read = jobs::schedule(&mut runner.fields(), &mut workload);
                if !is_read {
                    workload.mode = Mode::Job;
                }
            }
            _ => {
                service::expose_nodes(&mut workload, &published);
                service::service(&mut runner.fields(), (name, &mut workload), &published, world);
            }
        }
        // Several may run one definition: its fields are accounted for once.
        let is_first = done.insert(at, name.to_owned()).is_none();
        let mut silent = World::default();
        let heard = if is_first { &mut *world } else { &mut silent };
        let patch = definition.finish_with_patch(&document, "TaskDefinition", heard);
        world::add_patch(&mut workload, "TaskDefinition", patch);
        if is_read {
            let patch = runner.finish_with_patch(&document, kind, world);
            world::add_patch(&mut workload, kind, patch);
        } else {
            let why =
                "crontab has no words for its expression, so that the workload is a job without a clock";
            runner.finish_whole(why, Fate::Lost, world);
        }
        world.app.workloads.insert(name.to_owned(), workload);
    }
}

/// A logical name without the hash that the CDK ends it with: `WebService` of `WebService9571FDD8`.
fn without_hash(name: &str) -> &str {
    let is_hash = |end: &str| end.bytes().all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte));
    let at = name.len().saturating_sub(8);
    match (name.get(..at), name.get(at..)) {
        (Some(stem), Some(end)) if !stem.is_empty() && is_hash(end) => stem,
        _ => name,
    }
}

/// Reads a task definition that nothing runs.
fn alone(mut definition: Document, name: &str, world: &mut World) {
    let document = Word::Workload.path(name);
    let mut workload = Workload { mode: Mode::Replicated, ..Workload::default() };
    let whole = definition.whole.clone();
    let published = task::definition(&mut definition.fields(), &whole, &mut workload, world);
    if workload.containers.is_empty() {
        return definition.again().finish_whole(
            "it has no containers with names of their own",
            Fate::Lost,
            world,
        );
    }
    service::expose_nodes(&mut workload, &published);
    let patch = definition.finish_with_patch(&document, "TaskDefinition", world);
    world::add_patch(&mut workload, "TaskDefinition", patch);
    world.app.workloads.insert(name.to_owned(), workload);
}
