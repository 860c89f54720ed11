//! From manifests and live objects back to an app.
//!
//! Nothing here needs our own marks: what kubectl, Helm or an operator's own hands made is read in the same way. Every
//! field meets one of four fates, and all of them are told (see [`rhumb_backend::Account`]):
//! - it is a neutral field of the app;
//! - it is kept for Kubernetes only, as a patch of what its workload becomes (`on.kubernetes.KIND`) or in a document
//!   that is passed through: lowered again, it is there again;
//! - it says nothing of the user's: the server wrote it, or would take it anyway;
//! - it is lost, and a note says why.

mod container;
mod defaults;
mod document;
mod environment;
mod files;
mod gateway;
mod host_port;
mod labels;
mod mounts;
mod naming;
mod native;
mod network;
mod placement;
mod pod;
mod probes;
mod route;
mod scale;
mod service;
mod volume;
mod workload;
mod world;

use std::collections::BTreeMap;

use rhumb_backend::{Fate, Lifted, Object, Ownership};
use rhumb_spec::model::{Discovery, Mode};
use serde_json::{Map, Value};

use crate::names;
use document::Document;
use naming::{Names, document_of};
use service::{Part, Parts, Runner};
use workload::{RUNNERS, Read};
use world::World;

/// Why an object of a kind without a neutral word is passed through.
const NO_WORD: &str = "the app has no word for its kind, so it is passed through";
/// Why an object of a known kind is passed through.
const TOO_MUCH: &str = "it says what the app has no words for, so it is passed through";

/// Turns manifests into an app, with an account of what became of every field.
///
/// A service is part of the workload whose pods it selects, and the workload bears its name: that is how siblings reach
/// it on every platform. Autoscalers, budgets and ingresses are parts of what they point at. Labels of pods stay, so
/// that documents which are passed through go on selecting them; selectors themselves are the release's own.
///
/// An app that was lowered comes back with these differences: addresses as text, aliases of networks with the services
/// that they became, priorities among affinities equal.
pub fn lift(objects: &[Object]) -> Lifted {
    let mut world = World::default();
    let home = home(objects.iter().map(|object| &object.body));
    let mut documents = Vec::new();
    for object in objects {
        let document = Document::new(object);
        if let Some(why) = made_by_another(&document.whole) {
            document.finish_own(&why, Fate::Own, &mut world);
        } else {
            documents.push(document);
        }
    }
    let (documents, strangers): (Vec<_>, Vec<_>) =
        documents.into_iter().partition(|document| is_home(document, &home));
    Lift { home, documents, natives: Names::default(), routes: Names::default() }.run(strangers, world)
}

/// The namespace of most objects; empty where they name none.
pub(crate) fn home<'a>(bodies: impl Iterator<Item = &'a Value>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for body in bodies {
        let namespace = body.pointer("/metadata/namespace").and_then(Value::as_str);
        *counts.entry(namespace.unwrap_or_default()).or_default() += 1;
    }
    counts.remove("");
    let most = counts.into_iter().max_by_key(|(name, count)| (*count, std::cmp::Reverse(*name)));
    most.map(|(name, _)| name.to_owned()).unwrap_or_default()
}

fn is_home(document: &Document, home: &str) -> bool {
    document.text_at("/metadata/namespace").is_none_or(|namespace| namespace == home)
}

/// Whose an object is that something else makes and removes.
fn made_by_another(whole: &Value) -> Option<String> {
    let owners = whole.pointer("/metadata/ownerReferences").and_then(Value::as_array)?;
    let owner = owners.iter().find(|owner| owner.get("controller") == Some(&Value::Bool(true)))?;
    let text = |key: &str| owner.get(key).and_then(Value::as_str).unwrap_or_default();
    Some(format!("{} {} makes it", text("kind"), text("name")))
}

struct Lift {
    home: String,
    documents: Vec<Document>,
    natives: Names,
    routes: Names,
}

