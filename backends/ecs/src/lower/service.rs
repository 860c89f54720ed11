//! What runs a workload, with everything that belongs to it.

use rhumb_backend::{After, Object, Until, reference};
use rhumb_spec::model::{Mode, RestartPolicy};
use rhumb_spec::{Diagnostic, Feature};
use serde_json::{Value, json};

use super::body::Body;
use super::tags::Tags;
use super::{
    Context, Report, Site, balancer, discovery, exists, job, network, patches, placement, rollout, scale,
    tagged, task,
};
use crate::kind::Kind;
use crate::names;

/// The objects of a workload: what its names and ports rest on, its task definition, what runs it, and what scales that.
pub(super) fn objects(context: &Context<'_>, site: &Site<'_>, report: &mut Report) -> Vec<Object> {
    refuse_modes(site, report);
    let definition = task::definition(context, site, report);
    let mut found: Vec<Object> = discovery::object(context, site, report).into_iter().collect();
    found.extend(balancer::objects(context, site, report));
    found.push(definition.object);
    match site.workload.mode {
        Mode::Job => found.push(job::run(context, site, definition.volumes, report)),
        Mode::Cron => found.push(job::schedule(context, site, report)),
        Mode::Replicated | Mode::Global | Mode::Stateful => {
            found.push(service(context, site, definition.volumes, report));
            found.extend(scale::objects(context, site, report));
        }
    }
    patches::apply(context, site, &mut found, report);
    seal(context, site, found, report)
}

/// Names the task definition and the run by their content, once nothing more is changed in them.
fn seal(context: &Context<'_>, site: &Site<'_>, objects: Vec<Object>, report: &mut Report) -> Vec<Object> {
    let mut definition = String::new();
    let seal = |object: Object| match Kind::of(&object.id) {
        Some(Kind::TaskDefinition) => {
            let object = task::seal(context, site, object, report);
            definition = object.generation.clone().unwrap_or_default();
            object
        }
        Some(Kind::Task) => job::seal(context, site, &definition, object),
        _ => object,
    };
    objects.into_iter().map(seal).collect()
}

fn refuse_modes(site: &Site<'_>, report: &mut Report) {
    let restart = site.workload.restart.as_ref().map(|restart| restart.policy);
    if site.is_service() && restart.is_some_and(|policy| policy != RestartPolicy::Always) {
        report.refuse(
            Diagnostic::error(site.at("restart.policy"), "a task of a service cannot be left ended")
                .why("a service starts another task for each that ends")
                .remedy("`mode: job` for what runs to its end; else `policy: always`"),
        );
    }
    if !site.is_service() && site.workload.containers.len() > 1 {
        let text = "the first container says when the job has ended; the others are stopped with it";
        report.lose(Feature::Sidecars, site.at("containers"), text);
    }
    if !site.is_service() && site.workload.short_names {
        report.refuse(
            Diagnostic::error(site.at("shortNames"), "a job does not reach siblings by their bare names")
                .why("Service Connect has a proxy beside the tasks of services only")
                .remedy("variables with `address`, which names siblings in full"),
        );
    }
}

/// The service of a workload. Where tasks follow the load its first number is the fewest, and autoscaling's from then on.
///
/// Source: Amazon ECS API reference, `CreateService`.
fn service(context: &Context<'_>, site: &Site<'_>, volumes: Vec<Value>, report: &mut Report) -> Object {
    let id = Kind::Service.id(site.name);
    let is_daemon = site.workload.mode == Mode::Global;
    let balanced = balancer::of_service(context, site, report);
    let mut body = Body::new();
    body.set("cluster", context.facts.cluster.clone())
        .set("serviceName", names::native(context.scope, site.name, names::NAME_LIMIT))
        .set("taskDefinition", reference::reference(&Kind::TaskDefinition.id(site.name), "arn"))
        .set_filled("loadBalancers", balanced.groups)
        .set_some("serviceRegistries", discovery::registries(context, site));
    if !is_daemon {
        body.set("desiredCount", desired(site));
    }
    if is_daemon {
        // Capacity providers place a number of tasks, and a DAEMON service has none.
        body.set("launchType", "EC2");
    } else {
        set_capacity(context, &mut body);
    }
    body.set("deploymentConfiguration", rollout::configuration(context, site, report));
    placement::set(context, site, &mut body, report);
    if !is_rebalanced(&body) {
        body.set("availabilityZoneRebalancing", "DISABLED");
    }
    body.set_some("networkConfiguration", network::configuration(context, site, report))
        .set_some("healthCheckGracePeriodSeconds", balanced.grace)
        .set("schedulingStrategy", if is_daemon { "DAEMON" } else { "REPLICA" })
        .set("enableECSManagedTags", true)
        .set("propagateTags", "SERVICE")
        .set_true("enableExecuteCommand", task::role(context, site).is_some())
        .set_some("serviceConnectConfiguration", discovery::connect(context, site, report))
        .set_filled("volumeConfigurations", volumes);
    let tags = Tags::of(context.scope, &id).with(names::WORKLOAD, site.name).below(&site.workload.labels);
    let object = tagged(id, body, &tags);
    let mut after = after(context, site);
    after.extend(balanced.after);
    Object {
        after,
        workload: Some(site.name.to_owned()),
        sequence: context.checked.ordinal(site.name).cloned(),
        ..object
    }
}

/// Whether ECS may move tasks from zone to zone, as it does by default: it starts another one first, and spreads over
/// zones before all else.
///
/// Source: Amazon ECS developer guide, "Balancing an Amazon ECS service across Availability Zones".
fn is_rebalanced(body: &Body) -> bool {
    let most = body.get("deploymentConfiguration").and_then(|rollout| rollout.get("maximumPercent"));
    let has_room = most.and_then(Value::as_u64).is_none_or(|most| most > 100);
    let items = |list: &str| body.get(list).and_then(Value::as_array).cloned().unwrap_or_default();
    let names_zone = |constraint: &Value| {
        constraint["expression"].as_str().is_some_and(|text| text.contains(placement::ZONE))
    };
    let spreads = items("placementStrategy").first().is_none_or(|first| first["field"] == placement::ZONE);
    has_room && spreads && !items("placementConstraints").iter().any(names_zone)
}

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
