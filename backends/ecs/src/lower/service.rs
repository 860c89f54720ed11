//! What keeps a workload running.

use rhumb_backend::{After, Object, Until, reference};
use rhumb_spec::model::Mode;
use serde_json::{Value, json};

use super::body::Body;
use super::tags::Tags;
use super::{Context, Report, Site, discovery, exists, network, rollout, task};
use crate::kind::Kind;
use crate::names;

/// The objects of a workload: its task definition, and the service that runs it.
pub(super) fn objects(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Vec<Object> {
    let definition = task::definition(context, site, report);
    let service = service(context, site, definition.volumes, report);
    vec![task::seal(context, site, definition.object, report), service]
}

/// The service of a workload.
///
/// Source: Amazon ECS API reference, `CreateService`.
fn service(context: &Context<'_>, site: &Site<'_>, volumes: Vec<Value>, report: &mut Report) -> Object {
    let facts = context.facts;
    let id = Kind::Service.id(site.name);
    let is_daemon = site.workload.mode == Mode::Global;
    let mut body = Body::new();
    body.set("cluster", facts.cluster.clone())
        .set("serviceName", names::native(context.scope, site.name, names::NAME_LIMIT))
        .set("taskDefinition", reference::reference(&Kind::TaskDefinition.id(site.name), "arn"))
        .set_some("serviceRegistries", discovery::registries(context, site));
    if !is_daemon {
        body.set("desiredCount", desired(site));
    }
    set_capacity(context, &mut body);
    body.set("deploymentConfiguration", rollout::configuration(site, report))
        .set_some("networkConfiguration", network::configuration(context, site, report))
        .set("schedulingStrategy", if is_daemon { "DAEMON" } else { "REPLICA" })
        .set("enableECSManagedTags", true)
        .set("propagateTags", "SERVICE")
        .set_true("enableExecuteCommand", task::role(context, site).is_some())
        .set_some("serviceConnectConfiguration", discovery::connect(context, site))
        .set_filled("volumeConfigurations", volumes);
    let tags = Tags::of(context.scope, &id).with(names::WORKLOAD, site.name).below(&site.workload.labels);
    let object = context.tagged(id, body, &tags);
    Object {
        after: after(context, site),
        workload: Some(site.name.to_owned()),
        sequence: context.checked.ordinal(site.name).cloned(),
        ..object
    }
}

/// The number of tasks at first. Where they follow the load it is the fewest, and autoscaling's from then on.
fn desired(site: &Site<'_>) -> u32 {
    let fewest = site.workload.autoscale.as_ref().map(|autoscale| autoscale.min);
    fewest.or(site.workload.replicas).unwrap_or(1)
}

/// Sets what runs tasks: a launch type, or capacity providers in its place.
pub(super) fn set_capacity(context: &Context<'_>, body: &mut Body) {
    let facts = context.facts;
    if facts.capacity_providers.is_empty() {
        body.set("launchType", if facts.is_fargate() { "FARGATE" } else { "EC2" });
        return;
    }
    let strategy: Vec<Value> = facts
        .capacity_providers
        .iter()
        .map(|(name, weight)| json!({ "capacityProvider": name, "weight": weight }))
        .collect();
    body.set("capacityProviderStrategy", strategy);
}

fn after(context: &Context<'_>, site: &Site<'_>) -> Vec<After> {
    let waits = |name: &String| context.runner(name).map(|id| After { id, until: Until::Ready });
    let mut found: Vec<After> = site.workload.depends_on.iter().filter_map(waits).collect();
    found.extend(discovery::registry(context, site).map(exists));
    found
}