impl Lift {
    fn run(mut self, strangers: Vec<Document>, mut world: World) -> Lifted {
        files::name(&self.documents, &mut world);
        volume::name(&self.documents, &mut world);
        let mut runners = self.runners();
        let parts = service::parts(&self.documents, &runners);
        self.name_workloads(&mut runners, &parts, &mut world);
        let governing = self.governing(&runners, &parts);
        let documents: Placed = std::mem::take(&mut self.documents).into_iter().enumerate().collect();
        let (data, documents) = split(documents, &["configmap", "secret", "persistentvolumeclaim"]);
        let mut rest = Vec::new();
        for (_, document) in data {
            match document.word.as_str() {
                "configmap" => files::config(document, &mut world),
                "secret" => files::secret(document, &mut world),
                _ => rest.extend(volume::claim(document, &mut world)),
            }
        }
        let (found, documents) = split(documents, &RUNNERS);
        let mut reads: Vec<Read> = Vec::new();
        for (at, document) in found {
            let place = runners.iter().position(|runner| runner.index == at).unwrap_or_default();
            let name = runners[place].workload.clone();
            reads.push(workload::read(document, name, (&&runners[..], &governing[place]), &mut world));
        }
        let (services, documents) = split(documents, &["service"]);
        rest.extend(Self::services(services, (&runners, &parts), &mut reads, &mut world));
        host_ports(&mut reads, (&runners, &parts), &rest);
        let scaled = scale::targets(&reads);
        for read in reads {
            workload::finish(read, &mut world);
        }
        for (_, document) in documents {
            rest.extend(self.other(document, (&runners, &scaled), &mut world));
        }
        for document in rest {
            self.pass(document, TOO_MUCH, &runners, &mut world);
        }
        for document in strangers {
            self.pass(
                document,
                "it lies in another namespace, so it is passed through",
                &runners,
                &mut world,
            );
        }
        finish(world)
    }

    fn pass(&mut self, document: Document, why: &str, runners: &[Runner], world: &mut World) {
        native::pass(document, (why, &self.home), runners, &mut self.natives, world);
    }

    /// What runs pods, under the names of its own.
    fn runners(&self) -> Vec<Runner> {
        let found = self
            .documents
            .iter()
            .enumerate()
            .filter(|(_, document)| RUNNERS.contains(&document.word.as_str()));
        let of = |(index, document): (usize, &Document)| Runner {
            index,
            labels: workload::pod_labels(document),
            workload: String::new(),
        };
        found.map(of).collect()
    }

    /// Names each workload: by the service that leads to it, else as what runs it is called.
    fn name_workloads(&self, runners: &mut [Runner], parts: &Parts, world: &mut World) {
        let own: BTreeMap<usize, usize> = parts
            .iter()
            .filter(|(_, (_, part))| *part == Part::Own)
            .map(|(at, (place, _))| (*place, *at))
            .collect();
        // Those with a service come first: their names are what siblings know.
        let mut order: Vec<usize> = (0..runners.len()).collect();
        order.sort_by_key(|place| !own.contains_key(place));
        for place in order {
            let document = &self.documents[runners[place].index];
            let wanted = match own.get(&place) {
                Some(service) => self.documents[*service].name.as_str(),
                None => document_of(&document.whole, &document.name),
            };
            runners[place].workload = world.workloads.add(document.id.as_str(), wanted);
            let mut hints = Vec::new();
            for (at, _) in parts.iter().filter(|(_, (other, _))| *other == place) {
                service::hints(&self.documents[*at], &mut hints);
            }
            world.port_hints.insert(document.id.to_string(), hints);
        }
    }

    /// For each of what runs pods, the service by which a stateful set gives its replicas names.
    fn governing(&self, runners: &[Runner], parts: &Parts) -> Vec<String> {
        let of = |(place, runner): (usize, &Runner)| {
            let own = parts.iter().find(|(_, (other, part))| *other == place && *part == Part::Own);
            let own = own.map(|(at, _)| &self.documents[*at].whole);
            let has_address = own.is_some_and(|service| {
                let shown = service.pointer("/spec/ports").and_then(Value::as_array);
                service.pointer("/spec/clusterIP") != Some(&Value::from("None"))
                    && shown.is_some_and(|shown| !shown.is_empty())
            });
            if has_address { names::headless_name(&runner.workload) } else { runner.workload.clone() }
        };
        runners.iter().enumerate().map(of).collect()
    }

