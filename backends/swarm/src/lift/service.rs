//! A service, as a workload.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use rhumb_backend::material::Demand;
use rhumb_backend::{Lifted, Object};
use rhumb_spec::Diagnostic;
use rhumb_spec::model::{Mode, Workload};

use super::container::Outer;
use super::fields::{Fields, Reads};
use super::naming::{Names, document_name, without_stack};
use super::route::Routed;
use super::{container, network, placement, ports, rollout};
use crate::lower::REGISTRY_AUTH;
use crate::names;

/// Adds the workload of a service to the app.
///
/// Answers whether ports are known: Swarm itself knows those only that it publishes.
pub(super) fn lift(object: &Object, names: &Names, reads: &Reads, lifted: &mut Lifted) -> Ports {
    let path = object.id.as_str();
    let mut fields = Fields::new(Some(object.body.clone()), path, reads);
    let native = fields.text("Name").unwrap_or_else(|| object.id.name().to_owned());
    let name = document_name(without_stack(&object.body, &native));
    let mut labels: BTreeMap<String, String> = fields.map("Labels");
    let stack = labels.get(names::STACK).cloned();
    let image = labels.get(names::STACK_IMAGE).cloned();
    labels.retain(|key, _| !names::is_mark(key));
    let routed = Routed::take(&mut labels);

    let mut workload = Workload::default();
    rollout::mode(&mut fields, &mut workload, lifted);
    rollout::cron(&mut labels, &mut workload);
    let mut ports = IndexMap::new();
    let (mut expose, discovery) = ports::endpoint(&mut fields, &mut ports, lifted);
    let mut task = fields.below("TaskTemplate");
    task.ignore(&["ForceUpdate", "Runtime"]);
    let (mut container, outer) =
        container::container(&mut task, (image, stack.as_deref(), names), ports, lifted);
    rollout::restart(&mut task, &mut workload, lifted);
    workload.placement = placement::placement(&mut task, container::has_volumes(&container), lifted);
    workload.networks = network::attachments(&mut task, (&name, names), routed.network.as_deref(), lifted);
    workload.update = rollout::update(&mut fields, lifted);
    workload.discovery = discovery;
    routed.lift((&name, stack.as_deref(), path), (&mut container.ports, &mut expose), lifted);
    workload.expose = expose;
    workload.depends_on = dependencies(object, names);
    workload.pull_secret = pull_secret(&mut fields, lifted);
    set_outer(&mut workload, outer, labels);
    let is_server = !matches!(workload.mode, Mode::Job | Mode::Cron);
    let known = if is_server && container.ports.is_empty() { Ports::Unknown } else { Ports::Known };
    workload.containers = IndexMap::from([(name.clone(), container)]);
    task.tell(&mut lifted.notes);
    fields.tell(&mut lifted.notes);
    lifted.app.workloads.insert(name, workload);
    known
}

/// Whether the ports that a service listens on are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ports {
    Known,
    Unknown,
}

/// Labels that containers bear are labels; those of the service alone are annotations.
fn set_outer(workload: &mut Workload, outer: Outer, service: BTreeMap<String, String>) {
    workload.labels = outer.labels.into_iter().filter(|(key, _)| !names::is_mark(key)).collect();
    workload.annotations =
        service.into_iter().filter(|(key, _)| !workload.labels.contains_key(key)).collect();
    workload.hostname = outer.hostname;
    workload.dns = outer.dns;
    workload.extra_hosts = outer.hosts;
}

fn dependencies(object: &Object, names: &Names) -> Vec<String> {
    object.after.iter().filter_map(|after| names.service(after.id.as_str())).cloned().collect()
}

/// The secret whose material is asked for as the registry's credentials.
fn pull_secret(fields: &mut Fields, lifted: &Lifted) -> Option<String> {
    let demand = Demand::parse(&fields.take(REGISTRY_AUTH)?)?;
    let Demand::Sealed(id) = demand else { return None };
    let secrets = lifted.app.secrets.iter();
    secrets
        .filter(|(_, secret)| secret.data.values().any(|sealed| sealed.id() == id))
        .map(|(name, _)| name.clone())
        .next()
}

/// Swarm knows only the ports that it publishes. Elsewhere siblings need those that they use to be said.
pub(super) fn tell_of_ports(services: &[&str], lifted: &mut Lifted) {
    if let [_, ..] = services {
        let what = format!("no port is known of {}", services.join(", "));
        let remedy = "`ports` and `expose` for those that siblings use";
        lifted.notes.push(Diagnostic::warning("", what).remedy(remedy));
    }
}