    /// Reads what services show, and gives back those that belong to no workload.
    fn services(
        mut services: Placed,
        (runners, parts): (&[Runner], &Parts),
        reads: &mut [Read],
        world: &mut World,
    ) -> Vec<Document> {
        let mut rest = Vec::new();
        // What is reached in another way is said of a port that the workload's own service shows.
        let rank = |(at, _): &(usize, Document)| parts.get(at).map(|(_, part)| *part as u8);
        services.sort_by_key(rank);
        for (at, document) in services {
            let found = parts.get(&at).and_then(|(place, part)| {
                let name = &runners[*place].workload;
                Some((reads.iter_mut().find(|read| read.name == *name)?, name, part))
            });
            let Some((read, name, part)) = found else {
                rest.push(document);
                continue;
            };
            if *part == Part::Alias {
                let alias = document.name.clone();
                match read.workload.networks.values_mut().next() {
                    Some(attachment) => {
                        attachment.aliases.push(alias);
                        document.finish_own(
                            "a release makes it for a further name of the workload",
                            Fate::Own,
                            world,
                        );
                    }
                    None => rest.push(document),
                }
                continue;
            }
            let into = (&mut read.workload, &mut read.listens);
            if let Some(patch) = service::lift(document, (name, *part), into, world) {
                workload::add_patch(&mut read.workload, "Service", patch);
            }
        }
        for read in reads {
            // A stateful set's name leads to its replicas where nothing else is said.
            let is_bare = read.workload.expose.is_empty() && read.workload.mode == Mode::Stateful;
            if is_bare && read.workload.discovery == Discovery::Dns {
                read.workload.discovery = Discovery::VirtualIp;
            }
        }
        rest
    }

    fn other(
        &mut self,
        document: Document,
        (runners, scaled): (&[Runner], &BTreeMap<String, String>),
        world: &mut World,
    ) -> Option<Document> {
        match document.word.as_str() {
            "ingress" => route::lift(document, &mut self.routes, world),
            "httproute" => gateway::lift(document, &mut self.routes, world),
            "horizontalpodautoscaler" => scale::autoscaler(document, scaled, world),
            "poddisruptionbudget" => scale::budget(document, runners, world),
            "networkpolicy" => network::lift(document, world),
            "serviceaccount" if document.ownership == Ownership::External => {
                document.finish_own("a workload names it, and it must be there", Fate::Own, world);
                None
            }
            "persistentvolume" => {
                let document = volume::object(document, world)?;
                self.pass(document, NO_WORD, runners, world);
                None
            }
            "namespace" if document.name == self.home => {
                let why = "the release's namespace takes its place; --create-namespace makes it";
                document.finish_lost(why, world);
                None
            }
            "event"
            | "event.events.k8s.io"
            | "endpoints"
            | "endpointslice"
            | "lease"
            | "controllerrevision.apps"
            | "node" => {
                document.finish_own("the cluster makes it", Fate::Own, world);
                None
            }
            _ => {
                self.pass(document, NO_WORD, runners, world);
                None
            }
        }
    }
}

/// Reads the ports of nodes, once it is known which services lead to what takes them.
fn host_ports(reads: &mut [Read], (runners, parts): (&[Runner], &Parts), rest: &[Document]) {
    let own = parts.values().filter(|(_, part)| *part == Part::Own);
    let services = host_port::Services {
        own: own.map(|(place, _)| runners[*place].workload.as_str()).collect(),
        others: rest.iter().filter(|other| other.word == "service").map(|other| other.name.clone()).collect(),
    };
    for read in reads {
        let named = services.named(&read.name);
        host_port::lift(read, named);
    }
}

impl placement::Selected for &[Runner] {
    fn workload(&self, labels: &Map<String, Value>) -> Option<String> {
        service::only(self, labels).map(|runner| runner.workload.clone())
    }
}

/// Documents, and their places among all.
type Placed = Vec<(usize, Document)>;

fn split(documents: Placed, words: &[&str]) -> (Placed, Placed) {
    documents.into_iter().partition(|(_, document)| words.contains(&document.word.as_str()))
}

/// Keeps the names of what patches and other documents refer to, which nobody would write anew.
fn finish(mut world: World) -> Lifted {
    let mut texts = Vec::new();
    for workload in world.app.workloads.values() {
        workload.on.values().flat_map(BTreeMap::values).for_each(|patch| files::texts_in(patch, &mut texts));
    }
    world.app.natives.values().for_each(|native| files::texts_in(&native.manifest, &mut texts));
    files::keep_names(&mut world, &texts);
    Lifted { app: world.app, notes: world.notes, accounts: world.accounts }
}
